"""Durable receipts each second, through the log's own interface, on SQLite or PostgreSQL.

A receipt counts when its block is published: stored in a transaction, committed to the disk, taken into a
block, signed for, and its place told. Several batches are under way, as they are in a server under load.
"""

import asyncio
import datetime as dt
import secrets
from dataclasses import dataclass
from time import monotonic, process_time

from sqlalchemy import Connection

from tlog.entry import HOLDER_NOTE_OCTETS, ReceiptEntry, note_hash
from tlog.note import Signer
from zkservice.log_keys import LogKeys
from zkservice.sequencer import Sequencer
from zkservice.storage import ledger, schema_version
from zkservice.storage.database import Database, open_engine
from zkservice.storage.ledger import New


@dataclass(frozen=True)
class Durable:
    """So many receipts in so many seconds; `cpu` of them is this process's own time on a core."""

    receipts: int
    seconds: float
    cpu: float

    @property
    def per_second(self) -> float:
        return self.receipts / self.seconds


async def durable_receipts(url: str, receipts: int, *, batch: int = 256, under_way: int = 4) -> Durable:
    """Write that many receipts to an empty database, a batch a transaction; measure how long it takes."""
    engine = open_engine(url)
    schema_version.require_newest(engine)
    database = Database(engine)
    signer = Signer.generate("zk-disclosure.example/durable")
    sequencer = Sequencer(database, LogKeys.of(signer), lambda: dt.datetime.now(dt.UTC), max_batch=batch)
    await sequencer.start()
    running = asyncio.create_task(sequencer.run())
    batches = iter([[_receipt() for _ in range(batch)] for _ in range(receipts // batch)])

    async def submit() -> int:
        done = 0
        for each in batches:

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


def _receipt() -> New:
    note = secrets.token_bytes(HOLDER_NOTE_OCTETS)
    return New(ReceiptEntry(secrets.token_bytes(32), note_hash(note)).to_bytes(), note)
