#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a timeline costs a program that talks over channels all the time, the thread that writes
# included. OTHER is another build of the program, asked as well: does a timeline that is off cost
# anything?
#
# usage: bench/timeline.sh [ROUNDS [OTHER]]
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/talk/compare.sh
compare "${1:-15}" "${2:-}" "--trace=$folder/run.json"
