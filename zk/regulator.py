"""A regulator's part: its key file, the evidence that it opens, and openings as files that others check.

An opening is made from a presentation that this side verified itself, and stands on the ledger before
anybody sees what it found.
"""

import datetime as dt
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

from google.protobuf.message import DecodeError

import bbs
import tlog
from bbs import BbsError
from bbs.ciphersuite import resolve
from bbs.engine import PairingSuite
from bbs.gadgets.escrow import EscrowKey, Opening, look_up
from disclosure import AttributeDefinition, Reason, RefusedError, SignedRequest
from disclosure.composite import (
    CompositeClaim,
    CompositeDirectory,
    CompositePresentation,
    CompositeRequest,
    EscrowQuery,
    OpeningRecord,
    VerifiedComposite,
    open_composite_request,
    open_escrow,
    verify_escrow_opening,
)
from disclosure.composite.scalars import scalar
from disclosure.written import parse_value
from verifier import CompositeRecord, load_record, recheck_composite
from verifier.audit import audit_receipt, receipt_body
from wire.composite import composite_presentation_of
from wire.convert import signed_request_of
from wire.published import Reader
from zk.exits import CommandError, Exit
from zk.home import read_file, read_secret, write_private
from zkproto.v1 import presentation_pb2

_KEY_LABEL: Final = "zk-disclosure/regulator-secret/v1"
_OPENING_FORMAT: Final = "zk-disclosure/opening/v1"


def create_key(path: Path) -> EscrowKey:
    """Make a regulator's key and keep it in a file that only its owner reads."""
    key = EscrowKey.generate(PairingSuite(bbs.SHA_256))
    words = (_KEY_LABEL, str(bbs.SHA_256), key.to_octets_secret().hex())
    write_private(path, " ".join(words).encode() + b"\n")
    return key


def load_key(path: Path) -> tuple[EscrowKey, str]:
    """Return the key that `create_key` has kept, with its ciphersuite; CommandError USAGE."""
    try:
        label, suite, secret = read_secret(path).split(" ")
        if label != _KEY_LABEL:
            raise ValueError
        return EscrowKey.from_octets(PairingSuite(resolve(suite)), bytes.fromhex(secret)), suite
    except (ValueError, BbsError):
        raise CommandError(Exit.USAGE, "KEY_FILE_INVALID", "error.regulator_key_invalid", path=path) from None


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


def open_identity(key: EscrowKey, evidence: Evidence, escrow: EscrowQuery, reference: str) -> Opening:
    """Decrypt; raises as `open_escrow` does. Nobody is shown what it found before it stands on the ledger."""
    return open_escrow(key, evidence.claim, escrow.id, reference)


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


@dataclass(frozen=True)
class OpenedFile:
    """An opening that was recorded: what it found, why, and the proof that the ledger holds its record."""

    escrow: str
    reference: str
    opening: Opening = field(repr=False)
    proof: bytes = field(repr=False)

    @property
    def index(self) -> int:
        """The index of the record's entry in the log; tlog.MalformedError."""
        return tlog.ProofFile.parse(self.proof).index

    def to_bytes(self) -> bytes:
        """Return the file."""
        data = {
            "format": _OPENING_FORMAT,
            "escrow": self.escrow,
            "reference": self.reference,
            "identity": self.opening.identity.hex(),
            "decryption_proof": b64encode(self.opening.proof).decode(),
            "ledger_proof": b64encode(self.proof).decode(),
        }
        return json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"

    @classmethod
    def from_bytes(cls, octets: bytes) -> "OpenedFile":
        """Decode what `to_bytes` gives and nothing else; ValueError."""
        try:
            data: dict[str, Any] = json.loads(octets)
            opening = Opening(
                bytes.fromhex(data["identity"]), b64decode(data["decryption_proof"], validate=True)
            )
            proof = b64decode(data["ledger_proof"], validate=True)
            parsed = cls(data["escrow"], data["reference"], opening, proof)
            if parsed.to_bytes() == octets:
                return parsed
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        raise ValueError("the octets are no opening")

    def check(self, evidence: Evidence, log: tlog.Verifier) -> bytes:
        """Return the identity, 48 octets, if it is that of this presentation and the ledger holds the record.

        Raises as `verify_escrow_opening` does, and tlog.TlogError.
        """
        escrow = evidence.escrow(self.escrow)
        identity = verify_escrow_opening(self.opening, evidence.claim, self.escrow, self.reference)
        record = OpeningRecord.of(
            escrow.regulator, evidence.presentation.digest, self.escrow, self.reference, self.opening
        )
        tlog.ProofFile.parse(self.proof).verify(record.entry(), log)
        return identity
