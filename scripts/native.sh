#!/usr/bin/env bash
# Builds and installs the native group where a Rust toolchain is there. Without one, or if the build fails, the
# group of the PyPI wheel serves: slower and not constant-time, but complete. `zk doctor` says which is in use.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/.venv/bin
needed=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' native/Cargo.toml)

without() { echo "native group: not built ($1); the group of the wheel serves"; exit 0; }

command -v cargo >/dev/null || without "no cargo"
found=$(cargo --version | cut -d' ' -f2)
[ "$(printf '%s\n' "$needed" "$found" | sort -V | head -n1)" = "$needed" ] || without "cargo $found is older than $needed"
rm -rf build/native
if ! (cd native && CARGO_TARGET_DIR=../build/cargo "$bin/maturin" build --quiet --release --locked --interpreter "$bin/python" --out ../build/native) \
    >build/native.log 2>&1; then
    tail -n 20 build/native.log
    without "the build failed, see build/native.log"
fi
"$bin/python" -m pip install --disable-pip-version-check --quiet --no-deps --force-reinstall build/native/*.whl
echo "native group: built with cargo $found"
