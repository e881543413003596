"""What a former generation seals is sealed anew, in a database in which everything was done; none is lost."""

import asyncio
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.zkservice.auditing import audit
from tests.zkservice.damaging import now
from tests.zkservice.keyring.living import Lived, all_open, live, sealed_columns
from tests.zkservice.keyring.making import NOW, by_file
from tests.zkservice.keyring.rotation_process import run
from tests.zkservice.stored import change, selected
from tests.zkservice.support import reopened
from zkservice.errors import StartError
from zkservice.keyring import keeping, rotating
from zkservice.keyring import ring as rings
from zkservice.keyring.drill import Drilled, drill
from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.providers import LocalProvider, file_provider
from zkservice.keyring.resealing import Step, counts, reseal
from zkservice.keyring.rotating import rotate
from zkservice.storage.sealed import SEALED
from zkservice.upkeep.backup import back_up
from zkservice.upkeep.fsck import read_keys


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    folder = tmp_path_factory.mktemp("lived")
    return asyncio.run(live(folder / "server", folder / "provider.key"))


@pytest.fixture
def lived(made: Lived, tmp_path: Path) -> Lived:
    shutil.copytree(made.folder, tmp_path / "server")
    return Lived(tmp_path / "server", made.given)


MOVING = {each.name for each in SEALED if each.moves}


def test_every_column_that_holds_a_sealing_is_listed_and_was_lived_in(lived: Lived) -> None:
    with lived.connected() as connection:
        # The log's key was made with the log, under the first generation, and stands in the one such table.
        assert sealed_columns(connection) == MOVING - {"service_secret.sealed"}


def test_every_sealed_value_opens_under_its_listed_label(lived: Lived) -> None:
    with lived.working() as work:
        found = all_open(work)
        assert set(found) == {each.name for each in SEALED}
        assert found["service_secret.sealed"] == [1]
        assert {number for each in found.values() for number in each} == {1, 2}
        assert work.opened.keys.known == (1, 2)


async def test_what_was_sealed_is_sealed_anew_the_former_generation_goes_and_all_goes_on(
    lived: Lived,
) -> None:
    told: list[int] = []
    with lived.working() as work:
        before = {each.name: sum(many.values()) for each, many in counts(work.engine).items() if each.moves}
        with pytest.raises(KeyringError) as caught:
            rotate(work)
        assert caught.value.reason == KeyringReason.ROTATION_UNDER_WAY
        done = reseal(work, settle=0, piece=3, progress=told.append)
        assert (done.values, done.retired) == (sum(told), 1)
        assert done.values > 3
        assert max(told) == 3, "in pieces"
        after = {each.name: dict(many) for each, many in counts(work.engine).items() if each.moves}
        assert after == {name: {2: many} for name, many in before.items()}
        assert work.opened.keys.known == (2,)
        assert reseal(work, settle=0).retired is None
    assert _ring(lived)["current"] == 2
    assert [each["number"] for each in _ring(lived)["generations"]] == [2]
    assert selected(lived.folder, "select number from master_key where sealed is not null") == []
    async with reopened(lived.folder, **lived.given) as town:
        await audit(town)
        await town.add_verifier("afterwards")
    with lived.working() as work:
        assert rotate(work) == 3
        assert all_open(work)
        assert reseal(work, settle=0).retired == 2
        assert set().union(*all_open(work).values()) == {3}


def _ring(lived: Lived) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((lived.folder / "keys" / "keyring.json").read_bytes())
    return found


# Each takes a process that loads all of the service: two tell most, the others are among the long ones.
KILLED = [
    pytest.param(Step.PIECE, 1, marks=pytest.mark.long),
    (Step.PIECE, 4),
    pytest.param(Step.RESEALED, 1, marks=pytest.mark.long),
    (Step.RETIRED, 1),
    pytest.param(Step.FORGOTTEN, 1, marks=pytest.mark.long),
]
ROTATING = [
    rotating.Step.ANNOUNCED,
    pytest.param(rotating.Step.KEPT, marks=pytest.mark.long),
    rotating.Step.CURRENT,
    pytest.param(rotating.Step.TURNED, marks=pytest.mark.long),
]


@pytest.mark.parametrize(("step", "times"), KILLED)
async def test_killed_at_each_step_of_a_resealing(lived: Lived, step: Step, times: int) -> None:
    run("reseal", lived.folder, step, times, **lived.given)
    with lived.working() as work:
        all_open(work)
        reseal(work, settle=0)
        assert set().union(*all_open(work).values()) == {2}
        assert work.opened.keys.known == (2,)
    assert [each["number"] for each in _ring(lived)["generations"]] == [2]
    async with reopened(lived.folder, **lived.given) as town:
        await audit(town)


