"""Objects of OpenID for Verifiable Credential Issuance 1.0: offers, metadata, key proofs, nonces.

A credential configuration is a schema, by its name, in the format of its form. A credential of the plain
form is asked for with a key proof `jwt`, of a key of the moment: the form has no holder's key. One of the
composite form is asked for with the project's own proofs, `zk-disclosure.commitment` for a base credential
and `zk-disclosure.presentation` for any other: the blind commitment to the holder's secret, bound to the
offer's terms.
"""

import datetime as dt
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from disclosure import CredentialForm, SchemaName
from openid.errors import OpenIdError, OpenIdReason
from openid.mapping import COMPOSITE_FORMAT, PLAIN_FORMAT
from openid.request_object import check_uri
from openid.strict_json import Json, dumps, loads, octets_of, to_base64url

SCHEME: Final = "openid-credential-offer"
GRANT: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
CODE: Final = "pre-authorized_code"
WELL_KNOWN: Final = "/.well-known/openid-credential-issuer"
SERVER_WELL_KNOWN: Final = "/.well-known/oauth-authorization-server"
OFFER_LINK: Final = "zk-disclosure.offer"
"""Under this key the holder gets the project's own link to the offer, by which a claim is gone on with."""
REQUEST_ID: Final = "zk-disclosure.request_id"
COMMITMENT: Final = "zk-disclosure.commitment"
PRESENTATION: Final = "zk-disclosure.presentation"
PROOF_TYPE: Final = "openid4vci-proof+jwt"
TX_DIGITS: Final = 6
MAX_INTERVAL: Final = 86_400
_NONCE_LIFE: Final = 300
_FUTURE: Final = 120
_RANDOM: Final = 16
_CODE: Final = re.compile("[!-~]{1,512}")
"""Any issuer's code, in the characters of RFC 6749, appendix A.11."""
_ENDPOINTS: Final = ("credential", "nonce", "deferred_credential", "notification")


def format_of(form: CredentialForm) -> str:
    """Return the format identifier of a form."""
    return COMPOSITE_FORMAT if form is CredentialForm.COMPOSITE else PLAIN_FORMAT


@dataclass(frozen=True)
class CredentialOffer:
    """An offer of one credential (section 4.1), with a pre-authorised code; `tx_code` says that a code of
    six digits came another way."""

    issuer: str
    configuration: str
    code: str = field(repr=False)
    tx_code: bool = False

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        grant: dict[str, Json] = {CODE: self.code}
        if self.tx_code:
            grant["tx_code"] = {"input_mode": "numeric", "length": TX_DIGITS}
        return {
            "credential_issuer": self.issuer,
            "credential_configuration_ids": [self.configuration],
            "grants": {GRANT: grant},
        }

    @property
    def uri(self) -> str:
        """The offer by value, as a link or QR code."""
        return f"{SCHEME}://?{urlencode({'credential_offer': dumps(self.to_json()).decode()})}"


def reference(address: str) -> str:
    """Return an offer by reference, as a link or QR code."""
    return f"{SCHEME}://?{urlencode({'credential_offer_uri': address})}"


def read_offer_uri(text: str) -> CredentialOffer | str:
    """Return the offer that a link holds, or the address where it is; OpenIdError OFFER_INVALID."""
    try:
        parts = urlsplit(text if len(text) <= 1 << 14 and text.isascii() else "")
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True, max_num_fields=4)
    except ValueError:
        raise _offer_invalid("it is no link") from None
    if parts.scheme != SCHEME or len(pairs) != 1:
        raise _offer_invalid(f"a link begins with {SCHEME}:// and has one parameter")
    name, value = pairs[0]
    if name == "credential_offer":
        return read_offer(value.encode())
    if name == "credential_offer_uri":
        return value
    raise _offer_invalid("it has credential_offer or credential_offer_uri")


def read_offer(octets: bytes) -> CredentialOffer:
    """Read an offer's JSON; OpenIdError OFFER_INVALID. Of several credentials none is chosen for anybody."""
    read = loads(octets, OpenIdReason.OFFER_INVALID)
    match read:
        case {
            "credential_issuer": str(issuer), "credential_configuration_ids": [str(configuration)],
            "grants": {"urn:ietf:params:oauth:grant-type:pre-authorized_code": dict(grant)},
        }:  # fmt: skip
            code, wanted = grant.get(CODE), grant.get("tx_code")
        case _:
            raise _offer_invalid("it offers one credential for a pre-authorised code")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise _offer_invalid("it is no code")
    if wanted is not None and not isinstance(wanted, dict):
        raise _offer_invalid("tx_code is an object")
    check_issuer(issuer, OpenIdReason.OFFER_INVALID)
    if grant.get("authorization_server", issuer) != issuer:
        raise _offer_invalid("an issuer is its own authorisation server here")
    return CredentialOffer(issuer, configuration, code, wanted is not None)


