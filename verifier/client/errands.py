"""A counter of one-chain errands: sees its own parts, asks, verifies what comes, tells how far it is.

What the service says is not believed: an answer is verified against the request that the counter itself has
signed for this very part, its receipt under the log's key, and a form opens only if it is bound to that very
answer. Nothing has to be kept to go on after a crash: the service tells a part with what was asked and
answered, and the form key follows from the counter's own.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tlog
from disclosure import (
    LocalizedText,
    MalformedError,
    OfferLink,
    Reason,
    RefusedError,
    Request,
    VerifierName,
    sign_request,
)
from disclosure.composite import CompositePresentation, CompositeRequest
from disclosure.errand import Counter, ErrandBundle, ErrandBundleName, FormKey, FormValue, PartAsk, PartName
from disclosure.standing import asked_by
from verifier.client import sessions, tracing
from verifier.client.client import VerifierClient
from verifier.client.exchange import Answered, CompositeAnswered, check_demands
from verifier.errors import AnswerError
from verifier.keys import public_key
from wire import convert
from wire.client import Endpoint, call
from wire.errand import bundle_of
from zkproto.v1 import errand_pb2 as pb
from zkproto.v1 import errand_pb2_grpc

WAITING, ASKED, SUBMITTED = (
    pb.ERRAND_PART_STATE_WAITING,
    pb.ERRAND_PART_STATE_ASKED,
    pb.ERRAND_PART_STATE_SUBMITTED,
)
RECEIVED, IN_PROGRESS = pb.ERRAND_PART_STATE_RECEIVED, pb.ERRAND_PART_STATE_IN_PROGRESS
DONE, REJECTED, ENDED = (
    pb.ERRAND_PART_STATE_DONE,
    pb.ERRAND_PART_STATE_REJECTED,
    pb.ERRAND_PART_STATE_ENDED,
)


@dataclass(frozen=True)
class CounterPart:
    """One part as the service tells it; `ready` once what it depends on is done."""

    name: PartName
    part: str
    state: pb.ErrandPartState.ValueType
    ready: bool
    message: pb.ErrandPart = field(repr=False)

    @property
    def waits(self) -> bool:
        """Whether this counter's request is waited for."""
        return self.state == WAITING

    @property
    def is_here(self) -> bool:
        """Whether it was submitted and is this counter's to settle."""
        return self.state in (SUBMITTED, RECEIVED, IN_PROGRESS)


@dataclass(frozen=True)
class ReceivedPart:
    """What came for a part: an answer that was verified here, and the form that is bound to it."""

    answered: Answered | CompositeAnswered
    values: Mapping[str, FormValue] = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """What a counter tells of a part. REJECTED takes a message."""

    state: pb.ErrandPartState.ValueType
    message: LocalizedText | None = None
    document: str = ""
    offer: OfferLink | None = field(default=None, repr=False)


