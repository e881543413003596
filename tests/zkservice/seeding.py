"""What each service answers with OK, for those who then change it: one function a service, listed below."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message

from tests.zkservice.sessions import statement
from tests.zkservice.support import City


@dataclass(frozen=True)
class Seed:
    """A message, with the token that its call takes where that is not the administrator's."""

    message: Message
    token: str | None = None


Seeder = Callable[[City, int], Awaitable[dict[str, Seed]]]
"""Given a city and a number that no other call is given, returns a seed for each method."""


async def _session(town: City, _: int) -> dict[str, Seed]:
    return {"OpenSession": Seed(statement(town, "verifiers/bank", town.verifier_keys["bank"]))}


_SEEDERS: Final[tuple[Seeder, ...]] = (_session,)


async def seeds(town: City, number: int) -> dict[str, Seed]:
    """Return the seeds of all these services."""
    found: dict[str, Seed] = {}
    for seeder in _SEEDERS:
        found |= await seeder(town, number)
    return found
