"""Connectors over SQLite, and what is wrong with their files."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from disclosure import Schema
from tests.cli.running import EXAMPLES
from zk import catalogue
from zk.connectors import SqlConnector, load_plan
from zk.exits import CommandError

EXAMPLE = (EXAMPLES / "connectors" / "residence_permits.yaml").read_text("utf-8")


def schema() -> Schema:
    found = catalogue.builtin().find("residence_permit@1")
    assert found is not None
    return found


def written(folder: Path, text: str) -> Path:
    path = folder / "plan.yaml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("record: permit_no", "record: permit_no; drop table permit", "record"),
        ("WHERE cancelled IS NULL", "WHERE true; DELETE FROM permit", ""),
        ("database: PERMITS_DATABASE", "database: postgresql://me:secret@host/x", "database"),
        ("schema: residence_permit@1", "", "schema"),
        ("column: holder_id", "column: holder_id\n    scale: 2", "attributes.number"),
        ("record: permit_no", "record: permit_no\nunknown: 1", "unknown"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_place(
    tmp_path: Path, before: str, after: str, place: str
) -> None:
    assert before in EXAMPLE
    with pytest.raises(CommandError) as caught:
        load_plan(written(tmp_path, EXAMPLE.replace(before, after)))
    assert caught.value.reason == "CONNECTOR_INVALID"
    assert caught.value.values["place"] == place


def test_sqlite_is_read_and_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "permits.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE permit (permit_no, holder_name, holder_id, salt, district_name, since, valid_until,"
            " changed, cancelled)"
        )
        row = (
            "JZ-1",
            "周晓岚",
            "x",
            "0123456789abcdef",
            "历下区",
            "2021-09-01",
            "20270831",
            "2026-01-01",
            None,
        )
        connection.execute(f"INSERT INTO permit VALUES ({', '.join('?' * len(row))})", row)
    monkeypatch.setenv("PERMITS_DATABASE", f"sqlite:///{path}")
    connector = SqlConnector(load_plan(written(tmp_path, EXAMPLE)), lambda _: schema())
    with connector.open(schema(), None) as rows:
        (record,) = rows.read(0)
        assert (rows.misfit, rows.newest()) == (0, "2026-01-01")
        with pytest.raises(Exception, match="readonly"):
            rows._connection.exec_driver_sql("DELETE FROM permit")
    assert record.record_id == b"JZ-1"
    assert record.values is not None
    assert record.values["district"] == "370102"
    with connector.open(schema(), "2026-01-02") as rows:
        assert list(rows.read(0)) == []
