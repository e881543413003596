"""The former program and this one on one database, while servers are replaced one after the other.

Departments issue, vaults claim and present, verifiers ask and watch, all the time and at whichever server
there is; nothing fails that a client would not send again, and nothing that was acknowledged is lost.
"""

import asyncio
import itertools
import json
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests import former, postgres
from tests.former import ROOT
from tests.zkservice.auditing import audit
from tests.zkservice.bursts import ENDING
from tests.zkservice.stores import Store, replica
from tests.zkservice.support import PERMIT, VALUES, City, Clock, Issued, new_id
from tlog.note import Verifier
from tlog.receipt import verify_receipt
from wire.convert import credential_of, issuer_key_of
from zkproto.v1 import catalog_pb2, issuance_pb2, presentation_pb2
from zkservice.server import Ready
from zkservice.storage import schema_version

SECONDS = 60.0
FORMER = "0022"
"""The former program's schema."""


@dataclass
class Running:
    """A server of one of the programs."""

    folder: Path
    handle: asyncio.subprocess.Process
    address: str

    @asynccontextmanager
    async def city(self) -> AsyncIterator[City]:
        credentials = grpc.ssl_channel_credentials((self.folder / "ca.pem").read_bytes())
        async with grpc.aio.secure_channel(self.address, credentials) as channel:
            ready = Ready(self.address, (self.folder / "log.vkey").read_text().strip(), self.folder)
            yield City(ready, Clock(), channel, (self.folder / "admin.token").read_text().strip())

    async def end(self) -> None:
        self.handle.send_signal(signal.SIGTERM)
        async with asyncio.timeout(SECONDS):
            assert await self.handle.wait() == 0

    def log(self) -> str:
        return (self.folder / "server.log").read_text()


@dataclass
class Traffic:
    """What a city does all the time, and what it was told of it."""

    towns: list[City]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    submissions: list[tuple[Any, Any]] = field(default_factory=list)
    again: int = 0
    turn: "itertools.count[int]" = field(default_factory=itertools.count)

    def town(self) -> City:
        return self.towns[next(self.turn) % len(self.towns)]

    async def insist(self, call: Callable[[City], Awaitable[Any]]) -> Any:
        """Call at one server after the other until one answers, as clients do that are told to try again."""
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    return await call(self.town())
                except grpc.aio.AioRpcError as error:
                    if error.code() not in ENDING:
                        raise
                    self.again += 1
                    await asyncio.sleep(0.05)

    async def run(self) -> None:
        """Issue, claim, ask, watch and present until told to end."""
        while not self.stop.is_set():
            issued = await self.issued()
            for _ in range(3):
                await self.presented(issued)

    async def issued(self) -> Issued:
        request_id, asked = new_id(), {"request_id": new_id()}
        offer = await self.insist(lambda town: town.issue(VALUES, request_id))
        asked |= {"offer": offer.offer, "claim_code": offer.claim_code}
        claim = issuance_pb2.ClaimCredentialRequest(**asked)
        answer = await self.insist(lambda town: town.issuance.ClaimCredential(claim))
        assert await self.insist(lambda town: town.issuance.ClaimCredential(claim)) == answer
        kept = issuance_pb2.AcknowledgeCredentialRequest(**asked)
        await self.insist(lambda town: town.issuance.AcknowledgeCredential(kept))
        credential = credential_of(answer.credential)
        named = catalog_pb2.GetIssuerKeyRequest(name=str(credential.issuer_key))
        key = await self.insist(lambda town: town.catalog.GetIssuerKey(named))
        return Issued(credential, PERMIT, issuer_key_of(key))

    async def presented(self, issued: Issued) -> None:
        town = self.town()
        request = town.request()
        asking = town.create_exchange(request)
        exchange = await self.insist(lambda town: town.presentation.CreateExchange(asking))
        watching = asyncio.create_task(self.insist(lambda town: _watched(town, exchange)))
        submission = town.submission(exchange, *town.present(request, issued))
        answer = await self.insist(lambda town: town.presentation.SubmitPresentation(submission))
        assert (await watching).receipt == answer.receipt
        self.submissions.append((submission, answer))

    async def check(self) -> None:
        """See at every server that each presentation has the receipt that it was answered with."""
        for town in self.towns:
            key = Verifier.from_string(town.ready.verifier_key)
            for submission, answer in self.submissions:
                assert await town.presentation.SubmitPresentation(submission) == answer
                assert verify_receipt(answer.receipt, key).index == answer.entry_index
            assert (await audit(town)).receipts == len(self.submissions)

    async def more(self, number: int) -> None:
        """Wait until so many more presentations were answered."""
        wanted = len(self.submissions) + number
        async with asyncio.timeout(SECONDS):
            while len(self.submissions) < wanted:
                await asyncio.sleep(0.05)


