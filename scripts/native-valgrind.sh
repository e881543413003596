#!/usr/bin/env bash
# Runs the tests of the native group through Python under valgrind's memcheck, on a reduced budget of examples. Fails
# on an invalid read or write, on a branch or an address made of memory that nobody wrote, and on a failed test.
# Takes some minutes; arguments go to pytest instead of tests/native.
set -euo pipefail
cd "$(dirname "$0")/.."
log=build/native-valgrind.log

without() { echo "native valgrind: 0 run, 1 not run ($1)"; exit 0; }

command -v valgrind >/dev/null || without "valgrind is not installed"
.venv/bin/python -c "import zk_native" 2>/dev/null || without "the native group is not built"
[ $# -gt 0 ] || set -- tests/native
# The interpreter's own allocator is off: valgrind would take its arenas for single blocks.
if ! PYTHONMALLOC=malloc valgrind --tool=memcheck --error-exitcode=9 --leak-check=no --num-callers=24 \
    --child-silent-after-fork=yes --suppressions=scripts/native-valgrind.supp --log-file="$log" \
    .venv/bin/python -m pytest -q -p no:cacheprovider -o timeout=0 --hypothesis-profile=valgrind "$@"; then
    grep -v "^==[0-9]*== *$" "$log" | head -n 200
    exit 1
fi
tail -n 1 "$log"
