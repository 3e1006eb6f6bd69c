#!/usr/bin/env bash
# Lets a storm of faults come over an installation while people arrive, and counts from outside what is left.
#
#   tests/faults.sh            a minute, as in the gate
#   tests/faults.sh --long     an hour, with release builds: 300,000 acknowledged arrivals, 300 faults; build nothing beside it
#
# The report is printed, and written to target/storm/SHAPE.json. It fails when anything acknowledged is lost or doubled.
#
#   --shape embedded|distributed   distributed by default; it starts servers of its own
#   --seed N                       the storm of this seed again
#   --seconds N  --rate N  --gap-ms N   how long, arrivals a second, the mean time between two faults
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    echo "tests/faults.sh: $*" >&2
    exit 2
}

shape=distributed profile=()
while [[ $# -gt 0 ]]; do
    case $1 in
    --long)
        profile=(--release)
        # 3600 s * 110 = 396,000 arrivals: some are not acknowledged while everything is down. A fifth of them in WeCom, which
        # bears 150,000 calls of a kind in an hour.
        export SCRM_STORM_SECONDS=${SCRM_STORM_SECONDS:-3600} SCRM_STORM_RATE=${SCRM_STORM_RATE:-110}
        export SCRM_STORM_GAP_MS=${SCRM_STORM_GAP_MS:-9000} SCRM_STORM_CONTACTS=${SCRM_STORM_CONTACTS:-20}
        shift
        continue
        ;;
    --shape | --seed | --seconds | --rate | --gap-ms) [[ $# -ge 2 ]] || fail "$1 needs a value" ;;
    *) fail "$1 is not known: see the head of this script" ;;
    esac
    case $1 in
    --shape) shape=$2 ;;
    --seed) export SCRM_STORM_SEED=$2 ;;
    --seconds) export SCRM_STORM_SECONDS=$2 ;;
    --rate) export SCRM_STORM_RATE=$2 ;;
    --gap-ms) export SCRM_STORM_GAP_MS=$2 ;;
    esac
    shift 2
done
[[ $shape == embedded || $shape == distributed ]] || fail "--shape is embedded or distributed"

mkdir -p target/storm
export SCRM_TEST_SHAPE=$shape SCRM_STORM_REPORT=$PWD/target/storm/$shape.json
# Of the whole workspace, both times: one package alone has other features, and all would be built again.
cargo build --locked "${profile[@]}" --workspace --bins
cargo test --locked "${profile[@]}" --workspace --test faults -- --exact --nocapture storm::a_storm_loses_and_doubles_nothing
