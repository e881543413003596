"""Real witnesses over HTTP in this process, of the nine cities and the regulator; and some that misbehave."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from consortium.serving import listening
from consortium.witness import WitnessStore, make_keys, opened_store, witness_app
from disclosure import SchemaName
from tests.zkservice.support import PERMIT, City, reopened
from tlog import CosignatureSigner, Policy, Verifier
from tlog.policy import GroupLine, LogLine, WitnessLine, open_by_policy
from zkproto.v1 import ledger_pb2

CITIES: Final = tuple(f"city-{each}" for each in "bcdefghi")
QUORUM: Final = 5
"""Of the eight; with the log's own signature six of nine."""
"""The other eight: the log's own city is the ninth."""
REGULATOR: Final = "regulator"
QUICK: Final[dict[str, Any]] = {"checkpoint_ms": 100, "witness_seconds": 2.0}

Answering = Callable[[Request], Awaitable[Response]]


@dataclass
class Witness:
    """A witness that keeps its folder and its port when it ends and comes back."""

    signer: CosignatureSigner
    folder: Path
    log: Verifier
    port: int = 0
    store: WitnessStore | None = None
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, instead: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> None:
        """Come back, as another program if one is given."""
        await self.end()
        logs = {self.log.name: (self.log,)}
        self._running = AsyncExitStack()
        self.store = self._running.enter_context(opened_store(self.folder, logs, (self.signer,)))
        app = witness_app(self.store, logs, lambda: int(time.time()))
        server = listening(instead(app), "127.0.0.1", self.port)
        self.port = await self._running.enter_async_context(server)

    async def end(self) -> None:
        """Go away."""
        await self._running.aclose()
        self.store = None

    def size(self) -> int:
        """What it has cosigned of the log, while it runs; -1 if nothing."""
        assert self.store is not None
        found = self.store.cosigned(self.log.name)
        return found.checkpoint.size if found else -1


@dataclass
class Consortium:
    """The witnesses of one log, and the policy that names them."""

    folder: Path
    log: Verifier
    witnesses: dict[str, Witness]

    @property
    def policy(self) -> Policy:
        """Six of nine with the log's own: five of the other eight. The regulator does not count."""
        lines = tuple(
            WitnessLine(name, each.signer.verifier, each.url) for name, each in self.witnesses.items()
        )
        return Policy((LogLine(self.log),), lines, (GroupLine("cities", QUORUM, CITIES),), "cities")

    @property
    def settings(self) -> dict[str, Any]:
        """What a server takes to ask them."""
        path = self.folder / "policy"
        path.write_bytes(self.policy.to_bytes())
        return {"policy": path, **QUICK}

    def cosigned(self, note: bytes) -> set[str]:
        """Return who has cosigned a note, which has to reach the quorum."""
        _, cosignatures = open_by_policy(note, self.policy)
        heard = {each.witness for each in cosignatures}
        return {name for name, each in self.witnesses.items() if each.signer.verifier in heard}

    async def end(self, *names: str) -> None:
        await asyncio.gather(*(self.witnesses[name].end() for name in names or self.witnesses))

    async def start(self, *names: str) -> None:
        await asyncio.gather(*(self.witnesses[name].start() for name in names or self.witnesses))


@asynccontextmanager
async def consortium(folder: Path, server: Path, **settings: Any) -> AsyncIterator[Consortium]:
    """Start the witnesses of the log in a server's folder, which is begun if it is empty."""
    async with reopened(server, **settings) as town:
        log = Verifier.from_string(town.ready.verifier_key)
    witnesses = dict[str, Witness]()
    for name in (*CITIES, REGULATOR):
        place = folder / name
        witnesses[name] = Witness(make_keys(place, f"{name}.example/witness"), place, log)
    gathered = Consortium(folder, log, witnesses)
    await gathered.start()
    try:
        yield gathered
    finally:
        await gathered.end()


async def grow(town: City, name: str) -> int:
    """Register a schema, which puts a record on the log; return the size that holds it."""
    before = await published(town)
    await town.add_department(name)
    await town.add_schema(replace(PERMIT, name=SchemaName(name, "residence_permit", 1)))

    async def look() -> int:
        size = await published(town)
        return size if size > before else 0

    size: int = await until(look)
    return size


async def published(town: City) -> int:
    """Return the size of the newest checkpoint."""
    return size_of((await head(town)).checkpoint)


async def head(town: City) -> ledger_pb2.GetCheckpointResponse:
    answer: ledger_pb2.GetCheckpointResponse = await town.ledger.GetCheckpoint(
        ledger_pb2.GetCheckpointRequest()
    )
    return answer


def size_of(note: bytes) -> int:
    """Return the size that a note states; -1 for none."""
    return int(note.split(b"\n")[1]) if note else -1


async def anchored(town: City, size: int, seconds: float = 60.0) -> bytes:
    """Wait until so large a log is anchored; return the note."""

    async def look() -> bytes | None:
        note = (await head(town)).anchored
        return note if size_of(note) >= size else None

    note: bytes = await until(look, seconds)
    return note


async def until(look: Callable[[], Awaitable[Any]], seconds: float = 60.0) -> Any:
    """Look until there is something; TimeoutError."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):
            await asyncio.sleep(0.02)
    return found


def answering(add: Answering, shown: Answering | None = None) -> Callable[[ASGIApp], ASGIApp]:
    """Return a witness that answers add-checkpoint in its own way, and shows what it likes, if anything."""

    async def nothing(_: Request) -> Response:
        return Response(status_code=404)

    def instead(_: ASGIApp) -> ASGIApp:
        return Starlette(
            routes=[
                Route("/add-checkpoint", add, methods=["POST"]),
                Route("/{place:str}/checkpoint", shown or nothing, methods=["GET"]),
            ]
        )

    return instead
