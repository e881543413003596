"""A clerk at a board, over HTTP, and a holder whose errand's parts come to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.web_edge.behind import CODE
from tests.web_edge.halls import Hall
from tests.web_edge.standing import Standing
from tests.zkservice.errands import PARTS, Started
from tests.zkservice.support import new_id

PATIENCE = 60


def own(edge: Standing, **changed: str) -> dict[str, str]:
    """The headers of a page of this origin."""
    given = {"origin": edge.origin, "content-type": "application/json"}
    return given | {name.replace("_", "-"): value for name, value in changed.items()}


@asynccontextmanager
async def clerk(edge: Standing, code: str = CODE) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is signed in."""
    async with edge.client_from("127.0.0.1") as http:
        signed = await http.post("/counter/session", json={"code": code}, headers=own(edge))
        assert signed.status_code == 204
        yield http


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    """Look again and again until there is something."""
    async with asyncio.timeout(PATIENCE):
        while not (found := await look()):
            await asyncio.sleep(0.1)
    return found


async def listed(http: httpx.AsyncClient) -> dict[str, Any]:
    """What the board shows."""
    found: dict[str, Any] = (await http.get("/counter/parts")).json()
    return found


async def opened(http: httpx.AsyncClient) -> dict[str, Any]:
    """What the board shows once it knows its bundle."""

    async def look() -> dict[str, Any] | None:
        found = await listed(http)
        return found if found["steps"] else None

    found: dict[str, Any] = await until(look)
    return found


async def rows(http: httpx.AsyncClient, started: Started) -> dict[str, dict[str, Any]]:
    """The rows of one errand, by their steps; only the test knows that they are one errand's."""
    names = {name.removeprefix("errandParts/"): part for part, name in started.names.items()}
    found = (await listed(http))["rows"]
    return {names[each["name"]]: each for each in found if each["name"] in names}


async def come_to(http: httpx.AsyncClient, started: Started, state: str, *parts: str) -> dict[str, Any]:
    """Wait until these parts, all if none is named, are in a state; return the rows."""

    async def look() -> dict[str, Any] | None:
        found = await rows(http, started)
        there = all(each in found and found[each]["state"] == state for each in parts or PARTS)
        return found if there else None

    found: dict[str, Any] = await until(look)
    return found


async def handed_in(http: httpx.AsyncClient, hall: Hall) -> Started:
    """An errand that its holder has begun and submitted, and the board has read."""
    started = await hall.errands.start()
    await come_to(http, started, "asked")
    await started.submit()
    await come_to(http, started, "received")
    return started


def path_of(started: Started, part: str) -> str:
    """Where the board has a part."""
    return f"/counter/parts/{started.names[part].removeprefix('errandParts/')}"


def act(state: str, seen: str = "received", **said: str) -> dict[str, str]:
    """Return a new act."""
    return {"act": new_id(), "seen": seen, "state": state, **said}


async def updates(started: Started, part: str) -> list[tuple[Any, str, str]]:
    """What the holder was told of a part."""
    found = next(each for each in (await started.get()).parts if each.part == part)
    return [(each.state, each.message.zh, each.document) for each in found.updates]


async def states(started: Started, part: str) -> list[Any]:
    """The states that the holder was told of a part."""
    return [each[0] for each in await updates(started, part)]
