"""What opens a resource centre at `zk web serve`: a token's file, and a code that cannot be guessed."""

import json
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.cli.running import start
from tests.web_edge.standing import some_pages
from zk.commands.web_centre import open_centre
from zk.exits import CommandError, Exit
from zk.run import Run

SECONDS = 120
RUN = cast(Run, SimpleNamespace(endpoint=None))
TOKEN = "a regulator's token"


def _token(folder: Path) -> Path:
    path = folder / "audit.token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    return path


def test_the_code_is_made_once_beside_the_token(tmp_path: Path) -> None:
    path = _token(tmp_path)
    made = open_centre(RUN, path, None)
    assert made is not None
    assert made.code_file == path.with_suffix(".centre")
    assert stat.S_IMODE(made.code_file.stat().st_mode) == 0o600
    again = open_centre(RUN, path, None)
    assert again is not None
    assert (again.code, len(again.code)) == (made.code, 16)
    assert made.code not in repr(made)
    assert TOKEN not in repr(made)


def test_without_a_token_there_is_none(tmp_path: Path) -> None:
    assert open_centre(RUN, None, None) is None
    with pytest.raises(CommandError) as refused:
        open_centre(RUN, None, tmp_path / "code")
    assert refused.value.reason == "CENTRE_TOKEN_MISSING"


def test_a_short_code_opens_nothing(tmp_path: Path) -> None:
    """By the command itself: nothing is listened on, and neither secret is in what it says."""
    some_pages(tmp_path / "pages")
    code = tmp_path / "code"
    code.write_text("123456789012345\n")
    code.chmod(0o600)
    arguments: list[Any] = ["--centre-token", _token(tmp_path), "--centre-code", code, "--home", tmp_path]
    told = start("web", "serve", "--pages", tmp_path / "pages", "--port", "0", *arguments, "--json")
    out, err = told.communicate(timeout=SECONDS)
    assert (told.returncode, json.loads(out)["error"]["reason"]) == (Exit.USAGE, "CODE_TOO_SHORT")
    assert "123456789012345" not in out + err
    assert TOKEN not in out + err
