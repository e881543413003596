"""Refusals of the statistics service."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from tests.zkservice.counting import access, asking, decisions, stub
from tests.zkservice.refusing import Case, Refusable, Town, add
from wire.convert import date_of, date_to
from zkproto.v1 import statistics_pb2 as pb

CASES: list[Case] = []
BAD = "INVALID_ARGUMENT"
Token = Callable[[Town, str], str | None]


def own(_: Town, token: str) -> str | None:
    return token


def metadata(town: Town, token: str | None) -> tuple[tuple[str, str], ...]:
    return town.city.bearer(token) if token else ()


def giving(code: str, reason: str, *fields: str, regulator: str = "regulators/audit", token: Token) -> None:
    async def scenario(town: Town) -> Refusable:
        message = pb.CreateRegulatorAccessRequest(regulator=regulator)
        said = metadata(town, token(town, town.city.admin))
        return lambda: stub(town.city).CreateRegulatorAccess(message, metadata=said)

    add(CASES, code, reason, *fields, name=f"CreateRegulatorAccess {len(CASES)}")(scenario)


giving("UNAUTHENTICATED", "TOKEN_MISSING", token=lambda *_: None)
giving("PERMISSION_DENIED", "TOKEN_INVALID", token=lambda town, _: town.city.department_token)
giving(BAD, "NAME_INVALID", "regulator", regulator="", token=own)
giving(BAD, "NAME_INVALID", "regulator", regulator="verifiers/bank", token=own)
giving("NOT_FOUND", "NOT_FOUND", "regulator", regulator="regulators/nobody", token=own)


def listing(
    code: str, reason: str, *fields: str, token: Token = own, alter: Callable[[Any], object] = lambda _: None
) -> None:
    place = len(CASES)

    async def scenario(town: Town) -> Refusable:
        regulator = await access(town.city, f"reading-{place}")
        message = asking(town.city)
        alter(message)
        said = metadata(town, token(town, regulator))
        return lambda: stub(town.city).ListStatistics(message, metadata=said)

    add(CASES, code, reason, *fields, name=f"ListStatistics {place}")(scenario)


def backwards(message: pb.ListStatisticsRequest) -> None:
    message.last.year = message.first.year - 1


def year_and_more(message: pb.ListStatisticsRequest) -> None:
    message.first.year = message.last.year - 2


listing("UNAUTHENTICATED", "TOKEN_MISSING", token=lambda *_: None)
listing("PERMISSION_DENIED", "TOKEN_INVALID", token=lambda town, _: town.city.department_token)
listing("PERMISSION_DENIED", "TOKEN_INVALID", token=lambda town, _: town.city.admin)
for name in ("first", "last"):
    listing(BAD, "FIELD_MISSING", name, alter=lambda each, name=name: each.ClearField(name))  # type: ignore[misc]
listing(BAD, "VALUE_INVALID", "first", alter=lambda each: setattr(each.first, "month", 13))
listing(BAD, "FIELD_INVALID", "last", alter=backwards)
listing(BAD, "FIELD_INVALID", "last", alter=year_and_more)
for wrong in ([0], [9], [1, 1]):
    listing(BAD, "FIELD_INVALID", "group_by", alter=lambda each, wrong=wrong: each.group_by.extend(wrong))  # type: ignore[misc]
listing(BAD, "FIELD_INVALID", "page_size", alter=lambda each: setattr(each, "page_size", -1))
listing(BAD, "PAGE_TOKEN_INVALID", "page_token", alter=lambda each: setattr(each, "page_token", "x"))


def publishing(year: int, month: int) -> None:
    async def scenario(town: Town) -> Refusable:
        message = pb.GetPublishedStatisticsRequest(year=year, month=month)
        return lambda: stub(town.city).GetPublishedStatistics(message)

    add(CASES, BAD, "FIELD_INVALID", "month", name=f"GetPublishedStatistics {year}-{month}")(scenario)


for year, month in ((2026, 0), (2026, 13), (0, 1), (9999, 12), (2100, 1)):
    publishing(year, month)


# How far things are


def progressing(
    method: str, message: Any, code: str, reason: str, *fields: str,
    token: Token = own, alter: Callable[[Any], object] = lambda _: None,
) -> None:  # fmt: skip
    place = len(CASES)

    async def scenario(town: Town) -> Refusable:
        regulator, asked = await access(town.city, f"looking-{place}"), message(town.city)
        alter(asked)
        said = metadata(town, token(town, regulator))
        return lambda: getattr(stub(town.city), method)(asked, metadata=said)

    add(CASES, code, reason, *fields, name=f"{method} {place}")(scenario)


def counting_applications(
    code: str, reason: str, *fields: str, token: Token = own, alter: Callable[[Any], object] = lambda _: None
) -> None:
    progressing("CountApplications", decisions, code, reason, *fields, token=token, alter=alter)


def not_over(message: pb.CountApplicationsRequest) -> None:
    message.last.CopyFrom(date_to(date_of(message.last, field="last") + dt.timedelta(days=1)))


def too_many_days(message: pb.CountApplicationsRequest) -> None:
    message.first.CopyFrom(date_to(date_of(message.last, field="last") - dt.timedelta(days=31)))


for method, message in (
    ("CountApplications", decisions),
    ("ListPushes", lambda _: pb.ListPushesRequest()),
):
    progressing(method, message, "UNAUTHENTICATED", "TOKEN_MISSING", token=lambda *_: None)
    progressing(
        method,
        message,
        "PERMISSION_DENIED",
        "TOKEN_INVALID",
        token=lambda town, _: town.city.department_token,
    )
for name in ("first", "last"):
    counting_applications(
        BAD,
        "FIELD_MISSING",
        name,
        alter=lambda each, name=name: each.ClearField(name),  # type: ignore[misc]
    )
counting_applications(BAD, "VALUE_INVALID", "last", alter=lambda each: setattr(each.last, "day", 32))
counting_applications(BAD, "FIELD_INVALID", "last", alter=backwards)
counting_applications(BAD, "FIELD_INVALID", "last", alter=not_over)
counting_applications(BAD, "FIELD_INVALID", "last", alter=too_many_days)
for other in ("police", "departments/-", "verifiers/bank", "departments/police/items/x"):
    counting_applications(
        BAD,
        "NAME_INVALID",
        "department",
        alter=lambda each, other=other: setattr(each, "department", other),  # type: ignore[misc]
    )


def paging(reason: str, field: str, value: Any) -> None:
    progressing("ListPushes", lambda _: pb.ListPushesRequest(**{field: value}), BAD, reason, field)


paging("FIELD_INVALID", "page_size", -1)
paging("PAGE_TOKEN_INVALID", "page_token", "x")
