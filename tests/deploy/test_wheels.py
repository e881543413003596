"""The wheels are the same octets wherever and whenever they are built."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    "README.md", "LICENSE", "pyproject.toml", "bbs", "consortium", "disclosure", "native", "openid",
    "ordering", "prover", "scripts", "tlog", "verifier", "web_edge", "wire", "zk", "zkproto", "zkservice",
)  # fmt: skip


def built(folder: Path, native: str, mask: int) -> dict[str, bytes]:
    """Build from a copy of the sources in a folder, as somebody with that umask; return the wheels."""
    folder.mkdir(parents=True)
    for each in PARTS:
        kept = shutil.ignore_patterns("__pycache__", "target", "*.pyc")
        if (ROOT / each).is_dir():
            shutil.copytree(ROOT / each, folder / each, ignore=kept)
        else:
            shutil.copy(ROOT / each, folder / each)
    for source in folder.rglob("*.py"):
        source.chmod(0o777 & ~mask)
    done = subprocess.run(
        [folder / "scripts" / "wheels.sh", folder / "out", sys.executable], capture_output=True, text=True,
        check=False, umask=mask, env=os.environ | {"SOURCE_DATE_EPOCH": "1000000000", "ZK_NATIVE": native},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return {each.name: each.read_bytes() for each in (folder / "out").iterdir()}


def test_the_python_wheel_is_the_same_from_two_folders(tmp_path: Path) -> None:
    first = built(tmp_path / "here", "no", 0o022)
    second = built(tmp_path / "somewhere" / "else", "no", 0o077)
    assert len(first) == 1
    assert first == second
    (wheel,) = (tmp_path / "here" / "out").iterdir()
    with zipfile.ZipFile(wheel) as content:
        names = set(content.namelist())
        assert {each.date_time[:3] for each in content.infolist()} == {(2001, 9, 9)}
    assert {"zk/cli.py", "zkservice/py.typed", "zkservice/storage/migrations/script.py.mako"} <= names
    assert not [each for each in names if each.startswith(("tests", "scripts", "benchmarks"))]


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.skipif(shutil.which("cargo") is None, reason="not run: no Rust toolchain")
def test_the_native_wheel_is_the_same_from_two_folders(tmp_path: Path) -> None:
    first = built(tmp_path / "here", "require", 0o022)
    second = built(tmp_path / "somewhere" / "else", "require", 0o077)
    assert len(first) == 2
    assert first == second
    for content in tmp_path.rglob("*.whl"):
        with zipfile.ZipFile(content) as wheel:
            octets = b"".join(map(wheel.read, wheel.namelist()))
        assert str(tmp_path).encode() not in octets
        assert str(Path.home() / ".cargo").encode() not in octets
