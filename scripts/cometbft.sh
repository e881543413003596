#!/usr/bin/env bash
# Sees to it that the consensus engine is there, at the version that the application is written for, and the messages
# that it speaks with it: build/tools/bin/cometbft, and modules generated from that version's own .proto files in
# build/cometbft. Needs Go; without it the consortium is not run here, and its tests say so.
set -euo pipefail
cd "$(dirname "$0")/.."
version=v0.38.25
command -v go >/dev/null || { echo "no Go: the consortium's engine is not built, its tests are skipped" >&2; exit 0; }
mark=build/cometbft/.$version
[ -e "$mark" ] && [ -x build/tools/bin/cometbft ] && exit 0
mkdir -p build/tools/bin build/cometbft
GOBIN="$PWD/build/tools/bin" go install "github.com/cometbft/cometbft/cmd/cometbft@$version"
modules=$(go env GOMODCACHE)
engine=$modules/github.com/cometbft/cometbft@$version
gogo=$(cd "$engine" && go list -mod=mod -m -f '{{.Dir}}' github.com/cosmos/gogoproto)
rm -rf build/cometbft/*
.venv/bin/python -m grpc_tools.protoc -I"$engine/proto" -I"$gogo" --python_out=build/cometbft --grpc_python_out=build/cometbft \
    tendermint/abci/types.proto tendermint/crypto/{keys,proof}.proto tendermint/version/types.proto \
    tendermint/types/{params,types,validator,canonical,evidence}.proto gogoproto/gogo.proto
touch "$mark"
