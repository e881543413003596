"""The vault in a browser from making it to a receipt, without its screens."""

import asyncio
from dataclasses import replace

import pytest

from disclosure import OfferLink
from disclosure.composite import verify_composite
from tests.browser.altering import altered
from tests.browser.vault_town import World
from tests.browser.vaulting import PASSPHRASE, WITHOUT_SCREENS, Faulted, Tab, opened
from tests.disclosure.composite.world import HOUSEHOLD, INSURANCE, PERMIT
from tests.disclosure.composite.world import VALUES as VALUES_OF
from tests.zkservice import holding
from tests.zkservice.support import PERMIT as PLAIN
from tests.zkservice.support import new_id
from wire.composite import composite_presentation_of
from wire.convert import values_to
from zkproto.v1 import issuance_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = WITHOUT_SCREENS
FIRST = {"branch": "main", "chosen": {}}


async def wanting(world: World, district: str) -> OfferLink:
    """Have a department offer to whoever shows a permit of a district."""
    asked = issuance_pb2.IssueCredentialRequest(
        schema=str(INSURANCE.name),
        values=values_to(INSURANCE, VALUES_OF[INSURANCE.name].items()),
        required=issuance_pb2.RequiredCredential(
            schema=str(PERMIT.name), values=values_to(PERMIT, [("district", district)])
        ),
        request_id=new_id(),
    )
    answer = await holding.offer(world.town.city, asked, world.town.offices["hrss"].token)
    return world.link(answer)


async def test_credentials_are_claimed_and_a_question_is_answered_by_them(world: World, tab: Tab) -> None:
    for schema in (PERMIT, INSURANCE, HOUSEHOLD):
        found = await tab.claim(await world.offered(schema))
        assert (found["form"], found["revoked"], found["expired"]) == ("composite", False, False)
    overview = await tab.call("overview")
    assert [each["department"] for each in overview["credentials"]] == ["departments/hrss"] + [
        "departments/public-security"
    ] * 2
    assert overview["unsent"] == 0
    permit = next(
        each for each in overview["credentials"] if len(each["attributes"]) == len(PERMIT.attributes)
    )
    assert await tab.call("credential", permit["id"]) == permit
    request, exchange, link = await world.asked(world.main())
    view = await tab.call("open", str(link))
    assert [each["missing"] for each in view["ways"]] == [[]]
    use = await tab.call("agree", view["id"], FIRST)
    assert (use["state"], use["receipt"], use["fault"]) == ("done", "pending", None)
    state = await world.watched(exchange)
    presentation = composite_presentation_of(state.composite_presentation)
    verified = verify_composite(request, presentation, world.town.directory(), world.town.now)
    assert verified.answer.branch == "main"
    assert await tab.call("uses") == [use]
    await tab.call("lock")
    await tab.call("unlock", PASSPHRASE)
    assert await tab.call("use", use["id"]) == use
    settled = await tab.call("settle")
    assert settled["read"] is not None
    assert settled["credentials"] == overview["credentials"]


async def test_the_plain_form_is_claimed_too(world: World, tab: Tab) -> None:
    found = await tab.claim(await world.plain_offer())
    assert found["form"] == "plain"
    assert len(found["attributes"]) == len(PLAIN.attributes)
    (same,) = (await tab.call("overview"))["credentials"]
    assert same == found
    await tab.call("removeCredential", found["id"])
    assert await tab.refused("removeCredential", found["id"]) == "CREDENTIAL_NOT_FOUND"
    assert (await tab.call("overview"))["credentials"] == []


async def test_what_a_department_wants_to_be_shown_first_is_shown_once_it_is_agreed_to(
    world: World, tab: Tab
) -> None:
    link = await wanting(world, "370102")
    offer = await tab.call("open", str(link))
    assert offer["shows"]["missing"] != [], "nothing is held yet"
    assert await tab.refused("claim", offer["id"]) == "NOTHING_FITS"
    await tab.claim(await world.offered(PERMIT, person=b"shown first"))
    offer = await tab.call("open", str(link))
    assert offer["shows"]["missing"] == []
    lines = [each for one in offer["shows"]["credentials"] for each in one["lines"]]
    assert [each["kind"] for each in lines].count("shown") >= 1
    assert [name for name, _ in world.between.sent].count("ClaimCompositeCredential") == 1
    assert await tab.call("uses") == []
    found = await tab.call("claim", offer["id"])
    assert found["department"] == "departments/hrss"
    assert (await tab.call("overview"))["unsent"] == 0
    (use,) = await tab.call("uses")
    assert (use["state"], use["verifier"], use["receipt"]) == ("claimed", "verifiers/hrss", "none")
    shown = [each for each in use["lines"] if each["kind"] == "shown"]
    assert shown == [each for each in lines if each["kind"] == "shown"], "what was agreed to"
    assert await tab.call("use", use["id"]) == use
    assert await tab.refused("receipt", use["id"]) == "NO_RECEIPT"
    await tab.call("lock")
    await tab.call("unlock", PASSPHRASE)
    assert await tab.call("uses") == [use]


