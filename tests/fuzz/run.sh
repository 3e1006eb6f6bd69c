#!/usr/bin/env bash
# Searches for bytes from outside that break what must hold: libFuzzer, by cargo-fuzz, which is installed when it is missing.
#
#   tests/fuzz/run.sh [--seconds N] [--target door|event|webhook]
#
# A minute for each target by default. What was found interesting stays in target/fuzz/corpus, an input that breaks something in
# target/fuzz/found; then it fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

fail() {
    echo "tests/fuzz/run.sh: $*" >&2
    exit 2
}

seconds=60 targets=(door event webhook)
while [[ $# -gt 0 ]]; do
    [[ $# -ge 2 ]] || fail "$1 needs a value"
    case $1 in
    --seconds) seconds=$2 ;;
    --target) targets=("$2") ;;
    *) fail "$1 is not known: see the head of this script" ;;
    esac
    shift 2
done
[[ $seconds =~ ^[1-9][0-9]*$ ]] || fail "--seconds is a whole number, not '$seconds'"
for target in "${targets[@]}"; do
    [[ -f fuzz/targets/$target.rs ]] || fail "there is no target '$target'"
done

cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked
folder=$(cd ../.. && pwd)/target/fuzz
# The same Cargo.lock as the programs have, as far as they share libraries.
[[ -f fuzz/Cargo.lock ]] || cp ../../Cargo.lock fuzz/Cargo.lock
status=0
for target in "${targets[@]}"; do
    mkdir -p "$folder/corpus/$target" "$folder/found/$target"
    # Without a sanitizer it builds with the same Rust as everything else; there is no unsafe code of ours to sanitize.
    cargo fuzz run --sanitizer none --target-dir "$folder/build" "$target" "$folder/corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -artifact_prefix="$folder/found/$target/" -timeout=10 -rss_limit_mb=1024 -max_len=65536 || status=1
done
exit "$status"
