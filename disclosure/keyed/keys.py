"""What a check service publishes: its public key x*G0, and the table of digits for ranges, with its proof.

Without a pairing nobody else can check a table. A false entry in it, or an x of one holder's own, would show
a department whose presentation it looks at; so the table comes with a proof that one key made all of it, and
everybody pins the digest of everything together, which is the same for all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from bbs import BbsError
from bbs.gadgets.tables import DIGIT_BASE, DIGITS, Table, octets_to_table, sign_table
from bbs.keyed import P256, SM2, Curve, KeyedSuite, Keyring, Mac, SecretKey, prove_macs, verify_macs
from bbs.keyed.suite import public_key_point
from disclosure import canonical
from disclosure.credential import issuer_key_name
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.names import DepartmentName, IssuerKeyName

CURVES: Final[Mapping[str, Curve]] = {curve.name: curve for curve in (P256, SM2)}
_LABEL: Final = "zk-disclosure/check-keys/v1"


@dataclass(frozen=True)
class CheckKeys:
    """The public half of a check service. One that exists is true: the table's proof was verified.

    Raises MalformedError MALFORMED, NAME_INVALID; RefusedError SIGNATURE_INVALID (a table that is false).
    """

    department: str
    curve: Curve
    public_key: bytes
    digits: Table = field(repr=False)
    digits_proof: bytes = field(repr=False)

    def __post_init__(self) -> None:
        DepartmentName(self.department)
        try:
            public_key_point(self.curve, self.public_key)
        except BbsError as error:
            raise MalformedError(Reason.MALFORMED, error.detail, field="public_key") from None
        if not self.digits.is_digits or self.digits.suite != self.suite:
            raise MalformedError(
                Reason.MALFORMED, "the table is none of digits of this curve", field="digits"
            )
        if self.digits.key == self.public_key:
            raise MalformedError(Reason.MALFORMED, "credentials and digits have one key", field="digits")
        try:
            verify_macs(self.curve, self.digits.key, _macs(self.digits), self.digits_proof)
        except BbsError:
            detail = "the table of digits is not what its key makes"
            raise RefusedError(Reason.SIGNATURE_INVALID, detail, field="digits") from None

    @classmethod
    def from_octets(
        cls, department: str, curve: str, public_key: bytes, digits: bytes, digits_proof: bytes
    ) -> "CheckKeys":
        """Decode what a service publishes; raises as the constructor does."""
        if curve not in CURVES:
            raise MalformedError(Reason.MALFORMED, f"the curve is one of {', '.join(CURVES)}", field="curve")
        try:
            table = octets_to_table(KeyedSuite(CURVES[curve]), digits)
        except BbsError as error:
            raise MalformedError(Reason.MALFORMED, error.detail, field="digits") from None
        return cls(department, CURVES[curve], public_key, table, digits_proof)

    @cached_property
    def suite(self) -> KeyedSuite:
        """The suite of everybody who does not hold the key: it proves and does not verify."""
        return KeyedSuite(self.curve)

    @cached_property
    def name(self) -> IssuerKeyName:
        """The name of the key, which follows from it."""
        return issuer_key_name(self.department, self.curve.identifier.decode(), self.public_key)

    @cached_property
    def record(self) -> bytes:
        """What everybody pins, and a department publishes: name, suite, key, and the table by its digest."""
        return canonical.encode(
            _LABEL, str(self.name), self.curve.identifier.decode(), self.public_key, self.digits.digest
        )

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the record, domain-separated: what requests name the keys by."""
        return canonical.digest(_LABEL, self.record)

    def require(self, digest: bytes) -> "CheckKeys":
        """Return them if their digest is one that was pinned; RefusedError ISSUER_KEY_UNKNOWN.

        A department that showed one holder other keys than all the rest would know that holder again.
        """
        if self.digest != digest:
            raise RefusedError(Reason.ISSUER_KEY_UNKNOWN, "these are other keys than the pinned ones")
        return self


def publish_keys(department: str, key: SecretKey, digits: SecretKey) -> CheckKeys:
    """Return the public half of two secret keys: that of the credentials and that of the digits.

    The table is the same each time, since it follows from its key; the proof is a new one.
    """
    suite = KeyedSuite(key.curve)
    signing = KeyedSuite(digits.curve, Keyring([digits]))
    signed = sign_table(signing, digits, digits.public_key, DIGITS, range(DIGIT_BASE))
    table = octets_to_table(suite, signed.octets)
    return CheckKeys(department, key.curve, key.public_key, table, prove_macs(digits, _macs(table)))


def _macs(table: Table) -> list[Mac]:
    return [Mac(A, y, table.V.point) for A, y in zip(table.entries, table.scalars, strict=True)]
