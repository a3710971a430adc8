#!/bin/sh
# Compiles the Cargo package in /pfs/source and puts its program into /pfs/out/main.
set -eu

cargo --version
rustc --version
cd /pfs/source

# A user without a home has no place for Cargo's registry.
if [ -z "${CARGO_HOME:-}" ] && [ ! -w "${HOME:-/none}" ]; then
    HOME=$(mktemp -d)
    export HOME
fi

# The source is read-only, and Cargo writes a lock file when there is none.
work=$(mktemp -d)
cp -R . "$work"
cd "$work"
# Where something outlives this run, what the code depends on is compiled once.
target=${HEADSTART_CACHE:+$HEADSTART_CACHE/target}
target=${target:-$(mktemp -d)}
cargo build --release --bins --target-dir "$target"

# The program called main, or the only one.
main=
count=0
for file in "$target"/release/*; do
    if [ -f "$file" ] && [ -x "$file" ]; then
        count=$((count + 1))
        main=$file
    fi
done
if [ -f "$target/release/main" ]; then
    main=$target/release/main
elif [ "$count" -ne 1 ]; then
    echo "the package in /pfs/source has $count programs: it needs one, or one that is called main" >&2
    exit 1
fi
cp "$main" /pfs/out/main

cp /app/run.sh /pfs/out/
