# SPDX-License-Identifier: MIT
# What bench/echo and bench/http have in common: a server on core 0, the load on core 1, all sides in
# turns. They set `what`, `sizes` (how many connections), `sides`, `against` (whom to divide by), and
# two functions:
#   server SIDE                  prints the command of a server, which prints its port
#   load PORT CONNECTIONS MS     prints how many per second, and how many in all
# Results are kept as bench/run keeps its own; those of --cpu have ".cpu" behind the question, and it is
# them that --check wants of what is timed: other work on the machine changes the others.
# shellcheck shell=bash disable=SC2034,SC2154 # of the one who includes it

source bench/baseline.sh

build=build/release${LAGOON_BUILD_SUFFIX:-}
out=build/bench/$what
rounds=5
unit=/s
cpu=
suffix=
checked=.cpu # what --check looks for
ms=2000
save=
baseline=bench/baseline.txt
mode=run
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
        --cpu) cpu=1 unit="/s of CPU" suffix=.cpu ;;
        --save) save=$2 && shift ;;
        --baseline) baseline=$2 && shift ;;
        --check) mode=check ;;
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

# Median, least and most.
spread() { sort -g | awk '{ v[NR] = $1 } END { if (NR) print v[int((NR + 1) / 2)], v[1], v[NR] }'; }

# The median of what each round divides to, for its rounds are near each other in time.
ratio() { # side other size
    [ -s "$out/$2.$3" ] || return 0
    printf '  %5.2f x %s' \
        "$(paste "$out/$1.$3" "$out/$2.$3" | awk '{ print $1 / $2 }' | spread | cut -d ' ' -f 1)" "$2"
}

# Has each size what our sides once answered?
check() {
    local size side status=0
    for size in "${sizes[@]}"; do
        for side in "${sides[@]}"; do
            if [[ $side == @(native|lua)* ]] && lacks "$what-$size$checked" "$side" "$baseline"; then
                status=1
            fi
        done
    done
    return "$status"
}

# show QUESTION SIDE SIZE: its line, with what it was.
show() {
    local median least most then other
    read -r median least most < <(spread <"$out/$2.$3")
    echo "$1 $2 $median $least $most" >>"$out/results"
    printf '%s-%-5s %-13s %8.0f %s' "$what" "$3" "$2" "$median" "$unit"
    for other in "${against[@]}"; do
        [ "$2" = "$other" ] || ratio "$2" "$other" "$3"
    done
    then=$(awk -v q="$1" -v side="$2" '$1 == q && $2 == side { print $3 }' "$baseline" 2>/dev/null || true)
    [ -z "$then" ] || awk -v now="$median" -v then="$then" 'BEGIN { printf "  %5.2f x then", now / then }'
    echo
}

ask_all() {
    local size side i
    if [ "$mode" = check ]; then
        check
        return
    fi
    : >"$out/results"
    for size in "${sizes[@]}"; do
        rm -f "$out"/*."$size"
        for ((i = 0; i < rounds; i++)); do
            for side in "${sides[@]}"; do ask "$side" "$size" >>"$out/$side.$size"; done
        done
        for side in "${sides[@]}"; do show "$what-$size$suffix" "$side" "$size"; done
    done
    [ -z "$save" ] || store "$out/results" "$save" "$rounds"
}
