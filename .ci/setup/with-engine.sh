#!/usr/bin/env bash
# Runs a command with a Docker engine, a registry and the base images at hand. What is started for it is stopped when
# it ends, however it ends, unless somebody else has come to need it; what was there before stays.
#
#   with-engine.sh COMMAND...
# shellcheck disable=SC2317 # the functions are called by traps
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

child=
release() {
    trap '' INT TERM HUP
    "$here/registry.sh" release $$ || true
    "$here/engine.sh" release $$ || true
}
forward() {
    [ -z "$child" ] || kill -s "$1" "$child" 2>/dev/null || true
    [ -n "$child" ] || exit 130
}
trap release EXIT
trap 'forward INT' INT
trap 'forward TERM' TERM
trap 'forward HUP' HUP

"$here/engine.sh" lease $$
"$here/registry.sh" lease $$
"$here/images.sh"
settings=$("$here/engine.sh" env && "$here/registry.sh" env)
eval "$settings"

"$@" <&0 &
child=$!
status=0
wait $child || status=$?
# A signal ends the first wait; the command itself may take a moment longer to clean up.
while kill -0 $child 2>/dev/null; do
    status=0
    wait $child || status=$?
done
exit $status
