#!/usr/bin/env bash
# Builds the prover in TypeScript and its tests in web/prover, where npm is there: what its lock names and nothing
# else, then the compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
here=web/prover
command -v npm >/dev/null && node -e 'process.exit(Number(parseInt(process.versions.node) < 20))' \
    || { echo "no Node 20 or newer: the prover in TypeScript is not built" >&2; exit 0; }
if ! cmp -s "$here/package-lock.json" "$here/node_modules/.installed"; then
    npm ci --prefix "$here" --ignore-scripts --no-audit --no-fund --silent || {
        rm -rf "$here/dist"
        echo "npm ci failed: the prover in TypeScript is not tried" >&2
        [ -z "${CI:-}" ]
        exit
    }
    cp "$here/package-lock.json" "$here/node_modules/.installed"
fi
rm -rf "$here/dist"
npm run --prefix "$here" --silent build
