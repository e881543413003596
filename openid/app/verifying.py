"""What a verifier's edge does, without HTTP: open a question, hand out its object, take the answer.

The exchange at the service is opened for the first wallet that fetches the object, so a code that nobody
scans takes nothing there. The edge holds the exchange's ticket and hands in what the wallet posted; the
service judges and makes the receipt; the verifier then verifies presentation and receipt itself, as for
every other exchange.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tlog
from bbs import BbsError
from disclosure import DisclosureError, Schema, SchemaName
from disclosure.composite import CompositeRequest
from openid.app.sessions import AnyAnswered, AnyExchange, Begun, Device, Session, Sessions, State, state_of
from openid.app.waiting import MAX_WAITING, Demand, Held, Waiting
from openid.client_id import ClientCertificate
from openid.encryption import ResponseKeys
from openid.errors import OpenIdError, OpenIdReason
from openid.mapping import AnyRequest
from openid.request_object import RequestObject, sign_object
from openid.response import DECLINED, Posted, Submission, read_form, submission_of
from verifier.aio import AsyncVerifierClient
from verifier.client import CompositeExchange
from verifier.errors import FinalError, NotNowError, RegisterError, TimedOutError, VerifierError
from wire.client import ServiceError

SCHEME: Final = "openid4vp://"
_VERIFY: Final = timedelta(seconds=60)
_TURN_SECONDS: Final = 30.0
"""So long who waits for no receipt waits for a turn at claiming."""
_JUDGED: Final = frozenset(
    {
        "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "UNAUTHENTICATED",
        "FAILED_PRECONDITION", "OUT_OF_RANGE",
    }
)  # fmt: skip
"""What the service says of what was handed in; every other status says nothing of it."""
_NOT_HELD: Final = (DisclosureError, VerifierError, tlog.TlogError, BbsError)


@dataclass(frozen=True)
class Question:
    """What a verifier asks by one policy.

    `make` gives a new request, `accept` keeps an answer that holds; both block, and run in the client's
    threads. `accept` may return the name of the record, which is told to browsers where answers are not; by
    a FinalError the answer is refused, and by nothing else. With `claims` it asks
    the consortium, which may take long. `devices` are those that it is asked on: on another device nothing
    ties who sees the answer to who gives it, so that is said by policy.
    With `demand` an answer is accepted once its receipt is what is demanded; `pending` keeps one that holds
    and was not in time, and returns the record's name if it has been accepted before after all.
    """

    id: str
    make: Callable[[], AnyRequest]
    accept: Callable[[Held], object]
    devices: frozenset[Device] = frozenset({Device.SAME})
    pending: Callable[[Held], object] = lambda _: None
    demand: Demand | None = None
    claims: bool = False


@dataclass(frozen=True)
class Identity:
    """Who the edge is to wallets: the verifier's key, its certificate, the identifier, the address.

    `base` is the edge's own address without a slash at its end; `page` is where the browser of the same
    device goes on, by default the edge's result.
    """

    key: Ed25519PrivateKey = field(repr=False)
    certificate: ClientCertificate
    client_id: str
    base: str
    page: str = ""

    @property
    def response_uri(self) -> str:
        """Where wallets post."""
        return f"{self.base}/response"

    def request_uri(self, handle: str) -> str:
        """Return where a session's request object is fetched."""
        return f"{self.base}/request/{handle}"

    def redirect_uri(self, code: str) -> str:
        """Return where the browser goes on, with the code that is good once."""
        return f"{self.page or self.base + '/result'}?{urlencode({'response_code': code})}"

    def invitation(self, handle: str) -> str:
        """Return what is followed on the same device, or shown as a QR code to another."""
        asked = {
            "client_id": self.client_id,
            "request_uri": self.request_uri(handle),
            "request_uri_method": "post",
        }
        return f"{SCHEME}?{urlencode(asked)}"


