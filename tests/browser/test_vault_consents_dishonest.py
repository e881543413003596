"""Verifiers and services that go beyond what the browser vault's person has agreed to."""

import datetime as dt
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from disclosure import OfferLink, PolicyName, sign_request
from disclosure.policy import StandingLimits
from disclosure.standing import StandingTerms
from tests.browser.altering import altered, altering
from tests.browser.consenting import (
    TOLD,
    WATCHED,
    asked,
    asked_at,
    branch,
    creating,
    granted,
    small,
    stocked,
    went,
)
from tests.browser.vault_town import World, watched
from tests.browser.vaulting import PASSPHRASE, WITHOUT_SCREENS, Faulted, Tab, opened, vault_site
from tests.disclosure.composite.world import SCHEMAS
from tests.zkservice import consenting as service
from tests.zkservice.allowing import allowed
from tests.zkservice.changing import head, serving, settings_of, settled
from tests.zkservice.composite_city import SCHOOL
from tests.zkservice.revoking import new_handles
from tests.zkservice.support import new_id
from wire.convert import signed_request_to
from zkproto.v1 import consent_pb2, ledger_pb2
from zkproto.v1 import presentation_pb2 as pb
from zkservice import key_change

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = WITHOUT_SCREENS


@pytest_asyncio.fixture(loop_scope="session")
async def tab(world: World, blank: Tab) -> Tab:
    """A vault with a permit in it."""
    return await stocked(world, blank)


async def test_too_early_is_beyond_it_whatever_the_service_lets_through(world: World, tab: Tab) -> None:
    consent = await granted(world, tab, times=5, interval_days=30)
    await consent.use(small(world))
    assert (await tab.call("attend"))[0]["fault"] is None
    consent.lift(last_used=None)
    early = await consent.use(small(world))
    assert (await tab.call("attend"))[0]["fault"]["reason"] == "CONSENT_BEYOND"
    assert (await watched(world.town.city, early)).state == WATCHED.STATE_DECLINED


async def test_nothing_is_answered_before_there_is_a_receipt_for_the_grant(world: World, tab: Tab) -> None:
    """The service takes a grant and asks under it, and could refuse the grant afterwards."""
    consent = await asked(world)
    view = await tab.call("open", str(consent.link))
    world.between.alter["GrantConsent"] = lambda _: b"\0"
    with pytest.raises(Faulted):
        await tab.call("grant", view["id"])
    world.between.alter.clear()
    assert (await consent.told()).state == TOLD.STATE_GRANTED
    await consent.use(small(world))
    assert await tab.call("attend") == []
    assert went(world, "SubmitPresentation") == []


async def test_a_grant_that_is_taken_and_refused_does_not_take_the_withdrawal_with_it(
    world: World, tab: Tab
) -> None:
    consent = await asked(world)
    view = await tab.call("open", str(consent.link))
    world.between.away = True
    await tab.call("grant", view["id"])
    (standing,) = await tab.call("standing")
    assert (await tab.call("withdraw", standing["id"]))["withdrawing"] is True
    world.between.away = False
    world.between.refuses["GrantConsent"] = "CONSENT_ANSWERED"
    await tab.call("settle")
    (standing,) = await tab.call("standing")
    assert (standing["state"], standing["withdrawing"]) == ("withdrawn", False)
    assert (await consent.told()).state == TOLD.STATE_WITHDRAWN


async def test_another_question_is_not_answered_under_it(world: World, tab: Tab) -> None:
    """The service names an exchange that was never addressed to the consent."""
    await granted(world, tab)
    _, other, link = await world.asked(branch(world, predicates=()))

    world.between.alter["ListConsentExchanges"] = relayed((link.exchange, link.ticket))
    assert (await tab.call("attend"))[0]["fault"]["reason"] == "CONSENT_BEYOND"
    assert (await watched(world.town.city, other)).state == WATCHED.STATE_DECLINED
    assert went(world, "SubmitPresentation") == []
    strange = relayed(("nothing/x", "t"), ("exchanges/a b", "t"), ("exchanges/x", ""))
    world.between.alter["ListConsentExchanges"] = strange
    reasons = [each["fault"]["reason"] for each in await tab.call("attend")]
    assert reasons == ["ANSWER_INVALID", "LINK_INVALID", "LINK_INVALID"]


