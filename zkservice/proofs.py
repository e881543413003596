"""Proofs that records stand on the ledger, for whatever is published with one.

A record's proof is in the tree that its block ends, so it is always the same: the last used stay in memory.
"""

from typing import Final

from zkservice.kept import Kept
from zkservice.sequencer import Sequencer

_KEPT_OCTETS: Final = 4 << 20


class Proofs:
    """Proofs by outbox rows. Belongs to the event loop."""

    def __init__(self, sequencer: Sequencer) -> None:
        self._sequencer = sequencer
        self._kept: Kept[bytes] = Kept(_KEPT_OCTETS)

    async def of(self, outbox: int) -> bytes:
        """Return the proof of a record, once it stands on the ledger: nobody is shown one that does not."""
        name = str(outbox)
        proof = self._kept.get(name)
        if proof is None:
            proof = (await self._sequencer.integrated(outbox)).proof()
            self._kept.keep(name, proof, len(proof))
        return proof
