"""OpenID4VCI over a real service: offers, codes, proofs, deferral, notification; and who tries else."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from disclosure import OfferLink
from openid.app.offering import LIFE, Grants
from openid.errors import OpenIdError
from openid.issuance import CODE, GRANT, CredentialOffer, Nonces, check_jwt_proof, make_jwt_proof
from prover import Vault
from tests.openid.issuers import SECRET, claiming, hand_in, issuer
from tests.prover.town import Town
from tests.zkservice.support import PERMIT


@pytest.fixture(scope="module")
def police(town: Town) -> Iterator[str]:
    with issuer(town, PERMIT) as made:
        yield made


def code_of(uri: str) -> str:
    offer = json.loads(parse_qs(urlsplit(uri).query)["credential_offer"][0])
    code: str = offer["grants"][GRANT][CODE]
    return code


def token(edge: str, code: str, **more: str) -> httpx.Response:
    return httpx.post(f"{edge}/token", data={"grant_type": GRANT, CODE: code, **more}, timeout=60)


@pytest.mark.parametrize("how", ["uri", "uri_by_reference"])
def test_a_credential_is_claimed_by_value_and_by_reference(
    town: Town, police: str, empty: Vault, how: str
) -> None:
    handed = hand_in(police, link=town.offer())
    taken = claiming(town, handed[how])
    link = taken.ready(0)
    assert link is not None
    held = town.client().claim(link, empty, town.log, send=taken.send)
    taken.accepted()
    assert held.schema == PERMIT
    assert [each.id for each in empty.credentials()] == [held.id]
    assert not empty.pending_claims()
    with pytest.raises(OpenIdError, match="EDGE_REFUSED"):
        claiming(town, handed[how])


def test_a_transaction_code_is_asked_for_and_five_wrong_ones_end_it(
    town: Town, police: str, empty: Vault
) -> None:
    handed = hand_in(police, link=town.offer(), tx_code=True)
    shown: list[tuple[str, str]] = []

    def code_to(offer: CredentialOffer) -> str:
        shown.append((offer.issuer, offer.configuration))
        code: str = handed["tx_code"]
        return code

    taken = claiming(town, handed["uri"], code_to)
    assert shown == [(police, str(PERMIT.name))]
    link = taken.ready(0)
    assert link is not None
    town.client().claim(link, empty, town.log, send=taken.send)

    handed = hand_in(police, link=town.offer(), tx_code=True)
    code = code_of(handed["uri"])
    wrong = "000000" if handed["tx_code"] != "000000" else "000001"
    assert token(police, code).json() == {"error": "invalid_grant"}
    for _ in range(4):
        assert token(police, code, tx_code=wrong).json() == {"error": "invalid_grant"}
    assert token(police, code, tx_code=handed["tx_code"]).status_code == 400
    reference = parse_qs(urlsplit(handed["uri_by_reference"]).query)["credential_offer_uri"][0]
    assert httpx.get(reference, timeout=60).status_code == 404


@pytest.mark.parametrize(
    "configuration", ["nothing", "departments/police/schemas/permit@9", "x\x1b[2J"], ids=range(3)
)
def test_a_code_is_not_asked_for_what_the_issuer_does_not_offer(
    town: Town, police: str, configuration: str
) -> None:
    offer = CredentialOffer(police, configuration, "c" * 43, tx_code=True)
    with pytest.raises(OpenIdError, match="METADATA_INVALID"):
        claiming(town, offer.uri)


def test_issuance_is_deferred_until_the_department_has_issued(town: Town, police: str, empty: Vault) -> None:
    handed = hand_in(police)
    taken = claiming(town, handed["uri"])
    pauses: list[float] = []
    assert taken.ready(0, pauses.append) is None
    assert taken.transaction is not None

    def issue(seconds: float) -> None:
        pauses.append(seconds)
        done = httpx.put(
            f"{police}/offers/{handed['offer']}",
            json={"link": str(town.offer())},
            headers={"Authorization": f"Bearer {SECRET}"},
            timeout=60,
        )
        assert done.status_code == 204, done.text

    link = taken.ready(60, issue)
    assert link is not None
    assert pauses[-1] == 5
    held = town.client().claim(link, empty, town.log, send=taken.send)
    taken.accepted()
    assert held.schema == PERMIT
    again = httpx.put(
        f"{police}/offers/{handed['offer']}",
        json={"link": str(town.offer())},
        headers={"Authorization": f"Bearer {SECRET}"},
        timeout=60,
    )
    assert again.status_code == 404


def test_what_is_issued_is_not_issued_again(town: Town, police: str) -> None:
    handed = hand_in(police, link=town.offer())
    again = httpx.put(
        f"{police}/offers/{handed['offer']}",
        json={"link": str(town.offer())},
        headers={"Authorization": f"Bearer {SECRET}"},
        timeout=60,
    )
    assert (again.status_code, again.json()["zk-disclosure.reason"]) == (409, "SESSION_OVER")


def test_a_credential_that_is_kept_leaves_nothing_behind(town: Town, empty: Vault) -> None:
    """The link is forgotten and the place is free; the same notification is still answered."""
    with issuer(town, PERMIT, most=1) as small:
        for _ in range(2):
            taken = claiming(town, hand_in(small, link=town.offer())["uri"])
            link = taken.ready(0)
            assert link is not None
            town.client().claim(link, empty, town.log, send=taken.send)
            headers = {"Authorization": f"Bearer {taken.token}"}
            kept = {"notification_id": taken.notification, "event": "credential_accepted"}
            for _ in range(2):
                said = httpx.post(f"{small}/notification", json=kept, headers=headers, timeout=60)
                assert said.status_code == 204
            asked = {"credential_configuration_id": str(PERMIT.name)}
            denied = httpx.post(f"{small}/credential", json=asked, headers=headers, timeout=60)
            assert (denied.status_code, denied.json()) == (400, {"error": "credential_request_denied"})
            assert str(link) not in denied.text


def test_tokens_of_what_is_kept_are_remembered_in_bounds(town: Town) -> None:
    now = [town.city.clock()]
    grants = Grants(lambda: now[0], most=2)

    def finished() -> str:
        grant = grants.add(PERMIT.name, PERMIT.form, None, tx_code=False)
        grants.redeem(grant.code, None)
        grants.finish(grant)
        assert grant.token is not None
        return grant.token

    first, *others = (finished() for _ in range(3))
    with pytest.raises(OpenIdError, match="SESSION_UNKNOWN"):
        grants.by("token", first)
    assert all(grants.by("token", each).taken for each in others)
    now[0] += LIFE
    for each in others:
        with pytest.raises(OpenIdError, match="SESSION_UNKNOWN"):
            grants.by("token", each)


def test_a_claim_that_broke_off_is_gone_on_with_at_the_service(town: Town, police: str, empty: Vault) -> None:
    taken = claiming(town, hand_in(police, link=town.offer())["uri"])
    link = taken.ready(0)
    assert link is not None

    def lost(message: Any) -> Any:
        taken.send(message)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        town.client().claim(link, empty, town.log, send=lost)
    assert len(empty.pending_claims()) == 1
    town.client().resume(empty, town.log)
    assert len(empty.credentials()) == 1


def test_a_proof_is_fresh_and_for_this_issuer(town: Town, police: str) -> None:
    taken = claiming(town, hand_in(police, link=town.offer())["uri"])

    def asked(proof: str, request_id: str = "0b6f7f3e-7c4e-4d5b-9d38-1f0f5c6c7d8e") -> str:
        answer = httpx.post(
            f"{police}/credential",
            json={
                "credential_configuration_id": str(PERMIT.name),
                "proofs": {"jwt": [proof]},
                "zk-disclosure.request_id": request_id,
            },
            headers={"Authorization": f"Bearer {taken.token}"},
            timeout=60,
        )
        said: str = answer.json().get("error", "")
        return said

    def nonce() -> str:
        fresh: str = httpx.post(f"{police}/nonce", timeout=60).json()["c_nonce"]
        return fresh

    now = town.city.clock()
    used = nonce()
    assert asked(make_jwt_proof("https://other.example", used, now)) == "invalid_proof"
    assert asked("x") == "invalid_proof"
    assert asked(make_jwt_proof(police, "x", now)) == "invalid_nonce"
    assert asked(make_jwt_proof(police, used[:-1], now)) == "invalid_nonce"
    assert asked(make_jwt_proof(police, nonce(), now), "no uuid") == "invalid_credential_request"
    assert asked(make_jwt_proof(police, used, now)) == ""
    assert asked(make_jwt_proof(police, used, now)) == "invalid_nonce"
    # Another request_id is another wallet's: the service refuses it.
    assert asked(make_jwt_proof(police, nonce(), now), "0b6f7f3e-7c4e-4d5b-9d38-000000000000") == (
        "credential_request_denied"
    )


def test_who_has_no_secret_gets_nothing(town: Town, police: str) -> None:
    handed = hand_in(police, link=town.offer())
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {SECRET}"}):
        for answer in (
            httpx.post(f"{police}/offers", json={"schema": str(PERMIT.name)}, headers=headers, timeout=60),
            httpx.put(f"{police}/offers/{handed['offer']}", json={"link": "x"}, headers=headers, timeout=60),
            httpx.post(f"{police}/credential", json={}, headers=headers, timeout=60),
            httpx.post(f"{police}/deferred_credential", json={}, headers=headers, timeout=60),
            httpx.post(f"{police}/notification", json={}, headers=headers, timeout=60),
        ):
            assert (answer.status_code, answer.json()) == (401, {"error": "invalid_token"})
            assert answer.headers["www-authenticate"].startswith("Bearer")
    assert token(police, handed["offer"]).status_code == 400
    assert token(police, "").status_code == 400
    assert httpx.get(f"{police}/offer/{handed['offer']}", timeout=60).status_code == 404


def test_what_a_department_hands_in_is_looked_at(town: Town, police: str) -> None:
    headers = {"Authorization": f"Bearer {SECRET}"}
    elsewhere = OfferLink("localhost:1", "abc", "def")
    for body in (
        {}, {"schema": "departments/police/schemas/nothing@1"}, {"schema": 1}, {"schema": "x"},
        {"schema": str(PERMIT.name), "link": str(elsewhere)}, {"schema": str(PERMIT.name), "link": "zk://x"},
        {"schema": str(PERMIT.name), "tx_code": "yes"}, {"schema": str(PERMIT.name), "more": 1},
        {"schema": str(PERMIT.name), "link": str(OfferLink(town.server, "abc", "def"))},
    ):  # fmt: skip
        assert httpx.post(f"{police}/offers", json=body, headers=headers, timeout=60).status_code == 400


def test_metadata_are_what_the_specification_says(police: str) -> None:
    """OpenID4VCI 1.0, sections 12.2.2 to 12.2.4; RFC 8414."""
    host, path = police.removesuffix("/issuer"), "/issuer"
    read = httpx.get(f"{host}/.well-known/openid-credential-issuer{path}", timeout=60).json()
    assert read["credential_issuer"] == police
    for name in ("credential", "nonce", "deferred_credential", "notification"):
        assert read[f"{name}_endpoint"].startswith(police)
    (one,) = read["credential_configurations_supported"].values()
    assert one["format"] == "zk-disclosure.plain.v1"
    assert one["proof_types_supported"]["jwt"]["proof_signing_alg_values_supported"] == ["EdDSA"]
    server = httpx.get(f"{host}/.well-known/oauth-authorization-server{path}", timeout=60).json()
    assert server["issuer"] == police
    assert server["token_endpoint"] == f"{police}/token"
    assert GRANT in server["grant_types_supported"]
    assert httpx.get(f"{host}/.well-known/openid-credential-issuer", timeout=60).status_code == 404


def test_nonces_are_of_one_edge_and_end(town: Town) -> None:
    now = town.city.clock()
    mine, other = Nonces(), Nonces()
    with pytest.raises(OpenIdError):
        other.check(mine.new(now), now)
    with pytest.raises(OpenIdError):
        mine.check(mine.new(now), now + dt.timedelta(seconds=301))
    mine.check(nonce := mine.new(now), now)
    with pytest.raises(OpenIdError):
        mine.check(nonce, now)
    with pytest.raises(OpenIdError):
        check_jwt_proof(make_jwt_proof("i", nonce, now), "i", now + dt.timedelta(seconds=400))
