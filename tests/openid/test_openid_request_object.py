"""Request objects and client identifiers: signed by whom, for whom, saying what; every other is refused."""

import datetime as dt
import hashlib
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from disclosure import DisclosureError, ExchangeLink, sign_request
from openid.client_id import ClientCertificate, from_pem, self_signed
from openid.dcql import OWN
from openid.encryption import ResponseKeys
from openid.errors import OpenIdError
from openid.mapping import dcql_of
from openid.request_object import TYPE, RequestObject, open_object, sign_object
from openid.response import RECEIPT, read_receipt
from openid.strict_json import dumps, to_base64url
from openid.wallet.presenting import Invitation
from tests.disclosure.composite.policy import REQUEST as COMPOSITE
from tests.openid.test_openid_dcql import PLAIN

NOW = PLAIN.created
KEY, OTHER = (Ed25519PrivateKey.from_private_bytes(bytes([each]) * 32) for each in (1, 2))
CERTIFICATE, OTHERS = self_signed(KEY, "school.example", NOW), self_signed(OTHER, "evil.example", NOW)
LINK = ExchangeLink("localhost:8443", "abc", "ticket-that-is-secret")
STATE = "s" * 43
OBJECT = RequestObject(
    CERTIFICATE.hashed, "https://school.example/response", sign_request(PLAIN, KEY), LINK, STATE,
    NOW, NOW + dt.timedelta(minutes=10),
)  # fmt: skip
NAMED = replace(OBJECT, client_id="x509_san_dns:school.example")


def signed(
    claims: dict[str, Any],
    key: Any = KEY,
    certificate: ClientCertificate = CERTIFICATE,
    alg: str = "EdDSA",
    **head: Any,
) -> str:
    return jwt.encode(claims, key, alg, {"typ": TYPE, "x5c": certificate.x5c, **head})


def refused(text: str, reason: str, client_id: str = OBJECT.client_id, **more: Any) -> None:
    with pytest.raises(OpenIdError, match=f"^{reason}") as caught:
        open_object(text, client_id, more.pop("now", NOW), **more)
    said = str(caught.value)
    assert STATE not in said
    assert LINK.ticket not in said


@pytest.mark.parametrize("made", [OBJECT, NAMED], ids=["hash", "dns"])
@pytest.mark.parametrize("nonce", [None, "qPmxiNFCR3QTm19POc8u"])
def test_a_good_object_is_opened(made: RequestObject, nonce: str | None) -> None:
    opened = open_object(sign_object(made, KEY, CERTIFICATE, nonce), made.client_id, NOW, nonce)
    assert opened.object == made
    assert opened.object.request == PLAIN
    assert opened.signer == KEY.public_key().public_bytes_raw()


def test_the_key_for_the_answer_is_signed_with_it() -> None:
    made = replace(OBJECT, answer_key=ResponseKeys().public(STATE))
    assert open_object(sign_object(made, KEY, CERTIFICATE), made.client_id, NOW).object == made
    refused(signed(made.claims() | {"client_metadata": {}}), "NOT_UNDERSTOOD")
    refused(signed(OBJECT.claims() | {"response_mode": "direct_post.jwt"}), "NOT_UNDERSTOOD")


def test_a_composite_request_is_carried_whole() -> None:
    made = replace(OBJECT, signed=sign_request(COMPOSITE, KEY))
    opened = open_object(sign_object(made, KEY, CERTIFICATE), made.client_id, NOW)
    assert opened.object.request == COMPOSITE


def test_it_has_what_the_specification_demands() -> None:
    """OpenID4VP 1.0, sections 5.1, 5.2, 5.10.1 and 8.2; RFC 9101, section 10.8."""
    text = sign_object(OBJECT, KEY, CERTIFICATE, "n")
    head = jwt.get_unverified_header(text)
    assert head["typ"] == "oauth-authz-req+jwt"
    claims = OBJECT.claims("n")
    assert claims["response_type"] == "vp_token"
    assert claims["response_mode"] == "direct_post"
    assert "redirect_uri" not in claims
    assert claims["aud"] == "https://self-issued.me/v2"
    assert claims["wallet_nonce"] == "n"
    assert set(claims["client_metadata"]) == {"vp_formats_supported"}
    assert CERTIFICATE.hashed == "x509_hash:" + to_base64url(hashlib.sha256(CERTIFICATE.chain[0]).digest())


def test_secrets_stand_in_no_repr() -> None:
    for each in (OBJECT, open_object(sign_object(OBJECT, KEY, CERTIFICATE), OBJECT.client_id, NOW)):
        assert STATE not in repr(each)
        assert LINK.ticket not in repr(each)


CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "another audience": ({"aud": "https://wallet.example"}, "NOT_UNDERSTOOD"),
    "response_type": ({"response_type": "vp_token id_token"}, "NOT_UNDERSTOOD"),
    "response_mode": ({"response_mode": "fragment"}, "NOT_UNDERSTOOD"),
    "the mode of the browser's own interface": ({"response_mode": "dc_api"}, "NOT_UNDERSTOOD"),
    "its encrypted mode": ({"response_mode": "dc_api.jwt"}, "NOT_UNDERSTOOD"),
    "transaction_data": ({"transaction_data": ["e30"]}, "NOT_UNDERSTOOD"),
    "scope": ({"scope": "org.example.pid"}, "NOT_UNDERSTOOD"),
    "redirect_uri": ({"redirect_uri": "https://school.example/cb"}, "NOT_UNDERSTOOD"),
    "a critical parameter": ({"https://other.example/also-show": ["name"]}, "NOT_UNDERSTOOD"),
    "another client": ({"client_id": OTHERS.hashed}, "REQUEST_OBJECT_INVALID"),
    "another nonce": ({"nonce": to_base64url(bytes(32))}, "REQUEST_OBJECT_INVALID"),
    "a nonce that is none": ({"nonce": "n-0S6_WzA2Mj="}, "REQUEST_OBJECT_INVALID"),
    "no state": ({"state": ""}, "REQUEST_OBJECT_INVALID"),
    "a state that is a number": ({"state": 1}, "REQUEST_OBJECT_INVALID"),
    "ends before it begins": ({"exp": OBJECT.claims()["iat"]}, "REQUEST_OBJECT_INVALID"),
    "lives for a month": ({"exp": OBJECT.claims()["iat"] + 30 * 86_400}, "REQUEST_OBJECT_INVALID"),
    "a time that is text": ({"exp": "soon"}, "REQUEST_OBJECT_INVALID"),
    "an address without host": ({"response_uri": "https:///response"}, "REQUEST_OBJECT_INVALID"),
    "an address of a file": ({"response_uri": "file:///etc/passwd"}, "REQUEST_OBJECT_INVALID"),
    "an address with a fragment": ({"response_uri": "https://school.example/#x"}, "REQUEST_OBJECT_INVALID"),
    "an address with a name": ({"response_uri": "https://a@school.example/"}, "REQUEST_OBJECT_INVALID"),
    "no request inside": ({OWN: {}}, "NOT_UNDERSTOOD"),
    "more beside the request": ({OWN: OBJECT.claims()[OWN] | {"also": 1}}, "NOT_UNDERSTOOD"),
    "asks for more in DCQL": (
        {"dcql_query": dcql_of(replace(PLAIN, queries=PLAIN.queries[:1])).to_json()},
        "NOT_UNDERSTOOD",
    ),
    "DCQL of something else": ({"dcql_query": dcql_of(COMPOSITE).to_json()}, "NOT_UNDERSTOOD"),
    "DCQL that is none": ({"dcql_query": {}}, "DCQL_INVALID"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_what_a_wallet_does_not_know_or_expect_is_refused(name: str) -> None:
    changes, reason = CLAIMS[name]
    refused(signed(OBJECT.claims() | changes), reason)


@pytest.mark.parametrize("name", sorted(OBJECT.claims()))
def test_nothing_may_be_left_out(name: str) -> None:
    claims = OBJECT.claims()
    del claims[name]
    if name == "client_metadata":
        assert open_object(signed(claims), OBJECT.client_id, NOW)
    else:
        refused(signed(claims), "REQUEST_OBJECT_INVALID")


@pytest.mark.parametrize("name", ["request", "signature", "exchange"])
def test_the_request_inside_is_one(name: str) -> None:
    own = OBJECT.claims()[OWN] | {name: "AAAA"}
    with pytest.raises((OpenIdError, DisclosureError)):
        open_object(signed(OBJECT.claims() | {OWN: own}), OBJECT.client_id, NOW)


def ec_certificate() -> tuple[Any, ClientCertificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "school.example")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + dt.timedelta(days=1))
    return key, ClientCertificate((builder.sign(key, SHA256()).public_bytes(Encoding.DER),))


