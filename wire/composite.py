"""Messages of the composite form to the project's types and back; faults as in `wire.convert`."""

from collections.abc import Callable

from bbs import BbsError
from bbs.accumulator import MembershipWitness
from bbs.gadgets.escrow_shares import PartialOpening, PublicShare
from bbs.groups.bls12_381 import SCALAR_OCTETS
from disclosure import (
    Accumulator,
    IssuerKeyName,
    MalformedError,
    Reason,
    Schema,
    SchemaName,
    Shown,
)
from disclosure.composite import (
    Answer,
    CompositePresentation,
    CredentialAnswer,
    IssuedCredential,
    ProvenEpoch,
    Published,
    PublishedCodeList,
    PublishedDigits,
    Regulator,
    RegulatorKey,
)
from disclosure.composite.publication import decode_table
from disclosure.names import RegulatorName
from disclosure.presentation import DIGEST_OCTETS
from disclosure.request import MAX_QUERIES
from wire.convert import (
    date_of,
    date_to,
    each_within,
    present_values_of,
    text_of,
    text_to,
    values_of,
    values_to,
    within,
)
from zkproto.v1 import issuance_pb2, presentation_pb2, publication_pb2


def _answer_of(message: presentation_pb2.CredentialAnswer) -> CredentialAnswer:
    shown = Shown(
        query=message.query,
        schema=SchemaName.parse(message.schema, field="schema"),
        issuer_key=IssuerKeyName.parse(message.issuer_key, field="issuer_key"),
        values=values_of(message.values),
        expiry=date_of(message.expiry, field="expiry") if message.HasField("expiry") else None,
    )
    if not message.accumulator:
        if message.epoch:
            raise MalformedError(Reason.PRESENTATION_INVALID, "an epoch of no accumulator", field="epoch")
        return CredentialAnswer(shown)
    return CredentialAnswer(shown, ProvenEpoch(message.accumulator, message.epoch))


def composite_presentation_of(message: presentation_pb2.CompositePresentation) -> CompositePresentation:
    """Convert a CompositePresentation; what it shows is not yet checked against a request."""
    if len(message.credentials) > MAX_QUERIES:
        detail = f"a presentation has 1 to {MAX_QUERIES} credentials"
        raise MalformedError(Reason.PRESENTATION_INVALID, detail, field="credentials")
    answer = Answer(
        branch=message.branch,
        credentials=each_within("credentials", message.credentials, _answer_of),
        usage_tag=message.usage_tag,
        note_hash=message.note_hash,
        request_digest=message.request_digest,
    )
    return CompositePresentation(answer, message.proof)


def _answer_to(answer: CredentialAnswer, schema: Schema) -> presentation_pb2.CredentialAnswer:
    shown, epoch = answer.shown, answer.epoch
    return presentation_pb2.CredentialAnswer(
        query=shown.query,
        schema=str(shown.schema),
        issuer_key=str(shown.issuer_key),
        expiry=date_to(shown.expiry) if shown.expiry else None,
        values=values_to(schema, shown.values.items()),
        accumulator=epoch.accumulator if epoch else b"",
        epoch=epoch.number if epoch else 0,
    )


def composite_presentation_to(
    presentation: CompositePresentation, find_schema: Callable[[SchemaName], Schema]
) -> presentation_pb2.CompositePresentation:
    """Convert to a CompositePresentation."""
    answer = presentation.answer
    return presentation_pb2.CompositePresentation(
        request_digest=answer.request_digest,
        branch=answer.branch,
        credentials=[_answer_to(each, find_schema(each.shown.schema)) for each in answer.credentials],
        usage_tag=answer.usage_tag,
        note_hash=answer.note_hash,
        proof=presentation.proof,
    )


def issued_of(message: issuance_pb2.ClaimCompositeCredentialResponse) -> IssuedCredential:
    """Convert what a department has issued; its values are not yet checked against the schema."""
    if len(message.handle) != SCALAR_OCTETS:
        raise MalformedError(Reason.MALFORMED, f"a handle has {SCALAR_OCTETS} octets", field="handle")
    return IssuedCredential(
        expiry=date_of(message.expiry, field="expiry"),
        values=present_values_of(message.values),
        handle=int.from_bytes(message.handle),
        signature=message.signature,
    )


def witness_of(
    message: issuance_pb2.ClaimCompositeCredentialResponse, accumulator: Accumulator
) -> MembershipWitness:
    """Convert the witness that came with a credential; it is not verified. MalformedError MALFORMED."""
    try:
        return MembershipWitness.from_octets(message.witness, key=accumulator.key)
    except BbsError:
        raise MalformedError(Reason.MALFORMED, "the octets are no witness", field="witness") from None


