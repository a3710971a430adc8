#!/usr/bin/env bash
# A Docker engine to develop against. One that the docker command reaches already is used as it is and never changed.
# Otherwise Engine, buildx and compose are installed and a daemon is started by hand, with everything of its own.
#
#   engine.sh up      make sure there is an engine, and leave it running
#   engine.sh down    stop the one we started, and only that one
#   engine.sh env     print what to `eval` so that docker finds it; nothing when it is found anyway
#   engine.sh lease PID / release PID   the same for as long as a process needs it (see with-engine.sh)
#
# HEADSTART_DEV_STATE    where data, config and log lie (default: the user's data directory)
# HEADSTART_DEV_SOCKET   a socket for a second engine, on a bridge of its own (default: docker's own socket)
set -euo pipefail
# shellcheck source=.ci/setup/common.sh
. "$(dirname "$0")/common.sh"

default_socket=/var/run/docker.sock
socket=${HEADSTART_DEV_SOCKET:-$default_socket}
dir=$state_dir/engine
# What everybody on this machine has to agree on lies beside the socket and not in somebody's state: which process
# serves it, and who needs it. A short path too, as unix sockets under it end at 107 characters.
shared=/run/headstart-engine-$(printf '%s' "$socket" | cksum | cut -d' ' -f1)
pid_file=$shared/process
leases=$shared/leases

answers() { timeout 10 docker ${1:+-H "unix://$1"} version --format '{{.Server.Version}}' 2>&1; }
found_by_docker() { [ -z "${HEADSTART_DEV_SOCKET:-}" ] && command -v docker >/dev/null && answers >/dev/null; }

