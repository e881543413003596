#!/usr/bin/env bash
# Feeds every decoder octets that atheris finds, guided by coverage, for some seconds (the argument; 300 without), and
# fails on whatever is neither taken nor refused. The corpus grows in build/fuzz/decoders from what tests/fuzz keeps; a
# finding is left beside it.
set -euo pipefail
cd "$(dirname "$0")/.."

without() { echo "fuzz: 0 run, 1 not run ($1)"; exit 0; }

# Not a requirement of the project: it is large, and there are wheels for a few platforms only.
.venv/bin/python -m pip install --disable-pip-version-check --quiet --only-binary :all: --no-deps --upgrade \
    --target build/fuzz/atheris atheris==3.0.0 || without "atheris cannot be installed"
PYTHONPATH=build/fuzz/atheris:. exec .venv/bin/python -m tests.fuzz.target -max_total_time="${1:-300}" \
    -max_len=8192 -timeout=60 -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix=build/fuzz/