def test_whoever_signs_is_whom_the_identifier_names() -> None:
    claims = OBJECT.claims()
    refused(signed(claims, OTHER, OTHERS), "CLIENT_NOT_TRUSTED")
    refused(signed(claims, OTHER), "REQUEST_OBJECT_INVALID")
    refused(signed(NAMED.claims(), OTHER, OTHERS), "CLIENT_NOT_TRUSTED", NAMED.client_id)
    elsewhere = NAMED.claims() | {"response_uri": "https://evil.example/response"}
    refused(signed(elsewhere), "CLIENT_NOT_TRUSTED", NAMED.client_id)
    key, certificate = ec_certificate()
    theirs = claims | {"client_id": certificate.hashed}
    refused(signed(theirs, key, certificate, "ES256"), "REQUEST_OBJECT_INVALID", certificate.hashed)
    # The examples of OpenID4VP 1.0, section 5.9.3, and some that are none.
    for client in (
        "redirect_uri:https://client.example.org/cb", "openid_federation:https://federation-verifier.example.com",
        "decentralized_identifier:did:example:123", "verifier_attestation:verifier.example", "origin:x",
        "https://client.example.org/cb", "example-client", "did:example:1", "school", "x509_hash:",
    ):  # fmt: skip
        refused(signed(claims | {"client_id": client}), "CLIENT_NOT_TRUSTED", client)
    refused(signed(claims, certificate=ec_certificate()[1]), "CLIENT_NOT_TRUSTED")


@pytest.mark.parametrize(
    "head",
    [
        {"typ": "JWT"}, {"typ": None}, {"x5c": []}, {"x5c": "AA=="}, {"x5c": ["AA=="]}, {"x5c": ["!"]},
        {"x5c": CERTIFICATE.x5c * 9}, {"crit": ["exp"], "exp": 1}, {"jku": "https://evil.example/jwks"},
        {"jwk": {"kty": "OKP"}}, {"kid": "1"}, {"x5c": [1]},
    ],
    ids=lambda head: str(head)[:24],
)  # fmt: skip
def test_a_header_says_what_it_must_and_nothing_else(head: dict[str, Any]) -> None:
    text = signed(OBJECT.claims(), **head)
    refused(text, "REQUEST_OBJECT_INVALID")


def test_an_object_without_a_signature_is_none() -> None:
    text = sign_object(OBJECT, KEY, CERTIFICATE)
    head, payload, signature = text.split(".")
    for spoilt in (
        "", "x", "..", f"{head}.{payload}.", f"{head}.{payload}", f"{head}..{signature}", text + ".",
        f"{head}.{payload}.{signature[:-4]}AAAA", f"{text}\n", "x" * 300_000,
        signed(OBJECT.claims(), None, alg="none"), signed(OBJECT.claims(), "secret" * 8, alg="HS256"),
        signed(OBJECT.claims(), KEY.public_key().public_bytes_raw(), alg="HS256"),
    ):  # fmt: skip
        with pytest.raises(OpenIdError, match="REQUEST_OBJECT_INVALID"):
            open_object(spoilt, OBJECT.client_id, NOW)


def test_it_lives_as_long_as_it_says() -> None:
    text = sign_object(OBJECT, KEY, CERTIFICATE)
    for now in (OBJECT.expires, NOW - dt.timedelta(minutes=3)):
        refused(text, "REQUEST_OBJECT_EXPIRED", now=now)
    refused(text, "CLIENT_NOT_TRUSTED", now=NOW + dt.timedelta(days=500))


def test_a_wallet_s_nonce_is_asked_back() -> None:
    for nonce in (None, "another"):
        text = sign_object(OBJECT, KEY, CERTIFICATE, nonce)
        refused(text, "REQUEST_OBJECT_INVALID", wallet_nonce="mine")
    assert open_object(sign_object(OBJECT, KEY, CERTIFICATE, "unasked"), OBJECT.client_id, NOW)


def test_a_certificate_is_of_the_key_and_names_the_host() -> None:
    assert CERTIFICATE.named("school.example") == NAMED.client_id
    with pytest.raises(OpenIdError, match="CLIENT_NOT_TRUSTED"):
        CERTIFICATE.named("example")
    CERTIFICATE.check_key(KEY.public_key())
    with pytest.raises(OpenIdError, match="CLIENT_NOT_TRUSTED"):
        CERTIFICATE.check_key(OTHER.public_key())
    pem = x509.load_der_x509_certificate(CERTIFICATE.chain[0]).public_bytes(Encoding.PEM)
    assert from_pem(pem) == CERTIFICATE
    with pytest.raises(OpenIdError, match="CLIENT_NOT_TRUSTED"):
        from_pem(b"no certificate")


