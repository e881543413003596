"""Programs of two versions on one database: what a former one tolerates, and what is kept from it.

The newer program has two migrations on top of those that there are: 9001 expands, 9002 contracts and leaves
nothing to programs of before 9001.
"""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from tests import postgres
from tests.zkservice.damaging import Made, grow, now, settings_of
from tests.zkservice.stores import Store, replica
from tests.zkservice.support import reopened
from zkservice import presence
from zkservice.beginning import begin
from zkservice.errors import StartError
from zkservice.storage import schema_version
from zkservice.storage.database import open_engine
from zkservice.upkeep.backup import back_up
from zkservice.upkeep.faults import FaultError, UpkeepError
from zkservice.upkeep.restoring import restore
from zkservice.upkeep.stopped import opened

PRESENT: Final = schema_version.newest()
EXPAND: Final = f"""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9001", "{PRESENT}"

def upgrade():
    op.create_table("novelty", sa.Column("id", sa.Integer, primary_key=True))
    op.add_column("verifier", sa.Column("novelty", sa.Integer, server_default="7"))
"""
CONTRACT: Final = """
from alembic import op

revision, down_revision = "9002", "9001"
oldest_program = "9001"

def upgrade():
    op.drop_table("novelty")  # what no program of the tests uses: the one that runs would miss it
"""


