#!/usr/bin/env bash
# Builds the client for Node in clients/typescript, where npm is there: what its lock names and nothing else,
# messages and services generated from proto/, then the compiler. Generated code is not kept: it cannot drift.
set -euo pipefail
cd "$(dirname "$0")/.."
here=clients/typescript
command -v npm >/dev/null && node -e 'process.exit(Number(parseInt(process.versions.node) < 20))' \
    || { echo "no Node 20 or newer: the client for TypeScript is not built" >&2; exit 0; }
if ! cmp -s "$here/package-lock.json" "$here/node_modules/.installed"; then
    npm ci --prefix "$here" --ignore-scripts --no-audit --no-fund --silent \
        || { rm -rf "$here/dist"; echo "npm ci failed: the client for Node is not tried" >&2; [ -z "${CI:-}" ]; exit; }
    cp "$here/package-lock.json" "$here/node_modules/.installed"
fi
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
rm -rf "$here/gen" "$here/dist"
mkdir -p "$here/gen"
.venv/bin/python -m grpc_tools.protoc -Iproto -I"$site" \
    --plugin=protoc-gen-es="$here/node_modules/.bin/protoc-gen-es" \
    --es_out="$here/gen" --es_opt=target=ts,import_extension=js \
    proto/zkproto/v1/*.proto \
    google/api/{field_behavior,resource}.proto google/rpc/{error_details,status}.proto google/type/date.proto
npm run --prefix "$here" --silent build
