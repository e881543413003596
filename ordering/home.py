"""A node's folder: the engine's home, the machine's folder, the operator's key; and how each is written.

    FOLDER/engine/config/   config.toml, genesis.json, node_key.json, priv_validator_key.json
    FOLDER/engine/data/     the engine's own
    FOLDER/application/     the machine's store, its snapshots, the socket between the two
    FOLDER/operator.key     the seed of the key of the operator's transactions

State rules: keys are made once and never written over; what a start needs besides is written anew each time.
"""

import base64
import datetime as dt
import json
import os
import secrets
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ordering.errors import StateError
from ordering.genesis import Genesis
from ordering.operators import Operator
from ordering.state import validator_address
from tlog.keys import Verifier

ENGINE: Final = "cometbft"
SOCKET_FILE: Final = "app.sock"
"""Between engine and application; the path of its folder has to be short enough for a socket."""
_STRANGERS: Final = 4
_BLOCK_OCTETS: Final = 1 << 20
_EVIDENCE_BLOCKS: Final = 1_000_000
_EVIDENCE_NANOSECONDS: Final = 14 * 86_400 * 10**9


@dataclass(frozen=True)
class Ports:
    """Where a node listens: for other nodes, and on loopback for its operator."""

    peers: int
    rpc: int


@dataclass(frozen=True)
class Node:
    """One node's folder."""

    folder: Path

    @property
    def engine(self) -> Path:
        """The engine's home."""
        return self.folder / "engine"

    @property
    def application(self) -> Path:
        """The machine's folder."""
        return self.folder / "application"

    def make(self, engine: str = ENGINE) -> None:
        """Make the node's keys, those that are not there; StateError."""
        self.application.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder.chmod(0o700)
        if not (self.engine / "config" / "priv_validator_key.json").exists():
            _run(engine, "init", "validator", "--home", str(self.engine))
        path = self.folder / "operator.key"
        if not path.exists():
            write_once(path, secrets.token_bytes(32))

    @property
    def operator_key(self) -> Ed25519PrivateKey:
        """The key of the operator's transactions; OSError."""
        return Ed25519PrivateKey.from_private_bytes((self.folder / "operator.key").read_bytes())

    @property
    def validator(self) -> bytes:
        """The public key of the node's validator; OSError."""
        given = json.loads((self.engine / "config" / "priv_validator_key.json").read_text())
        return base64.b64decode(given["pub_key"]["value"])

    @property
    def identifier(self) -> str:
        """What other nodes know this one by (CometBFT v0.38, spec/p2p/node: the address of its key)."""
        given = json.loads((self.engine / "config" / "node_key.json").read_text())
        key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(given["priv_key"]["value"])[:32])
        return validator_address(public_octets(key)).hex()

    def operator(self, name: str, log: Verifier, power: int) -> Operator:
        """Return the operator that this node is to be."""
        return Operator(name, public_octets(self.operator_key), log, self.validator, power)

    def configure(
        self, genesis: Genesis, begun: dt.datetime, ports: Ports, peers: Sequence[str], **more: Any
    ) -> None:
        """Write the engine's configuration and genesis file. `peers` are IDENTIFIER@HOST:PORT."""
        config = self.engine / "config"
        (config / "genesis.json").write_text(json.dumps(_genesis(genesis, begun), indent=1))
        (config / "config.toml").write_text(_config(self.application, ports, peers, more))


def public_octets(key: Ed25519PrivateKey) -> bytes:
    """Return a key's public octets."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that nobody else may read; OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file of mode 0600 whole or not at all; on return it survives a crash. OSError."""
    beside = _beside(path, data)
    try:
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    synced(path.parent)


def write_once(path: Path, data: bytes) -> None:
    """Write a file as `write_whole` does, unless it is there: then FileExistsError, and it stays. OSError."""
    beside = _beside(path, data)
    try:
        os.link(beside, path)
    finally:
        beside.unlink(missing_ok=True)
    synced(path.parent)


def _beside(path: Path, data: bytes) -> Path:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write_private(beside, data)
        synced(beside)
    except OSError:
        beside.unlink(missing_ok=True)  # it may hold a secret
        raise
    return beside


def synced(path: Path) -> None:
    """Have a file or a folder survive a crash; OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _run(*arguments: str) -> None:
    try:
        done = subprocess.run(arguments, capture_output=True, check=False)  # noqa: S603 - the operator's engine
    except OSError as error:
        raise StateError(f"{arguments[0]} cannot be run: {error.strerror}") from None
    if done.returncode:
        raise StateError(
            f"{arguments[0]} {arguments[1]} failed: {done.stderr.decode(errors='replace')[-400:]}"
        )


def _genesis(genesis: Genesis, begun: dt.datetime) -> dict[str, Any]:
    return {
        "genesis_time": begun.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "chain_id": genesis.chain,
        "initial_height": "1",
        "consensus_params": {
            "block": {"max_bytes": str(_BLOCK_OCTETS), "max_gas": "-1"},
            "evidence": {
                "max_age_num_blocks": str(_EVIDENCE_BLOCKS),
                "max_age_duration": str(_EVIDENCE_NANOSECONDS),
                "max_bytes": str(_BLOCK_OCTETS // 8),
            },
            "validator": {"pub_key_types": ["ed25519"]},
            "version": {"app": "1"},
            "abci": {"vote_extensions_enable_height": "0"},
        },
        "app_hash": "",
        "app_state": genesis.app_state(),
    }


def _config(application: Path, ports: Ports, peers: Sequence[str], more: dict[str, Any]) -> str:
    """Return the engine's configuration, as far as it is not its default."""
    host = more.get("host", "127.0.0.1")
    values: dict[str, dict[str, Any]] = {
        "": {
            "proxy_app": f"unix://{(application / SOCKET_FILE).absolute()}",
            "abci": "grpc",
            "db_backend": "goleveldb",
            "log_level": "error",
        },
        "rpc": {"laddr": f"tcp://{more.get('rpc_host', '127.0.0.1')}:{ports.rpc}", "max_body_bytes": 65_536},
        "p2p": {
            "laddr": f"tcp://{host}:{ports.peers}",
            "external_address": more.get("external", ""),
            "persistent_peers": ",".join(peers),
            "addr_book_strict": False,
            "allow_duplicate_ip": True,
            "pex": False,
            # Strangers get few places, and none of those that the others' nodes come to.
            "unconditional_peer_ids": ",".join(each.partition("@")[0] for each in peers),
            "max_num_inbound_peers": _STRANGERS,
        },
        "mempool": {"size": 5000, "max_tx_bytes": 16_384},
        "consensus": {
            "timeout_propose": "1s",
            "timeout_propose_delta": "500ms",
            "timeout_prevote": "500ms",
            "timeout_precommit": "500ms",
            "timeout_commit": "500ms",
            "create_empty_blocks": False,
            "create_empty_blocks_interval": "60s",
            **more.get("consensus", {}),
        },
        "statesync": more.get("statesync", {}),
        "tx_index": {"indexer": "kv"},
    }
    lines = list[str]()
    for section, entries in values.items():
        if section:
            lines.append(f"[{section}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in entries.items()]
    return "\n".join(lines) + "\n"
