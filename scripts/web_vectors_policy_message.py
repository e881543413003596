"""Vectors of policies as messages: each with the policy that it is, or why it is none.

Written by `python -m scripts.web_vectors`. A message stands here as Protobuf-ES has it, octets in digits.
"""

from collections.abc import Callable, Iterator
from typing import Final

from scripts.web_vectors import Json, text_of
from scripts.web_vectors_policy import POLICIES, refusal
from tests.disclosure import test_disclosure_allowance as asking
from wire.policy import policy_of, policy_to
from zkproto.v1 import attribute_pb2
from zkproto.v1 import policy_pb2 as pb

Change = Callable[[pb.Policy], object]


def files() -> dict[str, str]:
    """Return every file's text by its name."""
    messages = [_case(name, policy_to(policy)) for name, policy in POLICIES.items()]
    return {"policy_messages.json": text_of([*messages, *_changed()])}


def _changed() -> Iterator[Json]:
    for name, change in _CHANGES.items():
        message = policy_to(asking.COMPOSITE)
        change(message)
        yield _case(name, message)


def _case(name: str, message: pb.Policy) -> Json:
    reason, field = refusal(policy_of, message)
    return {
        "name": name,
        "message": _written(message),
        "octets": "" if reason else policy_of(message).canonical.hex(),
        "reason": reason,
        "field": field,
    }


def _written(message: pb.Policy) -> Json:
    text = {
        key: {"zh": each.zh, "en": each.en}
        for key, field, each in (
            ("purposeText", "purpose_text", message.purpose_text),
            ("legalBasis", "legal_basis", message.legal_basis),
        )
        if message.HasField(field)  # type: ignore[arg-type]
    }
    limits = message.standing
    standing = {"times": limits.times, "intervalDays": limits.interval_days, "days": limits.days}
    return {
        "name": message.name,
        "purpose": message.purpose,
        **text,
        "retentionDays": message.retention_days,
        "items": [
            {"item": each.item, "shown": list(each.shown), "proven": list(each.proven)}
            for each in message.items
        ],
        "scopes": [
            {"label": each.label, "members": list(each.members), **_of(each)} for each in message.scopes
        ],
        "escrows": [{"regulator": each.regulator.hex(), **_of(each)} for each in message.escrows],
        "lists": [each.hex() for each in message.lists],
        "foreign": message.foreign,
        "receipt": message.receipt,
        **({"standing": standing} if message.HasField("standing") else {}),
    }


def _of(message: pb.AllowedScope | pb.AllowedEscrow) -> Json:
    if not message.HasField("of"):
        return {}
    return {"of": {"item": message.of.item, "attribute": message.of.attribute}}


def _cleared(*fields: str) -> Change:
    def change(message: pb.Policy) -> None:
        for each in fields:
            message.ClearField(each)  # type: ignore[arg-type]

    return change


def _all(*changes: Change) -> Change:
    def change(message: pb.Policy) -> None:
        for each in changes:
            each(message)

    return change


def _reversed(message: pb.Policy) -> None:
    """Turn around what has an order, down to attributes and members."""
    for repeated in (message.items, message.scopes, message.escrows, message.lists):
        repeated.reverse()
    for item in message.items:
        item.shown.reverse()
        item.proven.reverse()
    for scope in message.scopes:
        scope.members.reverse()


def _set(part: Callable[[pb.Policy], object], **values: object) -> Change:
    """Return what sets fields of a part of a message."""

    def change(message: pb.Policy) -> None:
        for field, value in values.items():
            setattr(part(message), field, value)

    return change


