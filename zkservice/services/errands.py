"""ErrandService: a holder asks once and submits once, each counter gets its part, the holder follows all.

A submission is judged part by part outside any transaction; one transaction then keeps every part's answer,
what was seen in them, the receipts' entries and the event that says that the errand was submitted: all of it
or nothing, whatever happens to the service meanwhile. What is sent again is answered from what is stored.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from disclosure import DisclosureError, canonical, civil_date
from disclosure.errand import ErrandBundleName, abandonment_digest, submission_digest
from disclosure.errand.form import check_sealed
from disclosure.event import EventKind
from wire.convert import moment_to, within
from wire.errand import bundle_of
from zkproto.v1 import errand_pb2 as pb
from zkproto.v1.errand_pb2_grpc import ErrandServiceServicer
from zkservice.attempts import StoredAttempts
from zkservice.context import Context
from zkservice.desk import Desk
from zkservice.errors import ServiceError, ServiceReason
from zkservice.events import Happening, receipt
from zkservice.fields import check_request_id, fresh_id, required, resource_id
from zkservice.judging import Judgement
from zkservice.listing import listed
from zkservice.moments import whole_ms
from zkservice.services.accepting import Acceptance, judged, receipt_of
from zkservice.services.answers import Submitted, presentation_digest
from zkservice.services.asking import Asking
from zkservice.services.batch import judgement
from zkservice.services.errand_counters import Counters, bell_of
from zkservice.services.errand_messages import ENDED, bundle_message, errand_message
from zkservice.services.errand_refusing import refused
from zkservice.storage import errand_bundles, errands, exchanges, statistics
from zkservice.storage.errand_bundles import StoredBundle
from zkservice.storage.errands import Errand, Part, Update
from zkservice.storage.events import Event
from zkservice.storage.exchanges import Answer
from zkservice.storage.statistics import Concerned, What
from zkservice.tasks import Done

LIFETIME: Final = dt.timedelta(hours=24)
"""How long an errand waits for its submission."""
MAX_WAITING: Final = 10_000
"""So many errands of a bundle wait at once: anybody may start one."""
_POLL: Final = dt.timedelta(seconds=5)
_START_LABEL: Final = "zk-disclosure/errand-start/v1"


class ErrandService(ErrandServiceServicer):
    """No holder is ever authenticated here: a ticket is good for one errand."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._submitted, self._asked = (
            Desk[Judgement](context.judges, context.directories.supplies, lambda job: job.proofs)
            for _ in range(2)
        )
        self._counters = Counters(context, Asking(context, self._asked))
        self._attempts = StoredAttempts(context.database, context.clock)

    # Bundles

    async def CreateErrandBundle(self, request: pb.CreateErrandBundleRequest, context: Any) -> Any:
        """Register a bundle; answered once its record stands on the ledger."""
        await self._context.access.admin(context)
        required(request.HasField("errand_bundle"), "errand_bundle")
        name = ErrandBundleName.parse(f"errandBundles/{request.errand_bundle_id}", field="errand_bundle_id")
        with within("errand_bundle"):
            bundle = bundle_of(request.errand_bundle, name)
        stored = await self._context.database.write(
            lambda connection: errand_bundles.add(connection, bundle, self._context.now())
        )
        return await self._proven(stored)

    async def GetErrandBundle(self, request: pb.GetErrandBundleRequest, context: Any) -> Any:
        """One bundle."""
        name = str(ErrandBundleName.parse(request.name, field="name"))
        return await self._proven(
            await self._context.database.read(lambda each: errand_bundles.get(each, name))
        )

    async def ListErrandBundles(self, request: pb.ListErrandBundlesRequest, context: Any) -> Any:
        """A page of bundles."""
        page, token = await listed(
            self._context, request, "errand bundles", errand_bundles.listed, bundle_message
        )
        return pb.ListErrandBundlesResponse(errand_bundles=page, next_page_token=token)

    async def _proven(self, stored: StoredBundle) -> pb.ErrandBundle:
        """Return the message once the record stands on the ledger: nobody is shown one that does not."""
        message = bundle_message(stored)
        message.proof = await self._context.proofs.of(stored.outbox)
        return message

    # The holder

    async def StartErrand(self, request: pb.StartErrandRequest, context: Any) -> Any:
        """Begin an errand; the same call sent again gets the same one."""
        request_id, now = check_request_id(request.request_id), whole_ms(self._context.now())
        bundle = str(ErrandBundleName.parse(request.bundle, field="bundle"))
        mark = self._context.keys.fingerprint(canonical.encode(_START_LABEL, request_id))
        errand_id = fresh_id()

        def begun(connection: Connection) -> Errand:
            return errands.start(
                connection, errand_id, mark, bundle, fresh_id, now, LIFETIME,
                MAX_WAITING,
            )  # fmt: skip

        # Whoever starts is nobody, so what a read can tell must not cost a write: one that is refused undoes
        # the group that it was in.
        errand = await self._context.database.read(
            lambda each: errands.started(each, mark, bundle, now, MAX_WAITING)
        )
        if errand is None:
            errand = await self._context.database.write(begun)
            self._ring(errand)
        return pb.StartErrandResponse(
            errand=f"errands/{errand.id}",
            ticket=self._context.keys.token("errand", errand.id),
            expire_time=moment_to(errand.expires),
        )

    async def GetErrand(self, request: pb.GetErrandRequest, context: Any) -> Any:
        """An errand as it is now."""
        return await self._message(self._id(request.errand, request.ticket))

    async def WatchErrand(self, request: pb.WatchErrandRequest, context: Any) -> AsyncIterator[pb.Errand]:
        """Stream an errand: as it is, and at each change until it has ended."""
        errand_id, watching = self._id(request.errand, request.ticket), self._context.watching
        told = b""
        with watching.stream("errands", anybodys=True), watching.bell(f"errands/{errand_id}") as bell:
            while True:
                bell.clear()
                errand, updates = await self._context.database.read(lambda each: self._read(each, errand_id))
                message = errand_message(self._context.keys, errand, updates)
                if (octets := message.SerializeToString(deterministic=True)) != told:
                    yield message
                    told = octets
                if errand.state in ENDED:
                    return
                watching.check()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL.total_seconds()):
                        await bell.wait()

    async def RetryErrandPart(self, request: pb.RetryErrandPartRequest, context: Any) -> Any:
        """Open a rejected part again."""
        errand_id = self._id(request.errand, request.ticket)
        now = self._context.now()

        def opened(connection: Connection) -> Errand:
            errand = errands.get(connection, errand_id, now)
            errands.retry(connection, errand, request.part)
            return errand

        self._ring(await self._context.database.write(opened))
        return await self._message(errand_id)

    async def AbandonErrand(self, request: pb.AbandonErrandRequest, context: Any) -> Any:
        """End an errand that was not submitted; answered once that stands on the ledger."""
        errand_id, now = self._id(request.errand, request.ticket), self._context.now()
        request_id = check_request_id(request.request_id)
        errand = await self._context.database.read(lambda each: errands.get(each, errand_id, now))
        about = abandonment_digest(f"errands/{errand_id}")
        happening = self._happening(EventKind.DECLINED, errand, about, request_id, request.holder_note)

        def ended(connection: Connection) -> Event:
            before = happening.earlier(connection)
            if before is not None:
                return before
            errands.abandon(connection, errands.get(connection, errand_id, self._context.now()))
            return happening.keep(connection, self._context)

        event = await self._context.database.write(ended)
        self._ring(errand)
        _, octets = await receipt(self._context, event)
        return pb.AbandonErrandResponse(receipt=octets)

    async def RefuseErrandPart(self, request: pb.RefuseErrandPartRequest, context: Any) -> Any:
        """Refuse what asks more than its policy; answered once that stands on the ledger."""
        errand_id = self._id(request.errand, request.ticket)
        octets, errand = await refused(self._context, errand_id, request)
        self._ring(errand)
        return pb.RefuseErrandPartResponse(receipt=octets)

    async def SubmitErrand(self, request: pb.SubmitErrandRequest, context: Any) -> Any:
        """Judge every part, accept all or none; answered once all receipts stand on the ledger."""
        errand_id = self._id(request.errand, request.ticket)
        request_id = check_request_id(request.request_id)
        required(len(request.answers) > 0, "answers")
        errand = await self._context.database.read(
            lambda each: errands.get(each, errand_id, self._context.now())
        )
        names, about = [each.part for each in request.answers], _about(request.answers)
        happening = self._happening(
            EventKind.ERRAND_SUBMITTED, errand, about, request_id, request.holder_note
        )
        kept = await self._context.database.read(
            lambda connection: _earlier(connection, errand, happening, names, request_id)
        )
        if kept is None:
            made = await self._judged(errand, request, errands.chosen(errand, names))
            kept = await self._context.database.write(
                lambda connection: self._accept(connection, errand_id, request, made, happening)
            )
            self._ring(errand)
            for exchange in [each.exchange for each in kept[1]]:
                self._context.watching.ring(exchange)
        event, answers = kept
        receipts = [(await receipt_of(self._context, each))[1] for each in answers]
        _, submission = await receipt(self._context, event)
        return pb.SubmitErrandResponse(receipts=receipts, receipt=submission)

    async def _judged(
        self, errand: Errand, request: pb.SubmitErrandRequest, parts: Sequence[Part]
    ) -> list[Acceptance]:
        """Return what is to be kept of each part; raises what is wrong with the first that does not hold."""
        now, made, jobs = whole_ms(self._context.now()), list[Acceptance](), list[Judgement]()
        for place, (answer, part) in enumerate(zip(request.answers, parts, strict=True)):
            with _at(place):
                exchange = _asked(part)
                exchange.check_time(now)
                moment = _moment(exchange, now)
                submitted = Submitted.of(exchange.signed, answer)
                submitted.check_note(answer.holder_note)
                _check_form(answer, part)
            made.append(
                Acceptance.of(
                    self._context.keys, exchange, submitted, request.request_id, answer.holder_note, moment
                )
            )
            jobs.append(judgement(judged(exchange, answer), moment, opened=True))
        for place, each in enumerate(made):
            with _at(place):
                await self._context.database.read(partial(exchanges.check_unseen, digests=each.seen))
        async with self._attempts.one(errand.id):
            with self._submitted.room(len(jobs)):
                verdicts = await self._submitted.many(jobs)
            for place, verdict in enumerate(verdicts):
                with _at(place):
                    if not isinstance(verdict, Done):
                        raise verdict
        return made

    def _accept(
        self,
        connection: Connection,
        errand_id: str,
        request: pb.SubmitErrandRequest,
        made: Sequence[Acceptance],
        happening: Happening,
    ) -> tuple[Event, list[Answer]]:
        """Keep all parts, in one transaction; what was judged is still what is asked.

        A part that was asked anew while it was judged has another exchange now: it is refused.
        """
        now, names = self._context.now(), [each.part for each in request.answers]
        errand = errands.get(connection, errand_id, now)
        before = _earlier(connection, errand, happening, names, request.request_id)
        if before is not None:
            return before
        answers = list[Answer]()
        parts = errands.chosen(errand, names)
        for place, (answer, part, each) in enumerate(zip(request.answers, parts, made, strict=True)):
            with _at(place):
                if _asked(part).id != each.exchange.id:
                    detail = "the part's counter has asked anew meanwhile"
                    raise ServiceError(ServiceReason.PART_STATE_INVALID, detail, field="part")
                answers.append(each.keep(connection, now))
            errands.hand_in(connection, errand, part, answer.sealed_form or None, now)
            policy = str(errand.bundle.counter(part.part).policy)
            concerned = Concerned(part.verifier, policy)
            statistics.count_all(connection, civil_date(now), concerned, What.SUBMITTED)
        return happening.keep(connection, self._context), answers

    def _happening(
        self, kind: EventKind, errand: Errand, about: bytes, request_id: str, note: bytes
    ) -> Happening:
        scope, party = f"errands/{errand.id}", str(errand.bundle.name)
        return Happening.of(self._context, kind, party, about, scope, request_id, bytes(note))

    def _id(self, name: str, ticket: str) -> str:
        """Return the identifier of an errand to whoever has its ticket."""
        errand_id = resource_id(name, "errands", field="errand")
        if not self._context.keys.is_token(ticket, "errand", errand_id):
            raise errands.unknown_errand()
        return errand_id

    def _read(self, connection: Connection, errand_id: str) -> tuple[Errand, dict[str, list[Update]]]:
        errand = errands.get(connection, errand_id, self._context.now())
        return errand, {each.id: errands.updates(connection, each.id) for each in errand.parts}

    async def _message(self, errand_id: str) -> pb.Errand:
        errand, updates = await self._context.database.read(lambda each: self._read(each, errand_id))
        return errand_message(self._context.keys, errand, updates)

    def _ring(self, errand: Errand) -> None:
        self._context.watching.ring(f"errands/{errand.id}")
        for each in errand.parts:
            self._context.watching.ring(bell_of(each.verifier))

    # The counters

    async def WatchErrandParts(
        self, request: pb.WatchErrandPartsRequest, context: Any
    ) -> AsyncIterator[pb.ErrandPart]:
        """Stream a counter's parts."""
        async for each in self._counters.watch(request, context):
            yield each

    async def AskErrandPart(self, request: pb.AskErrandPartRequest, context: Any) -> Any:
        """Take a counter's request for a part."""
        return await self._counters.ask(request, context)

    async def UpdateErrandPart(self, request: pb.UpdateErrandPartRequest, context: Any) -> Any:
        """Tell the holder how far a part has come."""
        return await self._counters.tell(request, context)


