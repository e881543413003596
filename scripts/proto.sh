#!/usr/bin/env bash
# Generates zkproto/ from proto/ and lints the contract. With --check: fails when zkproto/ has drifted.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
site=$("$bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')

rm -rf build/googleapis build/zkproto
mkdir -p build/googleapis/google build/zkproto
cp -r "$site/google/api" "$site/google/rpc" "$site/google/type" build/googleapis/google/
find build/googleapis -type f ! -name '*.proto' -delete

"$bin/buf" lint
PATH="$PWD/$bin:$PATH" "$bin/python" -m grpc_tools.protoc -Iproto -I"$site" \
    --python_out=build/zkproto --grpc_python_out=build/zkproto \
    --mypy_out=build/zkproto --mypy_grpc_out=build/zkproto \
    proto/zkproto/v1/*.proto
touch build/zkproto/zkproto/__init__.py build/zkproto/zkproto/v1/__init__.py build/zkproto/zkproto/py.typed

if [ "${1:-}" = --check ]; then
    diff -r -x __pycache__ build/zkproto/zkproto zkproto || { echo "zkproto/ has drifted from proto/: run make proto"; exit 1; }
    echo "generated code: no drift"
else
    rm -rf zkproto
    cp -r build/zkproto/zkproto zkproto
fi
