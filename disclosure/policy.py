"""Registered policies: what a verifier may ask, for which purpose, on which ground, and how long it keeps it.

A policy's version never changes, and its record stands on the ledger whole, so that everybody who is asked
can hold the request to it without believing the service. It names data items without their versions: a new
version of a schema needs no new policy. The last day of validity may always be shown, since the plain form
has no other way to tell that a credential is valid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from disclosure import canonical
from disclosure.attributes import LocalizedText, is_whole
from disclosure.canonical import Item
from disclosure.errors import MalformedError, Reason
from disclosure.names import PolicyName, PurposeName, SchemaName, VerifierName, check_attribute_id, check_id
from tlog.entry import RecordEntry
from tlog.receipt import ReceiptState

POLICY_RECORD: Final = "policy"
MAX_ITEMS: Final = 64
MAX_ATTRIBUTES: Final = 128
MAX_SCOPES: Final = 64
MAX_ESCROWS: Final = 64
MAX_LISTS: Final = 64
MAX_RETENTION_DAYS: Final = 36_525
MAX_TIMES: Final = 1_000
DIGEST_OCTETS: Final = 32
_LABEL: Final = "zk-disclosure/registered-policy/v2"
_FIRST_VERSION: Final = 1


def _invalid(detail: str, field: str) -> MalformedError:
    return MalformedError(Reason.POLICY_INVALID, detail, field=field)


def receipt_state(written: str) -> ReceiptState:
    """Return the state of a receipt that is written so; MalformedError POLICY_INVALID."""
    for each in ReceiptState:
        if each.value == written:
            return each
    raise _invalid("a receipt is pending, anchored or ordered", "receipt")


def states_beyond(receipt: ReceiptState | None) -> frozenset[ReceiptState]:
    """Return what a receipt that is demanded in a state has to be, beside being one that holds.

    Each of them is shown by itself: an ordered receipt need not be anchored, nor the other way round.
    """
    if receipt is None or receipt is ReceiptState.PENDING:
        return frozenset()
    return frozenset({receipt})


@dataclass(frozen=True)
class AllowedItem:
    """A data item of a department's, in all its versions, and what of it may be shown, and proven about.

    What may be shown may be proven about too. An attribute that is escrowed, committed to or made a pseudonym
    of is proven about. Raises MalformedError POLICY_INVALID, NAME_INVALID.
    """

    department: str
    item: str
    shown: tuple[str, ...] = ()
    proven: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_id(self.department, "a department", field="item")
        check_attribute_id(self.item, field="item")
        for field, attributes in (("shown", self.shown), ("proven", self.proven)):
            for each in attributes:
                check_attribute_id(each, field=field)
            if len(attributes) > MAX_ATTRIBUTES or list(attributes) != sorted(set(attributes)):
                raise _invalid(f"at most {MAX_ATTRIBUTES} attributes, in order and each once", field)
        if set(self.shown) & set(self.proven):
            raise _invalid("what may be shown may be proven about: it stands there once", "proven")

    def __str__(self) -> str:
        return f"departments/{self.department}/schemas/{self.item}"

    @classmethod
    def parse(
        cls, name: str, shown: Sequence[str] = (), proven: Sequence[str] = (), *, field: str = ""
    ) -> "AllowedItem":
        """Return the item of a schema's name without its version, with attributes in any order."""
        schema = SchemaName.parse(f"{name}@{_FIRST_VERSION}", field=field)
        rest = set(proven) - set(shown)
        return cls(schema.department, schema.item, tuple(sorted(set(shown))), tuple(sorted(rest)))

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.department, self.item, list(self.shown), list(self.proven)]


@dataclass(frozen=True, order=True)
class AllowedAttribute:
    """One attribute of a data item, in all versions of it: what a pseudonym is of, or what is escrowed."""

    department: str
    item: str
    attribute: str

    def __post_init__(self) -> None:
        check_id(self.department, "a department", field="item")
        check_attribute_id(self.item, field="item")
        check_attribute_id(self.attribute, field="attribute")

    def __str__(self) -> str:
        return f"{self.item_name}: {self.attribute}"

    @property
    def item_name(self) -> str:
        """Whose it is: a schema's name without its version."""
        return f"departments/{self.department}/schemas/{self.item}"

    @classmethod
    def parse(cls, item: str, attribute: str, *, field: str = "") -> "AllowedAttribute":
        """Return an attribute of a schema's name without its version; MalformedError NAME_INVALID."""
        return cls.of(SchemaName.parse(f"{item}@{_FIRST_VERSION}", field=field), attribute)

    @classmethod
    def of(cls, schema: SchemaName, attribute: str) -> "AllowedAttribute":
        """Return an attribute of a schema, whose version does not matter."""
        return cls(schema.department, schema.item, attribute)

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.department, self.item, self.attribute]


