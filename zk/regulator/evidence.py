"""The evidence that an opening is made from, and the register that what it finds is looked up in."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from google.protobuf.message import DecodeError

import bbs
import tlog
from bbs.ciphersuite import resolve
from bbs.engine import PairingSuite
from bbs.gadgets.escrow import look_up
from disclosure import AttributeDefinition, Reason, RefusedError, SignedRequest
from disclosure.composite import (
    CompositeClaim,
    CompositeDirectory,
    CompositePresentation,
    CompositeRequest,
    EscrowQuery,
    VerifiedComposite,
    open_composite_request,
)
from disclosure.composite.scalars import scalar
from disclosure.written import parse_value
from verifier import CompositeRecord, load_record, recheck_composite
from verifier.audit import audit_receipt, receipt_body
from wire.composite import composite_presentation_of
from wire.convert import signed_request_of
from wire.published import Reader
from zk.exits import CommandError, Exit
from zk.home import read_file
from zkproto.v1 import presentation_pb2


@dataclass(frozen=True)
class Evidence:
    """A presentation with its request, receipt, and what it is verified with, as of when it was presented."""

    signed: SignedRequest
    request: CompositeRequest
    presentation: CompositePresentation
    receipt: bytes = field(repr=False)
    directory: CompositeDirectory = field(repr=False)
    presented: dt.datetime
    others: tuple[VerifiedComposite, ...] = field(default=(), repr=False)
    """The answers whose numbers it counts."""

    @property
    def claim(self) -> CompositeClaim:
        """What openings are made from and checked against."""
        return CompositeClaim(self.request, self.presentation, self.directory, self.presented, self.others)

    @property
    def sent(self) -> tuple[SignedRequest, CompositePresentation, bytes]:
        """What a record of an opening is checked against: request, presentation and receipt."""
        return self.signed, self.presentation, self.receipt

    def escrow(self, identifier: str | None) -> EscrowQuery:
        """Return an escrow of the answered branch, the only one if none is named; RefusedError.

        Raises CommandError USAGE if there is none at all, or several and none is named.
        """
        _, branch = self.request.branch(self.presentation.answer.branch)
        if not branch.escrows:
            raise CommandError(Exit.USAGE, "ESCROW_NONE", "error.escrow_none")
        if identifier is None and len(branch.escrows) > 1:
            here = ", ".join(each.id for each in branch.escrows)
            raise CommandError(Exit.USAGE, "ESCROW_UNCLEAR", "error.escrow_unclear", here=here)
        found = [each for each in branch.escrows if identifier in {None, each.id}]
        if len(found) != 1:
            raise RefusedError(Reason.QUERY_MISMATCH, "the branch has no such escrow")
        return found[0]

    def identifier(self, escrow: EscrowQuery) -> AttributeDefinition:
        """Return the attribute whose value is escrowed."""
        answers = {each.shown.query: each.shown for each in self.presentation.answer.credentials}
        schema = self.directory.schema(answers[escrow.operand.query].schema)
        return schema.attribute(escrow.operand.attribute)


def evidence_of_record(path: Path, log: tlog.Verifier) -> Evidence:
    """Take the evidence out of a verifier's record, once all of that holds under the log's key.

    Raises OSError, RecordError and what `recheck_composite` raises; CommandError USAGE for a plain record.
    """
    read_file(path)  # a file that cannot be read is named, as everywhere
    record = load_record(path)
    if not isinstance(record, CompositeRecord):
        raise CommandError(Exit.USAGE, "RECORD_PLAIN", "error.record_plain", path=path)
    checked = recheck_composite(record, log_verifier=log)
    signed, presentation = record.signed_request, record.presentation
    return Evidence(
        signed, record.request, presentation, record.receipt, record.directory, checked.verify_time,
        checked.others,
    )  # fmt: skip


def evidence_of(
    request: Path, presentation: Path, receipt: Path, reader: Reader, log: tlog.Verifier
) -> Evidence:
    """Put evidence together from files: messages SignedRequest and CompositePresentation, and the receipt.

    Raises as `Reader`, `open_composite_request` and `audit_receipt` do, and CommandError USAGE.
    """
    try:
        asked = presentation_pb2.SignedRequest.FromString(read_file(request))
        answered = presentation_pb2.CompositePresentation.FromString(read_file(presentation))
    except DecodeError:
        raise CommandError(Exit.USAGE, "EVIDENCE_UNREADABLE", "error.evidence_unreadable") from None
    signed, octets = signed_request_of(asked), read_file(receipt)
    opened = open_composite_request(signed, reader.verifier_key)
    parsed = composite_presentation_of(answered)
    moment = receipt_body(audit_receipt(octets, opened, parsed, log)).verified
    epochs = [each.epoch for each in parsed.answer.credentials if each.epoch]
    return Evidence(signed, opened, parsed, octets, reader.directory(opened, epochs), moment)


@dataclass(frozen=True)
class Candidate:
    """Somebody in a regulator's register: the identifier as it is written there, and what is kept of it."""

    identifier: str = field(repr=False)
    note: str = field(repr=False)


Candidates: TypeAlias = Sequence[tuple[Candidate, int]]
"""Whom a register names, with the scalar of each identifier."""


def candidates_of(evidence: Evidence, escrow: EscrowQuery, register: Path) -> Candidates:
    """Read a register whole, before anything is opened: what is wrong with it must not cost an opening.

    A line of the register has an identifier, as values of its attribute are written, and after a tab whatever
    the regulator keeps of it. Raises MalformedError for a line that is none; CommandError USAGE.
    """
    definition = evidence.identifier(escrow)
    lines = read_file(register).decode(errors="replace").splitlines()
    return tuple(_scalars(lines, definition, _suite(evidence, escrow)))


def candidate_of(
    evidence: Evidence, escrow: EscrowQuery, identity: bytes, candidates: Candidates
) -> Candidate | None:
    """Return which of the candidates an opened identity is, None if nobody."""
    return look_up(PairingSuite(_suite(evidence, escrow)), identity, candidates)


def _suite(evidence: Evidence, escrow: EscrowQuery) -> bbs.Ciphersuite:
    return resolve(evidence.directory.regulator(escrow.regulator, field="escrow").suite)


def _scalars(
    lines: list[str], definition: AttributeDefinition, suite: bbs.Ciphersuite
) -> Iterator[tuple[Candidate, int]]:
    for line in lines:
        written, _, note = line.partition("\t")
        if written.strip():
            value = parse_value(definition, written.strip())
            yield Candidate(written.strip(), note.strip()), scalar(definition, value, suite)
