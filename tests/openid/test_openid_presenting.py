"""OpenID4VP over a real service, a real edge and a real vault: both devices, refusals, replay, mix-up."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from openid.errors import OpenIdError
from openid.request_object import OpenedObject
from openid.response import Submission, error_form, response_form
from openid.strict_json import to_base64url
from openid.wallet.fetching import Fetcher
from openid.wallet.presenting import post_answer, post_no
from prover import PresentingError, Usage, UsageState, Vault, check_usage
from tests.openid.edges import COUNTER, Edge, claims_of, edge, fetcher, handle_of
from tests.openid.wallets import answer, fetched, submission_of
from tests.prover.town import Town
from tests.zkservice.support import VALUES

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def post(school: Edge, body: bytes) -> httpx.Response:
    return httpx.post(f"{school.base}/response", content=body, headers=FORM, timeout=60)


def made_for(town: Town, vault: Vault, opened: OpenedObject) -> Submission:
    """Have a vault make and store an answer that is lost on its way."""

    def lost(_: Usage) -> bytes:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        answer(town, vault, opened, send=lost)
    return submission_of(vault.usages()[-1])


def test_another_device_scans_and_the_page_sees_the_answer(town: Town, school: Edge, vault: Vault) -> None:
    before = len(school.accepted)
    with school.browser() as page:
        made = page.post("/sessions", json={"policy": "school", "device": "cross"}, headers=COUNTER).json()
        assert made["qr"].startswith("<svg")
        assert school.result(page)["state"] == "pending"
        usage, leads = answer(town, vault, fetched(town, made["uri"]))
        told = school.result(page)
    assert leads is None
    assert told["state"] == "accepted"
    assert told["credentials"][0]["values"] == {"district": VALUES["district"]}
    assert check_usage(usage, town.log)
    (kept,) = school.accepted[before:]
    assert kept.record.receipt == usage.receipt
    assert kept.record.presentation == usage.presentation


def test_the_same_device_sees_it_with_cookie_and_code_once(town: Town, school: Edge, vault: Vault) -> None:
    before = len(school.accepted)
    with school.browser() as page:
        invitation = school.open(page, "same")
        usage, leads = answer(town, vault, fetched(town, invitation))
        assert usage.state is UsageState.ANSWERED
        assert leads is not None
        assert school.result(page)["state"] == "pending"
        assert not school.accepted[before:]
        shown = page.get(leads)
        assert shown.json()["state"] == "accepted"
        assert shown.json()["credentials"][0]["values"] == {"district": VALUES["district"]}
        assert page.get(leads).status_code == 404
        told = school.result(page)
        assert (told["state"], "credentials" in told) == ("accepted", False)
    assert len(school.accepted[before:]) == 1
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert shown.headers["cache-control"] == "no-store"


def test_a_session_that_was_planted_shows_its_planter_nothing(town: Town, school: Edge, vault: Vault) -> None:
    """The attacker opens a session and has somebody else answer it: neither of them gets to see it."""
    before = len(school.accepted)
    with school.browser() as attacker, school.browser() as victim:
        planted = school.open(attacker, "same")
        school.open(victim, "same")
        _, leads = answer(town, vault, fetched(town, planted))
        assert leads is not None
        assert victim.get(leads).status_code == 404
        assert school.result(victim)["state"] == "pending"
        told = school.result(attacker)
        assert told["state"] == "pending"
        assert "credentials" not in told
        for code in ("", "x", "a" * 43):
            assert attacker.get("/result", params={"response_code": code}).status_code == 404
    assert not school.accepted[before:]


def test_a_cookie_that_was_planted_is_not_taken(school: Edge) -> None:
    with school.browser() as attacker, school.browser() as victim:
        school.open(attacker, "cross")
        (planted,) = attacker.cookies.values()
        victim.cookies.set("zk-openid", planted, domain="localhost.local")
        answered = victim.post("/sessions", json={"policy": "school", "device": "cross"}, headers=COUNTER)
    assert planted not in answered.headers["set-cookie"]


def test_an_answer_is_taken_once(town: Town, school: Edge, vault: Vault) -> None:
    before = len(school.accepted)
    with school.browser() as page:
        opened = fetched(town, school.open(page, "cross"))
        usage, _ = answer(town, vault, opened)
        with pytest.raises(OpenIdError, match="SESSION_OVER"):
            post_answer(fetcher(), opened, submission_of(usage))
        post_no(fetcher(), opened)
        assert school.result(page)["state"] == "accepted"
    assert len(school.accepted[before:]) == 1


def test_an_answer_to_one_session_is_none_to_another(town: Town, school: Edge, vault: Vault) -> None:
    before = len(school.accepted)
    with school.browser() as page, school.browser() as other:
        first, second = (fetched(town, school.open(each, "cross")) for each in (page, other))

        body = response_form(first.object.request, made_for(town, vault, first), second.object.state)
        refused = post(school, body)
        assert refused.status_code == 400
        assert refused.json()["zk-disclosure.reason"] == "REQUEST_MISMATCH"
        assert school.result(other)["state"] == school.result(page)["state"] == "pending"
        answer(town, vault, second)
        assert school.result(other)["state"] == "accepted"
        assert school.result(page)["state"] == "pending"
    assert len(school.accepted[before:]) == 1


def test_an_answer_that_was_lost_is_gone_on_with_at_the_service(
    town: Town, school: Edge, vault: Vault
) -> None:
    with school.browser() as page:
        opened = fetched(town, school.open(page, "cross"))

        made_for(town, vault, opened)
        (usage,) = vault.usages()
        assert usage.state is UsageState.SENT
        town.client().resume(vault, town.log)
        resumed = vault.usage(usage.id)
        assert resumed.state is UsageState.ANSWERED
        # The same octets posted now are answered with the same receipt.
        receipt, _ = post_answer(fetcher(), opened, submission_of(usage))
        assert receipt == resumed.receipt
        assert school.result(page)["state"] == "accepted"


def test_a_no_ends_the_session_and_stands_in_the_history(town: Town, school: Edge, vault: Vault) -> None:
    with school.browser() as page:
        opened = fetched(town, school.open(page, "cross"))
        with pytest.raises(PresentingError, match="DECLINED"):
            answer(town, vault, opened, agrees=lambda _: False)
        post_no(fetcher(), opened)
        assert school.result(page)["state"] == "declined"
    assert not vault.usages()
    assert [each.note.kind.value for each in vault.events()] == ["declined"]


def test_false_answers_change_nothing_until_there_were_five(town: Town, school: Edge, vault: Vault) -> None:
    with school.browser() as page:
        opened = fetched(town, school.open(page, "cross"))
        good = made_for(town, vault, opened)
        body = response_form(opened.object.request, good, opened.object.state)
        token = parse_qs(body.decode())["vp_token"][0]
        for bad in (
            b"", b"vp_token=%7B%7D", b"state=" + opened.object.state.encode(), body + b"&state=x",
            body.replace(b"permit", b"licence", 1), body + b"&error=access_denied",
            body.replace(b"presentation", b"presentatiom"), error_form(opened.object.state, "server_error"),
        ):  # fmt: skip
            assert post(school, bad).status_code in (200, 400, 404)
            assert school.result(page)["state"] == "pending"
        assert httpx.post(f"{school.base}/response", content=token, timeout=60).status_code == 400
        octets = bytearray(good.presentation.canonical)
        octets[-20] ^= 1  # a bit of the proof
        spoilt = body.replace(
            to_base64url(good.presentation.canonical).encode(), to_base64url(bytes(octets)).encode()
        )
        assert spoilt != body
        for times in range(5):
            refused = post(school, spoilt)
            assert refused.status_code == 400, times
            assert refused.json()["zk-disclosure.reason"] == "PROOF_INVALID"
        assert school.result(page)["state"] == "refused"
        assert post(school, body).status_code == 410


def test_secrets_of_one_purpose_serve_no_other(town: Town, school: Edge, vault: Vault) -> None:
    with school.browser() as page:
        invitation = school.open(page, "cross")
        handle = handle_of(invitation)
        state = claims_of(httpx.get(school.base + handle, timeout=60).text)["state"]
        (cookie,) = page.cookies.values()
    for wrong in (state, cookie, "x", "%00"):
        assert httpx.get(f"{school.base}/request/{wrong}", timeout=60).status_code == 404
    for wrong in (handle.rpartition("/")[2], cookie):
        assert post(school, error_form(wrong)).status_code == 404
    for wrong in (state, handle.rpartition("/")[2]):
        assert httpx.get(f"{school.base}/result", cookies={"zk-openid": wrong}, timeout=60).status_code == 404


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Origin": "https://evil.example"}, '{"policy":"school","device":"same"}', 403),
        ({"Sec-Fetch-Site": "cross-site"}, '{"policy":"school","device":"same"}', 403),
        ({"Content-Type": "text/plain"}, '{"policy":"school","device":"same"}', 403),
        ({}, '{"policy":"bank","device":"same"}', 404),
        ({}, '{"policy":"school","device":"none"}', 400),
        ({}, '{"policy":"school","device":"same","device":"same"}', 400),
        ({}, '{"policy":["school"],"device":"same"}', 400),
        ({}, "[]", 400),
        ({}, "x" * 20_000, 413),
    ],
)
def test_only_the_edge_s_own_pages_open_sessions(
    school: Edge, headers: dict[str, str], body: str, status: int
) -> None:
    sent = {"Content-Type": "application/json", **headers}
    answered = httpx.post(f"{school.base}/sessions", content=body, headers=sent, timeout=60)
    assert answered.status_code == status
    assert "set-cookie" not in answered.headers


def test_an_edge_has_so_many_sessions_and_forgets_those_that_ended(town: Town) -> None:
    with edge(town, town.city.request, most=2) as small, small.browser() as page:
        for _ in range(2):
            small.open(page, "cross")
        full = page.post("/sessions", json={"policy": "school", "device": "cross"}, headers=COUNTER)
        assert (full.status_code, full.json()["zk-disclosure.reason"]) == (503, "SESSIONS_FULL")


def test_what_the_verifier_does_not_accept_is_refused_and_has_its_receipt(town: Town, vault: Vault) -> None:
    with edge(town, town.city.request, refusing=True) as strict, strict.browser() as page:
        usage, leads = answer(town, vault, fetched(town, strict.open(page, "cross")))
        assert (usage.state, leads) == (UsageState.ANSWERED, None)
        assert strict.result(page)["state"] == "refused"
        _, leads = answer(town, vault, fetched(town, strict.open(page, "same")))
        assert leads is not None
        assert page.get(leads).json()["state"] == "refused"


def test_the_browser_is_not_led_to_plain_http(town: Town, school: Edge, vault: Vault) -> None:
    class Strict(Fetcher):
        """Asks this machine for the test's sake, and judges addresses as it would outside of development."""

        def check(self, url: str) -> None:
            Fetcher().check(url)

    with school.browser() as page:
        opened = fetched(town, school.open(page, "same"))
        with pytest.raises(OpenIdError, match=r"EDGE_ANSWER_INVALID \(redirect_uri\)"):
            post_answer(Strict(local=True), opened, made_for(town, vault, opened))
    town.client().resume(vault, town.log)
    assert vault.usages()[-1].state is UsageState.ANSWERED


def test_the_edge_by_the_name_of_its_host(town: Town, vault: Vault) -> None:
    with edge(town, town.city.request, named=True) as named, named.browser() as page:
        invitation = named.open(page, "cross")
        assert parse_qs(urlsplit(invitation).query)["client_id"] == ["x509_san_dns:localhost"]
        usage, _ = answer(town, vault, fetched(town, invitation))
        assert usage.state is UsageState.ANSWERED
