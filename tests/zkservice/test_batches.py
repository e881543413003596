"""BatchVerifyPresentations over a real server: each member gets the verdict that it gets alone."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio

from disclosure import RefusedError
from tests.zkservice.batching import Crowd, Member, crowd, refused, told
from tests.zkservice.stored import dump
from tests.zkservice.support import VALUES, aio_error
from tests.zkservice.wiring import mutations
from verifier.verify import VerifiedPresentation, verify_presentations
from wire.convert import moment_to, values_of
from zkproto.v1 import presentation_pb2
from zkservice.errors import ServiceError, ServiceReason
from zkservice.knowledge import KEY_SECONDS
from zkservice.storage.database import Database

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def people(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Crowd]:
    async with crowd(tmp_path_factory.mktemp("crowd")) as opened:
        yield opened


async def alone(people: Crowd, octets: bytes) -> tuple[str, str, str] | bytes:
    """Send a member by itself; return the answer's octets, or what it is refused with."""
    call: Any = people.city.channel.unary_unary(
        "/zkproto.v1.PresentationService/VerifyPresentation",
        request_serializer=bytes,
        response_deserializer=bytes,
    )
    try:
        answer: bytes = await call(octets)
    except grpc.aio.AioRpcError as error:
        return refused(aio_error(error))
    return answer


async def test_a_hundred_of_all_kinds_hold_and_nothing_is_kept(people: Crowd) -> None:
    before = dump(people.city.ready.data)
    answers = [people.answer(number) for number in range(100)]
    verdicts = await people.batch(*(people.member(*each) for each in answers))
    assert [told(each)[0] for each in verdicts] == ["OK"] * 100
    for (request, presentation), verdict in zip(answers, verdicts, strict=True):
        assert verdict.verified.presentation_digest == presentation.digest
        for query, said in zip(request.queries, verdict.verified.credentials, strict=True):
            assert (said.query, said.schema) == (query.id, str(query.schema))
            assert values_of(said.values) == {name: VALUES[name] for name in query.shown}
    assert dump(people.city.ready.data) == before


async def test_false_members_among_a_hundred_are_named_exactly(people: Crowd) -> None:
    bad = list(people.bad())
    assert len({reason for reason, _ in bad}) > 10
    for seed in range(2):
        dice = random.Random(seed)
        members = [("", people.good(number)) for number in range(100 - len(bad))] + bad
        dice.shuffle(members)
        verdicts = await people.batch(*(member for _, member in members))
        assert [told(each)[1] for each in verdicts] == [reason for reason, _ in members]
        for (reason, member), verdict in zip(members, verdicts, strict=True):
            if reason:
                assert told(verdict) == await alone(people, member.SerializeToString())


async def test_one_false_member_wherever_it_stands(people: Crowd) -> None:
    good = [people.good(number) for number in range(9)]
    (_, bad), *_ = people.bad()
    for place in range(9):
        verdicts = await people.batch(*good[:place], bad, *good[place + 1 :])
        assert [told(each)[1] for each in verdicts] == [
            "PROOF_INVALID" if at == place else "" for at in range(9)
        ]


