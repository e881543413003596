"""What the vault's page shows to whoever asks, in Chromium over a real edge, and what it refuses."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest
import pytest_asyncio

from disclosure import IssuerKey, Schema
from disclosure.composite import (
    CompositeRequest,
    Holding,
    IssuanceTerms,
    at_least,
    verify_composite,
)
from prover.notes import NoteSummary
from tests.browser.altering import Altering, altering
from tests.browser.browsing import ROOT, Visitor, chromium, needs
from tests.browser.vaulting import built, vault_site
from tests.disclosure.composite.policy import op
from tests.disclosure.composite.world import ALICE, HOUSEHOLD, INSURANCE, PERMIT
from tests.zkservice.composite_city import SCHOOL, CompositeCity, composite_city
from tests.zkservice.revoking import new_handles
from tests.zkservice.witnessing import Consortium, anchored, consortium, published, size_of
from tlog import Verifier, note_hash, verify_receipt
from web_edge.watched import Watched
from wire.composite import composite_presentation_of
from wire.convert import presentation_of, signed_request_to
from zkproto.v1 import ledger_pb2
from zkproto.v1 import presentation_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")
_ASK: Final = "([question, given]) => showing.ask(question, given)"
_METHODS: Final = ("SubmitPresentation", "DeclineExchange")
SERVER: Final = "localhost:50051"


@dataclass
class World:
    """A city, something between it and the edge, and a page with a vault."""

    town: CompositeCity
    between: Altering
    visitor: Visitor
    gathered: Consortium
    vault: str = ""
    vaults: Iterator[int] = field(default_factory=lambda: iter(range(1000)))

    async def begin(self, vault: str = "") -> None:
        """Begin with a new vault, or with one of before."""
        self.vault = vault or f"vault-{next(self.vaults)}"
        given = [self.vault, self.town.city.ready.verifier_key, SERVER, ALICE.to_octets_secret().hex()]
        await self.visitor.page.evaluate("(given) => showing.begin(...given)", given)

    async def again(self) -> None:
        """Load the page anew, as after a crash, and open the same vault."""
        await self.visitor.page.reload()
        await self.visitor.page.wait_for_function("() => window.showing")
        await self.begin(self.vault)

    async def give(self, *held: tuple[str, Holding, Schema, IssuerKey]) -> None:
        written = [
            {
                "id": name, "schema": schema.canonical.hex(), "key": key.record().hex(), "received": at,
                "credential": each.credential.to_bytes(schema).hex(), "list": self._list(schema, each),
            }
            for at, (name, each, schema, key) in enumerate(held)
        ]  # fmt: skip
        await self.visitor.page.evaluate("(given) => showing.give(given)", written)
        digest = self.town.regulator_key.digest.hex()
        await self.visitor.page.evaluate(
            "(given) => showing.trust(...given)", ["regulators/prosecutor", digest]
        )

    def _list(self, schema: Schema, holding: Holding) -> dict[str, str] | None:
        if holding.witness is None:
            return None
        office = self.town.offices[schema.name.department]
        by = self.town.hrss if schema.name.department == "hrss" else self.town.police
        epoch = next(each for each in by.epochs.values() if each.position == holding.witness.at)
        return {
            "name": office.name, "key": office.accumulator.key.octets.hex(), "epoch": epoch.octets.hex(),
            "witness": holding.witness.to_octets_secret().hex(),
        }  # fmt: skip

    async def stock(self) -> None:
        """Give a permit, an insurance and a household, with the witnesses of the city's first epochs."""
        town = self.town
        await self.give(
            *(
                (each.name.item, town.held(each), each, (town.hrss if each is INSURANCE else town.police).key)
                for each in (PERMIT, INSURANCE, HOUSEHOLD)
            )
        )

    async def ask(self, question: str, *given: Any) -> Any:
        said = await self.visitor.page.evaluate(_ASK, [question, list(given)])
        assert "fault" not in said, said
        return said.get("value")

    async def refused(self, question: str, *given: Any) -> str:
        said = await self.visitor.page.evaluate(_ASK, [question, list(given)])
        assert "fault" in said, said
        reason: str = said["fault"]["reason"]
        return reason

    async def exchange(
        self, *branches: Any, **changes: Any
    ) -> tuple[CompositeRequest, pb.CreateExchangeResponse, str]:
        """Have a verifier ask; return the request, its exchange and the link."""
        asked = self.town.request(*(branches or (self.town.main(), self.town.small())), **changes)
        opened = await self.town.ask(asked)
        return asked, opened, link(opened)

    async def watched(self, opened: pb.CreateExchangeResponse) -> pb.WatchExchangeResponse:
        """Return how an exchange stands now, as its verifier sees it."""
        watching = pb.WatchExchangeRequest(exchange=opened.exchange, result_token=opened.result_token)
        async for state in self.town.city.presentation.WatchExchange(watching):
            return state  # type: ignore[no-any-return]
        raise AssertionError("the stream has ended")

    def went(self, *methods: str) -> list[bytes]:
        return [message for method, message in self.between.sent if method in (methods or _METHODS)]


