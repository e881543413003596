"""`zk web serve --errand` as a process that is killed: what was acknowledged stands there afterwards."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.running import start
from tests.web_edge.boarding import act, clerk, come_to, handed_in, own, path_of, states
from tests.web_edge.halls import Hall, hall_of
from tests.web_edge.standing import Standing, some_pages
from tests.zkservice.support import City, city
from zk.exits import Exit
from zkproto.v1 import errand_pb2 as pb

SECONDS = 120


@asynccontextmanager
async def _served(town: City, hall: Hall, pages: Path) -> AsyncIterator[tuple[Standing, str]]:
    """The command over the hall's home, until it is killed; with the code of its counter."""
    name = hall.errands.bundle.counters[0].verifier.verifier
    data, root = town.ready.data, town.ready.data / "ca.pem"
    process = start(
        "web", "serve", "--pages", pages, "--port", "0", "--home", hall.home.path, "--as", name, "--json",
        "--errand", hall.bundle, "--errand-policy", hall.policy,
        "--certificate", data / "server.pem", "--private-key", data / "server.key",
    )  # fmt: skip
    try:
        assert process.stdout is not None
        ready = json.loads(await asyncio.to_thread(process.stdout.readline))
        origin = ready["address"].rstrip("/")
        code = hall.home.verifier_key(name).with_suffix(".counter").read_text().strip()
        async with httpx.AsyncClient(
            base_url=origin, verify=ssl.create_default_context(cafile=str(root)), timeout=60
        ) as http:
            yield Standing(ready["port"], http, origin, root), code
    finally:
        process.kill()
        await asyncio.to_thread(process.communicate)


@pytest.mark.asyncio
async def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    some_pages(pages)
    async with city(tmp_path / "server") as town:
        hall = await hall_of(town, tmp_path, 703)
        async with _served(town, hall, pages) as (edge, code), clerk(edge, code) as http:
            assert (await http.get("/counter/purposes")).json()["purposes"] == []
            started = await handed_in(http, hall)
            said, path = act("done", document="370102-1"), path_of(started, "birth")
            assert (await http.post(path, json=said, headers=own(edge))).status_code == 200
        async with _served(town, hall, pages) as (edge, code), clerk(edge, code) as http:
            await come_to(http, started, "received", "household", "insurance")
            sheet = (await http.get(path)).json()
            assert [each["document"] for each in sheet["decisions"]] == ["370102-1"]
            assert any("王小明" in each for each in sheet["zh"])
            assert (await http.post(path, json=said, headers=own(edge))).status_code == 200
        told = [pb.ERRAND_PART_STATE_RECEIVED, pb.ERRAND_PART_STATE_DONE]
        assert await states(started, "birth") == told


def test_a_bundle_without_a_policy_opens_nothing(tmp_path: Path) -> None:
    some_pages(tmp_path / "pages")
    given = ("--pages", tmp_path / "pages", "--port", "0", "--home", tmp_path, "--errand", "newborn@1")
    process = start("web", "serve", *given, "--json")
    out, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, json.loads(out)["error"]["reason"]) == (Exit.USAGE, "ERRAND_AND_POLICY")
    assert "--errand-policy" in err
