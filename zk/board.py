"""A board behind a page: a verifier of a home serves its part of an errand's bundle beside its counter.

A thread of its own asks for what waits, verifies what comes and keeps the records, as `zk verifier errands
serve` does. It is begun anew, at growing distances, when the service is away. A clerk's acts are told by
another thread, one after the other.
"""

import asyncio
import datetime as dt
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import LocalizedText, MalformedError, VerifierName
from disclosure.errand import ErrandBundleName
from tlog import Verifier
from verifier.client import VerifierClient
from verifier.client.errand_desk import ErrandDesk, Happening, Taken, is_overtaken
from verifier.client.errands import DONE, IN_PROGRESS, REJECTED, CounterPart, ErrandCounter, Outcome
from web_edge.board import Act, BoardError, Listed, Named, Sheet
from wire.client import Endpoint, ServiceError
from zk import messages
from zk.board_parts import Held, Parts, Read
from zk.commands.verifier.common import AnyPolicy
from zk.commands.verifier.errand_clerk import HomeClerk, own_part
from zk.commands.verifier.records import answered as told_answer
from zk.failure import explain
from zk.home import private_folder
from zk.messages import Language
from zk.run import Run

_TOLD: Final = {"in-progress": IN_PROGRESS, "done": DONE, "rejected": REJECTED}
_MAY: Final = {
    "in-progress": {"received"},
    "done": {"received", "in-progress"},
    "rejected": {"received", "in-progress"},
}
"""From which states a clerk brings a part to another."""
_LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
_LEAST_SECONDS: Final = 1.0
_MOST_SECONDS: Final = 30.0
_CONFLICTS: Final = {"PART_STATE_INVALID", "PART_NOT_READY", "ERRAND_ENDED"}


@dataclass(frozen=True)
class Served:
    """What a board serves: `part` is needed where the verifier has several in the bundle."""

    endpoint: Endpoint
    name: VerifierName
    key: Ed25519PrivateKey
    log: Verifier
    bundle: ErrandBundleName
    policy: AnyPolicy
    part: str | None = None
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)

    def client(self) -> VerifierClient:
        """Open a client; the caller closes it."""
        return VerifierClient(self.endpoint, self.name, self.key, self.log, clock=self.clock)

    def counter(self, client: VerifierClient) -> ErrandCounter:
        """Open the counter; the caller closes it."""
        return ErrandCounter(self.endpoint, self.name, self.key, self.log, client, clock=self.clock)


class _BoardClerk(HomeClerk):
    """Puts on the board what a desk sees and takes. It decides nothing: a person does."""

    def __init__(self, zh: Run, en: Run, parts: Parts, client: VerifierClient, served: Served) -> None:
        super().__init__(en, client, served.policy, served.name)
        self._runs, self._parts = (zh, en), parts

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
        if what is Happening.REJECTED:
            self._parts.noted(part, "ALREADY_SEEN")
        elif reason:
            self._parts.noted(part, reason)

    def took(self, part: CounterPart, taken: Taken) -> bool:
        """Put on the board what was proven and declared."""
        zh, en = (told_answer(run, taken.record, taken.path) for run in self._runs)
        came = dt.datetime.fromisoformat(zh.data["verified_at"])
        kept = dt.datetime.fromtimestamp(taken.path.stat().st_mtime, dt.UTC)
        # The last line says where on this machine the record is, which is nothing for a page.
        lines = [[str(each) for each in told.lines[:-1]] for told in (zh, en)]
        self._parts.read(part, Read(came, lines[0], lines[1], taken.received.values), kept)
        return False


