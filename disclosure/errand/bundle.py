"""Errand bundles: the counters that one errand goes to, registered once and recorded on the ledger.

A bundle never changes: another one is another version. So the person who agrees, the counters and whoever
reads the ledger all read the same one, and a service cannot make one up for a single holder.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final

from disclosure import canonical
from disclosure.attributes import INTEGER_MAXIMUM, INTEGER_MINIMUM, LocalizedText, is_clean
from disclosure.canonical import Item
from disclosure.errors import MalformedError, Reason
from disclosure.names import PolicyName, VerifierName, check_attribute_id, check_id
from tlog.entry import MAX_RECORD_OCTETS, RecordEntry

MAX_COUNTERS: Final = 16
MAX_FIELDS: Final = 32
MAX_TEXT_OCTETS: Final = 1000
MAX_SETTLE_DAYS: Final = 366
_LABEL: Final = "zk-disclosure/errand-bundle/v1"
_FIELD_LABEL: Final = "zk-disclosure/form-field/v1"
_RECORD: Final = "errand-bundle"
_VERSION: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)

FormValue = str | int | dt.date
"""What a person declares: a text, a whole number, or a date."""


class FieldType(StrEnum):
    """The types of what is declared."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"


_PYTHON: Final[Mapping[FieldType, type]] = {
    FieldType.TEXT: str,
    FieldType.NUMBER: int,
    FieldType.DATE: dt.date,
}


@dataclass(frozen=True)
class ErrandBundleName:
    """`errandBundles/{bundle}@{version}`; MalformedError NAME_INVALID."""

    bundle: str
    version: int

    def __post_init__(self) -> None:
        check_id(self.bundle, "a bundle")
        if type(self.version) is not int or not 0 < self.version < 1_000_000:
            raise MalformedError(Reason.NAME_INVALID, "a bundle has a version from 1 to 999999")

    @classmethod
    def parse(cls, name: str, *, field: str = "") -> "ErrandBundleName":
        """Parse it; MalformedError NAME_INVALID."""
        collection, _, versioned = name.partition("/")
        bundle, _, version = versioned.partition("@")
        if collection != "errandBundles" or not _VERSION.fullmatch(version):
            detail = "a bundle is named errandBundles/bundle@version"
            raise MalformedError(Reason.NAME_INVALID, detail, field=field)
        return cls(check_id(bundle, "a bundle", field=field), int(version))

    def __str__(self) -> str:
        return f"errandBundles/{self.bundle}@{self.version}"


@dataclass(frozen=True)
class FormField:
    """One thing that a person declares to a counter, which no department has signed.

    `max_length` bounds a text, in octets of UTF-8. Raises MalformedError VALUE_INVALID, NAME_INVALID.
    """

    id: str
    display_name: LocalizedText
    type: FieldType
    optional: bool = False
    max_length: int = 200

    def __post_init__(self) -> None:
        check_attribute_id(self.id, field="id")
        if not 0 < self.max_length <= MAX_TEXT_OCTETS:
            detail = f"a text has 1 to {MAX_TEXT_OCTETS} octets"
            raise MalformedError(Reason.VALUE_INVALID, detail, field="max_length")

    def check(self, value: FormValue) -> FormValue:
        """Return a value that may stand here; MalformedError VALUE_INVALID, which does not repeat it."""
        held = type(value) is _PYTHON[self.type]
        if isinstance(value, str):
            held = held and bool(value.strip()) and is_clean(value, self.max_length)
        elif isinstance(value, int):
            held = held and INTEGER_MINIMUM <= value <= INTEGER_MAXIMUM
        if not held:
            detail = f"it is no {self.type.value} as the form wants it"
            raise MalformedError(Reason.VALUE_INVALID, detail, field=self.id)
        return value

    def parse(self, written: str) -> FormValue:
        """Return what a person wrote, as a value; MalformedError VALUE_INVALID."""
        try:
            match self.type:
                case FieldType.NUMBER:
                    return self.check(int(written))
                case FieldType.DATE:
                    return self.check(dt.date.fromisoformat(written))
                case FieldType.TEXT:
                    return self.check(written)
        except ValueError:
            detail = f"it is no {self.type.value}; a date is written year-month-day"
            raise MalformedError(Reason.VALUE_INVALID, detail, field=self.id) from None

    @property
    def same_everywhere(self) -> bytes:
        """What two fields have in common that ask the same thing, in whichever bundle: 32 octets."""
        octets = canonical.encode(_FIELD_LABEL, self.id, self.display_name.items(), self.type.value)
        return canonical.digest(_FIELD_LABEL, octets)

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.id, self.display_name.items(), self.type.value, self.optional, self.max_length]


