"""Whoever has the whole ledger cannot tell a use from a refusal, a grant or a withdrawal."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.zkservice import consenting
from tests.zkservice.support import City, Issued, city
from tlog.entry import HOLDER_NOTE_OCTETS, RECEIPT_PREFIX, ReceiptEntry, RecordEntry, note_hash, parse_entry
from zkproto.v1 import ledger_pb2

pytestmark = pytest.mark.asyncio


async def published(town: City) -> list[Any]:
    """Read the ledger as anybody can."""
    found: list[Any] = []
    while True:
        asked = ledger_pb2.ListEntriesRequest(start_index=len(found), page_size=1000)
        page = await town.ledger.ListEntries(asked)
        found += page.entries
        if not page.next_page_token:
            return found


async def story(town: City, issued: Issued) -> dict[str, list[int]]:
    """Have one of each happen, some times over; return under which entries each stands."""
    places: dict[str, list[int]] = {}
    for _ in range(6):
        _, _, answer = await town.answered(issued)
        places.setdefault("use", []).append(answer.entry_index)
        made, refused = await consenting.granted(town), await consenting.asked(town)
        acts: dict[str, tuple[Any, Any]] = {
            "decline": (town.presentation.DeclineExchange, await consenting.declining(town)),
            "decline-consent": (consenting.stub(town).DeclineConsent, refused.declining()),
        }
        for name, (act, no) in acts.items():
            before = len(await published(town))
            await act(no)
            places.setdefault(name, []).append(await _new(town, before))
        before = len(await published(town))
        await made.withdraw()
        places.setdefault("withdraw", []).append(await _new(town, before))
    return places


async def _new(town: City, before: int) -> int:
    """Return the one receipt that came to the ledger since."""
    (place,) = (
        each.index for each in (await published(town))[before:] if each.entry.startswith(RECEIPT_PREFIX)
    )
    return int(place)


async def test_a_use_and_everything_else_that_concerns_a_holder_look_alike(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        issued = await town.claim(await town.issue())
        places = await story(town, issued)
        entries = await published(town)
    shapes = {name: {_shape(entries[at]) for at in indexes} for name, indexes in places.items()}
    assert len(shapes) == 4
    assert set.union(*shapes.values()) == {(len(RECEIPT_PREFIX) + 64, RECEIPT_PREFIX, HOLDER_NOTE_OCTETS)}
    told = [entries[at] for indexes in places.values() for at in indexes]
    for each in told:
        entry = parse_entry(each.entry)
        assert isinstance(entry, ReceiptEntry)
        assert entry.note_hash == note_hash(each.holder_note)
    # Nothing stands in two of them: no salt, commitment or note hash twice, no piece of a note.
    pieces = Counter(
        octets[at : at + 16]
        for each in told
        for octets in (each.entry[len(RECEIPT_PREFIX) :], each.holder_note)
        for at in range(0, len(octets), 16)
    )
    assert max(pieces.values()) == 1
    assert all(_is_flat(each.entry[len(RECEIPT_PREFIX) :] for each in told if each.index in indexes)
               for indexes in places.values())  # fmt: skip


def _shape(each: Any) -> tuple[int, bytes, int]:
    return len(each.entry), each.entry[: len(RECEIPT_PREFIX)], len(each.holder_note)


def _is_flat(parts: Any) -> bool:
    """Tell whether the bits of what an entry holds are as many ones as zeros, within six deviations."""
    octets = b"".join(parts)
    bits = 8 * len(octets)
    ones = int.from_bytes(octets).bit_count()
    return abs(ones - bits / 2) < 6 * math.sqrt(bits) / 2


async def test_what_stands_on_the_ledger_in_the_clear_is_public_by_nature(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        issued = await town.claim(await town.issue())
        await story(town, issued)
        records = [
            parsed
            for each in await published(town)
            if isinstance(parsed := parse_entry(each.entry), RecordEntry)
        ]
    assert not {each.kind for each in records} & {"consent", "decline", "event", "withdrawal"}
    assert not any(word in each.payload for each in records for word in (b"consents/", b"exchanges/"))
