"""Queries of the composite form: which credentials are accepted, what is shown, how long they live."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from bbs.accumulator import Epoch
from disclosure.attributes import date_of, days, is_whole
from disclosure.canonical import Item
from disclosure.composite.predicates import check_digest
from disclosure.errors import MalformedError, Reason
from disclosure.names import IssuerKeyName, SchemaName, check_attribute_id

MAX_ISSUERS: Final = 16
MAX_SCHEMAS: Final = 8
ACCUMULATOR_OCTETS: Final = 96
MAX_EPOCH_NUMBER: Final = 1 << 63
"""Epochs' numbers lie below: what is decoded from outside can be asked for as it is."""
MAX_EPOCH_AGE: Final = 366 * 86_400
"""The largest age in seconds that a request allows an epoch; no epoch counts for ever."""


def invalid(detail: str, field: str) -> MalformedError:
    """Return the error of a request that is none."""
    return MalformedError(Reason.REQUEST_INVALID, detail, field=field)


class Waiver(StrEnum):
    """What a request gives up in so many words. There is no default and no other way to give it up."""

    REVOCATION = "revocation-waived"


@dataclass(frozen=True)
class OldestEpoch:
    """Not revoked at an epoch of an accumulator that is not older than this one.

    `accumulator` is its public key. The verifier makes the number from the age that its policy allows; the
    holder answers for the latest epoch that it has seen logged.

    A number is of the moment when the request is made: by it alone, who is revoked while the request lives
    could still answer for the epoch before. `max_age` in seconds is measured when the answer is verified. It
    is None where the request names the newest number there is and lives shortly.
    """

    accumulator: bytes
    number: int
    max_age: int | None = None

    def __post_init__(self) -> None:
        if len(self.accumulator) != ACCUMULATOR_OCTETS:
            raise invalid(f"an accumulator's key has {ACCUMULATOR_OCTETS} octets", "accumulator")
        if not is_whole(self.number) or not 0 <= self.number < MAX_EPOCH_NUMBER:
            raise invalid("an epoch has a number from 0", "number")
        if self.max_age is not None and not (is_whole(self.max_age) and 0 < self.max_age <= MAX_EPOCH_AGE):
            raise invalid(f"an epoch is at most 1 to {MAX_EPOCH_AGE} seconds old", "max_age")

    def admits(self, epoch: Epoch, now: dt.datetime) -> bool:
        """Tell whether an epoch of the accumulator is neither before the number nor too old at a moment."""
        old = self.max_age is not None and now.timestamp() - epoch.time > self.max_age
        return epoch.number >= self.number and not old

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.accumulator, self.number, self.max_age]


Revocation = OldestEpoch | Waiver


@dataclass(frozen=True)
class AcceptedIssuer:
    """A key whose credentials are accepted.

    `digits` names the department's own table of digits, which ranges over its attributes and its hidden
    expiry are proven with: who could cheat with it could as well sign false attributes. A key that has
    credentials in two accumulators stands twice.
    """

    key: IssuerKeyName
    revocation: Revocation
    digits: bytes | None = None

    def __post_init__(self) -> None:
        if self.digits is not None:
            check_digest(self.digits, "digits")

    @property
    def accumulator(self) -> bytes | None:
        """The accumulator's key, if revocation is not waived."""
        return self.revocation.accumulator if isinstance(self.revocation, OldestEpoch) else None

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        rule = self.revocation
        revocation: Item = rule.items() if isinstance(rule, OldestEpoch) else rule.value
        return [str(self.key), revocation, self.digits]

    @classmethod
    def from_items(cls, item: Item) -> "AcceptedIssuer":
        """Decode what `items` gives; MalformedError."""
        match item:
            case [str(key), revocation, (bytes() | None) as digits]:
                return cls(IssuerKeyName.parse(key), _revocation_from(revocation), digits)
        raise invalid("the octets hold no issuer", "issuers")


@dataclass(frozen=True)
class ValidOn:
    """The last day of validity stays hidden and is proven to be this day or a later one.

    The day is not before the last of the request's life: whoever answers on that day is valid on it.
    """

    day: dt.date

    def __post_init__(self) -> None:
        if type(self.day) is not dt.date:
            raise invalid("a day is a date", "expiry")

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return ["valid-on", days(self.day)]


@dataclass(frozen=True)
class ExpiryShown:
    """The last day of validity is shown, and has not passed."""

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return ["shown"]


Expiry = ValidOn | ExpiryShown
"""Every credential is proven to be valid: there is no waiver."""


@dataclass(frozen=True)
class CompositeQuery:
    """One credential that is asked for.

    `schemas` are the accepted ones, versions of one or schemas of several departments; what is asked of an
    attribute must mean the same in all of them. Raises MalformedError REQUEST_INVALID, NAME_INVALID.
    """

    id: str
    schemas: tuple[SchemaName, ...]
    issuers: tuple[AcceptedIssuer, ...]
    expiry: Expiry
    shown: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_attribute_id(self.id, field="id")
        for attribute in self.shown:
            check_attribute_id(attribute, field="shown")
        if len(set(self.shown)) != len(self.shown):
            raise invalid("an attribute is asked for twice", "shown")
        if not 0 < len(self.schemas) <= MAX_SCHEMAS or len(set(self.schemas)) != len(self.schemas):
            raise invalid(f"a query accepts 1 to {MAX_SCHEMAS} schemas, each once", "schemas")
        if not 0 < len(self.issuers) <= MAX_ISSUERS:
            raise invalid(f"a query accepts 1 to {MAX_ISSUERS} issuers", "issuers")
        if len({(each.key, each.accumulator) for each in self.issuers}) != len(self.issuers):
            raise invalid("a key stands twice with one accumulator", "issuers")
        if {each.department for each in self.schemas} != {each.key.department for each in self.issuers}:
            raise invalid("the schemas and the keys are of the same departments", "issuers")

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [
            self.id, [str(each) for each in self.schemas], [each.items() for each in self.issuers],
            self.expiry.items(), list(self.shown),
        ]  # fmt: skip

    @classmethod
    def from_items(cls, item: Item) -> "CompositeQuery":
        """Decode what `items` gives; MalformedError."""
        match item:
            case [str(identifier), list(schemas), list(issuers), expiry, list(shown)]:
                return cls(
                    identifier, tuple(SchemaName.parse(each) for each in _texts(schemas)),
                    tuple(map(AcceptedIssuer.from_items, issuers)), expiry_from(expiry), _texts(shown),
                )  # fmt: skip
        raise invalid("the octets hold no query", "queries")


def _revocation_from(item: Item) -> Revocation:
    match item:
        case str() if item in set(Waiver):
            return Waiver(item)
        case [bytes(accumulator), int(number), (int() | None) as max_age]:
            return OldestEpoch(accumulator, number, max_age)
    raise invalid("the octets hold no rule of revocation", "revocation")


def expiry_from(item: Item) -> Expiry:
    """Decode what an expiry's `items` gives; MalformedError REQUEST_INVALID."""
    match item:
        case ["shown"]:
            return ExpiryShown()
        case ["valid-on", int(day)] if is_whole(day):
            return ValidOn(date_of(day))
    raise invalid("the octets hold no rule of expiry", "expiry")


def _texts(items: list[Item]) -> tuple[str, ...]:
    texts = tuple(each for each in items if isinstance(each, str))
    if len(texts) != len(items):
        raise invalid("the octets hold no query", "queries")
    return texts
