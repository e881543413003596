"""Which counters may ask: each has a token, of which the folder keeps the hash, in a file of its own.

The command that admits a counter, or dismisses one, writes to the folder; the running process looks there at
each call, so a dismissed counter is refused at once and nothing has to be started again.
"""

import secrets
from pathlib import Path
from typing import Any, Final

from disclosure import VerifierName
from zkservice.callers import bearer
from zkservice.errors import ServiceError, ServiceReason
from zkservice.keys import token_hash, write_private

_FOLDER: Final = "counters"


def admit(data: Path, counter: VerifierName) -> str:
    """Give a counter a new token and return it: it is stored nowhere. Older ones go on until dismissed."""
    folder = data / _FOLDER
    for each in (data, folder):
        each.mkdir(parents=True, exist_ok=True, mode=0o700)
    token = secrets.token_urlsafe(32)
    write_private(folder / token_hash(token).hex(), str(counter).encode())
    return token


def dismiss(data: Path, counter: VerifierName) -> int:
    """Forget all tokens of a counter; return how many it had."""
    mine = [each for each in _files(data) if each.read_bytes() == str(counter).encode()]
    for each in mine:
        each.unlink()
    return len(mine)


def counter_of(data: Path, context: Any) -> VerifierName:
    """Return the counter whose token a call came with; ServiceError TOKEN_MISSING, TOKEN_INVALID.

    The token is compared by its hash, which is the name of the file: how long that takes says nothing of any
    token.
    """
    try:
        name = (data / _FOLDER / token_hash(bearer(context)).hex()).read_text()
    except FileNotFoundError:
        raise ServiceError(ServiceReason.TOKEN_INVALID, "the token is that of no admitted counter") from None
    return VerifierName.parse(name)


def _files(data: Path) -> list[Path]:
    folder = data / _FOLDER
    return [each for each in folder.iterdir() if not each.name.startswith(".")] if folder.exists() else []