def link(opened: pb.CreateExchangeResponse) -> str:
    name = opened.exchange.removeprefix("exchanges/")
    return f"zk://present?server={SERVER.replace(':', '%3A')}&id={name}&secret={opened.ticket}"


def first(branch: str) -> dict[str, Any]:
    return {"branch": branch, "chosen": {}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    needs()
    folder = tmp_path_factory.mktemp("vault-showing")
    pages = await asyncio.to_thread(built, folder / "pages", ROOT / "web/pages/test/vault/showing")
    async with (
        consortium(folder / "witnesses", folder / "server") as gathered,
        composite_city(folder / "server", **gathered.settings) as town,
        altering(town.city) as between,
        chromium() as browser,
        vault_site(
            town.city, browser, pages, endpoint=between.endpoint(town.city), watched=Watched(gathered.policy)
        ) as place,
        place.visitor() as visitor,
    ):
        visitor.expected.append("503")
        page = await visitor.goes_to("/")
        await page.wait_for_function("() => window.showing")
        yield World(town, between, visitor, gathered)


@pytest_asyncio.fixture(loop_scope="module")
async def world(whole: World) -> AsyncIterator[World]:
    """Give the world with nothing altered, a new vault, and credentials in it."""
    await whole.begin()
    await whole.stock()
    whole.between.sent.clear()
    yield whole
    whole.between.alter.clear()
    whole.between.away = False


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


async def test_what_broke_off_after_it_was_stored_is_sent_again_octet_for_octet(world: World) -> None:
    _, opened, at = await world.exchange()
    view = await world.ask("open", at)
    world.between.away = True
    # What is published has been read; the answer alone is not received.
    use = await world.ask("agree", view["id"], first("small"))
    assert (use["state"], use["receipt"]) == ("sending", "none")
    assert await world.ask("unsent") == 1
    ((state, message, *_),) = await world.ask("stored")
    assert (state, [each.hex() for each in world.went()]) == ("sent", [message])
    await world.again()
    assert await world.refused("resume") == "UNAVAILABLE"
    world.between.away = False
    await world.ask("resume")
    assert {each.hex() for each in world.went()} == {message}
    (use,) = await world.ask("uses")
    assert (use["state"], use["receipt"]) == ("done", "pending")
    assert (await world.watched(opened)).state == pb.WatchExchangeResponse.STATE_VERIFIED
    assert await world.ask("unsent") == 0
    count = len(world.went())
    await world.ask("resume")
    assert len(world.went()) == count


async def test_an_answer_whose_receipt_was_lost_gets_the_same_one(world: World) -> None:
    """The service took it, and the line broke before the page was told."""
    _, _, at = await world.exchange()
    view = await world.ask("open", at)
    kept = list[bytes]()

    def cut(answer: bytes) -> bytes:
        kept.append(answer)
        return answer[:-7]

    world.between.alter["SubmitPresentation"] = cut
    await world.visitor.page.evaluate(_ASK, ["agree", [view["id"], first("small")]])
    (use,) = await world.ask("uses")
    assert use["state"] == "sending"
    world.between.alter.clear()
    await world.ask("resume")
    (use,) = await world.ask("uses")
    assert use["state"] == "done"
    assert (
        await world.ask("receipt", use["id"])
        == pb.SubmitPresentationResponse.FromString(kept[0]).receipt.hex()
    )


async def test_a_receipt_of_something_else_is_refused(world: World) -> None:
    kept = list[bytes]()

    def keep(answer: bytes) -> bytes:
        kept.append(answer)
        return answer

    world.between.alter["SubmitPresentation"] = keep
    _, _, at = await world.exchange()
    await world.ask("agree", (await world.ask("open", at))["id"], first("small"))
    _, _, at = await world.exchange()
    view = await world.ask("open", at)
    world.between.alter["SubmitPresentation"] = lambda _: kept[0]
    assert await world.refused("agree", view["id"], first("small")) == "RECEIPT_MISMATCH"
    assert await world.refused("resume") == "RECEIPT_MISMATCH"

    def changed(answer: bytes) -> bytes:
        message = pb.SubmitPresentationResponse.FromString(answer)
        message.receipt = message.receipt.replace(b"\nindex ", b"\nindex 1", 1)
        return message.SerializeToString()

    world.between.alter["SubmitPresentation"] = changed
    assert await world.refused("resume") in {"INCLUSION_INVALID", "PROOF_MALFORMED"}
    assert [each["state"] for each in await world.ask("uses")] == ["sending", "done"]
    world.between.alter.clear()
    await world.ask("resume")
    assert [each["state"] for each in await world.ask("uses")] == ["done", "done"]


async def test_a_request_that_was_changed_on_its_way_is_refused(world: World) -> None:
    asked, _, at = await world.exchange()
    signed = world.town.sign(asked)

    def instead(payload: bytes, signature: bytes) -> Any:
        def alter(answer: bytes) -> bytes:
            message = pb.FetchRequestResponse.FromString(answer)
            message.signed_request.payload, message.signed_request.signature = payload, signature
            return message.SerializeToString()

        return alter

    wider = self_asking(world, predicates=())
    for payload, signature, reason in (
        (signed.payload.replace(b"name", b"nema", 1), signed.signature, "REQUEST_SIGNATURE_INVALID"),
        (wider.canonical, signed.signature, "REQUEST_SIGNATURE_INVALID"),
        (signed.payload, bytes(64), "REQUEST_SIGNATURE_INVALID"),
        (signed.payload[:-1], signed.signature, "MALFORMED"),
        (b"", signed.signature, "MALFORMED"),
    ):
        world.between.alter["FetchRequest"] = instead(payload, signature)
        assert await world.refused("open", at) == reason
    ended = world.town.request(
        world.town.small(), created=asked.created - (asked.expires - asked.created), expires=asked.created
    )
    old = world.town.sign(ended)
    world.between.alter["FetchRequest"] = instead(old.payload, old.signature)
    assert await world.refused("open", at) == "REQUEST_EXPIRED"
    terms = IssuanceTerms(PERMIT.name, world.town.police.key.name, base=False)
    tricked = world.town.sign(world.town.request(world.town.small(), issuance=terms))
    world.between.alter["FetchRequest"] = instead(tricked.payload, tricked.signature)
    assert await world.refused("open", at) == "REQUEST_INVALID"
    assert world.went() == []
    assert await world.ask("stored") == []


def self_asking(world: World, **changes: Any) -> CompositeRequest:
    return world.town.request(world.town.small(**changes))


async def test_a_request_beyond_its_policy_is_refused_whoever_let_it_through(world: World) -> None:
    _, opened, at = await world.exchange()
    purpose = replace(world.town.request().purpose, en="Something else")
    asked = world.town.sign(world.town.request(world.town.small(), purpose=purpose))

    def alter(answer: bytes) -> bytes:
        message = pb.FetchRequestResponse.FromString(answer)
        message.signed_request.CopyFrom(signed_request_to(asked))
        return message.SerializeToString()

    world.between.alter["FetchRequest"] = alter
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


async def test_a_no_that_could_not_be_said_is_said_later(world: World) -> None:
    _, opened, at = await world.exchange()
    view = await world.ask("open", at)
    world.between.away = True
    await world.ask("decline", view["id"])
    ((state, message, *_),) = await world.ask("stored")
    assert state == "sent"
    await world.again()
    world.between.away = False
    await world.ask("resume")
    assert {each.hex() for each in world.went()} == {message}
    (use,) = await world.ask("uses")
    assert (use["state"], use["receipt"]) == ("declined", "pending")
    assert (await world.watched(opened)).state == pb.WatchExchangeResponse.STATE_DECLINED


async def test_a_refusal_for_good_is_written_down(world: World) -> None:
    asked, opened, at = await world.exchange()
    view = await world.ask("open", at)
    answer, note = world.town.presented(asked, "small")
    await world.town.city.presentation.SubmitPresentation(
        world.town.submission(opened, answer.presentation, note)
    )
    use = await world.ask("agree", view["id"], first("small"))
    assert use["state"] == "refused"
    assert use["fault"]["reason"] == "REPLAYED"
    await world.ask("resume")
    assert len(world.went()) == 1


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
    assert await world.ask("open", link(paired)) == {"kind": "pairing"}
    digits = "000000" if paired.pairing_code != "000000" else "111111"
    assert await world.refused("open", link(paired), digits) == "PAIRING_WRONG"
    view = await world.ask("open", link(paired), paired.pairing_code)
    assert view["kind"] == "request"


async def test_the_plain_form_is_answered_too(world: World) -> None:
    city = world.town.city
    one, other = [await city.claim(await city.issue()) for _ in range(2)]
    asked = city.request()
    opened = await city.ask(asked)
    view = await world.ask("open", link(opened))
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
    await world.visitor.page.evaluate("(given) => showing.givePlain(given)", written)
    view = await world.ask("open", link(opened))
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


async def test_receipts_are_anchored_without_telling_which(world: World) -> None:
    city = world.town.city
    for say in ("agree", "agree", "decline"):
        view = await world.ask("open", (await world.exchange())[2])
        await world.ask(say, view["id"], *([first("small")] if say == "agree" else []))
    newest = await anchored(city, await published(city), 60)

    def signed_by_nobody(answer: bytes) -> bytes:
        message = ledger_pb2.GetCheckpointResponse.FromString(answer)
        message.anchored = message.anchored.replace(b"\n\n", b"\nmore\n\n", 1)
        return message.SerializeToString()

    def other_tiles(answer: bytes) -> bytes:
        message = ledger_pb2.ReadTilesResponse.FromString(answer)
        message.tiles[0] = bytes(len(message.tiles[0]))
        return message.SerializeToString()

    for method, alter, reasons in (
        ("GetCheckpoint", signed_by_nobody, {"NOTE_SIGNATURE_INVALID", "NOTE_UNSIGNED"}),
        ("ReadTiles", other_tiles, {"TILE_MALFORMED"}),
    ):
        world.between.alter[method] = alter
        assert await world.refused("anchor") in reasons
        del world.between.alter[method]
        assert {each["receipt"] for each in await world.ask("uses")} == {"pending"}
    world.between.sent.clear()
    assert await world.ask("anchor") == {"anchored": 3, "pending": 0}
    assert {method for method, _ in world.between.sent} == {"GetCheckpoint", "ReadTiles"}
    assert len(world.went("ReadTiles")) == 1, "a tile is asked for once, whatever of it is ours"
    uses = await world.ask("uses")
    assert [each["receipt"] for each in uses] == ["anchored"] * 3
    log = Verifier.from_string(city.ready.verifier_key)
    for each in uses:
        receipt = bytes.fromhex(await world.ask("receipt", each["id"]))
        verified = verify_receipt(receipt, log, policy=world.gathered.policy)
        assert (verified.is_anchored, str(verified.index)) == (True, each["entry"])
        assert verified.checkpoint.size >= size_of(newest)
    assert await world.ask("anchor") == {"anchored": 0, "pending": 0}


async def test_of_another_vaults_store_nothing_is_read(world: World) -> None:
    """A use belongs to the vault that sealed it: a new one has none."""
    _, _, at = await world.exchange()
    await world.ask("agree", (await world.ask("open", at))["id"], first("small"))
    (use,) = await world.ask("uses")
    await world.begin()
    assert await world.ask("uses") == []
    assert await world.refused("use", use["id"]) == "USAGE_NOT_FOUND"
    assert await world.refused("receipt", use["id"]) == "USAGE_NOT_FOUND"
