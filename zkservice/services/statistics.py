"""StatisticsService: counters for regulators, and for everybody what tells of nobody."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection

from disclosure import civil_date
from disclosure.names import RegulatorName
from wire.convert import date_to
from zkproto.v1 import statistics_pb2 as pb
from zkproto.v1.statistics_pb2_grpc import StatisticsServiceServicer
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import page_size
from zkservice.figures import LEAST_TOLD, asked_days, stepped
from zkservice.services.parties import given_token
from zkservice.services.progress import Progress
from zkservice.storage import policies, publication, statistics
from zkservice.storage.statistics import Dimension, Sum, What

MAX_DAYS: Final = 400
MAX_SUMS: Final = 100_000
_DEFAULT_PAGE: Final = 1_000
_MAX_PAGE: Final = 10_000
_AT_ONCE: Final = 500
"""Policies that are read by one statement."""
_LISTING: Final = "statistics"
_BY: Final[dict[int, Dimension]] = {
    pb.STATISTIC_DIMENSION_DAY: Dimension.DAY,
    pb.STATISTIC_DIMENSION_VERIFIER: Dimension.VERIFIER,
    pb.STATISTIC_DIMENSION_POLICY: Dimension.POLICY,
    pb.STATISTIC_DIMENSION_DEPARTMENT: Dimension.DEPARTMENT,
}
_POLICY, _PURPOSE = int(pb.STATISTIC_DIMENSION_POLICY), int(pb.STATISTIC_DIMENSION_PURPOSE)
_FILTERS: Final = (Dimension.VERIFIER, Dimension.POLICY, Dimension.DEPARTMENT)


class StatisticsService(Progress, StatisticsServiceServicer):
    """Reads what others count. Nothing that is read here could name a person."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def CreateRegulatorAccess(self, request: pb.CreateRegulatorAccessRequest, context: Any) -> Any:
        """Give a regulator a token; it is in the answer and nowhere else, unless it was made elsewhere."""
        await self._context.access.admin(context)
        name = str(RegulatorName.parse(request.regulator, field="regulator"))
        token, hashed = given_token(self._context, request.access_token_hash)
        await self._context.database.write(lambda each: publication.give_access(each, name, hashed))
        self._context.secrets.forget()
        return pb.CreateRegulatorAccessResponse(access_token=token)

    async def ListStatistics(self, request: pb.ListStatisticsRequest, context: Any) -> Any:
        """Sums of counters, as of now: what has ended unanswered is counted first."""
        await self._context.access.regulator(context)
        days = asked_days(request, MAX_DAYS)
        by = _dimensions(request)
        start = int(self._context.pages.take(_LISTING, request.page_token) or 0)
        size = page_size(request.page_size, _DEFAULT_PAGE, _MAX_PAGE)
        await self._count_out()
        found = await self._context.database.read(lambda each: _sums(each, request, days, by))
        page = found[start : start + size]
        more = start + size < len(found)
        token = self._context.pages.give(_LISTING, str(start + size)) if more else ""
        return pb.ListStatisticsResponse(statistics=page, next_page_token=token)

    async def _count_out(self) -> None:
        """Count what has ended unanswered, and nobody has come to yet."""
        while await self._context.database.write(lambda each: statistics.expire(each, self._context.now())):
            pass

    async def GetPublishedStatistics(self, request: pb.GetPublishedStatisticsRequest, context: Any) -> Any:
        """One whole month by verifier. Of one that goes on, two answers would tell of the days between."""
        try:
            first = dt.date(request.year, request.month, 1)
            last = (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
        except (ValueError, OverflowError):
            detail = "there is no such month"
            raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="month") from None
        if last >= civil_date(self._context.now()):
            detail = "the month is not over"
            raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="month")
        await self._count_out()
        found = await self._context.database.read(
            lambda each: statistics.sums(each, (first, last), [Dimension.VERIFIER], {}, MAX_SUMS)
        )
        told = [_message(replace(each, n=stepped(each.n))) for each in found if each.verifier]
        told = [each for each in told if each.count]
        return pb.PublishedStatistics(statistics=told, least=LEAST_TOLD)


def _dimensions(request: pb.ListStatisticsRequest) -> frozenset[int]:
    wanted = frozenset(map(int, request.group_by))
    if not wanted <= {*_BY, _PURPOSE} or len(wanted) != len(request.group_by):
        detail = "there is no such dimension, or it is there twice"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="group_by")
    return wanted


def _sums(
    connection: Connection,
    request: pb.ListStatisticsRequest,
    days: tuple[dt.date, dt.date],
    by: frozenset[int],
) -> Sequence[pb.Statistic]:
    """Read sums. A purpose is its policy's: where it matters, policies are read apart and put together."""
    of_purpose = _PURPOSE in by
    read_by = {_BY[each] for each in by if each in _BY}
    if of_purpose or request.purpose:
        read_by.add(Dimension.POLICY)
    only = {each: name for each in _FILTERS if (name := getattr(request, each))}
    found = statistics.sums(connection, days, read_by, only, MAX_SUMS + 1)
    if len(found) > MAX_SUMS:
        detail = f"these are more than {MAX_SUMS} sums: ask for fewer days, or less apart"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="group_by")
    if not (of_purpose or request.purpose):
        return [_message(each) for each in found]
    purposes = _purposes(connection, found)
    placed = ((each, purposes.get(each.policy, "")) for each in found)
    wanted = (pair for pair in placed if not request.purpose or pair[1] == request.purpose)
    return _put_together(wanted, by)


def _purposes(connection: Connection, found: Iterable[Sum]) -> dict[str, str]:
    """Return the purposes of policies that something was counted under, by the policies' names."""
    names = sorted({each.policy for each in found if each.policy})
    read = (policies.found(connection, names[at : at + _AT_ONCE]) for at in range(0, len(names), _AT_ONCE))
    return {name: each.policy.purpose for some in read for name, each in some.items()}


def _put_together(found: Iterable[tuple[Sum, str]], by: frozenset[int]) -> Sequence[pb.Statistic]:
    """Add up what differs only in policies that nobody wants told apart."""
    counted: Counter[tuple[dt.date | None, str, str, str, str, What]] = Counter()
    for each, purpose in found:
        policy = each.policy if _POLICY in by else ""
        said = purpose if _PURPOSE in by else ""
        counted[each.day, each.verifier, policy, said, each.department, each.what] += each.n
    return [
        _message(Sum(what, n, day, verifier, policy, department), purpose)
        for (day, verifier, policy, purpose, department, what), n in sorted(
            counted.items(), key=lambda item: (item[0][0] or dt.date.min, *item[0][1:])
        )
    ]


def _message(each: Sum, purpose: str = "") -> pb.Statistic:
    return pb.Statistic(
        kind=pb.StatisticKind.Value(f"STATISTIC_KIND_{each.what.name}"),
        day=date_to(each.day) if each.day else None,
        verifier=each.verifier,
        policy=each.policy,
        purpose=purpose,
        department=each.department,
        count=each.n,
    )