class ErrandCounter:
    """One counter at one service, over a client of its verifier's own; used by one thread at a time.

    Every method raises ServiceError, AnswerError.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        name: VerifierName,
        key: Ed25519PrivateKey,
        log_verifier: tlog.Verifier,
        client: VerifierClient,
        *,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._endpoint, self._name, self._key, self._log = endpoint, name, key, log_verifier
        self._client = client
        self._channel = tracing.channel(endpoint)
        self._stub = errand_pb2_grpc.ErrandServiceStub(self._channel)
        self._session = sessions.session(self._channel, name, key, log_verifier, clock)

    def close(self) -> None:
        """Close the channel; the client is its owner's."""
        self._channel.close()

    def bundle(self, name: ErrandBundleName) -> ErrandBundle:
        """Return a bundle whose record stands on the ledger; tlog.TlogError, MalformedError."""
        message = call(self._stub.GetErrandBundle, pb.GetErrandBundleRequest(name=str(name)))
        found = bundle_of(message)
        if found.name != name:
            raise AnswerError("the service answered with another bundle", field="name")
        tlog.ProofFile.parse(message.proof).verify(found.entry(), self._log)
        return found

    def parts(self, bundle: ErrandBundle, timeout: dt.timedelta | None = None) -> Iterator[CounterPart]:
        """Give this counter's parts: those that it has to do something about, then whatever changes.

        A part comes again with each change, and after a stream that broke: what is done for one has to be
        safe to do twice.
        """
        asked = pb.WatchErrandPartsRequest(bundle=str(bundle.name))
        for message in self._session.stream(self._stub.WatchErrandParts, asked, timeout=timeout):
            try:
                name = PartName.parse(message.name, field="name")
                counter = bundle.counter(message.part)
            except MalformedError as error:
                raise AnswerError(error.detail, field=error.field) from None
            if counter.verifier != self._name:
                raise AnswerError("the part is another counter's", field="part")
            yield CounterPart(name, message.part, message.state, message.ready, message)

    def ask(self, bundle: ErrandBundle, part: CounterPart, request: Request | CompositeRequest) -> None:
        """Sign a request for a part and hand it in; what was asked already is refused."""
        signed = sign_request(request, self._key)
        tie = self._tie(bundle, part, request)
        message = pb.AskErrandPartRequest(
            part=str(part.name),
            ask=pb.ErrandAsk(
                signed_request=convert.signed_request_to(signed),
                form_key=tie.form_key,
                ask_signature=tie.sign(self._key.sign),
            ),
            request_id=str(uuid.uuid4()),
        )
        self._session.call(self._stub.AskErrandPart, message)

    def receive(
        self, bundle: ErrandBundle, part: CounterPart, sees_to: Collection[tlog.ReceiptState] = ()
    ) -> ReceivedPart:
        """Verify what came for a part, and open its form.

        Which request was asked for a part is the service's word, and any request of this verifier's own would
        verify: so the tie that this counter signed comes first. Without it the answer of one holder could be
        handed over for another's part, or that of an ordinary exchange, or of another policy.

        `sees_to` are the states of its receipt that the caller waits for before it tells the part RECEIVED.

        Raises RefusedError REQUEST_SIGNATURE_INVALID (asked for another part, or for none), REQUEST_MISMATCH
        (asked by another policy than the counter's); what `VerifierClient.accept` does; RefusedError
        PROOF_INVALID and MalformedError for a form that is not bound to the answer, or is not as the bundle
        says; DemandError where the registered policy demands more of the receipt.
        """
        ask = part.message.ask
        signed = convert.signed_request_of(ask.signed_request)
        request = asked_by(signed)
        tie = self._tie(bundle, part, request)
        tie.check(ask.ask_signature, public_key(self._key))
        counter = bundle.counter(part.part)
        if request.policy != counter.policy:
            detail = "the request is by another policy than the counter's"
            raise RefusedError(Reason.REQUEST_MISMATCH, detail, field="policy")
        answered = self._client.accept(signed, part.message.answer)
        check_demands(answered, sees_to)
        return ReceivedPart(answered, self._form(counter, part, answered, tie))

    def _tie(self, bundle: ErrandBundle, part: CounterPart, request: Request | CompositeRequest) -> PartAsk:
        """Return what this counter signs for a part: its form key too follows from what it has itself."""
        fields = bundle.counter(part.part).fields
        form_key = FormKey.of(self._key, part.name).public if fields else b""
        return PartAsk(part.name, bundle.name, part.part, request.digest, form_key)

    def _form(
        self, counter: Counter, part: CounterPart, answered: Answered | CompositeAnswered, tie: PartAsk
    ) -> Mapping[str, FormValue]:
        if not counter.fields:
            return {}
        presentation = answered.record.presentation
        answer = presentation.answer if isinstance(presentation, CompositePresentation) else presentation
        key = FormKey.of(self._key, part.name)
        return key.receive(part.message.sealed_form, tie, counter, answer.usage_tag).values

    def tell(self, part: CounterPart, outcome: Outcome, request_id: str = "") -> None:
        """Tell the part's holder how far it has come; with the same `request_id`, a UUID, once only."""
        message = pb.UpdateErrandPartRequest(
            part=str(part.name),
            state=outcome.state,
            document=outcome.document,
            offer_link="" if outcome.offer is None else str(outcome.offer),
            request_id=request_id or str(uuid.uuid4()),
        )
        if outcome.message is not None:
            message.message.CopyFrom(convert.text_to(outcome.message))
        self._session.call(self._stub.UpdateErrandPart, message)
