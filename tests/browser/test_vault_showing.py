"""What the vault's page shows to whoever asks, in Chromium over a real edge, and what it refuses."""

from dataclasses import replace
from typing import Any

import pytest

from disclosure import SignedRequest
from disclosure.composite import (
    CompositeRequest,
    IssuanceTerms,
    PseudonymQuery,
    at_least,
    verify_composite,
)
from prover.notes import NoteSummary
from tests.browser.showing import SHOWING, World, first
from tests.disclosure.composite.policy import op
from tests.disclosure.composite.world import PERMIT
from tests.zkservice.composite_city import OTHER_SCHOOL, SCHOOL
from tests.zkservice.revoking import new_handles
from tlog import Verifier, note_hash, verify_receipt
from wire.composite import composite_presentation_of
from wire.convert import presentation_of
from zkproto.v1 import presentation_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = SHOWING


@pytest.fixture
def world(shower: World) -> World:
    return shower


async def test_a_question_is_told_answered_and_verified_by_python(world: World) -> None:
    asked, opened, at = await world.exchange()
    view = await world.ask("open", at)
    assert (view["kind"], view["refused"], view["asker"]["verifier"]) == (
        "request",
        None,
        f"verifiers/{SCHOOL}",
    )
    assert [each["branch"] for each in view["ways"]] == ["main", "small"]
    assert [each["missing"] for each in view["ways"]] == [[], []]
    assert [each["query"] for each in view["ways"][0]["credentials"]] == ["permit", "insurance", "household"]
    assert view["ends"] == asked.expires.timestamp() * 1000
    assert world.went() == [], "nothing is shown before the person has agreed"
    use = await world.ask("agree", view["id"], first("main"))
    assert (use["state"], use["receipt"], use["fault"]) == ("done", "pending", None)
    assert await world.refused("agree", view["id"], first("main")) == "REQUEST_CLOSED"
    state = await world.watched(opened)
    assert state.state == pb.WatchExchangeResponse.STATE_VERIFIED
    presentation = composite_presentation_of(state.composite_presentation)
    verified = verify_composite(asked, presentation, world.town.directory(), world.town.now)
    assert verified.answer.branch == "main"
    receipt = bytes.fromhex(await world.ask("receipt", use["id"]))
    assert receipt == state.receipt
    log = Verifier.from_string(world.town.city.ready.verifier_key)
    assert str(verify_receipt(receipt, log).index) == use["entry"]
    ((_, message, note, plain),) = await world.ask("stored")
    assert [each.hex() for each in world.went()] == [message]
    assert presentation.answer.note_hash == note_hash(bytes.fromhex(note))
    told = NoteSummary._parse(bytes.fromhex(plain)[2 : 2 + int(plain[:4], 16)])
    assert (told.verifier, told.request_digest, told.purpose) == (asked.verifier, asked.digest, asked.purpose)
    assert told.shown == {"permit": ("name", "remark"), "insurance": ("employed",), "household": ()}
    (listed,) = await world.ask("uses")
    assert listed == use
    before = [each for way in view["ways"][:1] for one in way["credentials"] for each in one["lines"]]
    shown = [each for each in use["lines"] if each["kind"] == "shown"]
    assert [each for each in before if each["kind"] == "shown"] == shown
    assert "name" not in [each["value"] for each in shown]
    assert [each["kind"] for each in use["lines"]].count("escrowed") >= 1


async def test_a_request_that_was_changed_on_its_way_is_refused(world: World) -> None:
    asked, _, at = await world.exchange()
    signed = world.town.sign(asked)

    wider = self_asking(world, predicates=())
    for payload, signature, reason in (
        (signed.payload.replace(b"name", b"nema", 1), signed.signature, "REQUEST_SIGNATURE_INVALID"),
        (wider.canonical, signed.signature, "REQUEST_SIGNATURE_INVALID"),
        (signed.payload, bytes(64), "REQUEST_SIGNATURE_INVALID"),
        (signed.payload[:-1], signed.signature, "MALFORMED"),
        (b"", signed.signature, "MALFORMED"),
    ):
        world.between.asks_instead(SignedRequest(payload, signature))
        assert await world.refused("open", at) == reason
    joint = world.town.joint(SCHOOL, OTHER_SCHOOL)
    swapped = PseudonymQuery("child", replace(joint, signatures=joint.signatures[::-1]))
    forged = world.town.sign(world.town.request(world.town.small(pseudonyms=(swapped,))))
    world.between.asks_instead(forged)
    assert await world.refused("open", at) == "REQUEST_SIGNATURE_INVALID"
    ended = world.town.request(
        world.town.small(), created=asked.created - (asked.expires - asked.created), expires=asked.created
    )
    old = world.town.sign(ended)
    world.between.asks_instead(old)
    assert await world.refused("open", at) == "REQUEST_EXPIRED"
    terms = IssuanceTerms(PERMIT.name, world.town.police.key.name, base=False)
    tricked = world.town.sign(world.town.request(world.town.small(), issuance=terms))
    world.between.asks_instead(tricked)
    assert await world.refused("open", at) == "REQUEST_INVALID"
    assert world.went() == []
    assert await world.ask("stored") == []