async def test_what_another_verifier_asks_is_not_refused_in_its_name(world: World, tab: Tab) -> None:
    city = world.town.city
    await granted(world, tab)
    signed = sign_request(city.request("bank"), city.verifier_keys["bank"])
    message = pb.CreateExchangeRequest(signed_request=signed_request_to(signed), request_id=new_id())
    made = await city.presentation.CreateExchange(message)
    world.between.alter["ListConsentExchanges"] = relayed((made.exchange, made.ticket))
    assert (await tab.call("attend"))[0]["fault"]["reason"] == "CONSENT_BEYOND"
    assert (await watched(city, made)).state != WATCHED.STATE_DECLINED
    assert went(world, "DeclineExchange") == []
    assert {each["state"] for each in await tab.call("uses")} == {"consent-granted"}


async def test_a_request_under_another_name_is_neither_answered_again_nor_refused(
    world: World, tab: Tab
) -> None:
    consent = await granted(world, tab, times=1)
    fetched = list[bytes]()
    world.between.alter["FetchRequest"] = noting(fetched)
    await consent.use(small(world))
    assert (await tab.call("attend"))[0]["fault"] is None
    consent.lift(used=0)
    await consent.use(small(world))
    world.between.alter["FetchRequest"] = lambda _: fetched[0]
    assert (await tab.call("attend"))[0]["fault"]["reason"] == "EXCHANGE_ANSWERED"
    assert (went(world, "DeclineExchange"), len(went(world, "SubmitPresentation"))) == ([], 1)
    assert "over-asked" not in {each["state"] for each in await tab.call("uses")}


async def test_so_many_are_looked_at_and_none_is_refused_twice(world: World, tab: Tab) -> None:
    await granted(world, tab)
    world.between.alter["ListConsentExchanges"] = relayed(*((f"nothing/{each}", "t") for each in range(103)))
    assert len(await tab.call("attend")) == 100
    _, _, link = await world.asked(branch(world, predicates=()))
    fetched = list[bytes]()
    world.between.alter["ListConsentExchanges"] = relayed((link.exchange, link.ticket))
    world.between.alter["FetchRequest"] = noting(fetched)
    world.between.refuses["DeclineExchange"] = "EXCHANGE_CLOSED"
    assert (await tab.call("attend"))[0]["fault"]["reason"] == "CONSENT_BEYOND"
    world.between.answers["FetchRequest"] = lambda _: fetched[0]
    assert (await tab.call("attend"))[0]["fault"]["reason"] == "CONSENT_BEYOND"
    assert len(went(world, "DeclineExchange")) == 1
    assert [each["state"] for each in await tab.call("uses")].count("over-asked") <= 1


def noting(answers: list[bytes]) -> Callable[[bytes], bytes]:
    """Note what a service answers, and hand it on."""

    def noted(answer: bytes) -> bytes:
        answers.append(answer)
        return answer

    return noted


def relayed(*named: tuple[str, str]) -> Callable[[bytes], bytes]:
    """Have a service name exchanges that were not addressed to the consent."""
    found = [consent_pb2.ConsentExchange(exchange=each, ticket=ticket) for each, ticket in named]
    return lambda _: consent_pb2.ListConsentExchangesResponse(exchanges=found).SerializeToString()


def instead(message: consent_pb2.CreateConsentRequest) -> Callable[[bytes], bytes]:
    """Have a service hand out other terms."""
    return lambda _: consent_pb2.FetchConsentResponse(signed_terms=message.signed_terms).SerializeToString()


def later(terms: StandingTerms, by: dt.timedelta) -> StandingTerms:
    return replace(terms, created=terms.created + by, expires=terms.expires + by)


