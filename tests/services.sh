#!/usr/bin/env bash
# PostgreSQL, RabbitMQ and Redis for the tests of this checkout alone: own ports, own folder, own pid files.
# Any number of checkouts run side by side, and nothing here touches what the machine itself runs.
#
#   tests/services.sh up      starts what does not run yet, and waits until it answers
#   tests/services.sh env     prints where they are:  eval "$(tests/services.sh env)"
#   tests/services.sh status  one line each; fails when one does not run
#   tests/services.sh down    stops them; the data stay
#   tests/services.sh clean   stops them and removes their folder
#
# `up`, `down` and `status` take names to touch only those: up postgres, down rabbitmq.
#
#   SCRM_SERVICES_DIR      the folder, .services in the checkout by default
#   SCRM_SERVICES_DURABLE  1: PostgreSQL syncs as in production; by default it does not, tests are faster so
#   SCRM_SERVICES_POSTGRES_CONNECTIONS   300 by default
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dir=$(realpath --canonicalize-missing "${SCRM_SERVICES_DIR:-$root/.services}")
readonly root dir
readonly all=(postgres redis rabbitmq)
readonly patience=60 # seconds to wait for a service to answer
readonly nobody=nobody # runs PostgreSQL when we are root, because PostgreSQL refuses root
cd / # a daemon keeps no folder busy, and `nobody` may not read the caller's

fail() {
    echo "tests/services.sh: $*" >&2
    exit 1
}

# --- ports and password: chosen once, then remembered -------------------------------------------------------

# A block of ports, from $base on, below the range that the kernel hands out to clients.
readonly lowest=20000 step=10 blocks=1200

set_ports() {
    base=$1
    postgres_port=$base
    redis_port=$((base + 1))
    amqp_port=$((base + 2))
    management_port=$((base + 3))
    distribution_port=$((base + 4))
    epmd_port=$((base + 5))
}

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

block_is_free() {
    local port
    for port in $(seq "$1" $(($1 + step - 1))); do
        if port_answers "$port"; then return 1; fi
    done
}

# Takes the remembered block, or a free one that begins the search at a place of this folder's own.
choose_ports() {
    if [[ -s $dir/ports ]]; then
        set_ports "$(<"$dir/ports")"
        if any_alive || block_is_free "$base"; then return; fi
        echo "another process took a port of ours; choosing others"
    fi
    local start try candidate
    start=$(printf %s "$dir" | cksum | cut -d' ' -f1)
    for try in $(seq 0 $((blocks - 1))); do
        candidate=$((lowest + (start + try) % blocks * step))
        if block_is_free "$candidate"; then
            echo "$candidate" >"$dir/ports"
            set_ports "$candidate"
            return
        fi
    done
    fail "no free block of ports from $lowest on"
}

# Loopback is shared by every user of the machine, hence a password.
choose_password() {
    [[ -s $dir/password ]] || (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$dir/password")
}

recall() {
    [[ -s $dir/ports && -s $dir/password ]] || fail "nothing was started in $dir yet: tests/services.sh up"
    set_ports "$(<"$dir/ports")"
    password=$(<"$dir/password")
}

# --- processes ----------------------------------------------------------------------------------------------

# When a process was born; fails when it is gone or only waits for its parent to notice.
birth() {
    local fields
    fields=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) || return 1
    [[ -n $fields && $fields != Z* ]] || return 1
    cut -d' ' -f20 <<<"$fields"
}

# The pid of a service that runs. The pid file also holds its birth: a pid alone may be another's by now.
pid_of() {
    local pid born
    read -r pid born 2>/dev/null <"$dir/$1.pid" || return 1
    [[ $(birth "$pid") == "$born" ]] && echo "$pid"
}

alive() { pid_of "$1" >/dev/null; }

any_alive() { alive postgres || alive redis || alive rabbitmq || alive epmd; }

# Starts a daemon that outlives this script. Every command given here becomes the daemon by `exec`, so that
# the pid noted is the daemon's own.
launch() {
    local name=$1 pid
    shift
    setsid "$@" </dev/null >"$dir/$name.log" 2>&1 9>&- &
    pid=$!
    echo "$pid $(birth "$pid")" >"$dir/$name.pid"
}

# Sends a signal, and waits until the process is gone; a stubborn one is killed.
stop() {
    local name=$1 signal=$2 pid try
    if pid=$(pid_of "$name"); then
        kill -s "$signal" "$pid" 2>/dev/null || true
        for try in $(seq 200); do
            alive "$name" || break
            if [[ $try == 200 ]]; then kill -s KILL "$pid" 2>/dev/null || true; fi
            sleep 0.1
        done
        echo "$name stopped"
    fi
    rm -f "$dir/$name.pid"
}

wait_for() {
    local name=$1 until=$((SECONDS + patience))
    until "${name}_answers"; do
        alive "$name" || give_up "$name" "ended while it started"
        [[ $SECONDS -lt $until ]] || give_up "$name" "does not answer after $patience s"
        sleep 0.1
    done
}

give_up() {
    echo "--- the end of $dir/$1.log" >&2
    tail -n 30 "$dir/$1.log" >&2
    fail "$1 $2"
}

