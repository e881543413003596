"""Submissions made ahead of time, by processes of their own: who measures a server does not prove meanwhile.

    python -m zk.bench.load.proving

Holders prove on machines of their own. Here they have no other cores than the server and the generator, so
these processes give way to both; but not within the generator, whose event loop would wait for the
interpreter while a proof is made, and charge the server with it.

A process reads one line of JSON that says who it is (a synthetic holder and verifier, with their keys), then
a line for each submission that is wanted; it answers with a line in base64, and ends with its input.
"""

import asyncio
import base64
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, TextIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from prover.records import held_credential_of
from prover.sealing import VaultKeys
from tlog import Verifier
from verifier.client import VerifierClient
from wire.client import Endpoint
from zk.bench.load.parties import SCHOOL, Parties
from zk.home import read_secret
from zk.local_server import LocalServer

STOCK: Final = 128
"""Submissions that are kept ready: a few seconds of them, so that none is waited for."""
_NICE: Final = 19
_GROUP: Final = Path("/proc/self/autogroup")
"""Where Linux gives each session its share first, and counts niceness within a session only (sched(7))."""


class Provers:
    """A stock of submissions, each to be sent once, that is filled again while they are taken."""

    def __init__(self, stock: int) -> None:
        self._ready: asyncio.Queue[bytes] = asyncio.Queue(stock)
        self.waits: list[float] = []
        """Seconds that takers waited since nothing was ready: lateness of the generator's own side."""

    async def take(self) -> bytes:
        """Return the octets of a submission, and wait for one where none is ready."""
        if not self._ready.empty():
            return self._ready.get_nowait()
        begun = time.perf_counter()
        octets = await self._ready.get()
        self.waits.append(time.perf_counter() - begun)
        return octets

    async def full(self) -> None:
        """Wait until the stock is full."""
        while not self._ready.full():
            await asyncio.sleep(0.05)

    async def fill(self, process: asyncio.subprocess.Process, identity: bytes) -> None:
        """Have a process make submissions for the stock. RuntimeError when it ends."""
        reading: Any = process.stdout
        writing: Any = process.stdin
        writing.write(identity)
        while True:
            writing.write(b"\n")
            line = await reading.readline()
            if not line.endswith(b"\n"):
                raise RuntimeError("a process that proves has ended")
            await self._ready.put(base64.b64decode(line[:-1], validate=True))


@asynccontextmanager
async def proving(
    server: LocalServer, parties: Parties, processes: int, stock: int = STOCK
) -> AsyncIterator[Provers]:
    """Start processes that prove for the parties, with a full stock; with one of them the block ends."""
    provers, identity = Provers(stock), _identity(server, parties)
    started = [await _start() for _ in range(processes)]
    try:
        async with asyncio.TaskGroup() as group:
            filling = [group.create_task(provers.fill(each, identity)) for each in started]
            await provers.full()
            yield provers
            for each in filling:
                each.cancel()
    finally:
        for process in started:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _start() -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "zk.bench.load.proving"]
    return await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, start_new_session=True)


def _identity(server: LocalServer, parties: Parties) -> bytes:
    """Return what a process has to know: keys of a person who does not exist, told by its pipe alone."""
    identity = {
        "address": server.address,
        "data": str(server.data),
        "school_key": parties.school_key.private_bytes_raw().hex(),
        "vault_key": parties.vault_keys.recovery_secret().hex(),
        "held": parties.held.octets().hex(),
    }
    return json.dumps(identity).encode() + b"\n"


def run(reading: TextIO, writing: TextIO) -> None:
    """Answer each line with a submission until there are no more."""
    told = json.loads(reading.readline())
    server = LocalServer(told["address"], Path(told["data"]), 0)
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(told["school_key"]))
    held = held_credential_of("0" * 32, bytes.fromhex(told["held"]))
    log = Verifier.from_string(read_secret(server.log_key))
    with VerifierClient(Endpoint.at(server.address, server.root), SCHOOL, key, log) as school:
        parties = Parties("", school, key, VaultKeys(bytes.fromhex(told["vault_key"])), held)
        for _ in reading:
            writing.write(base64.b64encode(parties.submission()).decode() + "\n")
            writing.flush()


def main() -> int:
    """Prove for whoever asks on the standard input."""
    _give_way()
    run(sys.stdin, sys.stdout)
    return 0


def _give_way() -> None:
    os.nice(_NICE)
    with suppress(OSError):  # a system that has no such groups
        _GROUP.write_text(str(_NICE))


if __name__ == "__main__":
    sys.exit(main())