def check_issuer(issuer: str, reason: OpenIdReason) -> None:
    """Raise OpenIdError unless it is an issuer's identifier: an address without query and fragment."""
    try:
        check_uri(issuer, "credential_issuer")
    except OpenIdError as error:
        raise OpenIdError(reason, error.detail, field="credential_issuer") from None
    if "?" in issuer or issuer.endswith("/"):
        raise OpenIdError(
            reason, "an issuer has no query, and no slash at its end", field="credential_issuer"
        )


def well_known(issuer: str, path: str = WELL_KNOWN) -> str:
    """Return where an issuer's metadata stand: between its host and its own path (section 12.2.2)."""
    parts = urlsplit(issuer)
    return f"{parts.scheme}://{parts.netloc}{path}{parts.path}"


@dataclass(frozen=True)
class IssuerMetadata:
    """Where an issuer's endpoints are (section 12.2.4); it is its own authorisation server."""

    issuer: str
    formats: Mapping[str, str]
    """The format of each configuration."""

    def endpoint(self, name: str) -> str:
        """Return an endpoint's address."""
        return f"{self.issuer}/{name}"

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {
            "credential_issuer": self.issuer,
            **{f"{each}_endpoint": self.endpoint(each) for each in _ENDPOINTS},
            "credential_configurations_supported": {
                name: _configuration(kind) for name, kind in self.formats.items()
            },
        }

    def server_json(self) -> dict[str, Json]:
        """Return the authorisation server's metadata (RFC 8414) as JSON."""
        return {
            "issuer": self.issuer,
            "token_endpoint": self.endpoint("token"),
            "grant_types_supported": [GRANT],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["none"],
            "pre-authorized_grant_anonymous_access_supported": True,
        }


def _configuration(kind: str) -> dict[str, Json]:
    if kind == PLAIN_FORMAT:
        proofs: dict[str, Json] = {"jwt": {"proof_signing_alg_values_supported": ["EdDSA"]}}
        return {"format": kind, "proof_types_supported": proofs}
    proofs = {each: {"proof_signing_alg_values_supported": ["BBS"]} for each in (COMMITMENT, PRESENTATION)}
    return {
        "format": kind,
        "cryptographic_binding_methods_supported": ["zk-disclosure.holder-secret"],
        "proof_types_supported": proofs,
    }


@dataclass(frozen=True)
class Endpoints:
    """Where a wallet asks an issuer: read from its metadata, each below the issuer's own host."""

    issuer: str
    format: str
    credential: str
    nonce: str
    deferred_credential: str
    notification: str


def read_metadata(octets: bytes, offer: CredentialOffer) -> Endpoints:
    """Read what a wallet needs of an issuer's metadata, for one offer.

    Raises OpenIdError METADATA_INVALID: another issuer, endpoints of another host; NOT_UNDERSTOOD for a
    format that this wallet does not know.
    """
    reason = OpenIdReason.METADATA_INVALID
    read = loads(octets, reason)
    if read.get("credential_issuer") != offer.issuer:
        raise OpenIdError(reason, "it is another issuer's", field="credential_issuer")
    if "authorization_servers" in read:
        detail = "this wallet knows issuers that are their own authorisation server"
        raise OpenIdError(OpenIdReason.NOT_UNDERSTOOD, detail, field="authorization_servers")
    known = read.get("credential_configurations_supported")
    one = known.get(offer.configuration) if isinstance(known, dict) else None
    if not isinstance(one, dict):
        raise OpenIdError(reason, "the offered credential is not among them", field="configurations")
    if one.get("format") not in (PLAIN_FORMAT, COMPOSITE_FORMAT):
        raise OpenIdError(OpenIdReason.NOT_UNDERSTOOD, "this wallet has other formats", field="format")
    SchemaName.parse(offer.configuration, field="credential_configuration_id")
    found = [_endpoint(read, f"{each}_endpoint", offer.issuer) for each in _ENDPOINTS]
    return Endpoints(offer.issuer, one["format"], *found)


