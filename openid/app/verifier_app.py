"""A verifier's edge over HTTP: what a page opens and sees, and what a wallet fetches and posts.

    POST sessions          a page opens a question, {"policy", "device": "same" | "cross"}; it gets a cookie;
                           "cross" takes the counter's secret, as a bearer token
    GET  result            a page sees how its question stands; with response_code it takes the answer, or
                           the name of its record where answers are encrypted
    GET  request/{handle}  a wallet fetches the request object, which opens the exchange; POST takes a
                           wallet_nonce
    POST response          a wallet posts its answer (response_mode direct_post, or direct_post.jwt)

Pages come from the edge's own origin; wallets may be web pages of any other, and send no cookie.
"""

import hashlib
import hmac
import logging
import math
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import segno
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consortium.serving import BodyError, application, body_of, network_of
from disclosure import DisclosureError
from openid.app.openings import Openings
from openid.app.sessions import Device, State
from openid.app.telling import told
from openid.app.verifying import VerifierEdge
from openid.errors import OpenIdError, OpenIdReason
from openid.request_object import MEDIA_TYPE
from openid.response import FORM_TYPE, MAX_RESPONSE_OCTETS, receipt_json
from openid.strict_json import Json, dumps, loads
from verifier.errors import NotNowError, VerifierError
from wire.client import ServiceError

_OWN: Final = frozenset({"127.0.0.1", "::1"})
"""Where a proxy of this machine comes from."""
_LOG: Final = logging.getLogger(__name__)
_JSON: Final = "application/json"
_SMALL: Final = 16 << 10
_MAX_NONCE: Final = 512
_PRIVATE: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_WALLET: Final = _PRIVATE | {"Access-Control-Allow-Origin": "*"}
_STATUS: Final = {
    OpenIdReason.SESSION_UNKNOWN: HTTPStatus.NOT_FOUND,
    OpenIdReason.SESSION_OVER: HTTPStatus.GONE,
    OpenIdReason.SESSIONS_FULL: HTTPStatus.SERVICE_UNAVAILABLE,
}
_REASON: Final = "zk-disclosure.reason"


def verifier_routes(
    edge: VerifierEdge, secret: str | None = None, openings: Openings | None = None
) -> list[Route]:
    """Return the edge's routes, to be served alone or below a path of a larger application.

    `secret` is what a counter shows to ask on another device; without one nobody does. `openings` says how
    often others may ask.
    """
    app = _App(edge, secret, Openings() if openings is None else openings)
    return [
        Route("/sessions", app.open, methods=["POST"]),
        Route("/result", app.result, methods=["GET"]),
        Route("/request/{handle:str}", app.request_object, methods=["GET", "POST"]),
        Route("/response", app.response, methods=["POST"]),
    ]


def verifier_app(
    edge: VerifierEdge, secret: str | None = None, openings: Openings | None = None
) -> Starlette:
    """Return the edge as an application of its own; see `verifier_routes`."""
    return application(verifier_routes(edge, secret, openings))


class _App:
    def __init__(self, edge: VerifierEdge, secret: str | None, openings: Openings) -> None:
        self._edge, self._openings = edge, openings
        self._secret = None if secret is None else _hashed(secret)
        parts = urlsplit(edge.identity.base)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        secure = parts.scheme == "https"
        self._cookie = "__Host-zk-openid" if secure else "zk-openid"
        self._attributes = "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")

    async def open(self, request: Request) -> Response:
        if not self._from_own_page(request):
            return _failed("access_denied", "NOT_ALLOWED", HTTPStatus.FORBIDDEN, _PRIVATE)
        try:
            given = loads(await body_of(request, _SMALL), OpenIdReason.RESPONSE_INVALID)
            if set(given) != {"policy", "device"} or given["device"] not in list(Device):
                raise OpenIdError(OpenIdReason.RESPONSE_INVALID, "it names a policy and a device")
            if not isinstance(given["policy"], str):
                raise OpenIdError(OpenIdReason.RESPONSE_INVALID, "a policy has a name")
            device, counter = Device(given["device"]), self._from_counter(request)
            if device is Device.CROSS and not counter:
                # Whoever opens it sees what another answers, so it is for nobody but the counter.
                headers = _PRIVATE | {"WWW-Authenticate": "Bearer"}
                return _failed("invalid_token", "NOT_ALLOWED", HTTPStatus.UNAUTHORIZED, headers)
            client = "" if counter else _client_of(request)
            if client and (seconds := self._openings.take(client)):
                headers = _PRIVATE | {"Retry-After": str(math.ceil(seconds))}
                return _failed(
                    "temporarily_unavailable", "SESSIONS_FULL", HTTPStatus.TOO_MANY_REQUESTS, headers
                )
            begun = self._edge.ask(given["policy"], device, client)
        except _KNOWN as error:
            return _refused(error, _PRIVATE)
        # Always a new one: a cookie that somebody planted in this browser leads to no session of ours.
        uri = self._edge.identity.invitation(begun.handle)
        body = {"uri": uri, **told(begun.session, self._edge.tells_answers)}
        if device is Device.CROSS:
            body["qr"] = segno.make(uri, micro=False).svg_inline(scale=4)
        return _json(body, HTTPStatus.CREATED, _PRIVATE | self._set_cookie(begun.cookie))

    async def result(self, request: Request) -> Response:
        cookie, code = request.cookies.get(self._cookie, ""), request.query_params.get("response_code")
        try:
            if code is None:
                session = self._edge.sessions.seen_by(cookie)
            else:
                session = await self._edge.accept(cookie, code)
        except _KNOWN as error:
            return _refused(error, _PRIVATE)
        except Exception as error:  # whatever kept the answer from being kept: the browser may come again
            return _not_kept(error, _PRIVATE)
        headers = dict(_PRIVATE)
        if code is not None and session.state is State.KEEPING:  # it is told later, to this browser alone
            headers |= self._set_cookie(self._edge.sessions.renewed(session, cookie, code))
        body = told(session, self._edge.tells_answers)
        self._edge.sessions.told(session)
        return _json(body, HTTPStatus.OK, headers)

    async def request_object(self, request: Request) -> Response:
        try:
            nonce = await _wallet_nonce(request) if request.method == "POST" else None
            made = await self._edge.object_for(request.path_params["handle"], nonce)
        except _KNOWN as error:
            return _refused(error, _WALLET)
        return Response(made, HTTPStatus.OK, _WALLET | {"Content-Type": MEDIA_TYPE})

    async def response(self, request: Request) -> Response:
        try:
            _check_form(request)
            receipt, redirect = await self._edge.take(await body_of(request, MAX_RESPONSE_OCTETS))
        except _KNOWN as error:
            return _refused(error, _WALLET)
        except Exception as error:  # the same answer may be posted again, and gets the same receipt
            return _not_kept(error, _WALLET)
        body = b"{}" if receipt is None else receipt_json(receipt, redirect)
        return Response(body, HTTPStatus.OK, _WALLET | {"Content-Type": _JSON})

    def _set_cookie(self, cookie: str) -> dict[str, str]:
        return {"Set-Cookie": f"{self._cookie}={cookie}; {self._attributes}"}

    def _from_own_page(self, request: Request) -> bool:
        """Tell whether a page of the edge's own origin asks, as far as a browser says; a program need not."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip()
        origin = request.headers.get("origin", self._origin)
        site = request.headers.get("sec-fetch-site", "same-origin")
        return kind == _JSON and origin == self._origin and site in ("same-origin", "none")

    def _from_counter(self, request: Request) -> bool:
        """Tell whether the counter asks, which shows its secret."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if self._secret is None or kind.lower() != "bearer":
            return False
        return hmac.compare_digest(self._secret, _hashed(token))


