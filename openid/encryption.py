"""Answers that are encrypted to the verifier's edge: `direct_post.jwt` (OpenID4VP 1.0, section 8.3).

For whoever ends TLS before the edge and is not to read what people show: a proxy, a host's balancer. It still
sees everything else: what is asked and from where, the handle, `state`, cookie and response code, the
counter's secret, how long an answer is, the receipt, a no. With cookie and code it may come for the result as
a browser does: so an edge that has such keys tells no value and no pseudonym there, but the state and the
name of the record. The request object, which the verifier has signed, names a key for this one answer; the
wallet encrypts to it by ECDH-ES over P-256 with A256GCM (RFC 7516, RFC 7518), and nothing else is understood.
The edge keeps no keys: each is derived from a secret of the process and from its kid, which is derived from
the session's state. So an answer opens for the session that it is for, and for none once the process has
ended.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from openid.errors import OpenIdError, OpenIdReason
from openid.strict_json import MAX_OCTETS, Json, loads, octets_of, to_base64url

ALGORITHM: Final = "ECDH-ES"
CONTENT: Final = "A256GCM"
CURVE: Final = "P-256"
_COORDINATE: Final = 32
_SECRET: Final = 32
_WIDE: Final = 48
"""Octets that are reduced to a private key: 128 bits more than the order has, so that no key is likelier."""
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_KID_OF: Final = b"zk-disclosure/openid/kid-of-state/v1\x00"
_KEY_OF: Final = b"zk-disclosure/openid/response-key/v1\x00"
_KID: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_FIXED: Final = {"alg": ALGORITHM, "crv": CURVE, "kty": "EC", "use": "enc"}
_ENC_VALUES: Final = "encrypted_response_enc_values_supported"


@dataclass(frozen=True)
class ResponseKey:
    """The public key for one answer: its kid, and the coordinates of a point of P-256, 32 octets each."""

    kid: str
    x: bytes
    y: bytes

    def to_metadata(self) -> dict[str, Json]:
        """Return the members of `client_metadata` that name the key and how it is used."""
        key = {**_FIXED, "kid": self.kid, "x": to_base64url(self.x), "y": to_base64url(self.y)}
        return {"jwks": {"keys": [key]}, _ENC_VALUES: [CONTENT]}

    def encrypt(self, octets: bytes) -> str:
        """Return a compact JWE of what is to be answered."""
        head = {"alg": ALGORITHM, "enc": CONTENT, "kid": self.kid}
        key = ECKey.import_key(_public(self.x, self.y))
        return jwe.encrypt_compact(head, octets, key, registry=_registry())


def read_response_key(metadata: Json) -> ResponseKey:
    """Return the key that `client_metadata` names for the answer.

    Raises OpenIdError NOT_UNDERSTOOD unless it is one key, of the only kind that this wallet encrypts to;
    REQUEST_OBJECT_INVALID for a point that is not of the curve.
    """
    read = metadata if isinstance(metadata, dict) else {}
    jwks, contents = read.get("jwks"), read.get(_ENC_VALUES)
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    key = keys[0] if isinstance(keys, list) and len(keys) == 1 else None
    if not isinstance(key, dict) or set(key) != {*_FIXED, "kid", "x", "y"}:
        raise _not_understood("this wallet encrypts to one key, which has alg, crv, kid, kty, use, x and y")
    if any(key[name] != value for name, value in _FIXED.items()):
        raise _not_understood(f"this wallet encrypts by {ALGORITHM} over {CURVE}")
    if not isinstance(contents, list) or CONTENT not in contents:
        raise _not_understood(f"this wallet encrypts with {CONTENT}")
    if not isinstance(key["kid"], str) or not _KID.fullmatch(key["kid"]):
        raise _not_understood("this wallet encrypts to a key with a kid of 43 characters")
    x, y = _point(key, OpenIdReason.REQUEST_OBJECT_INVALID, "client_metadata")
    return ResponseKey(key["kid"], x, y)


def _point(key: dict[str, Json], reason: OpenIdReason, place: str) -> tuple[bytes, bytes]:
    """Return the coordinates that a JWK of the curve has; OpenIdError for what is no point of it."""
    x, y = (octets_of(key[name], reason, place) for name in ("x", "y"))
    try:
        if len(x) != _COORDINATE or len(y) != _COORDINATE:
            raise ValueError
        _public(x, y)
    except ValueError:
        raise OpenIdError(reason, f"it is no point of {CURVE}", field=place) from None
    return x, y


def _public(x: bytes, y: bytes) -> ec.EllipticCurvePublicKey:
    at = int.from_bytes(x, "big"), int.from_bytes(y, "big")
    return ec.EllipticCurvePublicNumbers(at[0], at[1], ec.SECP256R1()).public_key()


class ResponseKeys:
    """The keys of one process: what it has handed out opens while it runs."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(_SECRET)

    def public(self, state: str) -> ResponseKey:
        """Return the key for the answer to a session."""
        kid = _kid_of(state)
        point = self._private(kid).public_key().public_numbers()
        x, y = (each.to_bytes(_COORDINATE, "big") for each in (point.x, point.y))
        return ResponseKey(kid, x, y)

    def open(self, text: str) -> dict[str, Json]:
        """Return what a compact JWE of a session's answer says, its own state among it.

        Raises OpenIdError RESPONSE_INVALID for what is not encrypted so, was not encrypted to a key of this
        process, or names another session than its key is for.
        """
        kid = _kid_in(text)
        try:
            opened = jwe.decrypt_compact(text, ECKey.import_key(self._private(kid)), registry=_registry())
            octets = opened.plaintext or b""
        except (JoseError, ValueError, TypeError, KeyError):
            raise _invalid("it does not open") from None
        read = loads(octets, OpenIdReason.RESPONSE_INVALID)
        state = read.get("state")
        if not isinstance(state, str) or not hmac.compare_digest(_kid_of(state), kid):
            raise _invalid("it is another session's")
        return read

    def _private(self, kid: str) -> ec.EllipticCurvePrivateKey:
        wide = HKDF(SHA256(), _WIDE, None, _KEY_OF + kid.encode("ascii")).derive(self._secret)
        return ec.derive_private_key(int.from_bytes(wide, "big") % (_ORDER - 1) + 1, ec.SECP256R1())


