#!/usr/bin/env bash
# Installs the service into a folder of its own, without any of the development's tools:
#
#     scripts/install.sh DIR
#
# DIR becomes a Python environment with what requirements-runtime.lock names, each file compared with its hash, and
# the wheels of this clone, which are built with what requirements-build.lock names. With a Rust toolchain the
# native group is one of them; without one the group of the PyPI wheel serves. Run again it brings DIR up to the
# clone. PYTHON names another interpreter than python3.
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
mkdir -p "$1"
target=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset PYTHONPATH PYTHONHOME

pip() { local in=$1; shift; "$in/bin/python" -m pip --disable-pip-version-check "$@"; }

"$python" -m venv "$work/build"
pip "$work/build" install --quiet --require-hashes --only-binary :all: -r requirements-build.lock
scripts/wheels.sh "$work/dist" "$work/build/bin/python"

"$python" -m venv "$target"
pip "$target" install --quiet --require-hashes --only-binary :all: -r requirements-runtime.lock
pip "$target" install --quiet --no-deps --no-index --force-reinstall "$work"/dist/*.whl
pip "$target" check
echo "installed: $target/bin/zk"
