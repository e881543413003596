"""Durable receipts each second, through the log's own interface, on SQLite or PostgreSQL.

A receipt counts when its block is published: stored in a transaction, committed to the disk, taken into a
block, signed for, and its place told. Several batches are under way, as they are in a server under load, and
the loop and its threads are set as the server sets them.
"""

import asyncio
import datetime as dt
import secrets
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import monotonic, process_time
from typing import Final

import uvloop
from sqlalchemy import Connection

from tlog.entry import HOLDER_NOTE_OCTETS, ReceiptEntry, note_hash
from tlog.keys import Signer
from zkservice.log_keys import LogKeys
from zkservice.sequencer import Sequencer
from zkservice.storage import ledger, schema_version
from zkservice.storage.database import THREAD_SWITCH_SECONDS, Database, open_engine
from zkservice.storage.ledger import New

BATCH: Final = 256
ORIGIN: Final = "zk-disclosure.example/measured"


@dataclass(frozen=True)
class Durable:
    """So many receipts in so many seconds; `cpu` of them is this process's own time on a core."""

    receipts: int
    seconds: float
    cpu: float

    @property
    def per_second(self) -> float:
        return self.receipts / self.seconds


def write(url: str, receipts: int, *, secret: bytes | None = None, ahead: bool = True) -> Durable:
    """Write receipts in an event loop like the server's, to an empty log or to one that `secret` signs.

    They are made `ahead`, so that their making takes no time of it; where memory is what counts, on the way.
    """
    sys.setswitchinterval(THREAD_SWITCH_SECONDS)
    batches: Iterable[list[New]] = _batches(receipts)
    signer = Signer.generate(ORIGIN) if secret is None else Signer.from_secret(ORIGIN, secret)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(durable_receipts(url, list(batches) if ahead else batches, signer))


async def durable_receipts(
    url: str, batches: Iterable[list[New]], signer: Signer, *, under_way: int = 4
) -> Durable:
    """Write batches, each in a transaction, so many at once; measure how long it takes."""
    engine = open_engine(url)
    schema_version.require_newest(engine)
    database = Database(engine)
    sequencer = Sequencer(database, LogKeys.of(signer), lambda: dt.datetime.now(dt.UTC), max_batch=BATCH)
    await sequencer.start()
    running = asyncio.create_task(sequencer.run())
    waiting = iter(batches)

    async def submit() -> int:
        done = 0
        for each in waiting:

            def enqueue(connection: Connection, each: list[New] = each) -> list[int]:
                return ledger.enqueue_all(connection, each)

            places = await asyncio.gather(*map(sequencer.integrated, await database.write(enqueue)))
            done += len({place.index for place in places})
        return done

    try:
        begun, cpu = monotonic(), process_time()
        done = sum(await asyncio.gather(*(submit() for _ in range(under_way))))
        result = Durable(done, monotonic() - begun, process_time() - cpu)
    finally:
        sequencer.stop()
        await running
        await asyncio.to_thread(database.close)
    return result


def new_receipt() -> New:
    """Return a receipt's entry and note, random, as all of them look to everybody."""
    note = secrets.token_bytes(HOLDER_NOTE_OCTETS)
    return New(ReceiptEntry(secrets.token_bytes(32), note_hash(note)).to_bytes(), note)


def _batches(receipts: int) -> Iterator[list[New]]:
    for _ in range(receipts // BATCH):
        yield [new_receipt() for _ in range(BATCH)]
