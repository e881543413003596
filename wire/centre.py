"""Data items, purposes and code lists as messages, and back; see `wire.convert`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from disclosure import DepartmentName, MalformedError, Reason
from disclosure.attributes import MAX_CODES
from disclosure.centre import (
    MAX_PURPOSES,
    CodeList,
    DataItem,
    Purpose,
    Refresh,
    Sensitivity,
    Subject,
)
from disclosure.names import CodeListName, ItemName, PurposeName
from wire.convert import code_of, code_to, each_within, text_of, text_to, within
from zkproto.v1 import account_pb2
from zkproto.v1 import centre_pb2 as pb

_Choice = TypeVar("_Choice", Sensitivity, Refresh, Subject)

_SENSITIVITIES: Final = {
    pb.Item.SENSITIVITY_PUBLIC: Sensitivity.PUBLIC,
    pb.Item.SENSITIVITY_INTERNAL: Sensitivity.INTERNAL,
    pb.Item.SENSITIVITY_PERSONAL: Sensitivity.PERSONAL,
    pb.Item.SENSITIVITY_SENSITIVE: Sensitivity.SENSITIVE,
}
_REFRESHES: Final = {
    pb.Item.REFRESH_ON_CHANGE: Refresh.ON_CHANGE,
    pb.Item.REFRESH_PERIODIC: Refresh.PERIODIC,
    pb.Item.REFRESH_ONCE: Refresh.ONCE,
}
_SUBJECTS: Final = {pb.Item.SUBJECT_PERSON: Subject.PERSON, pb.Item.SUBJECT_COMPANY: Subject.COMPANY}
_SENSITIVITY_NUMBERS: Final = {each: number for number, each in _SENSITIVITIES.items()}
_REFRESH_NUMBERS: Final = {each: number for number, each in _REFRESHES.items()}
_SUBJECT_NUMBERS: Final = {each: number for number, each in _SUBJECTS.items()}
_IDENTIFIED: Final = {
    account_pb2.Subject.KIND_PERSON: Subject.PERSON,
    account_pb2.Subject.KIND_COMPANY: Subject.COMPANY,
}


def item_of(message: pb.Item, name: ItemName | None = None) -> DataItem:
    """Convert an Item, under `name` or its own, without what the service says of it.

    Raises MalformedError ITEM_INVALID, NAME_INVALID, VALUE_INVALID.
    """
    with within("display_name"):
        display_name = text_of(message.display_name)
    with within("source"):
        source = text_of(message.source)
    return DataItem(
        name=name or ItemName.parse(message.name, field="name"),
        display_name=display_name,
        sensitivity=_chosen(_SENSITIVITIES, message.sensitivity, "sensitivity"),
        validity_days=message.validity_days,
        refresh=_chosen(_REFRESHES, message.refresh, "refresh"),
        refresh_days=message.refresh_days,
        subject=_chosen(_SUBJECTS, message.subject, "subject"),
        applicable=message.applicable,
        source=source,
        purposes=_purposes(message.purposes),
    )


def _chosen(choices: Mapping[Any, _Choice], number: int, field: str) -> _Choice:
    if number not in choices:
        raise MalformedError(Reason.ITEM_INVALID, "none of the values that there are", field=field)
    return choices[number]


def _purposes(names: Sequence[str]) -> tuple[PurposeName, ...]:
    if len(names) > MAX_PURPOSES:
        raise MalformedError(Reason.ITEM_INVALID, f"at most {MAX_PURPOSES} purposes", field="purposes")
    return tuple(PurposeName.parse(each, field=f"purposes[{index}]") for index, each in enumerate(names))


def item_to(item: DataItem) -> pb.Item:
    """Convert to an Item."""
    return pb.Item(
        name=str(item.name),
        display_name=text_to(item.display_name),
        sensitivity=_SENSITIVITY_NUMBERS[item.sensitivity],
        validity_days=item.validity_days,
        refresh=_REFRESH_NUMBERS[item.refresh],
        refresh_days=item.refresh_days,
        subject=_SUBJECT_NUMBERS[item.subject],
        applicable=item.applicable,
        source=text_to(item.source),
        purposes=map(str, item.purposes),
    )


def purpose_of(message: pb.Purpose, name: PurposeName | None = None) -> Purpose:
    """Convert a Purpose, under `name` or its own; MalformedError VALUE_INVALID, NAME_INVALID."""
    with within("display_name"):
        display_name = text_of(message.display_name)
    with within("legal_basis"):
        legal_basis = text_of(message.legal_basis)
    return Purpose(name or PurposeName.parse(message.name, field="name"), display_name, legal_basis)


def purpose_to(purpose: Purpose) -> pb.Purpose:
    """Convert to a Purpose."""
    return pb.Purpose(
        name=str(purpose.name),
        display_name=text_to(purpose.display_name),
        legal_basis=text_to(purpose.legal_basis),
    )


def code_list_of(message: pb.CodeList, name: CodeListName | None = None) -> CodeList:
    """Convert a CodeList, under `name` or its own.

    Raises MalformedError ITEM_INVALID, NAME_INVALID, VALUE_INVALID, SCHEMA_INVALID (a code).
    """
    if len(message.codes) > MAX_CODES:
        raise MalformedError(Reason.ITEM_INVALID, f"a list has 1 to {MAX_CODES} codes", field="codes")
    with within("display_name"):
        display_name = text_of(message.display_name)
    return CodeList(
        name=name or CodeListName.parse(message.name, field="name"),
        owner=DepartmentName.parse(message.owner, field="owner"),
        code_system=message.code_system,
        display_name=display_name,
        codes=each_within("codes", message.codes, code_of),
    )


def code_list_to(made: CodeList) -> pb.CodeList:
    """Convert to a CodeList."""
    return pb.CodeList(
        name=str(made.name),
        owner=str(made.owner),
        code_system=made.code_system,
        display_name=text_to(made.display_name),
        codes=map(code_to, made.codes),
    )


def identified_of(
    numbers: Iterable[account_pb2.Subject.Kind.ValueType], *, field: str = "identifies"
) -> frozenset[Subject]:
    """Convert the kinds of subject that a department identifies, each once; MalformedError VALUE_INVALID."""
    found = set()
    for index, number in enumerate(numbers):
        if number not in _IDENTIFIED or _IDENTIFIED[number] in found:
            detail = "a department identifies persons or companies, each said once"
            raise MalformedError(Reason.VALUE_INVALID, detail, field=f"{field}[{index}]")
        found.add(_IDENTIFIED[number])
    return frozenset(found)


def identified_to(kinds: Iterable[Subject]) -> list[account_pb2.Subject.Kind.ValueType]:
    """Convert to the kinds of subject that a department identifies, in order."""
    wanted = set(kinds)
    return [number for number, each in _IDENTIFIED.items() if each in wanted]
