#!/bin/sh
# Puts the program of /pfs/source into /pfs/out/app with the packages that its package.json names, so that nothing has to
# be fetched or installed when the pipeline runs.
set -eu

node --version
npm --version
cd /pfs/source

# A user without a home has no place for npm's cache.
if [ ! -w "${HOME:-/none}" ]; then
    HOME=$(mktemp -d)
    export HOME
fi

# Packages are looked for beside the program, wherever it is imported from: both go together.
mkdir -p /pfs/out/app
cp -R . /pfs/out/app
cd /pfs/out/app

if [ -f package.json ] &&
    node -e 'const p = require("./package.json"); const n = (k) => Object.keys(p[k] ?? {}).length;
        process.exit(n("dependencies") + n("devDependencies") + n("optionalDependencies") ? 0 : 1)'; then
    rm -rf node_modules
    if [ -f package-lock.json ] || [ -f npm-shrinkwrap.json ]; then
        npm ci --no-audit --no-fund
    else
        npm install --no-audit --no-fund
    fi
fi
if [ -f package.json ]; then
    # What is only needed for building goes again.
    npm run build --if-present
    if [ -d node_modules ]; then
        npm prune --omit=dev --no-audit --no-fund
        # Outputs do without links: to commands of packages, and to packages that lie in the source.
        rm -rf node_modules/.bin node_modules/.package-lock.json
        for link in node_modules/* node_modules/@*/*; do
            if [ -L "$link" ]; then
                cp -RL "$link" "$link.copied"
                rm "$link"
                mv "$link.copied" "$link"
            fi
        done
    fi
fi

cp /app/run.sh /pfs/out/
