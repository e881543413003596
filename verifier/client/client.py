"""The client itself: one relying party at one service.

State rules: a client keeps a channel, and what it has read that never changes. An exchange is held by
OpenExchange or CompositeExchange alone, so another process that has it can go on waiting. Used by one thread
at a time.
"""

import datetime as dt
import re
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from types import TracebackType
from typing import Final, Self, overload

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tlog
from disclosure import (
    Directory,
    ExchangeLink,
    IssuerKey,
    IssuerKeyName,
    MalformedError,
    PolicyName,
    Reason,
    RefusedError,
    Request,
    Schema,
    SchemaName,
    SignedRequest,
    VerifierName,
    open_request,
    sign_request,
)
from disclosure.composite import CompositeRequest, is_composite, open_composite_request, verify_composite
from disclosure.request import CLOCK_TOLERANCE
from verifier import keys
from verifier.anchoring import AKept
from verifier.audit import audit_receipt, receipt_body
from verifier.client import tracing
from verifier.client.anchoring import anchor_kept
from verifier.client.calls import patiently
from verifier.client.exchange import (
    Answered,
    CompositeAnswered,
    CompositeExchange,
    OpenExchange,
)
from verifier.client.published import PublishedReader
from verifier.client.remote import AnyPresentation, Remote, RemoteRefusal, RemoteVerdict
from verifier.client.waiting import AnyExchange, States, Waiting, done
from verifier.composite.foreign import Counterpart
from verifier.composite.record import CompositeRecord
from verifier.errors import (
    AnswerError,
)
from verifier.record import Record
from verifier.verify import required_names, verify_presentation
from wire import convert
from wire.client import Endpoint, call
from wire.composite import composite_presentation_of
from zkproto.v1 import catalog_pb2, catalog_pb2_grpc, presentation_pb2, presentation_pb2_grpc

