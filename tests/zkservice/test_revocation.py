"""Revocation over a real server: lists, epochs, the ledger, two departments, and calls that are repeated."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator

import grpc
import pytest
import pytest_asyncio

import bbs
from bbs.accumulator import Epoch, catch_up, verify_page
from disclosure import Accumulator, epoch_entry
from tests.zkservice.auditing import audit
from tests.zkservice.revoking import Office, new_handles
from tests.zkservice.stored import dump
from tests.zkservice.support import City, channel_that_outlives, city, new_id, refusal, reopened
from tlog.entry import RecordEntry, parse_entry
from wire.revocation import accumulator_of
from zkproto.v1 import ledger_pb2
from zkproto.v1 import revocation_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with city(tmp_path_factory.mktemp("revocation")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def office(town: City) -> Office:
    return await Office.open(town, "police", town.department_token)


async def records(town: City) -> list[RecordEntry]:
    found, asked = list[RecordEntry](), ledger_pb2.ListEntriesRequest(page_size=1000)
    while True:
        page = await town.ledger.ListEntries(asked)
        parsed = [parse_entry(each.entry) for each in page.entries]
        found += [each for each in parsed if isinstance(each, RecordEntry)]
        asked.page_token = page.next_page_token
        if not asked.page_token:
            return found


async def test_the_main_line(town: City, office: Office) -> None:
    empty = await office.epoch()
    assert (empty.number, empty.position) == (0, office.accumulator.key.start)
    mine, *others = new_handles(4)
    witness = office.witness(mine, empty)
    await office.revoke(*others[:2])
    newest = await office.revoke(others[2])
    assert (newest.number, newest.position.count) == (2, 3)
    assert await office.epoch() == newest
    assert await office.epoch(0) == empty
    page = await office.page()
    assert page.handles == tuple(others)
    assert verify_page(page, empty.position, set()) == newest.position
    assert catch_up(witness, newest, [page]).verified().at == newest.position
    revoked = await office.revoke(mine)
    with pytest.raises(bbs.VerificationError, match="REVOKED"):
        catch_up(witness, revoked, [await office.page()])
    kept = [parse_entry(epoch_entry(each)) for each in (empty, newest, revoked)]
    on_ledger = await records(town)
    assert [parse_entry(office.accumulator.entry()), *kept] == [
        each for each in on_ledger if each in [parse_entry(office.accumulator.entry()), *kept]
    ]
    await audit(town)


async def test_an_accumulator_is_found_by_its_name_and_as_the_newest(town: City, office: Office) -> None:
    again = await town.revocation.GetAccumulator(pb.GetAccumulatorRequest(name=office.name))
    assert accumulator_of(again) == office.accumulator
    newest = pb.GetAccumulatorRequest(name="departments/police/accumulators/-")
    assert await town.revocation.GetAccumulator(newest) == again
    following = await Office.open(town, "police", town.department_token)
    assert accumulator_of(await town.revocation.GetAccumulator(newest)) == following.accumulator
    (handle,) = new_handles(1)
    assert (await office.revoke(handle)).position.count == 1, "the older one goes on"
    assert (await following.revoke(handle)).position.count == 1, "lists of two keys are two lists"
    entry = parse_entry(office.accumulator.entry())
    assert isinstance(entry, RecordEntry)
    assert Accumulator.from_record(entry.payload) == office.accumulator


async def test_the_same_call_makes_one_accumulator(town: City) -> None:
    asked = pb.CreateAccumulatorRequest(parent="departments/police", request_id=new_id())
    token = town.bearer(town.department_token)
    calls = [town.revocation.CreateAccumulator(asked, metadata=token) for _ in range(6)]
    answers = await asyncio.gather(*calls)
    assert all(each == answers[0] for each in answers)
    before = dump(town.ready.data)
    assert await town.revocation.CreateAccumulator(asked, metadata=token) == answers[0]
    assert dump(town.ready.data) == before


async def test_the_same_call_revokes_once_and_answers_the_same(town: City, office: Office) -> None:
    handles = new_handles(3)
    asked = office.asking(handles)
    answers = await asyncio.gather(*(office.send(asked) for _ in range(8)))
    assert all(each == answers[0] for each in answers)
    await office.revoke(*new_handles(1))
    before = dump(town.ready.data)
    assert await office.send(asked) == answers[0], "also when others were revoked since"
    assert dump(town.ready.data) == before
    other = await refusal(office.send(office.asking(handles[::-1], asked.request_id)))
    assert (other.code.name, other.reason) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    assert dump(town.ready.data) == before


async def test_a_handle_is_revoked_once_and_with_it_nothing_else_is(town: City, office: Office) -> None:
    first, second, third = new_handles(3)
    await office.revoke(first)
    before = dump(town.ready.data)
    error = await refusal(office.send(office.asking([second, first, third])))
    assert (error.code.name, error.reason) == ("FAILED_PRECONDITION", "ALREADY_REVOKED")
    assert [each.field for each in error.violations] == ["handles[1]"]
    assert dump(town.ready.data) == before
    assert (await office.revoke(second, third)).position.count == 3


async def test_many_at_once_make_one_list(office: Office) -> None:
    """Each call sees the list of the one before; none is lost, none is there twice."""
    handles, (contested,) = new_handles(12), new_handles(1)
    calls = [office.send(office.asking([each])) for each in handles]
    calls += [office.send(office.asking([contested])) for _ in range(3)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert [each.code() for each in refused] == [grpc.StatusCode.FAILED_PRECONDITION] * 2
    epochs = sorted(each.number for each in answers if not isinstance(each, BaseException))
    assert epochs == list(range(1, 14))
    newest, page = await office.epoch(), await office.page()
    assert set(page.handles) == {*handles, contested}
    assert verify_page(page, office.accumulator.key.start, set()) == newest.position


async def test_each_epoch_follows_the_one_before(office: Office) -> None:
    epoch = await office.epoch(0)
    for _ in range(3):
        following = await office.revoke(*new_handles(2))
        page = await office.page(epoch.position.count)
        at = verify_page(page, epoch.position, set())
        assert epoch.followed_by(at, following.time) == following
        epoch = following


async def test_departments_do_not_meet(town: City, office: Office) -> None:
    token = await town.add_department("harbour")
    harbour = await Office.open(town, "harbour", token)
    (handle,) = new_handles(1)
    assert (await office.revoke(handle)).position.count == 1
    assert (await harbour.epoch()).position.count == 0
    before = dump(town.ready.data)
    for thief in (Office(town, token, office.accumulator), Office(town, town.admin, office.accumulator)):
        error = await refusal(thief.send(thief.asking(new_handles(1))))
        assert (error.code.name, error.reason) == ("PERMISSION_DENIED", "TOKEN_INVALID")
    assert dump(town.ready.data) == before
    assert (await harbour.revoke(handle)).position.count == 1


@pytest.mark.parametrize("suite", ["BBS_BLS12381G1_XOF:SHAKE-256_SSWU_RO_"])
async def test_an_accumulator_of_another_suite(town: City, suite: str) -> None:
    asked = pb.CreateAccumulatorRequest(parent="departments/police", suite=suite, request_id=new_id())
    made = await town.revocation.CreateAccumulator(asked, metadata=town.bearer(town.department_token))
    office = Office(town, town.department_token, accumulator_of(made))
    assert office.accumulator.suite == suite
    assert (await office.revoke(*new_handles(2))).position.count == 2


async def test_watching_gives_the_newest_and_every_one_after_it(office: Office) -> None:
    await office.revoke(*new_handles(1))
    stream = office.city.revocation.WatchEpochs(pb.WatchEpochsRequest(accumulator=office.name))
    seen = [office.checked((await stream.read()).epoch)]
    assert seen[0] == await office.epoch()
    made: list[Epoch] = list(await asyncio.gather(*(office.revoke(*new_handles(1)) for _ in range(5))))
    seen += [office.checked((await asyncio.wait_for(stream.read(), 5)).epoch) for _ in made]
    assert [each.number for each in seen] == [1, 2, 3, 4, 5, 6]
    assert set(seen[1:]) == set(made)
    stream.cancel()


async def test_whoever_gave_up_is_answered_when_the_call_is_repeated(office: Office) -> None:
    """A caller who goes away in the middle: the revocation is there or not, and watchers are told of it."""
    stream = office.city.revocation.WatchEpochs(pb.WatchEpochsRequest(accumulator=office.name))
    await stream.read()
    for milliseconds in range(0, 40, 5):
        asked = office.asking(new_handles(3))
        call = office.send(asked)
        await asyncio.sleep(milliseconds / 1000)
        call.cancel()
        answer = await office.send(asked)
        assert answer == await office.send(asked)
        assert (await asyncio.wait_for(stream.read(), 5)).epoch == answer
    stream.cancel()
    assert (await office.epoch()).number == 8


async def test_the_list_and_the_answers_outlive_the_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("outlives")
    async with city(folder) as town:
        office = await Office.open(town, "police", town.department_token)
        asked = office.asking(new_handles(2))
        answer, token = await office.send(asked), town.department_token
    async with reopened(folder) as again:
        office = Office(again, token, office.accumulator)
        assert await office.send(asked) == answer
        assert (await office.revoke(*new_handles(1))).position.count == 3
        at = verify_page(await office.page(), office.accumulator.key.start, set())
        assert at == (await office.epoch()).position


async def test_watchers_of_epochs_are_few_and_are_told_of_the_end(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("watchers")
    async with channel_that_outlives(city(folder)) as (town, end):
        office = await Office.open(town, "police", town.department_token)
        ask = pb.WatchEpochsRequest(accumulator=office.name)
        streams = [town.revocation.WatchEpochs(ask) for _ in range(8)]
        for stream in streams:
            await stream.read()
        error = await refusal(town.revocation.WatchEpochs(ask).read())
        assert (error.code.name, error.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_WATCHERS")
        await asyncio.wait_for(end(), 5)
        for stream in streams:
            error = await refusal(stream.read())
            assert (error.code.name, error.reason) == ("UNAVAILABLE", "SHUTTING_DOWN")


async def test_a_list_that_nothing_is_added_to_gets_new_epochs(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A policy bounds the age of epochs: where nobody is revoked, holders must be able to show so too."""
    monkeypatch.setattr("zkservice.server._TIDY_SECONDS", 0.05)
    async with city(tmp_path_factory.mktemp("quiet"), epoch_hours=2) as town:
        office = await Office.open(town, "police", town.department_token)
        stream = town.revocation.WatchEpochs(pb.WatchEpochsRequest(accumulator=office.name))
        await stream.read()
        revoked = await office.revoke(*new_handles(2))
        await stream.read()
        await asyncio.sleep(0.3)
        assert await office.epoch() == revoked
        town.clock.ahead = dt.timedelta(hours=2, minutes=1)
        renewed = office.checked((await asyncio.wait_for(stream.read(), 5)).epoch)
        assert renewed == revoked.followed_by(revoked.position, renewed.time)
        assert renewed.time - revoked.time >= 7200
        await asyncio.sleep(0.3)
        assert await office.epoch() == renewed, "once in so many hours"
        assert (await office.revoke(*new_handles(1))).number == 3
        stream.cancel()
