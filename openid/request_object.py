"""Request objects: what a verifier's edge signs and a wallet reads (OpenID4VP 1.0, section 5; RFC 9101).

Signed by the verifier's registered key, the very one that signs the request inside, so that nobody can put
another's request into an object of his own and have the answer come to himself. The request inside is the
project's own, octet for octet; `dcql_query` says the same in DCQL, and a wallet that finds it saying anything
else refuses. `nonce` is the request's own nonce, which every presentation is bound to.
"""

import datetime as dt
import hmac
import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from disclosure import ExchangeLink, SignedRequest
from disclosure.composite import CompositeRequest, is_composite
from openid.client_id import ClientCertificate, certificate_from_x5c, check_client
from openid.dcql import OWN, read_dcql
from openid.encryption import ResponseKey, read_response_key
from openid.errors import OpenIdError, OpenIdReason
from openid.mapping import COMPOSITE_FORMAT, PLAIN_FORMAT, AnyRequest, dcql_of
from openid.strict_json import Json, loads, octets_of, to_base64url

MEDIA_TYPE: Final = "application/oauth-authz-req+jwt"
TYPE: Final = "oauth-authz-req+jwt"
PLAIN: Final = "direct_post"
ENCRYPTED: Final = "direct_post.jwt"
AUDIENCE: Final = "https://self-issued.me/v2"
"""Static discovery (section 5.8): the edge does not know which wallet will ask."""
MAX_OBJECT_OCTETS: Final = 256 << 10
MAX_LIFE: Final = dt.timedelta(days=7)
_TOLERANCE: Final = dt.timedelta(minutes=2)
_REASON: Final = OpenIdReason.REQUEST_OBJECT_INVALID
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22,128}", re.ASCII)
_NEEDED: Final = frozenset(
    {
        "aud", "client_id", "dcql_query", "exp", "iat", "nonce", "response_mode", "response_type",
        "response_uri", "state", OWN,
    }
)  # fmt: skip
_HARMLESS: Final = frozenset({"client_metadata", "iss", "verifier_info", "wallet_nonce"})
"""What changes nothing of what is asked, of whom, or where the answer goes. Of `client_metadata` an encrypted
answer's key is read, and nothing else."""
FORMATS: Final[dict[str, Json]] = {PLAIN_FORMAT: {}, COMPOSITE_FORMAT: {}}


@dataclass(frozen=True)
class RequestObject:
    """What a request object says. `expires` is in whole seconds; `state` and `link` are secrets."""

    client_id: str
    response_uri: str
    signed: SignedRequest
    link: ExchangeLink = field(repr=False)
    state: str = field(repr=False)
    issued: dt.datetime
    expires: dt.datetime
    answer_key: ResponseKey | None = None
    """To which the answer is encrypted (`direct_post.jwt`), if it is."""

    @property
    def request(self) -> AnyRequest:
        """The request, of the form that its label selects; MalformedError."""
        if is_composite(self.signed):
            return CompositeRequest.from_bytes(self.signed.payload)
        return self.signed.request

    def claims(self, wallet_nonce: str | None = None) -> dict[str, Json]:
        """Return the claims that are signed."""
        key = self.answer_key
        made: dict[str, Json] = {
            "aud": AUDIENCE,
            "client_id": self.client_id,
            "client_metadata": {"vp_formats_supported": FORMATS} | (key.to_metadata() if key else {}),
            "dcql_query": dcql_of(self.request).to_json(),
            "exp": int(self.expires.timestamp()),
            "iat": int(self.issued.timestamp()),
            "nonce": to_base64url(self.request.nonce),
            "response_mode": ENCRYPTED if key else PLAIN,
            "response_type": "vp_token",
            "response_uri": self.response_uri,
            "state": self.state,
            OWN: {
                "request": to_base64url(self.signed.payload),
                "signature": to_base64url(self.signed.signature),
                "exchange": str(self.link),
            },
        }
        return made if wallet_nonce is None else made | {"wallet_nonce": wallet_nonce}


def sign_object(
    made: RequestObject,
    key: Ed25519PrivateKey,
    certificate: ClientCertificate,
    wallet_nonce: str | None = None,
) -> str:
    """Return the object as a compact JWS, signed by the verifier's registered key."""
    headers = {"typ": TYPE, "x5c": certificate.x5c}
    return jwt.encode(made.claims(wallet_nonce), key, algorithm="EdDSA", headers=headers)


@dataclass(frozen=True)
class OpenedObject:
    """A request object whose signature holds, and the key it holds under: 32 octets.

    That this is the registered key of the verifier that the request names, the ledger says.
    """

    object: RequestObject
    signer: bytes


def open_object(text: str, client_id: str, now: dt.datetime, wallet_nonce: str | None = None) -> OpenedObject:
    """Read a request object that was fetched for a client identifier.

    Raises OpenIdError REQUEST_OBJECT_INVALID, CLIENT_NOT_TRUSTED, REQUEST_OBJECT_EXPIRED, NOT_UNDERSTOOD (a
    parameter that this wallet does not know, a query that says anything but the request inside),
    DCQL_INVALID; MalformedError for a request or link that is none.
    """
    if len(text) > MAX_OBJECT_OCTETS:
        raise _invalid("it is too long", "")
    certificate = _certificate_of(text)
    # Not believed yet: where the answer goes decides whether the certificate may be of this client.
    claims = _claims_of(text, None)
    signer = check_client(client_id, certificate, _text(claims, "response_uri"), now)
    claims = _claims_of(text, signer)
    if not hmac.compare_digest(_text(claims, "client_id").encode(), client_id.encode()):
        raise _invalid("it is another client's", "client_id")
    said = claims.get("wallet_nonce")
    if wallet_nonce is not None and not (
        isinstance(said, str) and hmac.compare_digest(said.encode(), wallet_nonce.encode())
    ):
        raise _invalid("it was made for another wallet's question", "wallet_nonce")
    return OpenedObject(_object_of(claims, now), signer)