@pytest.mark.long
def test_an_interrupted_resealing_goes_on_where_it_was(lived: Lived) -> None:
    first = run("reseal", lived.folder, Step.PIECE, 3, **lived.given)
    second = run("reseal", lived.folder, **lived.given)
    with lived.working() as work:
        total = sum(sum(many.values()) for each, many in counts(work.engine).items() if each.moves)
    done = [sum(map(int, each.stdout.split())) for each in (first, second)]
    assert done[0] > 0 < done[1]
    assert sum(done) < total, "what was of the current generation was left alone"


def test_a_value_that_does_not_open_is_named_and_nothing_is_retired(lived: Lived) -> None:
    change(lived.folder, "update service_secret set sealed = zeroblob(60)")
    with lived.working() as work:
        with pytest.raises(KeyringError, match=r"service_secret\.sealed") as caught:
            reseal(work, settle=0)
        assert caught.value.reason == KeyringReason.SEALED_BROKEN
        assert selected(lived.folder, "select state from master_key order by number") == [
            ("former",),
            ("current",),
        ]
    assert [each["number"] for each in _ring(lived)["generations"]] == [1, 2]


@pytest.mark.parametrize("step", ROTATING)
async def test_killed_at_each_step_of_a_rotation(lived: Lived, step: rotating.Step) -> None:
    with lived.working() as work:
        reseal(work, settle=0)
    run("rotate", lived.folder, step, **lived.given)
    async with reopened(lived.folder, **lived.given) as town:
        await town.add_verifier("meanwhile")
        await audit(town)
    with lived.working() as work:
        if step in (rotating.Step.ANNOUNCED, rotating.Step.KEPT):
            assert rotate(work) == 3
        else:  # it was done but for the waiting
            with pytest.raises(KeyringError, match="zk keys reseal"):
                rotate(work)
        all_open(work)
        reseal(work, settle=0)
        assert set().union(*all_open(work).values()) == {3}
    assert [each["number"] for each in _ring(lived)["generations"]] == [3]


# keyrings that are not the database's


async def refused(lived: Lived, match: str) -> str:
    before = selected(lived.folder, "select count(*) from service_secret")
    with pytest.raises(StartError, match=match) as caught:
        async with reopened(lived.folder, **lived.given):
            pass
    assert selected(lived.folder, "select count(*) from service_secret") == before
    return str(getattr(caught.value, "reason", ""))


async def test_a_keyring_of_before_the_rotation_gets_what_the_database_hands_over(
    made: Lived, lived: Lived
) -> None:
    keyring, provider = lived.folder / "keys" / "keyring.json", _provider(made)
    whole = rings.load(keyring.parent, provider)
    rings.save(keyring.parent, whole.turned(1, [2]), provider)
    async with reopened(lived.folder, **lived.given) as town:
        await audit(town)
    assert rings.load(keyring.parent, provider) == whole
    with lived.working() as work:
        reseal(work, settle=0)
    rings.save(keyring.parent, whole.turned(1, [2]), provider)
    assert await refused(lived, "copy keys/keyring.json") == KeyringReason.KEYRING_BEHIND


def _provider(lived: Lived) -> LocalProvider:
    return file_provider(Path(lived.given["key_file"]))


async def test_the_keyring_of_another_folder_is_refused(lived: Lived, tmp_path: Path) -> None:
    other = tmp_path / "other"
    async with reopened(other, **lived.given):
        pass
    shutil.copy(other / "keys" / "keyring.json", lived.folder / "keys" / "keyring.json")
    assert await refused(lived, "not the one") == KeyringReason.KEYRING_OTHER


async def test_a_handed_over_generation_that_was_changed_is_refused(lived: Lived) -> None:
    folder, provider = lived.folder / "keys", _provider(lived)
    rings.save(folder, rings.load(folder, provider).turned(1, [2]), provider)
    cut = "cast(substr(sealed, 1, length(sealed) - 1) || x'00' as blob)"
    change(lived.folder, f"update master_key set sealed = {cut} where number = 2")
    assert await refused(lived, "generation 2") == KeyringReason.KEYRING_OTHER
    change(lived.folder, "update master_key set check_value = 'x' where number = 1")
    assert await refused(lived, "generation 1") == KeyringReason.KEYRING_OTHER


async def test_a_server_without_the_provider_says_what_is_missing(lived: Lived) -> None:
    bare = Lived(lived.folder, {})
    assert await refused(bare, "set key_provider") == KeyringReason.PROVIDER_MISSING


# another provider, backup, drill


async def test_rewrapped_the_server_starts_with_the_other_provider_alone(
    lived: Lived, tmp_path: Path
) -> None:
    other = by_file(tmp_path / "other.key")
    with lived.working() as work:
        with pytest.raises(KeyringError) as caught:
            rotating.rewrap(work, _provider(Lived(lived.folder, other)))
        assert caught.value.reason == KeyringReason.ROTATION_UNDER_WAY
        reseal(work, settle=0)
        rotating.rewrap(work, _provider(Lived(lived.folder, other)))
    assert await refused(lived, "does not open") == KeyringReason.KEY_WRONG
    async with reopened(lived.folder, **other) as town:
        await audit(town)


