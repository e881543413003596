"""A wallet's side of OpenID4VCI: from what was scanned to an offer's link; a claim, delivered to the edge.

What is claimed, and what the person agrees to, is the vault's business: it makes the message that it would
send to the service, and takes the answer as if it came from there. Both are octets of the contract.
"""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import urlencode

from google.protobuf.message import DecodeError

from disclosure import OfferLink
from openid.errors import OpenIdError, OpenIdReason
from openid.issuance import (
    CODE,
    COMMITMENT,
    GRANT,
    MAX_INTERVAL,
    OFFER_LINK,
    PRESENTATION,
    REQUEST_ID,
    SERVER_WELL_KNOWN,
    CredentialOffer,
    Endpoints,
    make_jwt_proof,
    read_metadata,
    read_offer,
    read_offer_uri,
    read_token_endpoint,
    well_known,
)
from openid.response import FORM_TYPE
from openid.strict_json import Json, dumps, loads, octets_of, to_base64url
from openid.wallet.fetching import Answered, Fetcher
from openid.wallet.refusing import refused
from zkproto.v1 import issuance_pb2

_JSON: Final = "application/json"
_MOST: Final = 256 << 10
_REASON: Final = OpenIdReason.EDGE_ANSWER_INVALID
Claim: TypeAlias = issuance_pb2.ClaimCredentialRequest | issuance_pb2.ClaimCompositeCredentialRequest
Credential: TypeAlias = issuance_pb2.ClaimCredentialResponse | issuance_pb2.ClaimCompositeCredentialResponse


def read_offered(fetcher: Fetcher, uri: str) -> CredentialOffer:
    """Return what a link offers, fetched if it names where it is; OpenIdError OFFER_INVALID and Fetcher's."""
    found = read_offer_uri(uri)
    if isinstance(found, str):
        answer = fetcher.get(found, _MOST, _JSON)
        _expect(answer, 200)
        found = read_offer(answer.body)
    fetcher.check(found.issuer)
    return found


@dataclass
class Claiming:
    """An offer that is being taken. `link` is the project's own, once the department has issued."""

    fetcher: Fetcher
    endpoints: Endpoints
    configuration: str
    clock: Callable[[], dt.datetime]
    token: str = field(repr=False)
    link: OfferLink | None = field(default=None, repr=False)
    transaction: str | None = field(default=None, repr=False)
    interval: int = 0
    notification: str | None = field(default=None, repr=False)

    def ready(self, seconds: float, pause: Callable[[float], None] = time.sleep) -> OfferLink | None:
        """Return the offer's link, waiting for so many seconds where issuance is deferred; None if it is
        deferred still."""
        ends = time.monotonic() + seconds
        while self.link is None:
            self._take(self._asked({}))
            left = ends - time.monotonic()
            if self.link is None and left <= 0:
                return None
            if self.link is None:
                pause(min(max(self.interval, 1), left))
        return self.link

    def send(self, message: Claim) -> Credential:
        """Deliver a claim of the vault's, with the proof of its form; return the credential's message.

        Raises OpenIdError EDGE_REFUSED, EDGE_ANSWER_INVALID and Fetcher's.
        """
        nonce = self._nonce()
        read = self._asked({"proofs": self._proofs(message, nonce), REQUEST_ID: message.request_id})
        match read:
            case {"credentials": [{"credential": text}]}:
                octets = octets_of(text, _REASON, "credential")
            case _:
                raise OpenIdError(_REASON, "there is no credential", field="credentials")
        if isinstance(identifier := read.get("notification_id"), str):
            self.notification = identifier
        made: Credential = issuance_pb2.ClaimCompositeCredentialResponse()
        if isinstance(message, issuance_pb2.ClaimCredentialRequest):
            made = issuance_pb2.ClaimCredentialResponse()
        try:
            made.ParseFromString(octets)
        except DecodeError:
            raise OpenIdError(_REASON, "it is no credential of the contract", field="credential") from None
        return made

    def accepted(self) -> None:
        """Say that the credential is kept; that the edge does not hear it changes nothing."""
        if self.notification is not None:
            body = {"notification_id": self.notification, "event": "credential_accepted"}
            try:
                self._post(self.endpoints.notification, body)
            except OpenIdError:
                return

    def _proofs(self, message: Claim, nonce: str) -> dict[str, Json]:
        if isinstance(message, issuance_pb2.ClaimCredentialRequest):
            return {"jwt": [make_jwt_proof(self.endpoints.issuer, nonce, self.clock())]}
        if message.WhichOneof("answer") == "commitment":
            return {COMMITMENT: [{"commitment": to_base64url(message.commitment), "nonce": nonce}]}
        octets = message.presentation.SerializeToString(deterministic=True)
        return {PRESENTATION: [{"presentation": to_base64url(octets), "nonce": nonce}]}

    def _nonce(self) -> str:
        answer = self.fetcher.post(self.endpoints.nonce, b"", _JSON, _MOST, _JSON)
        _expect(answer, 200)
        nonce = loads(answer.body, _REASON).get("c_nonce")
        if not isinstance(nonce, str):
            raise OpenIdError(_REASON, "there is no nonce", field="c_nonce")
        return nonce

    def _asked(self, more: dict[str, Json]) -> dict[str, Json]:
        """Ask for the credential: at first by its configuration, and where it is deferred by that."""
        if self.transaction is None:
            address, body = self.endpoints.credential, {"credential_configuration_id": self.configuration}
        else:
            address, body = self.endpoints.deferred_credential, {"transaction_id": self.transaction}
        answer = self._post(address, body | more)
        _expect(answer, 200, 202)
        return loads(answer.body, _REASON)

    def _take(self, read: dict[str, Json]) -> None:
        transaction, interval = read.get("transaction_id"), read.get("interval")
        if not isinstance(transaction, str) or type(interval) is not int or not 0 < interval <= MAX_INTERVAL:
            raise OpenIdError(_REASON, "it is neither issued nor deferred", field="transaction_id")
        self.transaction, self.interval = transaction, interval
        self.link = _link_of(read)

    def _post(self, address: str, body: dict[str, Json]) -> Answered:
        headers = {"Authorization": f"Bearer {self.token}"}
        return self.fetcher.post(address, dumps(body), _JSON, _MOST, _JSON, headers)


