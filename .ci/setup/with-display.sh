#!/usr/bin/env bash
# Runs a command in a desktop session of its own that nobody sees: a display, a message bus and a notification daemon.
# For tests in a real window. Whatever it starts ends with it, and is ended by its id.
#
#   with-display.sh COMMAND...       HEADSTART_SCREEN=1440x900x24 sets the size
# shellcheck disable=SC2317 # `finish` is called by a trap
set -euo pipefail

for tool in Xvfb dbus-run-session dunst; do
    command -v $tool >/dev/null || { echo "error: $tool is missing; run .ci/setup/packages.sh test" >&2 && exit 1; }
done

session=$(mktemp -d "${TMPDIR:-/tmp}/headstart-display.XXXXXX")
chmod 700 "$session"
xvfb=
child=
finish() {
    trap '' INT TERM HUP
    # The session is a process group of its own, so that what the command left behind goes too.
    [ -z "$child" ] || kill -TERM -- "-$child" 2>/dev/null || true
    if [ -n "$xvfb" ]; then
        kill "$xvfb" 2>/dev/null || true
        wait "$xvfb" 2>/dev/null || true
    fi
    rm -rf "$session"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Xvfb looks for a free number itself and says which one it took once it is ready for clients.
mkfifo "$session/number"
Xvfb -displayfd 3 -screen 0 "${HEADSTART_SCREEN:-1440x900x24}" -nolisten tcp -noreset \
    3<>"$session/number" </dev/null >"$session/xvfb.log" 2>&1 &
xvfb=$!
number=
read -r -t 20 number <>"$session/number" || true
[ -n "$number" ] || { cat "$session/xvfb.log" >&2 && echo "error: no display could be started" >&2 && exit 1; }

mkdir -m 700 "$session/run"
cat >"$session/dunstrc" <<'CONF'
[global]
    origin = top-right
    notification_limit = 5
CONF

unset WAYLAND_DISPLAY DBUS_SESSION_BUS_ADDRESS
export DISPLAY=:$number XDG_RUNTIME_DIR=$session/run XDG_SESSION_TYPE=x11 GDK_BACKEND=x11
# No GPU and no accessibility bus: without these the web view is blank or waits.
export WEBKIT_DISABLE_DMABUF_RENDERER=1 WEBKIT_DISABLE_COMPOSITING_MODE=1 NO_AT_BRIDGE=1
# What the bus has to say goes to its log; what the command says goes where it always goes.
# shellcheck disable=SC2016 # expanded inside the session
setsid dbus-run-session -- bash -c '
    exec 2>&4 4>&-
    dunst -config "$1/dunstrc" >"$1/dunst.log" 2>&1 &
    dunst=$!
    trap "kill $dunst 2>/dev/null || true" EXIT
    for _ in $(seq 50); do
        ! dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
            string:org.freedesktop.Notifications 2>/dev/null | grep -q "boolean true" || break
        sleep 0.1
    done
    shift
    "$@"
' headstart-display "$session" "$@" 4>&2 2>"$session/bus.log" <&0 &
child=$!
status=0
wait "$child" || status=$?
exit "$status"
