"""Records of the composite form: an answered request with all that it takes to verify it years later.

That is all that the request names: schemas, keys, accumulators and epochs, tables, lists, regulators, the
registered policy that it was asked by, the verifier's own registration, and the keys that joint scopes are
signed with, each with the proof that its record stood on the ledger. It holds what the answered branch needs
and no more. Who checks it brings the log's key; the rest is in the file, which is written as the plain form's
is, and kept as personal data are. So an auditor sees years later who asked, for which purpose and on which
ground, that it asked no more than it was allowed, and what was proven, from this one file.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import starmap
from pathlib import Path
from typing import Final, Protocol

import tlog
from bbs import BbsError
from disclosure import (
    DisclosureError,
    PolicyName,
    SignedRequest,
    VerifierName,
    epoch_entry,
)
from disclosure.allowance import policy_of
from disclosure.composite import (
    CompositeDirectory,
    CompositePresentation,
    CompositeRequest,
    Regulator,
    RegulatorKey,
    table_entry,
)
from disclosure.composite.needed import Needed
from disclosure.policy import RegisteredPolicy
from disclosure.registry import issuer_key_entry, schema_entry, verifier_entry
from verifier import files
from verifier.composite import record_file
from verifier.composite.record_file import accumulator_entry
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

    def policy(self, name: PolicyName) -> RegisteredPolicy:
        """Return a registered policy."""
        ...

    def verifier_key(self, name: VerifierName) -> bytes:
        """Return a verifier's registered key."""
        ...


