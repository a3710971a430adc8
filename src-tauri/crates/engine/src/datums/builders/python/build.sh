#!/bin/sh
# Installs what /pfs/source/requirements.txt names, if there is one, into /pfs/out/packages, so that nothing has to be
# fetched or installed when the pipeline runs. Packages that are no wheels are built here, where compilers may be.
set -eu

python3 --version
# Asking pip itself would load all of it, which takes longer than everything else here.
python3 -c 'from importlib.metadata import version; print("pip", version("pip"))' || echo 'no pip'
cd /pfs/source

if [ -f requirements.txt ]; then
    # The source is read-only, and packages that lie in it are built in their folders.
    work=$(mktemp -d)
    cp -R . "$work"
    cd "$work"
    mkdir -p /pfs/out/packages
    # Compiled files would carry the time of this run and make every build a different one.
    python3 -m pip install --no-compile --disable-pip-version-check --root-user-action=ignore \
        --upgrade --target /pfs/out/packages --requirement requirements.txt
fi

cp /app/run.sh /pfs/out/
