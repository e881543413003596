"""Registered policies as messages, and back."""

from typing import Final

from disclosure import MalformedError, PolicyName, Reason, VerifierName
from disclosure.policy import (
    AllowedAttribute,
    AllowedEscrow,
    AllowedItem,
    AllowedScope,
    RegisteredPolicy,
    StandingLimits,
)
from tlog import ReceiptState
from wire.convert import each_within, text_of, text_to, within
from zkproto.v1 import policy_pb2 as pb

_RECEIPTS: Final = {
    pb.Policy.RECEIPT_UNSPECIFIED: None,
    pb.Policy.RECEIPT_PENDING: ReceiptState.PENDING,
    pb.Policy.RECEIPT_ANCHORED: ReceiptState.ANCHORED,
    pb.Policy.RECEIPT_ORDERED: ReceiptState.ORDERED,
}
_NUMBERS: Final = {state: number for number, state in _RECEIPTS.items()}


def policy_to(policy: RegisteredPolicy) -> pb.Policy:
    """Return the message of a policy, without state, time and proof."""
    return pb.Policy(
        name=str(policy.name),
        purpose=policy.purpose,
        purpose_text=text_to(policy.purpose_text),
        legal_basis=text_to(policy.legal_basis),
        retention_days=policy.retention_days,
        items=[pb.AllowedItem(item=str(each), shown=each.shown, proven=each.proven) for each in policy.items],
        scopes=map(_scope_to, policy.scopes),
        escrows=[
            pb.AllowedEscrow(regulator=each.regulator, of=_attribute_to(each.of)) for each in policy.escrows
        ],
        lists=policy.lists,
        foreign=policy.foreign,
        standing=None if policy.standing is None else _standing_to(policy.standing),
        receipt=_NUMBERS[policy.receipt],
    )


def policy_of(message: pb.Policy, name: PolicyName | None = None) -> RegisteredPolicy:
    """Return the policy of a message, in the order that policies have, whatever order the message has.

    `name` is given where the message has none yet. Raises MalformedError with the path in the message.
    """
    for field in ("purpose_text", "legal_basis"):
        if not message.HasField(field):
            raise MalformedError(Reason.POLICY_INVALID, "the text is missing", field=field)
    with within("purpose_text"):
        purpose_text = text_of(message.purpose_text)
    with within("legal_basis"):
        legal_basis = text_of(message.legal_basis)
    items = each_within("items", message.items, _item)
    scopes = each_within("scopes", message.scopes, _scope)
    escrows = each_within("escrows", message.escrows, _escrow)
    with within("standing"):
        standing = _standing(message.standing) if message.HasField("standing") else None
    if message.receipt not in _RECEIPTS:
        raise MalformedError(Reason.POLICY_INVALID, "no such state of a receipt is known", field="receipt")
    return RegisteredPolicy(
        PolicyName.parse(message.name, field="name") if name is None else name,
        message.purpose,
        purpose_text,
        legal_basis,
        message.retention_days,
        tuple(sorted(items, key=str)),
        tuple(sorted(scopes, key=lambda each: each.order)),
        tuple(sorted(escrows)),
        tuple(sorted(message.lists)),
        message.foreign,
        standing,
        _RECEIPTS[message.receipt],
    )


def _item(message: pb.AllowedItem) -> AllowedItem:
    return AllowedItem.parse(message.item, message.shown, message.proven, field="item")


def _scope(message: pb.AllowedScope) -> AllowedScope:
    members = (VerifierName.parse(each, field="members") for each in message.members)
    of = _attribute(message.of) if message.HasField("of") else None
    return AllowedScope(message.label, tuple(sorted(members, key=str)), of)


def _scope_to(scope: AllowedScope) -> pb.AllowedScope:
    of = None if scope.of is None else _attribute_to(scope.of)
    return pb.AllowedScope(label=scope.label, members=map(str, scope.members), of=of)


def _escrow(message: pb.AllowedEscrow) -> AllowedEscrow:
    if not message.HasField("of"):
        raise MalformedError(Reason.POLICY_INVALID, "what is escrowed is missing", field="of")
    return AllowedEscrow(message.regulator, _attribute(message.of))


def _attribute(message: pb.AllowedAttribute) -> AllowedAttribute:
    with within("of"):
        return AllowedAttribute.parse(message.item, message.attribute, field="item")


def _attribute_to(attribute: AllowedAttribute) -> pb.AllowedAttribute:
    return pb.AllowedAttribute(item=attribute.item_name, attribute=attribute.attribute)


def _standing_to(limits: StandingLimits) -> pb.StandingLimits:
    return pb.StandingLimits(times=limits.times, interval_days=limits.interval_days, days=limits.days)


def _standing(message: pb.StandingLimits) -> StandingLimits:
    return StandingLimits(message.times, message.interval_days, message.days)
