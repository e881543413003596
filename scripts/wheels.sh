#!/usr/bin/env bash
# Builds the wheels of this clone, the same octets wherever it lies and whenever it is built:
#
#     scripts/wheels.sh OUT [PYTHON]
#
# PYTHON has setuptools and maturin (requirements-build.lock); by default it is the clone's own environment's. The
# times in the wheels are that of the clone's last commit, or what SOURCE_DATE_EPOCH says. The native wheel is built
# where a Rust toolchain is there, without the names of the folders in which it was built; ZK_NATIVE=require fails
# where it cannot be built, ZK_NATIVE=no leaves it out.
set -euo pipefail
[ $# = 1 ] || [ $# = 2 ] || { echo "usage: $0 OUT [PYTHON]" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
python=${2:-$PWD/.venv/bin/python}
native=${ZK_NATIVE:-auto}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 946684800)}
export SOURCE_DATE_EPOCH PYTHONHASHSEED=0
umask 022
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# From a copy: setuptools leaves folders beside what it builds, and takes up again what it finds in them.
copy() {
    if [ -e .git ]; then git ls-files -z --cached -- "$@" | xargs -0 cp --parents -t "$work/source"; else cp --parents -r "$@" "$work/source"; fi
}
mkdir "$work/source"
copy README.md LICENSE pyproject.toml bbs consortium disclosure openid ordering prover tlog verifier web_edge wire zk zkproto zkservice
find "$work/source" -name __pycache__ -prune -exec rm -rf {} +
find "$work/source" -type d -exec chmod 755 {} + -o -type f -exec chmod 644 {} +
(
    cd "$work/source"
    "$python" -c 'import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])' "$out" >"$work/log" 2>&1
) || { tail -n 20 "$work/log" >&2; exit 1; }

without() {
    [ "$native" != require ] || { echo "native wheel: not built ($1)" >&2; exit 1; }
    echo "native wheel: not built ($1); the group of the PyPI wheel serves"
    exit 0
}
[ "$native" != no ] || without "not wanted"
command -v cargo >/dev/null || without "no cargo"
needed=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' native/Cargo.toml)
found=$(cargo --version | cut -d' ' -f2)
[ "$(printf '%s\n' "$needed" "$found" | sort -V | head -n1)" = "$needed" ] || without "cargo $found is older than $needed"

# Panics, debug information and the C compiler would name the folders of sources, registry and toolchain.
maps="--remap-path-prefix=$PWD=/source --remap-path-prefix=$work=/build"
maps="$maps --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$(rustc --print sysroot)=/rust"
export RUSTFLAGS="$maps" CFLAGS="-ffile-prefix-map=${CARGO_HOME:-$HOME/.cargo}=/cargo -ffile-prefix-map=$work=/build"
export CARGO_TARGET_DIR=${ZK_CARGO_TARGET:-$work/cargo} CARGO_INCREMENTAL=0
"$python" -m maturin build --quiet --release --locked --manifest-path native/Cargo.toml --interpreter "$python" \
    --compatibility linux --out "$out" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; without "the build failed"; }
echo "native wheel: built with cargo $found"
