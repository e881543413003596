"""Issuing without seeing the holder's secret.

    issuer:  IssuanceTerms: schema, key, a fresh nonce
    holder:  C = k*H_secret + s*Q_2, with a proof of k and s bound to the terms     (`ask_for_credential`)
    issuer:  checks the proof, then draws the handle y and signs the rest with C    (`issue_composite`)
    holder:  checks values, signature and witness before it keeps anything          (`accept_credential`)

The commitment's proof is one of the engine over exactly the bases H_secret and Q_2, so no attribute
slips in. There are two ways to a credential, and a commitment says by its type which it came. Terms for a
base credential, one that each identified person gets once, ask for the issuance pseudonym
N = k*hash_to_curve(issuance, department) in the same proof: one person cannot have two secrets, nor two
persons one (`IdentifiedCommitment`). For all others the holder shows a credential that it has, in a
presentation whose request names the terms (`disclosure.composite.request`): C is proven there to hold the
same k (`PresentedCommitment`). A commitment by itself, which says of nobody whose it is, is signed by no one.

What the issuer learns is C, which s makes uniform, and N where asked. y is drawn after C is fixed, so a
holder cannot aim at another's handle; e is hashed from the secret key and B, which covers C: one e on two B
would be a forgery. That a nonce is accepted once is the issuer's memory.
"""

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from bbs import BbsError, DecodingError, SecretKey
from bbs.accumulator import MembershipWitness
from bbs.blind import core_blind_sign
from bbs.ciphersuite import Ciphersuite, resolve
from bbs.engine import Builder, Context, PairingSuite, Scope, Sent, Statement, Values, Witness, prove, verify
from bbs.gadgets.pseudonym import Pseudonym, Purpose
from bbs.scalars import RandomScalars
from disclosure import canonical
from disclosure.attributes import Value, date_of, days
from disclosure.composite import scalars
from disclosure.composite.credential import (
    SCALAR_OCTETS,
    CompositeCredential,
    HolderSecret,
    check_composite_credential,
    check_scalar,
    check_size,
    random_scalar,
    require_composite,
    value_items,
    values_of,
)
from disclosure.composite.directory import PublishedAccumulator
from disclosure.credential import SIGNATURE_OCTETS, IssuerKey, KeyState
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.names import DepartmentName, IssuerKeyName, SchemaName
from disclosure.presentation import DIGEST_OCTETS
from disclosure.schema import Schema

NONCE_OCTETS: Final = 32
PSEUDONYM_OCTETS: Final = 48
_TERMS_LABEL: Final = "zk-disclosure/issuance-terms/v1"
_SCOPE_LABEL: Final = "zk-disclosure/issuance-scope/v1"
_ISSUED_LABEL: Final = "zk-disclosure/issued-credential/v1"


@dataclass(frozen=True)
class IssuanceTerms:
    """What one commitment is good for: one schema, one key, one nonce of the issuer's.

    `base` asks for the issuance pseudonym; without it the commitment is part of a presentation. Raises
    MalformedError MALFORMED.
    """

    schema: SchemaName
    issuer_key: IssuerKeyName
    base: bool
    nonce: bytes = field(default_factory=lambda: secrets.token_bytes(NONCE_OCTETS))

    def __post_init__(self) -> None:
        if self.schema.department != self.issuer_key.department:
            detail = "a department signs under its own schemas only"
            raise MalformedError(Reason.MALFORMED, detail, field="issuer_key")
        if type(self.base) is not bool or len(self.nonce) != NONCE_OCTETS:
            raise MalformedError(Reason.MALFORMED, f"a nonce has {NONCE_OCTETS} octets", field="nonce")

    @cached_property
    def canonical(self) -> bytes:
        """The terms' canonical bytes."""
        return canonical.encode(_TERMS_LABEL, str(self.schema), str(self.issuer_key), self.base, self.nonce)

    @classmethod
    def from_bytes(cls, octets: bytes) -> "IssuanceTerms":
        """Decode canonical bytes; MalformedError MALFORMED, NAME_INVALID."""
        match canonical.decode(_TERMS_LABEL, octets):
            case [str(schema), str(key), bool(base), bytes(nonce)]:
                return cls(SchemaName.parse(schema), IssuerKeyName.parse(key), base, nonce)
        raise MalformedError(Reason.MALFORMED, "the octets are no issuance terms")


