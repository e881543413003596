"""What the ledger holds of that which requests name by digest: tables, lists, regulators' keys, openings.

Each is a record, public by nature. Who reads a table checks the proof that its record stands on the ledger:
a table of one holder's own, which would tag that holder, would be seen by everybody.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bbs import DecodingError, VerificationError
from bbs.ciphersuite import resolve
from bbs.engine import PairingSuite
from bbs.gadgets.escrow_shares import OFFICERS, PartialOpening
from bbs.gadgets.tables import Table, load_table, octets_to_table
from disclosure import canonical
from disclosure.attributes import LocalizedText
from disclosure.composite.directory import PublishedCodeList, PublishedDigits, RegulatorKey
from disclosure.credential import SUITES
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.names import RegulatorName
from disclosure.presentation import DIGEST_OCTETS
from tlog.entry import RecordEntry

Published = PublishedDigits | PublishedCodeList
_TABLE: Final = "table"
_REGULATOR: Final = "regulator"
_OPENING: Final = "escrow-opening"
_TABLE_LABEL: Final = "zk-disclosure/table/v1"
_REGULATOR_LABEL: Final = "zk-disclosure/regulator/v2"
_OPENING_LABEL: Final = "zk-disclosure/escrow-opening/v2"
_ESCROW_LABEL: Final = "zk-disclosure/opened-escrow/v1"
_FOUND_LABEL: Final = "zk-disclosure/opening-part-digest/v1"
MAX_TABLE_OCTETS: Final = 1 << 20
"""More than 4,096 entries have."""


def table_entry(published: Published) -> bytes:
    """Return a table's entry on the ledger: whose it is, of which codes if of any, and its digest.

    The digest covers the scalars of the codes; who has the list computes them (`PublishedCodeList`).
    """
    code_system = published.code_system if isinstance(published, PublishedCodeList) else None
    payload = canonical.encode(_TABLE_LABEL, published.owner, code_system, published.table.digest)
    return RecordEntry(_TABLE, payload).to_bytes()


def decode_table(octets: bytes, *, field: str = "", true: bytes | None = None) -> Table:
    """Decode a table of any suite, every signature checked unless its digest is `true` (`PublishedDigits`).

    Raises MalformedError MALFORMED, RefusedError SIGNATURE_INVALID.
    """
    if len(octets) <= MAX_TABLE_OCTETS:
        load = octets_to_table if hashlib.sha256(octets).digest() == true else load_table
        for suite in SUITES:
            try:
                return load(PairingSuite(resolve(suite)), octets)
            except DecodingError:
                continue
            except VerificationError:
                detail = "a signature of the table does not hold"
                raise RefusedError(Reason.SIGNATURE_INVALID, detail, field=field) from None
    raise MalformedError(Reason.MALFORMED, "the octets are no table", field=field)


@dataclass(frozen=True)
class Regulator:
    """A regulator as it is registered. Which of them to trust is each vault's own list to say."""

    name: RegulatorName
    display_name: LocalizedText
    key: RegulatorKey

    def entry(self) -> bytes:
        """Return its entry on the ledger, with what a person is told that it is called."""
        called = self.display_name.items()
        payload = canonical.encode(_REGULATOR_LABEL, str(self.name), called, self.key.items())
        return RecordEntry(_REGULATOR, payload).to_bytes()


@dataclass(frozen=True)
class OpeningRecord:
    """What the ledger holds of an opening, for everybody to count and for few to recognise.

    Outsiders learn that officers of a regulator have acted: one has given its part, or two have opened.
    `escrow` is a digest over the presentation's digest and the escrow's identifier: holder, verifier and
    regulator, who have the presentation, recognise it; to others it is random, since a presentation's own
    digest is. `parts` has a digest of each officer's part, which covers case, point and proof; the entry of
    an opening has the same ones as the entries of its parts, so everybody sees whether these came before.
    """

    regulator: bytes
    escrow: bytes = field(repr=False)
    parts: tuple[bytes, ...] = field(repr=False)

    def __post_init__(self) -> None:
        digests = [self.regulator, self.escrow, *self.parts]
        if not 0 < len(self.parts) <= OFFICERS or any(len(each) != DIGEST_OCTETS for each in digests):
            detail = f"a record has digests of 1 to {OFFICERS} parts"
            raise MalformedError(Reason.MALFORMED, detail, field="parts")

    @property
    def officers(self) -> int:
        """How many officers have acted: 1 has given its part, 2 have opened."""
        return len(self.parts)

    @property
    def is_opened(self) -> bool:
        """Whether both have, so that somebody knows the identity."""
        return self.officers == OFFICERS

    @classmethod
    def of(
        cls,
        regulator: bytes,
        presentation: bytes,
        escrow: str,
        reference: str,
        parts: Sequence[PartialOpening],
    ) -> "OpeningRecord":
        """Return the record of an opening, by the digests of the regulator's key and of the presentation."""
        found = ((reference, each.share, each.decrypted, each.proof) for each in parts)
        octets = (canonical.encode(_FOUND_LABEL, *each) for each in found)
        digests = tuple(canonical.digest(_FOUND_LABEL, each) for each in octets)
        return cls(regulator, opened_escrow(presentation, escrow), digests)

    def entry(self) -> bytes:
        """Return its entry on the ledger."""
        payload = canonical.encode(_OPENING_LABEL, self.regulator, self.escrow, list(self.parts))
        return RecordEntry(_OPENING, payload).to_bytes()

    @classmethod
    def of_entry(cls, entry: RecordEntry) -> "OpeningRecord | None":
        """Return the record that an entry of the ledger holds, None if it holds another; MalformedError."""
        if entry.kind != _OPENING:
            return None
        match canonical.decode(_OPENING_LABEL, entry.payload):
            case [bytes(regulator), bytes(escrow), list(parts)]:
                digests = tuple(each for each in parts if isinstance(each, bytes))
                if len(digests) == len(parts):
                    return cls(regulator, escrow, digests)
        return None


def opened_escrow(presentation: bytes, escrow: str) -> bytes:
    """Return what an opening of this escrow stands under, by the presentation's digest."""
    return canonical.digest(_ESCROW_LABEL, canonical.encode(_ESCROW_LABEL, presentation, escrow))
