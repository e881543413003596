#!/usr/bin/env bash
# All tests, in four processes. What fails there, if it is little, is run once more by itself: a test that passes
# only then is named at the end with how it failed above, counted, and wants to be mended; it is no failure of the
# run, since a machine that is shared can be too slow for any of some thousand tests.
set -uo pipefail
cd "$(dirname "$0")/.."
most=5
failed=.pytest_cache/v/cache/lastfailed
rm -f "$failed"
.venv/bin/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder "$@"
code=$?
if [ "$code" -ne 1 ] || [ ! -s "$failed" ]; then exit "$code"; fi
names=$(.venv/bin/python -c 'import json, sys; print("\n".join(json.load(open(sys.argv[1]))))' "$failed")
count=$(printf '%s\n' "$names" | wc -l)
if [ "$count" -gt "$most" ]; then exit "$code"; fi
echo "== $count of them failed. Each once more, with nothing beside it."
.venv/bin/python -m pytest --last-failed --last-failed-no-failures none || exit
printf '== PASSED ONLY WHEN RUN AGAIN, %s: how they failed is told above.\n%s\n' "$count" "$names"
