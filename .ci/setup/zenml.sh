#!/usr/bin/env bash
# ZenML from the Python package index in a folder of its own, to be measured beside: prints the folder. Fails where it
# cannot be installed. The folder's `bin/zenml` keeps all it stores below the folder and tells nobody.
#
#   zenml.sh
set -euo pipefail
# shellcheck source=.ci/setup/common.sh
. "$(dirname "$0")/common.sh"

dir=$state_dir/zenml
mkdir -p "$dir"
lock "$dir"
if [ ! -x "$dir/bin/zenml" ]; then
    command -v python3 >/dev/null || fail "there is no python3"
    say "installing zenml into $dir (a minute, once)"
    rm -rf "$dir/venv"
    python3 -m venv "$dir/venv" >"$dir/log" 2>&1 || fail "python3 makes no virtual environment; see $dir/log"
    # With what its store on this machine needs.
    timeout 300 "$dir/venv/bin/pip" install --quiet 'zenml[local]' >"$dir/log" 2>&1 ||
        fail "zenml could not be installed; see $dir/log"
    mkdir -p "$dir/bin"
    cat >"$dir/bin/zenml.new" <<'SH'
#!/bin/sh
dir=$(cd "$(dirname "$0")/.." && pwd)
export ZENML_ANALYTICS_OPT_IN=false ZENML_CONFIG_PATH="$dir/config" ZENML_LOCAL_STORES_PATH="$dir/stores"
exec "$dir/venv/bin/zenml" "$@"
SH
    chmod 755 "$dir/bin/zenml.new"
    # The first call makes its database.
    timeout 120 sh "$dir/bin/zenml.new" pipeline builds list >"$dir/log" 2>&1 </dev/null ||
        fail "zenml does not work here; see $dir/log"
    mv "$dir/bin/zenml.new" "$dir/bin/zenml"
fi
echo "$dir"