@dataclass(frozen=True)
class HolderCommitment:
    """Gadget: C, which is sent, is k*H_secret + s*Q_2; k may be a witness of another gadget."""

    C: Sent
    k: Witness
    s: Witness
    suite: Ciphersuite

    @classmethod
    def add_to(cls, scope: Scope, suite: Ciphersuite, k: Witness | None = None) -> "HolderCommitment":
        """State it, about a fresh k or one of a credential."""
        secret, blind = scalars.commitment_generators(scope.suite, suite)
        sent, s = scope.sent("C"), scope.witness("s")
        k = k or scope.witness("k")
        scope.equation("C", {sent: 1}, [(k, secret), (s, blind)])
        return cls(sent, k, s, suite)

    def assign(self, values: Values, k: int) -> int:
        """Commit to k with a fresh blind and return that: part of the credential, as secret as it."""
        secret, blind = scalars.commitment_generators(values.statement.suite, self.suite)
        (s,) = values.random(1)
        values.set(self.k, k)
        values.set(self.s, s)
        values.send(self.C, {secret: k, blind: s})
        return s


@dataclass(frozen=True, repr=False)
class PendingCredential:
    """What a holder keeps while a department issues: the terms and the blind."""

    terms: IssuanceTerms
    blind: int

    def __post_init__(self) -> None:
        check_scalar(self.blind, "the blind", field="blind")


@dataclass(frozen=True)
class IdentifiedCommitment:
    """The commitment of a base credential whose proof holds for these terms; `pseudonym` is N, 48 octets.

    Who issues it keeps N beside the person that it identified, and refuses an N that it has. MalformedError
    MALFORMED.
    """

    terms: IssuanceTerms
    C: bytes = field(repr=False)
    pseudonym: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not self.terms.base or len(self.pseudonym) != PSEUDONYM_OCTETS:
            detail = "a base credential is issued on the issuance pseudonym"
            raise MalformedError(Reason.MALFORMED, detail, field="pseudonym")


@dataclass(frozen=True)
class PresentedCommitment:
    """A commitment that a verified presentation has proven to hold its holder's secret.

    `presentation` is the digest of that presentation, 32 octets. MalformedError MALFORMED.
    """

    terms: IssuanceTerms
    C: bytes = field(repr=False)
    presentation: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.terms.base or len(self.presentation) != DIGEST_OCTETS:
            detail = "what is no base credential is issued on a presentation"
            raise MalformedError(Reason.MALFORMED, detail, field="presentation")


VerifiedCommitment = IdentifiedCommitment | PresentedCommitment
"""What a department signs, and how it came to it."""


@dataclass(frozen=True, repr=False)
class IssuedCredential:
    """What a department sends: everything of the credential that the holder does not know yet."""

    expiry: dt.date
    values: Mapping[str, Value]
    handle: int
    signature: bytes

    def __post_init__(self) -> None:
        check_scalar(self.handle, "the handle", field="handle")
        if len(self.signature) != SIGNATURE_OCTETS:
            raise MalformedError(
                Reason.MALFORMED, f"a signature has {SIGNATURE_OCTETS} octets", field="signature"
            )

    def to_bytes(self, schema: Schema) -> bytes:
        """Return its canonical bytes; MalformedError (values)."""
        handle = self.handle.to_bytes(SCALAR_OCTETS)
        return check_size(canonical.encode(
            _ISSUED_LABEL, str(schema.name), days(self.expiry), value_items(self.values, schema), handle,
            self.signature,
        ))  # fmt: skip

    @classmethod
    def from_bytes(cls, octets: bytes, schema: Schema) -> "IssuedCredential":
        """Decode what `to_bytes` gives, under the same schema; MalformedError."""
        match canonical.decode(_ISSUED_LABEL, octets):
            case [str(name), int(expiry), list(pairs), bytes(handle), bytes(signature)] if name == str(
                schema.name
            ):
                parsed = cls(date_of(expiry), values_of(pairs, schema), int.from_bytes(handle), signature)
                if parsed.to_bytes(schema) == octets:
                    return parsed
        raise MalformedError(Reason.MALFORMED, "the octets are no issued credential of this schema")


