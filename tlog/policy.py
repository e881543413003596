"""Whose signatures make a checkpoint count (c2sp.org/tlog-policy).

A policy names logs, witnesses, groups of witnesses and groups, and the quorum: the witness or group that has
to have cosigned. A checkpoint counts when one of the logs signed it and the quorum is reached; "anchored" is
said of nothing else.

Each name is a member of one group at most and the groups have no cycle, so that a witness counts in one way.
Two keys that are one public key would let one party be counted twice, whatever names they stand under: such a
policy is refused. So are two keys of one key name, which are one witness that is changing its key or its kind
of key, unless it counts once: where several of them count, a group of which any one is enough has them all
(`group b any b-old b-new`). An ML-DSA-44 cosignature of time 0 counts like every other: its witness has
signed nothing that does not go together with the checkpoint, which is what a quorum is for. Several log lines
of one origin are the keys of one log that is changing its key: one of them is enough.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tlog.checkpoint import Checkpoint, check_log_key
from tlog.cosignature import Cosignature, check_witness, latest
from tlog.encoding import check_bytes, decoding
from tlog.errors import InputError, MalformedError, Reason, VerificationError
from tlog.keys import Verifier
from tlog.note import open_note

MAX_POLICY_OCTETS: Final = 1 << 20
MAX_LINES: Final = 256
"""So many logs, so many witnesses and so many groups at most."""
NONE: Final = "none"

_ALLOWED: Final = re.compile(rb"[\x09\x0a\x20-\x7e\x80-\xff]*")
_THRESHOLD: Final = re.compile(r"[1-9][0-9]{0,3}")
_BLANK: Final = " \t"


@dataclass(frozen=True)
class LogLine:
    """A log that is accepted: its key, named as its origin, and where it is served."""

    verifier: Verifier
    url: str | None = None

    def __post_init__(self) -> None:
        check_log_key(self.verifier)
        _check_url(self.url)

    def __str__(self) -> str:
        return " ".join(("log", str(self.verifier), *_optional(self.url)))


@dataclass(frozen=True)
class WitnessLine:
    """A witness under the name that groups know it by, and where it is asked."""

    name: str
    verifier: Verifier
    url: str | None = None

    def __post_init__(self) -> None:
        _check_name(self.name)
        check_witness(self.verifier)
        _check_url(self.url)

    def __str__(self) -> str:
        return " ".join(("witness", self.name, str(self.verifier), *_optional(self.url)))


@dataclass(frozen=True)
class GroupLine:
    """A group: it has witnessed a checkpoint when `threshold` of its members have."""

    name: str
    threshold: int
    members: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_name(self.name)
        if type(self.threshold) is not int or not 1 <= self.threshold <= len(self.members):
            raise InputError(Reason.OUT_OF_RANGE, f"of {len(self.members)} members no other number can count")

    def __str__(self) -> str:
        return " ".join(("group", self.name, str(self.threshold), *self.members))


@dataclass(frozen=True)
class Policy:
    """Logs, witnesses, groups in the order in which they build on each other, and the quorum: a name or
    `none`.

    The constructor raises InputError INVALID_NAME (an unknown, doubled or twice used name), KEY_AMBIGUOUS (a
    public key that stands twice), OUT_OF_RANGE, KEY_MISMATCH (a cosigner's key as a log's or the reverse).
    """

    logs: tuple[LogLine, ...] = ()
    witnesses: tuple[WitnessLine, ...] = ()
    groups: tuple[GroupLine, ...] = ()
    quorum: str = NONE

    def __post_init__(self) -> None:
        if max(len(self.logs), len(self.witnesses), len(self.groups)) > MAX_LINES:
            raise InputError(Reason.OUT_OF_RANGE, f"a policy has at most {MAX_LINES} lines of a kind")
        verifiers = [each.verifier for each in self.logs] + [each.verifier for each in self.witnesses]
        if len({each.public_key for each in verifiers}) != len(verifiers):
            raise InputError(Reason.KEY_AMBIGUOUS, "two lines of the policy share a public key")
        if len({(each.name, each.key_id) for each in verifiers}) != len(verifiers):
            raise InputError(
                Reason.KEY_AMBIGUOUS, "two keys of the policy share name and id: a note cannot tell"
            )
        known = {each.name for each in self.witnesses}
        if len(known) != len(self.witnesses):
            raise InputError(Reason.INVALID_NAME, "two witnesses have one name")
        self._check_groups(known)

    def _check_groups(self, known: set[str]) -> None:
        used = set[str]()
        for group in self.groups:
            for member in group.members:
                if member not in known or member in used:
                    raise InputError(Reason.INVALID_NAME, f"{member} is not defined above, or counts already")
                used.add(member)
            if group.name in known:
                raise InputError(Reason.INVALID_NAME, f"{group.name} is defined twice")
            known.add(group.name)
        if self.quorum != NONE and self.quorum not in known:
            raise InputError(Reason.INVALID_NAME, f"the quorum {self.quorum} is not defined above")
        self._check_counted_once()

    def _check_counted_once(self) -> None:
        group_of = {member: group for group in self.groups for member in group.members}
        counting: dict[str, set[GroupLine]] = {}
        for witness in self.witnesses:
            group = group_of.get(witness.name)
            if group is None:
                continue
            if (groups := counting.setdefault(witness.verifier.name, set())) and (
                group not in groups or group.threshold > 1
            ):
                detail = (
                    f"{witness.verifier.name} would count more than once: put its keys into a group of any"
                )
                raise InputError(Reason.KEY_AMBIGUOUS, detail)
            groups.add(group)

    @classmethod
    def of_log(cls, verifier: Verifier) -> "Policy":
        """Return the policy that believes a log alone."""
        return cls((LogLine(verifier),))

    @classmethod
    def parse(cls, data: bytes) -> "Policy":
        """Decode a policy file; MalformedError POLICY_MALFORMED, KEY_MALFORMED, KEY_UNSUPPORTED."""
        if len(check_bytes(data, "a policy")) > MAX_POLICY_OCTETS or not _ALLOWED.fullmatch(data):
            raise MalformedError(Reason.POLICY_MALFORMED, "the file is too long or has a control character")
        if data and not data.endswith(b"\n"):
            raise MalformedError(Reason.POLICY_MALFORMED, "the last line does not end")
        with decoding(Reason.POLICY_MALFORMED):
            return _Reading().read(data)

    def to_bytes(self) -> bytes:
        """Encode the file, each line in its shortest form."""
        lines = (*self.logs, *self.witnesses, *self.groups, f"quorum {self.quorum}")
        return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")

    def logs_of(self, origin: str) -> tuple[Verifier, ...]:
        """Return the keys of a log, none if it is unknown."""
        return tuple(each.verifier for each in self.logs if each.verifier.name == origin)

    def satisfied(self, cosigned: Collection[Verifier]) -> bool:
        """Tell whether these witnesses' cosignatures reach the quorum."""
        if self.quorum == NONE:
            return True
        reached = {each.name for each in self.witnesses if each.verifier in cosigned}
        for group in self.groups:
            if sum(member in reached for member in group.members) >= group.threshold:
                reached.add(group.name)
        return self.quorum in reached

    @property
    def demands_witnesses(self) -> bool:
        """Whether the quorum needs anybody beside the log."""
        return self.quorum != NONE