def backups(lived: Lived, folder: Path) -> tuple[Path, Path]:
    url = f"sqlite:///{lived.folder / 'service.sqlite3'}"
    back_up(url, read_keys(lived.folder / "log.vkey"), folder / "database", now=now())
    keeping.back_up(lived.folder / "keys", _provider(lived), folder / "keyring", NOW)
    return folder / "database", folder / "keyring"


def scratches() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("zk-drill-*"))


def drilled(lived: Lived, database: Path, keyring: Path) -> Drilled:
    return drill(database, keyring, _provider(lived))


def test_a_drill_opens_everything_and_leaves_nothing(lived: Lived, tmp_path: Path) -> None:
    database, keyring = backups(lived, tmp_path)
    files = {each: each.read_bytes() for each in (*database.iterdir(), *keyring.iterdir())}
    done = drilled(lived, database, keyring)
    with lived.working() as work:
        counted = {each.name: sum(many.values()) for each, many in counts(work.engine).items()}
    assert dict(done.values) == counted
    assert set(done.generations) == {1, 2}
    assert (done.log_keys, done.issuer_keys) == (1, counted["issuer_key.sealed_secret"])
    assert done.size > 100
    assert not scratches()
    assert {each: each.read_bytes() for each in (*database.iterdir(), *keyring.iterdir())} == files


def test_a_keyring_backup_holds_no_key_in_the_open(lived: Lived, tmp_path: Path) -> None:
    _, keyring = backups(lived, tmp_path)
    octets = b"".join(each.read_bytes() for each in keyring.iterdir())
    ring = rings.load(lived.folder / "keys", _provider(lived))
    for secret in (*(each.master for each in ring.generations), ring.derivation):
        for form in (secret, secret.hex().encode()):
            assert form not in octets
    assert {each.name for each in keyring.iterdir()} == {"keyring.json", "manifest.json"}
    assert all(each.stat().st_mode & 0o077 == 0 for each in keyring.iterdir())


def test_a_drill_finds_what_does_not_belong_together(lived: Lived, tmp_path: Path) -> None:
    database, keyring = backups(lived, tmp_path)
    with pytest.raises(KeyringError) as caught:
        drill(database, keyring, LocalProvider("file", bytes(32)))
    assert caught.value.reason == KeyringReason.KEY_WRONG
    with lived.working() as work:
        reseal(work, settle=0)
    keeping.back_up(lived.folder / "keys", _provider(lived), tmp_path / "later", NOW)
    with pytest.raises(KeyringError, match="lacks generation 1") as caught:
        drilled(lived, database, tmp_path / "later")
    assert caught.value.reason == KeyringReason.KEYRING_BEHIND
    assert not scratches()


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (
            "update issuer_key set sealed_secret = (select max(sealed_secret) from issuer_key)",
            "SEALED_BROKEN",
        ),
        ("update answer set sealed_opening = zeroblob(80)", "SEALED_BROKEN"),
        ("update event set sealed_opening = x''", "SEALED_BROKEN"),
        ("update issuer_key set public_key = zeroblob(96)", "SEALED_BROKEN"),
    ],
)
def test_a_drill_finds_a_value_that_does_not_open(
    lived: Lived, tmp_path: Path, statement: str, reason: str
) -> None:
    change(lived.folder, statement)
    with pytest.raises(KeyringError) as caught:
        drilled(lived, *backups(lived, tmp_path))
    assert caught.value.reason == KeyringReason.SEALED_BROKEN
    assert not scratches()


def test_a_backup_that_was_changed_is_refused_and_nothing_is_written_over(
    lived: Lived, tmp_path: Path
) -> None:
    _, keyring = backups(lived, tmp_path)
    whole = {each.name: each.read_bytes() for each in keyring.iterdir()}
    for name, sound in whole.items():
        for octets in (b"", sound[:-2], sound.replace(b"file", b"fily", 1)):
            (keyring / name).write_bytes(octets)
            (keyring / name).chmod(0o600)
            with pytest.raises(KeyringError) as caught:
                keeping.restore(keyring, tmp_path / "restored", _provider(lived))
            assert caught.value.reason in (KeyringReason.BACKUP_CHANGED, KeyringReason.BACKUP_MALFORMED)
        (keyring / name).write_bytes(sound)
    assert not (tmp_path / "restored" / "keyring.json").exists()
    keeping.restore(keyring, tmp_path / "restored", _provider(lived))
    assert (tmp_path / "restored" / "keyring.json").read_bytes() == whole["keyring.json"]
    with pytest.raises(KeyringError) as caught:
        keeping.restore(keyring, tmp_path / "restored", _provider(lived))
    assert caught.value.reason == KeyringReason.KEYRING_EXISTS
