"""The sealed records of one vault: read and written within transactions, each under its own identifier.

State rules: `writing` is one transaction of the store, durable when it has ended without an error. Nothing
outside the seal tells a record's kind, so those of one kind are found by opening all.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from disclosure import MalformedError
from prover.errors import ContentError, VaultFileError, VaultReason
from prover.records import (
    REQUEST_ID_OCTETS,
    Kind,
    kind_of,
    milliseconds,
    moment_of,
    new_request_id,
)
from prover.sealing import RandomOctets, VaultKeys
from prover.store import RECORD_ID_OCTETS, Store, Transaction

_KEPT_OCTETS: Final = 16 << 20


class Record(Protocol):
    """What is kept under an identifier of 32 hexadecimal digits."""

    @property
    def id(self) -> str:
        """The identifier."""

    def octets(self) -> bytes:
        """Return what is sealed."""


_Decoded = TypeVar("_Decoded")


class Records:
    """The records within one transaction."""

    def __init__(
        self, transaction: Transaction, keys: VaultKeys, rng: RandomOctets, opened: "Opened"
    ) -> None:
        self._transaction, self._keys, self._rng, self._opened = transaction, keys, rng, opened

    def all(self, kind: Kind, decode: Callable[[str, bytes], _Decoded]) -> Iterator[_Decoded]:
        """Give the records of one kind; VaultFileError VAULT_DAMAGED, VERSION_UNKNOWN."""
        for record_id, sealed in self._transaction.records():
            with _authentic():
                found = self._opened.get(record_id, sealed) or self._open(record_id, sealed)
                if found.kind is kind:
                    yield found.decoded(decode)

    def _open(self, record_id: bytes, sealed: bytes) -> "_OpenedRecord":
        octets = self._keys.open_record(record_id, sealed)
        found = _OpenedRecord(record_id.hex(), sealed, kind_of(octets), octets)
        self._opened.keep(record_id, found)
        return found

    def one(
        self, record_id: str, kind: Kind, decode: Callable[[str, bytes], _Decoded], missing: VaultReason
    ) -> _Decoded:
        """Return the record of a whole identifier; ContentError with the reason `missing`."""
        name = bytes.fromhex(record_id)
        sealed = self._transaction.record(name)
        with _authentic():
            found = None if sealed is None else self._opened.get(name, sealed) or self._open(name, sealed)
            if found is None or found.kind is not kind:
                raise ContentError(missing, "the vault holds nothing under this identifier")
            return found.decoded(decode)

    def put(self, record: Record) -> None:
        """Write a record, in the place of the one of its identifier if there is one."""
        record_id = bytes.fromhex(record.id)
        self._transaction.put(record_id, self._keys.seal_record(record_id, record.octets(), self._rng))

    def delete(self, record_id: str) -> None:
        """Remove a record; what is not there stays so."""
        self._transaction.delete(bytes.fromhex(record_id))

    def put_header(self, header: bytes) -> None:
        """Put another header in the place of the one there is."""
        self._transaction.put_header(header)


@dataclass
class _OpenedRecord:
    """A record that was unsealed, and what it was decoded to last."""

    id: str
    sealed: bytes = field(repr=False)
    kind: Kind
    octets: bytes = field(repr=False)
    _by: object = field(default=None, repr=False)
    _value: Any = field(default=None, repr=False)

    def decoded(self, decode: Callable[[str, bytes], _Decoded]) -> _Decoded:
        """Return what `decode` makes of it, which nobody changes."""
        if self._by != decode:
            self._by, self._value = decode, decode(self.id, self.octets)
        value: _Decoded = self._value
        return value


class Opened:
    """Records as they were last unsealed. One that is sealed anew, by whatever process, is unsealed anew: a
    record's octets never come twice. What goes beyond the bound is unsealed every time.
    """

    def __init__(self) -> None:
        self._records: dict[bytes, _OpenedRecord] = {}
        self._octets = 0

    def get(self, record_id: bytes, sealed: bytes) -> _OpenedRecord | None:
        """Return the record of an identifier, if these are its octets still."""
        found = self._records.get(record_id)
        return found if found is not None and found.sealed == sealed else None

    def keep(self, record_id: bytes, record: _OpenedRecord) -> None:
        """Keep a record in the place of the one of its identifier."""
        before = self._records.pop(record_id, None)
        self._octets -= 0 if before is None else len(before.sealed)
        if self._octets + len(record.sealed) <= _KEPT_OCTETS:
            self._records[record_id] = record
            self._octets += len(record.sealed)

    def clear(self) -> None:
        """Forget all."""
        self._records.clear()
        self._octets = 0


class Shelf:
    """One vault's store with the keys that open its records, a clock, and a source of identifiers."""

    def __init__(
        self, store: Store, keys: VaultKeys, clock: Callable[[], dt.datetime], rng: RandomOctets
    ) -> None:
        self.store, self.keys, self.clock, self.rng = store, keys, clock, rng
        self.opened = Opened()

    @contextmanager
    def reading(self) -> Iterator[Records]:
        """Give the records as they are at one moment."""
        with self.store.reading() as transaction:
            yield Records(transaction, self.keys, self.rng, self.opened)

    @contextmanager
    def writing(self) -> Iterator[Records]:
        """Give the records to be changed; durable when it has ended without an error."""
        with self.store.writing() as transaction:
            yield Records(transaction, self.keys, self.rng, self.opened)

    def now(self) -> dt.datetime:
        """Return the time to the millisecond, as records keep it."""
        return moment_of(milliseconds(self.clock()))

    def new_id(self) -> str:
        """Return a fresh identifier for a record."""
        return self.rng(RECORD_ID_OCTETS).hex()

    def new_request_id(self) -> str:
        """Return a fresh UUID by which a call may be sent again."""
        return new_request_id(self.rng(REQUEST_ID_OCTETS))


@contextmanager
def _authentic() -> Iterator[None]:
    """Name the fault of a record that the vault itself sealed and yet cannot read."""
    try:
        yield
    except MalformedError:
        detail = "a record was written by another version of this program"
        raise VaultFileError(VaultReason.VERSION_UNKNOWN, detail) from None
