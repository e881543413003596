"""What the resource centre tells besides schemas and keys: data items, purposes, code lists.

Nothing of it is signed into a credential, and nothing of it is needed to verify one: it says what there is,
and what it may be asked for. What binds is the schema's version, and the policy (`disclosure.policy`).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from disclosure import canonical
from disclosure.attributes import MAX_CODES, Code, LocalizedText, is_clean, is_whole
from disclosure.canonical import Item
from disclosure.errors import MalformedError, Reason
from disclosure.names import CodeListName, DepartmentName, ItemName, PurposeName

MAX_DAYS: Final = 36_525
MAX_PURPOSES: Final = 64
_CODES_LABEL: Final = "zk-disclosure/listed-codes/v1"


class Sensitivity(StrEnum):
    """Who may learn an item's values without the holder, from everybody to nobody."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"


class Refresh(StrEnum):
    """When a department issues an item anew: when its register changes, at intervals, or never."""

    ON_CHANGE = "on_change"
    PERIODIC = "periodic"
    ONCE = "once"


class Subject(StrEnum):
    """Whom an item is about."""

    PERSON = "person"
    COMPANY = "company"


def _invalid(field_name: str, detail: str) -> MalformedError:
    return MalformedError(Reason.ITEM_INVALID, detail, field=field_name)


@dataclass(frozen=True)
class DataItem:
    """What holds for all versions of an item.

    `refresh_days` is the interval of a periodic item in days, and 0 of any other. `applicable` tells whether
    a holder can apply for it; if not, the department offers it. `source` is the public document or practice
    that it is modelled on. `purposes` are what it is mostly asked for, in order of name. Raises
    MalformedError ITEM_INVALID.
    """

    name: ItemName
    display_name: LocalizedText
    sensitivity: Sensitivity
    validity_days: int
    refresh: Refresh
    refresh_days: int
    subject: Subject
    applicable: bool
    source: LocalizedText
    purposes: tuple[PurposeName, ...] = ()

    def __post_init__(self) -> None:
        if not is_whole(self.validity_days) or not 0 < self.validity_days <= MAX_DAYS:
            raise _invalid("validity_days", f"a credential is valid for 1 to {MAX_DAYS} days")
        if not is_whole(self.refresh_days) or not 0 <= self.refresh_days <= MAX_DAYS:
            raise _invalid("refresh_days", f"an item is refreshed every 1 to {MAX_DAYS} days")
        if (self.refresh is Refresh.PERIODIC) != (self.refresh_days > 0):
            raise _invalid("refresh_days", "periodic items, and only these, have refresh_days")
        if self.subject is Subject.PERSON and self.sensitivity is Sensitivity.PUBLIC:
            raise _invalid("sensitivity", "nothing about a person is public")
        if len(self.purposes) > MAX_PURPOSES or list(self.purposes) != sorted(set(self.purposes), key=str):
            raise _invalid("purposes", f"at most {MAX_PURPOSES} purposes, in order of name and each once")

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [
            str(self.name), self.display_name.items(), self.sensitivity.value, self.validity_days,
            self.refresh.value, self.refresh_days, self.subject.value, self.applicable, self.source.items(),
            [str(each) for each in self.purposes],
        ]  # fmt: skip


@dataclass(frozen=True)
class Purpose:
    """What data may be asked for, and the law under which. A purpose never changes."""

    name: PurposeName
    display_name: LocalizedText
    legal_basis: LocalizedText


@dataclass(frozen=True)
class CodeList:
    """A code system with all its codes, as the department publishes it that answers for it.

    It never changes: another edition is another list, of another code system. Raises MalformedError
    ITEM_INVALID.
    """

    name: CodeListName
    owner: DepartmentName
    code_system: str
    display_name: LocalizedText
    codes: tuple[Code, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.code_system or not is_clean(self.code_system, 64):
            raise _invalid("code_system", "a code system has 1 to 64 octets, without control characters")
        if not 0 < len(self.codes) <= MAX_CODES:
            raise _invalid("codes", f"a list has 1 to {MAX_CODES} codes")
        if len({each.code for each in self.codes}) != len(self.codes):
            raise _invalid("codes", "a code stands in the list twice")

    def codes_to_bytes(self) -> bytes:
        """Return the codes' canonical bytes, for storage."""
        return canonical.encode(_CODES_LABEL, [[each.code, each.display_name.items()] for each in self.codes])

    @staticmethod
    def codes_of_bytes(octets: bytes) -> tuple[Code, ...]:
        """Decode what `codes_to_bytes` gave; MalformedError MALFORMED."""
        match canonical.decode(_CODES_LABEL, octets, most=len(octets), most_items=len(octets)):
            case [list(codes)]:
                return tuple(map(_code, codes))
        raise MalformedError(Reason.MALFORMED, "the octets are no codes")


def _code(item: Item) -> Code:
    match item:
        case [str(code), [str(zh), str(en)]]:
            return Code(code, LocalizedText(zh, en))
    raise MalformedError(Reason.MALFORMED, "the octets are no code")