# --- PostgreSQL ---------------------------------------------------------------------------------------------

postgres_program() {
    local found
    found=$(compgen -G "/usr/lib/postgresql/*/bin/$1" | sort -V | tail -n 1)
    echo "${found:-$1}"
}

unprivileged() {
    if [[ $EUID -eq 0 ]]; then
        setpriv --reuid="$nobody" --regid="$(id -g "$nobody")" --clear-groups -- "$@"
    else
        "$@"
    fi
}

# Makes the folder of the database. Where `nobody` may not go, as below /root, it lies in /var/tmp instead.
make_postgres_home() {
    local home=$dir/postgres
    [[ ! -d $home ]] || return 0
    rm -f "$home" # a link to a folder that is gone
    mkdir "$home"
    [[ $EUID -eq 0 ]] || return 0
    chown "$nobody" "$home"
    unprivileged test -w "$home" && return
    rmdir "$home"
    ln -s "$(mktemp -d /var/tmp/scrm-postgres.XXXXXX)" "$home"
    chown "$nobody" "$home/"
}

make_cluster() {
    local home
    home=$(realpath "$dir/postgres")
    [[ ! -d $home/data ]] || return 0
    rm -rf "$home/new"
    install -m 600 "$dir/password" "$home/password"
    if [[ $EUID -eq 0 ]]; then chown "$nobody" "$home/password"; fi
    unprivileged "$(postgres_program initdb)" --pgdata="$home/new" --username=scrm --pwfile="$home/password" \
        --auth=md5 --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$dir/initdb.log" 2>&1 || give_up initdb "failed"
    rm "$home/password"
    mv "$home/new" "$home/data"
}

# Waits for what a killed server left behind. Its pid file goes only then: PostgreSQL trusts the pid in it, and
# that may by now be a process that nobody has waited for, or another one altogether.
clear_remains() {
    local data=$1 try
    for try in $(seq 100); do
        if ! find /proc/[0-9]*/cwd -maxdepth 0 -lname "$data" 2>/dev/null | grep -q .; then
            rm -f "$data/postmaster.pid"
            return
        fi
        sleep 0.1
    done
    fail "a process still uses $data"
}

postgres_mode() {
    local sync=off
    if [[ ${SCRM_SERVICES_DURABLE:-0} == 1 ]]; then sync=on; fi
    echo "fsync=$sync synchronous_commit=$sync full_page_writes=$sync" \
        "max_connections=${SCRM_SERVICES_POSTGRES_CONNECTIONS:-300}"
}

start_postgres() {
    local mode data options=() setting
    mode=$(postgres_mode)
    if alive postgres; then
        [[ $mode != "$(<"$dir/postgres.mode")" ]] || return 0
        echo "postgres starts again with other settings"
        stop_postgres
    fi
    make_postgres_home
    make_cluster
    data=$(realpath "$dir/postgres")/data
    clear_remains "$data"
    for setting in $mode; do options+=(-c "$setting"); done
    echo "$mode" >"$dir/postgres.mode"
    launch_unprivileged postgres "$(postgres_program postgres)" -D "$data" -p "$postgres_port" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
        -c timezone=UTC -c log_timezone=UTC "${options[@]}"
}

launch_unprivileged() {
    local name=$1
    shift
    if [[ $EUID -eq 0 ]]; then
        launch "$name" setpriv --reuid="$nobody" --regid="$(id -g "$nobody")" --clear-groups -- "$@"
    else
        launch "$name" "$@"
    fi
}

postgres_answers() {
    PGPASSWORD=$password "$(postgres_program psql)" -XqAt -h 127.0.0.1 -p "$postgres_port" -U scrm postgres \
        -c 'select 1' >/dev/null 2>&1
}

stop_postgres() { stop postgres INT; } # INT: ends the sessions, then itself

# --- Redis --------------------------------------------------------------------------------------------------

start_redis() {
    if alive redis; then return; fi
    mkdir -p "$dir/redis"
    (
        umask 077
        cat >"$dir/redis/redis.conf" <<CONF
bind 127.0.0.1
port $redis_port
requirepass $password
dir "$dir/redis"
save ""
appendonly no
CONF
    )
    launch redis redis-server "$dir/redis/redis.conf"
}

redis_answers() {
    [[ $(REDISCLI_AUTH=$password redis-cli -h 127.0.0.1 -p "$redis_port" ping 2>/dev/null) == PONG ]]
}

stop_redis() { stop redis TERM; }

# --- RabbitMQ -----------------------------------------------------------------------------------------------

