"""Issuing a MAC without seeing the holder's secret, with a proof that it is one.

    department: terms for one issuance (`disclosure.composite.issuance.IssuanceTerms`): schema, key, nonce
    holder:     C = k*H_1 + s*H_last and N = k*hash_to_curve(issuance, department), proven, bound to the terms
    department: checks the proof, then draws the handle; A = B/(x + e), and a proof that x*A = B - e*A
    holder:     computes B itself, checks the proof under the published key, and stores

N is the same whenever one holder asks one department: it keeps N beside the person that it identified, so
that one person has one secret, and two persons two.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bbs import BbsError, DecodingError
from bbs.engine import Base, Builder, Context, Sent, Statement, Values, Witness, prove, verify
from bbs.gadgets.bases import generator_bases
from bbs.gadgets.pseudonym import Pseudonym, Purpose
from bbs.keyed import SecretKey, accept, issue
from bbs.keyed.credential import ISSUED_OCTETS
from disclosure import canonical
from disclosure.attributes import Value, date_of, days
from disclosure.composite.credential import check_size, require_composite, value_items, values_of
from disclosure.composite.issuance import IssuanceTerms, issuance_scope
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.keyed.credential import (
    SCALAR_OCTETS,
    KeyedHolding,
    KeyedSecret,
    check_scalar,
    domain_of,
    generators_of,
    message_scalars,
    random_scalar,
)
from disclosure.keyed.keys import CheckKeys
from disclosure.schema import Schema

_ISSUED_LABEL: Final = "zk-disclosure/keyed-issued/v1"


@dataclass(frozen=True, repr=False)
class PendingKeyed:
    """What a holder keeps while the department issues: the terms and the blind."""

    terms: IssuanceTerms
    blind: int


@dataclass(frozen=True)
class CheckedCommitment:
    """A commitment whose proof holds for its terms. `pseudonym` is N: one for a holder at this department."""

    terms: IssuanceTerms
    C: bytes = field(repr=False)
    pseudonym: bytes = field(repr=False)


@dataclass(frozen=True, repr=False)
class IssuedKeyed:
    """What the department sends: what the holder does not know yet, A and e, and the proof of the MAC."""

    expiry: dt.date
    values: Mapping[str, Value]
    handle: int
    mac: bytes

    def __post_init__(self) -> None:
        if len(self.mac) != ISSUED_OCTETS:
            detail = f"a MAC with its proof has {ISSUED_OCTETS} octets"
            raise MalformedError(Reason.MALFORMED, detail, field="mac")

    def to_bytes(self, schema: Schema) -> bytes:
        """Return its canonical bytes; MalformedError (values)."""
        return check_size(canonical.encode(
            _ISSUED_LABEL, str(schema.name), days(self.expiry), value_items(self.values, schema),
            self.handle.to_bytes(SCALAR_OCTETS), self.mac,
        ))  # fmt: skip

    @classmethod
    def from_bytes(cls, octets: bytes, schema: Schema) -> "IssuedKeyed":
        """Decode what `to_bytes` gives, under the same schema; MalformedError."""
        match canonical.decode(_ISSUED_LABEL, octets):
            case [str(name), int(expiry), list(pairs), bytes(handle), bytes(mac)] if name == str(schema.name):
                parsed = cls(date_of(expiry), values_of(pairs, schema), int.from_bytes(handle), mac)
                if parsed.to_bytes(schema) == octets:
                    return parsed
        raise MalformedError(Reason.MALFORMED, "the octets are no issued credential of this schema")


def ask_for_keyed(
    terms: IssuanceTerms, secret: KeyedSecret, schema: Schema, keys: CheckKeys
) -> tuple[bytes, PendingKeyed]:
    """Return what goes to the department, and what the holder keeps.

    Raises RefusedError FORM_NOT_SUPPORTED, SCHEMA_UNKNOWN, ISSUER_KEY_UNKNOWN (not those of the terms).
    """
    asked = _compile(terms, schema, keys)
    values = Values(asked.statement)
    (blind,) = values.random(1)
    values.set(asked.secret, secret.scalar)
    values.set(asked.blind, blind)
    values.send(asked.C, {asked.bases[0]: secret.scalar, asked.bases[1]: blind})
    asked.pseudonym.assign(values, secret.scalar)
    return prove(asked.statement, asked.context, values), PendingKeyed(terms, blind)


def check_keyed_commitment(
    terms: IssuanceTerms, commitment: bytes, schema: Schema, keys: CheckKeys
) -> CheckedCommitment:
    """Return a commitment whose proof holds for these terms. That they are good once is the caller's memory.

    Raises MalformedError MALFORMED, RefusedError COMMITMENT_INVALID, and as `ask_for_keyed`.
    """
    asked = _compile(terms, schema, keys)
    try:
        octets = verify(asked.statement, asked.context, commitment).octets
    except DecodingError:
        raise MalformedError(Reason.MALFORMED, "the octets are no commitment", field="commitment") from None
    except BbsError:
        raise _no_commitment() from None
    return CheckedCommitment(terms, octets[asked.C], octets[asked.pseudonym.N])


def issue_keyed(
    commitment: CheckedCommitment,
    schema: Schema,
    keys: CheckKeys,
    key: SecretKey,
    values: Mapping[str, Value],
    today: dt.date,
) -> IssuedKeyed:
    """MAC values and a fresh handle together with a checked commitment; valid from `today`.

    The handle is drawn after the commitment is fixed, and e follows from the key and B, which holds the
    commitment. Raises MalformedError (values), RefusedError COMMITMENT_INVALID, and as `ask_for_keyed`.
    """
    _check_terms(commitment.terms, schema, keys)
    expiry = today + dt.timedelta(days=schema.validity_days)
    handle, group = random_scalar(keys.curve), keys.suite.group
    known = message_scalars(schema, keys, 0, handle, expiry, values, 0)
    known_part = generators_of(schema, keys.curve).combine(domain_of(schema, keys), known)
    try:
        (hidden_part,) = group.g1s_from_octets((commitment.C,))
        mac = issue(key, group.msm((known_part, hidden_part), (1, 1)))
    except BbsError:
        raise _no_commitment() from None
    issued = IssuedKeyed(expiry, dict(values), handle, mac)
    issued.to_bytes(schema)
    return issued


def accept_keyed(
    pending: PendingKeyed, issued: IssuedKeyed, secret: KeyedSecret, schema: Schema, keys: CheckKeys
) -> KeyedHolding:
    """Return the holder's credential if it is a MAC under the published key on exactly these values.

    Raises MalformedError (values), RefusedError SIGNATURE_INVALID, and as `ask_for_keyed`.
    """
    _check_terms(pending.terms, schema, keys)
    check_scalar(issued.handle, keys.curve, "the handle", field="handle")
    messages = message_scalars(
        schema, keys, secret.scalar, issued.handle, issued.expiry, issued.values, pending.blind
    )
    generators = generators_of(schema, keys.curve)
    try:
        credential = accept(keys.public_key, generators, schema.header(), messages, issued.mac)
    except BbsError:
        detail = "the MAC is not one under the published key"
        raise RefusedError(Reason.SIGNATURE_INVALID, detail, field="mac") from None
    return KeyedHolding(schema.name, issued.expiry, dict(issued.values), credential)


@dataclass(frozen=True)
class _Asked:
    statement: Statement
    context: Context
    C: Sent
    secret: Witness
    blind: Witness
    bases: tuple[Base, Base]
    pseudonym: Pseudonym


def _compile(terms: IssuanceTerms, schema: Schema, keys: CheckKeys) -> _Asked:
    """State C over exactly the bases of secret and blind, so no attribute gets in, and N of that secret."""
    _check_terms(terms, schema, keys)
    _, _, secret, *_, blind = generator_bases(keys.suite, generators_of(schema, keys.curve))
    builder = Builder(keys.suite)
    scope = builder.scope("commitment")
    sent, k, s = scope.sent("C"), scope.witness("k"), scope.witness("s")
    scope.equation("C", {sent: 1}, [(k, secret), (s, blind)])
    octets = issuance_scope(keys.department)
    pseudonym = Pseudonym.add_to(builder.scope("pseudonym"), k, octets, Purpose.ISSUANCE)
    context = (("terms", terms.canonical), ("schema", schema.header()), ("keys", keys.record))
    return _Asked(builder.build(), context, sent, k, s, (secret, blind), pseudonym)


def _check_terms(terms: IssuanceTerms, schema: Schema, keys: CheckKeys) -> None:
    require_composite(schema)
    if terms.schema != schema.name:
        raise RefusedError(Reason.SCHEMA_UNKNOWN, "the terms are for another schema", field="schema")
    if terms.issuer_key != keys.name or not terms.base:
        detail = "the terms are for another key, or for a presentation"
        raise RefusedError(Reason.ISSUER_KEY_UNKNOWN, detail, field="issuer_key")


def _no_commitment() -> RefusedError:
    return RefusedError(Reason.COMMITMENT_INVALID, "the commitment's proof does not hold", field="commitment")
