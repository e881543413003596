#!/usr/bin/env bash
# Installs petlib, for keyed verification over P-256 and SM2, where it builds: it comes as source and wants a C
# compiler and the headers of OpenSSL. Without it everything but bbs/keyed works, and its tests say why they
# are skipped. The lock has what petlib needs beyond requirements.lock, made with
# `uv pip compile --extra keyed -c requirements.lock` and without what stands there already.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.venv/bin
mkdir -p build
if "$bin/python" -m pip install --disable-pip-version-check --quiet --no-deps --require-hashes \
    -r requirements-keyed.lock >build/keyed.log 2>&1; then
    echo "keyed suites: petlib installed"
else
    tail -n 5 build/keyed.log
    echo "keyed suites: petlib does not build here, see build/keyed.log (C compiler and OpenSSL's headers)"
fi
