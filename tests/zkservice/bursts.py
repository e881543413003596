"""Submissions that are ready to be sent, and what must hold of them whatever happens to the servers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc

from tests.zkservice.auditing import audit
from tests.zkservice.refusing import Submission
from tests.zkservice.stores import Store
from tests.zkservice.support import City, city, reopened
from tlog.entry import ReceiptEntry, parse_entry
from tlog.note import Verifier
from tlog.receipt import verify_receipt
from zkproto.v1 import ledger_pb2

BURST: Final = 8
UNAVAILABLE: Final = frozenset({grpc.StatusCode.UNAVAILABLE})
ENDING: Final = UNAVAILABLE | {grpc.StatusCode.CANCELLED}
"""What callers are told by a server that ends in order: gRPC cancels a call that arrives just then."""


@dataclass
class Burst:
    """Submissions to servers on one database, and what became of each."""

    folder: Path
    submissions: list[Submission]
    store: Store
    answers: dict[int, Any] = field(default_factory=dict)
    failures: dict[int, grpc.StatusCode] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        return self.store.settings

    async def send(self, *towns: City) -> None:
        """Send all at once, to servers in turn; wait until each was answered or its connection was lost."""
        await asyncio.gather(*(self._send(towns[at % len(towns)], at) for at in range(len(self.submissions))))

    async def insist(
        self, *towns: City, seconds: float = 30, passing: frozenset[grpc.StatusCode] = UNAVAILABLE
    ) -> None:
        """Send each, again and again as clients do that are told to, until all are answered."""
        async with asyncio.timeout(seconds):
            while len(self.answers) < len(self.submissions):
                left = (each for each in range(len(self.submissions)) if each not in self.answers)
                await asyncio.gather(*(self._send(towns[each % len(towns)], each) for each in left))
                assert set(self.failures.values()) <= passing
                await asyncio.sleep(0.05)

    async def _send(self, town: City, number: int) -> None:
        try:
            answer = await town.presentation.SubmitPresentation(self.submissions[number], timeout=20)
        except grpc.aio.AioRpcError as error:
            self.failures[number] = error.code()
        else:
            self.answers[number] = answer

    async def check(self) -> None:
        """Start a server again; compare what it has with what was acknowledged."""
        self.store.check(self.folder)
        async with reopened(self.folder, **self.settings) as town:
            await audit(town)
            await self.check_at(town)
        assert not self.store.select(self.folder, "select * from outbox_content")
        assert not self.store.select(self.folder, "select * from ledger_staged")

    async def check_at(self, town: City) -> None:
        """See at a server that no receipt is lost, none doubled, and chain and tree verify."""
        key = Verifier.from_string(town.ready.verifier_key)
        commitments = []
        for number, submission in enumerate(self.submissions):
            again = await town.presentation.SubmitPresentation(submission)
            assert self.answers.setdefault(number, again) == again
            receipt = verify_receipt(again.receipt, key)
            assert receipt.index == again.entry_index
            commitments.append(receipt.opening.commitment)
        listed = await town.ledger.ListEntries(ledger_pb2.ListEntriesRequest(page_size=1000))
        entries = map(parse_entry, (each.entry for each in listed.entries))
        counted = Counter(each.commitment for each in entries if isinstance(each, ReceiptEntry))
        assert counted == dict.fromkeys(commitments, 1)
        assert len(counted) == len(self.submissions)
        report = await audit(town)
        assert report.receipts == len(self.submissions)


@asynccontextmanager
async def prepared(folder: Path, store: Store, size: int = BURST) -> AsyncIterator[Burst]:
    """Make submissions at a furnished city, which has ended when they are given."""
    submissions = []
    async with city(folder, **store.settings) as town:
        issued = await town.claim(await town.issue())
        for _ in range(size):
            request = town.request()
            submissions.append(town.submission(await town.ask(request), *town.present(request, issued)))
    yield Burst(folder, submissions, store)