def altered(old: bytes, new: bytes, extensions: dict[str, str]) -> tuple[bytes]:
    """Return a certificate that no library makes: of other octets, with extensions by their OIDs."""
    name = x509.Name([])
    builder = (
        x509.CertificateBuilder(name, name, KEY.public_key(), 7)
        .not_valid_before(NOW - dt.timedelta(days=1))
        .not_valid_after(NOW + dt.timedelta(days=1))
    )
    for oid, value in extensions.items():
        unread = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), bytes.fromhex(value))
        builder = builder.add_extension(unread, critical=False)
    octets = builder.sign(KEY, None).public_bytes(Encoding.DER)
    assert old in octets
    return (octets.replace(old, new),)


ALTERED: dict[str, tuple[bytes, bytes, dict[str, str]]] = {
    "an extension twice": (
        bytes.fromhex("06032a0305"),
        bytes.fromhex("06032a0304"),
        {"1.2.3.4": "0500", "1.2.3.5": "0500"},
    ),
    "a name of no known kind": (b"", b"", {"2.5.29.17": "3002a500"}),
    "a name that is none": (b"", b"", {"2.5.29.17": "ffff"}),
    "a version that is not there": (bytes.fromhex("a003020102"), bytes.fromhex("a003020107"), {}),
    "a key of no known kind": (bytes.fromhex("06032b6570"), bytes.fromhex("06032b657f"), {}),
}


@pytest.mark.parametrize("name", sorted(ALTERED))
def test_a_certificate_that_cannot_be_read_is_malformed(name: str) -> None:
    old, new, extensions = ALTERED[name]
    made = ClientCertificate(altered(old, new, extensions))
    # What it names is read for who is named by a host only.
    client_id = NAMED.client_id if extensions else made.hashed
    refused(
        signed(OBJECT.claims() | {"client_id": client_id}, KEY, made), "REQUEST_OBJECT_INVALID", client_id
    )


REDIRECTS = (
    "", "x", "javascript:alert(1)", "file:///etc/passwd", "//school.example/", "https://", 7,
    ["https://a.example"], "https://school.example/\x1b[2J", "https://school.example/\n",
    "https://school.example/\u202e", "https://a b/", "https://user@school.example/",
    "https://school.example/#x",
)  # fmt: skip


@pytest.mark.parametrize("redirect", REDIRECTS, ids=range(len(REDIRECTS)))
def test_the_browser_is_led_to_an_address_and_to_nothing_else(redirect: Any) -> None:
    read_receipt(dumps({RECEIPT: "AAAA", "redirect_uri": "https://school.example/?response_code=x"}))
    with pytest.raises(OpenIdError, match="EDGE_ANSWER_INVALID"):
        read_receipt(dumps({RECEIPT: "AAAA", "redirect_uri": redirect}))


def test_an_invitation_is_parsed() -> None:
    """Section 5.7's example, and what else may stand beside it."""
    text = (
        "openid4vp://?client_id=x509_san_dns%3Aclient.example.org"
        "&request_uri=https%3A%2F%2Fclient.example.org%2Frequest%2Fvapof4ql2i7m41m68uep"
        "&request_uri_method=post"
    )
    read = Invitation.parse(text)
    assert read.client_id == "x509_san_dns:client.example.org"
    assert read.request_uri == "https://client.example.org/request/vapof4ql2i7m41m68uep"
    assert read.post
    assert Invitation.parse(text + "&state=x&nonce=y") == read
    assert not Invitation.parse(text.rpartition("&")[0]).post
    assert "vapof" not in repr(read)


@pytest.mark.parametrize(
    "text",
    [
        "", "openid4vp://", "openid4vp://?client_id=a", "openid4vp://?request_uri=https://a.example",
        "openid4vp://?client_id=&request_uri=https://a.example", "zk://present?client_id=a&request_uri=b",
        "https://a.example/?client_id=a&request_uri=b", "openid4vp://?client_id=a&client_id=b&request_uri=c",
        "openid4vp://?client_id=a&request_uri=c&request_uri_method=PUT", "openid4vp://?client_id=a&b",
        "openid4vp://?client_id=a&request_uri=" + "x" * 5000, "openid4vp://?client_id=城&request_uri=b",
        "openid4vp://[?client_id=a&request_uri=b",
    ],
    ids=range(13),
)  # fmt: skip
def test_what_is_no_invitation_is_refused(text: str) -> None:
    with pytest.raises(OpenIdError, match="OPENID_URI_INVALID"):
        Invitation.parse(text)
