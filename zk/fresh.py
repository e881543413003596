"""Secrets that are made here and of which the service is told the hash alone.

Whoever has others register them makes the secret (`made_here`) and hands on its hash, which the others say
(`TokenHash`): none of them ever knows the secret.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from disclosure.administration import new_secret, secret_hash
from wire.client import Endpoint, ServiceError
from zk.clients.tokens import TokenClient
from zk.exits import CommandError, Exit
from zk.home import read_secret, waiting_beside, write_private
from zk.proposing import ProposalError

_HASH: Final = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
TokenHash = Annotated[str | None, typer.Option("--token-hash", metavar="HASH", help="help.option.token_hash")]


def made_here(path: Path, *, replacing: bool) -> tuple[Path, str]:
    """Return where a secret is kept that others are to say the hash of, and the hash as hexadecimal digits.

    It is made unless it is there. One that is to replace what is at `path` waits beside it (`take_up`).
    """
    where = waiting_beside(path) if replacing and path.exists() else path
    if not where.exists():
        write_private(where, f"{new_secret()}\n".encode())
    return where, secret_hash(read_secret(where)).hex()


def read_hash(written: str) -> bytes:
    """Read the hash of a secret as it was said; CommandError USAGE."""
    if _HASH.fullmatch(written) is None:
        raise CommandError(Exit.USAGE, "HASH_INVALID", "error.hash_invalid")
    return bytes.fromhex(written)


@contextmanager
def fresh_secret(path: Path) -> Iterator[str]:
    """Give a new secret, and keep it at `path` when the service has taken it.

    Until then it stands beside it, so that it is not lost with an answer: after a failure the next run gives
    the same one. What is at `path` stays until then: where the new one is only proposed it is the one that
    counts, and `take_up` puts the new one in its place later. Where nothing is at `path` a proposed one is
    kept there.
    """
    waiting = waiting_beside(path)
    if not waiting.exists():
        write_private(waiting, f"{new_secret()}\n".encode())
    secret = read_secret(waiting)
    try:
        yield secret
    except ProposalError as proposal:
        if path.exists():
            proposal.waiting = waiting
        else:
            keep(path, secret)
        raise
    keep(path, secret)


def keep(path: Path, secret: str) -> None:
    """Keep a secret at `path`, in the place of what is there."""
    write_private(path, f"{secret}\n".encode())
    waiting_beside(path).unlink(missing_ok=True)


def take_up(endpoint: Endpoint, path: Path, name: str) -> None:
    """Put the secret that waits beside `path` in its place, if the service has taken it as that of `name`.

    That is so when the one at `path` is refused and the one beside it is that party's. Both stay where they
    are while it is not, and while the service does not answer.
    """
    try:
        waiting = read_secret(waiting_beside(path))
        with TokenClient(endpoint) as client:
            if not _is_of(client, read_secret(path), name) and _is_of(client, waiting, name):
                keep(path, waiting)
    except ServiceError:
        return  # the command that wants the secret says what is wrong with the service


def _is_of(client: TokenClient, secret: str, name: str) -> bool:
    """Tell whether a secret is a party's now; ServiceError for an answer that does not say."""
    try:
        return client.create(secret).name == name
    except ServiceError as error:
        if error.reason != "TOKEN_INVALID":
            raise
        return False
