#!/usr/bin/env bash
# Runs the services as processes of their own, on PostgreSQL, RabbitMQ and Redis.
#
#   deploy/run-distributed.sh                     until Ctrl-C
#   deploy/run-distributed.sh demo [ARGUMENTS]    with a simulated company in front: the arguments of scrm demo
#
# For example, the same proof as in one process:  deploy/run-distributed.sh demo --once 200 --speed 50
#
# Where the servers are is said by the environment; those that it does not name are started privately, in the
# folder, and stopped at the end:
#
#   SCRM_DISTRIBUTED__DATABASE__URL   postgres://user:password@host/scrm_{service}
#   SCRM_DISTRIBUTED__BROKER__URL     amqp://user:password@host:5672/%2f
#   SCRM_DISTRIBUTED__CACHE__URL      redis://user:password@host:6379; beside servers of your own it may be left out
#   SCRM_DATA        the folder for configuration, keys and logs: data/distributed by default
#   SCRM_BASE_PORT   the first of the ports on which the services answer: 8090 by default
#   SCRM_PROGRAMS    a folder with the built programs; by default they are built here
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

readonly services=(ingest directory leads customers)
data=$(realpath --canonicalize-missing "${SCRM_DATA:-data/distributed}")
base=${SCRM_BASE_PORT:-8090}
programs=${SCRM_PROGRAMS:-}
patience=120 # seconds to wait for a service to become ready
declare -A pids=()

say() { echo "deploy/run-distributed.sh: $*" >&2; }

build() {
    [[ -z $programs ]] || return 0
    command -v cargo >/dev/null || {
        say "cargo is missing; install Rust with rustup"
        exit 1
    }
    tests/install.sh build
    local quiet=(--quiet)
    programs=${CARGO_TARGET_DIR:-target}/demo
    if [[ ! -x $programs/scrm-leads ]]; then
        say "building Hongyan; the first time takes about five minutes on two cores"
        quiet=()
    fi
    cargo build "${quiet[@]}" --profile demo --locked -p scrm-standalone "${services[@]/#/--package=scrm-}"
}

# Starts private servers for what the environment does not name.
find_servers() {
    if [[ -n ${SCRM_DISTRIBUTED__DATABASE__URL:-} && -n ${SCRM_DISTRIBUTED__BROKER__URL:-} ]]; then return; fi
    export SCRM_SERVICES_DIR=$data/servers SCRM_SERVICES_DURABLE=1
    servers_are_ours=yes
    tests/services.sh up >&2
    eval "$(tests/services.sh env)"
    export SCRM_DISTRIBUTED__DATABASE__URL=${SCRM_DISTRIBUTED__DATABASE__URL:-${SCRM_TEST_POSTGRES_URL%/*}/scrm_{service\}}
    export SCRM_DISTRIBUTED__BROKER__URL=${SCRM_DISTRIBUTED__BROKER__URL:-$SCRM_TEST_AMQP_URL}
    export SCRM_DISTRIBUTED__CACHE__URL=${SCRM_DISTRIBUTED__CACHE__URL:-$SCRM_TEST_REDIS_URL}
}

configure() {
    local port=$base service
    mkdir -p "$data"/{keys,log}
    [[ ! -e $data/scrm.toml ]] || return 0
    {
        echo "# Services as processes of their own; shared/process/process.default.toml explains every key."
        echo "[distributed]"
        echo "keys.installation = \"$data/keys/installation.keys\""
        echo "ingest.url = \"http://127.0.0.1:$((base + 1))\""
        echo "[media]"
        echo "url = \"file://$data/media\""
        for service in "${services[@]}"; do
            port=$((port + 1))
            echo "[$service]"
            echo "http.listen = \"127.0.0.1:$port\""
        done
    } >"$data/scrm.toml"
}

# Where a service answers, as configured.
address_of() {
    sed -n "/^\[$1\]/,/^\[/s/^http.listen = \"\(.*\)\"/\1/p" "$data/scrm.toml"
}

start() {
    local service=$1
    "$programs/scrm-$service" --config "$data/scrm.toml" >>"$data/log/$service.log" 2>&1 &
    pids[$service]=$!
}

wait_until_ready() {
    local service=$1 until=$((SECONDS + patience))
    until curl --silent --fail --max-time 5 "http://$(address_of "$service")/readyz" >/dev/null; do
        if ! kill -0 "${pids[$service]}" 2>/dev/null || [[ $SECONDS -ge $until ]]; then
            say "$service does not become ready; the end of $data/log/$service.log:"
            tail -n 20 "$data/log/$service.log" >&2
            exit 1
        fi
        sleep 0.1
    done
}

at_end() {
    local status=$?
    trap '' INT TERM
    for service in "${!pids[@]}"; do kill -TERM "${pids[$service]}" 2>/dev/null || true; done
    for service in "${!pids[@]}"; do
        wait "${pids[$service]}" 2>/dev/null && continue
        if [[ $status == 0 ]]; then
            say "$service did not end in order; its log is in $data/log"
            status=1
        fi
    done
    if [[ ${servers_are_ours:-no} == yes ]]; then tests/services.sh down >&2; fi
    exit "$status"
}

command=${1:-run}
shift || true
[[ $command == run || $command == demo ]] || {
    say "say demo, or nothing"
    exit 2
}
trap at_end EXIT
trap 'exit 130' INT TERM
build
find_servers
configure
"$programs/scrm" migrate --data "$data"
for service in "${services[@]}"; do start "$service"; done
for service in "${services[@]}"; do wait_until_ready "$service"; done
for service in "${services[@]}"; do say "$service is ready on http://$(address_of "$service")"; done

if [[ $command == demo ]]; then
    "$programs/scrm" demo --data "$data" "$@" &
    pids[demo]=$!
    status=0
    wait "${pids[demo]}" || status=$?
    unset "pids[demo]"
    exit "$status"
fi
wait -n "${pids[@]}" || true
say "a service has ended; its log is in $data/log"
exit 1
