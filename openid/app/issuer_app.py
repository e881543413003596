"""An issuer's edge over HTTP (OpenID4VCI 1.0), and the department's own way to it.

    POST offers            the department hands in an offer, {"schema", "link"?, "tx_code"?}, with its secret
    PUT  offers/{handle}   the department hands in the link of one that was deferred: {"link"}
    GET  offer/{reference} a wallet fetches an offer by reference
    POST token, nonce, credential, deferred_credential, notification

All below the issuer's own path; metadata stand at their well-known places. Wallets may be web pages.
"""

import hmac
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consortium.serving import BodyError, application, body_of
from disclosure import DisclosureError
from openid.app.issuing import IssuerEdge, Refusal
from openid.errors import OpenIdError, OpenIdReason
from openid.issuance import CODE, GRANT, SERVER_WELL_KNOWN, WELL_KNOWN, hashed, reference
from openid.response import FORM_TYPE
from openid.strict_json import Json, dumps, loads
from wire.client import ServiceError

_JSON: Final = "application/json"
_MOST: Final = 256 << 10
_REASON: Final = OpenIdReason.RESPONSE_INVALID
_HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-store",
    "Content-Type": _JSON,
    "X-Content-Type-Options": "nosniff",
}
_STATUS: Final = {"SESSION_UNKNOWN": 404, "SESSION_OVER": 409, "SESSIONS_FULL": 503}
_BUSY: Final = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "INTERNAL"})


def issuer_app(edge: IssuerEdge, secret: str) -> Starlette:
    """Return the application; `secret` is what the department shows to hand in offers."""
    app, path = _App(edge, secret), urlsplit(edge.issuer).path
    posted = {
        "token": app.token,
        "nonce": app.nonce,
        "credential": app.credential,
        "deferred_credential": app.deferred,
        "notification": app.notification,
        "offers": app.offered,
    }
    return application(
        [
            Route(f"{WELL_KNOWN}{path}", app.metadata, methods=["GET"]),
            Route(f"{SERVER_WELL_KNOWN}{path}", app.server_metadata, methods=["GET"]),
            Route(f"{path}/offer/{{reference:str}}", app.offer, methods=["GET"]),
            Route(f"{path}/offers/{{handle:str}}", app.issued, methods=["PUT"]),
            *(Route(f"{path}/{name}", each, methods=["POST"]) for name, each in posted.items()),
        ],
        dict.fromkeys((OpenIdError, ServiceError, DisclosureError, BodyError, Refusal), _refused),
    )


class _App:
    def __init__(self, edge: IssuerEdge, secret: str) -> None:
        self._edge, self._secret = edge, hashed(secret)

    async def metadata(self, _: Request) -> Response:
        return _answer(200, self._edge.metadata.to_json())

    async def server_metadata(self, _: Request) -> Response:
        return _answer(200, self._edge.metadata.server_json())

    async def offered(self, request: Request) -> Response:
        given = await self._from_department(request)
        name, link, tx_code = given.get("schema"), given.get("link"), given.get("tx_code", False)
        if not set(given) <= {"schema", "link", "tx_code"} or not isinstance(name, str):
            raise OpenIdError(_REASON, "it names a schema")
        if not isinstance(link, str | None) or not isinstance(tx_code, bool):
            raise OpenIdError(_REASON, "a link is text, and tx_code true or false")
        grant, offer = await self._edge.register(name, link, tx_code)
        answer: dict[str, Json] = {
            "offer": grant.handle,
            "uri": offer.uri,
            "uri_by_reference": reference(f"{self._edge.issuer}/offer/{grant.reference}"),
        }
        return _answer(201, answer | ({} if grant.tx_code is None else {"tx_code": grant.tx_code}))

    async def issued(self, request: Request) -> Response:
        given = await self._from_department(request)
        if set(given) != {"link"} or not isinstance(given["link"], str):
            raise OpenIdError(_REASON, "it has a link")
        await self._edge.issued(request.path_params["handle"], given["link"])
        return Response(None, 204)

    async def offer(self, request: Request) -> Response:
        grant = self._edge.grants.by("reference", request.path_params["reference"])
        return _answer(200, self._edge.offer_of(grant).to_json())

    async def token(self, request: Request) -> Response:
        given = await _form(request)
        if given.get("grant_type") != GRANT:
            raise Refusal(400, "unsupported_grant_type")
        return _answer(200, self._edge.token(given.get(CODE, ""), given.get("tx_code")))

    async def nonce(self, _: Request) -> Response:
        return _answer(200, {"c_nonce": self._edge.nonces.new(self._edge.clock())})

    async def credential(self, request: Request) -> Response:
        grant = self._edge.granted(_bearer(request))
        return _answer(*await self._edge.credential(grant, await _object(request)))

    async def deferred(self, request: Request) -> Response:
        grant = self._edge.granted(_bearer(request))
        return _answer(*await self._edge.deferred(grant, await _object(request)))

    async def notification(self, request: Request) -> Response:
        grant = self._edge.granted(_bearer(request))
        await self._edge.notified(grant, await _object(request))
        return Response(None, 204, {"Access-Control-Allow-Origin": "*"})

    async def _from_department(self, request: Request) -> dict[str, Json]:
        if not hmac.compare_digest(self._secret, hashed(_bearer(request))):
            raise Refusal(401, "invalid_token")
        return await _object(request)


async def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM_TYPE:
        raise Refusal(400, "invalid_request")
    try:
        pairs = parse_qsl((await body_of(request, _MOST)).decode("ascii"), max_num_fields=16)
    except ValueError:
        raise Refusal(400, "invalid_request") from None
    if len(dict(pairs)) != len(pairs):
        raise Refusal(400, "invalid_request")
    return dict(pairs)


async def _object(request: Request) -> dict[str, Json]:
    if request.headers.get("content-type", "").partition(";")[0].strip() != _JSON:
        raise OpenIdError(_REASON, f"it is posted as {_JSON}")
    return loads(await body_of(request, _MOST), _REASON)


def _bearer(request: Request) -> str:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Refusal(401, "invalid_token")
    return token


def _answer(status: int, body: dict[str, Json]) -> Response:
    return Response(dumps(body), status, _HEADERS)


async def _refused(_: Request, error: Any) -> Response:
    if isinstance(error, Refusal):
        answer = _answer(error.status, {"error": error.error})
        if error.status == 401:
            answer.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        return answer
    if isinstance(error, BodyError):
        return _answer(error.status, {"error": "invalid_request"})
    reason = str(error.reason)
    if isinstance(error, ServiceError):
        busy = error.code.name in _BUSY
        said = "temporarily_unavailable" if busy else "credential_request_denied"
        return _answer(503 if busy else 400, {"error": said, "zk-disclosure.reason": reason})
    status = _STATUS.get(reason, 400)
    return _answer(status, {"error": "invalid_credential_request", "zk-disclosure.reason": reason})
