"""The process of a witness: one folder, one port, until SIGINT or SIGTERM."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from consortium.serving import listening
from consortium.witness.app import witness_app
from consortium.witness.keys import load_keys
from consortium.witness.store import Connect, WitnessStore, connect, opened_store
from tlog import Policy, Verifier
from tlog.witness import KnownLogs


@dataclass(frozen=True)
class Address:
    """Where a witness listens, and with which certificate if it speaks TLS itself."""

    host: str
    port: int
    certificate: Path | None = None
    private_key: Path | None = None


@dataclass(frozen=True)
class Ready:
    """What a started witness tells."""

    port: int
    keys: tuple[Verifier, ...]
    logs: tuple[str, ...]


def known_logs(policies: Sequence[Policy]) -> KnownLogs:
    """Return the logs of some policies by their origins, with all keys of each."""
    logs = dict[str, tuple[Verifier, ...]]()
    for policy in policies:
        for line in policy.logs:
            before = logs.get(line.verifier.name, ())
            if line.verifier not in before:
                logs[line.verifier.name] = (*before, line.verifier)
    return logs


def serve(
    folder: Path,
    policies: Sequence[Policy],
    address: Address,
    *,
    on_ready: Callable[[Ready], None] = lambda _: None,
    clock: Callable[[], int] = lambda: int(time.time()),
    connect: Connect = connect,
) -> None:
    """Run a witness for the logs of these policies.

    Raises FolderError FOLDER_BUSY, FOLDER_INVALID; OSError if the address or the certificate cannot be used.
    """
    signers, logs = load_keys(folder), known_logs(policies)
    with opened_store(folder, logs, signers, connect) as store:
        ready = tuple(each.verifier for each in signers), tuple(logs)
        asyncio.run(_serve(store, logs, address, clock, lambda port: on_ready(Ready(port, *ready))))


async def _serve(
    store: WitnessStore,
    logs: KnownLogs,
    address: Address,
    clock: Callable[[], int],
    on_port: Callable[[int], None],
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with listening(
        witness_app(store, logs, clock),
        address.host,
        address.port,
        certificate=address.certificate,
        private_key=address.private_key,
    ) as port:
        on_port(port)
        await stop.wait()