async def test_a_claim_that_broke_off_is_gone_on_with_octet_for_octet(world: World, tab: Tab) -> None:
    offer = await tab.call("open", str(await world.offered(PERMIT, person=b"broken-off")))
    world.between.alter["ClaimCompositeCredential"] = lambda answer: answer[:-3]
    with pytest.raises(Faulted):
        await tab.call("claim", offer["id"])
    overview = await tab.call("overview")
    assert (overview["credentials"], overview["unsent"]) == ([], 1)
    world.between.alter.clear()
    await tab.call("lock")
    await tab.call("unlock", PASSPHRASE)
    overview = await tab.call("settle")
    assert (len(overview["credentials"]), overview["unsent"]) == (1, 0)
    sent = {message for name, message in world.between.sent if name == "ClaimCompositeCredential"}
    assert len(sent) == 1


@pytest.mark.parametrize("field", ["handle", "signature", "witness", "values", "accumulator"])
async def test_what_is_not_what_was_signed_is_not_kept(world: World, field: str, tab: Tab) -> None:
    offer = await tab.call("open", str(await world.offered(PERMIT, person=field.encode())))

    @altered(issuance_pb2.ClaimCompositeCredentialResponse)
    def spoilt(said: issuance_pb2.ClaimCompositeCredentialResponse) -> None:
        if field == "values":
            said.values[0].value.text = "somebody else"
        elif field == "accumulator":
            said.ClearField("accumulator")
        else:
            octets = getattr(said, field)
            setattr(said, field, octets[:-1] + bytes([octets[-1] ^ 1]))

    world.between.alter["ClaimCompositeCredential"] = spoilt
    assert await tab.refused("claim", offer["id"]) in {"SIGNATURE_INVALID", "MALFORMED", "EPOCH_UNKNOWN"}
    overview = await tab.call("overview")
    assert (overview["credentials"], overview["unsent"]) == ([], 1), "the honest answer may still come"
    world.between.alter.clear()
    assert len((await tab.call("settle"))["credentials"]) == 1


async def test_an_offer_is_taken_once_and_only_of_this_service(world: World, tab: Tab) -> None:
    link = await world.offered(PERMIT, person=b"once")
    elsewhere = replace(link, server="elsewhere.example:443")
    assert await tab.refused("open", str(elsewhere)) == "LINK_ELSEWHERE"
    assert await tab.refused("open", "zk://offer?server=") == "LINK_INVALID"
    offer = await tab.call("open", str(link))
    both = await asyncio.gather(*(tab.call("claim", offer["id"]) for _ in range(2)), return_exceptions=True)
    assert [isinstance(each, Faulted) for each in both].count(True) == 1, "a second tap claims nothing"
    assert len((await tab.call("overview"))["credentials"]) == 1
    async with world.place.visitor() as visitor, opened(visitor) as other:
        await other.make()
        assert await other.refused("open", str(link)) in {"OFFER_TAKEN", "NOT_FOUND"}


async def test_a_revoked_credential_is_seen_when_the_vault_is_settled(world: World, tab: Tab) -> None:
    handles = list[int]()

    def seen(answer: bytes) -> bytes:
        handles.append(
            int.from_bytes(issuance_pb2.ClaimCompositeCredentialResponse.FromString(answer).handle)
        )
        return answer

    world.between.alter["ClaimCompositeCredential"] = seen
    await tab.claim(await world.offered(INSURANCE, person=b"revoked"))
    await world.town.offices["hrss"].revoke(handles[0])
    overview = await tab.call("settle")
    assert [each["revoked"] for each in overview["credentials"]] == [True]


async def test_without_a_network_the_vault_shows_what_it_has(world: World) -> None:
    async with world.place.visitor() as visitor, opened(visitor) as tab:
        visitor.expected += ["503", "Failed to load"]
        await tab.make()
        found = await tab.claim(await world.offered(PERMIT, person=b"offline"))
        world.between.away = True
        await tab.call("lock")
        await tab.call("unlock", PASSPHRASE)
        assert (await tab.call("overview"))["credentials"] == [found]
        with pytest.raises(Faulted) as told:
            await tab.call("settle")
        assert told.value.passing


async def test_where_one_credential_is_the_wrong_one_another_is_shown_once_agreed_to(
    world: World, tab: Tab
) -> None:
    """What the department wants it does not tell: only trying finds out which of two says it."""
    for district in ("370102", "370103"):
        said = {**VALUES_OF[PERMIT.name], "district": district}
        await tab.claim(await world.offered(PERMIT, said, person=b"two of a kind"))
    mismatches = 0
    for district in ("370102", "370103"):
        offer = await tab.call("open", str(await wanting(world, district)))
        try:
            await tab.call("claim", offer["id"])
        except Faulted as error:
            refused = error.reason
        else:
            continue
        assert refused == "REQUIRED_MISMATCH"
        other = await tab.call("offerAgain", offer["id"])
        assert (other["id"] == offer["id"], other["shows"] == offer["shows"]) == (True, False)
        await tab.call("claim", offer["id"])
        mismatches += 1
    assert mismatches == 1, "one of the two is shown first"
    offer = await tab.call("open", str(await wanting(world, "370104")))
    assert await tab.refused("claim", offer["id"]) == "REQUIRED_MISMATCH"
    await tab.call("offerAgain", offer["id"])
    assert await tab.refused("claim", offer["id"]) == "REQUIRED_MISMATCH"
    assert await tab.refused("offerAgain", offer["id"]) == "NOTHING_FITS"
