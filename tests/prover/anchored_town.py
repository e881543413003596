"""A server whose checkpoints real witnesses cosign, in a thread of its own, and a log that it fills."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.prover.town import Town, running
from tests.tlog.making import holder_note, receipt
from tests.zkservice.stored import change
from tests.zkservice.support import City, city
from tests.zkservice.witnessing import Consortium, anchored, consortium, published
from tlog import Policy


@dataclass
class AnchoredTown:
    """A town, and the nine that cosign for it: five of eight cities count, the regulator does not."""

    town: Town
    others: Consortium

    @property
    def policy(self) -> Policy:
        return self.others.policy

    def anchored(self) -> bytes:
        """Wait until everything that is published now is anchored; return the note."""
        return self.town.run(anchored(self.town.city, self.town.run(published(self.town.city)), 20))

    def end(self, *names: str) -> None:
        self.town.run(self.others.end(*names))

    def start(self, *names: str) -> None:
        self.town.run(self.others.start(*names))


@contextmanager
def anchored_town(folder: Path, crowd: int = 0) -> Iterator[AnchoredTown]:
    """Start witnesses and a furnished server, on whose log so many receipts of others stand already."""
    gathered = list[Consortium]()

    @asynccontextmanager
    async def opening(folder: Path) -> AsyncIterator[City]:
        server = folder / "server"
        async with consortium(folder, server) as others:
            gathered.append(others)
            for number in range(crowd):
                change(server, "insert into outbox (id) values (?)", 10_000 + number)
                change(
                    server, "insert into outbox_content values (?, ?, ?)", 10_000 + number, receipt(number),
                    holder_note(number),
                )  # fmt: skip
            async with city(server, **others.settings) as made:
                yield made

    with running(folder, opening) as town:
        yield AnchoredTown(town, gathered[0])
