"""The browser vault's standing consents, without screens: granted, attended to, withdrawn."""

import asyncio

import grpc
import pytest
import pytest_asyncio

from disclosure import ConsentLink
from disclosure.composite import verify_composite
from tests.browser.consenting import TOLD, WATCHED, asked, branch, granted, small, stocked, went
from tests.browser.vault_town import World, watched
from tests.browser.vaulting import PASSPHRASE, WITHOUT_SCREENS, Faulted, Tab, opened
from tests.disclosure.composite.world import INSURANCE, PERMIT
from tests.zkservice.composite_city import SCHOOL
from tests.zkservice.support import new_id
from wire.composite import composite_presentation_of
from zkproto.v1 import presentation_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = WITHOUT_SCREENS
OVER_ASKED = presentation_pb2.DeclineExchangeRequest.WHY_OVER_ASKED


@pytest_asyncio.fixture(loop_scope="session")
async def tab(world: World, blank: Tab) -> Tab:
    """A vault with a permit in it."""
    return await stocked(world, blank)


async def test_granted_it_is_answered_without_asking_so_often_and_no_oftener(world: World, tab: Tab) -> None:
    consent = await asked(world)
    view = await tab.call("open", str(consent.link))
    assert (view["kind"], view["asker"]["verifier"]) == ("consent", f"verifiers/{SCHOOL}")
    assert (view["way"]["missing"], view["limits"]["times"], view["limits"]["intervalDays"]) == ([], 2, 0)
    assert view["ends"] == consent.answer.expire_time.ToMilliseconds()
    lines = [each for one in view["way"]["credentials"] for each in one["lines"]]
    assert [each["kind"] for each in lines].count("shown") >= 1
    assert (await tab.call("standing"), went(world, "GrantConsent")) == ([], [])
    standing = await tab.call("grant", view["id"])
    assert (standing["state"], standing["used"], standing["granting"]) == ("granted", 0, False)
    assert await tab.refused("grant", view["id"]) == "REQUEST_CLOSED"
    assert (await consent.told()).state == TOLD.STATE_GRANTED
    (use,) = await tab.call("uses")
    assert (use["state"], use["receipt"], use["fault"]) == ("consent-granted", "pending", None)
    assert await tab.call("attend") == []
    for number in range(2):
        request = small(world)
        exchange = await consent.use(request)
        assert exchange.ticket == "", "nobody but this vault can answer it"
        (attended,) = await tab.call("attend")
        assert attended["fault"] is None
        state = await watched(world.town.city, exchange)
        presentation = composite_presentation_of(state.composite_presentation)
        verified = verify_composite(request, presentation, world.town.directory(), world.town.now)
        assert verified.answer.branch == "small"
        use = await tab.call("use", attended["use"])
        assert (use["state"], use["standing"], use["receipt"]) == ("done", True, "pending")
        assert (await tab.call("standing"))[0]["used"] == number + 1
        assert await tab.call("attend") == []
    with pytest.raises(grpc.aio.AioRpcError):
        await consent.use(small(world))
    # A service that forgets to count gets no third answer either, and that it was asked is written down.
    consent.lift(used=0)
    third = await consent.use(small(world))
    (attended,) = await tab.call("attend")
    assert (attended["use"], attended["fault"]["reason"]) == (None, "CONSENT_BEYOND")
    assert (await watched(world.town.city, third)).state == WATCHED.STATE_DECLINED
    (declined,) = went(world, "DeclineExchange")
    assert presentation_pb2.DeclineExchangeRequest.FromString(declined).why == OVER_ASKED
    assert len(went(world, "SubmitPresentation")) == 2
    newest = (await tab.call("uses"))[0]
    assert (newest["state"], newest["lines"], newest["receipt"]) == ("over-asked", [], "pending")
    (standing,) = await tab.call("standing")
    assert (standing["state"], standing["used"]) == ("ended", 2)


async def test_it_lives_on_in_the_vault_and_nothing_is_asked_of_the_service_without_one(
    world: World, tab: Tab
) -> None:
    assert await tab.call("attend") == []
    assert "ListConsentExchanges" not in world.between.calls
    consent = await granted(world, tab)
    await tab.call("lock")
    assert await tab.refused("attend") == "VAULT_LOCKED"
    await tab.call("unlock", PASSPHRASE)
    await consent.use(small(world))
    both = await asyncio.gather(tab.call("attend"), tab.call("attend"))
    assert both[0] == both[1], "whoever asks meanwhile is told the same"
    assert len(went(world, "SubmitPresentation")) == 1


