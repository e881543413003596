"""Records of the composite form: an answered request with all that it takes to verify it years later.

Beside schemas and keys that is what the request names by digest and number: tables, lists, regulators and
epochs, each with the proof that its record stood on the ledger, and the keys that joint scopes are signed
with. It holds what the answered branch needs and no more. Who checks it brings the log's key; the rest is in
the file, which is written as the plain form's is, and kept as personal data are.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

import tlog
from bbs import BbsError
from disclosure import DisclosureError, Reason, RefusedError, SignedRequest, VerifierName, epoch_entry
from disclosure.composite import (
    CompositeDirectory,
    CompositePresentation,
    CompositeRequest,
    Regulator,
    VerifiedComposite,
    open_composite_request,
    table_entry,
    verify_composite,
)
from disclosure.composite.needed import Needed
from disclosure.composite.publication import regulator_entry
from disclosure.names import RegulatorName
from verifier import files
from verifier.audit import audit_receipt, receipt_body
from verifier.composite import record_file
from verifier.errors import RecordError
from verifier.record import VERIFIER_KEY_OCTETS

MAX_COMPOSITE_RECORD_OCTETS: Final = 16 << 20


class Ledger(Protocol):
    """Where the proofs of what is published come from: `wire.published.Reader`."""

    def proof(self, entry: bytes) -> bytes:
        """Return the proof that an entry stands on the ledger; KeyError."""
        ...

    def regulator(self, digest: bytes) -> Regulator:
        """Return a regulator by the digest of its key."""
        ...


@dataclass(frozen=True, eq=False)
class CompositeRecord:
    """An answered request. That it exists does not mean that it holds: `recheck_composite` tells.

    Two records are one if their files are: tables are not compared otherwise.

    `directory` holds exactly what the answered branch needs; `regulators` names its regulators by digest;
    `proofs` has, for each entry of the ledger that a table, a list, a regulator or an epoch has, the file
    that proves that it stands there. The keys' states, and the joint scopes' keys, are this record's own
    word. `verifier_key` signed the request; `log_key` is the log's verifier key as text. Raises RecordError.
    """

    signed_request: SignedRequest
    presentation: CompositePresentation
    receipt: bytes = field(repr=False)
    directory: CompositeDirectory = field(repr=False)
    regulators: Mapping[bytes, RegulatorName] = field(repr=False)
    proofs: Mapping[bytes, bytes] = field(repr=False)
    verifier_key: bytes
    log_key: str

    def __post_init__(self) -> None:
        for key in (self.verifier_key, *self.directory.verifiers.values()):
            if len(key) != VERIFIER_KEY_OCTETS:
                raise RecordError(f"a verifier's key has {VERIFIER_KEY_OCTETS} octets", field="verifier_key")
        try:
            tlog.Verifier.from_string(self.log_key)
        except tlog.TlogError as error:
            raise RecordError(error.detail, field="log_key") from None
        try:
            used = used_of(self.request, self.presentation, self.directory)
        except DisclosureError as error:
            raise RecordError(error.detail, field=error.field) from None
        if self.directory != used or set(self.regulators) != set(self.directory.regulators):
            raise RecordError("it holds other things than those that are used")
        if set(self.proofs) != set(ledger_entries(self.directory, self.regulators)):
            raise RecordError("not one proof for each entry of the ledger", field="proofs")

    @cached_property
    def request(self) -> CompositeRequest:
        """The request, not yet verified; MalformedError."""
        return CompositeRequest.from_bytes(self.signed_request.payload)

    @classmethod
    def of(
        cls,
        signed_request: SignedRequest,
        presentation: CompositePresentation,
        receipt: bytes,
        directory: CompositeDirectory,
        ledger: Ledger,
        verifier_key: bytes,
        log_verifier: tlog.Verifier,
    ) -> "CompositeRecord":
        """Make a record; of `directory`, which `ledger` has read, it keeps what is used.

        Raises RecordError; MalformedError, RefusedError (the answer is of another request, or the directory
        has not what it names); KeyError (the ledger was not read for it).
        """
        request = CompositeRequest.from_bytes(signed_request.payload)
        kept = used_of(request, presentation, directory)
        regulators = {each: ledger.regulator(each).name for each in kept.regulators}
        return cls(
            signed_request,
            presentation,
            receipt,
            kept,
            regulators,
            {each: ledger.proof(each) for each in ledger_entries(kept, regulators)},
            verifier_key,
            str(log_verifier),
        )

    def to_bytes(self) -> bytes:
        """Return the file; RecordError if it is too large, or holds a value that is none of its attribute."""
        try:
            written = record_file.encode(self)
        except DisclosureError as error:
            raise RecordError(error.detail, field=error.field) from None
        if len(written) > MAX_COMPOSITE_RECORD_OCTETS:
            raise RecordError(f"a record has at most {MAX_COMPOSITE_RECORD_OCTETS} octets")
        return written

    @classmethod
    def from_bytes(cls, written: bytes) -> "CompositeRecord":
        """Decode what `to_bytes` gives, and nothing else; RecordError."""
        if len(written) > MAX_COMPOSITE_RECORD_OCTETS:
            raise RecordError(f"a record has at most {MAX_COMPOSITE_RECORD_OCTETS} octets")
        try:
            record = cls(**record_file.decode(written))
            if record.to_bytes() != written:
                raise RecordError("the file is not written as records are")
        except (DisclosureError, BbsError) as error:
            raise RecordError(error.detail, field=getattr(error, "field", "")) from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise RecordError(f"the file is no {record_file.FORMAT}") from None
        return record

    def save(self, path: Path) -> None:
        """Write the file with mode 0600, whole or not at all, durable on return; OSError, RecordError."""
        files.replace(path, self.to_bytes())

    @classmethod
    def load(cls, path: Path) -> "CompositeRecord":
        """Read a file; OSError, RecordError."""
        try:
            written = files.read(path, MAX_COMPOSITE_RECORD_OCTETS)
        except ValueError as error:
            raise RecordError(str(error)) from None
        return cls.from_bytes(written)


def used_of(
    request: CompositeRequest, presentation: CompositePresentation, directory: CompositeDirectory
) -> CompositeDirectory:
    """Return what of a directory an answer is verified with, as of when it was given.

    Of each accumulator that is the epochs that the answer proves, and where these are older than what another
    credential would need, the latest. Raises MalformedError (no such branch), RefusedError (something that
    is named is not there).
    """
    _, branch = request.branch(presentation.answer.branch)
    needed = Needed.of(request, [branch])
    proven = [each.epoch for each in presentation.answer.credentials if each.epoch is not None]
    accumulators = {}
    for key in needed.accumulators:
        whole = directory.accumulator(key, field="accumulators")
        oldest = max(number for each, number in needed.epochs if each == key)
        numbers = {each.number for each in proven if each.accumulator == key}
        if not numbers or max(numbers) < oldest:
            numbers.add(whole.latest.number)
        kept = {number: directory.epoch(key, number, field="accumulators") for number in sorted(numbers)}
        accumulators[key] = replace(whole, epochs=kept)
    return CompositeDirectory(
        {name: directory.schema(name) for name in needed.schemas},
        {name: directory.issuer_key(name) for name in needed.keys},
        {name: directory.digits[name] for name in needed.tables if name in directory.digits},
        {
            name: directory.code_list(name, field="tables")
            for name in needed.tables
            if name not in directory.digits
        },
        accumulators,
        {name: directory.regulator(name, field="regulators") for name in needed.regulators},
        {name: directory.verifier_key(name) for name in Needed.of(request).verifiers},
    )


def ledger_entries(
    directory: CompositeDirectory, regulators: Mapping[bytes, RegulatorName]
) -> Iterator[bytes]:
    """Give the ledger's entries of all that must stand on it."""
    yield from map(table_entry, directory.digits.values())
    yield from map(table_entry, directory.code_lists.values())
    for digest, key in directory.regulators.items():
        yield regulator_entry(regulators[digest], key)
    for accumulator in directory.accumulators.values():
        yield from map(epoch_entry, accumulator.epochs.values())


