"""A log that has gone over to another key, and somebody who has copied the old one before it was erased."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tests.zkservice.damaging import Made, enqueue, grow, log_keys, now, opened, settings_of
from tlog import Signer, Verifier
from tlog.checkpoint import Checkpoint, sign_checkpoint
from zkservice import key_change
from zkservice.beginning import begin
from zkservice.keys import Keys
from zkservice.log_keys import LogKeys, _Held
from zkservice.sequencer import Sequencer
from zkservice.storage import secrets


@dataclass(frozen=True)
class Robbed:
    """The log with its retired key and its new one, and the retired one's secret half in a thief's hand."""

    made: Made
    new: Verifier
    stolen: Signer

    @property
    def old(self) -> Verifier:
        return self.made.key

    def signs(self, size: int, root: bytes) -> bytes:
        return sign_checkpoint(Checkpoint(self.old.name, size, root), self.stolen)

    def goes_on(self, folder: Path) -> "Made":
        """Copy the log and let the thief write a continuation of it that the old key alone signs."""
        copied = self.made.copy(folder)
        asyncio.run(self._forge(folder))
        return copied

    async def _forge(self, folder: Path) -> None:
        database = opened(folder)
        try:
            held = _Held((self.stolen,), (await log_keys(folder, database)).known)
            sequencer = Sequencer(database, LogKeys(held, lambda _, same: same), now, max_batch=37)
            await sequencer.start()
            running = asyncio.create_task(sequencer.run())
            for outbox in await database.write(lambda each: enqueue(each, 8)):
                await sequencer.integrated(outbox)
            sequencer.stop()
            await running
        finally:
            await asyncio.to_thread(database.close)


def rob(folder: Path) -> Robbed:
    """Make a log that has retired its first key."""
    made = Made(folder, begin(settings_of(folder)))
    asyncio.run(grow(folder, 20))
    key_change.begin(settings_of(folder))
    asyncio.run(grow(folder, 5))
    stolen = asyncio.run(steal(folder))
    _, new = key_change.finish(settings_of(folder))
    asyncio.run(grow(folder, 5))
    return Robbed(made, new, stolen)


async def steal(folder: Path) -> Signer:
    """Copy the secret half of the old key of a log that is going over to another one."""
    database, keys = opened(folder), Keys.load(folder / "keys", make=False)
    try:
        (old, _) = await database.read(lambda each: secrets.signers(each, keys, secrets.log_keys(each)))
        return old
    finally:
        await asyncio.to_thread(database.close)
