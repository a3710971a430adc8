# shellcheck shell=bash
# What every setup script needs: one voice, one place for state, root rights, apt and the processes we start.
# Sourced, never run. State lies outside the clone, so a second clone or a CI run on the same machine finds the
# engine, the registry and the base images that the first one made instead of making them again.

umask 022
setup_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034 # read by the scripts that source this file
root_dir=$(cd "$setup_dir/../.." && pwd)
home_dir=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
state_dir=${HEADSTART_DEV_STATE:-${XDG_DATA_HOME:-$home_dir/.local/share}/headstart-dev}
mkdir -p "$state_dir"
state_dir=$(cd "$state_dir" && pwd)
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

say() { printf '==> %s\n' "$*" >&2; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Runs a command as root: directly, through sudo, or not at all but with the command to copy.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root and there is no sudo; run as root: $*"
    fi
}

# Holds a lock on a directory until the script ends, so that two clones do not install or start the same thing at
# once. Children that outlive the script must be started with 9>&-.
lock() {
    exec 9<"$1"
    flock -n 9 || { say "waiting for another setup that holds $1" && flock 9; }
}

# Prints those of the given Debian packages that are not installed.
missing_packages() {
    local package
    for package; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s\n' "$package"
    done
}

known_package() { [ -n "$(apt-cache madison "$1" 2>/dev/null)" ]; }

# Installs the given packages if any is missing. Asks the mirror for new lists only when apt cannot do it with the
# ones it has. No service is started by it: we start our own, and somebody else's machine keeps its defaults.
apt_install() {
    local packages
    mapfile -t packages < <(missing_packages "$@")
    [ ${#packages[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || fail "please install what these Debian packages contain: ${packages[*]}"
    say "installing ${packages[*]}"
    apt-get -s install --no-install-recommends "${packages[@]}" >/dev/null 2>&1 || as_root apt-get -qq update >&2
    if ! apt_quietly install "${packages[@]}"; then
        # Lists that are too old name versions the mirror no longer has.
        as_root apt-get -qq update >&2
        apt_quietly install "${packages[@]}"
    fi
}

apt_quietly() {
    local made='' status=0 policy=/usr/sbin/policy-rc.d log=$state_dir/apt.log
    if [ ! -e $policy ]; then
        made=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
        as_root chmod 755 $policy
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 \
        -o DPkg::Lock::Timeout=300 "$@" </dev/null >"$log" 2>&1 9>&- || status=$?
    [ -z "$made" ] || as_root rm -f $policy
    [ $status -eq 0 ] || tail -n 20 "$log" >&2
    return $status
}

release_field() { (. /etc/os-release 2>/dev/null && eval "printf %s \"\${$1:-}\""); }

# Prints the mirror this machine takes its own release from, whichever of the two source formats apt is given.
debian_mirror() {
    local suite
    suite=$(release_field VERSION_CODENAME)
    {
        cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk -v suite="$suite" '
            function flush() { if (uri != "" && match_suite) print uri; uri = ""; match_suite = 0 }
            /^[[:space:]]*$/ { flush() }
            /^URIs:/ { uri = $2 }
            /^Suites:/ { for (i = 2; i <= NF; i++) if ($i == suite) match_suite = 1 }
            END { flush() }'
        cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
            sed -E 's/\[[^]]*\]//' | awk -v suite="$suite" '$1 == "deb" && $3 == suite { print $2 }'
    } | sed -n 1p || true # a source file that is not there is no trouble
}

# A process is known by its id and its start time: an id alone may since belong to somebody else.
process_start() { [ -r "/proc/$1/stat" ] && sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
process_record() { printf '%s %s\n' "$1" "$(process_start "$1")"; }
recorded_process() {
    local pid start
    [ -s "$1" ] && read -r pid start <"$1" && [ -n "$start" ] && [ "$(process_start "$pid")" = "$start" ] && echo "$pid"
}
stop_recorded() {
    local pid
    if pid=$(recorded_process "$1"); then
        as_root kill "$pid" 2>/dev/null || true
        for _ in $(seq 150); do
            recorded_process "$1" >/dev/null || break
            sleep 0.1
        done
        ! recorded_process "$1" >/dev/null || as_root kill -KILL "$pid" 2>/dev/null || true
    fi
    as_root rm -f "$1"
}

# Who still needs a process we started: a directory with one file per user of it, named after that user's process, and
# `keep` when it was started by hand and stays until it is stopped by hand.
add_lease() {
    if [ "$2" = keep ]; then : >"$1/keep"; else process_record "$2" >"$1/$2"; fi
}
leased() {
    local lease
    for lease in "$1"/*; do
        [ -e "$lease" ] || continue
        if [ "${lease##*/}" = keep ] || recorded_process "$lease" >/dev/null; then return 0; fi
        rm -f "$lease" 2>/dev/null || true
    done
    return 1
}
