"""The part of a vault that holds what was read from the ledger; `Vault.readings` gives it.

State rules: how far was read and what was found there are written in one transaction, so a reading that was
broken off goes on where it was. What is not verified yet is kept beside what is, and is dropped when it turns
out not to be what the log has signed.
"""

from dataclasses import replace

from prover.errors import ContentError, VaultReason
from prover.reading import Found, LedgerReader, Place, Reading, found_of, reading_of
from prover.records import Kind
from prover.shelf import Records, Shelf
from prover.standing import settle


class Readings:
    """Found entries, and how far the ledger was read. A vault reads one log."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def found(self) -> list[Found]:
        """Return the entries that were found and verified, in the order of the ledger."""
        with self._shelf.reading() as records:
            reading = _reading(records)
            verified = 0 if reading is None else reading.verified.size
            return [each for each in self._all(records) if each.index < verified]

    def proof(self, found: Found) -> bytes:
        """Return the proof file of a found entry in the newest verified tree; ContentError NO_RECEIPT."""
        with self._shelf.reading() as records:
            reading = _reading(records)
        if reading is None or found.index >= reading.verified.size:
            raise ContentError(VaultReason.NO_RECEIPT, "the entry is not verified yet")
        return reading.proof(found.index)

    def state(self) -> Reading | None:
        """Return how far was read."""
        with self._shelf.reading() as records:
            return _reading(records)

    def begin(self, log: str, size: int) -> tuple[Reading, LedgerReader]:
        """Go on reading a log, up to a size that it has signed; from its beginning at the first time.

        Raises ContentError RECOVERY_BROKEN_OFF for another log than the one that was read, or an older state
        of it than was verified.
        """
        with self._shelf.writing() as records:
            reading = _reading(records) or Reading(self._shelf.new_id(), log)
            if _origin(reading.log) != _origin(log) or size < reading.verified.size:
                detail = "this is another log than the one that was read, or an older state of it"
                raise ContentError(VaultReason.RECOVERY_BROKEN_OFF, detail)
            if size < reading.read.size:
                reading = self._drop(records, reading)
            first = {each.holder_note: each.index for each in reversed(self._all(records))}
            # Of one origin with another key: it changed its key, or it is none of it and gives another root.
            reading = replace(reading, log=log)
        return reading, LedgerReader(self._shelf.keys, reading.read, first, self._shelf.new_id)

    def keep(self, reading: Reading, place: Place, found: list[Found]) -> Reading:
        """Write down what was read so far; it is not verified yet."""
        kept = replace(reading, read=place)
        with self._shelf.writing() as records:
            for each in found:
                records.put(each)
            records.put(kept)
        return kept

    def verify(self, reading: Reading, checkpoint: bytes) -> None:
        """Write down that all that was read is what a signed checkpoint says; the caller has checked it.

        From then on the vault's consents are as it says too.
        """
        with self._shelf.writing() as records:
            records.put(replace(reading, verified=reading.read, checkpoint=checkpoint))
            verified = [each for each in self._all(records) if each.index < reading.read.size]
            settle(records, self._shelf.keys, verified)

    def drop(self) -> None:
        """Forget what is not verified: it turned out not to be what the log has signed."""
        with self._shelf.writing() as records:
            reading = _reading(records)
            if reading is not None:
                self._drop(records, reading)

    def _drop(self, records: Records, reading: Reading) -> Reading:
        for each in self._all(records):
            if each.index >= reading.verified.size:
                records.delete(each.id)
        dropped = replace(reading, read=reading.verified)
        records.put(dropped)
        return dropped

    def _all(self, records: Records) -> list[Found]:
        found = records.all(Kind.FOUND, found_of(self._shelf.keys))
        return sorted(found, key=lambda each: each.index)


def _origin(log: str) -> str:
    """Return the origin out of a log's verifier key."""
    return log.partition("+")[0]


def _reading(records: Records) -> Reading | None:
    return next(iter(records.all(Kind.READING, reading_of)), None)
