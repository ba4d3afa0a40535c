# SPDX-License-Identifier: MIT
# Sourced: asks programs that talk over channels all the time what something costs them. CPU time of
# the whole process, with and without it, in turn, and the median of the ratios of the rounds.
talk=bench/talk
here=build/release/lagoon
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

ask() {
    local who=$1 program=$2
    shift 2
    "$program" "$@" >>"$folder/$who"
}

# quantile SHARE: of the numbers on standard input; the median is that of a half.
quantile() {
    sort -n | awk -v share="$1" '{ v[NR] = $1 } END { n = int(NR * share + 0.5); print v[n < 1 ? 1 : n] }'
}

median() { quantile 0.5; }

# How many values each program has: about half a second.
declare -A values=([pair]=1000000 [stages]=2000000 [work]=200000)

# compare ROUNDS OTHER OPTION: with and without an option of the program's, and, unless OTHER is
# empty, by another build without it.
compare() {
    local rounds=$1 other=$2 option=$3 question who i
    for question in pair stages work; do
        : >"$folder/off"
        : >"$folder/on"
        : >"$folder/other"
        for ((i = 0; i < rounds; i++)); do
            local words=("$talk/once.lua" "$question" "${values[$question]}")
            ask off "$here" "${words[@]}"
            ask on "$here" "$option" "${words[@]}"
            [ -z "$other" ] || ask other "$other" "${words[@]}"
        done
        for who in off on other; do
            [ -s "$folder/$who" ] || continue
            printf '%-14s min %7.0f  median %7.0f ns' "$question.$who" \
                "$(sort -n "$folder/$who" | head -n 1)" "$(median <"$folder/$who")"
            [ "$who" = off ] || printf '  to off, median %.3f' \
                "$(paste "$folder/$who" "$folder/off" | awk '{ print $1 / $2 }' | median)"
            echo
        done
    done
}

# within PROCESSES SPANS: what a timeline costs inside of the same process, span by span.
within() {
    local processes=$1 spans=$2 question i
    for question in pair stages work; do
        : >"$folder/ratios"
        for ((i = 0; i < processes; i++)); do
            ask ratios "$here" "$talk/within.lua" "$question" "$spans" "$folder/run.json"
        done
        printf '%-14s spans %d  quartiles %.3f  %.3f  %.3f\n' "$question" "$((processes * spans))" \
            "$(quantile 0.25 <"$folder/ratios")" "$(median <"$folder/ratios")" \
            "$(quantile 0.75 <"$folder/ratios")"
    done
}
