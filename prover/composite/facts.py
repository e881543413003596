"""What a person is told of a directory: lists by their codes, regulators by name, epochs by their time.

It is stored with a use, so that what was proven can be told years later without asking anybody.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from disclosure import LocalizedText, MalformedError, Reason, canonical
from disclosure.canonical import Item
from disclosure.composite import (
    Branch,
    CompositeDirectory,
    CredentialAnswer,
    InList,
    ProvenEpoch,
    Regulator,
)
from disclosure.names import RegulatorName

MAX_NAMED: Final = 8
"""Of a longer list a person is told how many codes it can be."""
_LABEL: Final = "zk-disclosure/vault-facts/v1"


@dataclass(frozen=True)
class ListFacts:
    """Whose a list is, and which of its codes the accepted schemas know: no credential has another one."""

    owner: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class RegulatorFacts:
    """Who a regulator is."""

    name: RegulatorName
    display_name: LocalizedText


@dataclass(frozen=True)
class Facts:
    """By digest of list and of regulator's key, and by accumulator and number of an epoch."""

    lists: Mapping[bytes, ListFacts] = field(default_factory=dict)
    regulators: Mapping[bytes, RegulatorFacts] = field(default_factory=dict)
    epochs: Mapping[ProvenEpoch, dt.datetime] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        branch: Branch,
        answers: Iterable[CredentialAnswer],
        directory: CompositeDirectory,
        trusted: Iterable[Regulator],
    ) -> "Facts":
        """Return those that an answer of a branch is told by; RefusedError TABLE_UNKNOWN, EPOCH_UNKNOWN."""
        wanted = {each.regulator for each in branch.escrows}
        proven = [each.epoch for each in answers if each.epoch is not None]
        return cls(
            {
                each.code_list: _list_facts(branch, directory, each.code_list)
                for each in branch.predicates
                if isinstance(each, InList)
            },
            {
                each.key.digest: RegulatorFacts(each.name, each.display_name)
                for each in trusted
                if each.key.digest in wanted
            },
            {
                each: dt.datetime.fromtimestamp(
                    directory.epoch(each.accumulator, each.number, field="").time, dt.UTC
                )
                for each in proven
            },
        )

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        lists: list[Item] = [
            [digest, each.owner, list(each.codes)] for digest, each in sorted(self.lists.items())
        ]
        regulators: list[Item] = [
            [digest, str(each.name), each.display_name.items()]
            for digest, each in sorted(self.regulators.items())
        ]
        epochs: list[Item] = [
            [each.accumulator, each.number, int(moment.timestamp())]
            for each, moment in sorted(
                self.epochs.items(), key=lambda item: (item[0].accumulator, item[0].number)
            )
        ]
        return canonical.encode(_LABEL, lists, regulators, epochs)

    @classmethod
    def from_bytes(cls, octets: bytes) -> "Facts":
        """Decode canonical bytes; MalformedError."""
        match canonical.decode(_LABEL, octets):
            case [list(lists), list(regulators), list(epochs)]:
                return cls(
                    dict(map(_list, lists)), dict(map(_regulator, regulators)), dict(map(_epoch, epochs))
                )
        raise _malformed()


def _list_facts(branch: Branch, directory: CompositeDirectory, digest: bytes) -> ListFacts:
    queries = {each.id: each for each in branch.queries}
    known = {
        code.code
        for each in branch.predicates
        if isinstance(each, InList) and each.code_list == digest
        for name in queries[each.operand.query].schemas
        for code in directory.schema(name).attribute(each.operand.attribute).codes
    }
    published = directory.code_list(digest, field="")
    return ListFacts(published.owner, tuple(each for each in published.codes if each in known))


def _list(item: Item) -> tuple[bytes, ListFacts]:
    match item:
        case [bytes(digest), str(owner), list(codes)]:
            return digest, ListFacts(owner, tuple(str(each) for each in codes))
    raise _malformed()


def _regulator(item: Item) -> tuple[bytes, RegulatorFacts]:
    match item:
        case [bytes(digest), str(name), [str(zh), str(en)]]:
            return digest, RegulatorFacts(RegulatorName.parse(name), LocalizedText(zh, en))
    raise _malformed()


def _epoch(item: Item) -> tuple[ProvenEpoch, dt.datetime]:
    match item:
        case [bytes(accumulator), int(number), int(time)]:
            return ProvenEpoch(accumulator, number), dt.datetime.fromtimestamp(time, dt.UTC)
    raise _malformed()


def _malformed() -> MalformedError:
    return MalformedError(Reason.MALFORMED, "the octets are no facts of a use")
