"""Whom the browser vault lets an identity be escrowed to: the person's own list; no question adds to it."""

import secrets
from dataclasses import replace

import pytest

from disclosure.composite import Regulator, verify_composite
from disclosure.names import RegulatorName
from tests.browser.altering import altered
from tests.browser.forking import forked_proof, forked_proofs
from tests.browser.vault_town import World
from tests.browser.vaulting import PASSPHRASE, WITHOUT_SCREENS, Tab
from tests.disclosure.composite.officers import new_officers, shared_by
from tests.disclosure.composite.world import INSURANCE, PERMIT
from tests.zkservice.support import TEXT
from wire.composite import composite_presentation_of, regulator_to
from zkproto.v1 import publication_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = WITHOUT_SCREENS


async def test_a_question_that_escrows_is_answerable_once_the_regulator_is_trusted(
    world: World, tab: Tab
) -> None:
    for schema in (PERMIT, INSURANCE):
        await tab.claim(await world.offered(schema, person=secrets.token_bytes(8)))
    digest = world.town.regulator_key.digest.hex()
    (known,) = await tab.call("regulators")
    assert (known["regulator"], known["digest"]) == ("regulators/prosecutor", digest)
    assert (known["trusted"], known["published"]) == (False, True)
    escrowing = replace(world.main(), escrows=world.town.main().escrows)
    request, exchange, link_asked = await world.asked(escrowing)
    view = await tab.call("open", str(link_asked))
    assert digest in view["ways"][0]["missing"][0]["en"]
    choice = {"branch": "main", "chosen": {}}
    assert await tab.refused("agree", view["id"], choice) == "NOTHING_FITS"

    await tab.call("trustRegulator", digest)
    await tab.call("trustRegulator", digest)
    await tab.call("lock")
    await tab.call("unlock", PASSPHRASE)
    (known,) = await tab.call("regulators")
    assert known["trusted"] is True
    view = await tab.call("open", str(link_asked))
    (way,) = view["ways"]
    assert way["missing"] == []
    lines = [line for each in way["credentials"] for line in each["lines"]]
    assert [each["kind"] for each in lines].count("escrowed") == 1
    assert (await tab.call("agree", view["id"], choice))["state"] == "done"
    shown = composite_presentation_of((await world.watched(exchange)).composite_presentation)
    assert verify_composite(request, shown, world.town.directory(), world.town.now).answer.branch == "main"

    await tab.call("distrustRegulator", digest)
    assert await tab.refused("distrustRegulator", digest) == "REGULATOR_NOT_FOUND"
    _, _, link_asked = await world.asked(escrowing)
    view = await tab.call("open", str(link_asked))
    assert digest in view["ways"][0]["missing"][0]["en"]


async def test_a_regulator_counts_as_it_stands_on_the_ledger(world: World, tab: Tab) -> None:
    @altered(pb.Regulator)
    def called(message: pb.Regulator) -> None:
        message.display_name.en = "The Ministry of Truth"

    @altered(pb.ListRegulatorsResponse)
    def listed(message: pb.ListRegulatorsResponse) -> None:
        message.regulators[0].name = "regulators/another"

    digest = world.town.regulator_key.digest.hex()
    world.between.alter["GetRegulator"] = called
    assert await tab.refused("regulators") == "INCLUSION_INVALID"
    assert await tab.refused("trustRegulator", digest) == "INCLUSION_INVALID"
    world.between.alter.clear()
    world.between.alter["ListRegulators"] = listed
    assert await tab.refused("regulators") == "MALFORMED"
    world.between.alter.clear()
    for odd in ("", digest.upper(), digest[:-1], "g" * 64):
        assert await tab.refused("trustRegulator", odd) == "REGULATOR_NOT_FOUND"
    assert await tab.refused("trustRegulator", "0" * 64) == "NOT_FOUND"
    (known,) = await tab.call("regulators")
    assert known["trusted"] is False


