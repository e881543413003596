"""Backup and restore: taken while a server writes, whole or not there, and never a way to fork a log."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.ledger.making import make as make_big
from tests import postgres
from tests.zkservice import upkeep_process
from tests.zkservice.damaging import NAME, Made, grow, now, settings_of
from tests.zkservice.server_process import started
from tests.zkservice.stored import dump
from tests.zkservice.support import City, reopened
from tests.zkservice.test_fsck_states import crash
from tlog import Policy
from zkservice.beginning import begin
from zkservice.errors import StartError
from zkservice.sequencer import Sequencer
from zkservice.sequencer import Step as SequencerStep
from zkservice.storage.database import open_engine
from zkservice.upkeep import fsck
from zkservice.upkeep.backup import Step, back_up
from zkservice.upkeep.faults import FaultError, UpkeepError
from zkservice.upkeep.folders import new_folder
from zkservice.upkeep.manifest import Manifest, file_hash
from zkservice.upkeep.restoring import Step as RestoreStep
from zkservice.upkeep.restoring import restore
from zkservice.upkeep.resuming import resume
from zkservice.upkeep.stopped import opened


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("ledger") / "server"
    made = Made(folder, begin(settings_of(folder)))
    asyncio.run(grow(folder, 200))
    return made


def taken(made: Made, target: Path) -> Manifest:
    return back_up(settings_of(made.folder).database_url, made.key, target, now=now())


def test_a_backup_is_the_log_without_its_keys_and_comes_back_marked(sound: Made, tmp_path: Path) -> None:
    manifest = taken(sound, tmp_path / "backup")
    report = sound.check()
    assert (manifest.size, manifest.root, manifest.checked) == (report.size, report.root.hex(), True)
    names = {each.name for each in (tmp_path / "backup").iterdir()}
    assert names == {NAME, "log.vkey", "manifest.json"}, "no master key and no token"
    restored, found = restore(tmp_path / "backup", tmp_path / "again")
    assert (restored, found.size, found.root) == (manifest, report.size, report.root)
    assert found.marks == {"restored": f"size {report.size}, backup of {manifest.made}"}
    before, after = dump(sound.folder), dump(tmp_path / "again")
    del before["ledger_mark"], after["ledger_mark"]
    assert before == after
    assert (tmp_path / "again" / NAME).stat().st_mode & 0o077 == 0


async def _load(town: City, stop: asyncio.Event) -> int:
    """Put records on the log without pause; return how many."""
    done = 0
    while not stop.is_set():
        await town.add_verifier(f"verifier-{done}")
        done += 1
    return done


async def test_a_backup_under_load_is_restored_and_the_server_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    async with started(folder) as process, process.city() as town:
        await town.add_verifier("first")
        stop = asyncio.Event()
        load = asyncio.create_task(_load(town, stop))
        made = Made(folder, fsck.read_keys(folder / "log.vkey"))
        manifests = []
        for number in range(3):
            await asyncio.sleep(0.2)
            manifests.append(await asyncio.to_thread(taken, made, tmp_path / f"backup-{number}"))
        stop.set()
        assert await load > 0
    sizes = [each.size for each in manifests]
    assert sizes == sorted(set(sizes)), "the log went on meanwhile"
    for number, manifest in enumerate(manifests):
        again = tmp_path / f"again-{number}"
        _, report = restore(tmp_path / f"backup-{number}", again)
        assert report.size == manifest.size
        shutil.copytree(folder / "keys", again / "keys")
        with pytest.raises(StartError, match="zk ledger resume"):
            async with reopened(again):
                pass
        assert await resumed(again) == (report.size, True)
        async with started(again) as process, process.city() as town:
            await town.add_verifier("afterwards")
        assert Made(again, made.key).check().size > manifest.size


async def resumed(folder: Path, policy: Policy | None = None) -> tuple[int, bool]:
    async with opened(settings_of(folder)) as (database, _):
        state, restored = await database.write(lambda each: resume(each, policy))
        return state.size, restored


@pytest.mark.parametrize("step", [SequencerStep.LOCKED, SequencerStep.APPLIED])
def test_a_backup_of_between_lock_and_publication_can_be_gone_on_from(
    tmp_path: Path, step: SequencerStep
) -> None:
    """The block that was signed is finished before the mark is gone, and nothing else is signed."""
    made = Made(tmp_path / "server", begin(settings_of(tmp_path / "server")))
    asyncio.run(crash(made.folder, step))
    taken(made, tmp_path / "backup")
    _, report = restore(tmp_path / "backup", tmp_path / "again")
    shutil.copytree(made.folder / "keys", tmp_path / "again" / "keys")
    again = Made(tmp_path / "again", made.key)
    asyncio.run(begun(again.folder))
    found = again.check()
    assert (found.size, found.locked) == (report.size + report.locked, 0)
    assert found.waiting > 0
    assert asyncio.run(resumed(again.folder)) == (found.size, True)
    asyncio.run(grow(again.folder, 1))
    assert again.check().waiting == 0


async def begun(folder: Path) -> None:
    """Start a sequencer, and no more."""
    async with opened(settings_of(folder)) as (database, keys):
        await Sequencer(database, keys, now, max_batch=3).start()


async def test_only_a_log_that_nobody_can_be_asked_about_goes_on_unasked(sound: Made, tmp_path: Path) -> None:
    made = sound.copy(tmp_path / "again")
    assert await resumed(made.folder) == (made.check().size, False)
    made.change("INSERT INTO ledger_mark VALUES ('restored', 'at noon')")
    with pytest.raises(UpkeepError, match="WITNESSES_KNOW"):
        await resumed(made.folder, made.policy)
    made.change("INSERT INTO ledger_anchor SELECT size, checkpoint, 0 FROM ledger_block WHERE height = 1")
    with pytest.raises(UpkeepError, match="WITNESSES_KNOW"):
        await resumed(made.folder)
    made.change("INSERT INTO ledger_mark VALUES ('behind', 'a witness knows more')")
    with pytest.raises(UpkeepError, match="LOG_BEHIND: a witness knows more"):
        await resumed(made.folder)
    assert made.check().marks.keys() == {"behind", "restored"}


async def test_a_log_that_was_never_begun_is_not_resumed(tmp_path: Path) -> None:
    begin(settings_of(tmp_path / "server"))
    with pytest.raises(UpkeepError, match="LOG_NOT_BEGUN"):
        await resumed(tmp_path / "server")


@pytest.mark.parametrize("step", list(Step))
def test_a_backup_that_is_killed_is_not_there_or_is_whole(sound: Made, tmp_path: Path, step: Step) -> None:
    made, target = sound.copy(tmp_path / "server"), tmp_path / "backup"
    upkeep_process.run("backup", made.folder, target, step)
    assert target.exists() == (step is Step.PLACED)
    if step is not Step.PLACED:
        upkeep_process.run("backup", made.folder, target)
    assert not list(tmp_path.glob(".*")), "nothing is left beside it"
    assert restore(target, tmp_path / "again")[1].size == sound.check().size


@pytest.mark.parametrize("step", list(RestoreStep))
def test_a_restore_that_is_killed_is_not_there_or_is_marked(
    sound: Made, tmp_path: Path, step: RestoreStep
) -> None:
    taken(sound, tmp_path / "backup")
    target = tmp_path / "again"
    upkeep_process.run("restore", target, tmp_path / "backup", step)
    assert target.exists() == (step is RestoreStep.PLACED)
    if step is not RestoreStep.PLACED:
        upkeep_process.run("restore", target, tmp_path / "backup")
    assert Made(target, sound.key).check().marks, "the mark stands with the rows"


def test_a_target_that_holds_anything_is_refused(sound: Made, tmp_path: Path) -> None:
    taken(sound, tmp_path / "backup")
    for name in ("backup", "full"):
        (tmp_path / "full").mkdir(exist_ok=True)
        (tmp_path / "full" / "file").write_text("mine")
        before = {each: each.read_bytes() for each in (tmp_path / name).iterdir()}
        with pytest.raises(UpkeepError, match="TARGET_NOT_EMPTY"):
            taken(sound, tmp_path / name)
        with pytest.raises(UpkeepError, match="TARGET_NOT_EMPTY"):
            restore(tmp_path / "backup", tmp_path / name)
        assert {each: each.read_bytes() for each in (tmp_path / name).iterdir()} == before
    (tmp_path / "empty").mkdir()
    restore(tmp_path / "backup", tmp_path / "empty")


def test_two_do_not_fill_one_folder(tmp_path: Path) -> None:
    with (
        new_folder(tmp_path / "target"),
        pytest.raises(UpkeepError, match="TARGET_BUSY"),
        new_folder(tmp_path / "target"),
    ):
        pass
    assert (tmp_path / "target").is_dir()


def test_a_damaged_database_gives_no_backup(sound: Made, tmp_path: Path) -> None:
    made = sound.copy(tmp_path / "server")
    made.flip("ledger_tile", "hashes", '(level, "index") = (0, 0)', 9)
    with pytest.raises(FaultError, match="TILE_CHANGED"):
        taken(made, tmp_path / "backup")
    assert {each.name for each in tmp_path.iterdir()} == {"server"}


def test_a_changed_backup_is_not_restored(sound: Made, tmp_path: Path) -> None:
    manifest = taken(sound, tmp_path / "backup")
    for name in manifest.files:
        path = tmp_path / "backup" / name
        octets = path.read_bytes()
        path.write_bytes(octets[:-1] + bytes([octets[-1] ^ 1]))
        with pytest.raises(UpkeepError, match="BACKUP_CHANGED"):
            restore(tmp_path / "backup", tmp_path / "again")
        path.unlink()
        with pytest.raises(UpkeepError, match="BACKUP_MALFORMED"):
            restore(tmp_path / "backup", tmp_path / "again")
        path.write_bytes(octets)
    assert not (tmp_path / "again").exists()
    with pytest.raises(UpkeepError, match="BACKUP_MALFORMED"):
        restore(tmp_path / "nothing", tmp_path / "again")
    with pytest.raises(UpkeepError, match="DATABASE_OTHER"):
        restore(tmp_path / "backup", tmp_path / "again", url="postgresql+psycopg://x@/y")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", -1),
        ("size", "7"),
        ("size", True),
        ("root", 3),
        ("schema", None),
        ("files", {}),
        ("files", {"../x": "0" * 64}),
        ("files", []),
        ("checked", 1),
        ("format", "other"),
        ("more", 1),
        ("log_key", "no key"),
        ("schema", "0001"),
        ("size", 1),
        ("root", "00"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(
    sound: Made, tmp_path: Path, field: str, value: object
) -> None:
    taken(sound, tmp_path / "backup")
    path = tmp_path / "backup" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises((UpkeepError, FaultError)):
        restore(tmp_path / "backup", tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as running:
        yield running


def test_postgresql_is_backed_up_and_restored_with_its_mark(server: postgres.Server, tmp_path: Path) -> None:
    key = make_big(server.create("backed_up"), 2000)
    manifest = back_up(server.url_of("backed_up"), key, tmp_path / "backup", now=now())
    assert set(manifest.files) == {"service.pgdump", "log.vkey"}
    with pytest.raises(UpkeepError, match="DATABASE_OTHER"):
        restore(tmp_path / "backup", tmp_path / "again")
    with pytest.raises(UpkeepError, match="TARGET_NOT_EMPTY"):
        restore(tmp_path / "backup", tmp_path / "again", url=server.url_of("backed_up"))
    url = server.create("restored")
    _, report = restore(tmp_path / "backup", tmp_path / "again", url=url)
    assert (report.size, report.root.hex()) == (manifest.size, manifest.root)
    assert list(report.marks) == ["restored"]


def test_a_dump_that_breaks_off_leaves_the_database_empty(server: postgres.Server, tmp_path: Path) -> None:
    key = make_big(server.create("breaking"), 2000)
    back_up(server.url_of("breaking"), key, tmp_path / "backup", now=now())
    dumped = tmp_path / "backup" / "service.pgdump"
    dumped.write_bytes(dumped.read_bytes()[:-50_000])
    path = tmp_path / "backup" / "manifest.json"
    told = json.loads(path.read_text())
    told["files"]["service.pgdump"] = file_hash(dumped)
    path.write_text(json.dumps(told))
    url = server.create("broken")
    with pytest.raises(UpkeepError, match="PROGRAM_FAILED"):
        restore(tmp_path / "backup", tmp_path / "again", url=url)
    engine = open_engine(url)
    with engine.connect() as connection:
        tables = connection.exec_driver_sql("select count(*) from pg_tables where schemaname = 'public'")
        assert tables.scalar() == 0
    engine.dispose()
    assert not (tmp_path / "again").exists()
