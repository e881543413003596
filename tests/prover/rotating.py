"""A log that goes over to another key under a person's vault: the server stops and starts on one port."""

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import tlog
from prover import Vault
from tests.prover.consenting import Parties
from tests.prover.making import PASSPHRASE
from tests.prover.town import Town, running
from tests.zkservice.support import City, city, reopened
from zkservice import key_change
from zkservice.config import Settings

ORIGIN = "log.example/rotating"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("localhost", 0))
        port: int = one.getsockname()[1]
        return port


@dataclass
class Rotating:
    """A server's folder, the vault of who granted, and the keys that the log has had, oldest first."""

    folder: Path
    vault: Vault
    port: int
    keys: list[tlog.Verifier]
    before: City | None = None

    @property
    def settings(self) -> Settings:
        return Settings(data=self.folder, log_origin=ORIGIN)

    @contextmanager
    def serving(self) -> Iterator[Parties]:
        """Start the server, the first time on an empty folder, with whom it meets."""
        with running(self.folder, self._opening) as town:
            self.before = town.city
            if not self.keys:
                self.keys.append(town.log)
                town.client().claim(town.offer(), self.vault, town.log)
            with (made := Parties(town, self.vault)).bank:
                yield made

    @asynccontextmanager
    async def _opening(self, folder: Path) -> AsyncIterator[City]:
        start = city if self.before is None else reopened
        async with start(folder, log_origin=ORIGIN, port=self.port) as town:
            known = self.before or town
            yield replace(town, department_token=known.department_token, verifier_keys=known.verifier_keys)

    def begin(self) -> None:
        """Make the next key; from the next start on the log is signed by both."""
        _, new = key_change.begin(self.settings)
        self.keys.append(new)

    def finish(self) -> None:
        key_change.finish(self.settings)

    def rotate(self) -> None:
        """Go over to the next key from beginning to end."""
        self.begin()
        with self.serving() as parties:
            settled(parties.town, self.keys[-1])
        self.finish()


def settled(town: Town, key: tlog.Verifier) -> None:
    """Have a block made that covers the record of the change."""
    town.run(town.city.add_department(f"department-{key.key_id.hex()}"))


@contextmanager
def rotating(folder: Path) -> Iterator[Rotating]:
    with Vault.create(folder / "holder.vault", PASSPHRASE) as vault:
        yield Rotating(folder / "server", vault, free_port(), [])