def issuance_scope(department: str) -> bytes:
    """Return the scope of the pseudonyms that a department's base credentials are issued under."""
    return canonical.encode(_SCOPE_LABEL, str(DepartmentName(department)))


def ask_for_credential(
    terms: IssuanceTerms,
    secret: HolderSecret,
    schema: Schema,
    key: IssuerKey,
    *,
    rng: RandomScalars | None = None,
) -> tuple[bytes, PendingCredential]:
    """Return what goes to the issuer of a base credential, and what the holder keeps.

    `rng` gives the randomness, which is the system's unless a test vector is made. Raises RefusedError
    FORM_NOT_SUPPORTED, SCHEMA_UNKNOWN, ISSUER_KEY_UNKNOWN (not those of the terms), COMMITMENT_INVALID (the
    terms are for a presentation).
    """
    asked = _compile(terms, schema, key)
    values = Values(asked.statement, rng)
    blind = asked.commitment.assign(values, secret.scalar)
    asked.pseudonym.assign(values, secret.scalar)
    return prove(asked.statement, asked.context, values), PendingCredential(terms, blind)


def check_commitment(
    terms: IssuanceTerms, commitment: bytes, schema: Schema, key: IssuerKey
) -> IdentifiedCommitment:
    """Return a holder's commitment whose proof holds for these terms of a base credential.

    Raises MalformedError MALFORMED, RefusedError COMMITMENT_INVALID, and as `ask_for_credential`.
    """
    asked = _compile(terms, schema, key)
    try:
        octets = verify(asked.statement, asked.context, commitment).octets
    except DecodingError:
        raise MalformedError(Reason.MALFORMED, "the octets are no commitment", field="commitment") from None
    except BbsError:
        raise RefusedError(Reason.COMMITMENT_INVALID, "the commitment's proof does not hold") from None
    return IdentifiedCommitment(terms, octets[asked.commitment.C], octets[asked.pseudonym.N])


def issue_composite(
    commitment: VerifiedCommitment,
    schema: Schema,
    key: IssuerKey,
    secret_key: SecretKey,
    values: Mapping[str, Value],
    today: dt.date,
) -> IssuedCredential:
    """Sign values and a fresh handle together with a verified commitment; valid from `today`.

    The handle is to be stored, unique, with what the department knows of the credential, before anything is
    sent. Raises MalformedError (values), RefusedError FORM_NOT_SUPPORTED, ISSUER_KEY_RETIRED, SCHEMA_UNKNOWN,
    ISSUER_KEY_UNKNOWN.
    """
    _check_terms(commitment.terms, schema, key)
    if key.state is not KeyState.ACTIVE:
        raise RefusedError(Reason.ISSUER_KEY_RETIRED, "the key signs no more")
    suite = resolve(key.suite)
    if secret_key.public_key() != key.public_key:
        raise RefusedError(Reason.ISSUER_KEY_UNKNOWN, "the secret key is not that of the key's name")
    attributes = scalars.attribute_scalars(schema, values, suite)
    expiry = today + dt.timedelta(days=schema.validity_days)
    handle = random_scalar()
    known = (0, handle, scalars.number(expiry), *attributes)  # the commitment adds the secret and the blind
    signature = core_blind_sign(
        secret_key, key.public_key, suite.group.g1_from_octets(commitment.C),
        scalars.generators(schema, suite), schema.header(), known, scalars.api_id(suite),
    )  # fmt: skip
    issued = IssuedCredential(expiry, dict(values), handle, signature)
    issued.to_bytes(schema)  # none leaves that its vault could not store and read again
    return issued


