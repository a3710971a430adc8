#!/bin/sh
# Runs main.py with all arguments and the packages that were installed for it.
set -eu

cd /pfs/source
packages=/pfs/build/packages
if [ -d "$packages" ]; then
    PYTHONPATH=$packages${PYTHONPATH:+:$PYTHONPATH}
    PATH=$packages/bin:$PATH
    export PYTHONPATH PATH
fi
# Inputs are read-only, and what is printed belongs to the log at once.
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec python3 main.py "$@"
