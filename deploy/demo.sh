#!/usr/bin/env bash
# Shows Hongyan at work: builds the command `scrm` and lets a simulated company on a simulated WeCom come alive.
#
#   deploy/demo.sh [ARGUMENTS OF scrm demo]      for example: deploy/demo.sh --speed 20
#
# The first run compiles for some minutes; later ones start within seconds.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v cargo >/dev/null || {
    echo "deploy/demo.sh: cargo is missing; install Rust with rustup" >&2
    exit 1
}
tests/install.sh build
if [[ ! -x target/demo/scrm ]]; then
    echo "Building Hongyan; the first time takes some minutes." >&2
fi
cargo build --quiet --profile demo --locked -p scrm-standalone
exec target/demo/scrm demo --data data/demo "$@"