@dataclass(frozen=True, eq=False)
class CompositeRecord:
    """An answered request. That it exists does not mean that it holds: `recheck_composite` tells.

    Two records are one if their files are: tables are not compared otherwise.

    `directory` holds exactly what the answered branch needs; `regulators` names its regulators by digest;
    `policy` is the one that the request names. `proofs` has, for each entry of the ledger that any of these
    has, the file that proves that it stands there. The issuer keys' states are this record's own word.
    `verifier_key` signed the request, and is the one that its verifier has registered; `log_key` is the log's
    verifier key as text. `counterparts` are the records of the answers whose numbers the answered branch
    counts, in the order of their requests' digests: without them nobody can say of what the sum is. Raises
    RecordError.
    """

    signed_request: SignedRequest
    presentation: CompositePresentation
    receipt: bytes = field(repr=False)
    directory: CompositeDirectory = field(repr=False)
    regulators: Mapping[bytes, Regulator] = field(repr=False)
    policy: RegisteredPolicy
    proofs: Mapping[bytes, bytes] = field(repr=False)
    verifier_key: bytes
    log_key: str
    counterparts: tuple["CompositeRecord", ...] = field(default=(), repr=False)

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
        if self.directory != used or self._keys_of_regulators != self.directory.regulators:
            raise RecordError("it holds other things than those that are used")
        if self.policy.name != self.request.policy:
            raise RecordError("the request was asked by another policy", field="policy")
        if set(self.proofs) != {*ledger_entries(self.directory, self.regulators), *self._asking}:
            raise RecordError("not one proof for each entry of the ledger", field="proofs")
        self._check_counterparts()

    @property
    def _keys_of_regulators(self) -> dict[bytes, RegulatorKey]:
        return {digest: each.key for digest, each in self.regulators.items()}

    @property
    def _asking(self) -> tuple[bytes, bytes]:
        """The ledger's entries of who asked, and by which policy."""
        return verifier_entry(self.request.verifier, self.verifier_key), self.policy.entry()

    def _check_counterparts(self) -> None:
        """Raise RecordError unless it has the records of the numbers it counts, which stand by themselves."""
        _, branch = self.request.branch(self.presentation.answer.branch)
        wanted = sorted({each.number.request for each in branch.foreign})
        if [each.request.digest for each in self.counterparts] != wanted:
            detail = "not one record for each answer whose numbers it counts"
            raise RecordError(detail, field="counterparts")
        for each in self.counterparts:
            if each.counterparts or each.verifier_key != self.verifier_key:
                detail = "such an answer is of the same verifier, and counts no numbers of others itself"
                raise RecordError(detail, field="counterparts")

    @cached_property
    def request(self) -> CompositeRequest:
        """The request, not yet verified; MalformedError."""
        return CompositeRequest.from_bytes(self.signed_request.payload)

    @property
    def demands(self) -> frozenset[tlog.ReceiptState]:
        """What its receipt has to be by the policy that it names, and by those of the answers it counts."""
        return self.policy.demands.union(*(each.demands for each in self.counterparts))

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
        counterparts: Iterable["CompositeRecord"] = (),
    ) -> "CompositeRecord":
        """Make a record; of `directory`, which `ledger` has read, and of `counterparts` it keeps the used.

        Policy and registration are read here, if `ledger` has not read them yet. Raises RecordError;
        MalformedError, RefusedError (the answer is of another request, names no policy, or the directory has
        not what it names); KeyError (the ledger was not read for it); else what `ledger` raises.
        """
        request = CompositeRequest.from_bytes(signed_request.payload)
        kept = used_of(request, presentation, directory)
        regulators = {each: ledger.regulator(each) for each in kept.regulators}
        policy = ledger.policy(policy_of(request))
        if ledger.verifier_key(request.verifier) != verifier_key:
            raise RecordError("the verifier has registered another key", field="verifier_key")
        asking = (verifier_entry(request.verifier, verifier_key), policy.entry())
        _, branch = request.branch(presentation.answer.branch)
        used = {each.number.request for each in branch.foreign}
        return cls(
            signed_request,
            presentation,
            receipt,
            kept,
            regulators,
            policy,
            {each: ledger.proof(each) for each in (*ledger_entries(kept, regulators), *asking)},
            verifier_key,
            str(log_verifier),
            tuple(sorted((each for each in counterparts if each.request.digest in used), key=_digest)),
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
            fields = record_file.decode(written)
            parts = tuple(map(cls.from_bytes, fields.pop("counterparts")))
            record = cls(**fields, counterparts=parts)
            if record.to_bytes() != written:
                raise RecordError("the file is not written as records are")
        except (DisclosureError, BbsError) as error:
            raise RecordError(error.detail, field=getattr(error, "field", "")) from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise RecordError(f"the file is no {record_file.FORMAT}") from None
        return record

    def save(self, path: Path) -> None:
        """Write the file with mode 0600, whole or not at all, durable on return.

        What else stands there is not replaced. Raises FileExistsError, OSError, RecordError.
        """
        files.place(path, self.to_bytes())

    @classmethod
    def load(cls, path: Path) -> "CompositeRecord":
        """Read a file; OSError, RecordError."""
        try:
            written = files.read(path, MAX_COMPOSITE_RECORD_OCTETS)
        except ValueError as error:
            raise RecordError(str(error)) from None
        return cls.from_bytes(written)


def _digest(record: CompositeRecord) -> bytes:
    return record.request.digest


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


def ledger_entries(directory: CompositeDirectory, regulators: Mapping[bytes, Regulator]) -> Iterator[bytes]:
    """Give the ledger's entries of all that must stand on it."""
    yield from map(schema_entry, directory.schemas.values())
    yield from map(issuer_key_entry, directory.issuer_keys.values())
    yield from starmap(verifier_entry, directory.verifiers.items())
    yield from map(table_entry, directory.digits.values())
    yield from map(table_entry, directory.code_lists.values())
    for digest in directory.regulators:
        yield regulators[digest].entry()
    for accumulator in directory.accumulators.values():
        yield accumulator_entry(accumulator)
        yield from map(epoch_entry, accumulator.epochs.values())


def proof_files(record: CompositeRecord) -> Iterator[tuple[bytes, bytes]]:
    """Give each proof file of a record, its counterparts' too, with the hash of the leaf that it proves."""
    yield record.receipt, tlog.receipt_leaf(record.receipt)[1]
    for entry, proof in record.proofs.items():
        yield proof, tlog.leaf_hash(entry)
    for each in record.counterparts:
        yield from proof_files(each)
