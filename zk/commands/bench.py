"""`zk bench`: what the operations and the service cost here, in multiples of one pairing check."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated, Any, Final

import typer
from rich.cells import set_cell_size

import bbs
from bbs.groups.protocol import Group as BbsGroup
from zk.bench.load.processes import readable
from zk.bench.machine import describe
from zk.bench.measure import pairing_check, unit_seconds
from zk.bench.rows import PROMISED, Measure, Message, Row, Scale
from zk.bench.run import Part
from zk.bench.run import run as measure
from zk.exits import Exit
from zk.group import Group
from zk.progress import progress
from zk.run import Answer, Run, terminable

_LABEL_CELLS: Final = 46

Only = Annotated[
    list[Part] | None,
    typer.Option("--only", metavar="PART", help="help.bench.only"),
]
Rounds = Annotated[int, typer.Option("--rounds", min=1, metavar="N", help="help.bench.rounds")]
Calls = Annotated[int, typer.Option("--calls", min=1, metavar="N", help="help.bench.calls")]


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    Group("", app).command("bench")(bench)


def bench(run: Run, only: Only = None, rounds: Rounds = Scale.rounds, calls: Calls = Scale.calls) -> Answer:
    """Measure with the group in use; broken off, it ends with the rows so far and exit 130.

    Exit 8 if a promised figure misses; only the native group has such.
    """
    group, rows = bbs.groups.default(), list[Row]()
    unit_ms = unit_seconds(pairing_check(group)) * 1e3
    _introduce(run, group, unit_ms)

    def show(row: Row) -> None:
        rows.append(row)
        run.say(_line(run, row))

    with terminable():
        try:
            measure(group, Scale(rounds, calls), show, parts=_parts(run, only), watch=_watch(run))
        except KeyboardInterrupt:
            run.warn("bench.interrupted")
            return Answer(_document(group, unit_ms, rows, complete=False), exit_code=Exit.INTERRUPTED)
    missed = [row for row in rows if row.verdict == "miss"]
    return Answer(
        _document(group, unit_ms, rows, complete=True), exit_code=Exit.UNHEALTHY if missed else Exit.OK
    )


def _introduce(run: Run, group: BbsGroup, unit_ms: float) -> None:
    """Say what the unit is; of another group than the native one also what that costs, with --json too."""
    run.say(run.text("bench.unit", group=group.name, milliseconds=f"{unit_ms:.2f}"))
    if group.name != PROMISED:
        run.warn("bench.portable", group=group.name, native=PROMISED)


def _parts(run: Run, only: list[Part] | None) -> list[Part]:
    """Return what to measure; what a system does not let be measured is left out, and said."""
    parts = list(dict.fromkeys(only or Part))
    if Part.SERVICE in parts and not readable():
        run.warn("bench.no_processes")
        parts.remove(Part.SERVICE)
    return parts


def _watch(run: Run) -> Callable[[Message, int | None], AbstractContextManager[Callable[[int], object]]]:
    return lambda label, rounds: progress(run, label.text(run.lang), rounds, by_itself=False)


def _line(run: Run, row: Row) -> str:
    measure_key = "bench.times" if row.measure is Measure.TIMES else "bench.units"
    parts = [
        set_cell_size(row.label.text(run.lang), _LABEL_CELLS),
        run.text("bench.milliseconds", number=f"{row.milliseconds:8.3f}"),
        run.text(measure_key, number=f"{row.measured:6.2f}"),
    ]
    if row.limit is not None:
        parts.append(
            run.text("bench.limit", limit=f"{row.limit:<4}", verdict=run.text(f"bench.{row.verdict}"))
        )
    if row.remark:
        parts.append(row.remark.text(run.lang))
    return "  ".join(parts)


def _document(group: BbsGroup, unit_ms: float, rows: list[Row], *, complete: bool) -> dict[str, Any]:
    return {
        "group": group.name,
        "unit_ms": unit_ms,
        "machine": describe(),
        "rows": [row.document() for row in rows],
        "complete": complete,
    }
