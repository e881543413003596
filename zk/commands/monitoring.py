"""`zk ledger monitor`, `evidence`, `report`: watch other operators' logs, and show others what they did."""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from consortium.errors import FolderError, SourceError
from consortium.fetching import Fetcher
from consortium.monitor import (
    Alarm,
    Bounds,
    Known,
    Monitor,
    Sources,
    gossip_app,
    hand_in,
    load_key,
    opened_store,
)
from consortium.monitor.alarms import described
from consortium.serving import listening
from tlog import MAX_EVIDENCE_OCTETS, Evidence, Grade, InputError, Policy, Verifier
from tlog.proof_file import MAX_PROOF_FILE_OCTETS
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file, unreadable
from zk.listening import listen_address
from zk.moments import iso_moment
from zk.run import Answer, Run

Policies = Annotated[list[Path], typer.Option("--policy", help="help.ledger.monitor_policy")]
Urls = list[str] | None
_GRADES: Final = {
    Grade.PROVEN: Exit.NOT_VERIFIED,
    Grade.STATED: Exit.UNHEALTHY,
    Grade.OBSERVED: Exit.UNHEALTHY,
}
_TIMES: Final = ("time", "first_time", "second_time")


def add_to(group: Group) -> None:
    """Add the commands to `zk ledger`."""
    for each in (monitor, evidence, report):
        group.command(each.__name__)(each)


def monitor(
    run: Run,
    policy: Policies,
    folder: Annotated[Path, typer.Option("--folder", help="help.ledger.monitor_folder")],
    witness: Annotated[Urls, typer.Option("--witness", help="help.ledger.monitor_witness")] = None,
    mirror: Annotated[Urls, typer.Option("--mirror", help="help.ledger.monitor_mirror")] = None,
    peer: Annotated[Urls, typer.Option("--peer", help="help.ledger.monitor_peer")] = None,
    name: Annotated[str, typer.Option("--name", help="help.ledger.monitor_name")] = "monitor",
    once: Annotated[bool, typer.Option("--once", help="help.ledger.monitor_once")] = False,
    interval: Annotated[
        float, typer.Option("--interval", min=0.1, help="help.ledger.monitor_interval")
    ] = 10.0,
    late: Annotated[int, typer.Option("--late", min=1, help="help.ledger.monitor_late")] = 60,
    listen: Annotated[str | None, typer.Option("--listen", help="help.ledger.monitor_listen")] = None,
    root: Annotated[Path | None, typer.Option("--root", help="help.ledger.monitor_root")] = None,
) -> Answer:
    """Watch the logs of these policies; what is found is told once, with its evidence in the folder.

    With --json it prints one line for each alarm and each source that fails. It ends with 4 if a fault was
    proven, with 8 if something was only stated or observed, and after --once with 5 if nothing was found and
    a log showed no checkpoint: who was not seen is not seen to be honest.
    """
    policies = [Policy.parse(read_file(each)) for each in policy]
    named = [each.url for one in policies for each in one.witnesses if each.url]
    witnesses = dict.fromkeys(each.rstrip("/") for each in [*named, *(witness or ())])
    watch = _Watch(
        run,
        folder,
        _known(policies),
        Sources(tuple(witnesses), tuple(mirror or ()), tuple(peer or ())),
        Bounds(late, interval),
        read_file(root) if root else None,
    )
    address = listen_address(listen) if listen else None
    try:
        summary = asyncio.run(watch.run(name, once=once, address=address))
    except FolderError as error:
        raise CommandError(Exit.NOT_STARTED, error.reason, "error.not_started", detail=error.detail) from None
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=detail) from None
    lines = [
        run.text("ledger.monitor_row", **{key: row[key] for key in ("origin", "size", "root")})
        for row in summary
    ]
    data = {"event": "stopped", "logs": summary, "alarms": len(watch.alarms)}
    return Answer(data, [*lines, run.text("ledger.monitor_ended", count=len(watch.alarms))], watch.exit_code)


def _known(policies: list[Policy]) -> Known:
    try:
        return Known.of(policies)
    except InputError as error:
        raise CommandError(Exit.USAGE, error.reason, "error.usage", detail=error.detail) from None