def accept_credential(
    pending: PendingCredential,
    issued: IssuedCredential,
    secret: HolderSecret,
    schema: Schema,
    key: IssuerKey,
    accumulator: PublishedAccumulator | None,
    witness: MembershipWitness | None,
) -> CompositeCredential:
    """Return the holder's credential, to be stored with its witness once this has returned.

    Its values fit and its signature holds. `accumulator` is the department's as published, or None if it
    revokes nothing; where there is one there is a witness that is true, for the credential's handle and for a
    published epoch of it: a credential without one could never be shown. Raises MalformedError (values),
    RefusedError SIGNATURE_INVALID, EPOCH_UNKNOWN, SCHEMA_UNKNOWN, ISSUER_KEY_UNKNOWN, FORM_NOT_SUPPORTED.
    """
    _check_terms(pending.terms, schema, key)
    credential = CompositeCredential(
        schema.name, key.name, issued.expiry, issued.values, issued.handle, pending.blind, issued.signature
    )
    credential.to_bytes(schema)
    _check_witness(witness, credential, accumulator)
    return check_composite_credential(credential, secret, schema, key)


def _check_witness(
    witness: MembershipWitness | None,
    credential: CompositeCredential,
    accumulator: PublishedAccumulator | None,
) -> None:
    if accumulator is None and witness is None:
        return
    if accumulator is None or accumulator.owner != str(DepartmentName(credential.issuer_key.department)):
        raise _no_witness("the accumulator is not the department's own")
    if witness is None:
        raise _no_witness("there is no witness, and the department revokes")
    # Of a value of one holder's own the witness would be true as well.
    if all(witness.at != each.position for each in accumulator.epochs.values()):
        raise RefusedError(
            Reason.EPOCH_UNKNOWN, "the witness is for no epoch that is published", field="witness"
        )
    try:
        true = witness.verified().y == credential.handle
    except BbsError:
        true = False
    if not true:
        raise _no_witness("the witness does not hold")


def _no_witness(detail: str) -> RefusedError:
    return RefusedError(Reason.SIGNATURE_INVALID, detail, field="witness")


@dataclass(frozen=True)
class _Asked:
    statement: Statement
    context: Context
    commitment: HolderCommitment
    pseudonym: Pseudonym


def _compile(terms: IssuanceTerms, schema: Schema, key: IssuerKey) -> _Asked:
    _check_terms(terms, schema, key)
    if not terms.base:
        detail = "the commitment is part of a presentation, and nothing by itself"
        raise RefusedError(Reason.COMMITMENT_INVALID, detail, field="base")
    suite = resolve(key.suite)
    builder = Builder(PairingSuite(suite))
    commitment = HolderCommitment.add_to(builder.scope("commitment"), suite)
    scope = issuance_scope(terms.schema.department)
    pseudonym = Pseudonym.add_to(builder.scope("pseudonym"), commitment.k, scope, Purpose.ISSUANCE)
    context = (
        ("terms", terms.canonical),
        ("schema", schema.header()),
        ("issuer-key", key.public_key),
    )
    return _Asked(builder.build(), context, commitment, pseudonym)


def _check_terms(terms: IssuanceTerms, schema: Schema, key: IssuerKey) -> None:
    require_composite(schema)
    if terms.schema != schema.name:
        raise RefusedError(Reason.SCHEMA_UNKNOWN, "the terms are for another schema", field="schema")
    if terms.issuer_key != key.name:
        raise RefusedError(Reason.ISSUER_KEY_UNKNOWN, "the terms are for another key", field="issuer_key")
