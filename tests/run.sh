#!/usr/bin/env bash
# The gate: everything that must hold before a change goes in, the same for people and for CI.
#
#   tests/run.sh
#
# It needs Rust (rustup takes the version from rust-toolchain.toml) and installs whatever else is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

shapes=(embedded distributed)
# Crates whose tests depend on the shape; the others run once, with the embedded shape.
shape_packages=(scrm-cache scrm-db scrm-mq scrm-testing scrm-directory scrm-ingest scrm-leads scrm-customers scrm-tests)

at_end() {
    local status=$?
    if [[ ${services_are_ours:-no} == yes ]]; then tests/services.sh down; fi
    [[ $status == 0 ]] || echo "tests/run.sh: failed at: ${title:-start}" >&2
}
trap at_end EXIT

step() {
    local started=$SECONDS
    title=$1
    shift
    echo "==> $title"
    "$@"
    echo "    $title: $((SECONDS - started)) s"
}

install_missing() {
    command -v cargo >/dev/null || {
        echo "tests/run.sh: cargo is missing; install Rust with rustup" >&2
        return 1
    }
    tests/install.sh build
}

# Runs the tests of some packages in one shape.
run_tests() {
    local shape=$1 profile=default
    shift
    if [[ ${CI:-} == true ]]; then profile=ci; fi
    if cargo nextest --version >/dev/null 2>&1; then
        SCRM_TEST_SHAPE=$shape cargo nextest run --locked --profile "$profile" "$@"
    else
        SCRM_TEST_SHAPE=$shape cargo test --locked --all-targets "$@"
    fi
}

# Runs the examples in the documentation of the crates that have any: to ask each of them takes minutes.
run_examples() {
    local file folder packages=()
    while read -r file; do
        folder=$(dirname "$file")
        until [[ -e $folder/Cargo.toml ]]; do folder=$(dirname "$folder"); done
        packages+=("--package=$(sed -n 's/^name = "\(.*\)"/\1/p' "$folder/Cargo.toml" | head -n 1)")
    done < <(grep --recursive --files-with-matches --extended-regexp '^\s*//[/!]\s*```' \
        --include='*.rs' proto shared services tests)
    [[ ${#packages[@]} == 0 ]] || cargo test --doc --locked --quiet "${packages[@]}"
}

run_distributed() {
    if ! tests/services.sh status >/dev/null 2>&1; then
        services_are_ours=yes # what ran before stays up
        tests/services.sh up
    fi
    eval "$(tests/services.sh env)"
    # nextest chooses among what was built for the whole workspace: other packages, other features, another build.
    if cargo nextest --version >/dev/null 2>&1; then
        local chosen
        printf -v chosen 'package(=%s) + ' "${shape_packages[@]}"
        run_tests distributed --workspace --filterset "${chosen% + }"
    else
        run_tests distributed "${shape_packages[@]/#/--package=}"
    fi
}

# The folder of the built programs.
programs() {
    cargo metadata --no-deps --format-version 1 | sed 's|.*"target_directory":"\([^"]*\)".*|\1/debug|'
}

# What a stranger would run, counted from outside: everything in one process, begun and gone on with, and the services
# as processes of their own.
run_processes() {
    local base folder
    base=$((30000 + RANDOM % 2000))
    folder=$(mktemp -d)
    cargo build --locked --workspace --bins # what the tests have built already
    for _ in begun again; do
        SCRM_PROGRAMS=$(programs) SCRM_DATA=$folder/demo \
            deploy/demo.sh --port 0 --sandbox-port 0 --once 40 --speed 40
    done
    SCRM_PROGRAMS=$(programs) SCRM_DATA=$folder SCRM_BASE_PORT=$base \
        deploy/run-distributed.sh demo --port 0 --sandbox-port 0 --once 200 --speed 50
    SCRM_SERVICES_DIR=$folder/servers tests/services.sh clean
    rm -rf "$folder"
}

# What others have written for WeCom, against the simulated one.
run_clients() {
    cargo build --locked --workspace --bins # what the tests have built already
    SCRM_PROGRAMS=$(programs) tests/clients/run.sh
}

step "install what is missing" install_missing
step "format" cargo fmt --all --check
step "clippy" cargo clippy --workspace --all-targets --locked -- -D warnings
step "documentation" env RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --locked
step "layers" cargo xtask layers
step "generated files" cargo xtask codegen --check
step "examples in the documentation" run_examples
for shape in "${shapes[@]}"; do
    case $shape in
    embedded) step "tests, embedded" run_tests embedded --workspace ;;
    distributed)
        step "tests, distributed" run_distributed
        step "what a stranger would run" run_processes
        step "published WeCom clients" run_clients
        ;;
    esac
done
echo "all is well after $SECONDS s"