async def test_without_a_network_those_that_are_trusted_are_told(world: World, tab: Tab) -> None:
    digest = world.town.regulator_key.digest.hex()
    await tab.call("trustRegulator", digest)
    world.between.away = True
    (known,) = await tab.call("regulators")
    assert (known["digest"], known["trusted"], known["published"]) == (digest, True, None)
    await tab.call("distrustRegulator", digest)
    assert await tab.call("regulators") == []


async def test_a_key_that_only_a_fork_has_cannot_be_trusted_after_a_reload(world: World, tab: Tab) -> None:
    """A service signs a second ledger for one person, and hides for a moment where the first has gone."""
    forged = Regulator(RegulatorName("prosecutor"), TEXT, shared_by(new_officers()))
    city, digest = world.town.city, forged.key.digest.hex()
    message = regulator_to(forged, forked_proof(city, forged.entry()))
    listing = pb.ListRegulatorsResponse(regulators=[message])
    await tab.call("settle")
    world.between.answers["GetRegulator"] = lambda _: message.SerializeToString()
    world.between.answers["ListRegulators"] = lambda _: listing.SerializeToString()
    world.between.lost.add("GetCheckpoint")
    assert await tab.call("regulators") == []
    assert await tab.refused("trustRegulator", digest) == "UNAVAILABLE"
    world.between.answers.clear()
    world.between.lost.clear()
    for _ in range(2):
        await tab.page.reload()
        await tab.page.wait_for_function("() => window.vault")
        await tab.call("unlock", PASSPHRASE)
        assert await tab.refused("trustRegulator", digest) == "CONSISTENCY_INVALID"
        assert await tab.refused("regulators") == "CONSISTENCY_INVALID"
    assert await tab.call("trustedRegulators") == []


async def test_trust_can_be_ended_whatever_the_service_lists(world: World, tab: Tab) -> None:
    @altered(pb.ListRegulatorsResponse)
    def another(message: pb.ListRegulatorsResponse) -> None:
        message.regulators[0].name = "regulators/another"

    digest = world.town.regulator_key.digest.hex()
    await tab.call("trustRegulator", digest)
    world.between.alter["ListRegulators"] = another
    assert await tab.refused("regulators") == "MALFORMED"
    (own,) = await tab.call("trustedRegulators")
    assert (own["digest"], own["trusted"], own["published"]) == (digest, True, None)
    world.between.calls.clear()
    await tab.call("distrustRegulator", digest)
    assert await tab.call("trustedRegulators") == []
    assert world.between.calls == [], "nobody is asked"


async def test_a_list_has_an_end(world: World, tab: Tab) -> None:
    """Each that is listed is read and kept: a service that lists one more for ever fills no vault."""
    made = [
        Regulator(RegulatorName(f"made-{number}"), TEXT, shared_by(new_officers())) for number in range(260)
    ]
    proofs = forked_proofs(world.town.city, [each.entry() for each in made])
    messages = [regulator_to(each, proof) for each, proof in zip(made, proofs, strict=True)]
    by_digest = {each.digest: each.SerializeToString() for each in messages}
    size = 100

    def page(asked: bytes) -> bytes:
        start = int(pb.ListRegulatorsRequest.FromString(asked).page_token or 0)
        listed, token = messages[start : start + size], str((start + size) % 300)
        return pb.ListRegulatorsResponse(regulators=listed, next_page_token=token).SerializeToString()

    def one(asked: bytes) -> bytes:
        return by_digest[pb.GetRegulatorRequest.FromString(asked).digest]

    world.between.answers |= {"ListRegulators": page, "GetRegulator": one}
    world.between.lost.add("GetCheckpoint")
    world.between.calls.clear()
    assert await tab.call("regulators") == []
    assert world.between.calls.count("GetRegulator") == 256
    size = 101
    world.between.calls.clear()
    assert await tab.refused("regulators") == "MALFORMED"
    assert world.between.calls == ["ListRegulators"]
    size = 0
    messages.clear()
    world.between.calls.clear()
    assert await tab.call("regulators") == []
    assert world.between.calls.count("ListRegulators") == 20
