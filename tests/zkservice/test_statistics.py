"""Figures for a regulator over a real server: each occurrence once, by day and name, and about no person."""

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection

from disclosure import civil_date
from tests.zkservice.counting import access, read, stub, told
from tests.zkservice.stored import change, dump
from tests.zkservice.support import City, city, refusal
from zkproto.v1 import statistics_pb2 as pb
from zkservice.storage import schema_version, statistics, tables
from zkservice.storage.database import Database, open_engine
from zkservice.storage.statistics import Concerned, Dimension, Sum, What

DAY = dt.date(2026, 11, 25)
SCHOOL, POLICY = "verifiers/school", "verifiers/school/policies/any@1"
POLICE, HRSS = "departments/police", "departments/hrss"


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[City]:
    async with city(tmp_path) as opened:
        yield opened


# --- over the server


async def test_a_use_is_counted_from_offer_to_answer(town: City) -> None:
    token = await access(town)
    issued = await town.claim(await town.issue())
    exchange, submission, _ = await town.answered(issued)
    assert told(await read(town, token)) == {"offered": 1, "claimed": 1, "asked": 1, "answered": 1}
    await town.presentation.SubmitPresentation(submission)
    assert told(await read(town, token)) == {"offered": 1, "claimed": 1, "asked": 1, "answered": 1}
    assert {each.verifier for each in await read(town, token, "verifier")} == {"", SCHOOL}
    by_policy = await read(town, token, "policy", verifier=SCHOOL)
    assert [(each.policy, each.count) for each in by_policy] == [(POLICY, 1)] * 2
    assert await read(town, token, "policy", verifier="verifiers/bank") == []
    by_department = await read(town, token, "department")
    assert {(each.department, each.count) for each in by_department} == {(POLICE, 1)}
    assert len(by_department) == 4
    assert exchange


async def test_whoever_asks_and_is_not_answered_is_seen(town: City) -> None:
    token = await access(town)
    await town.ask(town.request())
    assert told(await read(town, token)) == {"asked": 1}
    town.clock.ahead = dt.timedelta(days=8)
    found = await read(town, token, days=9)
    assert told(found) == {"asked": 1, "expired": 1}
    assert told(await read(town, token, days=9)) == {"asked": 1, "expired": 1}
    assert dump(town.ready.data)["open_exchange"] == []
    (expired,) = [
        each for each in await read(town, token, "day", days=9) if each.kind == pb.STATISTIC_KIND_EXPIRED
    ]
    assert dt.date(expired.day.year, expired.day.month, expired.day.day) < civil_date(town.clock())


async def test_the_same_call_twice_is_counted_once(town: City) -> None:
    token, request = await access(town), town.request()
    call = town.create_exchange(request)
    for _ in range(3):
        await town.presentation.CreateExchange(call)
    assert told(await read(town, token)) == {"asked": 1}


async def test_purposes_are_those_of_the_policies(town: City) -> None:
    token = await access(town)
    await town.ask(town.request())
    (one,) = await read(town, token, "purpose")
    assert (one.purpose.startswith("purposes/"), one.policy, one.count) == (True, "", 1)
    assert told(await read(town, token, purpose=one.purpose)) == {"asked": 1}
    assert await read(town, token, purpose="purposes/another") == []
    (both,) = await read(town, token, "purpose", "policy")
    assert (both.purpose, both.policy) == (one.purpose, POLICY)


async def test_pages_go_on_where_the_one_before_ended(town: City) -> None:
    token = await access(town)
    await town.answered(await town.claim(await town.issue()))
    whole = await read(town, token, "day", "department")
    assert len(whole) == 4
    for size in (1, 3, 4):
        assert await read(town, token, "day", "department", page_size=size) == whole


async def test_a_new_token_ends_the_one_before(town: City) -> None:
    first = await access(town)
    again = pb.CreateRegulatorAccessRequest(regulator="regulators/audit")
    second = await stub(town).CreateRegulatorAccess(again, metadata=town.bearer(town.admin))
    assert await read(town, second.access_token) == []
    assert (await refusal(read(town, first))).reason == "TOKEN_INVALID"
    assert second.access_token not in repr(dump(town.ready.data))


async def test_counters_hold_no_person_and_no_exchange(town: City) -> None:
    issued = await town.claim(await town.issue())
    exchange, _, _ = await town.answered(issued)
    rows = dump(town.ready.data)
    assert rows["open_exchange"] == []
    assert {tuple(map(type, row)) for row in rows["statistic"]} == {(str, str, str, str, str, int)}
    for day, _, verifier, policy, department, _ in rows["statistic"]:
        assert day == civil_date(town.clock()).isoformat(), "nothing finer than the day"
        assert verifier in {"", SCHOOL}
        assert policy in {"", POLICY}
        assert department in {"", POLICE}
    assert exchange.exchange.removeprefix("exchanges/") not in repr(rows["statistic"])


