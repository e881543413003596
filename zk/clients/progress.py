"""A regulator's client for how far things are: what waits for a decision, what departments push."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from wire.client import Endpoint, call
from wire.convert import date_of, date_to
from zkproto.v1 import statistics_pb2 as pb
from zkproto.v1 import statistics_pb2_grpc

OUTCOMES: Final = ("approved", "refused", "cancelled")
"""How an application ends, in the service's order."""
BECAME: Final = ("issued", "unchanged", "replaced", "renewed", "rejected", "withdrawn")
"""What becomes of a record that is pushed, in the service's order."""
MOST: Final = 500
"""So many pushes come with one answer at most."""
_STATES: Final = {value: name.removeprefix("STATE_").lower() for name, value in pb.PushProgress.State.items()}


@dataclass(frozen=True)
class Waiting:
    """An item, how many applications for it waited, and for how many days the oldest had."""

    item: str
    count: int
    oldest_days: int


@dataclass(frozen=True)
class Decided:
    """One department's day: how many applications ended in which of OUTCOMES."""

    day: dt.date
    department: str
    counts: dict[str, int]


@dataclass(frozen=True)
class Queue:
    """What waited at the end of a day, and what was decided; every count is a multiple of `least`."""

    until: dt.date
    least: int
    waiting: tuple[Waiting, ...]
    decided: tuple[Decided, ...]


@dataclass(frozen=True)
class Push:
    """A push of records: of what, since which day, whether it goes on, how many records became which of
    BECAME."""

    id: str
    schema: str
    state: str
    day: dt.date
    counts: dict[str, int]


class ProgressClient:
    """A connection that reads how far things are, with a regulator's token; a context manager."""

    def __init__(self, endpoint: Endpoint, token: str) -> None:
        self._channel, self._token = endpoint.channel(), token
        self._stub = statistics_pb2_grpc.StatisticsServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def queue(self, days: tuple[dt.date, dt.date], department: str = "") -> Queue:
        """Return what waits, and what was decided on these days, both included and over; of one department
        where it is named."""
        request = pb.CountApplicationsRequest(
            first=date_to(days[0]), last=date_to(days[1]), department=department
        )
        answer = call(self._stub.CountApplications, request, token=self._token)
        return Queue(
            date_of(answer.until, field="until"),
            answer.least,
            tuple(Waiting(each.item, each.count, each.oldest_days) for each in answer.waiting),
            tuple(
                Decided(date_of(each.day, field="day"), each.department, _counts(each, OUTCOMES))
                for each in answer.decided
            ),
        )

    def pushes(self, most: int) -> tuple[list[Push], int]:
        """Return so many pushes at most, the newest first, and the least count that is told."""
        found, least = list[Push](), 0
        for page in self._pages(most):
            found += map(_push, page.pushes)
            least = page.least
            if len(found) >= most or not page.pushes:  # a page that is empty leads nowhere
                break
        return found[:most], least

    def _pages(self, most: int) -> Iterator[pb.ListPushesResponse]:
        request = pb.ListPushesRequest(page_size=min(most, MOST))
        while True:
            page = call(self._stub.ListPushes, request, token=self._token)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token


def _counts(message: pb.DecidedApplications | pb.PushProgress, names: tuple[str, ...]) -> dict[str, int]:
    return {name: getattr(message, name) for name in names}


def _push(message: pb.PushProgress) -> Push:
    state = _STATES.get(message.state, _STATES[pb.PushProgress.STATE_UNSPECIFIED])
    day = date_of(message.day, field="day")
    return Push(message.id, message.schema, state, day, _counts(message, BECAME))
