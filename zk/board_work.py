"""Who works behind a board of errands: a thread for each step of the bundle that is served here.

Each is an errand desk of its own, with the key of its counter, as `zk verifier errands serve` runs one. It is
begun anew, at growing distances, when the service is away.
"""

import contextlib
import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import VerifierName
from disclosure.errand import Counter, ErrandBundle, ErrandBundleName
from tlog import Policy, Verifier
from verifier.client import VerifierClient
from verifier.client.errand_desk import ErrandDesk, Happening, Taken, is_overtaken, passes
from verifier.client.errands import CounterPart, ErrandCounter
from verifier.errors import VerifierReason
from web_edge.board import Named
from wire.client import Endpoint, ServiceError
from zk.board_book import Book, Noted
from zk.board_parts import RECENT, Parts
from zk.commands.verifier.common import AnyPolicy
from zk.commands.verifier.demanding import Demands, by_policy, demands_of
from zk.commands.verifier.errand_clerk import HomeClerk
from zk.commands.verifier.records import answered as told_answer
from zk.exits import CommandError, Exit
from zk.failure import explain
from zk.home import private_folder
from zk.run import Run

_LEAST_SECONDS: Final = 1.0
_MOST_SECONDS: Final = 30.0
_LONG_SECONDS: Final = 5.0
"""A stream that has run so long and then breaks is opened anew before anybody is told."""
Save = Callable[[str], None]
_WHOLE: Final = ""
"""What the bundle itself is called among the steps that something may fail for."""


@dataclass(frozen=True)
class Served:
    """What a board serves: the steps of a bundle of which there are the key and, by its id, the policy.

    With `believed` no part is accepted before the witnesses of that policy have cosigned.
    """

    endpoint: Endpoint
    log: Verifier
    bundle: ErrandBundleName
    keys: Mapping[VerifierName, Ed25519PrivateKey] = field(repr=False)
    policies: Mapping[str, AnyPolicy]
    believed: Policy | None = None

    def steps(self, bundle: ErrandBundle) -> list[Counter]:
        """Return the steps that are served; CommandError USAGE if there is none."""
        found = [
            each
            for each in bundle.counters
            if each.verifier in self.keys and each.policy.policy in self.policies
        ]
        if not found:
            raise CommandError(Exit.USAGE, "NO_STEP_HERE", "error.web_no_step", bundle=bundle.name)
        return found

    @contextmanager
    def open(self, name: VerifierName) -> Iterator[tuple[VerifierClient, ErrandCounter]]:
        """Open a counter with its client."""
        key = self.keys[name]
        with (
            VerifierClient(self.endpoint, name, key, self.log) as client,
            closing(ErrandCounter(self.endpoint, name, key, self.log, client)) as counter,
        ):
            yield client, counter


def named(error: BaseException, runs: Mapping[str, Run]) -> Named:
    """Say in both languages what went wrong."""
    way = runs["en"].way()
    zh, en = (explain(error, run.lang, way=way).sentence() for run in (runs["zh"], runs["en"]))
    return Named(zh, en)


class _BoardClerk(HomeClerk):
    """Puts on the board what a desk sees and takes. It decides nothing: a person does."""

    def __init__(
        self,
        run: Run,
        parts: Parts,
        save: Save,
        client: VerifierClient,
        policy: AnyPolicy,
        step: Counter,
        demands: Demands,
    ) -> None:
        super().__init__(run, client, policy, step.verifier, demands)
        self._parts, self._save = parts, save

    def saw(self, part: CounterPart) -> None:
        """Put a part on the board."""
        self._parts.saw(part)

    def looks_again(self, part: CounterPart) -> bool:
        """Tell whether it was received before this board was there to read it."""
        return not self._parts.is_read(part)

    def happened(
        self, what: Happening, part: CounterPart, *, reason: str = "", taken: Taken | None = None
    ) -> None:
        """Note why a part is not accepted; of everything else the stream tells."""
        if what in (Happening.REJECTED, Happening.NOT_HELD):
            if self._parts.refused(part, reason, "rejected") is not None:
                self._save(part.name.id)
        elif what is Happening.PENDING:
            self._parts.refused(part, VerifierReason.RECEIPT_PENDING.value)
        elif reason:
            self._parts.refused(part, reason)

    def took(self, part: CounterPart, taken: Taken) -> bool:
        """Put on the board that an answer is here, and what was declared."""
        told = told_answer(self._run, taken.record, taken.path).data
        came = dt.datetime.fromisoformat(told["verified_at"])
        kept = dt.datetime.fromtimestamp(taken.path.stat().st_mtime, dt.UTC)
        self._parts.read(part, came, taken.path.name, kept, taken.received.values)
        return False


