"""`zk serve` with several server processes, as an operator runs it, and what the system tells of them."""

import asyncio
import json
import os
import re
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509

from tests.zkservice.processes import children_of, command, lives
from tests.zkservice.server_process import ROOT
from tests.zkservice.support import City, Clock
from zkservice.server import Ready

SECONDS = 60.0


@dataclass
class Supervised:
    """A started supervisor: its process, and what it said when it was ready."""

    folder: Path
    handle: asyncio.subprocess.Process
    ready: dict[str, Any]

    @property
    def address(self) -> str:
        return str(self.ready["address"])

    def members(self) -> set[int]:
        """Return the processes that serve for it."""
        return {each for each in children_of(self.handle.pid) if lives(each) and is_member(each)}

    def serving(self) -> set[int]:
        """Return the members that have connections of clients to the port."""
        port = int(self.address.rpartition(":")[2])
        sockets = _accepted(port)
        return {each for each in self.members() if sockets & _sockets(each)}

    def certificate(self) -> x509.Certificate:
        """Return the certificate that a new connection is shown."""
        host, _, port = self.address.rpartition(":")
        return x509.load_pem_x509_certificate(ssl.get_server_certificate((host, int(port))).encode())

    async def become(self, number: int, *, without: frozenset[int] = frozenset()) -> set[int]:
        """Wait until it has so many members that are ready, and none of these."""
        async with asyncio.timeout(SECONDS):
            while len(found := self.members()) != number or found & without:
                await asyncio.sleep(0.05)
        return found

    async def logged(self, line: str, times: int = 1) -> None:
        async with asyncio.timeout(SECONDS):
            while self.log().count(line) < times:
                await asyncio.sleep(0.05)

    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def end(self, number: signal.Signals) -> None:
        self.handle.send_signal(number)

    async def ended(self) -> int:
        async with asyncio.timeout(SECONDS):
            return await self.handle.wait()

    @asynccontextmanager
    async def city(self, *options: tuple[str, Any]) -> AsyncIterator[City]:
        """Speak to it over a connection of its own."""
        credentials = grpc.ssl_channel_credentials((self.folder / "ca.pem").read_bytes())
        own = (("grpc.use_local_subchannel_pool", 1), *options)
        async with grpc.aio.secure_channel(self.address, credentials, own) as channel:
            ready = Ready(self.address, (self.folder / "log.vkey").read_text().strip(), self.folder)
            yield City(ready, Clock(), channel, (self.folder / "admin.token").read_text().strip())


async def launch(folder: Path, **settings: object) -> asyncio.subprocess.Process:
    """Start `zk serve`; its log goes to `server.log` in the folder."""
    given = {f"ZK_{name.upper()}": str(value) for name, value in settings.items()}
    folder.mkdir(exist_ok=True, mode=0o700)
    with (folder / "server.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "zk.cli", "serve", "--dev", "--data", str(folder), "--port", "0", "--json",
            cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=log,
            env=os.environ | {"ZK_PROCESSES": "0"} | given,
        )  # fmt: skip


@asynccontextmanager
async def supervised(folder: Path, **settings: object) -> AsyncIterator[Supervised]:
    """Run a supervisor until the block ends, if it does not end before."""
    handle = await launch(folder, **settings)
    try:
        assert handle.stdout is not None
        async with asyncio.timeout(SECONDS):
            line = await handle.stdout.readline()
        assert line, (folder / "server.log").read_text()
        yield Supervised(folder, handle, json.loads(line))
    finally:
        if handle.returncode is None:
            handle.kill()
            await handle.wait()


def is_member(pid: int) -> bool:
    return "zkservice.member" in command(pid)


def _accepted(port: int) -> set[str]:
    """Return the inodes of the sockets of this machine that were accepted at a port."""
    lines = (Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()).splitlines()
    fields = [line.split() for line in lines if re.match(r"\s*\d+:", line)]
    return {each[9] for each in fields if each[1].endswith(f":{port:04X}") and each[3] == "01"}


def _sockets(pid: int) -> set[str]:
    found = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(each)
        except OSError:
            continue
        if match := re.fullmatch(r"socket:\[(\d+)]", target):
            found.add(match[1])
    return found
