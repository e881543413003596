"""What a regulator's commands tell of how far things are: in steps, of nobody, and with a token alone."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from disclosure import civil_date
from tests.cli.running import Done, refused, start
from tests.web_edge.halls import trusting
from tests.web_edge.standing import endpoint_of
from tests.zkservice import queueing
from tests.zkservice.counting import access
from tests.zkservice.pushes import Pusher, record
from tests.zkservice.support import PERMIT, City, city
from zk.clients.progress import MOST, ProgressClient
from zk.exits import Exit
from zkservice.figures import LEAST_TOLD

pytestmark = pytest.mark.asyncio(loop_scope="module")
TODAY = civil_date(dt.datetime.now(dt.UTC))
DAY = dt.timedelta(days=1)
ITEM = "departments/police/items/residence_permit"
RECORDS = 11
SECONDS = 120


@dataclass
class Office:
    """A regulator's home at a city, with its token."""

    town: City
    home: Path
    token: str

    async def zk(self, *arguments: object, home: Path | None = None) -> Done:
        """Run a command of the regulator's as a process, while the city goes on here."""
        process = start("regulator", *arguments, "--home", home or self.home)
        out, err = await asyncio.to_thread(process.communicate, timeout=SECONDS)
        return Done(process.returncode, out, err)

    async def json(self, *arguments: object) -> dict[str, Any]:
        done = await self.zk(*arguments, "--json")
        assert done.code == 0, done.err
        told: dict[str, Any] = done.json
        return told


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """A city in which things wait, were decided and are pushed."""
    folder = tmp_path_factory.mktemp("progress")
    async with city(folder / "server") as town:
        queueing.put(town.ready.data, "open", 11, 40)
        queueing.put(town.ready.data, "refused", 7, 20, 2)
        queueing.put(town.ready.data, "approved", 16, 20, 2)
        queueing.put(town.ready.data, "cancelled", 4, 20, 1)
        pusher = Pusher(town, town.department_token)
        for times in (RECORDS, LEAST_TOLD, LEAST_TOLD - 1):
            await pusher.push([record(f"{times}-{each}") for each in range(times)])
        token, home = await access(town), trusting(town, folder / "office").path
        kept = home / "regulators" / "finance.token"
        kept.parent.mkdir(mode=0o700)
        kept.write_text(token)
        kept.chmod(0o600)
        yield Office(town, home, token)


async def test_applications_are_told_in_steps_of_days_that_are_over(office: Office) -> None:
    told = await office.json("applications")
    assert (told["least"], told["until"]) == (LEAST_TOLD, str(TODAY - DAY))
    assert (told["from"], told["to"]) == (str(TODAY - 30 * DAY), str(TODAY - DAY))
    assert told["waiting"] == [{"item": ITEM, "count": 10, "oldest_days": 39}]
    assert told["decided"] == [
        {"day": str(TODAY - 2 * DAY), "department": "departments/police",
         "approved": 15, "refused": 5, "cancelled": 0},
    ]  # fmt: skip
    elsewhere = await office.json("applications", "--department", "departments/hrss")
    assert (elsewhere["waiting"], elsewhere["decided"]) == ([], [])
    before = ("--from", TODAY - 20 * DAY, "--to", TODAY - 10 * DAY)
    assert (await office.json("applications", *before))["decided"] == []


async def test_pushes_are_told_the_newest_first_and_small_ones_not_at_all(office: Office) -> None:
    told = await office.json("pushes")
    assert told["least"] == LEAST_TOLD
    assert [each["issued"] for each in told["pushes"]] == [LEAST_TOLD, RECORDS - RECORDS % LEAST_TOLD]
    for each in told["pushes"]:
        assert (each["schema"], each["day"]) == (str(PERMIT.name), str(TODAY))
        assert each["state"] in {"running", "standing"}
    one = await office.json("pushes", "--count", 1)
    assert one["pushes"] == told["pushes"][:1]
    assert len({each["id"] for each in told["pushes"]}) == len(told["pushes"])


async def test_a_list_of_many_pages_is_read_to_its_end(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zk.clients.progress.MOST", 1)

    def read() -> list[str]:
        with ProgressClient(endpoint_of(office.town), office.token) as client:
            return [each.id for each in client.pushes(MOST)[0]]

    told = await asyncio.to_thread(read)
    assert told == [each["id"] for each in (await office.json("pushes"))["pushes"]]


@pytest.mark.parametrize(("lang", "words"), [("en", "stands still|goes on"), ("zh", "停滞|进行中")])
async def test_people_read_tables_in_both_languages(office: Office, lang: str, words: str) -> None:
    queue = (await office.zk("applications", "--lang", lang)).out
    pushed = (await office.zk("pushes", "--lang", lang)).out
    for each in (queue, pushed):
        assert str(LEAST_TOLD) in each
        assert "somebody" not in each
    assert "39" in queue
    assert any(each in pushed for each in words.split("|"))


async def test_without_a_regulators_token_nothing_is_told(office: Office, tmp_path: Path) -> None:
    (guessed := tmp_path / "token").write_text("guessed\n")
    for command in ("applications", "pushes"):
        refused(await office.zk(command, "--token-file", guessed, "--json"), Exit.REFUSED, "TOKEN_INVALID")
        bare = trusting(office.town, tmp_path / command).path
        refused(await office.zk(command, "--json", home=bare), Exit.USAGE, "REGULATOR_UNCLEAR")


async def test_days_that_are_none_or_are_not_over_are_refused(office: Office) -> None:
    odd = await office.zk("applications", "--from", "yesterday", "--json")
    refused(odd, Exit.USAGE, "DATE_INVALID")
    late = await office.zk("applications", "--to", TODAY, "--json")
    refused(late, Exit.REFUSED, "FIELD_INVALID")
    long = await office.zk("applications", "--from", TODAY - 60 * DAY, "--json")
    refused(long, Exit.REFUSED, "FIELD_INVALID")
    refused(await office.zk("pushes", "--count", 0, "--json"), Exit.USAGE, "USAGE")
