"""How far applications and pushes are, as it is told: of days that are over, and no count that is small."""

import base64
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from disclosure import civil_date
from disclosure.credential import CIVIL_TIME
from tests.zkservice.cases_applications import approval, refusing
from tests.zkservice.counting import access, decisions, stub
from tests.zkservice.pushes import Pusher, record
from tests.zkservice.residents import Resident, applications
from tests.zkservice.support import City, city
from wire.convert import date_of, date_to
from zkproto.v1 import application_pb2
from zkproto.v1 import statistics_pb2 as pb
from zkservice.figures import LEAST_TOLD
from zkservice.services.progress import RUNNING

PERMIT = "departments/police/items/residence_permit"
DAY = dt.timedelta(days=1)


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[City]:
    async with city(tmp_path) as opened:
        yield opened


async def counted(town: City, token: str, **asked: Any) -> pb.CountApplicationsResponse:
    answer: pb.CountApplicationsResponse = await stub(town).CountApplications(
        decisions(town, **asked), metadata=town.bearer(token)
    )
    return answer


async def pushes(town: City, token: str, **asked: Any) -> pb.ListPushesResponse:
    answer: pb.ListPushesResponse = await stub(town).ListPushes(
        pb.ListPushesRequest(**asked), metadata=town.bearer(token)
    )
    return answer


async def decide(town: City, message: application_pb2.DecideApplicationRequest) -> None:
    await applications(town).DecideApplication(message, metadata=town.bearer(town.department_token))


async def applied(town: City, mine: Resident, times: int) -> list[str]:
    return [(await mine.apply()).application for _ in range(times)]


def later(town: City, days: int = 1) -> None:
    """Let days go by, to the middle of one: no test runs over midnight."""
    noon = dt.datetime.combine(civil_date(town.clock()) + days * DAY, dt.time(12), CIVIL_TIME)
    town.clock.ahead += noon - town.clock()


async def test_what_waits_and_was_decided_is_told_of_days_that_are_over(town: City) -> None:
    later(town)
    token, mine = await access(town), await Resident.settle(town)
    names = await applied(town, mine, 7)
    assert not (await counted(town, token)).waiting, "they came today"
    later(town)
    first = await counted(town, token, days=2)
    (waiting,) = first.waiting
    assert (waiting.item, waiting.count, waiting.oldest_days) == (PERMIT, 5, 0)
    assert date_of(first.until, field="until") == civil_date(town.clock()) - DAY
    assert (first.least, len(first.decided)) == (LEAST_TOLD, 0)
    for name in names[:5]:
        await decide(town, refusing(name))
    await decide(town, approval(names[5]))
    await applied(town, mine, 6)
    assert await counted(town, token, days=2) == first, "a day that goes on changes nothing"
    later(town)
    second = await counted(town, town.admin, days=2)
    (waiting,) = second.waiting
    assert (waiting.count, waiting.oldest_days) == (5, 1), "seven wait, the one of the first day among them"
    (decided,) = second.decided
    assert (decided.department, decided.approved, decided.refused, decided.cancelled) == (
        "departments/police", 0, 5, 0,
    )  # fmt: skip
    assert date_of(decided.day, field="day") == civil_date(town.clock()) - DAY
    assert (await counted(town, token, days=2)) == second
    assert (await counted(town, token, days=2, department="departments/police")) == second
    assert not (await counted(town, token, days=2, department="departments/hrss")).decided
    later(town, 30)
    third = await counted(town, token, days=31)
    assert [each.oldest_days for each in third.waiting] == [31]
    assert [each.refused for each in third.decided] == [5]
    assert not (await counted(town, token, days=30)).decided, "the day is before the first one asked for"


async def test_fewer_than_the_least_are_told_to_nobody(town: City) -> None:
    later(town)
    token, mine = await access(town), await Resident.settle(town)
    names = await applied(town, mine, 8)
    for name in names[:4]:
        await applications(town).CancelApplication(
            application_pb2.CancelApplicationRequest(name=name), metadata=await mine.session()
        )
    later(town)
    for caller in (token, town.admin):
        answer = await counted(town, caller)
        assert not answer.waiting
        assert not answer.decided


async def test_no_name_and_no_word_is_in_what_is_told(town: City) -> None:
    later(town)
    token, mine = await access(town), await Resident.settle(town)
    names = await applied(town, mine, 6)
    pusher = Pusher(town, town.department_token)
    push = (await pusher.push([record(each) for each in range(6)])).push
    later(town)
    said = str(await counted(town, token)) + str(await pushes(town, token))
    assert PERMIT in said
    for each in (*names, mine.account, mine.who.number, push):
        assert each.rpartition("/")[2] not in said


async def test_a_push_is_followed_until_it_is_finished(town: City) -> None:
    token, pusher = await access(town), Pusher(town, town.department_token)
    name = (await pusher.push([record(each) for each in range(7)])).push
    (running,) = (await pushes(town, token)).pushes
    assert (running.issued, running.unchanged, running.state) == (5, 0, pb.PushProgress.STATE_RUNNING)
    assert running.schema == "departments/police/schemas/residence_permit@1"
    assert running.day == date_to(civil_date(town.clock()))
    town.clock.ahead += RUNNING
    (standing,) = (await pushes(town, token)).pushes
    assert (standing.id, standing.state) == (running.id, pb.PushProgress.STATE_STANDING)
    await pusher.push([record(each) for each in range(7, 13)], name, first=7)
    (running,) = (await pushes(town, token)).pushes
    assert (running.id, running.issued, running.state) == (
        standing.id, 10, pb.PushProgress.STATE_RUNNING,
    )  # fmt: skip
    await pusher.finish(name)
    (finished,) = (await pushes(town, town.admin)).pushes
    assert (finished.id, finished.issued, finished.state) == (
        standing.id, 10, pb.PushProgress.STATE_FINISHED,
    )  # fmt: skip


async def test_pushes_come_by_pages_without_those_that_are_too_small_to_be_told(town: City) -> None:
    token, pusher = await access(town), Pusher(town, town.department_token)
    for first, size in ((0, 5), (100, 4), (200, 1), (300, 9)):
        await pusher.push([record(each) for each in range(first, first + size)])
    await pusher.push([record(each) for each in range(5)])
    whole = (await pushes(town, token)).pushes
    assert [(each.issued, each.unchanged) for each in whole] == [(0, 5), (5, 0), (5, 0)]
    assert len({each.id for each in whole}) == 3
    for size in (1, 2, 4, 5):
        found, page = list[pb.PushProgress](), ""
        while True:
            answer = await pushes(town, token, page_size=size, page_token=page)
            assert answer.pushes, "no page is empty for those that are not told"
            assert not answer.next_page_token or len(answer.pushes) == size
            found += answer.pushes
            page = answer.next_page_token
            if not page:
                break
        assert found == list(whole), size


async def test_a_page_token_says_nothing_of_pushes_that_are_not_told(town: City) -> None:
    token, pusher = await access(town), Pusher(town, town.department_token)
    for first, size in ((0, 5), (100, 1), (200, 5)):
        await pusher.push([record(each) for each in range(first, first + size)])
    page = (await pushes(town, token, page_size=1)).next_page_token
    said = base64.urlsafe_b64decode(page).decode()[22:]
    number = int(said[22:])
    assert number > 1 << 32
    assert str(number) != said, "it names a push that was told"
    assert len((await pushes(town, token, page_size=1, page_token=page)).pushes) == 1
    assert not (await pushes(town, token, page_size=2)).next_page_token, "two are told"
