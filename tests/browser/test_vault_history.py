"""What the vault's page keeps of what it showed: what broke off, receipts, and how they stand."""

import pytest

from tests.browser.altering import altered
from tests.browser.showing import SHOWING, World, first
from tests.zkservice.witnessing import anchored, published, size_of
from tlog import Signer, Verifier, verify_receipt
from zkproto.v1 import ledger_pb2
from zkproto.v1 import presentation_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = SHOWING


@pytest.fixture
def world(shower: World) -> World:
    return shower


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
    assert await world.refused("agree", view["id"], first("small")) == "SERVICE_FAILED"
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

    @altered(pb.SubmitPresentationResponse)
    def changed(message: pb.SubmitPresentationResponse) -> None:
        message.receipt = message.receipt.replace(b"\nindex ", b"\nindex 1", 1)

    world.between.alter["SubmitPresentation"] = changed
    assert await world.refused("resume") in {"INCLUSION_INVALID", "PROOF_MALFORMED"}
    assert [each["state"] for each in await world.ask("uses")] == ["sending", "done"]
    world.between.alter.clear()
    await world.ask("resume")
    assert [each["state"] for each in await world.ask("uses")] == ["done", "done"]


async def test_a_no_that_could_not_be_said_is_said_later(world: World) -> None:
    _, opened, at = await world.exchange()
    view = await world.ask("open", at)
    world.between.away = True
    await world.ask("decline", view["id"])
    ((state, message, *_),) = await world.ask("stored")
    assert state == "sent"
    await world.again()
    world.between.away = False
    await world.ask("settle")
    assert {each.hex() for each in world.went()} == {message}
    (use,) = await world.ask("uses")
    assert (use["state"], use["receipt"] in {"pending", "anchored"}) == ("declined", True)
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


async def test_receipts_are_anchored_without_telling_which(world: World) -> None:
    city = world.town.city
    for say in ("agree", "agree", "decline"):
        view = await world.ask("open", (await world.exchange())[2])
        await world.ask(say, view["id"], *([first("small")] if say == "agree" else []))
    newest = await anchored(city, await published(city), 60)

    @altered(ledger_pb2.GetCheckpointResponse)
    def signed_by_nobody(message: ledger_pb2.GetCheckpointResponse) -> None:
        message.anchored = message.anchored.replace(b"\n\n", b"\nmore\n\n", 1)

    @altered(ledger_pb2.ReadTilesResponse)
    def other_tiles(message: ledger_pb2.ReadTilesResponse) -> None:
        message.tiles[0] = bytes(len(message.tiles[0]))

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


async def test_a_receipt_is_checked_anew_under_the_key_that_it_came_under(world: World) -> None:
    view = await world.ask("open", (await world.exchange())[2])
    use = await world.ask("agree", view["id"], first("small"))
    later = Signer.generate(Verifier.from_string(world.town.city.ready.verifier_key).name).verifier
    await world.begin(world.vault, str(later))
    assert await world.ask("use", use["id"]) == use, "the log has another key by now"
    await world.ask("spoil", use["id"])
    spoilt = await world.ask("use", use["id"])
    assert (spoilt["state"], spoilt["receipt"], spoilt["entry"]) == ("done", "wrong", None)


async def test_of_another_vaults_store_nothing_is_read(world: World) -> None:
    """A use belongs to the vault that sealed it: a new one has none."""
    _, _, at = await world.exchange()
    await world.ask("agree", (await world.ask("open", at))["id"], first("small"))
    (use,) = await world.ask("uses")
    await world.begin()
    assert await world.ask("uses") == []
    assert await world.refused("use", use["id"]) == "USAGE_NOT_FOUND"
    assert await world.refused("receipt", use["id"]) == "USAGE_NOT_FOUND"
