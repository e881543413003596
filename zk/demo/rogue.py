"""What an honest vault never makes: forgeries, built with the library on purpose, to be seen refused.

Whoever holds the octets of an answer can send them anywhere, and often. A holder who writes a vault of his
own can prove whatever his credentials say, and say whatever he likes: a forged request in the place of the
asked one, an own key in the place of the department's, an old epoch in the place of the newest.
"""

import datetime as dt
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import bbs
from disclosure import ExchangeLink, IssuerKey, Schema, SchemaName, Value, civil_date, issuer_key_name
from disclosure.composite import (
    AcceptedIssuer,
    Answer,
    Branch,
    CompositeCredential,
    CompositeDirectory,
    CompositePresentation,
    CompositeQuery,
    CompositeRequest,
    HolderSecret,
    Holding,
    IssuanceTerms,
    OldestEpoch,
    ProvenEpoch,
    Waiver,
    ask_for_credential,
    check_commitment,
    issue_composite,
    prepare,
    present_composite,
)
from prover.composite.presenting import PreparedComposite
from prover.records import new_request_id
from tlog import HOLDER_NOTE_OCTETS, note_hash
from wire.client import Endpoint, call
from wire.composite import composite_presentation_to
from zkproto.v1 import presentation_pb2, presentation_pb2_grpc

_ID_OCTETS: Final = 16
_TAG_OCTETS: Final = 48


@dataclass(frozen=True)
class Submission:
    """What goes out to an exchange."""

    presentation: CompositePresentation = field(repr=False)
    holder_note: bytes = field(repr=False)
    schemas: Mapping[SchemaName, Schema] = field(repr=False)
    request_id: str = field(repr=False)

    @classmethod
    def of(cls, prepared: PreparedComposite) -> "Submission":
        """Take what an honest vault prepared."""
        return cls(prepared.presentation, prepared.holder_note, prepared.schemas, prepared.request_id)

    def by_somebody_else(self) -> "Submission":
        """The same from another sender, who does not know the vault's request_id."""
        return replace(self, request_id=new_request_id(secrets.token_bytes(_ID_OCTETS)))

    def saying(self, change: Callable[[Answer], Answer]) -> "Submission":
        """The same proof under an answer that says something else."""
        answer = change(self.presentation.answer)
        return replace(self, presentation=replace(self.presentation, answer=answer))

    def for_request(self, digest: bytes) -> "Submission":
        """The same with the digest of another request written over its own."""
        return self.saying(lambda answer: replace(answer, request_digest=digest))

    def at_epoch(self, query: str, number: int) -> "Submission":
        """The same with the number of another epoch written over the one that was proven."""

        def renumbered(answer: Answer) -> Answer:
            parts = tuple(
                replace(each, epoch=ProvenEpoch(each.epoch.accumulator, number))
                if each.epoch is not None and each.shown.query == query
                else each
                for each in answer.credentials
            )
            return replace(answer, credentials=parts)

        return self.saying(renumbered)

    def submit(self, endpoint: Endpoint, link: ExchangeLink) -> presentation_pb2.SubmitPresentationResponse:
        """Send it to an exchange, over a channel of its own; ServiceError if it is refused."""
        channel = endpoint.channel()
        message = composite_presentation_to(self.presentation, self.schemas.__getitem__)
        try:
            return call(
                presentation_pb2_grpc.PresentationServiceStub(channel).SubmitPresentation,
                presentation_pb2.SubmitPresentationRequest(
                    exchange=link.exchange,
                    ticket=link.ticket,
                    composite_presentation=message,
                    holder_note=self.holder_note,
                    request_id=self.request_id,
                ),
            )
        finally:
            channel.close()


@dataclass(frozen=True)
class Forger:
    """A holder with a program of his own: the secret, and for each query what it takes for a proof."""

    secret: HolderSecret = field(repr=False)
    holdings: Mapping[str, Holding] = field(repr=False)
    directory: CompositeDirectory = field(repr=False)

    def answer(self, request: CompositeRequest, branch: str, now: dt.datetime) -> Submission:
        """Prove a branch of a request, which need not be the one that was asked."""
        note = secrets.token_bytes(HOLDER_NOTE_OCTETS)
        presented = present_composite(
            request, branch, self.holdings, self.secret, self.directory, now,
            usage_tag=secrets.token_bytes(_TAG_OCTETS), note_hash=note_hash(note),
            trusted_regulators=self.directory.regulators,
        )  # fmt: skip
        request_id = new_request_id(secrets.token_bytes(_ID_OCTETS))
        return Submission(presented.presentation, note, self.directory.schemas, request_id)

    def with_value(self, query: str, attribute: str, value: Value) -> "Forger":
        """The same with another value in a credential than the department has signed."""
        held = self.holdings[query]
        values = {**held.credential.values, attribute: value}
        return self._with(query, replace(held.credential, values=values), held)

    def _with(self, query: str, credential: CompositeCredential, held: Holding | None = None) -> "Forger":
        schema = self.directory.schema(credential.schema)
        key = self.directory.issuer_key(credential.issuer_key)
        prepared = prepare(credential, self.secret, schema, key)
        holding = Holding(credential, prepared, held.witness if held else None)
        return replace(self, holdings={**self.holdings, query: holding})

    def with_own_key(self, query: str, now: dt.datetime) -> tuple["Forger", IssuerKey]:
        """The same with a credential that the holder signed with an own key, in the department's name."""
        old = self.holdings[query].credential
        schema = self.directory.schema(old.schema)
        suite, secret_key = str(bbs.SHA_256), bbs.SecretKey.generate(suite=bbs.SHA_256)
        name = issuer_key_name(schema.name.department, suite, secret_key.public_key())
        key = IssuerKey(name, suite, secret_key.public_key())
        terms = IssuanceTerms(schema.name, key.name, base=True)
        octets, pending = ask_for_credential(terms, self.secret, schema, key)
        commitment = check_commitment(terms, octets, schema, key)
        issued = issue_composite(commitment, schema, key, secret_key, old.values, civil_date(now))
        credential = CompositeCredential(
            schema.name,
            key.name,
            issued.expiry,
            issued.values,
            issued.handle,
            pending.blind,
            issued.signature,
        )
        keys = {**self.directory.issuer_keys, key.name: key}
        knowing = replace(self, directory=replace(self.directory, issuer_keys=keys))
        return knowing._with(query, credential), key


def accepting(request: CompositeRequest, query: str, key: IssuerKey) -> CompositeRequest:
    """Return the request as a forger would like it: with a key of his own, and without revocation."""

    def accept(each: CompositeQuery) -> CompositeQuery:
        issuer = replace(each.issuers[0], key=key.name, revocation=Waiver.REVOCATION)
        return replace(each, issuers=(issuer,))

    return _changed(request, query, accept)


def with_oldest(request: CompositeRequest, query: str, number: int) -> CompositeRequest:
    """Return the request with another number of the oldest epoch that it accepts."""

    def renumber(each: AcceptedIssuer) -> AcceptedIssuer:
        rule = each.revocation
        return (
            replace(each, revocation=replace(rule, number=number)) if isinstance(rule, OldestEpoch) else each
        )

    return _changed(request, query, lambda each: replace(each, issuers=tuple(map(renumber, each.issuers))))


def _changed(
    request: CompositeRequest, query: str, change: Callable[[CompositeQuery], CompositeQuery]
) -> CompositeRequest:
    def change_in(branch: Branch) -> Branch:
        return replace(
            branch, queries=tuple(change(each) if each.id == query else each for each in branch.queries)
        )

    return replace(request, branches=tuple(map(change_in, request.branches)))