async def test_terms_that_were_changed_or_are_anothers_are_refused(world: World, tab: Tab) -> None:
    city, consent = world.town.city, await asked(world)
    terms = service.terms(city, small(world))  # type: ignore[arg-type]
    life = terms.expires - terms.created
    honest = service.creating(city, terms).SerializeToString()
    wider, short, long = (consent_pb2.CreateConsentRequest.FromString(honest) for _ in range(3))
    wider.signed_terms.payload = replace(terms, times=900).canonical
    short.signed_terms.payload = terms.canonical[:-1]
    long.signed_terms.signature += b"\0"
    for message, reason in (
        (wider, "REQUEST_SIGNATURE_INVALID"),
        (service.creating(city, terms, city.verifier_keys["bank"]), "REQUEST_SIGNATURE_INVALID"),
        (short, "MALFORMED"),
        (long, "REQUEST_INVALID"),
        (service.creating(city, later(terms, -life)), "REQUEST_EXPIRED"),
        (service.creating(city, later(terms, life)), "REQUEST_NOT_YET_VALID"),
    ):
        world.between.alter["FetchConsent"] = instead(message)
        assert await tab.refused("open", str(consent.link)) == reason
    world.between.alter["FetchConsent"] = lambda _: b""
    assert await tab.refused("open", str(consent.link)) == "ANSWER_INVALID"
    assert await tab.call("standing") == []
    assert await tab.refused("open", str(replace(consent.link, server="127.0.0.1:1"))) == "LINK_ELSEWHERE"


@pytest.mark.parametrize(
    ("limits", "wanted"),
    [
        (None, {}),
        (StandingLimits(9, 0, 366), {"times": 10}),
        (StandingLimits(12, 2, 366), {"interval_days": 1}),
        (StandingLimits(12, 0, 90), {}),
    ],
    ids=["unlisted", "times", "interval", "until"],
)
async def test_what_the_policy_does_not_allow_beforehand_nobody_is_asked(
    world: World, tab: Tab, limits: StandingLimits | None, wanted: dict[str, int]
) -> None:
    city, consent, request = world.town.city, await asked(world), small(world)
    policy = PolicyName(SCHOOL, f"limited-{new_id()}", 1)
    await city.add_policy(replace(allowed(policy, SCHEMAS, request.purpose), standing=limits))
    terms = creating(city, replace(request, policy=policy), **wanted)
    world.between.alter["FetchConsent"] = instead(terms)
    assert await tab.refused("open", str(consent.link)) == "OVER_ASKING"
    assert await tab.call("uses") == []


async def test_names_and_terms_that_do_not_fit_are_refused(world: World, tab: Tab) -> None:
    consent, renamed = await granted(world, tab), await asked(world)
    world.between.alter["FetchConsent"] = instead(creating(world.town.city, small(world), times=9))
    view = await tab.call("open", str(consent.link))
    assert await tab.refused("grant", view["id"]) == "REQUEST_MISMATCH", "other terms under this name"
    named = consent_pb2.FetchConsentRequest(consent=consent.answer.consent, ticket=consent.answer.ticket)
    found = await service.stub(world.town.city).FetchConsent(named)
    world.between.alter["FetchConsent"] = lambda _: found.SerializeToString()
    view = await tab.call("open", str(renamed.link))
    assert await tab.refused("grant", view["id"]) == "REQUEST_MISMATCH", "these terms under another name"
    assert len(await tab.call("standing")) == 1
    assert len(went(world, "GrantConsent")) == 1


async def test_what_cannot_be_had_of_one_consent_holds_up_no_other(world: World, tab: Tab) -> None:
    one, other = await granted(world, tab), await granted(world, tab, times=3)
    await one.use(small(world))
    await other.use(small(world))
    first = list[bytes]()

    def broken(answer: bytes) -> bytes:
        first.extend([] if first else [answer])
        return b"" if answer == first[0] else answer

    world.between.alter["FetchRequest"] = broken
    told = await tab.call("attend")
    assert [each["fault"] and each["fault"]["reason"] for each in told] == ["ANSWER_INVALID", None]
    world.between.alter.clear()
    (again,) = await tab.call("attend")
    assert again["fault"] is None
    world.between.away = True
    assert await tab.refused("attend") == "UNAVAILABLE"


