"""Answers that are encrypted to the edge: of one session, to one process, in one way; over a real edge."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from joserfc import jwe
from joserfc.jwk import ECKey

from openid.encryption import ResponseKey, ResponseKeys, read_response_key
from openid.errors import OpenIdError
from openid.response import error_form, read_form, response_form
from openid.strict_json import dumps, to_base64url
from prover import UsageState, Vault
from tests.openid.edges import Edge, claims_of, edge, forms_of, handle_of
from tests.openid.test_openid_presenting import made_for, post
from tests.openid.wallets import answer, fetched
from tests.prover.town import Town
from tests.zkservice.support import VALUES
from verifier.client import Answered

STATE, OTHER = "s" * 43, "t" * 43
SAID = {"state": STATE, "vp_token": {}}


def octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def with_head(token: str, **changes: Any) -> str:
    """Return a JWE with other members in its header; None takes one away."""
    head, *rest = token.split(".")
    made = {name: each for name, each in (json.loads(octets(head)) | changes).items() if each is not None}
    return ".".join([to_base64url(dumps(made)), *rest])


@pytest.fixture(scope="module")
def keys() -> ResponseKeys:
    return ResponseKeys()


@pytest.fixture(scope="module")
def school(town: Town, keys: ResponseKeys) -> Iterator[Edge]:
    with edge(town, town.city.request, keys=keys, keep=lambda _: "the record") as made:
        yield made


def test_it_is_what_the_rfcs_say() -> None:
    """Opened by RFC 7518, sections 4.6.2 and 5.3, without the library that made it."""
    private = ec.generate_private_key(ec.SECP256R1())
    at = private.public_key().public_numbers()
    key = ResponseKey("k" * 43, at.x.to_bytes(32, "big"), at.y.to_bytes(32, "big"))
    head, encrypted_key, nonce, ciphertext, tag = key.encrypt(b"an answer").split(".")
    said = json.loads(octets(head))
    assert (said["alg"], said["enc"], said["kid"], encrypted_key) == ("ECDH-ES", "A256GCM", key.kid, "")
    epk = ec.EllipticCurvePublicNumbers(
        *(int.from_bytes(octets(said["epk"][each]), "big") for each in "xy"),  # type: ignore[misc, arg-type]
        curve=ec.SECP256R1(),
    ).public_key()
    info = b"\0\0\0\x07A256GCM" + bytes(4) + bytes(4) + (256).to_bytes(4, "big")
    derived = ConcatKDFHash(SHA256(), 32, info).derive(private.exchange(ec.ECDH(), epk))
    opened = AESGCM(derived).decrypt(octets(nonce), octets(ciphertext) + octets(tag), head.encode())
    assert opened == b"an answer"


def test_an_answer_opens_for_its_own_session_in_its_own_process(keys: ResponseKeys) -> None:
    token = keys.public(STATE).encrypt(dumps(SAID))
    assert keys.open(token) == SAID
    assert keys.public(STATE) == keys.public(STATE) != keys.public(OTHER)
    assert read_response_key(keys.public(STATE).to_metadata()) == keys.public(STATE)
    for refused in (
        keys.public(OTHER).encrypt(dumps(SAID)),
        keys.public(STATE).encrypt(dumps(SAID | {"state": OTHER})),
        keys.public(STATE).encrypt(dumps({"vp_token": {}})),
        keys.public(STATE).encrypt(b"no JSON"),
        ResponseKeys().public(STATE).encrypt(dumps(SAID)),
        with_head(token, kid=keys.public(OTHER).kid),
    ):
        with pytest.raises(OpenIdError, match="RESPONSE_INVALID"):
            keys.open(refused)
    assert STATE not in repr(keys.public(STATE))


def test_nothing_else_opens(keys: ResponseKeys) -> None:
    token = keys.public(STATE).encrypt(dumps(SAID))
    head, _, nonce, ciphertext, tag = token.split(".")
    point = json.loads(octets(head))["epk"]
    others: list[Any] = [None, {}, [], "x", point | {"d": "AAAA"}]
    cases = [
        "", ".", "....", "a.b.c", token + ".", token[:-1], token.rpartition(".")[0],
        f"{head}.AAAA.{nonce}.{ciphertext}.{tag}",
        f"{head}..{nonce}.{ciphertext}.{to_base64url(octets(tag)[:4])}",
        f"{head}...{ciphertext}.{tag}",
        *(with_head(token, **{name: None}) for name in ("alg", "enc", "kid", "epk")),
        *(with_head(token, alg=each) for each in ("dir", "ECDH-ES+A256KW", "none", 1, ["ECDH-ES"])),
        *(with_head(token, enc=each) for each in ("A128GCM", "A256CBC-HS512", 1)),
        *(with_head(token, kid=each) for each in ("", "x", 5, "é" * 43)),
        *(with_head(token, zip="DEF"), with_head(token, crit=["b64"]), with_head(token, apu="AAAA")),
        *(with_head(token, epk=each) for each in others),
        *(with_head(token, epk=point | {each: value})
          for each, value in (("x", point["y"]), ("x", ""), ("y", 1), ("crv", "P-384"), ("kty", "OKP"))),
    ]  # fmt: skip
    for at in range(0, len(token), 7):
        changed = "B" if token[at] == "A" else "A"
        if token[at] != "." and not (at and token[at + 1 : at + 2] in ("", ".")):
            cases.append(token[:at] + changed + token[at + 1 :])
    for each in cases:
        with pytest.raises(OpenIdError, match="RESPONSE_INVALID"):
            keys.open(each)


@pytest.mark.parametrize(
    "head",
    [
        {"alg": "ECDH-ES", "enc": "A256GCM", "zip": "DEF"},
        {"alg": "ECDH-ES", "enc": "A128GCM"},
        {"alg": "ECDH-ES+A256KW", "enc": "A256GCM"},
        {"alg": "ECDH-ES", "enc": "A256GCM", "apu": "AAAA"},
    ],
    ids=["compressed", "shorter", "wrapped", "named"],
)
def test_other_ways_to_encrypt_to_the_right_key_are_refused(keys: ResponseKeys, head: dict[str, str]) -> None:
    """Good tokens, every one of them: compression above all is not undone for whoever posts."""
    public = keys.public(STATE)
    jwk = public.to_metadata()["jwks"]["keys"][0]
    key = ECKey.import_key({name: jwk[name] for name in ("crv", "kty", "x", "y")})
    registry = jwe.JWERegistry(algorithms=[*jwe.JWERegistry.recommended])
    token = jwe.encrypt_compact(head | {"kid": public.kid}, dumps(SAID), key, registry=registry)
    with pytest.raises(OpenIdError, match=r"RESPONSE_INVALID \(response\): its header has"):
        keys.open(token)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"alg": "ECDH-ES+A256KW"}, "NOT_UNDERSTOOD"),
        ({"crv": "P-384"}, "NOT_UNDERSTOOD"),
        ({"use": "sig"}, "NOT_UNDERSTOOD"),
        ({"kid": "short"}, "NOT_UNDERSTOOD"),
        ({"d": "AAAA"}, "NOT_UNDERSTOOD"),
        ({"x": "AAAA"}, "REQUEST_OBJECT_INVALID"),
        ({"y": to_base64url(bytes(32))}, "REQUEST_OBJECT_INVALID"),
        ({"y": 1}, "REQUEST_OBJECT_INVALID"),
    ],
    ids=["alg", "curve", "use", "kid", "private", "length", "point", "type"],
)
def test_a_wallet_encrypts_to_one_kind_of_key(
    keys: ResponseKeys, change: dict[str, Any], reason: str
) -> None:
    metadata = keys.public(STATE).to_metadata()
    (key,) = metadata["jwks"]["keys"]
    with pytest.raises(OpenIdError, match=reason):
        read_response_key(metadata | {"jwks": {"keys": [key | change]}})


def test_a_wallet_encrypts_to_nothing_that_is_not_named(keys: ResponseKeys) -> None:
    good = keys.public(STATE).to_metadata()
    (key,), values = good["jwks"]["keys"], "encrypted_response_enc_values_supported"
    bad: list[Any] = [
        None, [], {}, {"jwks": good["jwks"]}, good | {values: ["A128GCM"]}, good | {values: "A256GCM"},
        good | {"jwks": {"keys": []}}, good | {"jwks": {"keys": [key, key]}}, good | {"jwks": [key]},
        good | {"jwks": {"keys": "x"}},
    ]  # fmt: skip
    for each in bad:
        with pytest.raises(OpenIdError, match="NOT_UNDERSTOOD"):
            read_response_key(each)


def test_what_is_posted_shows_nothing_and_is_taken(town: Town, school: Edge, vault: Vault) -> None:
    with school.browser() as page:
        invitation = school.open(page, "cross")
        claims = claims_of(httpx.get(school.base + handle_of(invitation), timeout=60).text)
        assert claims["response_mode"] == "direct_post.jwt"
        opened = fetched(town, invitation)
        made = opened.object
        assert made.answer_key is not None
        submission = made_for(town, vault, opened)
        body = response_form(made.request, submission, made.state, made.answer_key)
        assert set(parse_qs(body.decode())) == {"response"}
        for secret in (made.state, "presentation", to_base64url(submission.presentation.canonical)[:40]):
            assert secret.encode() not in body
        plain = response_form(made.request, submission, made.state)
        assert post(school, plain).json()["zk-disclosure.reason"] == "RESPONSE_INVALID"
        for beside in ({"state": made.state}, {"error": "access_denied"}, {"vp_token": "{}"}):
            refused = post(school, body + b"&" + urlencode(beside).encode())
            assert (refused.status_code, refused.json()["zk-disclosure.reason"]) == (400, "RESPONSE_INVALID")
        assert school.result(page)["state"] == "pending"
        assert post(school, body).status_code == 200
        told = school.result(page)
        assert set(told) == {"policy", "state", "expires", "record"}
        assert (told["state"], told["record"]) == ("accepted", "the record")
        assert post(school, body).status_code == 410
    answered = school.accepted[-1]
    assert isinstance(answered, Answered)
    (credential,) = answered.verified.credentials
    assert credential.values == {"district": VALUES["district"]}


def test_no_shown_value_leaves_the_edge(town: Town, school: Edge, vault: Vault) -> None:
    """Whoever ends TLS sees cookie and code as well, and may come with them: it is told a state alone."""
    before = len(school.sent)
    with school.browser() as page:
        usage, leads = answer(town, vault, fetched(town, school.open(page, "same")))
        assert leads is not None
        with httpx.Client(base_url=school.base, cookies=dict(page.cookies), timeout=60) as proxy:
            told = proxy.get(leads).json()
            assert (told["state"], told["record"]) == ("accepted", "the record")
            assert school.result(page) == school.result(page) == told
    sent = b"\n".join(school.sent[before:])
    assert usage.receipt is not None
    assert b"zk-disclosure.receipt" in sent
    for form in forms_of(VALUES["district"]):
        assert form not in sent
        assert form not in usage.receipt


def test_the_vault_answers_it_like_any_other(town: Town, school: Edge, vault: Vault) -> None:
    with school.browser() as page:
        usage, leads = answer(town, vault, fetched(town, school.open(page, "same")))
        assert usage.state is UsageState.ANSWERED
        assert leads is not None
        assert page.get(leads).json()["state"] == "accepted"


def test_another_session_s_key_opens_nothing_here(town: Town, school: Edge, vault: Vault) -> None:
    with school.browser() as page, school.browser() as other:
        first, second = (fetched(town, school.open(each, "cross")).object for each in (page, other))
        opened = fetched(town, school.open(page, "cross"))
        submission = made_for(town, vault, opened)
        body = response_form(opened.object.request, submission, first.state, second.answer_key)
        assert post(school, body).json()["zk-disclosure.reason"] == "RESPONSE_INVALID"
        assert school.result(other)["state"] == "pending"


def test_a_no_may_come_in_either_way(town: Town, school: Edge, keys: ResponseKeys) -> None:
    for encrypted in (False, True):
        with school.browser() as page:
            made = fetched(town, school.open(page, "cross")).object
            assert made.answer_key is not None
            said = made.answer_key.encrypt(dumps({"state": made.state, "error": "access_denied"}))
            body = urlencode({"response": said}).encode() if encrypted else error_form(made.state)
            assert post(school, body).status_code == 200
            assert school.result(page)["state"] == "declined"


def test_an_edge_that_asks_for_none_takes_none(keys: ResponseKeys) -> None:
    body = urlencode({"response": keys.public(STATE).encrypt(dumps(SAID))}).encode()
    with pytest.raises(OpenIdError, match="RESPONSE_INVALID"):
        read_form(body)
    assert read_form(body, keys.open).encrypted
    for bad in ({"state": STATE}, SAID | {"error": "access_denied"}, SAID | {"vp_token": "{}"},
                {"state": STATE, "error": "No!"}, {"state": STATE, "error": 1}):  # fmt: skip
        body = urlencode({"response": keys.public(STATE).encrypt(dumps(bad))}).encode()
        with pytest.raises(OpenIdError, match="RESPONSE_INVALID"):
            read_form(body, keys.open)