_PAIRING_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class VerifierClient:
    """One relying party at one service. A context manager: leaving it closes the channel.

    `key` is the registered request key, `log_verifier` the log's key, had from elsewhere than this service.
    `clock` gives times with a zone; `pause` sleeps for so many seconds. `reader` reads what is published, for
    policies of the composite form.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        name: VerifierName,
        key: Ed25519PrivateKey,
        log_verifier: tlog.Verifier,
        *,
        clock: Callable[[], dt.datetime] = _now,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._endpoint, self._name, self._key = endpoint, name, key
        self._log, self._clock, self._pause = log_verifier, clock, pause
        self._channel = tracing.channel(endpoint)
        self._catalog = catalog_pb2_grpc.CatalogServiceStub(self._channel)
        self._presentations = presentation_pb2_grpc.PresentationServiceStub(self._channel)
        self._remote = Remote(self._presentations, self._schema_itself, pause)
        self.reader = PublishedReader(self._channel, log_verifier)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    @overload
    def ask(self, request: Request, *, pairing: bool = False) -> OpenExchange: ...
    @overload
    def ask(self, request: CompositeRequest, *, pairing: bool = False) -> CompositeExchange: ...
    def ask(
        self, request: Request | CompositeRequest, *, pairing: bool = False
    ) -> OpenExchange | CompositeExchange:
        """Sign a request and open an exchange for it.

        With `pairing` the exchange has a code that the verifier's own page shows and that the holder types:
        who has only the link, forwarded or photographed, cannot fetch the request.

        While the service cannot be reached the same call is sent again for up to ASK_PATIENCE, under the same
        request_id, so that one exchange at most is opened. Raises ServiceError, AnswerError; RefusedError
        REQUEST_MISMATCH if the request names another verifier.
        """
        if request.verifier != self._name:
            raise RefusedError(Reason.REQUEST_MISMATCH, "the request names another verifier")
        signed = sign_request(request, self._key)
        message = presentation_pb2.CreateExchangeRequest(
            signed_request=convert.signed_request_to(signed), request_id=str(uuid.uuid4()), pairing=pairing
        )
        answer = patiently(self._presentations.CreateExchange, message, self._pause)
        if pairing != bool(_PAIRING_CODE.fullmatch(answer.pairing_code)):
            raise AnswerError(
                "the exchange has no pairing code, or one that was not asked for", field="pairing_code"
            )
        kind = CompositeExchange if isinstance(request, CompositeRequest) else OpenExchange
        return kind(*self._opened(answer, signed))

    @overload
    def wait(
        self,
        exchange: OpenExchange,
        timeout: dt.timedelta,
        counterparts: Iterable[Counterpart] = (),
        policy: tlog.Policy | None = None,
        sees_to: Collection[tlog.ReceiptState] = (),
    ) -> Answered: ...
    @overload
    def wait(
        self,
        exchange: CompositeExchange,
        timeout: dt.timedelta,
        counterparts: Iterable[Counterpart] = (),
        policy: tlog.Policy | None = None,
        sees_to: Collection[tlog.ReceiptState] = (),
    ) -> CompositeAnswered: ...
    def wait(
        self,
        exchange: OpenExchange | CompositeExchange,
        timeout: dt.timedelta,
        counterparts: Iterable[Counterpart] = (),
        policy: tlog.Policy | None = None,
        sees_to: Collection[tlog.ReceiptState] = (),
    ) -> Answered | CompositeAnswered:
        """Wait until the exchange is answered, verify the answer, and return it with its record.

        `counterparts` are the answers whose numbers the request counts: without them it does not hold. With a
        `policy` only an anchored record is returned: an answer whose receipt is still pending after `timeout`
        raises PendingError. What the registered policy demands of a receipt is demanded in any case: an
        anchored one takes a `policy`; and of an ordered one `sees_to` says that the caller waits for it
        (`verifier.ordered`) before it accepts the answer. Else DemandError, which has the answer too.
        A stream that breaks is opened anew until `timeout` is over. Raises ExpiredError (nobody answered),
        PairingFailedError (it was closed), TimedOutError, ServiceError (refused), AnswerError; for an answer
        that does not hold here, what `audit_receipt` and `verify_presentation` or `verify_composite` raise,
        and tlog.TlogError for what is not on the ledger.
        """
        steps = self.waiting(exchange, timeout, counterparts, policy, sees_to).steps()
        return done(steps, States(self._presentations.WatchExchange, exchange), self._pause)

    def waiting(
        self,
        exchange: OpenExchange | CompositeExchange,
        timeout: dt.timedelta,
        counterparts: Iterable[Counterpart] = (),
        policy: tlog.Policy | None = None,
        sees_to: Collection[tlog.ReceiptState] = (),
    ) -> Waiting:
        """Return the steps of `wait`, for whoever does them."""
        others = tuple(counterparts)
        return Waiting(
            time.monotonic() + timeout.total_seconds(),
            lambda state: self.accept(exchange.signed_request, state, others),
            self.anchor,
            policy,
            frozenset(sees_to),
        )

    def anchor(self, kept: AKept, policy: tlog.Policy) -> AKept | None:
        """Return a record, or what came unasked, as it is anchored, verified; None while it is pending.

        Raises ServiceError; tlog.TlogError, INCLUSION_INVALID if the log has shown its witnesses another
        ledger; what `recheck_kept` raises for what does not hold.
        """
        return anchor_kept(self._channel, kept, self._log, policy)

    def demands(self, name: PolicyName) -> frozenset[tlog.ReceiptState]:
        """Return what receipts have to be by a registered policy, read with the proof of its record.

        Whoever cannot wait for that asks nobody. Raises ServiceError, RefusedError POLICY_UNKNOWN,
        tlog.TlogError.
        """
        return self.reader.policy(name).demands

    def directory_for(
        self, schemas: Iterable[SchemaName], issuer_keys: Iterable[IssuerKeyName] = ()
    ) -> Directory:
        """Fetch schemas and issuer keys; ServiceError (also for what is not registered), AnswerError."""
        try:
            return Directory(
                {each: self._schema(each) for each in schemas},
                {each: self._issuer_key(each) for each in issuer_keys},
            )
        except MalformedError as error:
            raise AnswerError(str(error), field=error.field) from None

    def verify_remote(
        self, signed_request: SignedRequest, presentation: AnyPresentation, *, at: dt.datetime | None = None
    ) -> RemoteVerdict:
        """Let the service verify a presentation of either form as of `at`, by default now.

        Returns what it says; what gives evidence is verifying here. Raises ServiceError, AnswerError;
        MalformedError, RefusedError REQUEST_MISMATCH, QUERY_MISMATCH for what answers another request, which
        is not sent.
        """
        return self._remote.verify(signed_request, presentation, at)

    def relay(
        self, exchange: AnyExchange, presentation: AnyPresentation, holder_note: bytes, request_id: str
    ) -> bytes:
        """Hand in what a holder's wallet gave to this verifier instead of to the service; return the receipt.

        The same octets with the same `request_id` are answered with the same receipt, whoever hands them in.
        That the answer holds is for `wait` to find. Raises ServiceError.
        """
        return self._remote.relay(
            exchange.link, exchange.signed_request, presentation, holder_note, request_id
        )

    def verify_remote_batch(
        self,
        answers: Sequence[tuple[SignedRequest, AnyPresentation]],
        *,
        at: dt.datetime | None = None,
    ) -> tuple[RemoteVerdict | RemoteRefusal, ...]:
        """Let the service verify many presentations as `verify_remote` does one, in as few calls as it takes.

        Both forms may be among them. Returns one verdict for each, in their order; who is refused fails no
        other. While the service cannot be reached or has too much to do, a call is sent again for up to
        ASK_PATIENCE. Raises ServiceError if a call is refused as a whole, AnswerError.
        """
        return self._remote.verify_batch(answers, at)

    def _opened(
        self, answer: presentation_pb2.CreateExchangeResponse, signed: SignedRequest
    ) -> tuple[str, ExchangeLink, str, SignedRequest, dt.datetime, str]:
        """Return an exchange's fields, checked; AnswerError."""
        collection, _, identifier = answer.exchange.partition("/")
        if collection != "exchanges" or not answer.result_token or not answer.HasField("expire_time"):
            raise AnswerError("the exchange has no name, no token or no end", field="exchange")
        try:
            link = ExchangeLink(self._endpoint.server, identifier, answer.ticket)
            expires = convert.moment_of(answer.expire_time, field="expire_time")
        except MalformedError as error:
            raise AnswerError(error.detail, field=error.field) from None
        return answer.exchange, link, answer.result_token, signed, expires, answer.pairing_code

    def accept(
        self,
        signed: SignedRequest,
        state: presentation_pb2.WatchExchangeResponse,
        counterparts: Sequence[Counterpart] = (),
    ) -> Answered | CompositeAnswered:
        """Verify an answer to a request of this client's own, with its receipt, as `wait` does.

        It is not accepted yet: its receipt has to be what `demands` of the answer says.
        """
        told = state.WhichOneof("answer")
        if told is not None and (told == "composite_presentation") != is_composite(signed):
            raise AnswerError("the answer has another form than the request", field=told)
        if is_composite(signed):
            return self._accept_composite(signed, state, counterparts)
        return self._accept_plain(signed, state)

    def _accept_plain(self, signed: SignedRequest, state: presentation_pb2.WatchExchangeResponse) -> Answered:
        own_key = keys.public_key(self._key)
        request = open_request(signed, lambda _: own_key)
        presentation = convert.presentation_of(state.presentation)
        moment = self._presented(audit_receipt(state.receipt, request, presentation, self._log))
        directory = self.directory_for(*required_names(request, presentation))
        verified = verify_presentation(request, presentation, directory, self._clock(), at=moment)
        record = Record.of(signed, presentation, state.receipt, directory, own_key, self._log)
        demands: frozenset[tlog.ReceiptState] = frozenset()
        if request.policy is not None:
            demands = self.demands(request.policy)
        return Answered(verified, record, demands)

    def _accept_composite(
        self,
        signed: SignedRequest,
        state: presentation_pb2.WatchExchangeResponse,
        counterparts: Sequence[Counterpart],
    ) -> CompositeAnswered:
        """Verify an answer with what is published, as of the moment that its receipt states.

        How old an epoch may be stands in the request, by its number.
        """
        own_key = keys.public_key(self._key)
        request = open_composite_request(signed, self._key_of)
        presentation = composite_presentation_of(state.composite_presentation)
        moment = self._presented(audit_receipt(state.receipt, request, presentation, self._log))
        proven = [each.epoch for each in presentation.answer.credentials if each.epoch is not None]
        directory = self.reader.directory(request, proven, state.states if state.HasField("states") else None)
        others = tuple(each.verified for each in counterparts)
        verified = verify_composite(request, presentation, directory, moment, others)
        record = CompositeRecord.of(
            signed, presentation, state.receipt, directory, self.reader, own_key, self._log,
            [each.record for each in counterparts],
        )  # fmt: skip
        return CompositeAnswered(verified, record, moment)

    def _key_of(self, name: VerifierName) -> bytes:
        """Return the key of a member of a joint scope; its own it does not ask for."""
        return keys.public_key(self._key) if name == self._name else self.reader.verifier_key(name)

    def _presented(self, receipt: tlog.VerifiedReceipt) -> dt.datetime:
        """Return when the service verified, by the receipt; RefusedError if that is still to come."""
        moment = receipt_body(receipt).verified
        if moment > self._clock() + CLOCK_TOLERANCE:
            raise RefusedError(Reason.RECEIPT_MISMATCH, "the receipt is dated in the future")
        return moment

    def _schema_itself(self, name: SchemaName) -> Schema:
        return self.directory_for([name]).schema(name)

    def _schema(self, name: SchemaName) -> Schema:
        return convert.schema_of(call(self._catalog.GetSchema, catalog_pb2.GetSchemaRequest(name=str(name))))

    def _issuer_key(self, name: IssuerKeyName) -> IssuerKey:
        message = catalog_pb2.GetIssuerKeyRequest(name=str(name))
        return convert.issuer_key_of(call(self._catalog.GetIssuerKey, message))
