"""What a vault holds of the composite form, and its octets before they are sealed.

The holder's secret stands beside the credentials, which all have it in common. A claim keeps the very octets
that go out and the blind that belongs to them: sent again they give the same credential, made anew they would
be another claim. A credential keeps its witness until a newer one is verified.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bbs import BbsError
from bbs.accumulator import Epoch, MembershipWitness
from disclosure import (
    Accumulator,
    IssuerKey,
    KeyState,
    LocalizedText,
    OfferLink,
    Schema,
    SchemaName,
)
from disclosure.canonical import Item
from disclosure.composite import (
    CompositeCredential,
    CompositePresentation,
    HolderSecret,
    IssuanceTerms,
    PendingCredential,
    Regulator,
    RegulatorKey,
)
from disclosure.composite.credential import SCALAR_OCTETS
from disclosure.names import RegulatorName
from prover.records import (
    HeldCredential,
    Kind,
    head_of,
    malformed,
    milliseconds,
    moment_of,
    pack,
    schema_of,
    unpack,
)


@dataclass(frozen=True, repr=False)
class KeptSecret:
    """The holder's secret, of which a vault has one. Does not show itself."""

    id: str
    secret: HolderSecret

    def octets(self) -> bytes:
        """Return what is sealed."""
        return pack([Kind.HOLDER_SECRET.value], self.secret.to_octets_secret())


def secret_of(record_id: str, octets: bytes) -> KeptSecret:
    """Decode the holder's secret; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [Kind.HOLDER_SECRET], [secret]:
            return KeptSecret(record_id, HolderSecret.from_octets(secret))
    raise malformed()


@dataclass(frozen=True, eq=False)
class Standing:
    """How a credential stands in its department's accumulator.

    `witness` is verified for `epoch`, the newest that the vault has reached. `partial` is on its way to a
    newer one and not verified. `revoked` is when the vault learnt that the department has revoked it.
    """

    accumulator: Accumulator
    epoch: Epoch
    witness: MembershipWitness = field(repr=False)
    partial: MembershipWitness | None = field(default=None, repr=False)
    revoked: dt.datetime | None = None

    @property
    def time(self) -> dt.datetime:
        """When the epoch was made, up to which the credential is known not to be revoked."""
        return dt.datetime.fromtimestamp(self.epoch.time, dt.UTC)

    @property
    def beginning(self) -> MembershipWitness:
        """What catching up goes on from."""
        return self.partial or self.witness

    def parts(self) -> tuple[bytes, bytes, bytes, bytes]:
        """Return the parts of a record; the time stands in its head."""
        partial = b"" if self.partial is None else self.partial.to_octets_secret()
        return self.accumulator.record(), self.epoch.octets, self.witness.to_octets_secret(), partial

    @classmethod
    def from_parts(cls, parts: list[bytes], revoked: dt.datetime | None) -> "Standing":
        """Decode what `parts` gives; MalformedError."""
        accumulator = Accumulator.from_record(parts[0])
        key = accumulator.key
        try:
            partial = MembershipWitness.from_octets(parts[3], key=key) if parts[3] else None
            epoch = Epoch.from_octets(parts[1], key=key)
            return cls(accumulator, epoch, MembershipWitness.from_octets(parts[2], key=key), partial, revoked)
        except BbsError:
            raise malformed() from None


@dataclass(frozen=True, eq=False)
class HeldComposite:
    """A credential of the composite form in the vault.

    `id` has 32 hexadecimal digits; the issuer key's state is what it was when the credential came. There is
    no `standing` if the department revoked nothing when it issued.
    """

    id: str
    credential: CompositeCredential = field(repr=False)
    schema: Schema
    issuer_key: IssuerKey
    received: dt.datetime
    standing: Standing | None = None

    @property
    def revoked(self) -> dt.datetime | None:
        """When the vault learnt that the department has revoked it, if it has."""
        return None if self.standing is None else self.standing.revoked

    def octets(self) -> bytes:
        """Return what is sealed."""
        head: list[Item] = [
            Kind.COMPOSITE_CREDENTIAL.value, milliseconds(self.received), self.issuer_key.state.value,
            None if self.revoked is None else milliseconds(self.revoked),
        ]  # fmt: skip
        standing = () if self.standing is None else self.standing.parts()
        body = self.credential.to_bytes(self.schema)
        return pack(head, self.schema.canonical, self.issuer_key.record(), body, *standing)


Held = HeldCredential | HeldComposite
"""A credential of either form: both have id, credential, schema, issuer_key, received."""


def held_composite_of(record_id: str, octets: bytes) -> HeldComposite:
    """Decode a credential's record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [
            [Kind.COMPOSITE_CREDENTIAL, int(received), str(state), (int() | None) as revoked],
            [schema, key, credential, *standing],
        ] if state in set(KeyState) and len(standing) in (0, 4):
            read = schema_of(schema)
            gone = None if revoked is None else moment_of(revoked)
            return HeldComposite(
                record_id,
                CompositeCredential.from_bytes(credential, read),
                read,
                replace(IssuerKey.from_record(key), state=KeyState(state)),
                moment_of(received),
                Standing.from_parts(standing, gone) if standing else None,
            )
    raise malformed()