def self_asking(world: World, **changes: Any) -> CompositeRequest:
    return world.town.request(world.town.small(**changes))


async def test_a_request_beyond_its_policy_is_refused_whoever_let_it_through(world: World) -> None:
    _, opened, at = await world.exchange()
    purpose = replace(world.town.request().purpose, en="Something else")
    world.between.asks_instead(world.town.sign(world.town.request(world.town.small(), purpose=purpose)))
    view = await world.ask("open", at)
    assert (view["refused"]["reason"], view["ways"]) == ("OVER_ASKING", [])
    assert await world.refused("agree", view["id"], first("small")) == "REQUEST_CLOSED"
    assert world.went("SubmitPresentation") == []
    (use,) = await world.ask("uses")
    assert (use["state"], use["lines"]) == ("over-asked", [])
    (sent,) = world.went("DeclineExchange")
    assert pb.DeclineExchangeRequest.FromString(sent).why == pb.DeclineExchangeRequest.WHY_OVER_ASKED
    assert (await world.watched(opened)).state == pb.WatchExchangeResponse.STATE_DECLINED
    # The service records what the exchange asked, which is not what this vault was shown: no receipt of that.
    assert use["receipt"] == "none"


async def test_declined_is_recorded_and_nothing_is_shown(world: World) -> None:
    asked, opened, at = await world.exchange()
    view = await world.ask("open", at)
    await world.ask("decline", view["id"])
    assert await world.refused("agree", view["id"], first("small")) == "REQUEST_CLOSED"
    assert world.went("SubmitPresentation") == []
    (sent,) = world.went("DeclineExchange")
    message = pb.DeclineExchangeRequest.FromString(sent)
    assert message.why == pb.DeclineExchangeRequest.WHY_DECLINED
    assert (await world.watched(opened)).state == pb.WatchExchangeResponse.STATE_DECLINED
    (use,) = await world.ask("uses")
    assert (use["state"], use["receipt"], use["lines"]) == ("declined", "pending", [])
    assert use["purpose"] == {"zh": asked.purpose.zh, "en": asked.purpose.en}
    _, _, at = await world.exchange()
    view = await world.ask("open", at)
    assert "1" in view["asker"]["before"]["en"], "it is told that the person said no before"


async def test_links_of_other_services_and_pairing(world: World) -> None:
    _, _, at = await world.exchange()
    elsewhere = at.replace("localhost", "other.example")
    assert await world.refused("open", elsewhere) == "LINK_ELSEWHERE"
    assert world.between.sent == []
    wrong = at[:-3] + ("aaa" if not at.endswith("aaa") else "bbb")
    assert await world.refused("open", wrong) == "NOT_FOUND"
    asking = world.town.asking(self_asking(world))
    asking.pairing = True
    paired = await world.town.city.presentation.CreateExchange(asking)
    assert await world.ask("open", world.link(paired)) == {"kind": "pairing"}
    digits = "000000" if paired.pairing_code != "000000" else "111111"
    assert await world.refused("open", world.link(paired), digits) == "PAIRING_WRONG"
    view = await world.ask("open", world.link(paired), paired.pairing_code)
    assert view["kind"] == "request"