async def test_nothing_is_answered_by_a_ledger_that_is_not_the_one_that_was_seen(
    world: World, tab: Tab
) -> None:
    before = await head(world.town.city)
    consent = await granted(world, tab)
    await tab.call("settle")
    await consent.use(small(world))
    world.between.alter["GetCheckpoint"] = lambda _: before.SerializeToString()
    assert await tab.refused("attend") == "CONSISTENCY_INVALID"
    assert went(world, "SubmitPresentation") == []
    world.between.alter.clear()
    assert (await tab.call("attend"))[0]["fault"] is None


async def test_nothing_is_answered_by_epochs_of_another_ledger(world: World, tab: Tab) -> None:
    """What is read last, right before the proof, is vouched for by another ledger than all before."""
    before = await head(world.town.city)
    consent = await granted(world, tab)
    await tab.call("settle")
    await consent.use(small(world))
    await world.town.offices["public-security"].revoke(*new_handles(3))

    async def other() -> None:
        world.between.alter["GetCheckpoint"] = lambda _: before.SerializeToString()

    world.between.first["ListRevocations"] = other
    assert await tab.refused("attend") == "CONSISTENCY_INVALID"
    assert went(world, "SubmitPresentation") == []


async def test_the_logs_next_key_is_no_end_of_it_and_without_proof_nothing_is_signed(
    browser: Browser, pages: Path, tmp_path: Path
) -> None:
    """The server goes over to another key of its log; a consent keeps the key that it was granted with."""
    folder = tmp_path / "server"
    async with AsyncExitStack() as stack:
        async with serving(folder) as first:
            between = await stack.enter_async_context(altering(first))
            at = between.address
            site = await stack.enter_async_context(
                vault_site(first, browser, pages, endpoint=between.endpoint(first))
            )
            visitor = await stack.enter_async_context(site.visitor())
            tab = await stack.enter_async_context(opened(visitor))
            await tab.make()
            issued = await first.issue()
            await tab.claim(OfferLink(at, issued.offer.removeprefix("offers/"), issued.claim_code))
            consents = [await asked_at(first, at, first.request("bank"), times=9) for _ in range(2)]
            for each in consents:
                await tab.call("grant", (await tab.call("open", str(each.link)))["id"])
            await consents[0].use(first.request("bank"))
            assert [each["fault"] for each in await tab.call("attend")] == [None]
        _, new = key_change.begin(settings_of(folder))
        async with serving(folder, first) as town:
            await settled(town, new)
        key_change.finish(settings_of(folder))
        async with serving(folder, first) as town, between.instead(town):
            one, other = (replace(each, city=town) for each in consents)
            await tab.call("settle")
            await one.use(town.request("bank"))
            assert [each["fault"] for each in await tab.call("attend")] == [None]
            await tab.call("settle")
            assert (await tab.call("trust"))["key"] == str(new)
            await other.use(town.request("bank"))
            assert [each["fault"] for each in await tab.call("attend")] == [None]
            assert {each["receipt"] for each in await tab.call("uses")} == {"pending"}
            await tab.call("lock")
            await tab.call("unlock", PASSPHRASE)
            between.alter["ListLogKeys"] = unproven
            between.calls.clear()
            reasons = [each["fault"]["reason"] for each in await tab.call("attend")]
            assert reasons == 2 * ["LOG_KEY_NOT_FOLLOWED"]
            assert "OpenSession" not in between.calls, "nothing was signed"
            between.alter.clear()
            for held in await tab.call("standing"):
                assert (await tab.call("withdraw", held["id"]))["withdrawing"] is False
            for each in (one, other):
                assert (await each.told()).state == TOLD.STATE_WITHDRAWN


@altered(ledger_pb2.ListLogKeysResponse)
def unproven(keys: ledger_pb2.ListLogKeysResponse) -> None:
    for each in keys.log_keys:
        each.change_proof = b""
