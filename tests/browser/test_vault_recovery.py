"""A vault made anew from its words: what it finds on a ledger, what it refuses, and where it goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from prover import Vault, VaultKeys
from prover.client import HolderClient
from prover.history import check_found
from prover.notes import EventNote
from prover.recovery import keys_of, words_of
from tests.browser.applying import bound
from tests.browser.ledger_made import Made
from tests.browser.vault_town import World
from tests.browser.vaulting import PASSPHRASE, WITHOUT_SCREENS, Faulted, Tab, opened
from tests.disclosure.composite.world import INSURANCE, PERMIT
from tests.tlog.making import LOG, holder_note, record
from tlog import Verifier
from zkproto.v1 import ledger_pb2 as pb
from zkproto.v1 import presentation_pb2

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAGE = WITHOUT_SCREENS
OTHER: Final = "another horse, ärgert"
STEP: Final = 2048
CHOICE: Final = {"branch": "main", "chosen": {}}


@pytest.fixture
def phone(blank: Tab) -> Tab:
    """A browser with nothing in it."""
    return blank


@pytest_asyncio.fixture(loop_scope="session")
async def lived(world: World) -> AsyncIterator[Tab]:
    """A vault that was bound, has answered and has declined."""
    async with world.place.visitor() as visitor, opened(visitor) as tab:
        await tab.make()
        number = await bound(world, tab)
        for schema in (PERMIT, INSURANCE):
            await tab.claim(await world.offered(schema, person=number.encode()))
        for yes in (True, False):
            view = await tab.call("open", str((await world.asked(world.main()))[2]))
            await (tab.call("agree", view["id"], CHOICE) if yes else tab.call("decline", view["id"]))
        yield tab


async def recovered(world: World, tab: Tab, words: str, key: str = "") -> None:
    await tab.call("recover", words, OTHER, key or (await tab.call("logKey"))["key"])


async def read(tab: Tab) -> dict[str, Any]:
    """Read to the end; return how far that was."""
    while not (state := await tab.call("readLedger"))["done"]:
        assert state["read"] <= state["size"]
    found: dict[str, Any] = state
    return found


async def words_in(tab: Tab, language: str) -> str:
    return " ".join(await tab.call("words", PASSPHRASE, language))


async def test_the_words_are_shown_to_whoever_has_the_passphrase(world: World, lived: Tab) -> None:
    english, chinese = await words_in(lived, "en"), await words_in(lived, "zh")
    assert keys_of(english).recovery_secret() == keys_of(chinese).recovery_secret()
    assert await lived.refused("words", PASSPHRASE + "!", "en") == "PASSPHRASE_WRONG"
    await lived.call("lock")
    assert await lived.refused("words", PASSPHRASE, "en") == "VAULT_LOCKED"
    await lived.call("unlock", PASSPHRASE)
    await lived.call("changePassphrase", PASSPHRASE, OTHER)
    assert " ".join(await lived.call("words", OTHER, "en")) == english, (
        "they are those of the vault, not of it"
    )


async def test_a_new_browser_has_the_history_with_the_words_alone(
    world: World, lived: Tab, phone: Tab
) -> None:
    before = await lived.call("uses")
    assert [each["state"] for each in before] == ["declined", "done", "recorded"]
    assert await phone.call("state") == "none"
    await recovered(world, phone, await words_in(lived, "zh"))
    assert await phone.call("state") == "open"
    assert await phone.call("reading") == {"read": 0, "size": 0, "done": False, "found": 0}
    assert await phone.call("uses") == []
    state = await read(phone)
    assert (state["read"], state["found"]) == (state["size"], 3)
    found = await phone.call("uses")
    assert [(each["verifier"], each["purpose"], each["entry"]) for each in found] == [
        (each["verifier"], each["purpose"], each["entry"]) for each in before
    ]
    times = zip(found, before, strict=True)
    assert all(abs(one["time"] - other["time"]) < 60_000 for one, other in times)
    assert {(each["state"], each["receipt"]) for each in found} == {("found", "found")}
    declined, done, registered = found
    assert [each["text"]["en"] for each in declined["lines"]] == ["you declined"]
    assert [each["text"]["zh"] for each in registered["lines"]] == ["已登记"]
    assert {each["text"]["en"] for each in done["lines"]} >= {"name", "employed"}
    assert await phone.call("use", done["id"]) == done
    assert await phone.refused("receipt", done["id"]) == "USAGE_NOT_FOUND"
    assert (await phone.call("overview"))["credentials"] == []
    await phone.call("lock")
    await phone.call("unlock", OTHER)
    assert await phone.call("uses") == found
    assert (await phone.call("reading"))["done"] is True


async def test_it_goes_on_with_what_came_since_and_what_it_does_itself_is_no_stranger(
    world: World, lived: Tab, phone: Tab
) -> None:
    await recovered(world, phone, await words_in(lived, "en"))
    first = await read(phone)
    view = await lived.call("open", str((await world.asked(world.main()))[2]))
    await lived.call("decline", view["id"])
    view = await phone.call("open", str((await world.asked(world.main()))[2]))
    await phone.call("decline", view["id"])
    second = await read(phone)
    assert (second["found"], second["size"] > first["size"]) == (5, True)
    states = [each["state"] for each in await phone.call("uses")]
    assert states == ["declined", "found", "found", "found", "found"]
    assert (await read(lived))["found"] == 5
    states = [each["state"] for each in await lived.call("uses")]
    assert states == ["found", "declined", "declined", "done", "recorded"], (
        "only what the other did is new to it"
    )


async def test_python_finds_by_a_browsers_words_what_the_browser_finds(
    world: World, lived: Tab, phone: Tab, tmp_path: Path
) -> None:
    words = await words_in(lived, "en")
    log = Verifier.from_string(world.town.city.ready.verifier_key)

    def rebuilt() -> list[Any]:
        client = HolderClient(world.between.endpoint(world.town.city))
        with Vault.create(tmp_path / "python.vault", PASSPHRASE, keys=keys_of(words)) as made:
            found = client.rebuild(made, log).found
            for each in found:
                check_found(each, made.readings.proof(each), log)
            return [(str(each.index), each.note) for each in found]

    python = await asyncio.to_thread(rebuilt)
    await recovered(world, phone, words)
    await read(phone)
    uses = sorted(await phone.call("uses"), key=lambda each: int(each["entry"]))
    assert [each["entry"] for each in uses] == [entry for entry, _ in python]
    for each, (_, note) in zip(uses, python, strict=True):
        title = note.title if isinstance(note, EventNote) else note.purpose
        assert each["purpose"] == {"zh": title.zh, "en": title.en}
        assert each["time"] == int(note.time.timestamp() * 1000)


async def test_words_that_are_none_make_no_vault(world: World, phone: Tab) -> None:
    key = (await phone.call("logKey"))["key"]
    good = words_of(VaultKeys.generate())
    for words in ("", " ".join(good[:-1]), " ".join([good[1], good[0], *good[2:]])):
        assert await phone.refused("recover", words, OTHER, key) == "WORDS_INVALID"
    assert await phone.refused("recover", " ".join(good), "short", key) == "PASSPHRASE_TOO_SHORT"
    assert await phone.refused("recover", " ".join(good), OTHER, "no key") == "KEY_MALFORMED"
    assert await phone.call("state") == "none"
    await recovered(world, phone, " ".join(good))
    assert (await read(phone))["found"] == 0
    assert await phone.refused("recover", " ".join(good), OTHER, key) == "VAULT_OPEN"
    await phone.call("lock")
    assert await phone.refused("recover", " ".join(good), OTHER, key) == "VAULT_EXISTS"


@pytest.fixture
def made(world: World) -> Made:
    ledger = Made()
    ledger.grow(56)
    ledger.serve(world)
    return ledger


async def begun(world: World, made: Made, tab: Tab) -> None:
    await recovered(world, tab, made.words, str(LOG.verifier))


async def test_a_long_ledger_is_read_by_whole_pages_and_goes_on_where_it_broke_off(
    world: World, made: Made, phone: Tab
) -> None:
    await begun(world, made, phone)
    first = await phone.call("readLedger")
    assert STEP <= first["read"] < made.log.size == first["size"]
    assert (first["done"], first["found"]) == (False, 0)
    assert await phone.call("uses") == [], "nothing is shown before it is verified"
    await phone.call("lock")
    await phone.call("unlock", OTHER)
    state = await phone.call("reading")
    assert (state["read"], state["done"]) == (first["read"], False)
    made.asked.clear()
    last = await read(phone)
    assert made.asked[0][0] == first["read"] // 256 * 256, "a page that was begun is asked for whole"
    assert all((start % 256, count) == (0, 256) for start, count in made.asked)
    assert last == {"read": made.log.size, "size": made.log.size, "done": True, "found": len(made.own)}
    uses = await phone.call("uses")
    assert sorted(int(each["entry"]) for each in uses) == made.own
    assert {each["receipt"] for each in uses} == {"found"}
    assert {each["purpose"]["zh"] for each in uses} == {"申请居住证"}


async def test_what_is_asked_for_is_the_same_whatever_is_ones_own(
    world: World, made: Made, phone: Tab
) -> None:
    await begun(world, made, phone)
    await read(phone)
    asked = list(made.asked)
    made.asked.clear()
    async with world.place.visitor() as visitor, opened(visitor) as other:
        strange = " ".join(words_of(VaultKeys.generate()))
        await recovered(world, other, strange, str(LOG.verifier))
        assert (await read(other))["found"] == 0
    assert made.asked == asked


async def test_short_pages_and_a_line_that_breaks_lose_nothing(world: World, made: Made, phone: Tab) -> None:
    await begun(world, made, phone)

    def short(page: pb.ListEntriesResponse) -> None:
        del page.entries[100:]

    made.lie = short
    first = await phone.call("readLedger")
    world.between.away = True
    assert await phone.refused("readLedger") == "UNAVAILABLE"
    assert (await phone.call("reading"))["read"] == first["read"]
    world.between.away = False
    assert (await read(phone))["found"] == len(made.own)


def at(index: int, change: Callable[[Any], object]) -> Callable[[pb.ListEntriesResponse], None]:
    def lie(page: pb.ListEntriesResponse) -> None:
        for each in page.entries:
            if each.index == index:
                change(each)

    return lie


def _left_out(page: pb.ListEntriesResponse) -> None:
    for place, each in enumerate(page.entries):
        if each.index == OWN:
            del page.entries[place]
            return


def _starts_beyond(page: pb.ListEntriesResponse, index: int) -> bool:
    return bool(page.entries) and page.entries[0].index > index


OWN: Final = 37 * 110
LIES: Final[dict[str, Callable[[pb.ListEntriesResponse], object]]] = {
    "left out": _left_out,
    "another index": at(OWN, lambda each: setattr(each, "index", OWN + 1)),
    "without its note": at(OWN, lambda each: each.ClearField("holder_note")),
    "with another note": at(OWN, lambda each: setattr(each, "holder_note", holder_note(1))),
    "another entry": at(OWN, lambda each: setattr(each, "entry", record(3))),
    "no entry": at(OWN, lambda each: setattr(each, "entry", b"zk-disclosure/other/v1\n")),
    "a record instead of a header": at(4099, lambda each: setattr(each, "entry", record(4))),
    "nothing more": lambda page: page.ClearField("entries") if _starts_beyond(page, 4095) else None,
}  # fmt: skip


@pytest.mark.parametrize("name", list(LIES))
async def test_what_the_log_did_not_sign_is_caught_and_dropped_and_read_again(
    world: World, made: Made, phone: Tab, name: str
) -> None:
    await begun(world, made, phone)
    assert (await phone.call("readLedger"))["read"] < OWN
    made.lie = LIES[name]
    with pytest.raises(Faulted, match=r"INVALID|MALFORMED"):
        await read(phone)
    assert (await phone.call("reading"))["read"] == 0, "nothing of it was verified"
    assert await phone.call("uses") == []
    made.lie = lambda _: None
    assert (await read(phone))["found"] == len(made.own)


async def test_a_chain_that_fits_together_and_was_not_signed_is_caught_at_its_end(
    world: World, made: Made, phone: Tab
) -> None:
    forged = Made(made.keys)
    forged.grow(56, every=31)
    await begun(world, made, phone)
    world.between.answers["ListEntries"] = forged.entries
    with pytest.raises(Faulted, match="INCLUSION_INVALID"):
        await read(phone)
    assert await phone.call("uses") == []
    made.serve(world)
    assert (await read(phone))["found"] == len(made.own)
    # What was verified once stays, whatever comes after it.
    older, made.log = made.log, forged.log
    made.log.add([record(1)], [None], 1_900_000_000_000)
    with pytest.raises(Faulted, match="INVALID"):
        await read(phone)
    assert len(await phone.call("uses")) == len(made.own)
    shorter = Made(made.keys)
    shorter.grow(2)
    made.log = shorter.log
    assert await phone.refused("readLedger") == "RECOVERY_BROKEN_OFF"
    made.log = older
    assert await phone.refused("readLedger") == "CONSISTENCY_INVALID", "the log has signed two ledgers"
    assert len(await phone.call("uses")) == len(made.own)


async def test_a_checkpoint_of_another_log_is_refused(world: World, made: Made, phone: Tab) -> None:
    await recovered(world, phone, made.words)
    assert await phone.refused("readLedger") == "NOTE_UNSIGNED"
    assert made.asked == []


async def test_a_note_beside_another_entry_is_told_as_a_copy(world: World, lived: Tab, phone: Tab) -> None:
    declined = next(message for name, message in world.between.sent if name == "DeclineExchange")
    own = presentation_pb2.DeclineExchangeRequest.FromString(declined)
    exchange = await world.town.ask(world.town.request(world.main()))
    copied = presentation_pb2.DeclineExchangeRequest(
        exchange=exchange.exchange, ticket=exchange.ticket, why=own.why, holder_note=own.holder_note,
        request_id=f"{own.request_id[:-1]}{'0' if own.request_id[-1] != '0' else '1'}",
    )  # fmt: skip
    await world.town.city.presentation.DeclineExchange(copied)
    await recovered(world, phone, await words_in(lived, "en"))
    assert (await read(phone))["found"] == 3
    states = sorted(each["state"] for each in await phone.call("uses"))
    assert states == ["copy", "found", "found", "found"]
    assert (await read(lived))["found"] == 3
    states = sorted(each["state"] for each in await lived.call("uses"))
    assert states == ["copy", "declined", "done", "recorded"], (
        "a copy is told to the vault that wrote the note too"
    )
