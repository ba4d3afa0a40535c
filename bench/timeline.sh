#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a timeline costs a program that talks over channels all the time: CPU time of the whole
# process, the thread that writes included, with and without one, in turn, and the median of the
# ratios of the rounds. OTHER is another build of the program, asked as well: does a timeline that
# is off cost anything?
#
# usage: bench/timeline.sh [ROUNDS [OTHER]]
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-15}
other=${2:-}
here=build/release/lagoon
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/pair.lua" <<'LUA'
local lagoon = require "lagoon"
local n = 1000000
local there, back = lagoon.chan(), lagoon.chan()
lagoon.go(function() for v in there do back:send(v) end end)
local began = os.clock()
for i = 1, n do
    there:send(i)
    back:recv()
end
print((os.clock() - began) / n * 1e9)
LUA

cat >"$folder/stages.lua" <<'LUA'
local lagoon = require "lagoon"
local n = 2000000
local function stage(from)
    local to = lagoon.chan(16)
    lagoon.go(function()
        for v in from do to:send(v + 1) end
        to:close()
    end)
    return to
end
local first = lagoon.chan(16)
local last = stage(stage(stage(first)))
lagoon.go(function()
    for i = 1, n do first:send(i) end
    first:close()
end)
local began = os.clock()
for _ in last do end
print((os.clock() - began) / n * 1e9)
LUA

cat >"$folder/work.lua" <<'LUA'
local lagoon = require "lagoon"
local n = 200000
local jobs, results = lagoon.chan(8), lagoon.chan(8)
for _ = 1, 4 do
    lagoon.go(function()
        for v in jobs do
            local text = {}
            for i = 1, 20 do text[i] = v * i end
            results:send(#table.concat(text, ","))
        end
    end)
end
lagoon.go(function() for i = 1, n do jobs:send(i) end end)
local began = os.clock()
for _ = 1, n do results:recv() end
print((os.clock() - began) / n * 1e9)
LUA

ask() {
    local who=$1 program=$2
    shift 2
    "$program" "$@" >>"$folder/$who"
}

median() {
    sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

for question in pair stages work; do
    : >"$folder/off"
    : >"$folder/on"
    : >"$folder/other"
    for ((i = 0; i < rounds; i++)); do
        ask off "$here" "$folder/$question.lua"
        ask on "$here" "--trace=$folder/run.json" "$folder/$question.lua"
        [ -z "$other" ] || ask other "$other" "$folder/$question.lua"
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