_ITEM: Final = "departments/hrss/schemas/other"
_CHANGES: Final[dict[str, Change]] = {
    "all of it the other way round": _reversed,
    "more of everything, in no order": _all(
        lambda it: it.items.add(
            item="departments/hrss/schemas/a_item", shown=["b", "a", "b"], proven=["c", "a", "c"]
        ),
        lambda it: it.items.add(item="departments/a-b/schemas/x"),
        lambda it: it.items.add(item="departments/a/schemas/x"),
        lambda it: it.scopes.add(label="enrol-2026", members=["verifiers/b", "verifiers/a"]),
        lambda it: it.scopes.add(label="a"),
        lambda it: it.escrows.add(regulator=bytes(32), of=pb.AllowedAttribute(item=_ITEM, attribute="z")),
        lambda it: it.escrows.add(regulator=bytes(32), of=pb.AllowedAttribute(item=_ITEM, attribute="a")),
        lambda it: it.lists.extend([b"\xff" * 32, bytes(32)]),
    ),
    "nothing but an item": _cleared("scopes", "escrows", "lists", "foreign", "standing"),
    "no text of the purpose": _cleared("purpose_text"),
    "no legal basis": _cleared("legal_basis", "items"),
    "no text, and no legal basis": _cleared("purpose_text", "legal_basis"),
    "an empty text": _set(lambda it: it.purpose_text, zh=""),
    "an empty legal basis": lambda it: it.legal_basis.CopyFrom(attribute_pb2.LocalizedText(zh="x")),
    "no name": _cleared("name"),
    "a name of a purpose": _set(lambda it: it, name="purposes/x"),
    "no purpose": _cleared("purpose"),
    "a wrong purpose, and a wrong name": _set(lambda it: it, name="x", purpose="x"),
    "kept for ever": _set(lambda it: it, retention_days=36_526),
    "no items": _cleared("items"),
    "an item twice": lambda it: it.items.append(it.items[1]),
    "an item with its version": _set(lambda it: it.items[1], item="departments/hrss/schemas/x@1"),
    "an item of nobody": _set(lambda it: it.items[1], item="schemas/x"),
    "an item of a department in capitals": _set(lambda it: it.items[0], item="departments/A/schemas/x"),
    "shown in capitals": lambda it: it.items[2].shown.append("A"),
    "proven in capitals": lambda it: it.items[2].proven.append("A"),
    "too much shown": lambda it: it.items[0].shown.extend(f"a{each:03}" for each in range(129)),
    "a scope twice": lambda it: it.scopes.append(it.scopes[1]),
    "a scope in capitals": _set(lambda it: it.scopes[1], label="A"),
    "a scope of one member": lambda it: it.scopes[0].members.append("verifiers/a"),
    "a member twice": lambda it: it.scopes[0].members.extend(["verifiers/a"] * 2),
    "a member that is none": lambda it: it.scopes[1].members.append("departments/a"),
    "a wrong subject, and a wrong member": _all(
        lambda it: it.scopes[1].members.append("x"),
        _set(lambda it: it.scopes[1].of, item="x"),
    ),
    "a subject in capitals": _set(lambda it: it.scopes[1].of, attribute="A"),
    "an escrow of nothing": lambda it: it.escrows[0].ClearField("of"),
    "an escrow of a wrong item": _set(lambda it: it.escrows[0].of, item="x"),
    "an escrow for a short digest": _set(lambda it: it.escrows[0], regulator=bytes(31)),
    "an escrow of a wrong item for a short digest": _all(
        _set(lambda it: it.escrows[0].of, attribute=""),
        _set(lambda it: it.escrows[0], regulator=b""),
    ),
    "an escrow twice": lambda it: it.escrows.append(it.escrows[0]),
    "a list twice": lambda it: it.lists.append(it.lists[0]),
    "a short digest of a list": lambda it: it.lists.append(b"x"),
    "never": _set(lambda it: it.standing, times=0),
    "too many days apart": _set(lambda it: it.standing, interval_days=36_526),
    "for no day": _set(lambda it: it.standing, days=0),
    "pending": _set(lambda it: it, receipt=pb.Policy.RECEIPT_PENDING),
    "anchored": _set(lambda it: it, receipt=pb.Policy.RECEIPT_ANCHORED),
    "ordered": _set(lambda it: it, receipt=pb.Policy.RECEIPT_ORDERED),
    "another state": _set(lambda it: it, receipt=4),
    "a state below none": _set(lambda it: it, receipt=-1),
    "another state, and a wrong name": _set(lambda it: it, receipt=4, name="x"),
    "another state, and wrong limits": _all(
        _set(lambda it: it, receipt=4), _set(lambda it: it.standing, times=0)
    ),
}