def open_by_policy(note: bytes, policy: Policy) -> tuple[Checkpoint, tuple[Cosignature, ...]]:
    """Verify a checkpoint that one of the policy's logs signed and its quorum cosigned.

    All known witnesses that cosigned are returned, those outside the quorum too, each with its latest time.
    Raises MalformedError NOTE_MALFORMED, CHECKPOINT_MALFORMED; VerificationError NOTE_UNSIGNED,
    NOTE_SIGNATURE_INVALID, ORIGIN_UNKNOWN, QUORUM_MISSING; InputError KEY_AMBIGUOUS (two keys of one name and
    id).
    """
    checkpoint, cosignatures = open_pending(note, policy)
    if not policy.satisfied([each.witness for each in cosignatures]):
        raise VerificationError(
            Reason.QUORUM_MISSING, f"{len(cosignatures)} known witnesses cosigned: the quorum is not reached"
        )
    return checkpoint, cosignatures


def open_pending(note: bytes, policy: Policy) -> tuple[Checkpoint, tuple[Cosignature, ...]]:
    """Verify a checkpoint as `open_by_policy` does, without demanding the quorum."""
    logs = [each.verifier for each in policy.logs]
    opened = open_note(note, [*logs, *(each.verifier for each in policy.witnesses)])
    signed = [each for each in logs if each in opened.verified]
    if not signed:
        raise VerificationError(Reason.NOTE_UNSIGNED, "no log of the policy signed the checkpoint")
    checkpoint = Checkpoint.parse(opened.text)
    if checkpoint.origin not in {each.name for each in signed}:
        raise VerificationError(Reason.ORIGIN_UNKNOWN, "the checkpoint's origin is not that of who signed it")
    cosignatures = tuple(
        Cosignature(each.verifier, latest(opened, each.verifier))
        for each in policy.witnesses
        if each.verifier in opened.verified
    )
    return checkpoint, cosignatures


