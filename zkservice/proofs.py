"""Proofs that entries stand on the ledger, for whatever is published or kept with one.

An entry is proven in the tree that its block ends, so its proof is always the same. Where a key of the log
that signs now did not sign that block's checkpoint, since it came later, the proof is in the newest tree: so
who knows only the new key can check what is older than it.
"""

from typing import Final

from zkservice.kept import Kept
from zkservice.log_keys import LogKeys
from zkservice.receipts import Place, place_within
from zkservice.sequencer import Sequencer
from zkservice.storage.database import Database

_KEPT_OCTETS: Final = 4 << 20


class Proofs:
    """Proofs by outbox rows. Belongs to the event loop. The last used stay in memory."""

    def __init__(self, sequencer: Sequencer, log_keys: LogKeys, database: Database) -> None:
        self._sequencer, self._log_keys, self._database = sequencer, log_keys, database
        self._kept: Kept[bytes] = Kept(_KEPT_OCTETS)

    async def of(self, outbox: int) -> bytes:
        """Return the proof of a record, once it stands on the ledger: nobody is shown one that does not."""
        name = f"{outbox} {self._log_keys.signing}"
        proof = self._kept.get(name)
        if proof is None:
            proof = (await self.place(outbox)).proof()
            self._kept.keep(name, proof, len(proof))
        return proof

    async def place(self, outbox: int) -> Place:
        """Return where an entry stands, once it does, under a checkpoint of the keys that sign now."""
        place = await self._sequencer.integrated(outbox)
        newest = self._sequencer.published
        if self._log_keys.all_signed(place.block.checkpoint) or not self._log_keys.all_signed(
            newest.checkpoint
        ):
            return place
        return await self._database.read(lambda each: place_within(each, place.index, newest.size))
