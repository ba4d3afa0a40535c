# SPDX-License-Identifier: MIT
# What bench/echo and bench/http have in common: a server on core 0, the load on core 1, all sides in
# turns. They set `what`, `sizes` (how many connections), `sides`, `against` (whom to divide by), and
# two functions:
#   server SIDE                  prints the command of a server, which prints its port
#   load PORT CONNECTIONS MS     prints how many per second, and how many in all
# shellcheck shell=bash disable=SC2034,SC2154 # of the one who includes it

build=build/release${LAGOON_BUILD_SUFFIX:-}
out=build/bench/$what
rounds=5
unit=/s
cpu=
ms=2000
luajit=$(command -v luajit || echo build/luajit/luajit)
LUA_CPATH="/usr/lib/$(gcc -print-multiarch)/lua/5.1/?.so;;"
LUA_PATH="/usr/share/lua/5.1/?.lua;;"
export LUA_CPATH LUA_PATH

options() {
    local given=()
    while [ $# -gt 0 ]; do
        case $1 in
        --rounds) rounds=$2 && shift ;;
        --ms) ms=$2 && shift ;;
        --sides) only=$2 && shift ;;
        --cpu) cpu=1 && unit="/s of CPU" ;;
        *) given+=("$1") ;;
        esac
        shift
    done
    [ ${#given[@]} -eq 0 ] || sizes=("${given[@]}")
}

has_module() { "$luajit" -e "require '$1'" 2>/dev/null; }

# with SIDE REASON COMMAND...: a side that is asked if the command succeeds.
with() {
    local side=$1 reason=$2
    shift 2
    [[ -z ${only:-} || ,$only, == *,$side,* ]] || return 0
    if "$@"; then
        sides+=("$side")
    else
        echo "bench/$what: $reason: goes on without"
    fi
}

compile() { # NAME SOURCE LIBRARY...
    local name=$1 source=$2
    shift 2
    ${CC:-gcc} -std=c11 -O2 -D_GNU_SOURCE -o "$out/$name" "$source" "$@"
}

compile_go() {
    command -v go >/dev/null && GO111MODULE=off go build -o "$out/go" "bench/go/$what/main.go"
}

# What a process has computed, in seconds.
computed() { # pid
    awk -v hertz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hertz }' "/proc/$1/stat"
}

# Runs a server and the load once.
ask() { # side connections
    local port pid before answer
    # shellcheck disable=SC2046 # a command with its words
    exec 3< <(LAGOON_PROCS=1 GOMAXPROCS=1 exec taskset -c 0 $(server "$1"))
    pid=$!
    read -r port <&3
    before=$(computed "$pid")
    read -ra answer < <(load "$port" "$2" "$ms")
    if [ -n "$cpu" ]; then
        echo "${answer[1]} $(computed "$pid") $before" | awk '{ print $1 / ($2 - $3) }'
    else
        echo "${answer[0]}"
    fi
    kill "$pid"
    wait "$pid" 2>/dev/null || true
    exec 3<&-
}

median() { sort -g | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)] }'; }

# The median of what each round divides to, for its rounds are near each other in time.
ratio() { # side other size
    [ -s "$out/$2.$3" ] || return 0
    printf '  %5.2f x %s' "$(paste "$out/$1.$3" "$out/$2.$3" | awk '{ print $1 / $2 }' | median)" "$2"
}

ask_all() {
    local size side other i
    for size in "${sizes[@]}"; do
        rm -f "$out"/*."$size"
        for ((i = 0; i < rounds; i++)); do
            for side in "${sides[@]}"; do ask "$side" "$size" >>"$out/$side.$size"; done
        done
        for side in "${sides[@]}"; do
            printf '%s-%-5s %-12s %8.0f %s' "$what" "$size" "$side" "$(median <"$out/$side.$size")" "$unit"
            for other in "${against[@]}"; do
                [ "$side" = "$other" ] || ratio "$side" "$other" "$size"
            done
            echo
        done
    done
}
