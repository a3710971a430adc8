#!/usr/bin/env bash
# A registry on this machine, because no test and no sample may depend on a public one.
#
#   registry.sh up      make sure it runs, and leave it running
#   registry.sh down    stop it
#   registry.sh env     print `export HEADSTART_DEV_REGISTRY=127.0.0.1:PORT`
#   registry.sh lease PID / release PID   the same for as long as a process needs it (see with-engine.sh)
set -euo pipefail
# shellcheck source=.ci/setup/common.sh
. "$(dirname "$0")/common.sh"

dir=$state_dir/registry
pid_file=$dir/process
leases=$dir/leases
mkdir -p "$leases"

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Port 5000 unless somebody has it; the one it had last time stays, since images are named after it.
free_port() {
    local port
    for port in $(cat "$dir/port" 2>/dev/null) $(seq 5000 5099); do
        listening "$port" || { echo "$port" && return; }
    done
    fail "no free port for a registry between 5000 and 5099"
}

start() {
    local port
    apt_install docker-registry
    mkdir -p "$dir/data"
    port=$(free_port)
    echo "$port" >"$dir/port"
    cat >"$dir/config.yml" <<YAML
version: 0.1
log: { level: warn, accesslog: { disabled: true } }
storage:
  filesystem: { rootdirectory: $dir/data }
  delete: { enabled: true }
http:
  addr: 127.0.0.1:$port
YAML
    say "starting a registry on 127.0.0.1:$port, data in $dir"
    setsid docker-registry serve "$dir/config.yml" </dev/null >"$dir/log" 2>&1 9>&- &
    process_record $! >"$pid_file"
    for _ in $(seq 100); do
        if ! recorded_process "$pid_file" >/dev/null; then break; fi
        if listening "$port"; then return; fi
        sleep 0.1
    done
    tail -n 20 "$dir/log" >&2
    fail "the registry did not start; its log is $dir/log"
}

up() {
    lock "$dir"
    if recorded_process "$pid_file" >/dev/null; then
        say "registry on 127.0.0.1:$(cat "$dir/port"): already started for Headstart"
    else
        rm -f "$leases"/*
        start
    fi
    add_lease "$leases" "$1"
}

# The caller holds the lock, so nobody can take up in between what is about to stop.
stop() {
    recorded_process "$pid_file" >/dev/null || { say "no registry of ours is running" && return; }
    [ "${1:-}" = quietly ] || say "stopping the registry we started"
    stop_recorded "$pid_file"
    rm -f "$leases"/*
}

case ${1:-} in
up) up keep ;;
down)
    lock "$dir"
    stop
    ;;
lease) up "$2" ;;
release)
    lock "$dir"
    rm -f "$leases/$2"
    leased "$leases" || ! recorded_process "$pid_file" >/dev/null || stop quietly
    ;;
env)
    recorded_process "$pid_file" >/dev/null || fail "the registry is not running; start it with registry.sh up"
    printf 'export HEADSTART_DEV_REGISTRY=127.0.0.1:%s\n' "$(cat "$dir/port")"
    ;;
*) fail "usage: registry.sh up|down|env" ;;
esac
