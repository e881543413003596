"""What stands in a service's database, read and changed behind its back."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


def dump(folder: Path, *, ordered: bool = True) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, read over a connection of its own; `ordered` by what stands in them,
    else as they lie in this file, which is quicker.

    But for how often the sequencer, and when the server, has said that it lives: they do so by themselves.
    And but for how often something was answered with what does not hold, which a refusal is counted in.
    """
    with closing(sqlite3.connect(f"file:{folder / 'service.sqlite3'}?mode=ro", uri=True)) as connection:
        names = connection.execute("select name from sqlite_schema where type = 'table' order by name")
        return {
            name: []
            if name in {"ledger_lease", "running_server", "false_answer"}
            else sorted(connection.execute(f'select * from "{name}"'), key=repr)
            if ordered
            else connection.execute(f'select * from "{name}" not indexed').fetchall()
            for (name,) in names.fetchall()
        }


class Rows:
    """All rows of all tables, read again only when the database says that somebody has committed."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._version, self._rows = folder, -1, dict[str, list[tuple[Any, ...]]]()
        self._connection = sqlite3.connect(f"file:{folder / 'service.sqlite3'}?mode=ro", uri=True)

    def __call__(self) -> dict[str, list[tuple[Any, ...]]]:
        (version,) = self._connection.execute("pragma data_version").fetchone()
        if version != self._version:
            self._version, self._rows = version, dump(self._folder, ordered=False)
        return self._rows

    def close(self) -> None:
        self._connection.close()


def change(folder: Path, statement: str, *values: Any) -> None:
    """Change the database behind the service's back."""
    with closing(sqlite3.connect(folder / "service.sqlite3", timeout=10)) as connection, connection:
        connection.execute(statement, values)


def selected(folder: Path, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return what a query finds."""
    with closing(sqlite3.connect(f"file:{folder / 'service.sqlite3'}?mode=ro", uri=True)) as connection:
        return connection.execute(statement, values).fetchall()
