"""A board behind a page: verifiers of a home serve their steps of an errand's bundle beside their counter.

What the threads see stands in `Parts`, what has to survive a restart in `Book`. A clerk's acts are told by
one more thread, one after the other, and are kept before the page is answered. Each is kept as intended
before it is told: after a crash it is told again as the same one, which the service takes once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

import segno

from disclosure import LocalizedText, MalformedError, VerifierName
from disclosure.errand import BundleLink, PartName
from verifier import load_record
from verifier.client.errand_desk import is_overtaken, passes
from verifier.client.errands import ASKED, DONE, IN_PROGRESS, REJECTED, CounterPart, ErrandCounter, Outcome
from web_edge.board import Act, Beginning, BoardError, Listed, Named, Sheet
from wire.client import ServiceError
from zk import messages
from zk.board_book import Book, Noted
from zk.board_parts import Held, Parts
from zk.board_work import Served, Workers, named
from zk.commands.verifier.records import answered as told_answer
from zk.home import read_file
from zk.run import Run
from zkproto.v1 import errand_pb2 as pb

Found = TypeVar("Found")
_TOLD: Final = {"in-progress": IN_PROGRESS, "done": DONE, "rejected": REJECTED}
_MAY: Final = {
    "in-progress": {"received"},
    "done": {"received", "in-progress"},
    "rejected": {"received", "in-progress"},
}
"""From which states a clerk brings a part to another."""
_CONFLICT: Final = 409
_CONFLICTS: Final = {"PART_STATE_INVALID": "web.board_overtaken", "PART_NOT_READY": "web.board_not_ready"}


class HomeBoard:
    """The board of a home's verifiers (web_edge.board.Board), in the loop in which it was made.

    `runs` are runs of that home, "zh" and "en", which tell in their language.
    """

    def __init__(self, runs: Mapping[str, Run], served: Served) -> None:
        self._runs, self._served, self._acting = runs, served, asyncio.Lock()
        self._book = Book(self._records, served.bundle)
        self._parts = Parts(self._book.recall)
        self._workers = Workers(runs, served, self._parts, self._book, self._save, self._replay)
        self._teller, self._reader = (ThreadPoolExecutor(1, f"board-{each}") for each in ("tell", "read"))
        self._telling, self._counters = ExitStack(), dict[VerifierName, ErrandCounter]()
        self._tried = dict[str, Act]()

    @property
    def _records(self) -> Path:
        return self._runs["en"].home.records

    @property
    def revision(self) -> int:
        """A number that grows whenever something of the board changes."""
        return self._parts.revision

    async def changed(self, since: int) -> None:
        """Wait until the revision is another one."""
        await self._parts.changed(since)

    def start(self) -> None:
        """Begin to work."""
        self._workers.start()

    async def aclose(self) -> None:
        """End."""
        await asyncio.to_thread(self._workers.stop)
        await self._in(self._teller, self._telling.close)
        for each in (self._teller, self._reader):
            each.shutdown()

    def listed(self) -> Listed:
        """Return what there is."""
        return self._parts.listed()

    def beginning(self) -> Beginning | None:
        """Return what an errand is begun with; None before the bundle is known to be registered."""
        if not self._parts.is_open:
            return None
        link = str(BundleLink(self._served.endpoint.server, self._served.bundle))
        rows = segno.make(link, error="l", micro=False).matrix
        return Beginning(link, ["".join("1" if each else "0" for each in row) for row in rows])

    async def sheet(self, name: str) -> Sheet | None:
        """Return one part; None if this board has none of that name."""
        held = self._parts.get(name)
        if held is None:
            return None
        sheet = self._parts.sheet(held)
        if not sheet.record:
            return sheet
        zh, en = await self._in(self._reader, lambda: self._proven(held))
        return replace(sheet, zh=zh, en=en)

    def _proven(self, held: Held) -> tuple[list[str], list[str]]:
        """Return what was proven, read from its record, which is verified once more."""
        path = self._records / held.noted.record
        try:
            record = load_record(path)
            # The last line says where on this machine the record is, which is nothing for a page.
            zh, en = (
                [str(each) for each in told_answer(self._runs[lang], record, path).lines[:-1]]
                for lang in ("zh", "en")
            )
        except Exception as error:
            failed = named(error, self._runs)
            return [failed.zh], [failed.en]
        return zh, en

    async def record(self, name: str) -> bytes | None:
        """Return the record's file of a part; None where there is none."""
        held = self._parts.get(name)
        path = self._records / held.noted.record if held is not None and held.noted.record else None
        if path is None or not path.is_file():
            return None
        return await self._in(self._reader, lambda: read_file(path))

    async def act(self, name: str, act: Act) -> None:
        """Tell how far a part is. The same act sent again changes nothing. Raises BoardError."""
        async with self._acting:
            held = self._parts.get(name)
            if held is None:
                raise self._refused(404, "PART_UNKNOWN", "web.board_unknown")
            made = next((each.act for each in held.noted.told if each.act.id == act.id), None)
            if made is None:
                await self._carried_out(held, act)
            elif made != act:
                raise self._refused(_CONFLICT, "ACT_REUSED", "web.board_reused")
            else:  # the first answer may have been that it could not be kept
                await self._kept(held.noted.name)

    async def _carried_out(self, held: Held, act: Act) -> None:
        """Tell an act. The part has to be where the clerk saw it, unless this was tried and no answer came:
        the service may have taken it, and takes it once."""
        name, part, intended = held.noted.name, held.part, held.noted.intended
        if part is None:
            raise self._refused(_CONFLICT, "PART_STATE_INVALID", "web.board_overtaken")
        again = self._tried.get(name) == act or (intended is not None and intended.act == act)
        if not again:
            self._check(held.noted.state, act, ready=part.ready)
        outcome = self._outcome(act)
        if not again:
            await self._intended(name, act)
        self._tried[name] = act
        try:
            await self._in(self._teller, lambda: self._tell(part, outcome, str(act.id)))
        except ServiceError as error:
            refused = self._of_service(error)
            if refused.status == _CONFLICT:
                del self._tried[name]
                self._parts.intends(name, None)
                await self._kept(name)
            raise refused from None
        del self._tried[name]
        self._parts.told(name, act)
        await self._kept(name)

    async def _intended(self, name: str, act: Act) -> None:
        """Keep that an act is about to be told; BoardError if it cannot be kept."""
        self._parts.intends(name, act)
        try:
            await self._kept(name)
        except BoardError:
            self._parts.intends(name, None)
            raise

    def _check(self, state: str, act: Act, *, ready: bool) -> None:
        if state != act.seen or act.seen not in _MAY[act.state]:
            raise self._refused(_CONFLICT, "PART_STATE_INVALID", "web.board_overtaken")
        if act.state != "rejected" and not ready:
            raise self._refused(_CONFLICT, "PART_NOT_READY", "web.board_not_ready")

    async def _kept(self, name: str) -> None:
        try:
            await self._in(self._teller, lambda: self._saved(name))
        except OSError as error:
            raise BoardError(500, "FILE_UNUSABLE", named(error, self._runs)) from None

    def _saved(self, name: str) -> None:
        """Keep a part as it is now. Done in the teller's thread alone, so that the newest is kept last."""
        if (held := self._parts.get(name)) is not None:
            self._book.save(held.noted)

    def _save(self, name: str) -> None:
        self._teller.submit(self._saved, name).result()

    def _replay(self, noted: Noted) -> None:
        """Tell again what was intended before a crash, by its identifier; what is refused was never taken."""
        self._teller.submit(self._replayed, noted).result()

    def _replayed(self, noted: Noted) -> None:
        if (intended := noted.intended) is None:
            return
        act, told = intended.act, noted.told
        state, since = noted.state, noted.since
        try:
            self._tell(_of_book(noted), self._outcome(act), str(act.id))
        except ServiceError as error:
            if error.is_of_all or (passes(error) and not is_overtaken(error)):
                raise
        else:
            told = (*told, intended)
            state, since = (act.state, intended.time) if state == act.seen else (state, since)
        self._book.save(replace(noted, state=state, since=since, told=told, intended=None))

    def _outcome(self, act: Act) -> Outcome:
        """Return what is told; what a clerk writes stands in both languages, since it is written once."""
        try:
            message = LocalizedText(act.message, act.message) if act.message.strip() else None
        except MalformedError:
            raise self._refused(400, "VALUE_INVALID", "web.board_text") from None
        return Outcome(_TOLD[act.state], message, act.document)

    def _tell(self, part: CounterPart, outcome: Outcome, request_id: str) -> None:
        verifier = self._parts.counter(part.part).verifier
        if verifier not in self._counters:
            _, self._counters[verifier] = self._telling.enter_context(self._served.open(verifier))
        self._counters[verifier].tell(part, outcome, request_id)

    def _of_service(self, error: ServiceError) -> BoardError:
        if error.reason in _CONFLICTS:
            return self._refused(_CONFLICT, error.reason, _CONFLICTS[error.reason])
        return BoardError(502, error.reason, named(error, self._runs))

    def _refused(self, status: int, reason: str, key: str) -> BoardError:
        return BoardError(status, reason, Named(messages.text("zh", key), messages.text("en", key)))

    async def _in(self, threads: ThreadPoolExecutor, act: Callable[[], Found]) -> Found:
        return await asyncio.get_running_loop().run_in_executor(threads, act)


def _of_book(noted: Noted) -> CounterPart:
    """Return as much of a part as is needed to tell something of it."""
    return CounterPart(PartName(noted.name), noted.part, ASKED, ready=False, message=pb.ErrandPart())


@asynccontextmanager
async def home_board(run: Run, served: Served) -> AsyncIterator[HomeBoard]:
    """Open a board of a home until the block ends."""
    board = HomeBoard({"zh": replace(run, lang="zh"), "en": replace(run, lang="en")}, served)
    board.start()
    try:
        yield board
    finally:
        await board.aclose()