async def beside(tab: Tab) -> Tab:
    """Open the same vault in another tab of the same browser."""
    page = await tab.page.context.new_page()
    await page.goto(tab.page.url)
    await page.wait_for_function("() => window.vault")
    other = Tab(page)
    await other.call("unlock", PASSPHRASE)
    return other


async def test_two_tabs_that_attend_at_once_answer_once(world: World, tab: Tab) -> None:
    consent = await granted(world, tab, times=9)
    other = await beside(tab)
    await consent.use(small(world))
    both = await asyncio.gather(tab.call("attend"), other.call("attend"))
    told = [each for found in both for each in found]
    assert [each["fault"] for each in told].count(None) == 1
    assert {each["fault"]["reason"] for each in told if each["fault"]} <= {"EXCHANGE_ANSWERED"}
    assert (await tab.call("standing"))[0]["used"] == 1
    assert len(set(went(world, "SubmitPresentation"))) == 1


async def held_up(tab: Tab, attending: asyncio.Task[object]) -> None:
    """Let another tab go as far as it comes: until it waits for the first, or has attended by itself."""
    for _ in range(160):
        waits = await tab.page.evaluate("navigator.locks.query().then(({ pending }) => pending.length > 0)")
        if waits or attending.done():
            return
        await asyncio.sleep(0.05)


async def test_a_tab_that_attends_meanwhile_waits_and_refuses_nothing(world: World, tab: Tab) -> None:
    """By itself it would answer, and the first would refuse its own request as one too many."""
    consent = await granted(world, tab, times=1)
    other = await beside(tab)
    exchange = await consent.use(small(world))
    others = list[asyncio.Task[object]]()

    async def meanwhile() -> None:
        others.append(asyncio.create_task(other.call("attend")))
        await held_up(other, others[0])

    world.between.first["FetchRequest"] = meanwhile
    assert [each["fault"] for each in await tab.call("attend")] == [None]
    assert await others[0] == []
    assert went(world, "DeclineExchange") == []
    assert (await watched(world.town.city, exchange)).state == WATCHED.STATE_VERIFIED


async def test_an_answer_that_is_not_sent_yet_is_told_apart(world: World, tab: Tab) -> None:
    consent = await granted(world, tab)
    await consent.use(small(world))

    async def leaves() -> None:
        world.between.away = True

    world.between.first["SubmitPresentation"] = leaves
    (attended,) = await tab.call("attend")
    assert (attended["use"] is None, attended["sent"], attended["fault"]) == (False, False, None)
    world.between.away = False
    await tab.call("settle")
    await consent.use(small(world))
    (attended,) = await tab.call("attend")
    assert (attended["sent"], attended["fault"]) == (True, None)


async def test_the_plain_form_is_agreed_to_too(world: World, empty: Tab) -> None:
    await empty.claim(await world.plain_offer())
    city = world.town.city
    consent = await asked(world, city.request("bank"))
    view = await empty.call("open", str(consent.link))
    assert (view["asker"]["verifier"], view["way"]["missing"]) == ("verifiers/bank", [])
    await empty.call("grant", view["id"])
    exchange = await consent.use(city.request("bank"))
    (attended,) = await empty.call("attend")
    assert attended["fault"] is None
    assert (await watched(city, exchange)).state == WATCHED.STATE_VERIFIED


async def test_declined_it_is_told_and_nothing_is_kept(world: World, tab: Tab) -> None:
    consent = await asked(world)
    view = await tab.call("open", str(consent.link))
    await tab.call("decline", view["id"])
    assert await tab.refused("grant", view["id"]) == "REQUEST_CLOSED"
    assert (await consent.told()).state == TOLD.STATE_DECLINED
    assert await tab.call("standing") == []
    (use,) = await tab.call("uses")
    assert (use["state"], use["receipt"]) == ("consent-declined", "pending")
    view = await tab.call("open", str(consent.link))
    assert await tab.refused("grant", view["id"]) == "CONSENT_ANSWERED"
    assert await tab.call("standing") == [], "a consent that the service did not take is not kept"
    assert (await tab.call("overview"))["unsent"] == 0


async def test_a_grant_that_broke_off_is_gone_on_with_octet_for_octet(world: World, tab: Tab) -> None:
    consent = await asked(world)
    view = await tab.call("open", str(consent.link))
    world.between.alter["GrantConsent"] = lambda answer: answer[:-3]
    with pytest.raises(Faulted):
        await tab.call("grant", view["id"])
    (standing,) = await tab.call("standing")
    assert (standing["state"], standing["granting"]) == ("granted", True)
    assert (await tab.call("overview"))["unsent"] == 1
    world.between.alter.clear()
    await tab.call("lock")
    await tab.call("unlock", PASSPHRASE)
    await tab.call("settle")
    assert (await tab.call("overview"))["unsent"] == 0
    assert len(set(went(world, "GrantConsent"))) == 1 < len(went(world, "GrantConsent"))
    (standing,) = await tab.call("standing")
    assert (standing["state"], standing["granting"]) == ("granted", False)
    await consent.use(small(world))
    assert (await tab.call("attend"))[0]["fault"] is None