async def test_everybody_is_told_whole_months_and_no_small_count(town: City) -> None:
    month = (civil_date(town.clock()).replace(day=1) - dt.timedelta(days=1)).replace(day=1)
    counted = [
        ("verifiers/bank", "asked", 9), ("verifiers/bank", "answered", 8), ("verifiers/bank", "declined", 1),
        ("verifiers/school", "asked", 900), ("verifiers/school", "answered", 4), ("", "offered", 77),
    ]  # fmt: skip
    for verifier, what, n in counted:
        row = (month.isoformat(), what, verifier, "", "", n)
        change(town.ready.data, "insert into statistic values (?, ?, ?, ?, ?, ?)", *row)
    asked = pb.GetPublishedStatisticsRequest(year=month.year, month=month.month)
    answer = await stub(town).GetPublishedStatistics(asked)
    told = [(each.verifier, pb.StatisticKind.Name(each.kind)[15:], each.count) for each in answer.statistics]
    assert sorted(told) == [
        ("verifiers/bank", "ANSWERED", 5), ("verifiers/bank", "ASKED", 5), ("verifiers/school", "ASKED", 900),
    ]  # fmt: skip
    assert answer.least == 5
    assert not any(each.policy or each.department or each.HasField("day") for each in answer.statistics)


async def test_a_month_is_counted_out_before_it_is_told(town: City) -> None:
    """What ended last month unanswered is in it, whenever it is asked for first."""
    month = civil_date(town.clock()).replace(day=1) - dt.timedelta(days=1)
    ended = int(dt.datetime.combine(month, dt.time(12), dt.UTC).timestamp() * 1000)
    for number in range(5):
        row = (f"open-{number}", "verifiers/late", "", "", ended)
        columns = "exchange, verifier, policy, departments, expires"
        change(town.ready.data, f"insert into open_exchange ({columns}) values (?, ?, ?, ?, ?)", *row)
    asked = pb.GetPublishedStatisticsRequest(year=month.year, month=month.month)
    first = await stub(town).GetPublishedStatistics(asked)
    assert [each.count for each in first.statistics if each.verifier == "verifiers/late"] == [5]
    assert await stub(town).GetPublishedStatistics(asked) == first


# --- the counters themselves


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    engine = open_engine(f"sqlite:///{tmp_path / 'counted.sqlite3'}")
    schema_version.require_newest(engine)
    opened = Database(engine)
    yield opened
    opened.close()


def summed(connection: Connection, *by: Dimension, **only: str) -> list[Sum]:
    names = {Dimension(name): value for name, value in only.items()}
    return statistics.sums(connection, (DAY, DAY + dt.timedelta(days=9)), by, names, 1000)


async def test_a_request_to_several_departments_is_one_request_and_one_of_each(database: Database) -> None:
    concerned = Concerned.of("verifiers/school", "p", [POLICE, HRSS, POLICE])
    assert concerned.departments == (HRSS, POLICE)

    def act(connection: Connection) -> None:
        for _ in range(3):
            statistics.count_all(connection, DAY, concerned, What.ASKED)
        statistics.count(connection, DAY, "verifiers/school", "p", HRSS, What.OVERDUE, 7)
        statistics.count(connection, DAY + dt.timedelta(days=10), "verifiers/school", "p", "", What.ASKED)

    await database.write(act)
    assert await database.read(summed) == [Sum(What.ASKED, 3)]
    by_department = await database.read(lambda each: summed(each, Dimension.DEPARTMENT))
    assert by_department == [
        Sum(What.ASKED, 3, department=HRSS),
        Sum(What.OVERDUE, 7, department=HRSS),
        Sum(What.ASKED, 3, department=POLICE),
    ]
    assert await database.read(lambda each: summed(each, department=POLICE)) == [Sum(What.ASKED, 3)]
    assert await database.read(lambda each: summed(each, verifier="verifiers/none")) == []
    days = await database.read(lambda each: summed(each, Dimension.DAY, Dimension.VERIFIER))
    assert days == [Sum(What.ASKED, 3, DAY, "verifiers/school")]


async def test_what_is_undone_is_not_counted(database: Database) -> None:
    def act(connection: Connection) -> None:
        statistics.count(connection, DAY, "", "", "", What.OFFERED)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await database.write(act)
    assert await database.read(summed) == []


async def test_counters_add_up_in_one_statement_of_each_dialect() -> None:
    from sqlalchemy.dialects import postgresql, sqlite

    for name, dialect in (("postgresql", postgresql.dialect()), ("sqlite", sqlite.dialect())):  # type: ignore[no-untyped-call]
        text = str(statistics._upsert(name).compile(dialect=dialect))
        assert "ON CONFLICT" in text
        assert "statistic.n + excluded.n" in text


def test_all_kinds_and_dimensions_have_their_message() -> None:
    assert {f"STATISTIC_KIND_{each.name}" for each in What} == set(pb.StatisticKind.keys()) - {
        "STATISTIC_KIND_UNSPECIFIED"
    }
    assert {str(each) for each in Dimension} <= set(tables.statistic.c.keys())
