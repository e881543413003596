"""Whom the browser vault lets an identity be escrowed to: the person's own list; no question adds to it."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from disclosure.composite import verify_composite
from tests.browser.browsing import needs
from tests.browser.vault_town import World, vault_town
from tests.browser.vaulting import PASSPHRASE, Tab, built, opened
from tests.disclosure.composite.world import INSURANCE, PERMIT
from wire.composite import composite_presentation_of
from zkproto.v1 import publication_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    needs()
    folder = tmp_path_factory.mktemp("vault-regulators")
    pages = await asyncio.to_thread(built, folder / "pages")
    async with vault_town(folder / "server", pages) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def world(whole: World) -> AsyncIterator[World]:
    whole.between.sent.clear()
    yield whole
    whole.between.alter.clear()
    whole.between.away = False


@pytest_asyncio.fixture(loop_scope="module")
async def tab(world: World) -> AsyncIterator[Tab]:
    async with world.place.visitor() as visitor, opened(visitor) as found:
        await found.call("create", PASSPHRASE, (await found.call("logKey"))["key"])
        yield found


async def test_a_question_that_escrows_is_answerable_once_the_regulator_is_trusted(
    world: World, tab: Tab
) -> None:
    for schema in (PERMIT, INSURANCE):
        link = await world.offered(schema, person=secrets.token_bytes(8))
        await tab.call("claim", (await tab.call("open", str(link)))["id"])
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
    def called(octets: bytes) -> bytes:
        message = pb.Regulator.FromString(octets)
        message.display_name.en = "The Ministry of Truth"
        return message.SerializeToString()

    def listed(octets: bytes) -> bytes:
        message = pb.ListRegulatorsResponse.FromString(octets)
        message.regulators[0].name = "regulators/another"
        return message.SerializeToString()

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
