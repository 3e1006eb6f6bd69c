#!/usr/bin/env bash
# Shows Hongyan at work: builds the command `scrm` and lets a simulated company on a simulated WeCom come alive.
#
#   deploy/demo.sh [ARGUMENTS OF scrm demo]      for example: deploy/demo.sh --speed 20
#
# The first run compiles for about five minutes on two cores; later ones start within seconds, and go on where the last
# one stopped.
#
#   SCRM_DATA        the folder for all that it keeps: data/demo by default
#   SCRM_PROGRAMS    a folder with the built programs; by default they are built here
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

programs=${SCRM_PROGRAMS:-}

say() { echo "deploy/demo.sh: $*" >&2; }

build() {
    local quiet=(--quiet)
    command -v cargo >/dev/null || {
        say "cargo is missing; install Rust with rustup"
        exit 1
    }
    tests/install.sh build
    programs=${CARGO_TARGET_DIR:-target}/demo
    if [[ ! -x $programs/scrm ]]; then
        say "building Hongyan; the first time takes about five minutes on two cores"
        quiet=()
    fi
    cargo build "${quiet[@]}" --profile demo --locked -p scrm-standalone
}

[[ -n $programs ]] || build
exec "$programs/scrm" demo --data "${SCRM_DATA:-data/demo}" "$@"
