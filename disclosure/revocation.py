"""Which accumulator a department revokes by, and what the ledger holds of it and of its epochs."""

from dataclasses import dataclass
from typing import Final

import bbs
from bbs.accumulator import AccumulatorKey, Epoch
from bbs.ciphersuite import resolve
from disclosure import canonical
from disclosure.credential import SUITES
from disclosure.errors import MalformedError, Reason
from disclosure.names import AccumulatorName, DepartmentName
from tlog.entry import RecordEntry

_LABEL: Final = "zk-disclosure/accumulator/v1"
_ACCUMULATOR: Final = "accumulator"
_EPOCH: Final = "revocation-epoch"


@dataclass(frozen=True)
class Accumulator:
    """The public half of a department's accumulator; its name follows from suite and public key.

    Raises MalformedError NAME_INVALID (name and key do not belong together).
    """

    name: AccumulatorName
    key: AccumulatorKey

    def __post_init__(self) -> None:
        if self.name != _name(self.name.department, self.key):
            detail = "the name does not follow from the public key"
            raise MalformedError(Reason.NAME_INVALID, detail, field="name")

    @classmethod
    def of(cls, department: str, key: AccumulatorKey) -> "Accumulator":
        """Return a department's accumulator of a key."""
        return cls(_name(department, key), key)

    @classmethod
    def from_octets(cls, name: AccumulatorName, suite: str, public_key: bytes) -> "Accumulator":
        """Decode the key, strictly; MalformedError MALFORMED (suite, public key), NAME_INVALID."""
        if suite not in SUITES:
            raise MalformedError(Reason.MALFORMED, f"the suite is one of {', '.join(SUITES)}", field="suite")
        try:
            return cls(name, AccumulatorKey(resolve(suite), public_key))
        except bbs.DecodingError as error:
            raise MalformedError(Reason.MALFORMED, error.detail, field="public_key") from None

    @property
    def suite(self) -> str:
        """The ciphersuite's draft identifier."""
        return str(self.key.suite)

    def record(self) -> bytes:
        """Return what the ledger holds of it: name, suite, public key."""
        return canonical.encode(_LABEL, str(self.name), self.suite, self.key.octets)

    @classmethod
    def from_record(cls, octets: bytes) -> "Accumulator":
        """Decode what `record` gives; MalformedError MALFORMED, NAME_INVALID."""
        match canonical.decode(_LABEL, octets):
            case [str(name), str(suite), bytes(public_key)]:
                return cls.from_octets(AccumulatorName.parse(name), suite, public_key)
        raise MalformedError(Reason.MALFORMED, "the octets are no accumulator")

    def entry(self) -> bytes:
        """Return its entry on the ledger."""
        return RecordEntry(_ACCUMULATOR, self.record()).to_bytes()


def epoch_entry(epoch: Epoch) -> bytes:
    """Return an epoch's entry on the ledger: its octets, which name its key, as a record.

    Whoever has a proof of this entry knows every revocation up to the epoch by its digest.
    """
    return RecordEntry(_EPOCH, epoch.octets).to_bytes()


def _name(department: str, key: AccumulatorKey) -> AccumulatorName:
    octets = canonical.encode(_LABEL, str(DepartmentName(department)), str(key.suite), key.octets)
    return AccumulatorName(department, canonical.digest(_LABEL, octets)[:16].hex())
