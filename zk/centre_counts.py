"""What the resource centre's page is told of how often things happened: sums, revocations, what is under way.

A regulator reads exact sums; what everybody reads of a month is in steps, and so is what tells items apart:
it stays so here.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from google.type import date_pb2

from wire.convert import date_of
from zk.centre_rows import Row, named, time_of, word
from zkproto.v1 import catalog_pb2, revocation_pb2
from zkproto.v1 import statistics_pb2 as pb

DIMENSIONS: Final = ("day", "verifier", "policy", "purpose", "department")
"""What sums can be told apart by, one at a time."""
_OF_PUSH: Final = ("issued", "unchanged", "replaced", "renewed", "rejected", "withdrawn")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_Asked: TypeAlias = Mapping[str, str]


def asked_days(asked: _Asked) -> tuple[dt.date, dt.date]:
    """Return the first and the last day of a range, each written YYYY-MM-DD; ValueError for what is none."""
    return _day(asked.get("first", "")), _day(asked.get("last", ""))


def asked_month(asked: _Asked) -> tuple[int, int]:
    """Return a year and a month, written YYYY-MM; ValueError."""
    first = _day(f"{asked.get('month', '')}-01")
    return first.year, first.month


def asked_dimension(asked: _Asked) -> tuple[str, pb.StatisticDimension.ValueType]:
    """Return what sums are told apart by, its name and its value; ValueError."""
    name = asked.get("by", "")
    if name not in DIMENSIONS:
        raise ValueError(name)
    return name, pb.StatisticDimension.Value(f"STATISTIC_DIMENSION_{name.upper()}")


def sum_row(each: pb.Statistic, by: str) -> Row:
    """A sum: what was counted, of whom or when, how often."""
    of = day_of(each.day) if by == "day" else getattr(each, by)
    return {"kind": word(pb.StatisticKind, each.kind, "STATISTIC_KIND_"), "of": of, "count": each.count}


def waiting_row(each: pb.WaitingApplications) -> Row:
    """An item with how many applications for it waited, and for how many days the oldest did."""
    return {"item": each.item, "count": each.count, "oldest_days": each.oldest_days}


def decided_row(each: pb.DecidedApplications) -> Row:
    """A department's day: how many applications ended in which way."""
    told: Row = {"day": day_of(each.day), "department": each.department}
    return told | {name: getattr(each, name) for name in ("approved", "refused", "cancelled")}


def push_row(each: pb.PushProgress) -> Row:
    """A push: of what, since when, whether it goes on, what became of its records."""
    state = word(pb.PushProgress.State, each.state, "STATE_")
    told: Row = {"id": each.id, "schema": each.schema, "state": state, "day": day_of(each.day)}
    return told | {name: getattr(each, name) for name in _OF_PUSH}


def day_of(day: date_pb2.Date) -> str:
    """A day, written YYYY-MM-DD; MalformedError."""
    return date_of(day, field="day").isoformat()


def revocations_row(
    department: catalog_pb2.Department,
    found: Iterable[tuple[revocation_pb2.Accumulator, revocation_pb2.Epoch]],
) -> Row:
    """A department with its newest lists of revocations: how long each is, and since when it stands."""
    lists = [
        {
            "name": accumulator.name,
            "since": time_of(accumulator.create_time),
            "epoch": epoch.number,
            "revoked": epoch.revocation_count,
        }
        for accumulator, epoch in found
    ]
    return named(department.name, department.display_name) | {"lists": lists}


def _day(said: str) -> dt.date:
    if _DAY.fullmatch(said) is None:
        raise ValueError(said)
    return dt.date.fromisoformat(said)