@dataclass(frozen=True)
class Offered:
    """What an offer's terms name, as it is published; `revokes` as in the claim that comes of it."""

    link: OfferLink = field(repr=False)
    schema: Schema
    issuer_key: IssuerKey
    revokes: bool


@dataclass(frozen=True, eq=False)
class PendingClaim:
    """A claim of the composite form that is not yet acknowledged.

    `answer` is what goes to the department however often it is sent: a commitment, or a presentation's
    canonical octets, read with `shown_by`. `revokes` tells that the department had an accumulator when the
    claim was begun, so that a credential without a witness is none. Once the credential is stored,
    `credential` is its id, and blind and answer are forgotten.
    """

    id: str
    link: OfferLink = field(repr=False)
    request_id: str = field(repr=False)
    begun: dt.datetime
    terms: IssuanceTerms = field(repr=False)
    schema: Schema
    issuer_key: IssuerKey
    blind: int | None = field(default=None, repr=False)
    answer: bytes = field(default=b"", repr=False)
    shown_by: Mapping[SchemaName, Schema] = field(default_factory=dict, repr=False)
    revokes: bool = False
    credential: str | None = None

    def __post_init__(self) -> None:
        if (self.blind is None) != (self.credential is not None):
            raise malformed()

    @property
    def pending(self) -> PendingCredential:
        """What the credential is accepted with; MalformedError MALFORMED once it is stored."""
        if self.blind is None:
            raise malformed()
        return PendingCredential(self.terms, self.blind)

    @property
    def presentation(self) -> CompositePresentation:
        """The presentation that goes out; MalformedError for a base credential's commitment."""
        return CompositePresentation.from_bytes(self.answer, self.shown_by)

    def finished(self, credential: str) -> "PendingClaim":
        """Return the claim once its credential is stored, to be acknowledged."""
        return replace(self, blind=None, answer=b"", shown_by={}, credential=credential)

    def octets(self) -> bytes:
        """Return what is sealed."""
        head: list[Item] = [
            Kind.COMPOSITE_CLAIM.value, milliseconds(self.begun), str(self.link), self.request_id,
            self.issuer_key.state.value, self.revokes, self.credential,
        ]  # fmt: skip
        blind = b"" if self.blind is None else self.blind.to_bytes(SCALAR_OCTETS)
        shown_by = [self.shown_by[name].canonical for name in sorted(self.shown_by, key=str)]
        return pack(
            head, self.terms.canonical, self.schema.canonical, self.issuer_key.record(), blind, self.answer,
            *shown_by,
        )  # fmt: skip


def pending_claim_of(record_id: str, octets: bytes) -> PendingClaim:
    """Decode a claim's record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [
            [Kind.COMPOSITE_CLAIM, int(begun), str(link), str(request_id), str(state),
             bool(revokes), (str() | None) as credential],
            [terms, schema, key, blind, answer, *shown_by],
        ] if state in set(KeyState):  # fmt: skip
            return PendingClaim(
                record_id,
                OfferLink.parse(link),
                request_id,
                moment_of(begun),
                IssuanceTerms.from_bytes(terms),
                schema_of(schema),
                replace(IssuerKey.from_record(key), state=KeyState(state)),
                int.from_bytes(blind) if blind else None,
                answer,
                {each.name: each for each in map(schema_of, shown_by)},
                revokes,
                credential,
            )
    raise malformed()


@dataclass(frozen=True)
class TrustedRegulator:
    """A regulator to whose key the vault lets an identity be escrowed, since its holder has said so."""

    id: str
    regulator: Regulator
    since: dt.datetime

    def octets(self) -> bytes:
        """Return what is sealed."""
        trusted = self.regulator
        head: list[Item] = [
            Kind.REGULATOR.value, milliseconds(self.since), str(trusted.name), trusted.display_name.items(),
            trusted.key.items(),
        ]  # fmt: skip
        return pack(head)


def trusted_regulator_of(record_id: str, octets: bytes) -> TrustedRegulator:
    """Decode a trusted regulator's record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [
            [Kind.REGULATOR, int(since), str(name), [str(zh), str(en)], list(key)],
            [],
        ]:
            called = LocalizedText(zh, en)
            regulator = Regulator(RegulatorName.parse(name), called, RegulatorKey.from_items(key))
            return TrustedRegulator(record_id, regulator, moment_of(since))
    raise malformed()
