"""What a board keeps of its parts for a restart: written whole, read strictly; and what its list shows."""

import asyncio
import datetime as dt
import json
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from disclosure.errand import ErrandBundle, ErrandBundleName
from tests.zkservice.errands import PARTS, newborn
from verifier.client.errands import ASKED, DONE, ENDED, RECEIVED, REJECTED, SUBMITTED, WAITING, CounterPart
from web_edge.board import Act, Named
from zk.board_book import Book, Noted, Told
from zk.board_parts import QUIET_SECONDS, RECENT, Parts
from zkproto.v1 import errand_pb2 as pb

BUNDLE = ErrandBundleName("newborn", 1)
AT = dt.datetime(2026, 11, 27, 8, 0, 0, 123, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
NAME = "N" * 22
ACT = Act(UUID("00000000-0000-4000-8000-00000000000f"), "received", "done", "已登记", "370102-1")
NOTED = Noted(NAME, "birth", "done", AT, AT, "newborn-birth-1.json", "", (Told(ACT, AT),))


def test_what_is_noted_is_recalled(tmp_path: Path) -> None:
    book = Book(tmp_path, BUNDLE)
    for noted in (NOTED, Noted(NAME, "birth", "rejected", AT, reason="PROOF_INVALID")):
        book.save(noted)
        assert Book(tmp_path, BUNDLE).recall(NAME) == noted
        assert book.settled(1) == [noted]
    assert book.intended() == []
    intending = Noted(NAME, "birth", "received", AT, intended=Told(ACT, AT))
    book.save(intending)
    assert book.intended() == [intending]
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "已登记" not in repr(NOTED)
    assert Book(tmp_path, ErrandBundleName("newborn", 11)).settled(1) == []
    assert book.recall("M" * 22) is None


def test_what_goes_on_is_not_settled_and_the_newest_come_first(tmp_path: Path) -> None:
    book = Book(tmp_path, BUNDLE)
    for number, state in enumerate(("done", "in-progress", "rejected")):
        name = str(number) * 22
        book.save(Noted(name, "birth", state, AT))
        path = next(each for each in tmp_path.iterdir() if name in each.name)
        os.utime(path, (number, number))
    assert [each.state for each in book.settled(9)] == ["rejected", "done"]
    assert [each.state for each in book.settled(1)] == ["rejected"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"[]",
        lambda _: b"\xff",
        lambda _: b"[" * 100,
        lambda said: said | {"format": "another"},
        lambda said: said | {"bundle": "errandBundles/newborn@2"},
        lambda said: said | {"name": "M" * 22},
        lambda said: said | {"name": "../../etc"},
        lambda said: said | {"record": "../profile.toml"},
        lambda said: said | {"record": 7},
        lambda said: said | {"since": "2026-11-27T08:00:00"},
        lambda said: said | {"since": 7},
        lambda said: said | {"came": "yesterday"},
        lambda said: said | {"told": [{}]},
        lambda said: said | {"told": [said["told"][0] | {"act": "1"}]},
        lambda said: said | {"told": None},
        lambda said: said | {"intended": 7},
        lambda said: said | {"intended": {}},
        lambda said: {name: value for name, value in said.items() if name != "state"},
    ],
)
def test_what_was_damaged_is_not_recalled(tmp_path: Path, damage: Callable[[Any], Any]) -> None:
    book = Book(tmp_path, BUNDLE)
    book.save(NOTED)
    (path,) = tmp_path.iterdir()
    damaged = damage(json.loads(path.read_bytes()))
    path.write_bytes(damaged if isinstance(damaged, bytes) else json.dumps(damaged).encode())
    assert book.recall(NAME) is None
    assert book.settled(9) == []


def _part(state: Any, name: str = NAME, ask: bytes = b"", step: str = "birth") -> CounterPart:
    message = pb.ErrandPart(ask=pb.ErrandAsk(ask_signature=ask))
    return CounterPart(cast(Any, SimpleNamespace(id=name)), step, state, ready=True, message=message)


async def _parts(recalled: Noted | None = None) -> tuple[Parts, ErrandBundle]:
    parts, bundle = Parts(lambda _: recalled, lambda: AT), newborn()
    parts.opened(bundle, {"birth"})
    return parts, bundle


@pytest.mark.asyncio
async def test_what_does_not_hold_is_told_with_its_reason() -> None:
    parts, _ = await _parts()
    parts.saw(_part(SUBMITTED))
    noted = parts.refused(_part(SUBMITTED), "PROOF_INVALID", "rejected")
    assert noted is not None
    assert (noted.state, noted.reason) == ("rejected", "PROOF_INVALID")
    parts.saw(_part(REJECTED))
    (row,) = parts.listed().rows
    assert (row.state, row.reason) == ("rejected", "PROOF_INVALID")
    assert row.why is not None
    assert (row.why.zh, row.why.en) == ("证明不成立", "The proof does not hold")
    parts.saw(_part(WAITING))
    (row,) = parts.listed().rows
    assert (row.state, row.reason) == ("waiting", "")


