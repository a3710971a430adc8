#!/bin/sh
# Runs the program for one datum: its inputs are in /pfs/<name>, its results go to /pfs/out. The source is in /pfs/source
# and what build.sh made in /pfs/build; all of them are read-only, and there is no network.
set -eu

cd /pfs/build

# Fill this in. Arguments of the pipeline's command come after `sh /pfs/build/run.sh`: pass all of them on.
exec ./main "$@"
