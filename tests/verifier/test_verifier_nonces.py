"""Nonces that wait for a document: each is used up once, whoever else tries, and for good."""

import datetime as dt
import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from verifier.nonces import LIFETIME, Nonces
from verifier.w3c import NONCE_OCTETS

WORKERS: Final = 4


@pytest.fixture
def nonces(tmp_path: Path) -> Nonces:
    return Nonces(tmp_path)


def test_a_nonce_waits_until_it_is_used_up(nonces: Nonces, tmp_path: Path) -> None:
    made, other = nonces.make(), nonces.make()
    assert len(made) == NONCE_OCTETS
    assert made != other
    again = Nonces(tmp_path)  # as another process would
    assert again.waits(made)
    assert again.use_up(made)
    assert not nonces.waits(made)
    assert not nonces.use_up(made)
    assert nonces.waits(other)


@pytest.mark.parametrize("foreign", [b"", bytes(16), bytes(NONCE_OCTETS), bytes(64), bytes(4096)])
def test_what_was_not_made_here_does_not_wait(nonces: Nonces, foreign: bytes, tmp_path: Path) -> None:
    nonces.make()
    assert not nonces.waits(foreign)
    assert not nonces.use_up(foreign)
    assert not Nonces(tmp_path / "nowhere").waits(foreign)
    assert len(list(tmp_path.iterdir())) == 1


def test_of_several_at_once_one_uses_it_up(nonces: Nonces) -> None:
    for _ in range(20):
        made, together = nonces.make(), threading.Barrier(WORKERS)

        def use(_: int, made: bytes = made, together: threading.Barrier = together) -> bool:
            together.wait(60)
            return nonces.use_up(made)

        with ThreadPoolExecutor(WORKERS) as workers:
            assert sorted(workers.map(use, range(WORKERS))) == [False] * (WORKERS - 1) + [True]


def test_it_is_not_used_up_before_that_is_durable(nonces: Nonces, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is told that it is used up may take the document: what could come back was not told."""
    made = nonces.make()

    def failing(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", failing)
        with pytest.raises(OSError, match="Input/output"):
            nonces.use_up(made)
        with pytest.raises(OSError, match="Input/output"):
            nonces.make()
    assert not nonces.use_up(made)


def _later(lag: dt.timedelta) -> dt.datetime:
    return dt.datetime.now(dt.UTC) + lag


def test_an_unused_nonce_expires(nonces: Nonces, tmp_path: Path) -> None:
    made = nonces.make()
    slack = dt.timedelta(minutes=10)
    before = Nonces(tmp_path, lambda: _later(LIFETIME - slack))
    after = Nonces(tmp_path, lambda: _later(LIFETIME + slack))
    assert before.waits(made)
    assert not after.waits(made)
    assert not after.use_up(made)
    # Whoever refuses it does not use it up: it is the clock that says so.
    assert before.use_up(made)


def test_the_next_one_clears_away_what_has_expired_and_nothing_else(nonces: Nonces, tmp_path: Path) -> None:
    old, foreign = nonces.make(), tmp_path / "notes.txt"
    aged = (dt.datetime.now(dt.UTC) - 2 * LIFETIME).timestamp()
    foreign.write_text("not a nonce")
    for path in (tmp_path / old.hex(), foreign):
        os.utime(path, (aged, aged))
    fresh = nonces.make()
    newest = nonces.make()
    assert {path.name for path in tmp_path.iterdir()} == {fresh.hex(), newest.hex(), "notes.txt"}
    assert not nonces.waits(old)
    assert nonces.waits(fresh)