class HomeBoard:
    """The board of one verifier of a home (web_edge.board.Board), in the loop in which it was made.

    `zh` and `en` are runs of that home, which tell in their language.
    """

    def __init__(self, zh: Run, en: Run, served: Served) -> None:
        self._zh, self._en, self._served = zh, en, served
        self._parts, self._acting = Parts(), asyncio.Lock()
        self._stopping, self._open = threading.Event(), list[ErrandCounter]()
        self._thread = threading.Thread(target=self._work, name="board", daemon=True)
        self._teller = ThreadPoolExecutor(1, "board-teller")
        self._telling: tuple[VerifierClient, ErrandCounter] | None = None

    @property
    def revision(self) -> int:
        """A number that grows whenever something of the board changes."""
        return self._parts.revision

    async def changed(self, since: int) -> None:
        """Wait until the revision is another one."""
        await self._parts.changed(since)

    def listed(self) -> Listed:
        """Return what there is."""
        return self._parts.listed()

    def sheet(self, name: str) -> Sheet | None:
        """Return one part; None if this board has none of that name."""
        return self._parts.sheet(name)

    def start(self) -> None:
        """Begin to work."""
        private_folder(self._en.home.records)
        self._thread.start()

    async def aclose(self) -> None:
        """End; what is under way ends with its channel."""
        self._stopping.set()
        for each in tuple(self._open):
            each.close()
        await asyncio.to_thread(self._ended)

    def _ended(self) -> None:
        self._thread.join()
        self._teller.submit(self._hang_up).result()
        self._teller.shutdown()

    def _work(self) -> None:
        delay = _LEAST_SECONDS
        while not self._stopping.is_set():
            try:
                self._attend()
            except Exception as error:
                if self._stopping.is_set():
                    return
                before, failed = self._parts.listed().failed, self._named(error)
                self._parts.failed(failed)
                if before is None:
                    self._en.warn("web.board_away", reason=explain(error, "en").reason)
                    delay = _LEAST_SECONDS
            self._stopping.wait(delay)
            delay = min(_MOST_SECONDS, delay * 2)

    def _attend(self) -> None:
        """Work until something fails, and raise it."""
        with self._served.client() as client, closing(self._served.counter(client)) as counter:
            self._open.append(counter)
            try:
                bundle = counter.bundle(self._served.bundle)
                part = own_part(bundle, self._served.name, self._served.part)
                clerk = _BoardClerk(self._zh, self._en, self._parts, client, self._served)
                desk = ErrandDesk(client, counter, bundle, part, clerk, self._en.home.records)
                self._parts.opened(bundle, part)
                while not self._stopping.is_set():
                    self._serve(desk)
            finally:
                self._open.remove(counter)

    def _serve(self, desk: ErrandDesk) -> None:
        try:
            for _ in desk.serve():
                pass
        except ServiceError as error:
            if not is_overtaken(error):
                raise
        self._stopping.wait(_LEAST_SECONDS)

    async def act(self, name: str, act: Act) -> None:
        """Tell how far a part is. The same act sent again changes nothing. Raises BoardError."""
        async with self._acting:
            held = self._parts.get(name)
            if held is None:
                raise self._refused(404, "PART_UNKNOWN", "web.board_unknown")
            if (made := held.acts.get(act.id)) is not None:
                if made != act:
                    raise self._refused(409, "ACT_REUSED", "web.board_reused")
                return
            self._check(held, act)
            outcome = self._outcome(act)
            try:
                await asyncio.get_running_loop().run_in_executor(
                    self._teller, self._tell, held.part, outcome, str(act.id)
                )
            except ServiceError as error:
                raise self._of_service(error) from None
            self._parts.told(name, act)

    def _check(self, held: Held, act: Act) -> None:
        """Raise unless the part is where the clerk saw it, and may come from there to where it is to go."""
        if held.state != act.seen or held.state not in _MAY[act.state]:
            raise self._refused(409, "PART_STATE_INVALID", "web.board_overtaken")
        if act.state != "rejected" and not held.part.ready:
            raise self._refused(409, "PART_NOT_READY", "web.board_not_ready")

    def _outcome(self, act: Act) -> Outcome:
        """Return what is told; what a clerk writes stands in both languages, since it is written once."""
        try:
            message = LocalizedText(act.message, act.message) if act.message.strip() else None
        except MalformedError:
            raise self._refused(400, "VALUE_INVALID", "web.board_text") from None
        return Outcome(_TOLD[act.state], message, act.document)

    def _tell(self, part: CounterPart, outcome: Outcome, request_id: str) -> None:
        if self._telling is None:
            client = self._served.client()
            self._telling = client, self._served.counter(client)
        self._telling[1].tell(part, outcome, request_id)

    def _hang_up(self) -> None:
        if self._telling is not None:
            for each in reversed(self._telling):
                each.close()

    def _of_service(self, error: ServiceError) -> BoardError:
        if error.reason == "PART_STATE_INVALID":
            return self._refused(409, error.reason, "web.board_overtaken")
        if error.reason == "PART_NOT_READY":
            return self._refused(409, error.reason, "web.board_not_ready")
        why = self._named(error)
        return BoardError(409 if error.reason in _CONFLICTS else 502, error.reason, why.zh, why.en)

    def _refused(self, status: int, reason: str, key: str) -> BoardError:
        return BoardError(status, reason, messages.text("zh", key), messages.text("en", key))

    def _named(self, error: BaseException) -> Named:
        zh, en = (explain(error, each).sentence() for each in _LANGUAGES)
        return Named(zh, en)


@asynccontextmanager
async def home_board(zh: Run, en: Run, served: Served) -> AsyncIterator[HomeBoard]:
    """Open a board until the block ends."""
    board = HomeBoard(zh, en, served)
    board.start()
    try:
        yield board
    finally:
        await board.aclose()
