#!/usr/bin/env bash
# Builds the pages in web/ into build/web, where npm is there: what the lock names and nothing else, messages and
# services generated from proto/, reasons from zk/messages, types checked, files compressed. Generated code is not kept: it cannot drift.
set -euo pipefail
cd "$(dirname "$0")/.."
here=web
command -v npm >/dev/null && node -e 'process.exit(Number(parseInt(process.versions.node) < 20))' \
    || { echo "no Node 20 or newer: the pages are not built" >&2; [ -z "${CI:-}" ]; exit; }
if ! cmp -s "$here/package-lock.json" "$here/node_modules/.installed"; then
    npm ci --prefix "$here" --ignore-scripts --no-audit --no-fund --silent \
        || { rm -rf build/web; echo "npm ci failed: the pages are not built" >&2; [ -z "${CI:-}" ]; exit; }
    cp "$here/package-lock.json" "$here/node_modules/.installed"
fi
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
rm -rf "$here/pages/gen" build/web
mkdir -p "$here/pages/gen" build
.venv/bin/python -m grpc_tools.protoc -Iproto -I"$site" \
    --plugin=protoc-gen-es="$here/node_modules/.bin/protoc-gen-es" \
    --es_out="$here/pages/gen" --es_opt=target=ts,import_extension=js \
    proto/zkproto/v1/*.proto \
    google/api/{field_behavior,resource}.proto google/rpc/{error_details,status}.proto google/type/date.proto
PYTHONPATH=. .venv/bin/python scripts/web_reasons.py > "$here/pages/gen/reasons.ts"
npm run --prefix "$here/pages" --silent build