@dataclass(frozen=True)
class Counter:
    """One counter of a bundle: whose it is, by which policy it asks, and what it wants declared.

    `depends_on` names parts of other counters that have to be done before this one begins; `settle_days` is
    how many days the counter has from the submission, 0 for no promise. Raises MalformedError.
    """

    part: str
    display_name: LocalizedText
    verifier: VerifierName
    policy: PolicyName
    fields: tuple[FormField, ...] = ()
    depends_on: tuple[str, ...] = ()
    settle_days: int = 0

    def __post_init__(self) -> None:
        check_id(self.part, "a part", field="part")
        if self.policy.verifier != self.verifier.verifier:
            raise MalformedError(
                Reason.REQUEST_INVALID, "a counter asks by a policy of its own", field="policy"
            )
        if len(self.fields) > MAX_FIELDS or len({each.id for each in self.fields}) != len(self.fields):
            detail = f"a form has at most {MAX_FIELDS} fields, each with an identifier of its own"
            raise MalformedError(Reason.VALUE_INVALID, detail, field="fields")
        if not 0 <= self.settle_days <= MAX_SETTLE_DAYS:
            detail = f"a counter has at most {MAX_SETTLE_DAYS} days"
            raise MalformedError(Reason.VALUE_INVALID, detail, field="settle_days")

    def check(self, values: Mapping[str, FormValue]) -> None:
        """Raise MalformedError VALUE_INVALID, ATTRIBUTE_MISSING, ATTRIBUTE_UNKNOWN unless these are the
        values of this counter's form."""
        known = {each.id: each for each in self.fields}
        for name, value in values.items():
            if name not in known:
                raise MalformedError(Reason.ATTRIBUTE_UNKNOWN, "the form has no such field", field=name)
            known[name].check(value)
        for each in self.fields:
            if not each.optional and each.id not in values:
                raise MalformedError(Reason.ATTRIBUTE_MISSING, "the form wants this field", field=each.id)

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [
            self.part, self.display_name.items(), str(self.verifier), str(self.policy),
            [each.items() for each in self.fields], list(self.depends_on), self.settle_days,
        ]  # fmt: skip


@dataclass(frozen=True)
class ErrandBundle:
    """The counters of an errand, in the order in which they work. Raises MalformedError.

    A counter depends on counters before it only, so the order has no circle.
    """

    name: ErrandBundleName
    display_name: LocalizedText
    description: LocalizedText
    counters: tuple[Counter, ...]

    def __post_init__(self) -> None:
        if not 0 < len(self.counters) <= MAX_COUNTERS:
            raise _invalid(f"a bundle has 1 to {MAX_COUNTERS} counters", "counters")
        before = set[str]()
        for place, each in enumerate(self.counters):
            if each.part in before:
                raise _invalid("two counters have one part", f"counters[{place}].part")
            if not set(each.depends_on) <= before or len(set(each.depends_on)) != len(each.depends_on):
                detail = "a counter depends on counters that stand before it, each once"
                raise _invalid(detail, f"counters[{place}].depends_on")
            before.add(each.part)
        if len(self.canonical) > MAX_RECORD_OCTETS:
            raise _invalid("the bundle is too large for a record", "counters")

    def counter(self, part: str) -> Counter:
        """Return the counter of a part; MalformedError NAME_INVALID."""
        for each in self.counters:
            if each.part == part:
                return each
        raise MalformedError(Reason.NAME_INVALID, "the bundle has no such part", field="part")

    @cached_property
    def canonical(self) -> bytes:
        """Its canonical bytes."""
        return canonical.encode(
            _LABEL, self.name.bundle, self.name.version, self.display_name.items(), self.description.items(),
            [each.items() for each in self.counters],
        )  # fmt: skip

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 over the canonical bytes, domain-separated."""
        return canonical.digest(_LABEL, self.canonical)

    def entry(self) -> bytes:
        """Return its record's entry on the ledger."""
        return RecordEntry(_RECORD, self.canonical).to_bytes()

    @classmethod
    def from_bytes(cls, octets: bytes) -> "ErrandBundle":
        """Decode canonical bytes; MalformedError."""
        match canonical.decode(_LABEL, octets):
            case [
                str(bundle), int(version), [str(zh), str(en)], [str(about_zh), str(about_en)], list(counters),
            ]:  # fmt: skip
                return cls(
                    ErrandBundleName(bundle, version), LocalizedText(zh, en),
                    LocalizedText(about_zh, about_en), tuple(map(_counter, counters)),
                )  # fmt: skip
        raise _malformed()


def _counter(item: Item) -> Counter:
    match item:
        case [
            str(part), [str(zh), str(en)], str(verifier), str(policy), list(fields), list(depends), int(days),
        ] if all(isinstance(each, str) for each in depends):  # fmt: skip
            return Counter(
                part, LocalizedText(zh, en), VerifierName.parse(verifier), PolicyName.parse(policy),
                tuple(map(_field, fields)), tuple(str(each) for each in depends), days,
            )  # fmt: skip
    raise _malformed()


def _field(item: Item) -> FormField:
    match item:
        case [str(name), [str(zh), str(en)], str(kind), bool(optional), int(most)] if kind in set(FieldType):
            return FormField(name, LocalizedText(zh, en), FieldType(kind), optional, most)
    raise _malformed()


def _invalid(detail: str, field: str) -> MalformedError:
    return MalformedError(Reason.VALUE_INVALID, detail, field=field)


def _malformed() -> MalformedError:
    return MalformedError(Reason.MALFORMED, "the octets are no bundle")