@dataclass(frozen=True)
class CompositeRechecked:
    """A record that holds: what was proven, when the service verified it, and where its receipt stands.

    `log_key` is the key that signed the checkpoints; `pinned` tells whether the caller brought it, or the
    record did, which shows only that the record fits together.
    """

    verified: VerifiedComposite
    verify_time: dt.datetime
    index: int
    checkpoint: tlog.Checkpoint
    log_key: str
    pinned: bool


def recheck_composite(record: CompositeRecord, *, log_verifier: tlog.Verifier | None) -> CompositeRechecked:
    """Verify everything in a record offline, as of the moment that its receipt states.

    Raises RefusedError, MalformedError (request and scopes' signatures, presentation, receipt's body),
    tlog.TlogError (the log's key and signatures, the place of the receipt, or of anything published).
    """
    log = log_verifier or tlog.Verifier.from_string(record.log_key)
    request = open_composite_request(record.signed_request, lambda name: _key_of(record, name))
    receipt = audit_receipt(record.receipt, request, record.presentation, log)
    for entry, proof in record.proofs.items():
        tlog.ProofFile.parse(proof).verify(entry, log)
    moment = receipt_body(receipt).verified
    return CompositeRechecked(
        verified=verify_composite(request, record.presentation, record.directory, moment),
        verify_time=moment,
        index=receipt.index,
        checkpoint=receipt.checkpoint,
        log_key=str(log),
        pinned=log_verifier is not None,
    )


def _key_of(record: CompositeRecord, name: VerifierName) -> bytes:
    """Return a verifier's key; the asking one has one only, as a member of a scope too."""
    if name == record.request.verifier:
        if record.directory.verifiers.get(name, record.verifier_key) != record.verifier_key:
            detail = "the verifier signs a scope with another key than its requests"
            raise RefusedError(Reason.REQUEST_SIGNATURE_INVALID, detail, field="verifier_key")
        return record.verifier_key
    return record.directory.verifier_key(name)