def _kid_in(text: str) -> str:
    """Return the kid of a JWE whose header is of the only kind there is; OpenIdError RESPONSE_INVALID."""
    reason = OpenIdReason.RESPONSE_INVALID
    head = loads(octets_of(text.partition(".")[0], reason, "response"), reason)
    kid, point = head.get("kid"), head.get("epk")
    if set(head) != {"alg", "enc", "kid", "epk"} or (head["alg"], head["enc"]) != (ALGORITHM, CONTENT):
        raise _invalid(f"its header has alg {ALGORITHM}, enc {CONTENT}, kid and epk")
    if not isinstance(point, dict) or set(point) != {"crv", "kty", "x", "y"}:
        raise _invalid("epk has crv, kty, x and y")
    if (point["crv"], point["kty"]) != (CURVE, "EC"):
        raise _invalid(f"epk is a key of {CURVE}")
    _point(point, reason, "response")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise _invalid("it has no kid of this edge's")
    return kid


def _kid_of(state: str) -> str:
    return to_base64url(hashlib.sha256(_KID_OF + state.encode("utf-8", "surrogatepass")).digest())


def _registry() -> Any:
    made = jwe.JWERegistry(algorithms=[ALGORITHM, CONTENT])
    made.max_ciphertext_length = MAX_OCTETS
    return made


def _not_understood(detail: str) -> OpenIdError:
    return OpenIdError(OpenIdReason.NOT_UNDERSTOOD, detail, field="client_metadata")


def _invalid(detail: str) -> OpenIdError:
    return OpenIdError(OpenIdReason.RESPONSE_INVALID, detail, field="response")
