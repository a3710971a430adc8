#!/bin/sh
# Compiles the Go package in /pfs/source into the one executable /pfs/out/main.
set -eu

go version
cd /pfs/source

# A user without a home has no place for Go's caches.
if [ ! -w "${HOME:-/none}" ]; then
    HOME=$(mktemp -d)
    export HOME
fi

# The repository of the source may be here in part or not at all.
case $(go help build) in
*-buildvcs*) GOFLAGS="${GOFLAGS:-} -buildvcs=false" && export GOFLAGS ;;
esac
# Without a C compiler the parts in C are left out instead of failing.
if [ -z "${CGO_ENABLED:-}" ] && ! command -v "${CC:-gcc}" >/dev/null 2>&1; then
    export CGO_ENABLED=0
fi

if [ ! -f go.mod ]; then
    # The source is read-only: what is missing is made in a copy, always at the same place, so that the same source
    # becomes the same program.
    GOPATH=${TMPDIR:-/tmp}/pipeline-go
    export GOPATH
    rm -rf "$GOPATH/src"
    mkdir -p "$GOPATH/src/pipeline"
    cp -R . "$GOPATH/src/pipeline"
    cd "$GOPATH/src/pipeline"
    if [ -d vendor ]; then
        # Packages beside the program are found without a module, as they were before there were modules.
        export GO111MODULE=off
    else
        go mod init pipeline
        go mod tidy
    fi
fi
go build -o /pfs/out/main .

cp /app/run.sh /pfs/out/
