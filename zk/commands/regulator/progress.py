"""How far things are, as a regulator is told: applications that wait and were decided, pushes of records."""

import datetime as dt
from typing import Annotated, Final

import typer
from rich.console import RenderableType
from rich.table import Table

from disclosure import civil_date
from zk.clients.progress import BECAME, OUTCOMES, Decided, ProgressClient, Push, Queue
from zk.commands.regulator.common import GROUP, TokenFile, date_of, reading_token
from zk.regulator.figures import short
from zk.run import Answer, Run

_DAYS: Final = 30
_DAY: Final = dt.timedelta(days=1)
_PUSHES: Final = 50


@GROUP.command("applications", remote=True)
def applications(
    run: Run,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="help.regulator.queue_from")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="help.regulator.queue_to")] = None,
    department: Annotated[str, typer.Option("--department", help="help.regulator.only")] = "",
    token_file: TokenFile = None,
) -> Answer:
    """Show how many applications wait for which item, and how many were decided on which day: counts in
    steps, of days that are over."""
    end = date_of(last) if last else civil_date(dt.datetime.now(dt.UTC)) - _DAY
    days = (date_of(first) if first else end - (_DAYS - 1) * _DAY), end
    with ProgressClient(run.endpoint, reading_token(run, token_file)) as client:
        found = client.queue(days, department)
    lines: list[RenderableType] = [run.text("regulator.queue.least", least=found.least)]
    lines += _waiting(run, found)
    lines += _decided(run, found, days)
    data = {
        "from": days[0].isoformat(),
        "to": days[1].isoformat(),
        "until": found.until.isoformat(),
        "least": found.least,
        "waiting": [
            {"item": each.item, "count": each.count, "oldest_days": each.oldest_days}
            for each in found.waiting
        ],
        "decided": [_row(each) for each in found.decided],
    }
    return Answer(data, lines)


@GROUP.command("pushes", remote=True)
def pushes(
    run: Run,
    most: Annotated[
        int, typer.Option("--count", min=1, max=10_000, help="help.regulator.push_count")
    ] = _PUSHES,
    token_file: TokenFile = None,
) -> Answer:
    """Show how far departments' pushes of records are, the newest first: counts in steps."""
    with ProgressClient(run.endpoint, reading_token(run, token_file)) as client:
        found, least = client.pushes(most)
    lines: list[RenderableType] = [run.text("regulator.queue.least", least=least)]
    lines.append(_pushes(run, found) if found else run.text("regulator.push.nothing"))
    told = [
        {"id": each.id, "schema": each.schema, "state": each.state, "day": each.day.isoformat(),
         **each.counts}
        for each in found
    ]  # fmt: skip
    return Answer({"least": least, "pushes": told}, lines)


def _waiting(run: Run, found: Queue) -> list[RenderableType]:
    until = run.text("regulator.queue.until", day=found.until)
    if not found.waiting:
        return [until, run.text("regulator.queue.nothing")]
    table = _table(run, ("item",), ("waiting", "oldest"))
    for each in found.waiting:
        table.add_row(short(each.item, run.lang), f"{each.count:,}", f"{each.oldest_days:,}")
    return [until, table]


def _decided(run: Run, found: Queue, days: tuple[dt.date, dt.date]) -> list[RenderableType]:
    range_of = run.text("regulator.queue.days", first=days[0], last=days[1])
    if not found.decided:
        return [range_of, run.text("regulator.queue.nothing")]
    table = _table(run, ("day", "department"), OUTCOMES)
    for each in found.decided:
        counts = (f"{each.counts[name]:,}" for name in OUTCOMES)
        table.add_row(each.day.isoformat(), short(each.department, run.lang), *counts)
    return [range_of, table]


def _pushes(run: Run, found: list[Push]) -> Table:
    table = _table(run, ("day", "schema", "state"), BECAME)
    for each in found:
        state = run.text(f"regulator.push.{each.state}")
        counts = (f"{each.counts[name]:,}" for name in BECAME)
        table.add_row(each.day.isoformat(), short(each.schema, run.lang), state, *counts)
    return table


def _table(run: Run, names: tuple[str, ...], counts: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for each in names:
        table.add_column(run.text(f"regulator.queue.{each}"))
    for each in counts:
        table.add_column(run.text(f"regulator.queue.{each}"), justify="right")
    return table


def _row(each: Decided) -> dict[str, object]:
    return {"day": each.day.isoformat(), "department": each.department, **each.counts}