def begin(
    fetcher: Fetcher,
    offer: CredentialOffer,
    clock: Callable[[], dt.datetime],
    tx_code: Callable[[CredentialOffer], str],
) -> Claiming:
    """Take up an offer: read the issuer's metadata, and get the token for its code.

    `tx_code` asks the person for the code that came another way, where the offer has one. It is given the
    offer: whoever made the link may be after the code, so the person has to see where it goes, and for what.
    The issuer is then an address in ASCII, and the configuration a schema's name. Raises OpenIdError
    METADATA_INVALID, NOT_UNDERSTOOD, EDGE_REFUSED, EDGE_ANSWER_INVALID and Fetcher's.
    """
    endpoints = read_metadata(_got(fetcher, well_known(offer.issuer)), offer)
    server = _got(fetcher, well_known(offer.issuer, SERVER_WELL_KNOWN))
    address = read_token_endpoint(server, offer.issuer)
    asked = {"grant_type": GRANT, CODE: offer.code}
    if offer.tx_code:
        asked["tx_code"] = tx_code(offer)
    answer = fetcher.post(address, urlencode(asked).encode(), FORM_TYPE, _MOST, _JSON)
    _expect(answer, 200)
    read = loads(answer.body, _REASON)
    token, kind = read.get("access_token"), read.get("token_type")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise OpenIdError(_REASON, "there is no token", field="access_token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise OpenIdError(OpenIdReason.NOT_UNDERSTOOD, "this wallet knows bearer tokens", field="token_type")
    return Claiming(fetcher, endpoints, offer.configuration, clock, token, _link_of(read))


def _link_of(read: dict[str, Json]) -> OfferLink | None:
    link = read.get(OFFER_LINK)
    if link is None:
        return None
    if not isinstance(link, str):
        raise OpenIdError(_REASON, "it is no link", field=OFFER_LINK)
    return OfferLink.parse(link)


def _got(fetcher: Fetcher, address: str) -> bytes:
    answer = fetcher.get(address, _MOST, _JSON)
    _expect(answer, 200)
    return answer.body


def _expect(answer: Answered, *statuses: int) -> None:
    if answer.status not in statuses:
        raise refused(answer)
    if answer.media_type != _JSON:
        raise OpenIdError(_REASON, f"it is not of the type {_JSON}")