@pytest.mark.asyncio
@pytest.mark.parametrize("later", [(), (ASKED,), (DONE, ASKED, SUBMITTED, RECEIVED)])
async def test_an_act_whose_answer_came_late_overwrites_nothing_newer(later: tuple[Any, ...]) -> None:
    """The holder has opened the part again since it was tried; the act was told all the same."""
    parts, _ = await _parts()
    parts.saw(_part(RECEIVED))
    parts.intends(NAME, ACT)
    for state in later:
        parts.saw(_part(state))
    parts.told(NAME, ACT)
    held = parts.get(NAME)
    assert held is not None
    expected = {0: "done", 1: "asked", 4: "received"}[len(later)]
    assert (held.noted.state, [each.act for each in held.noted.told]) == (expected, [ACT])
    assert held.noted.intended is None


async def test_what_came_before_is_dropped_when_a_part_is_asked_anew() -> None:
    parts, _ = await _parts()
    parts.saw(_part(SUBMITTED, ask=b"1"))
    parts.read(_part(SUBMITTED), AT, "first.json", AT, {"weight": 3200})
    assert parts.is_read(_part(SUBMITTED))
    parts.saw(_part(SUBMITTED, ask=b"2"))  # what lay between was never told
    held = parts.get(NAME)
    assert held is not None
    assert (held.noted.record, held.declared) == ("", None)


@pytest.mark.asyncio
async def test_strangers_and_what_is_settled_do_not_hide_what_was_submitted() -> None:
    parts, _ = await _parts()
    for number in range(RECENT + 10):
        parts.saw(_part(ASKED, f"{number:022}"))
        parts.saw(_part(DONE, f"{number + 500:022}"))
    parts.saw(_part(SUBMITTED))
    listed = parts.listed()
    assert listed.rows[0].name == NAME
    assert [each.state for each in listed.rows].count("done") == RECENT
    assert listed.more == len(range(RECENT + 10)) - 50
    parts.saw(_part(ENDED))
    assert parts.get(NAME) is None


@pytest.mark.asyncio
async def test_a_file_of_another_step_is_not_taken_for_this_one() -> None:
    parts, _ = await _parts(Noted(NAME, "insurance", "done", AT))
    parts.saw(_part(ASKED))
    held = parts.get(NAME)
    assert held is not None
    assert (held.noted.part, held.noted.told) == ("birth", ())


@pytest.mark.asyncio
async def test_whoever_waits_hears_of_changes_from_other_threads() -> None:
    parts, _ = await _parts()
    before = parts.revision
    waiting = asyncio.create_task(parts.changed(before))
    await asyncio.to_thread(parts.saw, _part(WAITING, str(uuid4())[:22]))
    await asyncio.wait_for(waiting, 5)
    assert parts.revision > before


@pytest.mark.asyncio
async def test_what_was_settled_while_nobody_listened_goes_once_the_stream_is_quiet() -> None:
    ticks = [0.0]
    parts = Parts(lambda _: None, lambda: AT, lambda: ticks[0])
    parts.opened(newborn(), {"birth"})
    parts.heard("birth")
    for name in ("1" * 22, "2" * 22, "3" * 22):
        parts.saw(_part(SUBMITTED, name))
    parts.saw(_part(DONE, "3" * 22))
    parts.failed("birth", Named("断", "cut"))
    ticks[0] = 1000
    assert len(parts.listed().rows) == 3, "nobody is heard: what was known stays"
    parts.heard("birth")
    parts.saw(_part(SUBMITTED, "1" * 22))
    assert len(parts.listed().rows) == 3, "the stream may not have told everything yet"
    ticks[0] += QUIET_SECONDS
    assert {each.name for each in parts.listed().rows} == {"1" * 22, "3" * 22}


@pytest.mark.asyncio
async def test_where_streams_are_short_what_one_that_told_all_does_not_tell_goes() -> None:
    """A board that waits for witnesses opens them anew every few seconds: none is quiet for long."""
    ticks = [0.0]
    parts = Parts(lambda _: None, lambda: AT, lambda: ticks[0])
    parts.opened(newborn(), {"birth"})
    parts.heard("birth")
    for name in ("1" * 22, "2" * 22):
        parts.saw(_part(SUBMITTED, name))
    before = parts.revision
    while ticks[0] < 2 * QUIET_SECONDS:
        ticks[0] += 5
        parts.heard("birth")
        parts.saw(_part(SUBMITTED, "1" * 22))
        assert len(parts.listed().rows) == 2, "these were cut off in the midst of their work"
    parts.heard("birth")
    parts.saw(_part(SUBMITTED, "1" * 22))
    parts.told_all("birth")
    parts.heard("birth")
    assert {each.name for each in parts.listed().rows} == {"1" * 22}
    assert parts.revision == before, "what was only told again wakes nobody"


@pytest.mark.asyncio
async def test_what_came_within_one_minute_stands_in_the_order_of_its_steps() -> None:
    parts, minute = Parts(lambda _: None, lambda: AT), dt.timedelta(minutes=1)
    parts.opened(newborn(), PARTS)
    for number, (step, came) in enumerate(
        (
            ("insurance", AT),
            ("birth", AT + 9 * SECOND),
            ("household", AT + 5 * SECOND),
            ("birth", AT - minute),
        )
    ):
        part = _part(SUBMITTED, f"{number:022}", step=step)
        parts.saw(part)
        parts.read(part, came, "a.json", AT, {})
    assert [each.part for each in parts.listed().rows] == ["birth", "birth", "household", "insurance"]
