#!/usr/bin/env bash
# Feeds the native group and the reference groups the same octets for some seconds (the argument; 300 without) and
# fails on any difference. The corpus is kept in build/fuzz; a finding is left there beside it.
set -euo pipefail
cd "$(dirname "$0")/.."

without() { echo "native fuzz: 0 run, 1 not run ($1)"; exit 0; }

.venv/bin/python -c "import zk_native" 2>/dev/null || without "the native group is not built"
# Not a requirement of the project: it is large, and there are wheels for a few platforms only.
.venv/bin/python -m pip install --disable-pip-version-check --quiet --only-binary :all: --no-deps --upgrade \
    --target build/fuzz/atheris atheris==3.0.0 || without "atheris cannot be installed"
mkdir -p build/fuzz/corpus
# Inputs long enough for whole points from the start.
for i in $(seq 40); do [ -e "build/fuzz/corpus/seed-$i" ] || head -c 400 /dev/urandom >"build/fuzz/corpus/seed-$i"; done
PYTHONPATH=build/fuzz/atheris:. exec .venv/bin/python tests/native/fuzz.py -max_total_time="${1:-300}" -max_len=512 \
    -len_control=0 -timeout=120 -print_final_stats=1 -artifact_prefix=build/fuzz/ build/fuzz/corpus
