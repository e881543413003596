"""Reading a service's statistics in tests."""

import datetime as dt
from typing import Any

from disclosure import civil_date
from tests.zkservice.publishing import new_regulator, register
from tests.zkservice.support import City
from wire.convert import date_to
from zkproto.v1 import statistics_pb2 as pb
from zkproto.v1.statistics_pb2_grpc import StatisticsServiceStub

Told = dict[str, int]
"""How often, by what was counted."""


def stub(town: City) -> Any:
    return StatisticsServiceStub(town.channel)


async def access(town: City, name: str = "audit") -> str:
    """Register a regulator and return its reading token."""
    regulator = await register(town, name, new_regulator())
    asked = pb.CreateRegulatorAccessRequest(regulator=regulator.name)
    answer = await stub(town).CreateRegulatorAccess(asked, metadata=town.bearer(town.admin))
    token: str = answer.access_token
    return token


def asking(town: City, *by: str, days: int = 1, **only: Any) -> pb.ListStatisticsRequest:
    """Ask for so many days until today, told apart by these dimensions."""
    today = civil_date(town.clock())
    return pb.ListStatisticsRequest(
        first=date_to(today - dt.timedelta(days=days - 1)),
        last=date_to(today),
        group_by=[pb.StatisticDimension.Value(f"STATISTIC_DIMENSION_{each.upper()}") for each in by],
        **only,
    )


def decisions(town: City, days: int = 1, **only: Any) -> pb.CountApplicationsRequest:
    """Ask for so many days until yesterday."""
    last = civil_date(town.clock()) - dt.timedelta(days=1)
    first = last - dt.timedelta(days=days - 1)
    return pb.CountApplicationsRequest(first=date_to(first), last=date_to(last), **only)


async def read(town: City, token: str, *by: str, **only: Any) -> list[pb.Statistic]:
    """Read all pages."""
    request, found = asking(town, *by, **only), list[pb.Statistic]()
    while True:
        page = await stub(town).ListStatistics(request, metadata=town.bearer(token))
        found += page.statistics
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def told(found: list[pb.Statistic]) -> Told:
    """Return sums that are told apart by nothing else."""
    kinds = [pb.StatisticKind.Name(each.kind).removeprefix("STATISTIC_KIND_").lower() for each in found]
    assert len(set(kinds)) == len(kinds)
    return dict(zip(kinds, (each.count for each in found), strict=True))
