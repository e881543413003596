"""What counters do with their parts of errands: see them, ask, and tell how far they have come.

A counter is let to its own parts and is told of no other that it exists. What it sees of a part is named by
the part's own random name; nothing in it is the errand's or another counter's.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from disclosure import OfferLink, Reason, RefusedError, canonical
from disclosure.composite import CompositeRequest, is_composite
from disclosure.errand import Counter, ErrandBundleName, PartName
from wire.convert import moment_to, signed_request_of, within
from wire.errand import part_ask_of
from zkproto.v1 import errand_pb2 as pb
from zkservice.composite_judging import OpenedRequest
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import check_request_id, fresh_id, placed, required
from zkservice.keys import presentation_label
from zkservice.moments import whole_ms
from zkservice.services.accepting import receipt_of
from zkservice.services.answers import verified_state
from zkservice.services.asking import Asking
from zkservice.services.errand_messages import PART_STATES, part_message, told_octets, update_label
from zkservice.storage import errand_bundles, errand_parts, exchanges, parties, policies
from zkservice.storage.errand_parts import Active, Told
from zkservice.storage.errands import Ask, Errand, Part, PartState
from zkservice.storage.exchanges import Exchange
from zkservice.storage.statistics import Concerned

_POLL: Final = dt.timedelta(seconds=5)
_BELLS: Final = 16
"""A counter may have several desks, and some that broke and linger."""
_MAX_DOCUMENT: Final = 200
_TOLD_LABEL: Final = "zk-disclosure/errand-told-call/v1"
_TELLABLE: Final = {
    PART_STATES[each]: each
    for each in (PartState.RECEIVED, PartState.IN_PROGRESS, PartState.DONE, PartState.REJECTED)
}


def bell_of(verifier: str) -> str:
    """Return the key of the bell that rings when something of a counter's has changed."""
    return f"errand-parts/{verifier}"


