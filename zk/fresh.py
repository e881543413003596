"""Secrets that are made here and of which the service is told the hash alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from disclosure.administration import new_secret
from zk.home import read_secret, write_private
from zk.proposing import ProposalError


@contextmanager
def fresh_secret(path: Path) -> Iterator[str]:
    """Give a new secret, and keep it at `path` when the service has taken it, or when that is proposed.

    Until then it stands beside it, so that it is not lost with an answer: after a failure the next run gives
    the same one. What is at `path` stays until then.
    """
    waiting = path.with_suffix(".new")
    if not waiting.exists():
        write_private(waiting, f"{new_secret()}\n".encode())
    secret = read_secret(waiting)
    try:
        yield secret
    except ProposalError:
        keep(path, secret)
        raise
    keep(path, secret)


def keep(path: Path, secret: str) -> None:
    """Keep a secret at `path`, in the place of what is there."""
    write_private(path, f"{secret}\n".encode())
    path.with_suffix(".new").unlink(missing_ok=True)
