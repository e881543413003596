"""The example connector against a real PostgreSQL: full and incremental runs, and nothing is ever written."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

from disclosure import Schema
from tests.cli.running import EXAMPLES, Home, refused
from zk import catalogue
from zk.connectors import SqlConnector, load_plan
from zk.exits import CommandError, Exit

FILES = EXAMPLES / "connectors"
PLAN = FILES / "residence_permits.yaml"
_number = itertools.count()


@pytest.fixture
def permits(database_server: str) -> Iterator[tuple[Engine, dict[str, str | None]]]:
    """A database with the example's table; what the connector finds it by."""
    name = f"permits_{next(_number)}"
    with create_engine(database_server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = database_server.replace("/postgres?", f"/{name}?")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql((FILES / "residence_permits.sql").read_text("utf-8"))
    yield engine, {"PERMITS_DATABASE": url}
    engine.dispose()


def change(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(statement)


def schema() -> Schema:
    found = catalogue.builtin().find("residence_permit@1")
    assert found is not None
    return found


def connect(home: Home, env: dict[str, str | None], *more: object, code: int = 0) -> dict[str, Any]:
    return home.json("issuer", "connect", PLAN, *more, env=env, code=code)


def test_what_the_database_holds_becomes_credentials_once_and_follows_it(
    department: Home, permits: tuple[Engine, dict[str, str | None]], tmp_path: Path
) -> None:
    engine, env = permits
    assert connect(department, env)["issued"] == 2
    vault = Home(tmp_path / "vault", department.server).trusting()
    vault.json("vault", "create")
    link = department.json("issuer", "record", "residence_permit@1", "JZ-0001")["link"]
    vault.json("vault", "claim", link)
    (held,) = vault.json("vault", "list")["credentials"]
    shown = vault.json("vault", "show", held["id"])
    assert shown["values"]["district"] == "370102"
    assert shown["values"]["valid_until"] == "2027-08-31"

    # Incremental: whatever is not before the newest change of the run before, which both rows came with.
    change(engine, "UPDATE permit SET district_name = '槐荫区', changed = now() WHERE permit_no = 'JZ-0002'")
    again = connect(department, env)
    assert (again["issued"], again["replaced"], again["done"]) == (0, 1, 2)
    change(engine, "UPDATE permit SET cancelled = now(), changed = now() WHERE permit_no = 'JZ-0001'")
    assert connect(department, env)["withdrawn"] == 0
    full = connect(department, env, "--full")
    assert (full["done"], full["unchanged"], full["withdrawn"], full["not_revocable"]) == (1, 1, 1, 1)
    gone = department.zk("issuer", "record", "residence_permit@1", "JZ-0001", "--json")
    refused(gone, Exit.REFUSED, "NOT_FOUND")


def test_an_empty_view_withdraws_nothing_unless_it_is_meant(
    department: Home, permits: tuple[Engine, dict[str, str | None]]
) -> None:
    engine, env = permits
    change(
        engine,
        "INSERT INTO permit SELECT 'JZ-1' || n, holder_name, holder_id, salt, district_name, since,"
        " valid_until FROM permit, generate_series(100, 119) AS n WHERE permit_no = 'JZ-0001'",
    )
    known = connect(department, env, "--full")["done"]
    change(engine, "UPDATE permit SET cancelled = now() WHERE permit_no >= 'JZ-1108'")
    most = department.zk("issuer", "connect", PLAN, "--full", "--json", env=env)
    assert most.json["withdrawn"] == 0
    assert "--withdraw-many" in most.err
    change(engine, "UPDATE permit SET cancelled = now()")
    assert connect(department, env, "--full")["withdrawn"] == 0
    meant = connect(department, env, "--full", "--withdraw-many")
    assert meant["withdrawn"] >= known


def test_rows_that_do_not_fit_are_told_counted_and_withdraw_nothing(
    department: Home, permits: tuple[Engine, dict[str, str | None]]
) -> None:
    engine, env = permits
    connect(department, env)
    change(engine, "UPDATE permit SET district_name = '外星' WHERE permit_no = 'JZ-0001'")
    change(engine, "UPDATE permit SET valid_until = 'soon', salt = 'short' WHERE permit_no = 'JZ-0002'")
    change(
        engine,
        "INSERT INTO permit (permit_no, holder_name, holder_id, salt, district_name, since, valid_until)"
        " VALUES ('', 'x', 'x', '\\x00112233445566778899aabbccddeeff', '历下区', '2021-09-01', '20270831')",
    )
    told = connect(department, env, "--full", code=Exit.REFUSED)
    assert (told["done"], told["unchanged"], told["misfit"], told["withdrawn"]) == (2, 2, 3, 0)
    assert told["misfits"] == [
        {"row": 1, "reason": "VALUE_INVALID", "field": "district"},
        {"row": 2, "reason": "VALUE_INVALID", "field": "number"},
        {"row": 3, "reason": "ATTRIBUTE_MISSING", "field": "permit_no"},
    ]


def test_nothing_can_be_written_through_a_connector(
    permits: tuple[Engine, dict[str, str | None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, env = permits
    change(
        engine, "CREATE FUNCTION spoil() RETURNS text LANGUAGE sql AS $$ DELETE FROM permit RETURNING 'x' $$"
    )
    plan = load_plan(PLAN)
    writing = plan.model_copy(
        update={"query": plan.query.replace("SELECT permit_no,", "SELECT spoil(), permit_no,")}
    )
    monkeypatch.setenv("PERMITS_DATABASE", str(env["PERMITS_DATABASE"]))
    connector = SqlConnector(writing, lambda _: schema())
    with pytest.raises(CommandError) as caught, connector.open(schema(), None) as rows:
        list(rows.read(0))
    assert caught.value.values["problem"] == "ReadOnlySqlTransaction"
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM permit")).scalar() == 2


def test_a_run_sees_one_state_however_often_it_reads(
    permits: tuple[Engine, dict[str, str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, env = permits
    monkeypatch.setenv("PERMITS_DATABASE", str(env["PERMITS_DATABASE"]))
    with SqlConnector(load_plan(PLAN), lambda _: schema()).open(schema(), None) as rows:
        before = list(rows.read(0))
        change(engine, "DELETE FROM permit WHERE permit_no = 'JZ-0001'")
        assert list(rows.read(0)) == before
        assert list(rows.read(1)) == before[1:]


def test_a_database_that_cannot_be_reached_is_told_without_its_url(
    department: Home, permits: tuple[Engine, dict[str, str | None]]
) -> None:
    _, env = permits
    unset = department.zk("issuer", "connect", PLAN, "--json")
    refused(unset, Exit.USAGE, "CONNECTOR_UNUSABLE")
    wrong = {"PERMITS_DATABASE": str(env["PERMITS_DATABASE"]).replace("tests@", "nobody:geheim@")}
    done = department.zk("issuer", "connect", PLAN, "--json", env=wrong)
    refused(done, Exit.USAGE, "CONNECTOR_UNUSABLE")
    assert "geheim" not in done.out + done.err


def test_a_million_rows_are_read_in_pieces(
    permits: tuple[Engine, dict[str, str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server hands out its rows through a cursor: the first comes long before the last could."""
    engine, env = permits
    plan = load_plan(PLAN)
    slow = plan.model_copy(
        update={
            "record": "n",
            "since": None,
            "query": (
                "SELECT n, 'x' AS holder_name, 'x' AS holder_id, '0123456789abcdef' AS salt,"
                " '历下区' AS district_name, DATE '2021-09-01' AS since, '20270831' AS valid_until"
                " FROM generate_series(1, 1000000) AS n"
            ),
        }
    )
    monkeypatch.setenv("PERMITS_DATABASE", str(env["PERMITS_DATABASE"]))
    with SqlConnector(slow, lambda _: schema()).open(schema(), None) as rows:
        reading = rows.read(0)
        taken = list(itertools.islice(reading, 5000))
        with engine.connect() as connection:
            open_cursors = connection.execute(
                text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%FETCH FORWARD%'"
                     " AND pid <> pg_backend_pid()")
            )  # fmt: skip
            assert open_cursors.scalar() == 1
    assert [each.record_id for each in taken[:2]] == [b"1", b"2"]
    assert len(taken) == 5000
