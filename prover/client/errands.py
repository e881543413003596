"""The holder's way through a one-chain errand: begin, be asked, consent once, submit once, follow.

What the service says of an errand is not believed where it matters: the bundle stands on the ledger, each
counter's request and its tie to the part are signed with the counter's registered key, each receipt is
checked under the log's key. How far a part has come is told, and not proven.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import tlog
from disclosure import ErrandLink, MalformedError, Reason, RefusedError
from disclosure.allowance import check_allowed
from disclosure.composite import CompositePresentation, CompositeRequest
from disclosure.errand import (
    BundleLink,
    Counter,
    ErrandBundle,
    ErrandBundleName,
    FormValue,
    seal_form,
    submission_digest,
)
from disclosure.event import EventKind
from prover.asker import Asker
from prover.client import MAX_EPOCH_AGE, answers, events, track_record_in
from prover.client.answers import Planner
from prover.client.calls import Way, apart, checked, final, raised, verifier_of
from prover.client.errand_messages import bundle_at, bundles_at, view_of
from prover.client.errand_refusals import abandoned, errand_note, over_asked
from prover.client.witnesses import Report
from prover.composite.planning import CompositePlan
from prover.composite.records import HeldComposite
from prover.composite.telling import composite_consent_of
from prover.errands.planning import AskedPart, ErrandConsent, PartConsent, PlannedPart, check_values
from prover.errands.records import HeldErrand, Stage
from prover.errands.vault import ProvenPart
from prover.errands.view import ErrandView, PartView
from prover.errors import ClientError, ContentError, PresentingError, VaultReason
from prover.events import Call, Event
from prover.history import check_event_receipt, check_receipt
from prover.present import Plan, consent_of, plan
from prover.records import request_of
from prover.usages import Usage, UsageState
from prover.vault import Vault, utc_now
from wire import convert
from wire.client import Endpoint, call, stream
from wire.composite import composite_presentation_to
from wire.errand import part_ask_of
from zkproto.v1 import errand_pb2 as pb
from zkproto.v1 import errand_pb2_grpc

Declare = Callable[[Counter, Mapping[str, FormValue]], Mapping[str, FormValue]]
"""Given a counter and what was declared last for its fields, returns what is to be declared to it."""
_SERVICE: Final = "ErrandService"
_PATIENCE: Final = dt.timedelta(minutes=5)


def _as_before(_: Counter, defaults: Mapping[str, FormValue]) -> Mapping[str, FormValue]:
    return defaults


def _nothing(_: HeldComposite, __: int) -> None:
    """Report to nobody."""


@dataclass(frozen=True)
class Choosing:
    """How a person may choose among credentials, and among the branches of requests that have several."""

    plain: Callable[[Plan], Plan] = lambda planned: planned
    composite: Callable[[CompositePlan], CompositePlan] = lambda planned: planned


class ErrandClient:
    """A holder's errands at one service. `clock` gives times with a zone; the rest as in HolderClient.

    Every method raises wire.client.ServiceError if the service refuses or is not reached, ClientError
    ANSWER_INVALID for an answer that no honest service gives, LINK_ELSEWHERE for another service's errand.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
        max_epoch_age: dt.timedelta = MAX_EPOCH_AGE,
    ) -> None:
        self._way, self._max_epoch_age = Way(endpoint, clock), max_epoch_age

    def bundles(self) -> list[ErrandBundle]:
        """Return the bundles that the service lists; `start` reads the chosen one with its proof."""
        with self._way.channel() as channel, checked():
            return bundles_at(channel)

    def start(self, name: ErrandBundleName, vault: Vault, log: tlog.Verifier) -> HeldErrand:
        """Begin an errand, or go on with one of the bundle that the service has not answered yet.

        Raises tlog.TlogError if the bundle is not on the ledger.
        """
        with self._way.channel() as channel, checked():
            bundle = bundle_at(channel, name, log)
        return self._started(vault.errands.begin(self._way.endpoint.server, bundle), vault)

    def begin(self, link: BundleLink, vault: Vault, log: tlog.Verifier) -> HeldErrand:
        """Begin the errand of a link that a counter shows; raises as `start` does."""
        self._way.check_server(link.server)
        return self.start(link.bundle, vault, log)

    def _started(self, errand: HeldErrand, vault: Vault) -> HeldErrand:
        message = pb.StartErrandRequest(bundle=str(errand.bundle.name), request_id=errand.request_id)
        with self._way.channel() as channel, checked():
            answer = call(errand_pb2_grpc.ErrandServiceStub(channel).StartErrand, message)
            link = ErrandLink(errand.server, answer.errand.removeprefix("errands/"), answer.ticket)
        return vault.errands.begun(errand.id, link)

    def look(self, errand_id: str, vault: Vault) -> ErrandView:
        """Return an errand as it is now; the vault remembers it. ContentError ERRAND_NOT_FOUND."""
        errand, link = self._own(errand_id, vault)
        message = pb.GetErrandRequest(errand=link.errand, ticket=link.ticket)
        with self._way.channel() as channel:
            answer = call(errand_pb2_grpc.ErrandServiceStub(channel).GetErrand, message)
        return self._remembered(errand, link, answer, vault)

    def follow(
        self, errand_id: str, vault: Vault, timeout: dt.timedelta | None = None
    ) -> Iterator[ErrandView]:
        """Give an errand as it is and at each change, until it is over; raises as `look` does."""
        errand, link = self._own(errand_id, vault)
        message = pb.WatchErrandRequest(errand=link.errand, ticket=link.ticket)
        with self._way.channel() as channel:
            stub = errand_pb2_grpc.ErrandServiceStub(channel)
            for answer in stream(stub.WatchErrand, message, timeout=timeout):
                yield self._remembered(errand, link, answer, vault)

    def wait_until_asked(
        self, errand_id: str, vault: Vault, patience: dt.timedelta = _PATIENCE
    ) -> ErrandView:
        """Wait until every counter has asked; PresentingError NOT_ASKED if one has not in time."""
        deadline = time.monotonic() + patience.total_seconds()
        while True:
            view = self.look(errand_id, vault)
            if view.is_asked:
                return view
            if view.state.is_over or time.monotonic() > deadline:
                raise PresentingError(VaultReason.NOT_ASKED, "not every counter has asked yet")
            time.sleep(0.3)

    def _remembered(
        self, errand: HeldErrand, link: ErrandLink, message: pb.Errand, vault: Vault
    ) -> ErrandView:
        with checked():
            view = view_of(message, errand.bundle, link.errand)
        kept = pb.Errand()
        kept.CopyFrom(message)
        for each in kept.parts:
            each.ClearField("ask")
        vault.errands.remember(errand.id, kept.SerializeToString(), view.stage)
        return view

    def _own(self, errand_id: str, vault: Vault) -> tuple[HeldErrand, ErrandLink]:
        errand = vault.errands.one(errand_id)
        self._way.check_server(errand.server)
        if errand.link is None:
            errand = self._started(errand, vault)
        if errand.link is None:
            raise ContentError(VaultReason.ERRAND_NOT_FOUND, "the errand was not begun")
        return errand, errand.link

    def asked(self, errand_id: str, vault: Vault, log: tlog.Verifier) -> tuple[AskedPart, ...]:
        """Return what is asked for the parts that can be submitted now, each checked by itself.

        Raises PresentingError NOT_ASKED while a counter is waited for; RefusedError
        REQUEST_SIGNATURE_INVALID, REQUEST_MISMATCH (another policy or verifier than the bundle says),
        OVER_ASKING, which is recorded and ends an errand that was not submitted; tlog.TlogError.
        """
        errand, link = self._own(errand_id, vault)
        message = pb.GetErrandRequest(errand=link.errand, ticket=link.ticket)
        with self._way.channel() as channel:
            answer = call(errand_pb2_grpc.ErrandServiceStub(channel).GetErrand, message)
            view = self._remembered(errand, link, answer, vault)
            if not view.is_asked:
                raise PresentingError(VaultReason.NOT_ASKED, "not every counter has asked yet")
            told = {each.name: each.ask for each in answer.parts}
            with checked():
                found = [self._asked(errand, each, told[str(each.name)], log) for each in view.to_submit]
        for each in found:
            self._check_allowed(each, errand, link, vault, log)
        return tuple(found)

    def _check_allowed(
        self, asked: AskedPart, errand: HeldErrand, link: ErrandLink, vault: Vault, log: tlog.Verifier
    ) -> None:
        """Raise OVER_ASKING, written down and said, unless a request keeps to its policy."""
        try:
            check_allowed(asked.request, asked.policy)
        except RefusedError:
            over_asked(self._way, vault, errand, link, asked, log)
            raise

    def _asked(self, errand: HeldErrand, part: PartView, ask: pb.ErrandAsk, log: tlog.Verifier) -> AskedPart:
        counter = errand.bundle.counter(part.part)
        signed = convert.signed_request_of(ask.signed_request)
        with self._way.channel() as channel:
            name, policy = answers.read(self._way, channel, log, signed)
            key = verifier_of(channel, counter.verifier, log).public_key
        made = AskedPart(
            counter,
            part_ask_of(ask, part.name, errand.bundle.name, counter.part, request_of(signed).digest),
            signed,
            name,
            policy,
        )
        if (made.request.verifier, made.request.policy) != (counter.verifier, counter.policy):
            detail = "the request is another verifier's, or by another policy, than the bundle says"
            raise RefusedError(Reason.REQUEST_MISMATCH, detail)
        if bool(ask.form_key) != bool(counter.fields):
            raise MalformedError(Reason.MALFORMED, "a form key is missing, or too much", field="form_key")
        made.tie.check(ask.ask_signature, key)
        return made

    def submit(
        self,
        errand_id: str,
        vault: Vault,
        log: tlog.Verifier,
        agrees: Callable[[ErrandConsent], bool],
        *,
        declare: Declare = _as_before,
        choosing: Choosing = Choosing(),
        report: Report = _nothing,
    ) -> tuple[Usage, ...]:
        """Answer everything that is asked with one consent, and send it in one call; return the uses.

        `agrees` shows the consent and returns the person's answer. What was declared before is declared again
        unless `declare` says otherwise. A no ends an errand that was not submitted before, and is written
        down. Raises what `asked` does, and PresentingError NOTHING_FITS, BRANCH_UNDECIDED, FORM_INCOMPLETE,
        DECLINED. A refusal for good is written down for every part, and raised: nothing was accepted then.
        Whatever else goes wrong leaves all of it to `resume`.
        """
        parts = [self._planned(each, vault, log, choosing) for each in self.asked(errand_id, vault, log)]
        parts = [_declaring(each, vault, declare) for each in parts]
        errand, link = self._own(errand_id, vault)
        if not agrees(ErrandConsent(errand.bundle, tuple(_part_consent(each, vault) for each in parts))):
            if errand.stage is Stage.BEGUN:
                self.abandon(errand_id, vault, log)
            raise PresentingError(VaultReason.DECLINED, "the person said no; nothing was shown")
        proven, sent = list[ProvenPart](), list[tuple[pb.ErrandAnswer, bytes]]()
        for part in parts:
            made, answer, digest = self._proven(self._ready(part, vault, log, report), vault)
            proven.append(made)
            sent.append((answer, digest))
        about = submission_digest([(each.part, digest, each.sealed_form) for each, digest in sent])
        note = errand_note(self._way, EventKind.ERRAND_SUBMITTED, errand, link, about)

        def make(request_id: str, sealed: bytes) -> Call:
            message = pb.SubmitErrandRequest(
                errand=link.errand,
                ticket=link.ticket,
                answers=[each for each, _ in sent],
                holder_note=sealed,
                request_id=request_id,
            )
            return events.outgoing(_SERVICE, "SubmitErrand", message)

        errand, event = vault.errands.submit(errand.id, proven, note, make)
        with raised():
            return self._send(errand, event, vault, log)

    def _planned(self, asked: AskedPart, vault: Vault, log: tlog.Verifier, choosing: Choosing) -> PlannedPart:
        request = asked.request
        if not isinstance(request, CompositeRequest):
            found = plan(request, vault.credentials(), self._way.clock())
            return PlannedPart(asked, choosing.plain(found))
        composite = choosing.composite(self._planner(vault, log).planned(request))
        if not (composite.named or composite.is_first):
            detail = f"{asked.counter.part}: the first way cannot be answered; choose a later one by its name"
            raise PresentingError(VaultReason.BRANCH_UNDECIDED, detail)
        return PlannedPart(asked, composite)

    def _planner(self, vault: Vault, log: tlog.Verifier) -> Planner:
        return Planner(self._way, vault, log, self._max_epoch_age)

    def _ready(self, part: PlannedPart, vault: Vault, log: tlog.Verifier, report: Report) -> PlannedPart:
        """Return a part as of now, once the person has agreed: what is revoked since is found here."""
        if not isinstance(part.plan, CompositePlan):
            return part
        caught_up = self._planner(vault, log).ready(part.plan, report)
        return PlannedPart(part.asked, caught_up, part.values)

    def _proven(self, part: PlannedPart, vault: Vault) -> tuple[ProvenPart, pb.ErrandAnswer, bytes]:
        """Return a proven part, its message, and its presentation's digest."""
        asked = part.asked
        prepared, form = part.prove(vault.keys, self._way.clock())
        message = pb.ErrandAnswer(part=str(asked.tie.part), holder_note=prepared.holder_note)
        if form is not None:
            message.sealed_form = seal_form(form, asked.tie)
        presentation, schema = prepared.presentation, prepared.schemas.__getitem__
        if isinstance(presentation, CompositePresentation):
            message.composite_presentation.CopyFrom(composite_presentation_to(presentation, schema))
        else:
            message.presentation.CopyFrom(convert.presentation_to(presentation, schema))
        made = ProvenPart(
            asked.counter, asked.signed_request, asked.verifier_display_name, prepared, part.values
        )
        return made, message, presentation.digest

    def _send(self, errand: HeldErrand, event: Event, vault: Vault, log: tlog.Verifier) -> tuple[Usage, ...]:
        """Send the very call that the vault has stored; raises FinalError once a refusal is written down."""
        uses = _uses_of(errand, event, vault)
        message = pb.SubmitErrandRequest.FromString(event.call.message)

        def write_down(reason: str) -> None:
            vault.finish_event(event.id, reason=reason)
            for each in uses:
                vault.finish_usage(each.id, reason=reason)
            every = {each.usage for each in errand.uses}
            answered = any(each.id in every and each.state is UsageState.ANSWERED for each in vault.usages())
            vault.errands.refused(errand.id, answered=answered)

        with self._way.channel() as channel, final(write_down):
            answer = call(errand_pb2_grpc.ErrandServiceStub(channel).SubmitErrand, message)
        with checked():
            if len(answer.receipts) != len(uses):
                raise ClientError(VaultReason.ANSWER_INVALID, "there is not one receipt for each part")
            check_event_receipt(event, answer.receipt, log)
            for use, receipt in zip(uses, answer.receipts, strict=True):
                check_receipt(use, receipt, log)
        vault.finish_event(event.id, receipt=answer.receipt)
        return tuple(
            vault.finish_usage(use.id, receipt=receipt)
            for use, receipt in zip(uses, answer.receipts, strict=True)
        )

    def resume(self, vault: Vault, log: tlog.Verifier) -> tuple[Usage, ...]:
        """Go on with all errands at this service that were broken off; return the uses that were settled.

        The same octets go out again. A refusal for good is written down and not raised; what does not hold
        is left as it is, and the first such error is raised after everything else was gone on with.
        """
        failures, settled = list[Exception](), list[Usage]()
        stored = {each.id: each for each in vault.events()}
        for errand in vault.errands.all():
            if errand.server != self._way.endpoint.server:
                continue
            if errand.link is None:
                with apart(failures):
                    self._started(errand, vault)
            for each in errand.submissions:
                event = stored[each]
                if any(use.state is UsageState.SENT for use in _uses_of(errand, event, vault)):
                    with apart(failures):
                        settled += self._send(errand, event, vault, log)
        if failures:
            raise failures[0]
        return tuple(settled)

    def retry(self, errand_id: str, part: str, vault: Vault) -> ErrandView:
        """Open a rejected part again, by its identifier in the bundle: its counter asks anew."""
        errand, link = self._own(errand_id, vault)
        errand.bundle.counter(part)
        name = next(each.name for each in self.look(errand_id, vault).parts if each.part == part)
        message = pb.RetryErrandPartRequest(errand=link.errand, ticket=link.ticket, part=str(name))
        with self._way.channel() as channel:
            answer = call(errand_pb2_grpc.ErrandServiceStub(channel).RetryErrandPart, message)
        return self._remembered(errand, link, answer, vault)

    def abandon(self, errand_id: str, vault: Vault, log: tlog.Verifier) -> Event:
        """End an errand that was not submitted; said to the service, or by HolderClient.resume later."""
        errand, link = self._own(errand_id, vault)
        return abandoned(self._way, vault, errand, link, log)


def _uses_of(errand: HeldErrand, event: Event, vault: Vault) -> list[Usage]:
    """Return the uses of one submission, in the order in which their parts went out."""
    order = {each.usage: place for place, each in enumerate(errand.uses)}
    mine = [each for each in vault.usages() if each.id in order and each.request_id == event.request_id]
    return sorted(mine, key=lambda each: order[each.id])


def _declaring(part: PlannedPart, vault: Vault, declare: Declare) -> PlannedPart:
    counter = part.asked.counter
    if not counter.fields:
        return part
    values = dict(declare(counter, vault.errands.defaults(counter)))
    check_values(counter, values)
    return PlannedPart(part.asked, part.plan, values)


def _part_consent(part: PlannedPart, vault: Vault) -> PartConsent:
    asked = part.asked
    asker = Asker(asked.policy, track_record_in(vault, asked.counter.verifier))
    if isinstance(part.plan, CompositePlan):
        consent = composite_consent_of(part.plan, asked.verifier_display_name, asker)
        return PartConsent(asked.counter, consent, part.values)
    return PartConsent(asked.counter, consent_of(part.plan, asked.verifier_display_name, asker), part.values)
