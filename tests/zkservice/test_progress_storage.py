"""How far applications and pushes are, as the database counts it: on both kinds, and as one would by hand."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, event

from disclosure import civil_date
from disclosure.credential import CIVIL_TIME
from tests.zkservice.stores import Store
from tests.zkservice.support import new_id
from zkservice.moments import to_ms
from zkservice.storage import progress, schema_version, tables
from zkservice.storage.database import Database, open_engine
from zkservice.storage.progress import Decided, Waiting
from zkservice.storage.records import Came

TODAY = dt.date(2026, 3, 10)
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


@dataclass
class Stored:
    """A database, and what was asked of it."""

    database: Database
    statements: list[tuple[str, Any]]


@pytest.fixture(params=["sqlite", "postgresql"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stored]:
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    url = Store.on(server).settings.get("database", f"sqlite:///{tmp_path / 'service.sqlite3'}")
    engine = open_engine(str(url))
    schema_version.require_newest(engine)
    made = Stored(Database(engine), [])

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        made.statements.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    yield made
    made.database.close()


@dataclass(frozen=True)
class Made:
    """An application: for what, when, and what became of it when."""

    item: str
    version: int
    created: dt.datetime
    state: str = "open"
    decided: dt.datetime | None = None
    department: str = "departments/police"

    @property
    def schema(self) -> str:
        return f"{self.department}/schemas/{self.item}@{self.version}"


def keep(connection: Connection, made: Iterable[Made]) -> None:
    """Put applications into an empty database, with all that they name."""
    made = list(made)
    for number, name in enumerate(sorted({each.department for each in made})):
        row = {"name": name, "zh": "x", "en": "x", "token_hash": bytes([number]) * 32, "created": 0}
        connection.execute(tables.department.insert().values(**row, identifies=""))
    for name, department in sorted({(each.schema, each.department) for each in made}):
        connection.execute(
            tables.schema.insert().values(name=name, department=department, canonical=b"", created=0)
        )
    account = {"name": "accounts/a", "mark": bytes(32), "kind": "person", "public_key": bytes(32)}
    connection.execute(tables.account.insert().values(**account, created=0))
    for number, each in enumerate(made):
        approved = each.state == "approved"
        if approved:
            offer = {"id": str(number), "department": each.department, "schema": each.schema, "state": "done"}
            digest = {"request_id": str(number), "request_digest": bytes(32), "created": 0, "expires": 0}
            connection.execute(tables.offer.insert().values(**offer, **digest))
        values = {
            "id": str(number),
            "account": "accounts/a",
            "beneficiary": "accounts/a",
            "department": each.department,
            "schema": each.schema,
            "request_id": new_id(),
            "place": 0,
            "state": each.state,
            "sealed": b"words" if each.state in {"open", "refused"} else None,
            "offer": str(number) if approved else None,
            "created": to_ms(each.created),
            "decided": None if each.decided is None else to_ms(each.decided),
        }
        connection.execute(tables.application.insert().values(**values))


def at(days: int, hours: float = 12) -> dt.datetime:
    """Return a moment so many days from the tests' day, by the cities' clock."""
    return dt.datetime.combine(TODAY + days * DAY, dt.time(), CIVIL_TIME) + hours * HOUR


async def test_what_waited_when_the_day_began(stored: Stored) -> None:
    made = [
        Made("permit", 1, at(-3)),
        Made("permit", 2, at(-2)),
        Made("permit", 1, at(-1, 23.99)),
        Made("permit", 1, at(0, 0)),  # made today
        Made("permit", 1, at(-9), "refused", at(-1, 23.99)),  # decided before
        Made("card", 1, at(-9), "refused", at(0, 0)),  # decided today: it waited still
        Made("card", 1, at(-1), "cancelled", at(0, 5)),
        Made("card", 1, at(-8), "approved", at(-1)),
        Made("card", 1, at(-5), department="departments/hrss"),
    ]
    await stored.database.write(lambda each: keep(each, made))
    found = await stored.database.read(lambda each: progress.waiting(each, TODAY))
    assert found == [
        Waiting("departments/hrss/items/card", 1, at(-5)),
        Waiting("departments/police/items/card", 2, at(-9)),
        Waiting("departments/police/items/permit", 3, at(-3)),
    ]
    of_one = await stored.database.read(lambda each: progress.waiting(each, TODAY, "departments/hrss"))
    assert of_one == found[:1]
    assert await stored.database.read(lambda each: progress.waiting(each, TODAY, "departments/tax")) == []
    assert await stored.database.read(lambda each: progress.waiting(each, TODAY - 30 * DAY)) == []


async def test_what_was_decided_by_day_of_the_cities_clock(stored: Stored) -> None:
    made = [
        Made("permit", 1, at(-9), "approved", at(-2, 0)),
        Made("permit", 2, at(-9), "approved", at(-2, 23.99)),
        Made("card", 1, at(-9), "refused", at(-2)),
        Made("card", 1, at(-9), "cancelled", at(-1, 0)),
        Made("card", 1, at(-9), "cancelled", at(-3, 23.99)),  # the day before the first
        Made("card", 1, at(-9), "cancelled", at(0, 0)),  # the day after the last
        Made("card", 1, at(-9)),
        Made("card", 1, at(-9), "refused", at(-1), department="departments/hrss"),
    ]
    await stored.database.write(lambda each: keep(each, made))
    days = (TODAY - 2 * DAY, TODAY - DAY)
    found = await stored.database.read(lambda each: progress.decided(each, days))
    assert found == [
        Decided(TODAY - 2 * DAY, "departments/police", {"approved": 2, "refused": 1}),
        Decided(TODAY - DAY, "departments/hrss", {"refused": 1}),
        Decided(TODAY - DAY, "departments/police", {"cancelled": 1}),
    ]
    of_one = await stored.database.read(lambda each: progress.decided(each, days, "departments/hrss"))
    assert of_one == found[1:2]


async def test_any_applications_are_counted_as_one_would_by_hand(stored: Stored) -> None:
    random = Random(20260310)
    made = []
    for _ in range(400):
        created = at(-random.randrange(12), random.uniform(0, 24))
        state = random.choice(["open", "approved", "refused", "cancelled"])
        decided = None if state == "open" else created + random.uniform(0, 300) * HOUR
        item, version = random.choice(["permit", "card"]), random.randrange(1, 4)
        department = f"departments/{random.choice(['police', 'hrss'])}"
        made.append(Made(item, version, created, state, decided, department))
    await stored.database.write(lambda each: keep(each, made))
    for back in range(14):
        day = TODAY - back * DAY
        moment = dt.datetime.combine(day, dt.time(), CIVIL_TIME)
        waits = [
            each
            for each in made
            if each.created < moment and (each.decided is None or each.decided >= moment)
        ]
        by_hand = Counter(f"{each.department}/items/{each.item}" for each in waits)
        found = await stored.database.read(partial(progress.waiting, day=day))
        assert {each.item: each.n for each in found} == by_hand
        for each in found:
            assert to_ms(each.oldest) == min(
                to_ms(one.created) for one in waits if f"{one.department}/items/{one.item}" == each.item
            )
    ended = Counter(
        (civil_date(each.decided), each.department, each.state) for each in made if each.decided is not None
    )
    days = (TODAY - 15 * DAY, TODAY + 15 * DAY)
    told = await stored.database.read(lambda each: progress.decided(each, days))
    assert {(each.day, each.department, state): n for each in told for state, n in each.n.items()} == ended


@pytest.mark.parametrize("stored", ["sqlite"], indirect=True)
async def test_no_row_of_an_application_is_read_to_count_it(stored: Stored) -> None:
    """As SQLite says it; PostgreSQL chooses by how much there is."""
    await stored.database.write(lambda each: keep(each, [Made("permit", 1, at(-3))]))
    stored.statements.clear()
    await stored.database.read(
        lambda each: (
            progress.waiting(each, TODAY),
            progress.waiting(each, TODAY, "departments/police"),
            progress.decided(each, (TODAY - DAY, TODAY)),
        )
    )
    asked = [each for each in stored.statements if "FROM application" in each[0]]
    assert len(asked) == 3

    def plans(connection: Connection) -> list[str]:
        return [
            row[3]
            for statement, parameters in asked
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            if "application" in row[3]
        ]

    found = await stored.database.read(plans)
    assert len(found) >= 5
    covered = "SEARCH application USING COVERING INDEX ix_application_decided"
    assert all(covered in each for each in found), found


async def test_pushes_come_the_newest_first_and_a_former_programs_too(stored: Stored) -> None:
    def put(connection: Connection) -> None:
        keep(connection, [Made("permit", 1, at(-3))])
        for number in range(5):
            counts = dict.fromkeys((*Came, "done", "not_revocable", "withdrawn"), 0)
            row: dict[str, Any] = {**counts, "issued": number, "id": new_id(), "finished": number == 1}
            changed = None if number == 0 else to_ms(at(0, number))
            connection.execute(
                tables.push.insert().values(
                    **row,
                    department="departments/police",
                    schema=Made("permit", 1, at(0)).schema,
                    created=to_ms(at(-1)),
                    changed=changed,
                )
            )

    await stored.database.write(put)
    found = await stored.database.read(lambda each: progress.pushes(each, None, 3, 0))
    assert [each.n["issued"] for each in found] == [4, 3, 2]
    rest = await stored.database.read(lambda each: progress.pushes(each, found[-1].number, 3, 0))
    assert [(each.n["issued"], each.finished, each.changed) for each in rest] == [
        (1, True, at(0, 1)),
        (0, False, at(-1)),
    ]
    assert {each.began for each in (*found, *rest)} == {at(-1)}
    told = await stored.database.read(lambda each: progress.pushes(each, None, 3, 3))
    assert [each.n["issued"] for each in told] == [4, 3]
