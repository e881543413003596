"""A wallet's side of OpenID4VP: from what was scanned to an opened request object; an answer, posted."""

import datetime as dt
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from openid.encryption import ALGORITHM, CONTENT
from openid.errors import OpenIdError, OpenIdReason
from openid.request_object import (
    FORMATS,
    MAX_OBJECT_OCTETS,
    MEDIA_TYPE,
    OpenedObject,
    open_object,
)
from openid.response import (
    FORM_TYPE,
    Submission,
    error_form,
    read_receipt,
    response_form,
)
from openid.strict_json import dumps
from openid.wallet.fetching import Answered, Fetcher
from openid.wallet.refusing import refused

SCHEME: Final = "openid4vp"
MAX_INVITATION: Final = 4_096
_MAX_ANSWER: Final = 256 << 10
_OURS: Final = ("client_id", "request_uri", "request_uri_method")
_METHODS: Final = ("get", "post")


@dataclass(frozen=True)
class Invitation:
    """What a link or QR code of OpenID4VP says: whose request, and where it is fetched, and how."""

    client_id: str
    request_uri: str = field(repr=False)
    post: bool

    @classmethod
    def parse(cls, text: str) -> "Invitation":
        """Parse it; OpenIdError OPENID_URI_INVALID.

        Only requests by reference are known. Parameters beside the three are passed over: what counts is
        what is signed (RFC 9101, section 5).
        """
        try:
            parts = urlsplit(text if len(text) <= MAX_INVITATION and text.isascii() else "")
            pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True, max_num_fields=32)
        except ValueError:
            raise _uri_invalid() from None
        ours = [(name, value) for name, value in pairs if name in _OURS]
        given = dict(ours)
        if parts.scheme != SCHEME or len(given) != len(ours) or not {*_OURS[:2]} <= set(given):
            raise _uri_invalid()
        method = given.get("request_uri_method", "get")
        if method not in _METHODS or not given["client_id"]:
            raise _uri_invalid()
        return cls(given["client_id"], given["request_uri"], method == "post")


def fetch_object(fetcher: Fetcher, invitation: Invitation, now: dt.datetime) -> OpenedObject:
    """Fetch the request object of an invitation, and open it (section 5.10).

    Raises what `Fetcher.get` and `open_object` raise; OpenIdError EDGE_REFUSED.
    """
    if invitation.post:
        nonce = secrets.token_urlsafe(32)
        known = {
            "authorization_encryption_alg_values_supported": [ALGORITHM],
            "authorization_encryption_enc_values_supported": [CONTENT],
            "request_object_signing_alg_values_supported": ["EdDSA"],
            "vp_formats_supported": FORMATS,
        }
        metadata = dumps(known).decode()
        body = urlencode({"wallet_metadata": metadata, "wallet_nonce": nonce}).encode()
        answer = fetcher.post(invitation.request_uri, body, FORM_TYPE, MAX_OBJECT_OCTETS, MEDIA_TYPE)
    else:
        nonce = None
        answer = fetcher.get(invitation.request_uri, MAX_OBJECT_OCTETS, MEDIA_TYPE)
    _check(answer, MEDIA_TYPE)
    try:
        text = answer.body.decode("ascii")
    except UnicodeDecodeError:
        raise OpenIdError(OpenIdReason.REQUEST_OBJECT_INVALID, "it is no compact JWS") from None
    opened = open_object(text, invitation.client_id, now, nonce)
    fetcher.check(opened.object.response_uri)
    return opened


def post_answer(fetcher: Fetcher, opened: OpenedObject, submission: Submission) -> tuple[bytes, str | None]:
    """Post an answer; return the receipt, not yet looked at, and where the browser goes on.

    Whatever is raised says nothing certain of whether the answer was taken: the vault finds that out from
    the service. Raises what `Fetcher.post` raises; OpenIdError EDGE_REFUSED, EDGE_ANSWER_INVALID.
    """
    made = opened.object
    body = response_form(made.request, submission, made.state, made.answer_key)
    answer = fetcher.post(made.response_uri, body, FORM_TYPE, _MAX_ANSWER, "application/json")
    _check(answer, "application/json")
    receipt, redirect = read_receipt(answer.body)
    if redirect is not None:
        _check_redirect(fetcher, redirect)
    return receipt, redirect


def post_no(fetcher: Fetcher, opened: OpenedObject) -> None:
    """Tell the edge that the holder will not answer; that it does not hear it changes nothing."""
    made = opened.object
    with suppress(OpenIdError):
        fetcher.post(made.response_uri, error_form(made.state), FORM_TYPE, _MAX_ANSWER, "application/json")


def _check_redirect(fetcher: Fetcher, redirect: str) -> None:
    """The browser is led only where the wallet itself would ask: to https, unless it is for development."""
    try:
        fetcher.check(redirect)
    except OpenIdError as error:
        raise OpenIdError(OpenIdReason.EDGE_ANSWER_INVALID, error.detail, field="redirect_uri") from None


def _check(answer: Answered, kind: str) -> None:
    if answer.status != 200:
        raise refused(answer)
    if answer.media_type != kind:
        raise OpenIdError(OpenIdReason.EDGE_ANSWER_INVALID, f"it is not of the type {kind}")


def _uri_invalid() -> OpenIdError:
    detail = f"a request begins with {SCHEME}:// and names client_id and request_uri"
    return OpenIdError(OpenIdReason.OPENID_URI_INVALID, detail)
