"""The manual's way from a clone to two replicas, word by word, with a real PostgreSQL over TLS."""

import json
import os
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest

from tests.deploy.walk import BY_ROOT, INSTALLER, INSTALLS, ROOT, Walk, blocks, stand_in, walking

SECTION = "From a clone to two replicas"
FIRST, *REST = blocks(SECTION)


def test_the_section_installs_once_and_starts_two_servers() -> None:
    text = "\n".join(REST)
    assert text.count(INSTALLS) == 1
    assert text.count("zk serve") == 3, "once for each server, and in the word that starts one again"


@pytest.mark.timeout(1800)
def test_the_servers_answer_when_the_blocks_were_run_in_an_empty_folder() -> None:
    """Until somebody has been asked; as they stand but for what is fetched: the program is this clone's."""
    _walked(REST[: _place("zk vault present") + 1])


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_what_was_rotated_lost_restored_and_replaced_still_answers() -> None:
    """All blocks: keys rotated, both servers lost and restored from a backup, and each one upgraded."""
    printed = _walked(REST)
    # The receipt of what was presented before all that, and the credential that was claimed last.
    assert "checked" in printed[-1]
    restored = printed[_place("zk ledger restore")]
    assert "The record holds." in restored
    rotated = printed[_place("zk keys rotate master")]
    assert "Generation 2: current" in rotated
    assert "Nothing is left of the drill." in printed[_place("zk keys drill")]


def _walked(blocks: list[str]) -> list[str]:
    with walking(FIRST, ROOT) as walk:
        for program in ("program", "program-new"):
            stand_in(Path(walk.environment["WALK"]) / program / "bin")
        walk.run(FIRST)
        printed = [_run(walk, block) for block in blocks]
        _both_answered(walk, printed)
    return printed


def _place(words: str) -> int:
    """Return the number of the first block in which some words stand."""
    return next(number for number, block in enumerate(REST) if words in block)


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.skipif(os.getuid() != 0, reason="not run: installs Debian's packages, which only root may")
def test_the_servers_answer_when_everything_was_installed_from_a_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--no-local", str(ROOT), str(clone)], check=True)
    with walking(FIRST, clone) as walk:
        walk.run(FIRST)
        printed = [walk.run(block) if _can_be_run(block) else "" for block in REST]
        _both_answered(walk, printed)


def _run(walk: Walk, block: str) -> str:
    """Run a block without what installs."""
    if INSTALLER in block or not _can_be_run(block):
        return ""
    if block.startswith(BY_ROOT):
        if os.getuid() != 0:  # Then the service's user is the database's as well.
            Path(walk.environment["DATABASE"]).mkdir(exist_ok=True)
            return ""
        block = BY_ROOT + "".join(line for line in block.splitlines(True) if line.startswith("install "))
    return walk.run(block)


def _can_be_run(block: str) -> bool:
    """Tell whether what a block of choice starts is here; what is not is counted among the warnings."""
    if "\nnginx " in block and shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        warnings.warn("not run: the block with nginx, which is not here (Debian's package)", stacklevel=1)
        return False
    return True


def _both_answered(walk: Walk, printed: list[str]) -> None:
    """Both servers showed the same log, and who had the database's keys only by TLS."""
    asked = next(each for block, each in zip(REST, printed, strict=False) if "zk ledger checkpoint" in block)
    shown = [json.loads(line) for line in asked.splitlines() if line.startswith("{")]
    assert len(shown) == 2
    assert shown[0]["origin"] == shown[1]["origin"] == "city.example/log"
    assert all(each["size"] > 0 for each in shown)
    assert "x-forwarded-for" not in walk.logs(), "nginx is a proxy that the servers were told to trust"
    log = Path(walk.environment["WALK"], "b", "log").read_text()
    assert "this server sequences the log now" in log
    # Without its certificate nobody is the role, and without TLS nobody is heard.
    port = walk.environment["DATABASE_PORT"]
    for refused in ("sslmode=require sslcert=/nowhere", "sslmode=disable"):
        words = f"host=localhost port={port} user=zk dbname=zk {refused}"
        done = subprocess.run(["psql", words, "-c", "select 1"], capture_output=True, text=True, check=False)
        assert done.returncode != 0
