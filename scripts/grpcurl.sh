#!/usr/bin/env bash
# Builds grpcurl, which the commands in docs/clients.md are tried with, into build/go, where a Go toolchain is there.
# Go checks what the module proxy gives against its checksum database.
set -euo pipefail
cd "$(dirname "$0")/.."
version=v1.9.3
[ -x build/go/grpcurl ] && exit 0
command -v go >/dev/null || { echo "no Go toolchain: the commands for grpcurl are not tried" >&2; exit 0; }
mkdir -p build/go
GOBIN="$PWD/build/go" go install "github.com/fullstorydev/grpcurl/cmd/grpcurl@$version" \
    || { echo "grpcurl could not be built: its commands are not tried" >&2; [ -z "${CI:-}" ]; }
