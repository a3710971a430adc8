#!/bin/sh
# Runs main.js, or what package.json names as the program, with all arguments.
set -eu

cd /pfs/source
for main in main.js main.mjs main.cjs; do
    if [ -f "/pfs/build/app/$main" ]; then
        exec node "/pfs/build/app/$main" "$@"
    fi
done
exec node /pfs/build/app "$@"