class _Watch:
    """A monitor with its way of telling."""

    def __init__(
        self, run: Run, folder: Path, known: Known, sources: Sources, bounds: Bounds, root: bytes | None
    ) -> None:
        self._run, self._folder, self._known = run, folder, known
        self._sources, self._bounds, self._root = sources, bounds, root
        self.alarms = list[Alarm]()
        self.unseen = False

    @property
    def exit_code(self) -> Exit:
        """The exit code of the gravest alarm."""
        grades = {each.grade for each in self.alarms}
        otherwise = Exit.UNREACHABLE if self.unseen else Exit.OK
        return next((code for grade, code in _GRADES.items() if grade in grades), otherwise)

    async def run(self, name: str, *, once: bool, address: tuple[str, int] | None) -> list[dict[str, Any]]:
        """Watch once, or until SIGINT or SIGTERM; return where the logs stand."""
        signer = load_key(self._folder, name)
        async with AsyncExitStack() as stack:
            store = stack.enter_context(opened_store(self._folder))
            fetcher = await stack.enter_async_context(Fetcher(root=self._root))
            watching = Monitor(
                self._folder,
                store,
                self._known,
                self._sources,
                signer,
                fetcher,
                self._bounds,
                tell=self._tell,
                trouble=self._trouble,
            )
            port = None
            if address is not None:
                app = gossip_app(watching.notes, watching.take)
                port = await stack.enter_async_context(listening(app, *address))
            self._run.document({"event": "ready", "port": port, "key": str(signer.verifier)})
            self._run.say(
                self._run.text("ledger.monitor_ready", count=len(self._known.logs), key=signer.verifier)
            )
            await (watching.once() if once else _until_told(watching))
            self.unseen = once and bool(watching.silent & self._known.urls.keys())
            return watching.summary()

    def _tell(self, alarm: Alarm) -> None:
        self.alarms.append(alarm)
        self._run.document({"event": "alarm", **alarm.data})
        self._run.say(
            *told(self._run, alarm.data), self._run.text("ledger.alarm_file", path=alarm.data["file"])
        )

    def _trouble(self, what: str, detail: str) -> None:
        self._run.document({"event": "trouble", "source": what, "detail": detail})
        if not self._run.as_json:
            self._run.warn("ledger.monitor_trouble", source=what, detail=detail)


async def _until_told(watching: Monitor) -> None:
    """Watch until SIGINT or SIGTERM."""
    task, stop = asyncio.ensure_future(watching.forever()), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stopped = asyncio.ensure_future(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if task.done():
        task.result()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def evidence(
    run: Run,
    file: Annotated[Path, typer.Argument(help="help.ledger.evidence_file")],
    policy: Annotated[list[Path] | None, typer.Option("--policy", help="help.ledger.evidence_policy")] = None,
    monitor_key: Annotated[
        list[str] | None, typer.Option("--monitor", help="help.ledger.evidence_monitor")
    ] = None,
) -> Answer:
    """Verify a file of evidence, offline, and say who is accused of what, and whether it is proven.

    It ends with 0 if a fault is proven, with 8 if the file holds and proves nothing against anybody, and with
    4 if it does not hold.
    """
    known = _known([Policy.parse(read_file(each)) for each in policy or ()])
    monitors = [Verifier.from_string(each) for each in monitor_key or ()]
    logs = tuple(key for keys in known.logs.values() for key in keys)
    try:
        with file.open("rb") as opened:
            octets = opened.read(MAX_EVIDENCE_OCTETS + 1)
    except OSError:
        raise unreadable(file) from None
    finding = Evidence.parse(octets).verify(logs)
    data = described(finding)
    # Whose word it rests on counts as much as of whom it is: anybody can make a key of a witness's name.
    trusted = (*logs, *known.witnesses, *monitors)
    named = dict.fromkeys((*finding.accused, *finding.concerned, *finding.word_of))
    strangers = [key for key in named if key not in trusted]
    data["known"] = bool(policy) and not strangers
    lines = told(run, data)
    if not policy:
        lines.append(run.text("ledger.evidence_compare"))
    if finding.grade is Grade.OBSERVED:
        unknown = [key for key in finding.word_of if key not in monitors]
        lines += [run.text("ledger.evidence_monitor", key=key) for key in unknown]
        strangers = [key for key in strangers if key not in unknown]
    if policy:
        lines += [run.text("ledger.evidence_stranger", key=key) for key in strangers]
    proven = finding.grade is Grade.PROVEN
    return Answer(data, lines, Exit.OK if proven else Exit.UNHEALTHY)


def report(
    run: Run,
    receipt: Annotated[Path, typer.Argument(help="help.ledger.report_receipt")],
    to: Annotated[str, typer.Option("--to", help="help.ledger.report_to")],
    root: Annotated[Path | None, typer.Option("--root", help="help.ledger.monitor_root")] = None,
) -> Answer:
    """Tell a monitor the checkpoint in a receipt, and nothing else of it."""
    try:
        with receipt.open("rb") as opened:
            octets = opened.read(MAX_PROOF_FILE_OCTETS + 1)
    except OSError:
        raise unreadable(receipt) from None
    try:
        asyncio.run(_hand_in(octets, to, read_file(root) if root else None))
    except SourceError as error:
        detail = error.detail
        raise CommandError(Exit.UNREACHABLE, error.reason, "ledger.report_failed", detail=detail) from None
    return Answer({"event": "reported", "to": to}, [run.text("ledger.reported", url=to)])


async def _hand_in(octets: bytes, to: str, root: bytes | None) -> None:
    async with Fetcher(root=root) as fetcher:
        await hand_in(octets, to, fetcher)


def told(run: Run, data: Mapping[str, Any]) -> list[str]:
    """Return a finding in sentences: how much is shown, of whom, what, and on whose word."""
    parts = dict(data["parts"])
    for each in _TIMES:
        if each in parts:
            parts[each] = iso_moment(parts[each])
    what = parts.get("what")
    sentence = f"ledger.seen.{what}" if what else f"ledger.fault.{data['fault']}"
    lines = [run.text(f"ledger.grade.{data['grade']}", origin=data["origin"]), run.text(sentence, **parts)]
    lines += [run.text("ledger.accused", key=each) for each in data["accused"]]
    lines += [run.text("ledger.concerned", key=each) for each in data["concerned"]]
    lines += [run.text("ledger.word_of", key=each) for each in data["word_of"]]
    return lines
