"""The regulator's view: what was counted, as a table, a file and pictures, with no person in any of them."""

import csv
import datetime as dt
import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.cli.city import FATHER, MOTHER, REGULATOR, City
from tests.cli.conftest import Fresh
from tests.cli.running import Home, refused
from zk.clients.statistics import DIMENSIONS, KINDS, Figure
from zk.exits import Exit
from zk.messages import TABLES
from zk.regulator.charts import Bar, Titles, bar_chart, line_chart
from zk.regulator.figures import charts, csv_of, kinds_in, rows_of

DAYS = (dt.date(2026, 9, 1), dt.date(2026, 9, 30))
TITLES = Titles("Title <&>", "range", "how often", "day", ("a", "b"), "none", "others")
PICTURES = {
    "overdue-by-verifier.svg",
    "over-asking-by-verifier.svg",
    "refusals-by-verifier.svg",
    "use-by-department.svg",
    "use-by-purpose.svg",
    "use-over-time.svg",
}


def texts(picture: str) -> list[str]:
    return [each.text or "" for each in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture
def reader(regulator: Home) -> Home:
    regulator.json("regulator", "access", REGULATOR, env=regulator.admin)
    return regulator


def counted(home: Home, *more: object) -> dict[str, dict[str, int]]:
    figures = home.json("regulator", "view", *more)["figures"]
    return {each["name"]: each["counts"] for each in figures}


def test_what_was_asked_and_answered_is_seen_by_whom_and_whose_data(
    loan: dict[str, Any], reader: Home
) -> None:
    by_verifier = counted(reader)
    assert by_verifier["verifiers/bank-1"]["asked"] >= 2
    assert by_verifier["verifiers/bank-1"]["answered"] >= 1
    by_department = counted(reader, "--by", "department", "--verifier", "verifiers/bank-1")
    assert "departments/tax" in by_department
    assert "departments/public-security" not in by_department
    assert by_department["departments/tax"]["answered"] == by_verifier["verifiers/bank-1"]["answered"]
    today = reader.json("regulator", "view", "--by", "day")
    assert [each["name"] for each in today["figures"]] == [today["to"]]
    before = counted(reader, "--from", "2020-01-01", "--to", "2020-01-31")
    assert before == {}
    said = {lang: reader.zk("regulator", "view", "--lang", lang).out for lang in ("zh", "en")}
    assert "验证方" in said["zh"]
    assert "bank-1" in said["en"]


def test_figures_and_pictures_have_nobody_in_them(loan: dict[str, Any], reader: Home, tmp_path: Path) -> None:
    for lang in ("zh", "en"):
        folder, file = tmp_path / lang, tmp_path / f"{lang}.csv"
        command = ("regulator", "view", "--by", "policy", "--plots", folder, "--csv", file, "--lang", lang)
        written = reader.json(*command)["files"]
        assert {Path(each).name for each in written} == {*PICTURES, file.name}
        with file.open(newline="") as rows:
            header, *lines = csv.reader(rows)
        assert header == [*DIMENSIONS, "kind", "count"]
        assert all(line[-1].isdigit() and line[-2] in KINDS for line in lines)
        everything = file.read_text() + "".join(each.read_text() for each in folder.iterdir())
        for person in (MOTHER, FATHER):
            for secret in (person.name, person.number, person.commitment):
                assert secret not in everything
        title = TABLES[lang]["regulator.chart.time"]
        assert title in texts((folder / "use-over-time.svg").read_text())
        assert not re.search(r"[0-9a-f]{32}", everything), "no identifier of an exchange, a digest or a tag"


def test_who_has_no_token_reads_nothing(city: City, reader: Home, fresh: Fresh, tmp_path: Path) -> None:
    other = Home(fresh(), city.home.server).trusting()
    refused(other.zk("regulator", "view", "--json"), Exit.USAGE, "REGULATOR_UNCLEAR")
    (token := tmp_path / "token").write_text("guessed\n")
    guessed = other.zk("regulator", "view", "--token-file", token, "--json")
    refused(guessed, Exit.REFUSED, "TOKEN_INVALID")
    late = reader.zk("regulator", "view", "--from", "2020-01-01", "--to", "2026-01-01", "--json")
    refused(late, Exit.REFUSED, "FIELD_INVALID")
    refused(reader.zk("regulator", "view", "--from", "yesterday", "--json"), Exit.USAGE, "DATE_INVALID")


def test_everybody_reads_a_month_that_is_over(city: City, reader: Home, fresh: Fresh) -> None:
    other = Home(fresh(), city.home.server).trusting()
    assert other.json("regulator", "published", "2020-01") == {"month": "2020-01", "least": 5, "figures": []}
    refused(other.zk("regulator", "published", "2999-01", "--json"), Exit.REFUSED, "FIELD_INVALID")


# --- tables and pictures by themselves


def figures() -> list[Figure]:
    return [
        Figure("asked", 3, verifier="verifiers/b"),
        Figure("asked", 3, verifier="verifiers/a"),
        Figure("declined", 2, verifier="verifiers/a"),
        Figure("asked", 9, verifier="verifiers/c"),
        Figure("offered", 50),
    ]


def test_rows_stand_by_how_often_they_asked() -> None:
    rows = rows_of(figures(), "verifier")
    assert [row.name for row in rows] == ["verifiers/c", "verifiers/a", "verifiers/b", ""]
    assert rows[1].counts == Counter(asked=3, declined=2)
    assert kinds_in(rows) == ("asked", "declined", "offered")
    days = [Figure("asked", n, DAYS[0] + dt.timedelta(days=n)) for n in (2, 1)]
    assert [row.name for row in rows_of(days, "day")] == ["2026-09-02", "2026-09-03"]


def test_a_file_of_figures_is_read_back() -> None:
    header, *lines = csv.reader(csv_of(figures()).splitlines())
    assert header == ["day", "verifier", "policy", "department", "purpose", "kind", "count"]
    assert lines[0] == ["", "verifiers/b", "", "", "", "asked", "3"]
    assert len(lines) == len(figures())


def test_bars_are_sorted_and_as_long_as_they_say() -> None:
    picture = bar_chart(TITLES, [Bar("few", (1, 1)), Bar("many & <more>", (30, 10)), Bar("none", (0, 0))])
    told = texts(picture)
    assert told.index("many & <more>") < told.index("few")
    assert "none" not in told
    svg = "{http://www.w3.org/2000/svg}"
    wide = [
        float(each.attrib["width"])
        for each in ET.fromstring(picture).iter(f"{svg}rect")
        if "x" in each.attrib
    ]
    legend, bars = wide[:2], wide[2:]
    assert legend == [28, 28]
    assert bars[0] == pytest.approx(3 * bars[1], rel=0.01)
    assert bars[0] == pytest.approx(30 * bars[2], rel=0.05)
    assert "40" in told
    assert bar_chart(TITLES, [Bar("few", (1, 1))]) == bar_chart(TITLES, [Bar("few", (1, 1))])


def test_more_bars_than_have_room_are_told_together() -> None:
    told = texts(bar_chart(TITLES, [Bar(f"v{n}", (n, 0)) for n in range(1, 101)]))
    assert "others (77)" in told
    assert sum(each.startswith("v") for each in told) == 23
    assert f"{sum(range(1, 78)):,}" in told


def test_nothing_is_said_to_be_nothing() -> None:
    days = [DAYS[0] + dt.timedelta(days=n) for n in range(3)]
    assert "none" in texts(bar_chart(TITLES, []))
    assert "none" in texts(line_chart(TITLES, days, [[0, 0, 0], [0, 0, 0]]))
    assert "none" not in texts(line_chart(TITLES, days, [[0, 1, 0], [0, 0, 0]]))


@pytest.mark.parametrize("highest", [1, 4, 7, 10, 99, 101, 12345, 10**9])
def test_ticks_are_round_and_reach_the_highest(highest: int) -> None:
    told = texts(bar_chart(TITLES, [Bar("a", (highest, 0))]))
    ticks = sorted({int(each.replace(",", "")) for each in told if each.replace(",", "").isdigit()})
    assert ticks[-1] >= highest
    assert ticks[0] == 0
    assert len(ticks) <= 8


def test_there_is_a_picture_of_everything_in_both_languages() -> None:
    for lang in ("zh", "en"):
        drawn = charts(lambda _: [], DAYS, lang)
        assert set(drawn) == PICTURES
        for picture in drawn.values():
            ET.fromstring(picture)
