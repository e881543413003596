"""What the program that was released before has written, and this one goes on with: the folder, the database.

Servers that are replaced under traffic are in test_rolling_upgrade.py, and each schema with rows in all of
its tables in test_schema_upgrades.py. Here a server is stopped and its operator starts the next release.
"""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests import former
from tests.former import ROOT
from tests.zkservice.keyring.making import by_file
from tests.zkservice.stores import Store
from tests.zkservice.test_rolling_upgrade import FORMER, SECONDS, Traffic, running
from zk.exits import Exit
from zkservice.config import Settings
from zkservice.keyring.opening import open_keys
from zkservice.storage import schema_version
from zkservice.storage.database import open_engine
from zkservice.upkeep import fsck


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
async def test_what_the_release_before_has_written_goes_on(
    request: pytest.FixtureRequest, tmp_path: Path, store: str
) -> None:
    """Answered, begun and promised there; answered again, finished and kept here, with its key wrapped."""
    program = former.tree()
    stored = Store.on(request.getfixturevalue("postgresql") if store == "postgresql" else None)
    folder, settings = tmp_path / "server", stored.settings
    async with running(program, folder, **settings) as server, server.city() as town:
        await town.furnish()
        traffic = Traffic([town])
        issued = await traffic.issued()
        for _ in range(3):
            await traffic.presented(issued)
        promised, asked = await town.issue(), town.request()
        begun = await town.ask(asked)
        await server.end()
    assert await refused(folder, settings), "a schema is brought up by whoever says so, and by no start"
    assert schema(stored, tmp_path, folder) == FORMER
    given = settings | by_file(tmp_path / "provider.key")
    async with running(ROOT, folder, "--upgrade", **given) as server, server.city() as again:
        again.department_token, again.verifier_keys = town.department_token, town.verifier_keys
        traffic.towns = [again]
        await traffic.check()
        claimed = await again.claim(promised)
        submission = again.submission(begun, *again.present(asked, issued))
        traffic.submissions.append((submission, await again.presentation.SubmitPresentation(submission)))
        await traffic.presented(claimed)
        await traffic.presented(await traffic.issued())
        await traffic.check()
        await server.end()
    assert schema(stored, tmp_path, folder) == schema_version.newest() != FORMER
    assert not (folder / "keys" / "master.key").exists()
    check(Settings(data=folder, dev=True, **given), len(traffic.submissions))


async def refused(folder: Path, settings: dict[str, Any]) -> bool:
    """Start this program without being told to upgrade; tell whether it says so and ends."""
    handle = await former.serve(ROOT, folder, **settings)
    async with asyncio.timeout(SECONDS):
        code = await handle.wait()
    assert handle.stdout is not None
    said = (folder / "server.log").read_text() + (await handle.stdout.read()).decode()
    return code == Exit.NOT_STARTED and "run zk serve --upgrade once" in said


def schema(store: Store, tmp_path: Path, folder: Path) -> str:
    of = folder if store.server is None else tmp_path
    return str(store.select(of, "select version_num from alembic_version")[0][0])


def check(settings: Settings, receipts: int) -> None:
    """See that the whole log is sound, and that this program's keyring has the former program's key."""
    engine = open_engine(settings.database_url)
    try:
        with engine.connect() as connection:
            report = fsck.check(connection, [fsck.read_keys(settings.data / "log.vkey")])
    finally:
        engine.dispose()
    assert report.receipts == receipts
    assert open_keys(settings, make=False).keys.known == (1,)