async def test_the_plain_form_is_answered_too(world: World) -> None:
    city = world.town.city
    one, other = [await city.claim(await city.issue()) for _ in range(2)]
    asked = city.request()
    opened = await city.ask(asked)
    view = await world.ask("open", world.link(opened))
    (way,) = view["ways"]
    assert (way["branch"], way["credentials"]) == ("", [])
    assert way["missing"][0]["en"].startswith("You do not have")
    assert await world.refused("agree", view["id"], first("")) == "NOTHING_FITS"
    written = [
        {
            "id": name, "schema": each.schema.canonical.hex(), "key": each.key.record().hex(), "received": at,
            "credential": each.credential.to_bytes(each.schema).hex(),
        }
        for at, (name, each) in enumerate((("one", one), ("other", other)))
    ]  # fmt: skip
    await world.does("givePlain", written)
    view = await world.ask("open", world.link(opened))
    (way,) = view["ways"]
    ((credential,), missing) = way["credentials"], way["missing"]
    assert (credential["query"], missing) == ("permit", [])
    assert [each["credential"] for each in credential["choices"]] == ["other", "one"]
    assert await world.refused("choose", view["id"], {"branch": "", "chosen": {"permit": "none"}}) == (
        "CHOICE_INVALID"
    )
    assert await world.refused("choose", view["id"], first("small")) == "CHOICE_INVALID"
    wanted = {"branch": "", "chosen": {"permit": "one"}}
    use = await world.ask("agree", view["id"], wanted)
    assert (use["state"], use["receipt"]) == ("done", "pending")
    told = [each for each in credential["lines"] if each["kind"] in {"shown", "hidden"}]
    assert [each for each in use["lines"] if each["kind"] in {"shown", "hidden"}] == told
    state = await world.watched(opened)
    shown = presentation_of(state.presentation)
    assert shown.request_digest == asked.digest
    assert [each.shown.values for each in shown.credentials] == [
        {"district": one.credential.values["district"]}
    ]
    ((_, message, note, _),) = await world.ask("stored")
    assert [each.hex() for each in world.went()] == [message]
    assert shown.note_hash == note_hash(bytes.fromhex(note))


async def test_the_person_chooses_among_ways_and_credentials(world: World) -> None:
    town = world.town
    older = town.held(PERMIT, months=40)
    await world.give(
        ("older", older, PERMIT, town.police.key), ("newer", town.held(PERMIT), PERMIT, town.police.key)
    )
    asked, opened, at = await world.exchange(
        town.main(), town.small(predicates=(at_least(op("permit.months"), 500),)), town.small(id="third")
    )
    view = await world.ask("open", at)
    assert [bool(each["missing"]) for each in view["ways"]] == [True, True, False]
    (choices,) = [each["choices"] for each in view["ways"][2]["credentials"]]
    assert [each["credential"] for each in choices] == ["newer", "older"]
    for choice in (
        first("none"), {"branch": "third", "chosen": {"permit": "nobody"}},
        {"branch": "third", "chosen": {"nothing": "older"}},
    ):  # fmt: skip
        assert await world.refused("choose", view["id"], choice) == "CHOICE_INVALID"
        assert await world.refused("agree", view["id"], choice) == "CHOICE_INVALID"
    assert await world.refused("agree", view["id"], first("main")) == "NOTHING_FITS"
    wanted = {"branch": "third", "chosen": {"permit": "older"}}
    chosen = await world.ask("choose", view["id"], wanted)
    (choices,) = [each["choices"] for each in chosen["ways"][2]["credentials"]]
    assert [each["credential"] for each in choices] == ["older", "newer"]
    assert (await world.ask("agree", view["id"], wanted))["state"] == "done"
    state = await world.watched(opened)
    presentation = composite_presentation_of(state.composite_presentation)
    assert verify_composite(asked, presentation, town.directory(), town.now).answer.branch == "third"


async def test_a_witness_that_is_behind_is_caught_up_once_the_person_has_agreed(world: World) -> None:
    """This test moves the city's newest epoch: what follows plans with witnesses that are behind."""
    town = world.town
    office = town.offices["public-security"]
    await office.revoke(*new_handles(3))
    _, opened, at = await world.exchange()
    world.between.calls.clear()
    view = await world.ask("open", at)
    assert view["ways"][1]["missing"] == []
    assert "ListRevocations" not in world.between.calls, "to fetch what is missing would tell what is held"
    assert (await world.ask("agree", view["id"], first("small")))["state"] == "done"
    assert "ListRevocations" in world.between.calls
    assert (await world.watched(opened)).state == pb.WatchExchangeResponse.STATE_VERIFIED


async def test_a_credential_that_was_revoked_shows_nothing(world: World) -> None:
    town = world.town
    gone = town.held(PERMIT, months=41)
    await world.give(("gone", gone, PERMIT, town.police.key))
    await town.offices["public-security"].revoke(gone.credential.handle)
    _, _, at = await world.exchange(town.small())
    view = await world.ask("open", at)
    assert view["ways"][0]["missing"] == []
    assert await world.refused("agree", view["id"], first("small")) == "NOTHING_FITS"
    assert world.went() == []
    assert await world.ask("revoked") == ["gone"]
    view = await world.ask("open", at)
    assert "revoked" in view["ways"][0]["missing"][0]["en"]


async def test_of_two_yeses_one_is_sent(world: World) -> None:
    view = await world.ask("open", (await world.exchange())[2])
    assert sorted(await world.ask("both", view["id"], first("small"))) == ["REQUEST_CLOSED", "done"]
    assert len(world.went()) == 1
