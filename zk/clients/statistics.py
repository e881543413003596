"""A regulator's client for figures, and the administrator's that gives it its token."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from disclosure.administration import secret_hash
from disclosure.names import RegulatorName
from wire.client import Endpoint, call
from wire.convert import date_of, date_to
from zkproto.v1 import statistics_pb2, statistics_pb2_grpc

KINDS: Final = tuple(
    name.removeprefix("STATISTIC_KIND_").lower().replace("_", "-")
    for name in statistics_pb2.StatisticKind.keys()[1:]
)
"""What is counted, in the service's order."""
DIMENSIONS: Final = ("day", "verifier", "policy", "department", "purpose")


@dataclass(frozen=True)
class Figure:
    """How often something happened; what it is not told apart by is None or ""."""

    kind: str
    count: int
    day: dt.date | None = None
    verifier: str = ""
    policy: str = ""
    department: str = ""
    purpose: str = ""

    def name(self, dimension: str) -> str:
        """Return what it stands under in a dimension."""
        value = getattr(self, dimension)
        return "" if value is None else str(value)


class StatisticsClient:
    """A connection that reads figures; a context manager."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._channel = endpoint.channel()
        self._stub = statistics_pb2_grpc.StatisticsServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def give_access(
        self, regulator: RegulatorName, admin_token: str, own: str | None = None, hashed: bytes = b""
    ) -> str:
        """Return a new reading token of a regulator's, `own` unless the service makes one, nothing where only
        its hash is known; the one before ends."""
        request = statistics_pb2.CreateRegulatorAccessRequest(
            regulator=str(regulator), access_token_hash=secret_hash(own) if own else hashed
        )
        answer = call(self._stub.CreateRegulatorAccess, request, token=admin_token)
        return str(answer.access_token) or own or ""

    def figures(
        self, token: str, days: tuple[dt.date, dt.date], by: tuple[str, ...], only: dict[str, str]
    ) -> Iterator[Figure]:
        """Read sums over days, both included, told apart by DIMENSIONS; `only` has names to keep to."""
        request = statistics_pb2.ListStatisticsRequest(
            first=date_to(days[0]),
            last=date_to(days[1]),
            group_by=[
                statistics_pb2.StatisticDimension.Value(f"STATISTIC_DIMENSION_{each.upper()}") for each in by
            ],
        )
        for name, wanted in only.items():
            setattr(request, name, wanted)
        while True:
            page = call(self._stub.ListStatistics, request, token=token)
            yield from map(_figure, page.statistics)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def published(self, year: int, month: int) -> tuple[list[Figure], int]:
        """Return what everybody may know of a month that is over, and the least count that is told."""
        request = statistics_pb2.GetPublishedStatisticsRequest(year=year, month=month)
        answer = call(self._stub.GetPublishedStatistics, request)
        return list(map(_figure, answer.statistics)), answer.least


def _figure(message: statistics_pb2.Statistic) -> Figure:
    return Figure(
        kind=KINDS[message.kind - 1] if 0 < message.kind <= len(KINDS) else str(message.kind),
        count=message.count,
        day=date_of(message.day, field="day") if message.HasField("day") else None,
        verifier=message.verifier,
        policy=message.policy,
        department=message.department,
        purpose=message.purpose,
    )