class _Reading:
    """A policy file as its lines so far make it."""

    def __init__(self) -> None:
        self._logs: list[LogLine] = []
        self._witnesses: list[WitnessLine] = []
        self._groups: list[GroupLine] = []
        self._names: set[str] = set()
        self._quorum: str | None = None

    def read(self, data: bytes) -> Policy:
        for items in _lines(data):
            self._line(*items)
        if self._quorum is None:
            raise InputError(Reason.INVALID_TEXT, "there is no line that says the quorum")
        return Policy(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorum)

    def _line(self, kind: str, *items: str) -> None:
        match kind, len(items):
            case "log", 1 | 2:
                self._logs.append(LogLine(_key(items[0]), *items[1:]))
            case "witness", 2 | 3:
                self._witnesses.append(WitnessLine(items[0], _key(items[1]), *items[2:]))
                self._name(items[0])
            case "group", count if count > 2:
                self._groups.append(GroupLine(items[0], _threshold(items[1], count - 2), items[2:]))
                for member in items[2:]:
                    self._defined(member)
                self._name(items[0])
            case "quorum", 1 if self._quorum is None:
                self._quorum = items[0]
                if self._quorum != NONE:
                    self._defined(self._quorum)
            case _:
                raise InputError(Reason.INVALID_TEXT, f"a line of {kind} that says something else, or again")

    def _name(self, name: str) -> None:
        if name in self._names:
            raise InputError(Reason.INVALID_NAME, f"{name} is defined twice")
        self._names.add(name)

    def _defined(self, name: str) -> None:
        if name not in self._names:
            raise InputError(Reason.INVALID_NAME, f"{name} is not defined above")


def _lines(data: bytes) -> Iterator[Sequence[str]]:
    """Give the items of each line that says something. Octets that are no UTF-8 stay distinct as they are."""
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        items = [each for each in re.split(f"[{_BLANK}]+", line) if each]
        if items and not items[0].startswith("#"):
            yield items


def _key(text: str) -> Verifier:
    return Verifier.from_string(text)


def _threshold(text: str, members: int) -> int:
    if text in ("any", "all"):
        return 1 if text == "any" else members
    if not _THRESHOLD.fullmatch(text):
        raise InputError(Reason.INVALID_TEXT, "a group's number is not a decimal from 1 on")
    return int(text)


def _check_name(name: str) -> None:
    if not name or name == NONE or any(each in name for each in " \t\n"):
        raise InputError(Reason.INVALID_NAME, "a witness or group has a name in one piece, and not `none`")


def _check_url(url: str | None) -> None:
    if url is not None and (not url or any(each in url for each in " \t\n")):
        raise InputError(Reason.INVALID_TEXT, "a URL is in one piece")


def _optional(url: str | None) -> tuple[str, ...]:
    return () if url is None else (url,)
