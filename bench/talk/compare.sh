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

median() {
    sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# compare ROUNDS OTHER OPTION: with and without an option of the program's, and, unless OTHER is
# empty, by another build without it.
compare() {
    local rounds=$1 other=$2 option=$3 question who i
    for question in pair stages work; do
        : >"$folder/off"
        : >"$folder/on"
        : >"$folder/other"
        for ((i = 0; i < rounds; i++)); do
            ask off "$here" "$talk/$question.lua"
            ask on "$here" "$option" "$talk/$question.lua"
            [ -z "$other" ] || ask other "$other" "$talk/$question.lua"
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
