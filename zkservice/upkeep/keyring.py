"""The keys that a stored log has had, and which of them has to have signed what.

The log itself says it: each key but the first is named by a record on it, and every checkpoint that covers
the record is signed by that key, alone or beside the one before. So a retired key, which somebody may have
copied, vouches for nothing that stands behind the record of its successor.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from disclosure.registry import log_key_entry
from tlog.checkpoint import Checkpoint, checkpoint_of
from tlog.errors import Reason, TlogError, VerificationError
from tlog.keys import Verifier
from tlog.note import OpenedNote, open_note
from zkservice.storage import reading, tables
from zkservice.storage.secrets import LogKeyState, sealed_name
from zkservice.upkeep.faults import FaultError, FaultReason, Place

_FEW: Final = 1000


@dataclass(frozen=True)
class Key:
    """A key of the log.

    `least` is the least size whose checkpoint it has to have signed, None while its record is in no published
    block; `ended` the size at which it was retired.
    """

    verifier: Verifier
    least: int | None = 0
    ended: int | None = None


@dataclass(frozen=True)
class Keyring:
    """The keys, oldest first. Of keys that no table puts in an order, any vouches for everything."""

    keys: tuple[Key, ...]

    @property
    def all(self) -> tuple[Verifier, ...]:
        """All keys."""
        return tuple(each.verifier for each in self.keys)

    def open(self, note: bytes) -> Checkpoint:
        """Verify a checkpoint, which the newest key whose record it covers has to have signed; TlogError."""
        return self.checkpoint_of(open_note(note, self.all))

    def checkpoint_of(self, opened: OpenedNote) -> Checkpoint:
        """Return the checkpoint of a note that was opened under all keys; see `open`."""
        checkpoint = checkpoint_of(opened, self.all)
        least = max(
            each.least for each in self.keys if each.least is not None and each.least <= checkpoint.size
        )
        if not any(each.least == least and each.verifier in opened.verified for each in self.keys):
            raise VerificationError(
                Reason.NOTE_UNSIGNED, "only keys signed it that the log had gone over from by then"
            )
        return checkpoint

    def check_ends(self, locked: int) -> None:
        """Check where keys were retired: under the record of the next one; LOG_KEY_INVALID."""
        for number, (old, new) in enumerate(zip(self.keys, self.keys[1:], strict=False), 1):
            if old.ended is not None and not (new.least is not None and new.least <= old.ended <= locked):
                place = Place("log_key", str(number))
                raise _fault(place, "it was retired where the log does not name the next key")


def read(connection: Connection, given: Sequence[Verifier]) -> tuple[Keyring, FaultError | None]:
    """Return all keys that the log has had, of which one at least is given; LOG_KEY_INVALID.

    Each key after the first is named by a record on the log, together with the one before it. Where it is
    not, the fault is returned: it may be the entry that is wrong. A database that is older than the table of
    keys has none in it: then those that are given are all.
    """
    doubt: FaultError | None = None
    keys, states = list[Key](), list[str]()
    for row in reading.everything(connection, tables.log_key, _FEW):
        number, written, state, outbox, ended = row
        place = Place("log_key", str(number))
        try:
            verifier = Verifier.from_string(written)
        except (TlogError, TypeError):
            raise _fault(place, "the row holds no key") from None
        states.append(state)
        if number != len(states) or (outbox is None) != (len(states) == 1):
            raise _fault(place, "not the key that comes next")
        if (type(ended) is int) != (state == LogKeyState.RETIRED):
            raise _fault(place, "a retired key, and no other, says where it was retired")
        least: int | None = 0
        if keys:
            least = _least(connection, outbox)
            if not _names(connection, outbox, keys[-1].verifier, verifier):
                doubt = doubt or _fault(place, "not the key that the log names next")
        keys.append(Key(verifier, least, ended))
    if not keys:
        return Keyring(tuple(map(Key, given))), None
    if not set(given) <= {each.verifier for each in keys}:
        raise _fault(Place("log_key"), "the log's key is not the given one")
    if not _may_follow(states):
        raise _fault(Place("log_key"), "the states of the keys do not follow one another")
    _check_sealed(connection, keys, states)
    return Keyring(tuple(keys)), doubt


def _least(connection: Connection, outbox: Any) -> int | None:
    """Return the least size of the log that covers the record of an outbox row."""
    index = reading.index_of(connection, outbox)
    return index + 1 if type(index) is int and index >= 0 else None


def _names(connection: Connection, outbox: Any, old: Verifier, new: Verifier) -> bool:
    return type(outbox) is int and reading.entry_of(connection, outbox) == log_key_entry(old, new)


def _may_follow(states: Sequence[str]) -> bool:
    """Tell whether the last key signs, or signs beside the one before it, and all before are retired."""
    kept = [each for each in states if each != LogKeyState.RETIRED]
    ends = ([LogKeyState.SIGNING], [LogKeyState.SIGNING, LogKeyState.NEXT])
    return kept in ends and list(states[len(states) - len(kept) :]) == kept


def _check_sealed(connection: Connection, keys: Sequence[Key], states: Sequence[str]) -> None:
    """See that each key that signs has its secret half, and no retired one; LOG_KEY_INVALID."""
    wanted = {
        sealed_name(key.verifier.name, number)
        for number, (key, state) in enumerate(zip(keys, states, strict=True), 1)
        if state != LogKeyState.RETIRED
    }
    found: dict[Any, Any] = dict(reading.everything(connection, tables.service_secret, _FEW))
    for name in sorted(wanted ^ set(found), key=str):
        lost = "the secret half of a key that signs is not there"
        left = "the secret half of no key that signs: what was retired is to be erased"
        raise _fault(Place("service_secret", str(name)), lost if name in wanted else left)
    for name, sealed in found.items():
        if type(sealed) is not bytes or not sealed:
            raise _fault(Place("service_secret", str(name)), "the row holds nothing sealed")


def _fault(place: Place, detail: str) -> FaultError:
    return FaultError(FaultReason.LOG_KEY_INVALID, place, detail)