async def test_before_its_grant_is_received_nothing_waits_and_a_refused_one_is_nothing_to_withdraw(
    world: World, tab: Tab
) -> None:
    consent = await asked(world)
    view = await tab.call("open", str(consent.link))
    world.between.away = True
    assert (await tab.call("grant", view["id"]))["granting"] is True
    world.between.away = False
    assert await tab.call("attend") == [], "the service does not know the key yet"
    (standing,) = await tab.call("standing")
    assert (await tab.call("withdraw", standing["id"]))["withdrawing"] is True
    async with world.place.visitor() as visitor, opened(visitor) as other:
        await stocked(world, other)
        await other.call("decline", (await other.call("open", str(consent.link)))["id"])
    await tab.call("settle")
    (standing,) = await tab.call("standing")
    assert (standing["state"], standing["withdrawing"]) == ("withdrawn", False)
    assert went(world, "WithdrawConsent") == []
    assert (await tab.call("overview"))["unsent"] == 0, "what was never granted needs no withdrawal"


async def test_an_answer_that_broke_off_is_counted_once_and_sent_again_as_it_was(
    world: World, tab: Tab
) -> None:
    consent = await granted(world, tab)
    exchange = await consent.use(small(world))
    world.between.alter["SubmitPresentation"] = lambda answer: answer[:-3]
    (attended,) = await tab.call("attend")
    assert attended["fault"] is not None
    assert (await tab.call("standing"))[0]["used"] == 1
    world.between.alter.clear()
    await tab.call("lock")
    await tab.call("unlock", PASSPHRASE)
    assert await tab.call("attend") == [], "it is answered"
    await tab.call("settle")
    first, again = went(world, "SubmitPresentation")
    assert first == again
    assert (await tab.call("standing"))[0]["used"] == 1
    assert (await tab.call("uses"))[0]["state"] == "done"
    assert (await watched(world.town.city, exchange)).state == WATCHED.STATE_VERIFIED


async def test_withdrawn_at_once_here_and_there(world: World, tab: Tab) -> None:
    consent = await granted(world, tab, times=9)
    waiting = await consent.use(small(world))
    (standing,) = await tab.call("standing")
    withdrawn = await tab.call("withdraw", standing["id"])
    assert (withdrawn["state"], withdrawn["withdrawing"]) == ("withdrawn", False)
    assert (await watched(world.town.city, waiting)).state == WATCHED.STATE_WITHDRAWN
    assert (await consent.told()).state == TOLD.STATE_WITHDRAWN
    newest = (await tab.call("uses"))[0]
    assert (newest["state"], newest["receipt"]) == ("consent-withdrawn", "pending")
    # A service that goes on all the same is not attended to.
    consent.lift(state="granted")
    await consent.use(small(world))
    assert await tab.call("attend") == []
    assert went(world, "SubmitPresentation") == []
    view = await tab.call("open", str(consent.link))
    assert await tab.refused("grant", view["id"]) == "CONSENT_ANSWERED"


async def test_a_withdrawal_counts_here_before_the_service_can_be_told(world: World, tab: Tab) -> None:
    consent = await granted(world, tab)
    await consent.use(small(world))
    (standing,) = await tab.call("standing")
    world.between.away = True
    assert (await tab.call("withdraw", standing["id"]))["withdrawing"] is True
    world.between.away = False
    assert await tab.call("attend") == []
    assert (await consent.told()).state == TOLD.STATE_GRANTED
    await tab.call("settle")
    assert (await consent.told()).state == TOLD.STATE_WITHDRAWN
    assert (await tab.call("standing"))[0]["withdrawing"] is False


async def test_without_a_credential_nothing_can_be_granted_nor_answered(world: World) -> None:
    person = new_id().encode()
    async with world.place.visitor() as visitor, opened(visitor) as tab:
        consent = await granted(world, await stocked(world, tab, person))
        (credential,) = (await tab.call("overview"))["credentials"]
        await tab.call("removeCredential", credential["id"])
        await consent.use(small(world))
        (attended,) = await tab.call("attend")
        assert (attended["use"], attended["fault"]["reason"]) == (None, "NOTHING_FITS")
        assert (await tab.call("standing"))[0]["used"] == 0
        view = await tab.call("open", str((await asked(world)).link))
        assert view["way"]["missing"] != []
        assert await tab.refused("grant", view["id"]) == "NOTHING_FITS"
        await tab.claim(await world.offered(PERMIT, person=person))
        (attended,) = await tab.call("attend")
        assert attended["fault"] is None, "what could not be answered waits"


