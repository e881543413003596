"""Where a server under test stores: SQLite in its folder, or a database of its own on PostgreSQL."""

import secrets
import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import postgres
from tests.zkservice.stored import selected


@dataclass(frozen=True)
class Store:
    """A database; without a server SQLite's, in the folder of whoever uses it."""

    server: postgres.Server | None = None
    name: str = ""

    @classmethod
    def on(cls, server: postgres.Server | None) -> "Store":
        """Return an empty one."""
        if server is None:
            return cls()
        name = f"t{secrets.token_hex(8)}"
        server.create(name)
        return cls(server, name)

    @property
    def settings(self) -> dict[str, Any]:
        """What a server's settings say of it."""
        return {"database": self.server.url_of(self.name)} if self.server else {}

    def copy(self) -> "Store":
        """Return one that holds the same; of SQLite its folder is copied."""
        if self.server is None:
            return self
        name = f"t{secrets.token_hex(8)}"
        with self.server.connect() as connection:
            connection.execute(f'create database "{name}" template "{self.name}"'.encode())
        return Store(self.server, name)

    def select(self, folder: Path, statement: str) -> list[tuple[Any, ...]]:
        """Return what a query finds, over a connection past the service."""
        if self.server is None:
            return selected(folder, statement)
        with closing(self.server.connect(self.name)) as connection:
            return list(connection.execute(statement.encode()).fetchall())

    def check(self, folder: Path) -> None:
        """See that the file itself is whole."""
        if self.server is None:
            assert self.select(folder, "pragma integrity_check") == [("ok",)]


def replica(folder: Path, of: Path) -> Path:
    """Make the folder of another server on the same database: it has the same keys and secrets."""
    folder.mkdir(mode=0o700)
    shutil.copytree(of / "keys", folder / "keys")
    for token in of.glob("*.token"):
        shutil.copy(token, folder)
    return folder
