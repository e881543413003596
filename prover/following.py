"""Witnesses followed in the background: each held credential's is kept at the newest epoch, until stopped.

One thread listens to one accumulator. An epoch that comes is only a sign that there is something to catch up
with: what counts is read and checked then, and the old witness stays until the new one is verified. A thread
that loses its stream, or meets a fault, tries again after a pause that grows; one that is stopped in the
middle of a long list leaves a partial witness in the vault, from which the next one goes on.

What the service sees is that somebody listens to these accumulators: that a vault here has credentials of
these departments. It never sees a handle.
"""

import datetime as dt
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import bbs
import tlog
from disclosure import Accumulator, DisclosureError
from prover.client import EpochWatch, HolderClient
from prover.client.witnesses import followed
from prover.composite.records import HeldComposite
from prover.errors import VaultError
from prover.vault import Vault, utc_now
from wire.client import ServiceError

FAULTS: Final = (ServiceError, DisclosureError, VaultError, tlog.TlogError, bbs.BbsError)
"""What a thread meets and goes on after."""


@dataclass(frozen=True)
class Pauses:
    """How long to wait after a first fault and at most, and how often to look for new credentials."""

    first: dt.timedelta = dt.timedelta(seconds=1)
    longest: dt.timedelta = dt.timedelta(minutes=5)
    look: dt.timedelta = dt.timedelta(seconds=10)


class _StoppedError(Exception):
    """Breaks catching up off after a page."""


class Following:
    """Follows the accumulators of all credentials that a vault holds; a context manager.

    `report` gets a credential and how many revocations are still to come; `failed` gets what a thread met
    and goes on after. Both are called from other threads. State rules: the vault has everything, so ending
    the process at any moment loses no more than the page that is being computed.
    """

    def __init__(
        self,
        client: HolderClient,
        vault: Vault,
        log_verifier: tlog.Verifier,
        *,
        report: Callable[[HeldComposite, int], object] = lambda held, missing: None,
        failed: Callable[[Exception], object] = lambda error: None,
        pauses: Pauses | None = None,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._client, self._vault, self._log = client, vault, log_verifier
        self._report, self._failed, self._pauses, self._clock = report, failed, pauses or Pauses(), clock
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._watches = set[EpochWatch]()
        self._threads: dict[str, threading.Thread] = {}
        self._looker = threading.Thread(target=self._look, name="following", daemon=True)

    def __enter__(self) -> Self:
        self._looker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End all threads and wait for them; what they were at goes on at the next start. Idempotent."""
        self._stopping.set()
        with self._lock:
            watches = list(self._watches)
        for each in watches:
            each.close()
        self._looker.join()
        for thread in self._threads.values():
            thread.join()

    def _look(self) -> None:
        """Have a thread for the accumulator of each credential that is worth following."""
        while not self._stopping.is_set():
            try:
                wanted = self._accumulators()
            except VaultError as error:
                self._failed(error)
                wanted = {}
            for name, accumulator in wanted.items():
                if name not in self._threads or not self._threads[name].is_alive():
                    thread = threading.Thread(
                        target=self._follow, args=(accumulator,), name=name, daemon=True
                    )
                    self._threads[name] = thread
                    thread.start()
            self._stopping.wait(self._pauses.look.total_seconds())

    def _accumulators(self) -> dict[str, Accumulator]:
        standings = [each.standing for each in followed(self._vault, self._clock())]
        return {str(each.accumulator.name): each.accumulator for each in standings if each is not None}

    def _follow(self, accumulator: Accumulator) -> None:
        """Listen until stopped, or until no credential of this accumulator is left to follow."""
        pause = self._pauses.first
        while not self._stopping.is_set():
            try:
                if not self._held(accumulator):
                    return
                with self._listening(accumulator) as epochs:
                    for _ in epochs:
                        self._catch_up(accumulator)
                        pause = self._pauses.first
            except _StoppedError:
                return
            except FAULTS as error:
                if not self._stopping.is_set():
                    self._failed(error)
            # Not all vaults come back at once after the service was away.
            self._stopping.wait(pause.total_seconds() * random.uniform(0.5, 1))  # noqa: S311
            pause = min(2 * pause, self._pauses.longest)

    @contextmanager
    def _listening(self, accumulator: Accumulator) -> Iterator[EpochWatch]:
        """Give a stream that `stop` closes, also if it was called a moment ago."""
        watch = self._client.watch(accumulator, self._log)
        with self._lock:
            self._watches.add(watch)
        try:
            if self._stopping.is_set():
                raise _StoppedError
            yield watch
        finally:
            watch.close()
            with self._lock:
                self._watches.discard(watch)

    def _catch_up(self, accumulator: Accumulator) -> None:
        for held in self._held(accumulator):
            self._client.catch_up_held(self._vault, held, self._log, self._reported)

    def _held(self, accumulator: Accumulator) -> list[HeldComposite]:
        return [
            each
            for each in followed(self._vault, self._clock())
            if each.standing is not None and each.standing.accumulator == accumulator
        ]

    def _reported(self, held: HeldComposite, missing: int) -> None:
        if self._stopping.is_set():
            raise _StoppedError
        self._report(held, missing)