# The packages of Debian 12 have no buildx and no compose v2; those of Debian 13 run there as they are. Nothing else
# may come from Debian 13: its containerd, runc and registry bring a newer libc, and the window's build packages
# then no longer install.
install_from_next_debian() {
    local lists=$state_dir/apt-lists source=$state_dir/next-debian.list mirror changes unexpected
    local four=(docker.io docker-cli docker-compose docker-buildx)
    mapfile -t four < <(missing_packages "${four[@]}")
    [ ${#four[@]} -gt 0 ] || return 0
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || fail "no apt source of this release found to take Debian 13's docker packages from"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie main\n' "$mirror" >"$source"
    mkdir -p "$lists/partial"
    local options=(-o "Dir::Etc::sourcelist=$source" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::State::lists=$lists" -o APT::Sandbox::User=root)
    as_root apt-get -qq "${options[@]}" update >&2
    changes=$(apt-get -s "${options[@]}" --no-install-recommends install "${four[@]}" | awk '/^(Inst|Remv) / { print $2 }')
    unexpected=$(grep -vxE 'docker\.io|docker-cli|docker-compose|docker-buildx' <<<"$changes" || true)
    [ -z "$unexpected" ] || fail "Debian 13's docker packages would also change: ${unexpected//$'\n'/ }; install Docker yourself"
    say "installing ${four[*]} from Debian 13"
    apt_quietly "${options[@]}" install "${four[@]}"
    rm -rf "$lists"
}

install_engine() {
    command -v dockerd >/dev/null && docker buildx version >/dev/null 2>&1 && docker compose version >/dev/null 2>&1 && return
    command -v apt-get >/dev/null || fail "no Docker engine answers; please install Docker with buildx and compose, and start it"
    known_package docker.io || as_root apt-get -qq update >&2
    if known_package docker-buildx; then
        local names=(docker.io docker-buildx)
        if known_package docker-compose-v2; then names+=(docker-compose-v2); else names+=(docker-compose); fi
        ! known_package docker-cli || names+=(docker-cli)
        apt_install "${names[@]}"
    elif [ "$(release_field VERSION_CODENAME)" = bookworm ]; then
        apt_install containerd runc iptables tini
        install_from_next_debian
    else
        fail "this system's packages have no buildx; please install Docker with buildx and compose, and start it"
    fi
}

# A daemon inside a container often has its data on an overlay already, which cannot carry another one.
storage() {
    local probe=$dir/probe
    as_root mkdir -p "$probe/lower" "$probe/upper" "$probe/work" "$probe/merged"
    if as_root mount -t overlay overlay \
        -o "lowerdir=$probe/lower,upperdir=$probe/upper,workdir=$probe/work" "$probe/merged" 2>/dev/null; then
        as_root umount "$probe/merged"
        echo overlayfs
    else
        say "no overlay file system under $dir: images are stored as plain copies, which is slow"
        echo native
    fi
    as_root rm -rf "$probe"
}

# Two daemons on one bridge take each other's addresses away.
bridge_number=$((${shared##*-} % 200 + 20))
bridge=headstart$bridge_number
add_bridge() {
    ! ip link show "$bridge" >/dev/null 2>&1 || return 0
    as_root ip link add "$bridge" type bridge
    as_root ip address add "10.213.$bridge_number.1/24" dev "$bridge"
}
delete_bridge() {
    local table rule
    for table in filter nat; do
        as_root iptables -t $table -S | sed -nE "/ $bridge( |\$)|10\.213\.$bridge_number\./s/^-A/-D/p" | while read -ra rule; do
            as_root iptables -t $table "${rule[@]}"
        done
    done
    as_root ip link delete "$bridge" 2>/dev/null || true
}

start() {
    local options=()
    mkdir -p "$dir"
    [ "$socket" = "$default_socket" ] || { add_bridge && options+=(--bridge "$bridge"); }
    # The containerd image store lets the engine's own builder write a complete cache to a registry.
    cat >"$dir/daemon.json" <<JSON
{
  "features": { "containerd-snapshotter": true },
  "storage-driver": "$(storage)",
  "insecure-registries": ["127.0.0.0/8"],
  "shutdown-timeout": 10
}
JSON
    as_root mkdir -p "$shared/run" "$(dirname "$socket")"
    say "starting a Docker engine on $socket, data in $dir"
    as_root rm -f "$shared/pid"
    as_root setsid --fork dockerd --config-file "$dir/daemon.json" --data-root "$dir/data" --exec-root "$shared/run" \
        --pidfile "$shared/pid" --host "unix://$socket" --group "$(id -gn)" "${options[@]}" \
        </dev/null >"$dir/log" 2>&1 9>&-
    for _ in $(seq 300); do
        if [ -s "$shared/pid" ] && answers "$socket" >/dev/null; then
            process_record "$(cat "$shared/pid")" | as_root tee "$pid_file" >/dev/null
            return
        fi
        ! grep -qE 'failed to start|unable to configure' "$dir/log" || break
        sleep 0.2
    done
    tail -n 20 "$dir/log" >&2
    fail "the Docker engine did not start; its log is $dir/log"
}

use_as_it_is() {
    say "Docker engine $(answers): used as it is"
    docker buildx version >/dev/null 2>&1 || fail "docker has no buildx; please install the plugin docker-buildx"
    docker compose version >/dev/null 2>&1 || say "docker has no compose v2: compose files cannot be read without it"
}

# Ours is alive, or somebody else's is reached, or ours is started.
up() {
    if [ ! -d "$leases" ] && found_by_docker; then
        use_as_it_is
        return
    fi
    [ -d "$shared" ] || as_root install -d -m 755 "$shared"
    [ -d "$leases" ] || as_root install -d -m 1777 "$leases"
    lock "$shared"
    if recorded_process "$pid_file" >/dev/null && answers "$socket" >/dev/null; then
        say "Docker engine $(answers "$socket"): already started for Headstart"
        add_lease "$leases" "$1"
        return
    fi
    if found_by_docker; then
        use_as_it_is
        return
    fi
    if [ -S "$socket" ] && command -v docker >/dev/null; then
        case $(answers "$socket" || true) in
        *'ermission denied'*) fail "a Docker engine is there but may not be used: join the group of $socket" ;;
        esac
        if answers "$socket" >/dev/null; then
            say "docker's own setting (DOCKER_HOST or context) reaches nobody; the engine on $socket is used instead"
            return
        fi
    fi
    install_engine
    as_root find "$leases" -type f -delete
    start
    add_lease "$leases" "$1"
    say "Docker engine $(answers "$socket") is up"
}

# The caller holds the lock, so nobody can take up in between what is about to stop.
stop() {
    recorded_process "$pid_file" >/dev/null || { say "no Docker engine of ours is running" && return; }
    [ "${1:-}" = quietly ] || say "stopping the Docker engine we started"
    stop_recorded "$pid_file"
    as_root find "$leases" -type f -delete
    as_root rm -rf "$shared/run" "$shared/pid" || true # a daemon that was killed leaves mounts
    [ "$socket" = "$default_socket" ] || delete_bridge
}

case ${1:-} in
up) up keep ;;
down)
    [ ! -d "$shared" ] || lock "$shared"
    stop
    ;;
lease) up "$2" ;;
release)
    [ -d "$shared" ] || exit 0
    lock "$shared"
    rm -f "$leases/$2"
    leased "$leases" || ! recorded_process "$pid_file" >/dev/null || stop quietly
    ;;
env) found_by_docker || printf 'export DOCKER_HOST=%q\n' "unix://$socket" ;;
*) fail "usage: engine.sh up|down|env" ;;
esac
