"""A department pushes the records of its register: out of a file, or out of its own database."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Protocol

import typer

from disclosure import Schema
from zk.clients.records import Pushed, PushPlan, Record, RecordClient
from zk.commands.issuer.common import GROUP, Item, OfDepartment, registered_schema
from zk.connectors import Misfit, Plan, SqlConnector, load_plan
from zk.exits import CommandError, Exit
from zk.home import write_private
from zk.progress import progress
from zk.pushing import KeptPush, RecordFile
from zk.run import Answer, Run, terminable
from zk.service import Service

_SHOWN: Final = 20
"""Records that are named one by one; the count tells of the others."""
_FEW, _SHARE = 10, 5
"""What a connector may withdraw unasked: so many, or one of so many."""
_EVERY: Final = re.compile(r"([1-9][0-9]{0,4})(s|m|h|d)", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

Renew = Annotated[int, typer.Option("--renew-days", min=0, max=3660, metavar="N", help="help.issuer.renew")]


class _Source(Protocol):
    misfits: list[Misfit]
    misfit: int
    unnamed: int

    def read(self, first: int) -> Iterator[Record]: ...


@GROUP.command("push", remote=True)
def push(
    run: Run,
    file: Annotated[Path, typer.Argument(help="help.issuer.records")],
    item: Annotated[str, typer.Option("--schema", metavar="ITEM", help="help.issuer.item")],
    resume: Annotated[bool, typer.Option("--resume", help="help.issuer.resume")] = False,
    complete: Annotated[bool, typer.Option("--complete", help="help.issuer.complete")] = False,
    renew_days: Renew = 0,
    department: OfDepartment = None,
) -> Answer:
    """Push the records of a file; broken off, it goes on with --resume. Exit 3 if some were refused."""
    with Service(run.endpoint) as service:
        schema = registered_schema(run, service, item, department)
        source = RecordFile(file, schema, lambda name: registered_schema(run, service, name, None))
        kept = KeptPush.of(run.home, schema.name, source.digest(), resume=resume)
        plan = PushPlan(schema, kept.push, renew_days)
        with _resumable(run):
            done = _pushed(run, plan, source, complete=complete)
    kept.forget()
    return _answer(run, schema, done, source)


@contextmanager
def _resumable(run: Run) -> Iterator[None]:
    """Say how it goes on, where Ctrl-C or a lost service ends it: what was told as done is durable."""
    with terminable():
        try:
            yield
        except BaseException:
            run.warn("push.broken")
            raise


def _pushed(run: Run, plan: PushPlan, source: _Source, *, complete: bool, many: bool = True) -> Pushed:
    """Push all there is, and finish: a complete push withdraws what it did not have, unless there were
    records that could not even be named, or, without `many`, it would withdraw much of the register."""
    with RecordClient(run.endpoint, run.home.token(plan.schema.name.department)) as client:
        label, done = run.text("push.label", name=run.local(plan.schema.display_name)), 0
        with progress(run, label, None) as advance:
            for told in client.push(plan, source.read):
                done = told.push.done
                advance(done)
        if complete and source.unnamed:
            run.warn("push.not_complete", count=source.unnamed)
            complete = False
        if complete and not many:
            complete = _few_are_gone(run, client.count(plan.schema).records, done)
        return client.finish(plan.push, complete=complete)


def _few_are_gone(run: Run, known: int, had: int) -> bool:
    """Tell whether a run that nobody watches may withdraw what it did not have; warn if it may not.

    A view that is being loaded anew is empty for a moment, and what is revoked stays revoked.
    """
    gone = known - had
    few = gone <= max(_FEW, known // _SHARE) and (had > 0 or not known)
    if not few:
        run.warn("push.too_many_gone", gone=gone, known=known)
    return few


def _answer(run: Run, schema: Schema, done: Pushed, source: _Source) -> Answer:
    """Tell what came of a push; what did not fit or was refused makes it exit 3."""
    counts = {
        "done": done.done,
        "issued": done.issued,
        "unchanged": done.unchanged,
        "replaced": done.replaced,
        "renewed": done.renewed,
        "withdrawn": done.withdrawn,
        "not_revocable": done.not_revocable,
        "rejected": done.rejected,
        "misfit": source.misfit,
    }
    misfits = [{"row": each.row, "reason": each.reason, "field": each.field} for each in source.misfits]
    rejected = [{"place": each.place, "reason": each.reason, "field": each.field} for each in done.rejections]
    lines = [
        run.text("push.done", name=run.local(schema.display_name), **counts),
        *(run.text("push.misfit", **each) for each in misfits[:_SHOWN]),
        *(run.text("push.rejected", **each) for each in rejected[:_SHOWN]),
    ]
    if done.not_revocable:
        lines.append(run.text("push.not_revocable", count=done.not_revocable))
    if done.issued or done.unchanged or done.replaced or done.renewed:
        lines.append(run.text("push.codes", item=f"{schema.name.item}@{schema.name.version}"))
    data: dict[str, Any] = {"schema": str(schema.name), "push": done.push, **counts}
    data |= {"misfits": misfits, "rejections": rejected}
    refused = bool(done.rejected or source.misfit)
    return Answer(data, lines, Exit.REFUSED if refused else Exit.OK)


@GROUP.command("connect", remote=True)
def connect(
    run: Run,
    file: Annotated[Path, typer.Argument(help="help.issuer.connector")],
    every: Annotated[str | None, typer.Option("--every", metavar="1h", help="help.issuer.every")] = None,
    once: Annotated[bool, typer.Option("--once", help="help.issuer.once")] = False,
    full: Annotated[bool, typer.Option("--full", help="help.issuer.full")] = False,
    withdraw_many: Annotated[bool, typer.Option("--withdraw-many", help="help.issuer.withdraw_many")] = False,
    department: OfDepartment = None,
) -> Answer:
    """Push what a department's own database holds, once or again and again until Ctrl-C."""
    if once and every is not None:
        raise CommandError(Exit.USAGE, "EVERY_INVALID", "error.once_or_every")
    pause, plan = _pause(every), load_plan(file)
    with terminable():
        answer = _connected(run, file, plan, department, full=full, many=withdraw_many)
        with suppress(KeyboardInterrupt):
            while pause is not None:
                run.finish(answer)
                time.sleep(pause.total_seconds())
                answer = _connected(run, file, plan, department, full=full, many=withdraw_many)
    return answer


