"""Credential offers of OpenID4VCI 1.0 (section 4.1, its examples typed anew): what is read, what is not."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from openid.errors import OpenIdError, OpenIdReason
from openid.issuance import SCHEME, CredentialOffer, read_offer, read_offer_uri

ISSUER = "https://credential-issuer.example.com"
GRANT = "urn:ietf:params:oauth:grant-type:pre-authorized_code"


def offer(grant: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """Make an offer of one credential for a pre-authorised code."""
    code = {"pre-authorized_code": "adhjhdjajkdkhjhdj"}
    return {
        "credential_issuer": ISSUER,
        "credential_configuration_ids": ["UniversityDegreeCredential"],
        "grants": {GRANT: code | (grant or {})},
    } | members


READ: dict[str, tuple[dict[str, Any], bool]] = {
    "a code": (offer(), False),
    "a code to type, described": (offer({"tx_code": {"description": "It came by SMS."}}), True),
    "a code to type, of four digits": (offer({"tx_code": {"length": 4, "input_mode": "numeric"}}), True),
    "a code to type, of which nothing is said": (offer({"tx_code": {}}), True),
    "two grants": (
        offer(grants={"authorization_code": {"issuer_state": "eyJhbGciOiJSU0Et"}, **offer()["grants"]}),
        False,
    ),
    "its own authorisation server": (offer({"authorization_server": ISSUER}), False),
    "a code of other characters": (
        offer({"pre-authorized_code": "4/P7q.7W91~a+oMsCeLvIaQm6bTrgtp7=="}),
        False,
    ),
}
NOT_READ: dict[str, dict[str, Any]] = {
    "two credentials": offer(
        credential_configuration_ids=["UniversityDegreeCredential", "org.iso.18013.5.1.mDL"]
    ),
    "no credential": offer(credential_configuration_ids=[]),
    "a credential that is no text": offer(credential_configuration_ids=[1]),
    "the grant of a login": offer(grants={"authorization_code": {"issuer_state": "eyJhbGciOiJSU0Et"}}),
    "no grant": {key: value for key, value in offer().items() if key != "grants"},
    "no issuer": {key: value for key, value in offer().items() if key != "credential_issuer"},
    "an issuer with a query": offer(credential_issuer=f"{ISSUER}?tenant=a"),
    "an issuer of another scheme": offer(credential_issuer="javascript:alert(1)"),
    "another authorisation server": offer({"authorization_server": "https://as.example.com"}),
    "no code": offer({"pre-authorized_code": ""}),
    "a code with a space": offer({"pre-authorized_code": "a b"}),
    "a code without an end": offer({"pre-authorized_code": "a" * 513}),
    "a code to type that is no object": offer({"tx_code": "1234"}),
}


@pytest.mark.parametrize("name", READ)
def test_an_offer_of_the_specification_is_read(name: str) -> None:
    made, wants_code = READ[name]
    code = made["grants"][GRANT]["pre-authorized_code"]
    expected = CredentialOffer(ISSUER, "UniversityDegreeCredential", code, wants_code)
    assert read_offer(json.dumps(made).encode()) == expected
    assert read_offer_uri(f"{SCHEME}://?credential_offer={quote(json.dumps(made))}") == expected


def test_an_offer_by_reference_names_where_it_is() -> None:
    address = "https://server.example.com/credential-offer/GkurKxf5T0Y-mnPFCHqWOMiZi4VS138cQO_V7PZHAdM"
    assert read_offer_uri(f"{SCHEME}://?credential_offer_uri={quote(address)}") == address


@pytest.mark.parametrize("name", NOT_READ)
def test_an_offer_that_cannot_be_taken_is_refused(name: str) -> None:
    made = json.dumps(NOT_READ[name])
    with pytest.raises(OpenIdError) as told:
        read_offer(made.encode())
    assert told.value.reason == OpenIdReason.OFFER_INVALID
    assert "adhjhdjajkdkhjhdj" not in str(told.value)
    with pytest.raises(OpenIdError) as again:
        read_offer_uri(f"{SCHEME}://?credential_offer={quote(made)}")
    assert str(again.value) == str(told.value)