# The environment of the broker and of its tools: nothing of the caller's, nothing of /etc/rabbitmq.
rabbitmq_environment() {
    local home=$dir/rabbitmq
    rabbitmq_env=(
        env -i PATH="$PATH" LANG=C.UTF-8 HOME="$home"
        ERL_EPMD_PORT="$epmd_port" ERL_EPMD_ADDRESS=127.0.0.1
        RABBITMQ_NODENAME="scrm$base@localhost"
        RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT="$amqp_port"
        RABBITMQ_DIST_PORT="$distribution_port"
        RABBITMQ_MNESIA_BASE="$home/data" RABBITMQ_LOG_BASE="$home/log" RABBITMQ_PID_FILE="$home/beam.pid"
        RABBITMQ_CONFIG_FILE="$home/rabbitmq.conf" RABBITMQ_ENABLED_PLUGINS_FILE="$home/enabled_plugins"
        RABBITMQ_CONFIG_FILES="$home/conf.d" RABBITMQ_ADVANCED_CONFIG_FILE="$home/advanced.config"
        RABBITMQ_CONF_ENV_FILE="$home/rabbitmq-env.conf"
        RABBITMQ_SCHEDULER_BIND_TYPE=u # brokers of several checkouts would all bind to the first cores
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="-kernel inet_dist_use_interface {127,0,0,1}"
        RUNNING_UNDER_SYSTEMD=true # makes the start script become the broker, instead of waiting for it
    )
}

configure_rabbitmq() {
    local home=$dir/rabbitmq
    mkdir -p "$home"/{conf.d,data,log}
    echo '[rabbitmq_management].' >"$home/enabled_plugins"
    echo '[].' >"$home/advanced.config"
    : >"$home/rabbitmq-env.conf"
    (
        umask 077
        cat >"$home/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$amqp_port
management.tcp.ip = 127.0.0.1
management.tcp.port = $management_port
default_user = scrm
default_pass = $password
disk_free_limit.absolute = 100MB
raft.wal_max_size_bytes = 33554432
log.console = true
log.file = false
log.connection.level = warning
CONF
    )
}

start_rabbitmq() {
    rabbitmq_environment
    if ! alive epmd; then # the Erlang port mapper, ours: the broker would start one that outlives it
        launch epmd "${rabbitmq_env[@]}" epmd
        wait_for epmd
    fi
    if alive rabbitmq; then return; fi
    configure_rabbitmq
    launch rabbitmq "${rabbitmq_env[@]}" \
        "$(compgen -G '/usr/lib/rabbitmq/lib/*/sbin/rabbitmq-server' | sort -V | tail -n 1)"
}

epmd_answers() { port_answers "$epmd_port"; }

rabbitmq_answers() {
    curl --silent --fail --max-time 5 --config - >/dev/null 2>&1 <<CONF
user = "scrm:$password"
url = "http://127.0.0.1:$management_port/api/health/checks/port-listener/$amqp_port"
CONF
}

stop_rabbitmq() {
    stop rabbitmq TERM
    stop epmd TERM
}

# --- commands -----------------------------------------------------------------------------------------------

up() {
    local name started=$SECONDS
    "$root/tests/install.sh" services
    choose_ports
    choose_password
    password=$(<"$dir/password")
    for name in "$@"; do "start_$name"; done
    for name in "$@"; do wait_for "$name"; done
    echo "up after $((SECONDS - started)) s: $*"
}

down() {
    local name
    for name in "$@"; do "stop_$name" & done
    wait
}

status() {
    local name pid result=0 port
    for name in "$@"; do
        case $name in
        postgres) port=$postgres_port ;;
        redis) port=$redis_port ;;
        rabbitmq) port=$amqp_port ;;
        esac
        if ! pid=$(pid_of "$name"); then
            echo "$name: stopped"
            result=1
        elif "${name}_answers"; then
            echo "$name: runs, port $port, pid $pid"
        else
            echo "$name: does not answer, port $port, pid $pid"
            result=1
        fi
    done
    return $result
}

print_env() {
    cat <<ENV
export SCRM_TEST_POSTGRES_URL=postgres://scrm:$password@127.0.0.1:$postgres_port/postgres
export SCRM_TEST_AMQP_URL=amqp://scrm:$password@127.0.0.1:$amqp_port/%2f
export SCRM_TEST_RABBITMQ_MANAGEMENT_URL=http://scrm:$password@127.0.0.1:$management_port
export SCRM_TEST_REDIS_URL=redis://default:$password@127.0.0.1:$redis_port
ENV
}

clean() {
    local home
    [[ -f $dir/ports ]] || fail "$dir is no folder of this script"
    down "${all[@]}"
    home=$(realpath "$dir/postgres")
    if [[ $home == /var/tmp/scrm-postgres.* ]]; then rm -rf "$home"; fi
    rm -rf "$dir"
}

command=${1:-}
shift || true
names=("$@")
[[ $# -gt 0 ]] || names=("${all[@]}")
for name in "${names[@]}"; do
    [[ " ${all[*]} " == *" $name "* ]] || fail "there is no service '$name': ${all[*]}"
done
if [[ $command == up ]]; then mkdir -p "$dir"; fi
if [[ $command =~ ^(up|down|clean)$ && -d $dir ]]; then # one at a time in this folder
    exec 9>"$dir/lock"
    flock 9
fi

case $command in
up) up "${names[@]}" ;;
down) down "${names[@]}" ;;
status) recall && status "${names[@]}" ;;
env) recall && print_env ;;
clean) clean ;;
*) fail "say up, down, env, status or clean" ;;
esac