def _certificate_of(text: str) -> ClientCertificate:
    try:
        jwt.get_unverified_header(text)  # refuses what is no compact JWS
        head = loads(octets_of(text.partition(".")[0], _REASON, "header"), _REASON)
    except jwt.PyJWTError:
        raise _invalid("it is no compact JWS", "") from None
    if set(head) != {"alg", "typ", "x5c"} or (head["alg"], head["typ"]) != ("EdDSA", TYPE):
        raise _invalid(f"its header has alg EdDSA, typ {TYPE} and x5c", "header")
    if not isinstance(head["x5c"], list):
        raise _invalid("x5c is a list", "header")
    return certificate_from_x5c(head["x5c"])


def _claims_of(text: str, signer: bytes | None) -> dict[str, Json]:
    options: Any = {"verify_signature": signer is not None} | dict.fromkeys(
        ("verify_exp", "verify_iat", "verify_nbf", "verify_aud", "verify_iss", "verify_sub", "verify_jti"),
        False,
    )
    key: Any = "" if signer is None else Ed25519PublicKey.from_public_bytes(signer)
    try:
        jwt.decode_complete(text, key, algorithms=["EdDSA"], options=options)
    except jwt.InvalidSignatureError:
        raise _invalid("its signature does not hold", "") from None
    except (jwt.PyJWTError, ValueError):
        raise _invalid("it is no signed object", "") from None
    claims = loads(octets_of(text.split(".")[1], _REASON, "payload"), _REASON)
    if missing := _NEEDED - set(claims):
        raise _invalid(f"{min(missing)} is missing", min(missing))
    if unknown := set(claims) - _NEEDED - _HARMLESS:
        detail = "a parameter that this wallet does not know might change what is asked"
        raise OpenIdError(OpenIdReason.NOT_UNDERSTOOD, detail, field=min(unknown))
    return claims


def _object_of(claims: dict[str, Json], now: dt.datetime) -> RequestObject:
    for name, value in (("aud", AUDIENCE), ("response_type", "vp_token")):
        if claims[name] != value:
            raise OpenIdError(OpenIdReason.NOT_UNDERSTOOD, f"this wallet knows {value} only", field=name)
    made = RequestObject(
        _text(claims, "client_id"), _text(claims, "response_uri"), *_own_of(claims[OWN]),
        _state_of(claims), _moment(claims, "iat"), _moment(claims, "exp"), _answer_key_of(claims),
    )  # fmt: skip
    check_uri(made.response_uri, "response_uri")
    if not made.issued < made.expires <= made.issued + MAX_LIFE:
        raise _invalid(f"it lives for at most {MAX_LIFE.days} days", "exp")
    if not made.issued - _TOLERANCE <= now < made.expires:
        raise OpenIdError(OpenIdReason.REQUEST_OBJECT_EXPIRED, "it is not valid now", field="exp")
    nonce = octets_of(claims["nonce"], _REASON, "nonce")
    if not hmac.compare_digest(nonce, made.request.nonce):
        raise _invalid("it is not the nonce of the request inside", "nonce")
    if read_dcql(claims["dcql_query"]).to_json() != dcql_of(made.request).to_json():
        detail = "the query says something else than the verifier's signed request"
        raise OpenIdError(OpenIdReason.NOT_UNDERSTOOD, detail, field="dcql_query")
    return made


def _answer_key_of(claims: dict[str, Json]) -> ResponseKey | None:
    if claims["response_mode"] == PLAIN:
        return None
    if claims["response_mode"] != ENCRYPTED:
        detail = f"this wallet knows {PLAIN} and {ENCRYPTED} only"
        raise OpenIdError(OpenIdReason.NOT_UNDERSTOOD, detail, field="response_mode")
    return read_response_key(claims.get("client_metadata"))


def _own_of(value: Json) -> tuple[SignedRequest, ExchangeLink]:
    if not isinstance(value, dict) or set(value) != {"request", "signature", "exchange"}:
        raise OpenIdError(OpenIdReason.NOT_UNDERSTOOD, "it has request, signature and exchange", field=OWN)
    payload, signature = (octets_of(value[each], _REASON, each) for each in ("request", "signature"))
    return SignedRequest(payload, signature), ExchangeLink.parse(_text(value, "exchange"))


def _state_of(claims: dict[str, Json]) -> str:
    if not _TOKEN.fullmatch(state := _text(claims, "state")):
        raise _invalid("it is no state", "state")
    return state


def check_uri(uri: str, place: str) -> None:
    """Raise OpenIdError REQUEST_OBJECT_INVALID unless it is an HTTP address without a fragment.

    Whether it may be asked is for `openid.wallet` to say, which allows https.
    """
    try:
        parts = urlsplit(uri)
        there = parts.scheme in ("https", "http") and parts.hostname and (parts.port or 1) > 0
    except ValueError:
        there = False
    if not there or not uri.isascii() or not uri.isprintable() or " " in uri or parts.fragment or "@" in uri:
        raise _invalid("it is no address", place)


def _text(claims: dict[str, Json], name: str) -> str:
    if not isinstance(claims[name], str):
        raise _invalid("it is no text", name)
    text: str = claims[name]
    return text


def _moment(claims: dict[str, Json], name: str) -> dt.datetime:
    seconds = claims[name]
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds < 1 << 37:
        raise _invalid("a time is whole seconds since 1970", name)
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _invalid(detail: str, field: str) -> OpenIdError:
    return OpenIdError(_REASON, detail, field=field)