@contextmanager
def _at(place: int) -> Iterator[None]:
    """Say of whatever is refused inside which of the answers it is."""
    at = f"answers[{place}]"
    try:
        yield
    except DisclosureError as error:
        raise error.moved(lambda inner: f"{at}.{inner}" if inner else at) from None
    except ServiceError as error:
        field = f"{at}.{error.field}" if error.field else at
        raise ServiceError(ServiceReason(error.reason), error.detail, field=field) from None


def _asked(part: Part) -> exchanges.Exchange:
    if part.ask is None:  # `errands.chosen` gave it, so it was asked
        raise ServiceError(ServiceReason.INTERNAL, "a part without an ask was chosen")
    return part.ask.exchange


def _moment(exchange: exchanges.Exchange, now: dt.datetime) -> dt.datetime:
    """Return when a part was judged, as its receipt says: the minute, or when it was asked within that.

    Every counter gets the receipt of its own part. With a millisecond in each, two counters would know the
    parts of one errand by it.
    """
    return max(now.replace(second=0, microsecond=0), exchange.created)


def _check_form(answer: pb.ErrandAnswer, part: Part) -> None:
    """A form comes with a part whose counter gave a key for it, and with no other."""
    wanted = part.ask is not None and bool(part.ask.form_key)
    if wanted:
        required(bool(answer.sealed_form), "sealed_form")
        check_sealed(answer.sealed_form)
    elif answer.sealed_form:
        detail = "the part's counter wants no form"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="sealed_form")


def _about(answers: Sequence[pb.ErrandAnswer]) -> bytes:
    """Return the digest of all that is submitted, which the event is about."""
    parts = list[tuple[str, bytes, bytes]]()
    for place, each in enumerate(answers):
        with _at(place):
            parts.append((each.part, presentation_digest(each), each.sealed_form))
    return submission_digest(parts)


def _earlier(
    connection: Connection, errand: Errand, happening: Happening, names: Sequence[str], request_id: str
) -> tuple[Event, list[Answer]] | None:
    """Return what this same submission was answered with before; ServiceError REQUEST_ID_REUSED."""
    event = happening.earlier(connection)
    if event is None:
        return None
    found = errands.answered_by(connection, errand, names, request_id)
    answers = [exchanges.answer_of(connection, each) for each in found]
    return event, [each for each in answers if each is not None]