@pytest.mark.parametrize("holder", [1, 2])
async def test_forgeries_that_cancel_one_another_are_both_named(
    people: Crowd, holder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = people.cancelling(holder)
    members = [*(people.good(number) for number in range(8)), *pair]
    for each in pair:
        assert await alone(people, each.SerializeToString()) == (
            "INVALID_ARGUMENT",
            "PROOF_INVALID",
            "presentation.credentials[0].proof",
        )
    for _ in range(3):
        random.shuffle(members)
        verdicts = await people.batch(*members)
        names = [told(verdict)[0] for verdict in verdicts]
        assert names == ["INVALID_ARGUMENT" if each in pair else "OK" for each in members]
    # The attack is real: with equal coefficients the two would pass.
    claims = [people.claim(holder, each) for each in pair]
    assert [type(each) for each in verify_presentations(claims)] == [RefusedError] * 2
    monkeypatch.setattr("bbs.batch.secrets.randbits", lambda _: 1)
    assert [type(each) for each in verify_presentations(claims)] == [VerifiedPresentation] * 2


async def test_the_same_member_many_times(people: Crowd) -> None:
    (_, bad), *_ = people.bad()
    good = people.good(0)
    verdicts = await people.batch(*[good, bad] * 20)
    assert [told(each)[1] for each in verdicts] == ["", "PROOF_INVALID"] * 20
    assert len({each.SerializeToString() for each in verdicts}) == 2


async def test_every_member_is_judged_as_of_its_own_moment(people: Crowd) -> None:
    request, presentation = people.answer(1)
    members = []
    for moment in (request.created, request.expires, None):
        member = people.member(request, presentation)
        if moment is not None:
            member.verify_time.CopyFrom(moment_to(moment))
        members.append(member)
    verdicts = await people.batch(*members)
    assert [told(each)[1] for each in verdicts] == ["", "REQUEST_EXPIRED", ""]


async def test_whatever_is_wrong_with_a_member_it_is_told_as_alone_and_hurts_nobody(people: Crowd) -> None:
    """Each field of a member changed in each way, in one batch after the other, between members that hold."""
    seed = people.member(*people.answer(2))
    seed.verify_time.CopyFrom(moment_to(people.city.clock()))
    good, changed = people.good(0), []
    for _, octets in mutations(seed.SerializeToString(), Member.DESCRIPTOR):
        try:
            changed.append(Member.FromString(octets))
        except Exception:  # no member at all: the whole message would be none
            continue
    assert len(changed) > 200
    # What is 70,000 octets long is sent alone with its neighbours, the others in batches of fifty.
    large = [each for each in changed if each.ByteSize() > 10_000]
    small = [each for each in changed if each.ByteSize() <= 10_000]
    runs = [[each] for each in large] + [small[at : at + 50] for at in range(0, len(small), 50)]
    reasons = set()
    for run in runs:
        first, *verdicts, last = await people.batch(good, *run, good)
        assert (told(first)[0], told(last)[0]) == ("OK", "OK")
        for member, verdict in zip(run, verdicts, strict=True):
            expected = await alone(people, member.SerializeToString())
            got = told(verdict)
            assert expected == (verdict.verified.SerializeToString() if got[0] == "OK" else got)
            reasons.add(got[1])
    assert len(reasons) > 10


async def test_members_share_what_is_loaded(people: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = 0
    read = Database.read

    async def counting(self: Database, act: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(self, act)

    members = [people.good(number) for number in range(60)]
    await people.batch(members[0])
    monkeypatch.setattr(Database, "read", counting)
    await people.batch(*members)
    # Verifiers, schemas, issuer keys: once for each judge, keys again after a second; not for each member.
    assert reads <= 10
    reads = 0
    await people.batch(*(each for _, each in people.bad()))
    assert 0 < reads <= 10


async def test_a_batch_of_more_names_than_are_loaded_at_once(
    people: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.desk._NAMES", 1)
    monkeypatch.setattr("zkservice.knowledge._KEPT_SCHEMAS", 0)
    (_, bad), *_ = people.bad()
    verdicts = await people.batch(*(people.good(number) for number in range(6)), bad)
    assert [told(each)[1] for each in verdicts] == [""] * 6 + ["PROOF_INVALID"]


async def test_as_many_members_as_there_may_be(people: Crowd) -> None:
    (_, bad), *_ = people.bad()
    verdicts = await people.batch(*[Member()] * 255, bad)
    assert [told(each)[1] for each in verdicts] == ["FIELD_MISSING"] * 255 + ["PROOF_INVALID"]


async def test_many_batches_and_single_callers_at_once(people: Crowd) -> None:
    """Whatever is gathered together, everybody gets their own."""
    (_, bad), *_ = people.bad()
    members = [people.good(number) for number in range(10)] + [bad]
    expected = [await alone(people, each.SerializeToString()) for each in members]

    async def batch(seed: int) -> None:
        order = list(range(len(members)))
        random.Random(seed).shuffle(order)
        verdicts = await people.batch(*(members[at] for at in order))
        for at, verdict in zip(order, verdicts, strict=True):
            got = told(verdict)
            assert expected[at] == (verdict.verified.SerializeToString() if got[0] == "OK" else got)

    async def single(at: int) -> None:
        assert await alone(people, members[at].SerializeToString()) == expected[at]

    await asyncio.gather(*map(batch, range(8)), *(single(number % len(members)) for number in range(40)))


async def test_a_single_caller_overtakes_a_large_batch(people: Crowd) -> None:
    members = [people.good(number) for number in range(20)]
    large = asyncio.create_task(people.batch(*(members * 11)))
    await asyncio.sleep(0.01)
    assert isinstance(await alone(people, members[0].SerializeToString()), bytes)
    assert not large.done(), "the batch had everything to itself"
    assert {told(each)[0] for each in await large} == {"OK"}


async def test_batches_have_so_much_room_and_give_it_back(
    people: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.gathering.MAX_BULK", 230)
    members = [people.good(number) for number in range(20)]
    single = members[0].SerializeToString()
    for leaves in (True, False):
        large = asyncio.create_task(people.batch(*(members * 11)))
        await asyncio.sleep(0.05)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await people.batch(*members[:11])
        assert refused(aio_error(caught.value)) == ("RESOURCE_EXHAUSTED", "OVERLOADED", "")
        assert {told(each)[0] for each in await people.batch(*members[:10])} == {"OK"}
        assert isinstance(await alone(people, single), bytes), "single callers have room of their own"
        assert not large.done()
        if leaves:
            large.cancel()
            await asyncio.sleep(0.5)
        else:
            assert {told(each)[0] for each in await large} == {"OK"}
        assert {told(each)[0] for each in await people.batch(*(members * 11))} == {"OK"}


async def test_a_storage_that_fails_fails_the_call_and_accuses_no_member(
    people: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(self: Database, act: Any) -> Any:
        raise ServiceError(ServiceReason.STORAGE_UNAVAILABLE, "the storage failed")

    message = presentation_pb2.BatchVerifyPresentationsRequest(requests=[people.good(0)])
    await asyncio.sleep(KEY_SECONDS)  # until the issuer key is read again
    monkeypatch.setattr(Database, "read", failing)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await people.city.presentation.BatchVerifyPresentations(message)
    assert aio_error(caught.value).reason == "STORAGE_UNAVAILABLE"
