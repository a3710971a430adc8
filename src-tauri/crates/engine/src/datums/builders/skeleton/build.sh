#!/bin/sh
# Makes something that runs of the source in /pfs/source, which is read-only, and puts it into /pfs/out. It is run
# whenever the source changed, and may use the network. A command that fails ends it, and the build with it.
set -eu

cd /pfs/source

# Fill this in. A compiled language compiles into /pfs/out, such as
#     {language} build -o /pfs/out/main .
# and an interpreted one installs into /pfs/out what the program needs.
echo "build.sh of the builder for {language} does nothing yet" >&2
exit 1

# shellcheck disable=SC2317 # it is reached once the lines above are gone
# Every builder puts its run.sh there too: it is what the pipeline runs.
cp /app/run.sh /pfs/out/
