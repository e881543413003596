"""Each story of the demo, played alone at a server of its own; and all of them, in one city."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import refused, zk
from verifier import CompositeRecord, load_record
from zk.demo.stories.leaks import leaks
from zk.demo.stories.playing import ATTACKS, NAMES, PEOPLE, SEED, STORIES
from zk.demo.stories.registers import Registers
from zk.exits import Exit
from zk.synthetic import City

REFUSALS = {
    "city": {},
    "school": {
        "story.school.too_young": ("vault", "NOTHING_FITS"),
        "story.school.elsewhere": ("vault", "NOTHING_FITS"),
        "story.school.not_vaccinated": ("vault", "NOTHING_FITS"),
        "story.school.again": ("verifier", "PSEUDONYM_SEEN"),
    },
    "loan": {},
    "errands": {"story.errands.ended": ("vault", "NOTHING_FITS")},
    "lost-phone": {
        "story.lost.old_account": ("UNAUTHENTICATED", "ACCOUNT_REPLACED"),
        "story.lost.old_phone": ("vault", "NOTHING_FITS"),
    },
    "over-asking": {
        "story.over.service": ("PERMISSION_DENIED", "OVER_ASKING"),
        "story.over.vault": ("vault", "OVER_ASKING"),
    },
}
USES = {"city": 0, "school": 3, "loan": 1, "errands": 5, "lost-phone": 2, "over-asking": 1}
TODAY = dt.datetime.now(dt.UTC).date()


@pytest.fixture(scope="module")
def registers() -> Registers:
    return Registers(City(PEOPLE, SEED, TODAY))


def checked(told: dict[str, Any]) -> None:
    """What a story told is as it must be, whether it was played alone or not."""
    name = told["name"]
    assert told["went_as_it_must"] is True
    assert told["facts"]
    assert all(each["holds"] for each in told["facts"])
    found = {each["name"]: (each["status"], each["reason"]) for each in told["refusals"]}
    assert found == REFUSALS[name]
    assert len(told["uses"]) == USES[name]


def no_number_in(text: str, registers: Registers) -> None:
    numbers = (*registers.people, *(each.commit.hex() for each in registers.people.values()))
    assert not [each for each in numbers if each in text]


@pytest.mark.parametrize("name", STORIES)
def test_each_story_is_played_alone(name: str, tmp_path: Path, registers: Registers) -> None:
    done = zk("demo", "--story", name, "--output", tmp_path / "out", "--json")
    assert done.code == Exit.OK, done
    (story,) = done.json["stories"]
    assert (story["name"], done.json["attacks"], done.json["leaks"]) == (name, None, [])
    checked(story)
    documents = sum(len(each["documents"]) for each in story["uses"])
    assert (done.json["saved"]["uses"], done.json["saved"]["documents"]) == (USES[name], documents)
    no_number_in(done.out + done.err, registers)


def test_a_story_is_told_in_chinese(tmp_path: Path, registers: Registers) -> None:
    done = zk("demo", "--story", "over-asking", "--output", tmp_path / "out", "--lang", "zh")
    assert done.code == Exit.OK, done
    for wanted in ("超范围索取的商店", "OVER_ASKING", "街角便利店", "与纸质办理相比", "每个故事都如预期"):
        assert wanted in done.out
    assert "{" not in done.out
    no_number_in(done.out + done.err, registers)


def test_an_unknown_story_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    done = zk("demo", "--story", "treasure", "--output", tmp_path / "out", "--json")
    assert all(each in refused(done, Exit.USAGE, "STORY_UNKNOWN").err for each in NAMES)
    assert not (tmp_path / "out").exists()


def test_the_whole_demo(tmp_path: Path, registers: Registers) -> None:
    output = tmp_path / "out"
    done = zk("demo", "--output", output, "--json")
    assert done.code == Exit.OK, done
    told = done.json
    assert [each["name"] for each in told["stories"]] == list(STORIES)
    for each in told["stories"]:
        checked(each)
    facts = {each["name"]: each for story in told["stories"] for each in story["facts"]}
    assert facts["story.city.offered"]["people"] == PEOPLE
    assert facts["story.city.offered"]["count"] > 5 * PEOPLE
    assert told["attacks"]["went_as_it_must"] is True
    assert told["leaks"] == []
    assert told["saved"]["uses"] == sum(USES.values())
    assert told["saved"]["visits"] < told["saved"]["documents"] == told["saved"]["copies"]
    no_number_in(json.dumps(told), registers)
    _bank_saw_nothing(output)
    _a_leak_would_be_found(output, registers)


def _bank_saw_nothing(output: Path) -> None:
    record = load_record(output / "loan.json")
    assert isinstance(record, CompositeRecord)
    shown = [each.shown for each in record.presentation.answer.credentials]
    assert [(dict(each.values), each.expiry) for each in shown] == [({}, None)] * len(shown)


def _a_leak_would_be_found(output: Path, registers: Registers) -> None:
    """What looks for numbers finds one that is put there, also where the school may have others."""
    first, second = list(registers.people)[:2]
    for name, octets in (("server/planted", f"9{first}0"), ("enrolled-planted", f"{first} {second}")):
        path = output / name
        path.write_text(octets)
        found = leaks(output, registers.people, {second})
        path.unlink()
        assert f"{name}: 1" in found


@pytest.mark.parametrize("days", [0, 150, 400, 1500])
def test_in_years_too_every_part_is_somebody_s(days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The city's people are the same whenever it is played; their ages move with the day."""
    day = TODAY + dt.timedelta(days=days)
    for module in ("school", "loan", "errands", "lost_phone", "over_asking"):
        monkeypatch.setattr(f"zk.demo.stories.{module}.today", lambda: day)
    later = Registers(City(PEOPLE, SEED, day))
    assert set(STORIES["school"].cast(later).parts) == {
        "owner", "buyer", "permit_employed", "too_young", "elsewhere", "not_vaccinated", "again",
    }  # fmt: skip
    for name in ("loan", "errands", "lost-phone", "over-asking"):
        assert STORIES[name].cast(later).parts
    assert ATTACKS not in STORIES
