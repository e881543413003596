"""`zk ledger fsck`, `backup`, `restore` and `forward`: exit codes, documents, both languages."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.cli.running import zk
from tests.zkservice.damaging import Made, grow, settings_of
from tests.zkservice.test_forward import mirrored
from zk.exits import Exit
from zk.messages import TABLES
from zkservice.beginning import begin
from zkservice.upkeep.faults import FaultReason, UpkeepReason


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("ledger") / "server"
    found = Made(folder, begin(settings_of(folder)))
    asyncio.run(grow(folder, 120))
    return found


def test_every_reason_is_said_in_both_languages() -> None:
    for reason in (*FaultReason, *UpkeepReason):
        assert all(f"reason.{reason}" in table for table in TABLES.values()), reason


def test_a_sound_ledger_and_its_speed(made: Made) -> None:
    done = zk("ledger", "fsck", "--data", made.folder, "--json")
    assert done.code == Exit.OK
    assert done.json["fault"] is None
    assert (done.json["receipts"], done.json["records"]) == (120, 30)
    assert done.json["entries_per_second"] > 0
    for lang, word in (("en", "no fault"), ("zh", "无错误")):
        assert word in zk("ledger", "fsck", "--data", made.folder, "--lang", lang).out
    url = settings_of(made.folder).database_url
    done = zk("ledger", "fsck", "--database", url, "--key", made.folder / "log.vkey", "--json")
    assert done.json["size"] == made.check().size
    assert url not in done.out, "a URL may have a password in it"


def test_a_fault_has_its_exit_code_and_its_place(made: Made, tmp_path: Path) -> None:
    broken = made.copy(tmp_path / "server")
    broken.flip("ledger_entry", "entry", '"index" = 7', 30)
    done = zk("ledger", "fsck", "--data", broken.folder, "--json")
    fault = done.json["fault"]
    assert (done.code, fault["reason"]) == (Exit.NOT_VERIFIED, "ENTRY_CHANGED")
    assert (fault["table"], fault["index"], fault["block"]) == ("ledger_entry", 7, 0)
    for lang in ("en", "zh"):
        said = zk("ledger", "fsck", "--data", broken.folder, "--lang", lang)
        assert said.code == Exit.NOT_VERIFIED
        assert "[ENTRY_CHANGED]" in said.out
        assert "Traceback" not in said.err
    done = zk("ledger", "backup", tmp_path / "backup", "--data", broken.folder, "--json")
    assert (done.code, done.reason) == (Exit.NOT_VERIFIED, "ENTRY_CHANGED")
    assert not (tmp_path / "backup").exists()


def test_usage_that_cannot_be_is_refused(made: Made, tmp_path: Path) -> None:
    both = zk("ledger", "fsck", "--data", made.folder, "--mirror", tmp_path, "--json")
    assert both.code == Exit.USAGE
    for arguments in (
        ("fsck", "--data", tmp_path / "nothing"),
        ("fsck", "--database", "sqlite:////nowhere/at/all", "--key", made.folder / "log.vkey"),
        ("fsck", "--database", "no url", "--key", made.folder / "log.vkey"),
        ("backup", tmp_path / "backup", "--data", tmp_path / "nothing"),
        ("forward", "--from", tmp_path, "--data", tmp_path / "nothing"),
    ):
        done = zk("ledger", *arguments, "--json")
        assert done.code == Exit.USAGE, done
        assert done.reason == "DATABASE_UNUSABLE"
        assert "Traceback" not in done.err
    done = zk("ledger", "restore", tmp_path, "--data", tmp_path / "again", "--json")
    assert (done.code, done.reason) == (Exit.REFUSED, "BACKUP_MALFORMED")


def test_the_drill_word_by_word(made: Made, tmp_path: Path) -> None:
    """Back up, lose, restore, bring forward, check: as docs/ledger-upkeep.md says it."""
    server = made.copy(tmp_path / "server")
    done = zk("ledger", "backup", tmp_path / "backup", "--data", server.folder, "--json")
    assert (done.code, done.json["checked"]) == (Exit.OK, True)
    asyncio.run(grow(server.folder, 80))
    asyncio.run(mirrored(server, tmp_path / "mirror"))
    size = server.check().size
    shutil.move(server.folder / "keys", tmp_path / "keys")
    shutil.rmtree(server.folder)

    done = zk("ledger", "restore", tmp_path / "backup", "--data", server.folder)
    assert done.code == Exit.OK
    assert "keys/master.key" in done.out
    again = zk("ledger", "restore", tmp_path / "backup", "--data", server.folder, "--json")
    assert (again.code, again.reason) == (Exit.REFUSED, "TARGET_NOT_EMPTY")
    early = zk("ledger", "forward", "--from", tmp_path / "mirror", "--data", server.folder, "--json")
    assert (early.code, early.reason) == (Exit.USAGE, "DATABASE_UNUSABLE"), "no master key yet"
    shutil.move(tmp_path / "keys", server.folder / "keys")
    done = zk("ledger", "forward", "--from", tmp_path / "mirror", "--data", server.folder, "--json")
    assert done.code == Exit.OK, done
    assert (done.json["size"], done.json["unknown"]) == (size, 100)
    assert zk("ledger", "fsck", "--data", server.folder).code == Exit.OK
    done = zk("serve", "--dev", "--port", "0", "--data", server.folder, "--json")
    assert (done.code, done.reason) == (Exit.NOT_STARTED, "NOT_STARTED"), "nobody can be asked"
    assert "zk ledger resume" in done.err + done.out
    for restored in (True, False):
        done = zk("ledger", "resume", "--data", server.folder, "--json")
        assert (done.code, done.json["size"], done.json["restored"]) == (Exit.OK, size, restored)
    mirror = zk(
        "ledger", "fsck", "--mirror", tmp_path / "mirror", "--key", made.folder / "log.vkey", "--json"
    )
    assert (mirror.code, mirror.json["size"]) == (Exit.OK, size)
    entries = next((tmp_path / "mirror" / "tile" / "entries").iterdir())
    entries.write_bytes(entries.read_bytes()[:-1]) if entries.is_file() else shutil.rmtree(entries)
    mirror = zk(
        "ledger", "fsck", "--mirror", tmp_path / "mirror", "--key", made.folder / "log.vkey", "--json"
    )
    assert (mirror.code, mirror.json["fault"]["reason"]) == (Exit.NOT_VERIFIED, "FOLDER_INVALID")


def test_what_no_quorum_has_cosigned_needs_to_be_said(made: Made, tmp_path: Path) -> None:
    server = made.copy(tmp_path / "server")
    (server.folder / "policy").write_bytes(server.policy.to_bytes())
    (server.folder / "zk.toml").write_text(f'policy = "{server.folder / "policy"}"\n', "utf-8")
    asyncio.run(mirrored(server, tmp_path / "mirror"))
    forward = ("ledger", "forward", "--from", tmp_path / "mirror", "--data", server.folder, "--json")
    done = zk(*forward)
    assert (done.code, done.reason) == (Exit.NOT_VERIFIED, "QUORUM_MISSING"), done
    done = zk(*forward, "--unwitnessed")
    assert (done.code, done.json["anchored"]) == (Exit.OK, False)
    done = zk("ledger", "resume", "--data", server.folder, "--json")
    assert (done.code, done.reason) == (Exit.REFUSED, "WITNESSES_KNOW")