async def _watched(town: City, exchange: Any) -> Any:
    request = presentation_pb2.WatchExchangeRequest(
        exchange=exchange.exchange, result_token=exchange.result_token
    )
    return [each async for each in town.presentation.WatchExchange(request)][-1]


@asynccontextmanager
async def running(program: Path, folder: Path, *options: str, **settings: object) -> AsyncIterator[Running]:
    """Run a program's server until the block ends, if it does not end before."""
    handle = await former.serve(program, folder, *options, **settings)
    try:
        assert handle.stdout is not None
        async with asyncio.timeout(SECONDS):
            line = await handle.stdout.readline()
        assert line, (folder / "server.log").read_text()
        yield Running(folder, handle, json.loads(line)["address"])
    finally:
        if handle.returncode is None:
            handle.kill()
            await handle.wait()


class Fleet:
    """The servers that run, each with a connection of the traffic's."""

    def __init__(self, stack: AsyncExitStack, settings: dict[str, Any]) -> None:
        self._stack, self._settings = stack, settings

    async def start(self, program: Path, folder: Path, *options: str) -> tuple[Running, City]:
        server = await self._stack.enter_async_context(running(program, folder, *options, **self._settings))
        return server, await self._stack.enter_async_context(server.city())


@pytest.mark.long
async def test_servers_are_replaced_one_after_the_other_under_traffic(
    postgresql: postgres.Server, tmp_path: Path
) -> None:
    before, store = former.tree(), Store.on(postgresql)
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))

    def schema() -> str:
        return str(store.select(tmp_path, "select version_num from alembic_version")[0][0])

    async with AsyncExitStack() as stack:
        fleet = Fleet(stack, store.settings)
        one, town = await fleet.start(before, first)
        replica(second, first)
        replica(third, first)
        two, other = await fleet.start(before, second)
        assert schema() == FORMER
        await town.furnish()
        traffic = Traffic([town])

        def join(new: City) -> None:
            new.department_token, new.verifier_keys = town.department_token, town.verifier_keys
            traffic.towns.append(new)

        join(other)
        working = [asyncio.create_task(traffic.run()) for _ in range(2)]
        await traffic.more(4)

        # Expand: a server of this program joins, and migrates while the former ones serve.
        _, newer = await fleet.start(ROOT, third, "--upgrade")
        assert schema() == schema_version.newest() != FORMER
        join(newer)
        await traffic.more(8)
        assert len({str(each.ready.address) for each in traffic.towns}) == 3, "both programs serve"

        # Migrate: one by one. A former one may be started again meanwhile, and leads perhaps.
        traffic.towns.remove(town)
        await one.end()
        one, again = await fleet.start(before, first)
        join(again)
        await traffic.more(4)
        assert "the schema is a newer one" in one.log()
        for server, leaving in ((two, other), (one, again)):
            traffic.towns.remove(leaving)
            await server.end()
            _, fresh = await fleet.start(ROOT, server.folder)
            join(fresh)
            await traffic.more(4)
        traffic.stop.set()
        await asyncio.gather(*working)
        await traffic.check()
    for folder in (first, second, third):
        assert '"event": "fault"' not in (folder / "server.log").read_text()