def _hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _client_of(request: Request) -> str:
    """Return whose an opening is: the address, or for IPv6 the network, that it comes from.

    Of a proxy on this machine it is the last one that the proxy names; what others say counts for nothing.
    """
    host = request.client.host if request.client else ""
    named = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    if named and host in _OWN:
        host = named
    return network_of(host) or "unknown"


def _check_form(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM_TYPE:
        raise OpenIdError(OpenIdReason.RESPONSE_INVALID, f"it is posted as {FORM_TYPE}")


async def _wallet_nonce(request: Request) -> str | None:
    """Return the nonce of a wallet's POST (section 5.10); whatever else it says of itself changes nothing."""
    _check_form(request)
    try:
        pairs = parse_qsl(
            (await body_of(request, _SMALL)).decode("ascii"), keep_blank_values=True, max_num_fields=16
        )
    except ValueError:
        raise OpenIdError(OpenIdReason.RESPONSE_INVALID, "it is no form") from None
    nonces = [value for name, value in pairs if name == "wallet_nonce"]
    if not nonces:
        return None
    if len(nonces) > 1 or not 0 < len(nonces[0]) <= _MAX_NONCE or not nonces[0].isascii():
        raise OpenIdError(OpenIdReason.RESPONSE_INVALID, "it is no nonce", field="wallet_nonce")
    return nonces[0]


_KNOWN: Final = (OpenIdError, ServiceError, DisclosureError, VerifierError, NotNowError, BodyError)


def _refused(error: Exception, headers: dict[str, str]) -> Response:
    """Say why in a stable reason, and in OAuth's few words; details stay here."""
    if isinstance(error, BodyError):
        return _failed("invalid_request", "BODY_INVALID", HTTPStatus(error.status), headers)
    reason = str(getattr(error, "reason", "INTERNAL"))
    if isinstance(error, OpenIdError):
        status = _STATUS.get(OpenIdReason(reason), HTTPStatus.BAD_REQUEST)
    elif isinstance(error, NotNowError) or (isinstance(error, ServiceError) and error.code.name in _BUSY):
        return _failed("temporarily_unavailable", reason, HTTPStatus.SERVICE_UNAVAILABLE, headers)
    elif isinstance(error, VerifierError):
        return _failed("server_error", reason, HTTPStatus.BAD_GATEWAY, headers)
    else:
        status = HTTPStatus.BAD_REQUEST
    return _failed("invalid_request", reason, status, headers)


_BUSY: Final = frozenset(
    {"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "CANCELLED", "INTERNAL", "UNKNOWN"}
)


def _not_kept(error: Exception, headers: dict[str, str]) -> Response:
    # By its kind alone: its text may have values, or a path.
    _LOG.error("an answer could not be kept: %s", type(error).__name__)
    return _failed("server_error", "INTERNAL", HTTPStatus.INTERNAL_SERVER_ERROR, headers)


def _failed(error: str, reason: str, status: HTTPStatus, headers: dict[str, str]) -> Response:
    return _json({"error": error, _REASON: reason}, status, headers)


def _json(body: dict[str, Json], status: HTTPStatus, headers: dict[str, str]) -> Response:
    return Response(dumps(body), status, headers | {"Content-Type": _JSON})
