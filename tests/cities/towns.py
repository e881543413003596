"""People in a city of the consortium: what they send, what was acknowledged, and what must hold of it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consortium.fetching import Fetcher
from consortium.source import HttpSource, fetch_inclusion, read_all
from tests.zkservice.refusing import Submission
from tests.zkservice.support import City, Clock, Issued
from tests.zkservice.witnessing import size_of
from tlog import Follower, Policy, VerifiedReceipt, anchored_receipt, verify_receipt
from tlog.entry import ReceiptEntry, parse_entry
from tlog.policy import open_by_policy
from zk.demo.consortium.cities import City as Seat
from zk.demo.consortium.cities import Consortium
from zkproto.v1 import ledger_pb2
from zkservice.server import Ready

PATIENCE: Final = 90.0
"""Seconds: some for the network's time-outs, and what nine servers take that wait for two cores."""
_OFTEN: Final = 0.2
_OPTIONS: Final = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))
"""A connection of its own each time: gRPC goes easy on an address where somebody was not there before."""


@dataclass
class Town:
    """A furnished city with somebody who shows a credential, again and again."""

    seat: Seat
    policy: Policy
    token: str = ""
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    issued: Issued | None = None
    submissions: list[Submission] = field(default_factory=list)
    answers: dict[int, Any] = field(default_factory=dict)
    failures: list[grpc.StatusCode] = field(default_factory=list)

    @asynccontextmanager
    async def city(self) -> AsyncIterator[City]:
        """Speak to the server that runs now."""
        local = self.seat.local
        credentials = grpc.ssl_channel_credentials(local.root.read_bytes())
        async with grpc.aio.secure_channel(local.address, credentials, _OPTIONS) as channel:
            ready = Ready(local.address, str(self.seat.log), local.data)
            admin = local.admin_token.read_text().strip()
            yield City(ready, Clock(), channel, admin, self.token, self.keys)

    async def furnish(self) -> None:
        async with self.city() as city:
            await city.furnish()
            self.token, self.keys = city.department_token, city.verifier_keys
            self.issued = await city.claim(await city.issue())

    async def prepare(self, count: int) -> None:
        """Be asked, and prove what was asked, but send nothing yet."""
        assert self.issued is not None
        async with self.city() as city:
            for _ in range(count):
                request = city.request()
                exchange = await city.ask(request)
                self.submissions.append(city.submission(exchange, *city.present(request, self.issued)))

    async def send(self) -> None:
        """Send what was not answered yet; a server that dies meanwhile answers some or none."""
        async with self.city() as city:
            left = [each for each in range(len(self.submissions)) if each not in self.answers]
            await asyncio.gather(*(self._send(city, each) for each in left))

    async def _send(self, city: City, number: int) -> None:
        try:
            answer = await city.presentation.SubmitPresentation(self.submissions[number], timeout=PATIENCE)
        except grpc.aio.AioRpcError as error:
            self.failures.append(error.code())
        else:
            assert self.answers.setdefault(number, answer) == answer

    async def show(self, count: int = 2) -> None:
        """Prepare and send; all are acknowledged, with receipts that are pending as they come."""
        await self.prepare(count)
        await self.send()
        assert len(self.answers) == len(self.submissions), self.failures
        for answer in self.answers.values():
            assert verify_receipt(answer.receipt, self.seat.log).index == answer.entry_index

    async def more_than(self, count: int) -> None:
        """Wait until more than so many were answered."""
        async with asyncio.timeout(PATIENCE):
            while len(self.answers) <= count:
                await asyncio.sleep(0.001)

    async def head(self) -> ledger_pb2.GetCheckpointResponse:
        async with self.city() as city:
            head: ledger_pb2.GetCheckpointResponse = await city.ledger.GetCheckpoint(
                ledger_pb2.GetCheckpointRequest(), timeout=PATIENCE
            )
            return head

    async def anchored(self) -> bytes:
        """Wait until all that was acknowledged is anchored; return the checkpoint that covers it."""
        newest = max(each.entry_index for each in self.answers.values())
        async with asyncio.timeout(PATIENCE):
            while size_of(note := (await self.head()).anchored) <= newest:
                await asyncio.sleep(_OFTEN)
        return note

    async def cosigners(self) -> set[str]:
        """Return which witnesses of the policy are in the checkpoint that anchors all, quorum or more."""
        _, cosignatures = open_by_policy(await self.anchored(), self.policy)
        heard = {each.witness for each in cosignatures}
        return {each.name for each in self.policy.witnesses if each.verifier in heard}

    async def check(self) -> None:
        """See that no acknowledged receipt is lost, none doubled, all anchored; chain and tree verify."""
        await self.anchored()
        async with self.city() as city:
            for number, submission in enumerate(self.submissions):
                again = await city.presentation.SubmitPresentation(submission, timeout=PATIENCE)
                assert again == self.answers[number], "acknowledged otherwise than before"
        async with Fetcher(whole=PATIENCE) as fetcher:
            source = HttpSource(self.seat.http, fetcher)
            note = await source.checkpoint()
            checkpoint, _ = open_by_policy(note, self.policy)
            entries = list[bytes]()
            await read_all(source, Follower(), checkpoint, lambda _, new, __: entries.extend(new))
            receipts = [
                await self._moved(source, answer.receipt, note, checkpoint.size)
                for answer in self.answers.values()
            ]
        assert all(each.is_anchored for each in receipts)
        parsed = map(parse_entry, entries)
        counted = Counter(each.commitment for each in parsed if isinstance(each, ReceiptEntry))
        assert counted == dict.fromkeys([each.opening.commitment for each in receipts], 1)
        assert len(counted) == len(self.submissions)

    async def _moved(self, source: HttpSource, receipt: bytes, note: bytes, size: int) -> VerifiedReceipt:
        """Return the same receipt proven in an anchored checkpoint, as a vault makes it of tiles."""
        pending = verify_receipt(receipt, self.seat.log)
        hashes = await fetch_inclusion(source, pending.index, size)
        moved = anchored_receipt(receipt, hashes, note, self.seat.log, self.policy)
        return verify_receipt(moved, self.seat.log, policy=self.policy)

    async def stays_pending(self, seconds: float) -> None:
        """See for some time that the newest receipt is acknowledged and pending, and nothing anchors it."""
        newest = max(self.answers.values(), key=lambda each: each.entry_index)
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            head = await self.head()
            assert size_of(head.anchored) <= newest.entry_index < size_of(head.checkpoint)
            await asyncio.sleep(_OFTEN)
        receipt = verify_receipt(newest.receipt, self.seat.log, policy=self.policy, accept_pending=True)
        assert not receipt.is_anchored


class Towns(dict[str, Town]):
    """The towns of all cities by their letters."""

    def __init__(self, made: Consortium) -> None:
        super().__init__()
        self.made = made
        for letter, seat in made.cities.items():
            self[letter] = Town(seat, made.policy_of(seat))

    def of(self, letters: Iterable[str]) -> Sequence[Town]:
        return [self[each] for each in letters]

    async def furnish(self) -> None:
        await asyncio.gather(*(each.furnish() for each in self.values()))

    async def show(self, letters: Iterable[str], count: int = 2) -> None:
        await asyncio.gather(*(each.show(count) for each in self.of(letters)))

    async def check(self) -> None:
        """See at all cities what must hold after each fault."""
        await asyncio.gather(*(each.check() for each in self.values()))