class VerifierEdge:
    """One verifier towards wallets and browsers; who runs an edge closes it at the end.

    With `keys` wallets encrypt their answers, and one that is not encrypted is refused; nothing of an answer
    is told to a browser then.
    """

    def __init__(
        self,
        client: AsyncVerifierClient,
        identity: Identity,
        questions: Mapping[str, Question],
        clock: Callable[[], datetime],
        sessions: Sessions | None = None,
        keys: ResponseKeys | None = None,
        most_waiting: int = MAX_WAITING,
    ) -> None:
        identity.certificate.check_key(identity.key.public_key())
        self.identity, self.sessions = identity, Sessions(clock) if sessions is None else sessions
        self._client, self._questions, self._clock, self._keys = client, questions, clock, keys
        self._waiting = Waiting(client, self.sessions, most_waiting)

    @property
    def tells_answers(self) -> bool:
        """Whether a browser is told what was shown: not where answers are encrypted."""
        return self._keys is None

    async def aclose(self) -> None:
        """End what still waits for what is demanded of its receipt; see Waiting."""
        await self._waiting.aclose()

    def ask(self, policy: str, device: Device, client: str = "") -> Begun:
        """Begin a session; `client` is whose place it takes.

        Raises OpenIdError SESSION_UNKNOWN for a policy that is not asked here, or not on this device,
        SESSIONS_FULL, also where too many answers, or this client's, wait already and those of this policy
        would too.
        """
        question = self._questions.get(policy)
        if question is None or device not in question.devices:
            detail = "this edge asks by no such policy on such a device"
            raise OpenIdError(OpenIdReason.SESSION_UNKNOWN, detail, field="policy")
        if question.demand is not None:
            self._waiting.check_room(client)
        return self.sessions.begin(policy, device, client)

    async def object_for(self, handle: str, wallet_nonce: str | None) -> str:
        """Return the signed request object of a session, whose exchange is opened if it is not yet.

        Raises OpenIdError SESSION_UNKNOWN, SESSION_OVER; ServiceError and VerifierError if no exchange could
        be opened: the next one who fetches tries again.
        """
        session = self.sessions.to_fetch(handle)
        exchange, state = await self._opened(session), state_of(handle)
        made = RequestObject(
            self.identity.client_id,
            self.identity.response_uri,
            exchange.signed_request,
            exchange.link,
            state,
            self._clock().replace(microsecond=0),
            session.expires,
            None if self._keys is None else self._keys.public(state),
        )
        return sign_object(made, self.identity.key, self.identity.certificate, wallet_nonce)

    async def _opened(self, session: Session) -> AnyExchange:
        async with session.opening:
            if session.exchange is None:
                request = await self._client.run(self._questions[session.policy].make)
                # Who has waited here may be too late. A session that ends while the service opens its
                # exchange leaves that open until it expires: no verifier can withdraw it, and a no is the
                # holder's to say.
                self.sessions.check_fetch(session)
                self.sessions.opened(session, await self._client.ask(request))
        return _exchange_of(session)

    async def take(self, body: bytes) -> tuple[bytes | None, str | None]:
        """Take what a wallet posted; return the receipt, and where the browser goes on.

        Nothing of both for a wallet that says it will not answer. Raises OpenIdError RESPONSE_INVALID,
        SESSION_UNKNOWN, SESSION_OVER; ServiceError and DisclosureError for what does not hold.
        """
        posted = read_form(body, None if self._keys is None else self._keys.open)
        if posted.vp_token is not None and posted.encrypted != (self._keys is not None):
            raise OpenIdError(OpenIdReason.RESPONSE_INVALID, "it is not encrypted", field="vp_token")
        session = self.sessions.to_answer(posted.state)
        if posted.vp_token is None:
            if posted.error == DECLINED:
                self.sessions.declined(session)
            return None, None
        exchange = _exchange_of(session)
        self.sessions.answering(session)
        try:
            return await self._judged(session, exchange, posted)
        finally:
            if session.state is State.ANSWERING:
                self.sessions.undecided(session)

    async def _judged(
        self, session: Session, exchange: AnyExchange, posted: Posted
    ) -> tuple[bytes, str | None]:
        submission, demand = await self._read(exchange, posted), self._questions[session.policy].demand
        try:
            receipt = await self._client.relay(
                exchange, submission.presentation, submission.holder_note, submission.request_id
            )
        except ServiceError as error:
            if error.code.name in _JUDGED:
                self.sessions.not_held(session)
            raise
        try:
            answered: Any = await self._wait(exchange, demand)
        except TimedOutError:
            raise  # nothing was found out: the same answer may be posted again, and gets the same receipt
        except _NOT_HELD:
            # The service took it, so the holder has its receipt; this verifier does not accept it.
            self.sessions.not_accepted(session)
            return receipt, None
        if session.device is Device.CROSS:
            await self._taken(session, answered, demand)
            return receipt, None
        code = self.sessions.answered(session, answered)
        return receipt, None if code is None else self.identity.redirect_uri(code)

    async def _taken(self, session: Session, answered: AnyAnswered, demand: Demand | None) -> None:
        """Keep an answer of another device, for which no browser has to come, or begin to wait with it."""
        if demand is not None:
            self.sessions.keeping(session, answered)
            self._begin(demand, session, answered)
            return
        try:
            await self._keep_now(session, answered)
            self.sessions.answered(session, answered)
        except FinalError:
            self.sessions.not_accepted(session)

    async def _wait(self, exchange: AnyExchange, demand: Demand | None) -> AnyAnswered:
        """Return the answer, which holds; what is demanded of its receipt is met later."""
        met = frozenset() if demand is None else demand.states
        return await self._client.wait(exchange, _VERIFY, (), None, met)

    async def _read(self, exchange: AnyExchange, posted: Posted) -> Submission:
        signed = exchange.signed_request
        request: AnyRequest
        if isinstance(exchange, CompositeExchange):
            request = CompositeRequest.from_bytes(signed.payload)
            names = {
                each for branch in request.branches for query in branch.queries for each in query.schemas
            }
        else:
            request = signed.request
            names = {query.schema for query in request.queries}
        schemas = await self._schemas(names)
        return submission_of(posted.vp_token or {}, request, schemas)

    async def _schemas(self, names: set[SchemaName]) -> Mapping[SchemaName, Schema]:
        return (await self._client.directory_for(sorted(names, key=str))).schemas

    async def accept(self, cookie: str, code: str) -> Session:
        """Keep the answer that a browser of the same device comes for, and return its session.

        The session is accepted once the answer is kept, and refused where this verifier does not accept it;
        where it has to be anchored or ordered it is KEEPING until then, and the same may be brought again.
        Raises as `Sessions.brought` does, and whatever keeps it from being kept, NotNowError above all: then
        the code counts again.
        """
        if (again := self.sessions.brought_again(cookie, code)) is not None:
            return again
        session = self.sessions.brought(cookie, code)
        demand = self._questions[session.policy].demand
        if demand is not None and session.answered is not None:
            self._begin(demand, session, session.answered)
            return session
        try:
            if session.answered is not None:
                await self._keep_now(session, session.answered)
            self.sessions.kept(session)
        except FinalError:
            self.sessions.not_accepted(session)
        finally:
            if session.state is State.KEEPING:
                self.sessions.not_kept(session, code)
        return session

    def _begin(self, demand: Demand, session: Session, answered: AnyAnswered) -> None:
        question = self._questions[session.policy]
        self._waiting.begin(
            session,
            answered,
            demand,
            lambda held: self._kept_by(question.accept, session, held),
            lambda held: self._kept_by(question.pending, session, held),
            claims=question.claims,
        )

    async def _keep_now(self, session: Session, answered: AnyAnswered) -> None:
        """Keep an answer that waits for no receipt; NotNowError if its turn does not come."""
        question = self._questions[session.policy]
        if not question.claims:
            await self._kept_by(question.accept, session, Held(answered))
            return
        async with self._waiting.claims.turn(_TURN_SECONDS) as is_mine:
            if not is_mine:
                raise NotNowError(OpenIdReason.SESSIONS_FULL.value)
            await self._kept_by(question.accept, session, Held(answered))

    async def _kept_by(self, keep: Callable[[Held], object], session: Session, held: Held) -> bool:
        """Have an answer kept and note its record's name, if it has one; tell whether it has."""
        try:
            name = await self._client.run(lambda: keep(held))
        except RegisterError as error:  # the file is in use, or its disk is full: that passes
            raise NotNowError(error.reason) from None
        session.record = name if isinstance(name, str) else None
        return session.record is not None


def _exchange_of(session: Session) -> AnyExchange:
    """Return a session's exchange; OpenIdError RESPONSE_INVALID for an answer to what nobody has fetched."""
    if session.exchange is None:
        raise OpenIdError(OpenIdReason.RESPONSE_INVALID, "nobody has fetched the question yet", field="state")
    return session.exchange