def _pause(every: str | None) -> timedelta | None:
    if every is None:
        return None
    found = _EVERY.fullmatch(every)
    if found is None:
        raise CommandError(Exit.USAGE, "EVERY_INVALID", "error.every_invalid", every=every)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _connected(run: Run, file: Path, plan: Plan, department: str | None, *, full: bool, many: bool) -> Answer:
    """Push what the database holds now. Where the next run goes on is kept after the service has it all."""
    with Service(run.endpoint) as service:
        schema = registered_schema(run, service, plan.schema_, department)
        mark = run.home.path / "connectors" / schema.name.department / f"{file.stem}.json"
        since = None if full or plan.since is None else _since(mark)
        connector = SqlConnector(plan, lambda name: registered_schema(run, service, name, None))
        whole = since is None
        with connector.open(schema, since) as rows:
            pushing = PushPlan(schema, renew_days=plan.renew_days)
            done = _pushed(run, pushing, rows, complete=whole, many=many)
            newest = rows.newest()
        if newest is not None:
            write_private(mark, json.dumps({"since": newest}).encode() + b"\n")
    return _answer(run, schema, done, rows)


def _since(mark: Path) -> str | None:
    try:
        return str(json.loads(mark.read_text("utf-8"))["since"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise CommandError(Exit.USAGE, "FILE_UNREADABLE", "error.file_unreadable", path=mark) from None


@GROUP.command("withdraw", remote=True)
def withdraw(
    run: Run,
    item: Item,
    record: Annotated[list[str], typer.Argument(metavar="RECORD...", help="help.issuer.record")],
    department: OfDepartment = None,
) -> Answer:
    """Withdraw records: offers that nobody claimed are void, credentials revoked."""
    with Service(run.endpoint) as service:
        schema = registered_schema(run, service, item, department)
    with RecordClient(run.endpoint, run.home.token(schema.name.department)) as client:
        answer = client.withdraw(schema, [each.encode() for each in record])
    lines = [run.text("push.withdrawn", count=answer.withdrawn)]
    if answer.not_revocable:
        lines.append(run.text("push.not_revocable", count=len(answer.not_revocable)))
    data = {"withdrawn": answer.withdrawn, "not_revocable": [record[each] for each in answer.not_revocable]}
    return Answer(data, lines)


@GROUP.command("record", remote=True)
def record(
    run: Run,
    item: Item,
    record_id: Annotated[str, typer.Argument(metavar="RECORD", help="help.issuer.record")],
    department: OfDepartment = None,
) -> Answer:
    """Show what became of a record, with the link of its offer while that waits."""
    with Service(run.endpoint) as service:
        schema = registered_schema(run, service, item, department)
    with RecordClient(run.endpoint, run.home.token(schema.name.department)) as client:
        state = client.state(schema, record_id.encode())
    link = str(state.link) if state.link is not None else ""
    name = state.state.name.lower()
    data = {"record": record_id, "schema": state.schema, "offer": state.offer, "state": name, "link": link}
    return Answer(data, [run.text(f"push.state.{name}", offer=state.offer), *([link] if link else [])])
