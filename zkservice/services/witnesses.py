"""The witness that comes with a new credential: that its handle is not revoked, at the newest epoch.

Later ones the holder's vault computes itself, from pages that everybody may read.
"""

import asyncio

from sqlalchemy import Connection

from bbs.accumulator import AccumulatorSecret, Epoch, MembershipWitness
from disclosure import Accumulator
from zkservice.context import Context
from zkservice.keys import accumulator_label
from zkservice.storage import revocation
from zkservice.storage.revocation import StoredAccumulator, StoredEpoch

Witnessed = tuple[Accumulator, int, MembershipWitness]
"""An accumulator, an epoch's number, and the witness for it."""
_Ground = tuple[StoredAccumulator, StoredEpoch, set[int]]


class Witnesses:
    """An accumulator's secret is open while one witness is computed, in a thread of `crypto`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def of(self, department: str, suite: str, handle: int) -> Witnessed | None:
        """Return the witness of a new handle in a department's newest accumulator of a suite, if it has one.

        An epoch that is made meanwhile does no harm: the holder's vault follows the list from this one on.
        Raises bbs.InputError ALREADY_REVOKED.
        """
        ground = await self._context.database.read(lambda each: _ground(each, department, suite, handle))
        if ground is None:
            return None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._context.crypto, self._computed, handle, *ground)

    def _computed(
        self, handle: int, stored: StoredAccumulator, at: StoredEpoch, revoked: set[int]
    ) -> Witnessed:
        made = stored.accumulator
        octets = self._context.keys.open(accumulator_label(str(made.name)), stored.sealed_secret)
        secret = AccumulatorSecret.from_octets(octets, suite=made.suite)
        epoch = Epoch.from_octets(at.octets, key=made.key)
        return made, epoch.number, secret.witness(handle, epoch.position, revoked)


def _ground(connection: Connection, department: str, suite: str, handle: int) -> _Ground | None:
    for newest in revocation.of_department(connection, department, 1, suite=suite):
        name = str(newest.accumulator.name)
        revoked = revocation.revoked_of(connection, name, [handle])
        return newest, revocation.newest_epoch(connection, name), revoked
    return None