async def test_of_several_ways_the_first_is_agreed_to_and_no_other_is_taken(world: World, tab: Tab) -> None:
    town = world.town
    insured = town.small(
        id="insured", queries=(town.query("insurance", INSURANCE, shown=("employed",)),), predicates=()
    )
    consent = await asked(world, town.request(insured, branch(world)))
    view = await tab.call("open", str(consent.link))
    assert (view["way"]["branch"], view["way"]["missing"] != []) == ("insured", True)
    assert await tab.refused("grant", view["id"]) == "NOTHING_FITS"
    found = await tab.claim(await world.offered(INSURANCE, person=new_id().encode()))
    view = await tab.call("open", str(consent.link))
    assert (view["way"]["branch"], view["way"]["missing"]) == ("insured", [])
    await tab.call("grant", view["id"])
    await tab.call("removeCredential", found["id"])
    await consent.use(town.request(insured, branch(world)))
    (attended,) = await tab.call("attend")
    assert (attended["use"], attended["fault"]["reason"]) == (None, "BRANCH_UNDECIDED")
    assert went(world, "SubmitPresentation") == []


async def test_put_back_from_a_file_of_before_nothing_is_answered_and_it_can_be_withdrawn(
    world: World, tab: Tab
) -> None:
    consent = await granted(world, tab, times=9)
    file = await tab.call("backup")
    await consent.use(small(world))
    assert (await tab.call("attend"))[0]["fault"] is None
    async with world.place.visitor() as visitor, opened(visitor) as other:
        await other.call("restore", file, PASSPHRASE)
        await consent.use(small(world))
        assert await other.call("attend") == []
        (standing,) = await other.call("standing")
        assert standing["state"] == "recovered"
        withdrawn = await other.call("withdraw", standing["id"])
        assert (withdrawn["state"], withdrawn["withdrawing"]) == ("withdrawn", False)
    assert (await consent.told()).state == TOLD.STATE_WITHDRAWN


async def test_words_give_consents_back_which_are_listed_and_withdrawn(world: World, tab: Tab) -> None:
    consent, over = await granted(world, tab, times=9), await granted(world, tab, times=3)
    (ended,) = [each for each in await tab.call("standing") if each["limits"]["times"] == 3]
    await tab.call("withdraw", ended["id"])
    assert (await over.told()).state == TOLD.STATE_WITHDRAWN
    words = " ".join(await tab.call("words", PASSPHRASE, "en"))
    async with world.place.visitor() as visitor, opened(visitor) as other:
        await other.call("recover", words, PASSPHRASE, (await other.call("logKey"))["key"])
        world.between.calls.clear()
        assert await other.call("recoverStanding") == {"found": 0, "fault": None}
        assert world.between.calls == [], "nothing was read yet, so nobody is asked"
        while not (await other.call("readLedger"))["done"]:
            pass
        others = (await over.fetched()).SerializeToString()
        world.between.alter["FetchConsent"] = lambda _: others
        told = await other.call("recoverStanding")
        assert (told["found"], told["fault"]["reason"]) == (0, "REQUEST_MISMATCH")
        world.between.alter.clear()
        assert await other.call("standing") == []
        assert await other.call("recoverStanding") == {"found": 1, "fault": None}
        (standing,) = await other.call("standing")
        assert (standing["state"], standing["used"], standing["limits"]["times"]) == ("recovered", 0, 9)
        world.between.calls.clear()
        assert await other.call("recoverStanding") == {"found": 0, "fault": None}
        assert world.between.calls == []
        await consent.use(small(world))
        assert await other.call("attend") == []
        withdrawn = await other.call("withdraw", standing["id"])
        assert (withdrawn["state"], withdrawn["withdrawing"]) == ("withdrawn", False)
    assert (await consent.told()).state == TOLD.STATE_WITHDRAWN


async def test_links_of_consents_that_lead_nowhere(world: World, tab: Tab) -> None:
    consent = await asked(world)
    wrong = ConsentLink(world.server, consent.name, "x" * 43)
    assert await tab.refused("open", str(wrong)) == "NOT_FOUND"
    assert await tab.refused("withdraw", "0" * 32) == "CONSENT_NOT_FOUND"
    assert await tab.refused("grant", "nothing") == "REQUEST_CLOSED"
    assert await tab.refused("decline", "nothing") == "REQUEST_CLOSED"