def issued_to(
    issued: IssuedCredential, schema: Schema, at: tuple[Accumulator, int, MembershipWitness] | None
) -> issuance_pb2.ClaimCompositeCredentialResponse:
    """Convert to what the holder is sent; `at` has accumulator, an epoch's number, and the witness for it."""
    message = issuance_pb2.ClaimCompositeCredentialResponse(
        expiry=date_to(issued.expiry),
        values=values_to(schema, issued.values.items()),
        handle=issued.handle.to_bytes(SCALAR_OCTETS),
        signature=issued.signature,
    )
    if at is not None:
        accumulator, message.epoch, witness = at
        message.accumulator, message.witness = str(accumulator.name), witness.to_octets_secret()
    return message


def published_of(message: publication_pb2.Table, *, true: bytes | None = None) -> Published:
    """Convert a Table, every signature checked; a digest in its name must be right.

    `true` is the digest of a table that whoever calls has verified before, as that of `PublishedDigits`: a
    holder, and a verifier, never has one. Raises MalformedError MALFORMED, NAME_INVALID; RefusedError
    SIGNATURE_INVALID.
    """
    table = decode_table(message.octets, field="octets", true=true)
    if message.name and message.name != table_name(table.digest):
        raise MalformedError(Reason.NAME_INVALID, "the name is not the digest of the octets", field="name")
    if message.codes and not message.code_system:
        raise MalformedError(Reason.MALFORMED, "codes of no code system", field="codes")
    try:
        if message.code_system:
            return PublishedCodeList(message.owner, message.code_system, tuple(message.codes), table, true)
        return PublishedDigits(message.owner, table, true)
    except MalformedError as error:  # the table, which the message has in its octets
        raise MalformedError(Reason(error.reason), error.detail, field="octets") from None


def table_name(digest: bytes) -> str:
    """Return a table's resource name."""
    return f"tables/{digest.hex()}"


def digest_of(name: str) -> bytes:
    """Return the digest that a table's resource name has; MalformedError NAME_INVALID."""
    try:
        digest = bytes.fromhex(name.removeprefix("tables/"))
    except ValueError:
        digest = b""
    if len(digest) != DIGEST_OCTETS or table_name(digest) != name:
        raise MalformedError(Reason.NAME_INVALID, "a table is named by its digest", field="name")
    return digest


def published_to(published: Published, proof: bytes = b"") -> publication_pb2.Table:
    """Convert to a Table."""
    message = publication_pb2.Table(
        name=table_name(published.table.digest),
        owner=published.owner,
        octets=published.table.octets,
        proof=proof,
    )
    if isinstance(published, PublishedCodeList):
        message.code_system = published.code_system
        message.codes.extend(published.codes)
    return message


def regulator_of(message: publication_pb2.Regulator, name: RegulatorName | None = None) -> Regulator:
    """Convert a Regulator, under `name` or its own; if it brings a digest, the digest must be right."""
    with within("display_name"):
        display_name = text_of(message.display_name)
    shares = tuple(PublicShare(each.public_key, each.possession_proof) for each in message.shares)
    key = RegulatorKey(message.suite, shares)
    if message.digest and message.digest != key.digest:
        raise MalformedError(Reason.MALFORMED, "the digest is not that of the key", field="digest")
    return Regulator(name or RegulatorName.parse(message.name, field="name"), display_name, key)


def part_to(part: PartialOpening) -> publication_pb2.PartialOpening:
    """Convert one officer's part of an opening."""
    return publication_pb2.PartialOpening(share=part.share, decrypted=part.decrypted, proof=part.proof)


def part_of(message: publication_pb2.PartialOpening) -> PartialOpening:
    """Convert one officer's part of an opening; not yet verified."""
    return PartialOpening(message.share, message.decrypted, message.proof)


def regulator_to(regulator: Regulator, proof: bytes = b"") -> publication_pb2.Regulator:
    """Convert to a Regulator."""
    return publication_pb2.Regulator(
        name=str(regulator.name),
        display_name=text_to(regulator.display_name),
        suite=regulator.key.suite,
        shares=[
            publication_pb2.OfficerShare(public_key=each.public_key, possession_proof=each.possession)
            for each in regulator.key.shares
        ],
        digest=regulator.key.digest,
        proof=proof,
    )
