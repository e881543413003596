"""Errands as messages, for their holders and for their counters; and what is sealed of them."""

import datetime as dt
from typing import Final

from disclosure import LocalizedText, MalformedError, Reason, canonical
from wire.convert import moment_to, signed_request_to, text_to
from wire.errand import bundle_to
from zkproto.v1 import errand_pb2 as pb
from zkservice.keys import Keys
from zkservice.storage.errand_bundles import StoredBundle
from zkservice.storage.errands import Ask, Errand, ErrandState, Part, PartState, Update

_TOLD_LABEL: Final = "zk-disclosure/errand-told/v1"
PART_STATES: Final = {
    PartState.WAITING: pb.ERRAND_PART_STATE_WAITING,
    PartState.ASKED: pb.ERRAND_PART_STATE_ASKED,
    PartState.SUBMITTED: pb.ERRAND_PART_STATE_SUBMITTED,
    PartState.RECEIVED: pb.ERRAND_PART_STATE_RECEIVED,
    PartState.IN_PROGRESS: pb.ERRAND_PART_STATE_IN_PROGRESS,
    PartState.DONE: pb.ERRAND_PART_STATE_DONE,
    PartState.REJECTED: pb.ERRAND_PART_STATE_REJECTED,
}
_ERRAND_STATES: Final = {
    ErrandState.OPEN: pb.Errand.STATE_OPEN,
    ErrandState.SUBMITTED: pb.Errand.STATE_SUBMITTED,
    ErrandState.ABANDONED: pb.Errand.STATE_ABANDONED,
    ErrandState.EXPIRED: pb.Errand.STATE_EXPIRED,
    ErrandState.DONE: pb.Errand.STATE_DONE,
}
ENDED: Final = frozenset({ErrandState.ABANDONED, ErrandState.EXPIRED, ErrandState.DONE})


def bundle_message(stored: StoredBundle) -> pb.ErrandBundle:
    """Return a bundle's message, without its proof."""
    message = bundle_to(stored.bundle)
    message.create_time.CopyFrom(moment_to(stored.created))
    return message


def told_octets(request: pb.UpdateErrandPartRequest) -> bytes:
    """Return what a counter tells, to be sealed; MalformedError VALUE_INVALID."""
    message = None
    if request.HasField("message"):
        message = LocalizedText(request.message.zh, request.message.en).items()
    return canonical.encode(_TOLD_LABEL, message, request.document, request.offer_link)


def update_label(part: str) -> str:
    """Return the label that what a counter tells is sealed under, by the part's identifier."""
    return f"errand-update/{part}"


def update_message(keys: Keys, part: Part, update: Update) -> pb.ErrandUpdate:
    """Return what a counter told."""
    octets = keys.open(update_label(part.id), update.sealed)
    message = pb.ErrandUpdate(state=PART_STATES[update.state], time=moment_to(update.created))
    match canonical.decode(_TOLD_LABEL, octets):
        case [text, str(document), str(link)]:
            message.document, message.offer_link = document, link
            if isinstance(text, list):
                zh, en = text
                message.message.CopyFrom(text_to(LocalizedText(str(zh), str(en))))
            return message
    raise MalformedError(Reason.MALFORMED, "the octets are nothing that a counter told")


def ask_message(ask: Ask) -> pb.ErrandAsk:
    """Return what a counter asked."""
    return pb.ErrandAsk(
        signed_request=signed_request_to(ask.exchange.signed),
        form_key=ask.form_key,
        ask_signature=ask.signature,
    )


def errand_message(keys: Keys, errand: Errand, updates: dict[str, list[Update]]) -> pb.Errand:
    """Return an errand as its holder sees it; `updates` has what was told of each part."""
    return pb.Errand(
        name=f"errands/{errand.id}",
        bundle=str(errand.bundle.name),
        state=_ERRAND_STATES[errand.state],
        expire_time=moment_to(errand.expires),
        parts=[
            pb.ErrandPartStatus(
                name=each.name,
                part=each.part,
                state=_state(errand, each),
                ask=ask_message(each.ask) if _is_asked(errand, each) and each.ask is not None else None,
                updates=[update_message(keys, each, one) for one in updates[each.id]],
            )
            for each in errand.parts
        ],
    )


def part_message(errand: Errand, part: Part) -> pb.ErrandPart:
    """Return a part as its counter sees it, without what was answered.

    Nothing in it is the errand's own: the time is cut to the hour, or two counters could match parts by it.
    """
    message = pb.ErrandPart(
        name=part.name,
        bundle=str(errand.bundle.name),
        part=part.part,
        state=_state(errand, part),
        ready=errand.is_ready(part.part),
        expire_time=moment_to(_hour(errand.expires)),
    )
    if part.ask is not None and part.state is not PartState.WAITING:
        message.ask.CopyFrom(ask_message(part.ask))
        message.sealed_form = part.ask.sealed_form or b""
    return message


def _is_asked(errand: Errand, part: Part) -> bool:
    return part.state is PartState.ASKED and errand.state not in ENDED


def _state(errand: Errand, part: Part) -> pb.ErrandPartState.ValueType:
    if errand.state in (ErrandState.ABANDONED, ErrandState.EXPIRED):
        return pb.ERRAND_PART_STATE_ENDED
    return PART_STATES[part.state]


def _hour(moment: dt.datetime) -> dt.datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