@dataclass(frozen=True)
class AllowedScope:
    """A scope of pseudonyms, by its label, and what they are of there: the holder (None), or an attribute.

    The scope is the verifier's own, or one that these members share. A pseudonym of the holder links all that
    a person answers in the scope, one of an attribute what is answered about its subject: so a policy that
    allows one of them does not allow the other.
    """

    label: str
    members: tuple[VerifierName, ...] = ()
    of: AllowedAttribute | None = None

    def __post_init__(self) -> None:
        check_id(self.label, "a scope's label", field="label")
        if list(self.members) != sorted(set(self.members), key=str) or len(self.members) == 1:
            raise _invalid("members are none, or two and more in the order of their names", "members")

    @property
    def order(self) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """What scopes stand in the order of: that of the holder comes first."""
        of = () if self.of is None else (self.of.department, self.of.item, self.of.attribute)
        return self.label, tuple(map(str, self.members)), of

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        of = None if self.of is None else self.of.items()
        return [self.label, [str(each) for each in self.members], of]


@dataclass(frozen=True, order=True)
class AllowedEscrow:
    """What may be sealed for whom: an attribute, for the regulator whose key has this digest."""

    regulator: bytes
    of: AllowedAttribute

    def __post_init__(self) -> None:
        if len(self.regulator) != DIGEST_OCTETS:
            detail = f"the digest of a regulator's key has {DIGEST_OCTETS} octets"
            raise _invalid(detail, "regulator")

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.regulator, self.of.items()]


@dataclass(frozen=True)
class StandingLimits:
    """How far a holder may agree beforehand: at most so many times, so many days apart, for so many days.

    Days apart are 0 or more; of the days the first is that on which the consent is asked for.
    """

    times: int
    interval_days: int
    days: int

    def __post_init__(self) -> None:
        for field, value, least, most in (
            ("times", self.times, 1, MAX_TIMES),
            ("interval_days", self.interval_days, 0, MAX_RETENTION_DAYS),
            ("days", self.days, 1, MAX_RETENTION_DAYS),
        ):
            if not is_whole(value) or not least <= value <= most:
                raise _invalid(f"a whole number from {least} to {most}", field)

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.times, self.interval_days, self.days]


