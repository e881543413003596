"""What a regulator sees of a range of days: tables, a file of them, and charts. No person is in any of it."""

import csv
import datetime as dt
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from zk.clients.statistics import DIMENSIONS, KINDS, Figure
from zk.messages import Language, text
from zk.regulator.charts import Bar, Titles, bar_chart, line_chart

Read = Callable[[tuple[str, ...]], Iterable[Figure]]
"""Reads the figures, told apart by some dimensions."""
_USE: Final = ("asked", "answered")
_REFUSED: Final = ("declined", "expired")
_OVERDUE: Final = ("overdue",)


@dataclass(frozen=True)
class Row:
    """What happened under one name, by kind."""

    name: str
    counts: Counter[str]


def rows_of(figures: Iterable[Figure], by: str) -> list[Row]:
    """Put figures together by one dimension: days in their order, names by how often they asked."""
    found: dict[str, Counter[str]] = {}
    for each in figures:
        found.setdefault(each.name(by), Counter())[each.kind] += each.count
    rows = [Row(name, counts) for name, counts in found.items()]
    if by == "day":
        return sorted(rows, key=lambda row: row.name)
    return sorted(rows, key=lambda row: (-row.counts["asked"], -row.counts.total(), row.name))


def csv_of(figures: Iterable[Figure]) -> str:
    """Return figures as a table for other programs, as they were read."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow((*DIMENSIONS, "kind", "count"))
    for each in figures:
        writer.writerow((*(each.name(dimension) for dimension in DIMENSIONS), each.kind, each.count))
    return written.getvalue()


def charts(read: Read, days: tuple[dt.date, dt.date], lang: Language) -> dict[str, str]:
    """Draw everything that there is a chart for; return the pictures by their files' names."""
    by_verifier, by_department = (rows_of(read((each,)), each) for each in ("verifier", "department"))
    drawn = {
        "use-over-time": _over_time(read(("day",)), days, lang),
        "use-by-purpose": _bars("purpose", _USE[:1], rows_of(read(("purpose",)), "purpose"), days, lang),
        "refusals-by-verifier": _bars("refusals", _REFUSED, by_verifier, days, lang),
        "over-asking-by-verifier": _bars("over_asking", ("over-asked",), by_verifier, days, lang),
        "use-by-department": _bars("department", _USE[:1], by_department, days, lang),
        "overdue-by-verifier": _bars("overdue", _OVERDUE, by_verifier, days, lang),
    }
    return {f"{name}.svg": picture for name, picture in drawn.items()}


def _over_time(figures: Iterable[Figure], days: tuple[dt.date, dt.date], lang: Language) -> str:
    counted = {row.name: row.counts for row in rows_of(figures, "day")}
    each_day = [days[0] + dt.timedelta(days=n) for n in range((days[1] - days[0]).days + 1)]
    kinds = (*_USE, *_REFUSED, "over-asked")
    lines = [[counted.get(str(day), Counter())[kind] for day in each_day] for kind in kinds]
    return line_chart(_titles("time", kinds, days, lang), each_day, lines)


def _bars(
    chart: str, kinds: tuple[str, ...], rows: Sequence[Row], days: tuple[dt.date, dt.date], lang: Language
) -> str:
    bars = [Bar(short(row.name, lang), tuple(row.counts[kind] for kind in kinds)) for row in rows]
    return bar_chart(_titles(chart, kinds, days, lang), bars)


def short(name: str, lang: Language) -> str:
    """Return a name without its collection, or what is said where there is none."""
    return name.partition("/")[2] or name or text(lang, "regulator.view.none")


def _titles(chart: str, kinds: tuple[str, ...], days: tuple[dt.date, dt.date], lang: Language) -> Titles:
    return Titles(
        title=text(lang, f"regulator.chart.{chart}"),
        subtitle=text(lang, "regulator.view.days", first=days[0], last=days[1]),
        axis=text(lang, "regulator.chart.axis"),
        days=text(lang, "regulator.by.day"),
        series=tuple(text(lang, f"regulator.kind.{kind}") for kind in kinds),
        nothing=text(lang, "regulator.chart.nothing"),
        others=text(lang, "regulator.chart.others"),
    )


def kinds_in(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return what happened at all, in the service's order."""
    return tuple(kind for kind in KINDS if any(row.counts[kind] for row in rows))
