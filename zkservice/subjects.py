"""Whom a department means: a person or a company, by its number, of which the service keeps a fingerprint."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from disclosure import MalformedError, Reason, canonical
from zkproto.v1 import account_pb2
from zkservice.fields import placed
from zkservice.keys import Keys

_LABEL: Final = "zk-disclosure/subject/v1"
_NUMBER: Final = re.compile(r"[0-9A-Z-]{1,64}", re.ASCII)


class SubjectKind(StrEnum):
    """What a subject is; the values stand in fingerprinted bytes."""

    PERSON = "person"
    COMPANY = "company"


_KINDS: Final = {
    account_pb2.Subject.KIND_PERSON: SubjectKind.PERSON,
    account_pb2.Subject.KIND_COMPANY: SubjectKind.COMPANY,
}


@dataclass(frozen=True)
class Subject:
    """A person by an ID number, or a company by its unified social credit code, as departments know them.

    A number has 1 to 64 digits, capital letters and hyphens: two spellings would be two subjects. Raises
    MalformedError VALUE_INVALID.
    """

    kind: SubjectKind
    number: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _NUMBER.fullmatch(self.number):
            detail = "a number has 1 to 64 digits, capital letters and hyphens"
            raise MalformedError(Reason.VALUE_INVALID, detail, field="number")

    def mark(self, keys: Keys) -> bytes:
        """Return the fingerprint that tells one subject from another and says nothing else: 32 octets."""
        return subject_mark(keys, self.kind, self.number)


def subject_mark(keys: Keys, kind: str, number: str) -> bytes:
    """Return a subject's fingerprint under the master key: 32 octets."""
    return keys.fingerprint(canonical.encode(_LABEL, str(kind), number))


def subject_of(message: account_pb2.Subject, *, field: str) -> Subject:
    """Decode a subject; MalformedError VALUE_INVALID."""
    if message.kind not in _KINDS:
        detail = "a subject is a person or a company"
        raise MalformedError(Reason.VALUE_INVALID, detail, field=f"{field}.kind")
    with placed(field):
        return Subject(_KINDS[message.kind], message.number)