class Counters:
    """The half of ErrandService that counters call."""

    def __init__(self, context: Context, asking: Asking) -> None:
        self._context, self._asking = context, asking

    async def _party(self, context: Any) -> str:
        return await self._context.access.party(context, "verifiers")

    async def watch(self, request: pb.WatchErrandPartsRequest, context: Any) -> AsyncIterator[pb.ErrandPart]:
        """Stream a counter's parts: those that it has to do something about, then whatever changes."""
        verifier = await self._party(context)
        bundle = str(ErrandBundleName.parse(request.bundle, field="bundle"))
        await self._context.database.read(lambda each: errand_bundles.get(each, bundle, field="bundle"))
        watching, told = self._context.watching, dict[str, tuple[int, bool]]()
        with watching.stream("errand-parts"), watching.bell(bell_of(verifier), _BELLS) as bell:
            while True:
                bell.clear()
                seen = dict[str, tuple[int, bool]]()
                async for each in self._active(verifier, bundle):
                    seen[each.id] = each.revision, each.ended
                    if told.get(each.id) != seen[each.id]:
                        yield await self._message(verifier, each.id)
                for part in [each for each in told if each not in seen]:
                    yield await self._message(verifier, part)
                told = seen
                watching.check()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL.total_seconds()):
                        await bell.wait()

    async def _active(self, verifier: str, bundle: str) -> AsyncIterator[Active]:
        """Give all parts that a counter has to do something about, read some at a time."""
        after = None
        while found := await self._context.database.read(
            partial(
                errand_parts.active, verifier=verifier, bundle=bundle, now=self._context.now(), after=after
            )
        ):
            for each in found:
                yield each
            after = found[-1].place

    async def _message(self, verifier: str, part_id: str) -> pb.ErrandPart:
        """Return a part with what was answered, once the receipt of that stands on the ledger."""

        def read(connection: Connection) -> tuple[Errand, Part, exchanges.Answer | None]:
            errand, part = errand_parts.own(connection, verifier, part_id, self._context.now())
            answered = part.state not in (PartState.WAITING, PartState.ASKED) and part.ask is not None
            answer = exchanges.answer_of(connection, part.ask.exchange.id) if answered and part.ask else None
            return errand, part, answer

        errand, part, answer = await self._context.database.read(read)
        message = part_message(errand, part)
        if answer is not None and part.ask is not None:
            _, receipt = await receipt_of(self._context, answer)
            label = presentation_label(answer.exchange)
            octets = self._context.keys.open(label, answer.sealed_presentation)
            message.answer.CopyFrom(verified_state(part.ask.exchange.signed, octets, receipt))
        return message

    async def ask(self, request: pb.AskErrandPartRequest, context: Any) -> pb.AskErrandPartResponse:
        """Open an exchange for a counter's own request that only the part's errand can answer."""
        verifier, name = await self._party(context), PartName.parse(request.part, field="part")
        required(request.HasField("ask"), "ask")
        request_id, now = check_request_id(request.request_id), whole_ms(self._context.now())
        errand, _, key = await self._context.database.read(
            lambda each: (*errand_parts.own(each, verifier, name.id, now), parties.public_key(each, verifier))
        )
        counter = next(each for each in errand.bundle.counters if _is(errand, name, each))
        with within("ask.signed_request"):
            signed = signed_request_of(request.ask.signed_request)
        with placed("ask"):
            opened = await self._asking.opened(signed, now)
            if str(opened.verifier) != verifier:
                detail = "the request is another verifier's"
                raise RefusedError(Reason.REQUEST_MISMATCH, detail, field="signed_request.verifier")
            _check_policy(opened, signed.payload if is_composite(signed) else None, counter)
            tie = part_ask_of(request.ask, name, errand.bundle.name, counter.part, opened.digest)
            _check_form_key(request.ask.form_key, counter)
            tie.check(request.ask.ask_signature, key or b"")
        made = Exchange(
            id=fresh_id(),
            verifier=verifier,
            request_id=request_id,
            request_digest=opened.digest,
            signed=signed,
            created=now,
            expires=opened.expires,
        )
        form_key, signature = bytes(request.ask.form_key), bytes(request.ask.ask_signature)

        def tied(connection: Connection) -> Exchange:
            found, part = errand_parts.own(connection, verifier, name.id, self._context.now())
            concerned = Concerned(verifier, str(counter.policy), opened.departments)
            kept = exchanges.add(connection, made, concerned)
            if kept is made:
                with placed("ask.signed_request"):
                    policies.check_active(connection, counter.policy)
            asked = Ask(kept, form_key, signature)
            errand_parts.ask(connection, found, part, asked, fresh=kept is made)
            return kept

        kept = await self._context.database.write(tied)
        self._ring(errand, verifier)
        return pb.AskErrandPartResponse(
            exchange=f"exchanges/{kept.id}",
            result_token=self._context.keys.token("result", kept.id),
            expire_time=moment_to(kept.expires),
        )

    async def tell(self, request: pb.UpdateErrandPartRequest, context: Any) -> pb.ErrandPart:
        """Tell the holder how far a part has come; told twice it stands there once."""
        verifier, name = await self._party(context), PartName.parse(request.part, field="part")
        told = self._told(request, name)
        now = whole_ms(self._context.now())

        def keep(connection: Connection) -> tuple[Errand, tuple[str, ...]]:
            errand, part = errand_parts.own(connection, verifier, name.id, now)
            return errand, errand_parts.tell(connection, errand, part, told, now)

        errand, others = await self._context.database.write(keep)
        self._ring(errand, verifier, *others)
        return await self._message(verifier, name.id)

    def _told(self, request: pb.UpdateErrandPartRequest, name: PartName) -> Told:
        if request.state not in _TELLABLE:
            detail = "a counter tells RECEIVED, IN_PROGRESS, DONE or REJECTED"
            raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="state")
        state = _TELLABLE[request.state]
        required(state is not PartState.REJECTED or request.HasField("message"), "message")
        if len(request.document.encode()) > _MAX_DOCUMENT or not request.document.isprintable():
            detail = (
                f"a document's number has at most {_MAX_DOCUMENT} octets, none of them control characters"
            )
            raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="document")
        if request.offer_link:
            with within("offer_link"):
                OfferLink.parse(request.offer_link)
        with within("message"):
            octets = told_octets(request)
        digest = canonical.digest(_TOLD_LABEL, canonical.encode(_TOLD_LABEL, state.value, octets))
        sealed = self._context.keys.seal(update_label(name.id), octets)
        return Told(state, check_request_id(request.request_id), digest, sealed)

    def _ring(self, errand: Errand, *verifiers: str) -> None:
        self._context.watching.ring(f"errands/{errand.id}")
        for each in verifiers:
            self._context.watching.ring(bell_of(each))


def _is(errand: Errand, name: PartName, counter: Counter) -> bool:
    return any((each.id, each.part) == (name.id, counter.part) for each in errand.parts)


def _check_policy(opened: OpenedRequest, composite: bytes | None, counter: Counter) -> None:
    """Raise unless a request names the policy that the bundle says; RefusedError REQUEST_MISMATCH.

    A request of the composite form that was opened before comes without its policy, which is read again.
    """
    policy = opened.policy
    if policy is None and composite is not None:
        policy = CompositeRequest.from_bytes(composite).policy
    if policy != counter.policy:
        detail = f"the bundle says that this counter asks by {counter.policy}"
        raise RefusedError(Reason.REQUEST_MISMATCH, detail, field="signed_request.policy")


def _check_form_key(form_key: bytes, counter: Counter) -> None:
    if bool(form_key) != bool(counter.fields):
        detail = "there is a form key if, and only if, the bundle has fields for this counter"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="ask.form_key")
