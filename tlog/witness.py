"""What a witness answers to add-checkpoint (c2sp.org/tlog-witness), as a pure decision.

State rules, which are the caller's to keep: for one origin, reading the stored checkpoint, deciding and
storing `new_state` are one atomic step, and `new_state` is durable before a cosignature leaves the process.
Otherwise two requests at once could roll the record back and the witness would vouch for a fork.

The same size with another root gets 409 with the size, and an unknown origin 404, as the specification says;
implementations have been seen to answer 422 and 403. A checkpoint of size 0 that has not the root of the
empty tree gets 422.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tlog.checkpoint import Checkpoint, checkpoint_of
from tlog.cosignature import cosign
from tlog.encoding import check_bytes, check_count, decoding, from_base64, from_decimal, from_utf8, to_base64
from tlog.errors import InputError, MalformedError, Reason, VerificationError
from tlog.keys import CosignatureSigner, Verifier
from tlog.merkle import EMPTY_ROOT, HASH_OCTETS, verify_consistency
from tlog.note import MAX_NOTE_OCTETS, open_note, text_unverified

MAX_PROOF_HASHES = 63
MAX_REQUEST_OCTETS = MAX_NOTE_OCTETS + 4096

SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"

KnownLogs = Mapping[str, Sequence[Verifier]]
"""The keys of each known log by its origin: two while it changes its key, and either signs for it."""
Stored = Callable[[str], Checkpoint | None]
"""Given an origin, returns the latest checkpoint cosigned for it. Called at most once a decision."""


@dataclass(frozen=True)
class AddCheckpoint:
    """A request: the size to start from, the consistency proof from there, the log's signed checkpoint."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    def __post_init__(self) -> None:
        check_count(self.old_size, "the old size")
        check_count(len(self.proof), "the length of the proof", 0, MAX_PROOF_HASHES + 1)
        for value in self.proof:
            check_bytes(value, "a hash of the proof", HASH_OCTETS)
        check_bytes(self.note, "the checkpoint")

    @classmethod
    def parse(cls, body: bytes) -> "AddCheckpoint":
        """Decode a request body; MalformedError REQUEST_MALFORMED."""
        head, gap, note = body.partition(b"\n\n")
        if not gap or len(body) > MAX_REQUEST_OCTETS:
            raise MalformedError(Reason.REQUEST_MALFORMED, "no empty line, or the request is too long")
        with decoding(Reason.REQUEST_MALFORMED):
            old, *proof = from_utf8(head, "the request").split("\n")
            if not old.startswith("old "):
                raise InputError(Reason.INVALID_TEXT, "the first line is not the old size")
            hashes = tuple(from_base64(line, "a hash of the proof", HASH_OCTETS) for line in proof)
            return cls(from_decimal(old[4:], "the old size"), hashes, note)

    def to_bytes(self) -> bytes:
        """Encode the request body, as a log sends it."""
        lines = [f"old {self.old_size}", *map(to_base64, self.proof)]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + self.note

    @property
    def origin(self) -> str:
        """The origin that the checkpoint claims, unverified.

        Raises MalformedError NOTE_MALFORMED, CHECKPOINT_MALFORMED.
        """
        return Checkpoint.parse(text_unverified(self.note)).origin


@dataclass(frozen=True)
class Decision:
    """The status and body to answer with, and the checkpoint to store first.

    With 200 `new_state` is set and the body is empty: once it is stored, `cosigned` makes the body.
    """

    status: int
    body: bytes
    new_state: Checkpoint | None = None
    note: bytes = b""

    @property
    def content_type(self) -> str:
        """The media type of the body."""
        return SIZE_TYPE if self.status == 409 else TEXT_TYPE

    def cosigned(self, time: int, *signers: CosignatureSigner) -> bytes:
        """Return the body of a 200 answer: a line by each key. Only after `new_state` is durable.

        Raises InputError STATE_MISMATCH if the request was refused.
        """
        if self.new_state is None:
            raise InputError(Reason.STATE_MISMATCH, "a checkpoint that was refused is not cosigned")
        return b"".join(cosign(self.note, signer, time) for signer in signers)


class _RefusedError(Exception):
    """Carries the answer to a request that is refused."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.decision = Decision(status, f"{detail}\n".encode())


def decide(request_body: bytes, *, known_logs: KnownLogs, stored: Stored) -> Decision:
    """Decide on a request, given the logs by origin and what is stored; never raises on what was sent."""
    try:
        return _decide(request_body, known_logs, stored)
    except _RefusedError as refused:
        return refused.decision


def _decide(request_body: bytes, known_logs: KnownLogs, stored: Stored) -> Decision:
    request, checkpoint = _open(request_body, known_logs)
    if request.old_size > checkpoint.size:
        raise _RefusedError(400, "the old size is greater than that of the checkpoint")
    known = stored(checkpoint.origin)
    if request.old_size != (known.size if known else 0):
        # The body is the size alone, and the only thing that a log may learn from a refusal.
        raise _RefusedError(409, str(known.size if known else 0))
    if known and checkpoint.size == known.size and checkpoint.root != known.root and not request.proof:
        raise _RefusedError(409, str(known.size))
    _check_extends(request, checkpoint, known)
    return Decision(200, b"", checkpoint, request.note)


def _open(request_body: bytes, known_logs: KnownLogs) -> tuple[AddCheckpoint, Checkpoint]:
    try:
        request = AddCheckpoint.parse(request_body)
        log = known_logs.get(request.origin, ())
    except MalformedError as error:
        raise _RefusedError(400, str(error)) from error
    if not log:
        raise _RefusedError(404, "unknown log")
    try:
        opened = open_note(request.note, log)
        return request, checkpoint_of(opened, opened.verified[0])
    except (MalformedError, VerificationError) as error:
        # What is left to be malformed is the signature lines, and a signature that nobody can read is bad.
        raise _RefusedError(403, f"invalid signature: {error.detail}") from error


def _check_extends(request: AddCheckpoint, checkpoint: Checkpoint, known: Checkpoint | None) -> None:
    if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise _RefusedError(422, "the root is not that of the empty tree")
    if known is None or known.size == 0:
        if request.proof:
            raise _RefusedError(422, "the consistency proof from size 0 is not empty")
        return
    try:
        verify_consistency(known.size, checkpoint.size, request.proof, known.root, checkpoint.root)
    except VerificationError as error:
        raise _RefusedError(422, f"the consistency proof does not hold: {error.detail}") from error
