#!/usr/bin/env bash
# Feeds every decoder octets that atheris finds, guided by coverage, for some seconds (the argument; 300 without), and
# fails on whatever is neither taken nor refused; then, for as long, a whole server programs of calls. The corpora grow in
# build/fuzz/decoders and build/fuzz/server from what tests/fuzz keeps; a finding is left beside them.
set -euo pipefail
cd "$(dirname "$0")/.."

without() { echo "fuzz: 0 run, 1 not run ($1)"; exit 0; }

# Not a requirement of the project: it is large, and there are wheels for a few platforms only.
.venv/bin/python -m pip install --disable-pip-version-check --quiet --only-binary :all: --no-deps --upgrade \
    --target build/fuzz/atheris atheris==3.0.0 || without "atheris cannot be installed"
for target in tests.fuzz.target tests.fuzz.server.target; do
    PYTHONPATH=build/fuzz/atheris:. .venv/bin/python -m "$target" -max_total_time="${1:-300}" \
        -max_len=8192 -timeout=180 -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix=build/fuzz/
done
