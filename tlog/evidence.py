"""Evidence: what convinces a third party, offline, of a fault of a log or a witness.

A file holds what the accused have signed and the proofs that bind it together, and nothing that is merely
said. So it needs no trust in whoever made it, and everything in it is verified: a signature, a proof or a key
that the fault does not need refuses the file.

What is proven, kind by kind:

* SPLIT_VIEW: one key of a log signed two trees. Of one size they have other roots. Of sizes m < n a proof of
  consistency from *another* root at m verifies up to the root at n: every hash of such a proof is pinned by
  the root at n, so the larger tree begins otherwise than the smaller one was signed. A tree of no leaves
  begins every tree and proves nothing here.
* DOUBLE_COSIGNED: the same of a witness's cosignatures, whoever signed beneath.
* ROLLED_BACK: a witness stated a smaller tree as the latest at a later time than a larger one. Its record
  went back, or its clock did. Of a log nothing like it can be proven: anybody may show an old checkpoint
  again, and a log that goes on otherwise than before has a split view.
* BROKEN_CHAIN: an entry that is proven to stand in a signed tree, where no honest ledger of these formats has
  one like it: see `Fault`.
* LATE: witnesses stated a tree without a block as the latest, after the time in the block's header. It
  convicts nobody: between an honest log and an honest witness the network may have failed.
* OBSERVATION: a monitor's own signed word (see `observation`).

Where a log has changed its key and each of two trees is signed by another one, the signatures alone do not
show that the keys are one log's: anybody can make a key of any name. The reader's own list has to say so.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from tlog import bounded_json
from tlog.encoding import check_bytes, check_count, from_base64, to_base64
from tlog.errors import InputError, MalformedError, Reason
from tlog.finding import Finding, Kind
from tlog.judging import MAX_PROOF_HASHES, Beginning, Included, Parts, judge
from tlog.keys import Verifier
from tlog.merkle import HASH_OCTETS
from tlog.note import MAX_NOTE_OCTETS

FORMAT: Final = "zk-disclosure/evidence/v1"
MAX_EVIDENCE_OCTETS: Final = 5 << 20
"""Two notes of the greatest length fit as JSON strings: no checkpoint is too long to be evidence."""
MAX_KEYS: Final = 64
MAX_PARTS: Final = 2

_FIELDS: Final = ("format", "kind", "keys", "notes", "entries", "beginning")


@dataclass(frozen=True)
class Evidence:
    """The parts of a file, not yet verified: the keys that signed, their notes, entries, a beginning.

    The constructor raises InputError INVALID_TYPE, INVALID_LENGTH, OUT_OF_RANGE, KEY_AMBIGUOUS (a public key
    twice: one party under two names).
    """

    kind: Kind
    keys: tuple[Verifier, ...]
    notes: tuple[bytes, ...]
    entries: tuple[Included, ...] = ()
    beginning: Beginning | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.kind, Kind):
            raise InputError(Reason.INVALID_TYPE, "evidence of an unknown kind")
        check_count(len(self.keys), "the number of keys", 1, MAX_KEYS + 1)
        if len({each.public_key for each in self.keys}) != len(self.keys):
            raise InputError(Reason.KEY_AMBIGUOUS, "two keys of the evidence are one public key")
        if list(self.keys) != sorted(self.keys, key=str):
            raise InputError(Reason.INVALID_TEXT, "the keys are not in their order")
        check_count(len(self.notes), "the number of notes", 1, MAX_PARTS + 1)
        check_count(len(self.entries), "the number of entries", 0, MAX_PARTS + 1)
        for note in self.notes:
            if len(check_bytes(note, "a note")) > MAX_NOTE_OCTETS:
                raise InputError(Reason.INVALID_LENGTH, f"a note has at most {MAX_NOTE_OCTETS} octets")

    def to_bytes(self) -> bytes:
        """Encode the file, in its one encoding."""
        document = {
            "format": FORMAT,
            "kind": self.kind.value,
            "keys": list(map(str, self.keys)),
            "notes": [_text(each) for each in self.notes],
            "entries": [
                {
                    "index": each.index,
                    "entry": to_base64(each.entry),
                    "proof": list(map(to_base64, each.proof)),
                }
                for each in self.entries
            ],
            "beginning": self.beginning
            and {
                "root": to_base64(self.beginning.root),
                "proof": list(map(to_base64, self.beginning.proof)),
            },
        }
        return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> "Evidence":
        """Decode a file; MalformedError EVIDENCE_MALFORMED, KEY_MALFORMED, KEY_UNSUPPORTED."""
        if len(check_bytes(data, "the evidence")) > MAX_EVIDENCE_OCTETS:
            raise MalformedError(Reason.EVIDENCE_MALFORMED, "the file is too long")
        try:
            found = _decode(bounded_json.loads(data))
            octets = found.to_bytes()
        except (InputError, ValueError) as error:
            detail = error.detail if isinstance(error, InputError) else "no JSON in UTF-8"
            raise MalformedError(Reason.EVIDENCE_MALFORMED, detail) from error
        if octets != data:
            raise MalformedError(Reason.EVIDENCE_MALFORMED, "not the one encoding of its evidence")
        return found

    def verify(self, known: Collection[Verifier] = ()) -> Finding:
        """Verify everything in it and return what it shows.

        `known` are keys that the reader knows to be a log's; they are looked at where a log has changed its
        key, and nowhere else. Raises MalformedError NOTE_MALFORMED, CHECKPOINT_MALFORMED, EVIDENCE_MALFORMED
        (parts that this kind does not have), OBSERVATION_MALFORMED; VerificationError NOTE_UNSIGNED,
        NOTE_SIGNATURE_INVALID, ORIGIN_UNKNOWN, CONSISTENCY_INVALID, INCLUSION_INVALID, EVIDENCE_INVALID
        (nothing that an honest party could not have signed), KEYS_UNRELATED.
        """
        return judge(self.kind, Parts(self.keys, self.notes, self.entries, self.beginning), known)


def _decode(document: Any) -> Evidence:
    """Make evidence of a JSON document; InputError, MalformedError KEY_MALFORMED, KEY_UNSUPPORTED."""
    fields = _object(document, _FIELDS)
    if fields["format"] != FORMAT:
        raise InputError(Reason.INVALID_TEXT, f"the format is not {FORMAT}")
    kind, beginning = fields["kind"], fields["beginning"]
    if not isinstance(kind, str) or kind not in Kind.__members__:
        raise InputError(Reason.INVALID_TEXT, "evidence of an unknown kind")
    return Evidence(
        Kind(kind),
        tuple(Verifier.from_string(_string(each)) for each in _list(fields["keys"], MAX_KEYS)),
        tuple(_string(each).encode() for each in _list(fields["notes"], MAX_PARTS)),
        tuple(_included(each) for each in _list(fields["entries"], MAX_PARTS)),
        None if beginning is None else _beginning(beginning),
    )


def _included(document: Any) -> Included:
    fields = _object(document, ("index", "entry", "proof"))
    entry = from_base64(_string(fields["entry"]), "the entry")
    return Included(check_count(fields["index"], "the index"), entry, _proof(fields["proof"]))


def _beginning(document: Any) -> Beginning:
    fields = _object(document, ("root", "proof"))
    return Beginning(from_base64(_string(fields["root"]), "the root", HASH_OCTETS), _proof(fields["proof"]))


def _proof(document: Any) -> tuple[bytes, ...]:
    hashes = _list(document, MAX_PROOF_HASHES)
    return tuple(from_base64(_string(each), "a hash of a proof", HASH_OCTETS) for each in hashes)


def _object(value: Any, names: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict) or tuple(value) != names:
        raise InputError(Reason.INVALID_TEXT, "other fields than these, or in another order")
    return value


def _list(value: Any, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise InputError(Reason.INVALID_LENGTH, f"a list of at most {most} items is missing")
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise InputError(Reason.INVALID_TYPE, "a value is not a string")
    return value


def _text(note: bytes) -> str:
    try:
        return note.decode()
    except UnicodeDecodeError as error:
        raise InputError(Reason.INVALID_TEXT, "a note is not UTF-8") from error