@dataclass(frozen=True)
class RegisteredPolicy:
    """One version of a policy, as its record has it.

    `purpose` names a registered purpose; its text and legal basis stand here as they were then. `lists` are
    digests of the published lists that a value may be proven to be in: another list of the same owner, older
    or newer, says something else. `foreign` says that numbers which other holders have committed to may be
    counted. `standing` None: no consent is given beforehand. `receipt` is the state in which the verifier
    demands receipts before it accepts an answer; a policy that says nothing of it (None) has the octets that
    it had before there was such a thing. Raises MalformedError POLICY_INVALID, NAME_INVALID.
    """

    name: PolicyName
    purpose: str
    purpose_text: LocalizedText
    legal_basis: LocalizedText
    retention_days: int
    items: tuple[AllowedItem, ...]
    scopes: tuple[AllowedScope, ...] = ()
    escrows: tuple[AllowedEscrow, ...] = ()
    lists: tuple[bytes, ...] = ()
    foreign: bool = False
    standing: StandingLimits | None = None
    receipt: ReceiptState | None = None

    def __post_init__(self) -> None:
        PurposeName.parse(self.purpose, field="purpose")
        if not is_whole(self.retention_days) or not 0 <= self.retention_days <= MAX_RETENTION_DAYS:
            raise _invalid(f"a number of days from 0 to {MAX_RETENTION_DAYS}", "retention_days")
        names = [str(each) for each in self.items]
        if not 0 < len(names) <= MAX_ITEMS or names != sorted(set(names)):
            raise _invalid(f"1 to {MAX_ITEMS} items, in order and each once", "items")
        scopes = [each.order for each in self.scopes]
        if len(scopes) > MAX_SCOPES or scopes != sorted(set(scopes)):
            raise _invalid(f"at most {MAX_SCOPES} scopes, in order and each once", "scopes")
        if len(self.escrows) > MAX_ESCROWS or list(self.escrows) != sorted(set(self.escrows)):
            raise _invalid(f"at most {MAX_ESCROWS} escrows, in order and each once", "escrows")
        if len(self.lists) > MAX_LISTS or list(self.lists) != sorted(set(self.lists)):
            raise _invalid(f"at most {MAX_LISTS} lists, in order and each once", "lists")
        if any(len(each) != DIGEST_OCTETS for each in self.lists):
            raise _invalid(f"the digest of a list has {DIGEST_OCTETS} octets", "lists")
        if len(self.canonical) > canonical.MAX_OCTETS:
            raise _invalid("the policy is too large", "items")

    @property
    def verifier(self) -> VerifierName:
        """Whose policy it is."""
        return VerifierName(self.name.verifier)

    @property
    def demands(self) -> frozenset[ReceiptState]:
        """What receipts have to be, beside being some that hold, before the verifier accepts an answer."""
        return states_beyond(self.receipt)

    @cached_property
    def by_item(self) -> dict[tuple[str, str], AllowedItem]:
        """The items by department and identifier."""
        return {(each.department, each.item): each for each in self.items}

    @cached_property
    def canonical(self) -> bytes:
        """Its canonical bytes, which its record holds."""
        return canonical.encode(
            _LABEL, str(self.name), self.purpose, self.purpose_text.items(), self.legal_basis.items(),
            self.retention_days, [each.items() for each in self.items],
            [each.items() for each in self.scopes], [each.items() for each in self.escrows],
            list(self.lists), self.foreign, None if self.standing is None else self.standing.items(),
            *(() if self.receipt is None else (self.receipt.value,)),
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, octets: bytes) -> "RegisteredPolicy":
        """Decode canonical bytes; MalformedError MALFORMED and the constructors'."""
        match canonical.decode(_LABEL, octets, most_items=canonical.MAX_OCTETS):
            case [
                str(name), str(purpose), [str(zh), str(en)], [str(basis_zh), str(basis_en)], int(retention),
                list(items), list(scopes), list(escrows), list(lists), bool(foreign), standing, *more,
            ] if _is_receipt(more):  # fmt: skip
                parsed = cls(
                    PolicyName.parse(name), purpose, LocalizedText(zh, en), LocalizedText(basis_zh, basis_en),
                    retention, tuple(map(_item, items)), tuple(map(_scope, scopes)),
                    tuple(map(_escrow, escrows)),
                    tuple(each for each in lists if isinstance(each, bytes)), foreign, _standing(standing),
                    _receipt(more),
                )  # fmt: skip
                if parsed.canonical == octets:
                    return parsed
        raise MalformedError(Reason.MALFORMED, "the octets are no registered policy")

    def entry(self) -> bytes:
        """Return its entry on the ledger."""
        return RecordEntry(POLICY_RECORD, self.canonical).to_bytes()


def _item(item: Item) -> AllowedItem:
    match item:
        case [str(department), str(name), list(shown), list(proven)]:
            return AllowedItem(department, name, _texts(shown), _texts(proven))
    raise _invalid("the octets hold no item", "items")


def _scope(item: Item) -> AllowedScope:
    match item:
        case [str(label), list(members), of]:
            subject = None if of is None else _attribute(of)
            return AllowedScope(label, tuple(map(VerifierName.parse, _texts(members))), subject)
    raise _invalid("the octets hold no scope", "scopes")


def _escrow(item: Item) -> AllowedEscrow:
    match item:
        case [bytes(regulator), of]:
            return AllowedEscrow(regulator, _attribute(of))
    raise _invalid("the octets hold no escrow", "escrows")


def _attribute(item: Item) -> AllowedAttribute:
    match item:
        case [str(department), str(name), str(attribute)]:
            return AllowedAttribute(department, name, attribute)
    raise _invalid("the octets hold no attribute", "of")


def _standing(item: Item) -> StandingLimits | None:
    match item:
        case None:
            return None
        case [int(times), int(interval_days), int(days)]:
            return StandingLimits(times, interval_days, days)
    raise _invalid("the octets hold no limits", "standing")


def _is_receipt(more: Sequence[Item]) -> bool:
    """Tell whether a policy ends as it may: with nothing more, or with one text."""
    return len(more) == 0 or (len(more) == 1 and isinstance(more[0], str))


def _receipt(more: Sequence[Item]) -> ReceiptState | None:
    return receipt_state(str(more[0])) if more else None


def _texts(items: Sequence[Item]) -> tuple[str, ...]:
    return tuple(each for each in items if isinstance(each, str))