def read_token_endpoint(octets: bytes, issuer: str) -> str:
    """Read where tokens are had (RFC 8414); OpenIdError METADATA_INVALID."""
    read = loads(octets, OpenIdReason.METADATA_INVALID)
    if read.get("issuer") != issuer:
        raise OpenIdError(OpenIdReason.METADATA_INVALID, "it is another server's", field="issuer")
    return _endpoint(read, "token_endpoint", issuer)


def _endpoint(read: Mapping[str, Json], name: str, issuer: str) -> str:
    address = read.get(name)
    if not isinstance(address, str):
        raise OpenIdError(OpenIdReason.METADATA_INVALID, f"{name} is missing", field=name)
    there, here = urlsplit(address), urlsplit(issuer)
    if (there.scheme, there.netloc) != (here.scheme, here.netloc):
        raise OpenIdError(OpenIdReason.METADATA_INVALID, "it is at another host than the issuer", field=name)
    return address


class Nonces:
    """Makes nonces and knows its own again, each once (section 7). Keeps only those that were used."""

    def __init__(self) -> None:
        self._key, self._used = secrets.token_bytes(32), dict[bytes, int]()

    def new(self, now: dt.datetime) -> str:
        """Return a fresh nonce, good for five minutes."""
        body = secrets.token_bytes(_RANDOM) + (int(now.timestamp()) + _NONCE_LIFE).to_bytes(8)
        return to_base64url(body + self._tag(body))

    def check(self, nonce: object, now: dt.datetime) -> None:
        """Use a nonce up; OpenIdError RESPONSE_INVALID at `nonce` for any but a fresh one of its own."""
        octets = octets_of(nonce, OpenIdReason.RESPONSE_INVALID, "nonce")
        body, tag = octets[: _RANDOM + 8], octets[_RANDOM + 8 :]
        ends, moment = int.from_bytes(body[_RANDOM:]), int(now.timestamp())
        known = hmac.compare_digest(tag, self._tag(body)) and moment < ends and body not in self._used
        if not known:
            raise OpenIdError(OpenIdReason.RESPONSE_INVALID, "the nonce is not fresh", field="nonce")
        self._used = {each: end for each, end in self._used.items() if moment < end} | {body: ends}

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, b"zk-disclosure/openid-nonce/v1\x00" + body, "sha256")


def make_jwt_proof(issuer: str, nonce: str, now: dt.datetime) -> str:
    """Return a key proof (appendix F.1) of a key that is made for it and forgotten."""
    key = Ed25519PrivateKey.generate()
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": to_base64url(key.public_key().public_bytes_raw())}
    claims = {"aud": issuer, "iat": int(now.timestamp()), "nonce": nonce}
    return jwt.encode(claims, key, "EdDSA", {"typ": PROOF_TYPE, "jwk": jwk})


def check_jwt_proof(text: object, issuer: str, now: dt.datetime) -> str:
    """Return the nonce of a key proof whose signature holds; whether it is fresh is not looked at.

    Raises OpenIdError RESPONSE_INVALID at `proofs`.
    """
    try:
        if not isinstance(text, str) or len(text) > 1 << 14:
            raise ValueError
        head: Any = jwt.get_unverified_header(text)
        jwk = head.get("jwk")
        if set(head) != {"alg", "typ", "jwk"} or head["typ"] != PROOF_TYPE or head["alg"] != "EdDSA":
            raise ValueError
        if set(jwk) != {"kty", "crv", "x"} or (jwk["kty"], jwk["crv"]) != ("OKP", "Ed25519"):
            raise ValueError
        key = Ed25519PublicKey.from_public_bytes(octets_of(jwk["x"], OpenIdReason.RESPONSE_INVALID, "proofs"))
        claims = jwt.decode(
            text, key, ["EdDSA"], audience=issuer,
            options={"verify_iat": False, "require": ["aud", "iat", "nonce"]},
        )  # fmt: skip
        made, nonce = claims["iat"], claims["nonce"]
        moment = int(now.timestamp())
        if type(made) is not int or not moment - _NONCE_LIFE <= made <= moment + _FUTURE:
            raise ValueError
        if not isinstance(nonce, str) or claims["aud"] != issuer:
            raise ValueError
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, json.JSONDecodeError):
        raise OpenIdError(
            OpenIdReason.RESPONSE_INVALID, "the key proof does not hold", field="proofs"
        ) from None
    return nonce


def hashed(secret: str) -> bytes:
    """Return what a secret is kept and found by."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _offer_invalid(detail: str) -> OpenIdError:
    return OpenIdError(OpenIdReason.OFFER_INVALID, detail)
