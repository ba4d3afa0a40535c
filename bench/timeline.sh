#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a timeline costs a program that talks over channels all the time, the thread that writes
# included: with and without one in turn, in the same process. With OTHER, another build of the
# program, processes are compared instead, and that one is asked as well: does a timeline that is off
# cost anything?
#
# usage: bench/timeline.sh [PROCESSES [SPANS]]
#        bench/timeline.sh ROUNDS OTHER
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/talk/compare.sh
case ${2:-} in
    "" | [0-9]*) within "${1:-5}" "${2:-10}" ;;
    *) compare "$1" "$2" "--trace=$folder/run.json" ;;
esac