class Workers:
    """The threads behind a board; started once, stopped once.

    `save` keeps what is noted of a part, `replay` tells what was intended before this board was opened.
    """

    def __init__(
        self,
        runs: Mapping[str, Run],
        served: Served,
        parts: Parts,
        book: Book,
        save: Save,
        replay: Callable[[Noted], None],
    ) -> None:
        self._runs, self._served, self._parts, self._book = runs, served, parts, book
        self._save, self._replay = save, replay
        self._stopping, self._lock = threading.Event(), threading.Lock()
        self._open, self._threads = list[ErrandCounter](), list[threading.Thread]()

    def start(self) -> None:
        """Begin to work."""
        private_folder(self._records)
        self._begin(_WHOLE, self._look)

    def stop(self) -> None:
        """End; what is under way ends with its channel."""
        with self._lock:
            self._stopping.set()
            for each in self._open:
                each.close()
        while self._threads:
            self._threads.pop().join()

    @property
    def _run(self) -> Run:
        return self._runs["en"]

    @property
    def _records(self) -> Path:
        return self._run.home.records

    def _begin(self, step: str, act: Callable[[], None]) -> None:
        thread = threading.Thread(target=self._patiently, args=(step, act), name="board", daemon=True)
        with self._lock:
            if not self._stopping.is_set():
                self._threads.append(thread)
                thread.start()

    def _patiently(self, step: str, act: Callable[[], None]) -> None:
        """Act until it returns; what fails is told on the board, and tried again at growing distances."""
        delay = _LEAST_SECONDS
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                act()
                self._parts.failed(step, None)
                return
            except Exception as error:  # a page is told, and nothing that fails ends the work of a board
                if self._stopping.is_set():
                    return
                lasted = time.monotonic() - began > _LONG_SECONDS
                delay = _LEAST_SECONDS if lasted else delay
                if not _is_calm(error, lasted):
                    self._parts.failed(step, named(error, self._runs))
            self._stopping.wait(delay)
            delay = min(_MOST_SECONDS, delay * 2)

    def _look(self) -> None:
        """Read the bundle, and let the steps that are served here begin."""
        first = next(iter(self._served.keys))
        with self._served.open(first) as (_, counter), self._closed_at_the_end(counter):
            bundle = counter.bundle(self._served.bundle)
        steps = self._served.steps(bundle)
        self._parts.opened(bundle, {each.part for each in steps})
        for noted in self._book.intended():
            if noted.part in {each.part for each in steps}:
                self._replay(noted)
        for noted in self._book.settled(RECENT):
            self._parts.known(noted)
        for each in steps:
            self._begin(each.part, self._attending(bundle, each))

    def _attending(self, bundle: ErrandBundle, step: Counter) -> Callable[[], None]:
        policy = self._served.policies[step.policy.policy]

        def attend() -> None:
            """Work until something fails, and raise it."""
            with (
                self._served.open(step.verifier) as (client, counter),
                self._closed_at_the_end(counter),
            ):
                demands = demands_of(self._run, by_policy(client, policy, step.verifier))
                demands = demands.beside(self._served.believed)
                clerk = _BoardClerk(self._run, self._parts, self._save, client, policy, step, demands)
                desk = ErrandDesk(
                    client, counter, bundle, step.part, clerk, self._records, demands.quorum, demands.order
                )
                while not self._stopping.is_set():
                    counter.bundle(bundle.name)  # the service is heard
                    self._parts.heard(step.part)
                    for _ in desk.serve():
                        pass
                    if desk.looks is not None and desk.told_all:
                        self._parts.told_all(step.part)
                    self._stopping.wait(_LEAST_SECONDS)

        return attend

    @contextmanager
    def _closed_at_the_end(self, counter: ErrandCounter) -> Iterator[None]:
        """Let `stop` close a counter, whose stream would be waited for otherwise."""
        with self._lock:
            self._open.append(counter)
            if self._stopping.is_set():
                counter.close()
        try:
            yield
        finally:
            with self._lock, contextlib.suppress(ValueError):
                self._open.remove(counter)


def _is_calm(error: Exception, lasted: bool) -> bool:
    """Tell whether nobody is told of an error yet: somebody was faster, or a stream broke that ran long."""
    return isinstance(error, ServiceError) and (is_overtaken(error) or (lasted and passes(error)))
