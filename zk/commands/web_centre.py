"""What opens the resource centre of `zk web`: a regulator's token, and the code that people sign in with."""

import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from web_edge.centre import Books
from zk.centre import opened_books
from zk.exits import CommandError, Exit
from zk.home import read_secret, write_private
from zk.run import Run

_CODE_OCTETS: Final = 8
_LEAST: Final = 2 * _CODE_OCTETS
"""Characters of a code that somebody has chosen: whoever tries is not shut out, so it has to be long."""


@dataclass(frozen=True)
class OpenCentre:
    """What an edge is given for its centre, and where the code is kept."""

    books: Callable[[], AbstractAsyncContextManager[Books]]
    code: str = field(repr=False)
    code_file: Path

    @property
    def given(self) -> dict[str, Any]:
        """What web_edge.Edge takes."""
        return {"books": self.books, "centre_code": self.code}


def open_centre(run: Run, token_file: Path | None, code_file: Path | None) -> OpenCentre | None:
    """Return what opens a centre; None where no token was given. Raises CommandError USAGE."""
    if token_file is None:
        if code_file is not None:
            raise CommandError(Exit.USAGE, "CENTRE_TOKEN_MISSING", "error.web_centre_token")
        return None
    token, path = read_secret(token_file), code_file or token_file.with_suffix(".centre")
    code = made_code(path)
    if len(code) < _LEAST:
        raise CommandError(Exit.USAGE, "CODE_TOO_SHORT", "error.web_code_short", path=path, least=_LEAST)
    return OpenCentre(lambda: opened_books(run.endpoint, token), code, path)


def made_code(path: Path) -> str:
    """Read a code from its file, where it is made once."""
    if not path.exists():
        write_private(path, f"{secrets.token_hex(_CODE_OCTETS)}\n".encode())
    return read_secret(path)
