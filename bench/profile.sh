#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a profile costs the programs that bench/timeline.sh asks, the sampler and what is written in
# the end included. OTHER is another build of the program: does a profile that is off cost anything?
#
# usage: bench/profile.sh [ROUNDS [OTHER]]
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/talk/compare.sh
compare "${1:-15}" "${2:-}" "--profile=$folder/run.pb.gz"
