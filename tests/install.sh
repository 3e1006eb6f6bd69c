#!/usr/bin/env bash
# Installs what the gate needs and this machine lacks; does nothing, quickly, when all is there.
#
#   tests/install.sh            everything
#   tests/install.sh build      a C compiler (for the dependencies that are written in C)
#   tests/install.sh services   PostgreSQL, RabbitMQ and Redis, for tests/services.sh
#   tests/install.sh clients    Python with venv, and npm, for tests/clients/run.sh and scrm-bench install
#
# Debian and its relatives only; elsewhere it names what is missing. Rust itself comes from rustup.
set -euo pipefail

# Packages of what is missing from the given groups, one a line.
missing() {
    local group
    for group in "$@"; do
        case $group in
        build)
            command -v cc >/dev/null || echo build-essential
            ;;
        services)
            compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || echo postgresql
            compgen -G '/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server' >/dev/null || echo rabbitmq-server
            command -v redis-server >/dev/null || echo redis-server
            command -v curl >/dev/null || echo curl
            ;;
        clients)
            python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
            command -v npm >/dev/null || echo npm
            ;;
        *)
            echo "tests/install.sh: there is no group '$group': build, services, clients" >&2
            return 2
            ;;
        esac
    done
}

# Runs a command while packages may not start the services they bring: ours run on ports of their own.
without_autostart() {
    local policy=/usr/sbin/policy-rc.d status=0
    if [[ -e $policy ]]; then # containers often have one; it stays in charge
        "$@"
        return
    fi
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    "$@" || status=$?
    rm -f "$policy"
    return "$status"
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    local wait_for_others=(-o DPkg::Lock::Timeout=600)
    apt-get "${wait_for_others[@]}" update -q
    apt-get "${wait_for_others[@]}" install -q -y --no-install-recommends "$@"
}

[[ $# -gt 0 ]] || set -- build services clients
list=$(missing "$@")
[[ -n $list ]] || exit 0
mapfile -t packages <<<"$list"

if ! command -v apt-get >/dev/null; then
    echo "tests/install.sh: please install by hand, there is no apt here: ${packages[*]}" >&2
    exit 1
fi
if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null || {
        echo "tests/install.sh: please install as root: apt-get install ${packages[*]}" >&2
        exit 1
    }
    exec sudo -- bash "$0" "$@"
fi

echo "tests/install.sh: installing ${packages[*]}"
exec 9>/run/lock/scrm-install.lock # a second checkout waits here, then finds nothing missing
flock 9
list=$(missing "$@")
[[ -n $list ]] || exit 0
mapfile -t packages <<<"$list"
without_autostart install_packages "${packages[@]}"
