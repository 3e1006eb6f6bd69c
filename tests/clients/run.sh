#!/usr/bin/env bash
# Tries published WeCom clients, made by others and used as they are, against the simulated WeCom: calls and callbacks.
#
#   tests/clients/run.sh
#
# They are installed below target/clients. Where that is not possible it says so, and that is no failure: what it
# cannot install it cannot judge. SCRM_PROGRAMS names the folder of the built wecom-sandbox, target/debug by default.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

programs=${SCRM_PROGRAMS:-target/debug}
installed=$PWD/target/clients
folder=$(mktemp -d)

say() { echo "tests/clients/run.sh: $*" >&2; }

at_end() {
    if [[ -n ${sandbox:-} ]]; then
        kill -TERM "$sandbox" 2>/dev/null || true
        wait "$sandbox" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap at_end EXIT

install_python() {
    [[ -x $installed/python/bin/python ]] || python3 -m venv "$installed/python" || return 1
    "$installed/python/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
}

install_node() {
    mkdir -p "$installed/node"
    cp tests/clients/package.json "$installed/node/"
    npm install --prefix "$installed/node" --no-package-lock --no-audit --no-fund --loglevel error
}

# Runs a client without the proxies that installing may have needed: its calls go to the simulated WeCom only.
direct() {
    env -u http_proxy -u https_proxy -u HTTP_PROXY -u HTTPS_PROXY -u all_proxy -u ALL_PROXY "$@"
}

start_sandbox() {
    [[ -x $programs/wecom-sandbox ]] || {
        say "$programs/wecom-sandbox is not built: cargo build -p scrm-wecom-sandbox"
        exit 1
    }
    "$programs/wecom-sandbox" --port 0 --speed 0 --data "$folder/wecom" >"$folder/out" 2>"$folder/log" &
    sandbox=$!
    local until=$((SECONDS + 30))
    until address=$(sed -n 's/^wecom-sandbox listens on //p' "$folder/out") && [[ -n $address ]]; do
        if ! kill -0 "$sandbox" 2>/dev/null || [[ $SECONDS -ge $until ]]; then
            say "the simulated WeCom does not start:"
            cat "$folder/log" >&2
            exit 1
        fi
        sleep 0.05
    done
}

tests/install.sh clients >&2 || say "not everything that installing needs is here"
start_sandbox
if install_python >"$folder/pip" 2>&1; then
    direct "$installed/python/bin/python" tests/clients/client.py "$address"
else
    say "wechatpy (Python) cannot be installed here, so it is not tried: $(tail -n 1 "$folder/pip")"
fi
if install_node >"$folder/npm" 2>&1; then
    cp tests/clients/client.mjs "$installed/node/"
    direct node "$installed/node/client.mjs" "$address"
else
    say "wechat-work and @wecom/crypto (Node) cannot be installed here, so they are not tried: $(tail -n 1 "$folder/npm")"
fi
