#!/usr/bin/env bash
# Checks the native crate: `lint` (format, clippy, cargo-deny) or `test` (the Rust tests, with overflow checks). What
# cannot run here is printed and counted, with its reason, never passed over in silence.
set -euo pipefail
cd "$(dirname "$0")/../native"
export CARGO_TARGET_DIR=$PWD/../build/cargo PATH=$PATH:$PWD/../build/tools/bin
needed=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' Cargo.toml)
ran=0 missed=0

run() { echo "native: $*"; "$@"; ran=$((ran + 1)); }
miss() { echo "native: not run: $1 ($2)"; missed=$((missed + 1)); }
finish() { echo "native $1: $ran run, $missed not run"; exit 0; }

# Prints why cargo cannot be used; nothing if it can.
unusable() {
    command -v cargo >/dev/null || { echo "no cargo"; return; }
    local found
    found=$(cargo --version | cut -d' ' -f2)
    [ "$(printf '%s\n' "$needed" "$found" | sort -V | head -n1)" = "$needed" ] || echo "cargo $found is older than $needed"
}

lint() {
    local why=$1
    for tool in fmt clippy deny; do
        if [ -n "$why" ]; then
            miss "cargo $tool" "$why"
        elif ! cargo "$tool" --version >/dev/null 2>&1; then
            miss "cargo $tool" "cargo-$tool is not installed"
        else
            "lint_$tool"
        fi
    done
}

lint_fmt() { run cargo fmt --check; }

lint_clippy() {
    run cargo clippy --quiet --locked --all-targets -- -D warnings
    run cargo clippy --quiet --locked --all-targets --no-default-features -- -D warnings
}

lint_deny() {
    run cargo deny --log-level error check licenses bans sources
    # The advisories are fetched; a database that cannot be had is no finding.
    local log
    log=$(mktemp)
    if cargo deny --log-level error check advisories >"$log" 2>&1; then
        ran=$((ran + 1))
    elif grep -q "failed to fetch advisory database" "$log"; then
        miss "cargo deny check advisories" "their database cannot be reached"
    else
        cat "$log"
        exit 1
    fi
    rm -f "$log"
}

case "${1-}" in
lint) lint "$(unusable)" ;;
test)
    why=$(unusable)
    if [ -n "$why" ]; then miss "cargo test" "$why"; else run cargo test --quiet --locked --no-default-features; fi
    ;;
*)
    echo "usage: $0 lint|test" >&2
    exit 2
    ;;
esac
finish "$1"
