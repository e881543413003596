"""Backups where others can write, folders of strange names, and URLs that have secrets in them."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from benchmarks.ledger.making import make as make_big
from tests import postgres
from tests.zkservice.damaging import Made, grow, now, settings_of
from zkservice.beginning import begin
from zkservice.errors import StartError
from zkservice.storage import copying
from zkservice.upkeep.backup import back_up
from zkservice.upkeep.faults import UpkeepError
from zkservice.upkeep.folders import new_folder
from zkservice.upkeep.manifest import Manifest
from zkservice.upkeep.restoring import restore


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("ledger") / "server"
    made = Made(folder, begin(settings_of(folder)))
    asyncio.run(grow(folder, 50))
    return made


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as running:
        yield running


def taken(made: Made, target: Path) -> Manifest:
    return back_up(settings_of(made.folder).database_url, made.key, target, now=now())


class TestPlanted:
    """What somebody else has put where a backup is written before it is whole."""

    @pytest.fixture
    def victim(self, tmp_path: Path) -> Path:
        (tmp_path / "victim").mkdir(mode=0o700)
        (tmp_path / "victim" / "precious").write_text("mine")
        return tmp_path / "victim"

    def refused(self, made: Made, tmp_path: Path) -> None:
        with pytest.raises(UpkeepError, match="TARGET_UNSAFE"):
            taken(made, tmp_path / "backup")
        assert not (tmp_path / "backup").exists()

    def test_a_link_is_not_followed(self, sound: Made, tmp_path: Path, victim: Path) -> None:
        (tmp_path / ".backup.writing").symlink_to(victim)
        self.refused(sound, tmp_path)
        assert [each.name for each in victim.iterdir()] == ["precious"]
        assert (tmp_path / ".backup.writing").is_symlink()

    @pytest.mark.parametrize("mode", [0o770, 0o707, 0o750, 0o701])
    def test_a_folder_that_others_can_use_is_not(self, sound: Made, tmp_path: Path, mode: int) -> None:
        (tmp_path / ".backup.writing").mkdir()
        (tmp_path / ".backup.writing").chmod(mode)
        self.refused(sound, tmp_path)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder away")
    def test_a_folder_of_somebody_else_is_not(self, sound: Made, tmp_path: Path) -> None:
        (tmp_path / ".backup.writing").mkdir(mode=0o700)
        os.chown(tmp_path / ".backup.writing", 12345, 12345)
        self.refused(sound, tmp_path)

    def test_a_file_is_not(self, sound: Made, tmp_path: Path) -> None:
        (tmp_path / ".backup.writing").write_text("mine")
        self.refused(sound, tmp_path)

    def test_what_is_exchanged_meanwhile_is_neither_filled_nor_emptied(
        self, tmp_path: Path, victim: Path
    ) -> None:
        def exchange(filling: Path) -> None:
            filling.rename(tmp_path / "away")
            victim.rename(filling)

        with pytest.raises(UpkeepError, match="TARGET_UNSAFE"), new_folder(tmp_path / "backup") as filling:
            exchange(filling)
        assert (tmp_path / ".backup.writing" / "precious").exists()
        assert not (tmp_path / "backup").exists()


class TestSecretsOfAUrl:
    """Nobody reads them in the list of processes."""

    def said(self, query: str) -> tuple[str, Mapping[str, str], str]:
        url = make_url(f"postgresql+psycopg://u:first@h:5/d?{query}")
        with copying._connecting(url) as (where, environment):
            path = environment.get("PGSERVICEFILE")
            if path is None:
                return where, environment, ""
            assert Path(path).stat().st_mode & 0o077 == 0
            return where, environment, Path(path).read_text()

    def test_passwords_are_not_arguments(self) -> None:
        where, environment, services = self.said("password=second&sslpassword=third&sslkey=%2Fa%20b")
        assert where == "user='u' host='h' port='5' dbname='d' sslkey='/a b'"
        assert environment["PGPASSWORD"] == "second", "as the driver reads it"
        assert services == "[database]\nsslpassword=third\n"
        assert (environment["PGSERVICE"], Path(environment["PGSERVICEFILE"]).exists()) == ("database", False)
        where, environment, _ = self.said("sslmode=require")
        assert (environment["PGPASSWORD"], "PGSERVICEFILE" in environment) == ("first", False)
        assert where.endswith("sslmode='require'")

    @pytest.mark.parametrize(
        "query", ["sslpassword=x&service=mine", "sslpassword=x%0Ahost=y", "sslpassword=%20x"]
    )
    def test_what_a_service_file_cannot_say_is_refused(self, query: str) -> None:
        with pytest.raises(StartError, match="sslpassword cannot be handed"):
            self.said(query)

    def test_a_password_of_the_query_reaches_the_programs(
        self, server: postgres.Server, tmp_path: Path
    ) -> None:
        """As a variable, and one of a key through the service file, which the programs find."""
        url = server.create("secretive")
        key = make_big(url, 300)
        longer = make_url(url).update_query_dict({"password": "x", "sslpassword": "y"})
        plain = longer.render_as_string(hide_password=False)
        assert back_up(plain, key, tmp_path / "backup", now=now()).size > 300


@pytest.mark.parametrize("name", ["a%62", "a?b", "a#b", "a b", "ä"])
def test_a_folder_of_any_name_is_the_one_that_is_read(sound: Made, tmp_path: Path, name: str) -> None:
    """In a URL, and for SQLite, `a%62` is another folder's name, and a name ends at other signs."""
    made = sound.copy(tmp_path / name)
    made.change("INSERT INTO ledger_mark VALUES ('restored', 'this one')")
    sound.copy(tmp_path / "ab")
    assert made.check().marks == {"restored": "this one"}
    taken(made, tmp_path / f"backup {name}")
    _, report = restore(tmp_path / f"backup {name}", tmp_path / f"again {name}")
    assert report.marks == {"restored": "this one"}
