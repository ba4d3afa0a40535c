# SPDX-License-Identifier: MIT
# What bench/run and bench/pinned.sh have in common: results, and where they are kept. A line of either
# is "question side median least most".
# shellcheck shell=bash

# The machine, and who is asked on it.
about() {
    awk -F ': ' '/^model name/ { print $2; exit }' /proc/cpuinfo
    echo "$(nproc) CPUs, Linux $(uname -r)"
    ! command -v go >/dev/null || go version
    echo "lagoon $(git rev-parse --short HEAD 2>/dev/null || echo unversioned)"
}

# store RESULTS FILE ROUNDS: the results replace those of the same name, the others stay.
store() {
    local results=$1 file=$2 rounds=$3 saved
    saved=$(mktemp)
    {
        echo "# Medians of bench/run, echo, http and idle: question, side (of bench/run a letter of --sides),"
        echo "# median, least, most; nanoseconds, bytes, times or a share, and of echo and http how many per"
        echo "# second. The newest: $rounds rounds on $(date -u +%F)"
        about | sed 's/^/# /'
        awk 'FILENAME == ARGV[1] { print; seen[$1, $2] = 1; next }
            !/^#/ && !(($1, $2) in seen)' "$results" "$([ -f "$file" ] && echo "$file" || echo /dev/null)" |
            sort
    } >"$saved"
    mv "$saved" "$file"
    echo "stored in $file"
}

# lacks QUESTION SIDE FILE: whether it has no such line; then it is told.
lacks() {
    ! grep -qs "^$1 $2 " "$3" || return 1
    echo "$1: no line '$1 $2' in $3; --save stores it"
}