class Programs:
    """Says which program this process is: that of the tree, or one with more migrations."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch, present = monkeypatch, schema_version._MIGRATIONS
        self._folders = [present]
        for number, extra in enumerate(((EXPAND,), (EXPAND, CONTRACT))):
            migrations = folder / f"migrations-{number}"
            shutil.copytree(present, migrations, ignore=shutil.ignore_patterns("__pycache__"))
            for at, each in enumerate(extra):
                (migrations / "versions" / f"900{at + 1}_.py").write_text(each)
            self._folders.append(migrations)

    def be(self, number: int) -> None:
        """Be the program of so many extra migrations."""
        self._monkeypatch.setattr(schema_version, "_MIGRATIONS", self._folders[number])


@pytest.fixture
def programs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(tmp_path_factory.mktemp("programs"), monkeypatch)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "sqlite":
        return Store()
    return Store.on(request.getfixturevalue("postgresql"))


def url_of(store: Store, folder: Path) -> str:
    return str(store.settings.get("database", f"sqlite:///{folder / 'service.sqlite3'}"))


def upgrade(url: str) -> None:
    engine = open_engine(url)
    try:
        schema_version.upgrade(engine)
    finally:
        engine.dispose()


def stated(url: str) -> tuple[str | None, str | None]:
    """Return the version of a database and the oldest program that it says to tolerate."""
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            return schema_version.version_of(connection), schema_version.oldest_of(connection)
    finally:
        engine.dispose()


def execute(url: str, statement: str) -> list[Any]:
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            found = connection.execute(text(statement))
            return list(found.all()) if found.returns_rows else []
    finally:
        engine.dispose()


async def refused(folder: Path, **settings: Any) -> str:
    with pytest.raises(StartError) as caught:
        async with reopened(folder, **settings):
            pass
    return str(caught.value)


async def test_a_newer_schema_that_tolerates_this_program_is_run_on_with_a_warning(
    store: Store, tmp_path: Path, programs: Programs
) -> None:
    url = url_of(store, tmp_path)
    async with reopened(tmp_path, **store.settings) as town:
        await town.add_verifier("before")
    programs.be(1)
    upgrade(url)
    assert stated(url) == ("9001", "0022")
    programs.be(0)
    with capture_logs() as told:
        async with reopened(tmp_path, **store.settings) as town:
            await town.add_verifier("after")
        assert execute(url, "select count(*), min(novelty) from verifier") == [(2, 7)]
    upgrade(url)  # of a former program: there is nothing that it could do
    assert stated(url) == ("9001", "0022")
    warned = [each for each in told if each["log_level"] == "warning"]
    assert [(each["event"], each["schema"], each["program"]) for each in warned] == [
        ("the schema is a newer one", "9001", PRESENT)
    ]


async def test_a_newer_schema_that_does_not_tolerate_this_program_is_refused_and_left_alone(
    store: Store, tmp_path: Path, programs: Programs
) -> None:
    url = url_of(store, tmp_path)
    async with reopened(tmp_path, **store.settings):
        pass
    programs.be(2)
    upgrade(url)
    assert stated(url) == ("9002", "9001")
    programs.be(0)
    assert "does not tolerate this one" in await refused(tmp_path, **store.settings)
    assert execute(url, "select count(*) from running_server") == [(0,)]
    programs.be(1)
    engine = open_engine(url)
    assert schema_version.require_newest(engine) == "9002", "the program of 9001 is tolerated"
    engine.dispose()


def test_a_schema_that_is_made_whole_says_whom_it_tolerates(
    store: Store, tmp_path: Path, programs: Programs
) -> None:
    url = url_of(store, tmp_path)
    programs.be(2)
    engine = open_engine(url)
    schema_version.require_newest(engine)
    engine.dispose()
    assert stated(url) == ("9002", "9001")


@pytest.mark.parametrize(
    "damage",
    ["update schema_rule set oldest_program = ''", "delete from schema_rule", "drop table schema_rule"],
)
async def test_a_newer_schema_that_says_nothing_is_refused(
    store: Store, tmp_path: Path, programs: Programs, damage: str
) -> None:
    url = url_of(store, tmp_path)
    async with reopened(tmp_path, **store.settings):
        pass
    programs.be(1)
    upgrade(url)
    execute(url, damage)
    programs.be(0)
    assert "does not tolerate this one" in await refused(tmp_path, **store.settings)


@pytest.fixture
def running_store(postgresql: postgres.Server) -> Store:
    return Store.on(postgresql)


async def test_servers_that_run_hinder_what_they_do_not_tolerate_and_nothing_else(
    running_store: Store, tmp_path: Path, programs: Programs
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    url = url_of(running_store, first)
    async with reopened(first, **running_store.settings) as town:
        replica(second, first)
        ((name, schema),) = execute(url, "select id, schema from running_server")
        assert schema == PRESENT
        programs.be(2)
        with pytest.raises(StartError, match="9002 needs programs of schema 9001") as caught:
            upgrade(url)
        assert name in str(caught.value)
        assert stated(url) == (PRESENT, "0022"), "nothing of it is done"
        programs.be(1)
        upgrade(url)
        await town.add_verifier("served-by-the-former")
        async with reopened(second, **running_store.settings) as newer:
            await newer.add_verifier("served-by-the-newer")
            programs.be(2)
            with pytest.raises(StartError, match=name):
                upgrade(url)
            programs.be(0)
            await town.add_verifier("served-by-the-former-again")
    programs.be(1)
    async with reopened(second, **running_store.settings) as newer:
        programs.be(2)
        upgrade(url)
        assert stated(url) == ("9002", "9001"), "a server of 9001 tolerates it"
        await newer.add_verifier("after-all")


async def test_a_killed_server_hinders_for_three_minutes(
    running_store: Store, tmp_path: Path, programs: Programs
) -> None:
    async with reopened(tmp_path, **running_store.settings):
        pass
    url = url_of(running_store, tmp_path)
    for name, age, hinders in (("killed-just-now", 179, True), ("killed-before", 181, False)):
        execute(
            url,
            f"insert into running_server values ('{name}', '0', '{PRESENT}', "
            f"(extract(epoch from clock_timestamp()) * 1000)::bigint - {age * 1000})",
        )
        programs.be(2)
        if hinders:
            with pytest.raises(StartError, match=name):
                upgrade(url)
            execute(url, "delete from running_server")
        else:
            upgrade(url)


async def test_a_server_that_was_taken_for_gone_ends_when_it_finds_what_has_become_of_its_schema(
    running_store: Store, tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "_BEAT_SECONDS", 0.2)
    failed, url = asyncio.Event(), url_of(running_store, tmp_path)

    async def frozen_while_it_was_contracted() -> None:
        async with reopened(tmp_path, failed, **running_store.settings):
            execute(url, "update running_server set seen = 0")
            engine = open_engine(url)
            with engine.connect().execution_options(writing=True) as connection:
                connection.execute(text("update schema_rule set oldest_program = '9001'"))
                connection.execute(text("update alembic_version set version_num = '9002'"))
                connection.commit()
            engine.dispose()
            async with asyncio.timeout(10):
                await failed.wait()

    with pytest.raises(StartError, match="does not tolerate this one"):
        await frozen_while_it_was_contracted()


async def test_a_server_says_again_that_it_runs(
    running_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "_BEAT_SECONDS", 0.1)
    url = url_of(running_store, tmp_path)
    async with reopened(tmp_path, **running_store.settings):
        execute(url, "update running_server set seen = 0")
        async with asyncio.timeout(10):
            while execute(url, "select seen from running_server") == [(0,)]:
                await asyncio.sleep(0.05)
    assert execute(url, "select * from running_server") == [], "and that it has ended"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("ledger") / "server"
    made = Made(folder, begin(settings_of(folder)))
    asyncio.run(grow(folder, 20))
    return made


@pytest.fixture
def ledger(sound: Made, tmp_path: Path) -> Made:
    shutil.copytree(sound.folder, tmp_path / "ledger")
    return Made(tmp_path / "ledger", sound.key)


def reason_of(act: Callable[[], object]) -> str:
    try:
        act()
    except (FaultError, UpkeepError) as error:
        return str(error.reason)
    return "nothing"


async def test_upkeep_works_on_a_newer_schema_that_tolerates_this_program_alone(
    ledger: Made, tmp_path: Path, programs: Programs
) -> None:
    url = settings_of(ledger.folder).database_url
    programs.be(1)
    upgrade(url)
    programs.be(0)
    assert ledger.check().schema == "9001"
    manifest = back_up(url, ledger.key, tmp_path / "tolerated", now=now())
    assert (manifest.schema, manifest.oldest_program) == ("9001", "0022")
    restored, _ = restore(tmp_path / "tolerated", tmp_path / "again")
    assert restored == manifest
    async with opened(settings_of(ledger.folder)):
        pass

    programs.be(2)
    upgrade(url)
    back_up(url, ledger.key, tmp_path / "newer", now=now())
    programs.be(0)
    assert reason_of(ledger.check) == "SCHEMA_MISMATCH"
    assert reason_of(lambda: back_up(url, ledger.key, tmp_path / "x", now=now())) == "SCHEMA_MISMATCH"
    assert reason_of(lambda: restore(tmp_path / "newer", tmp_path / "y")) == "BACKUP_OF_OTHER_SCHEMA"
    with pytest.raises(StartError, match="does not tolerate this one"):
        async with opened(settings_of(ledger.folder)):
            pass


def test_a_backup_of_before_there_was_such_a_word_is_told_apart_from_a_broken_one(
    ledger: Made, tmp_path: Path
) -> None:
    back_up(settings_of(ledger.folder).database_url, ledger.key, tmp_path / "old", now=now())
    path = tmp_path / "old" / "manifest.json"
    said = json.loads(path.read_text())
    del said["oldest_program"]
    path.write_text(json.dumps(said | {"schema": "0021"}))
    assert reason_of(lambda: restore(tmp_path / "old", tmp_path / "y")) == "BACKUP_OF_OTHER_SCHEMA"
