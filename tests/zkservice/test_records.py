"""Records that departments push: exactly one credential each, and no old one beside a changed one."""

import asyncio
import datetime as dt
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio

from disclosure import CredentialForm, SchemaName
from tests.zkservice.holding import Holder
from tests.zkservice.pushes import Pusher, groups, record
from tests.zkservice.revoking import Office
from tests.zkservice.stored import dump
from tests.zkservice.support import PERMIT, VALUES, City, aio_error, city, new_id, refusal
from tests.zkservice.walking import token_of
from wire.client import Endpoint
from wire.convert import values_to
from zk.clients.records import PushPlan, Record, RecordClient
from zk.clients.tokens import TokenClient
from zkproto.v1 import issuance_pb2, token_pb2, token_pb2_grpc
from zkproto.v1 import record_pb2 as pb
from zkservice.tokens import LIFETIME

FORM = replace(PERMIT, name=SchemaName("police", "resident", 1), form=CredentialForm.COMPOSITE)


@pytest_asyncio.fixture
async def police(tmp_path: Path) -> AsyncIterator[Pusher]:
    async with city(tmp_path) as town:
        yield Pusher(town, town.department_token)


@pytest_asyncio.fixture
async def residents(tmp_path: Path) -> AsyncIterator[Pusher]:
    """A department whose schema is of the composite form, and that can revoke."""
    async with city(tmp_path) as town:
        await town.add_schema(FORM)
        await Office.open(town, "police", town.department_token)
        yield Pusher(town, town.department_token, FORM)


def resident(number: int, district: str = "370102") -> pb.Record:
    return record(number, FORM, {"district": district}, person=b"person %d" % number)


async def code(pusher: Pusher, number: int) -> Any:
    found = await pusher.state(number)
    assert found.state == pb.RecordState.STATE_OFFERED
    return found


async def claimed(pusher: Pusher, number: int, holder: Holder | None = None) -> tuple[Holder, bytes]:
    """Claim a record's credential of the composite form; return its handle."""
    holder = holder or Holder(pusher.city)
    claiming = await holder.commit(await code(pusher, number), FORM)
    answer = await claiming.send(pusher.city)
    await holder.accept(claiming, answer)
    await pusher.city.issuance.AcknowledgeCredential(claiming.acknowledging)
    return holder, answer.handle


def revoked(town: City) -> set[bytes]:
    return {row[2] for row in dump(town.ready.data)["revocation"]}


async def test_each_record_gets_one_offer_and_a_second_push_none(police: Pusher) -> None:
    made = await police.push([record(each) for each in range(7)])
    assert (made.done, made.issued, made.unchanged) == (7, 7, 0)
    assert [each.push.done for each in police.last] == [3, 6, 7]
    issued = await police.city.claim(await code(police, 4))
    assert issued.credential.values["district"] == "370102"
    again = await police.push([record(each) for each in range(8)])
    assert (again.done, again.issued, again.unchanged) == (8, 1, 7)
    assert len(dump(police.city.ready.data)["record"]) == 8
    assert await police.count() == (8, 0)


async def test_codes_come_back_when_they_are_asked_for(police: Pusher) -> None:
    await police.push([record(1)])
    assert not police.last[0].offers
    await police.push([record(1), record(2)], codes=True)
    (offer,) = police.last[0].offers
    assert offer.place == 1
    await police.city.claim(
        issuance_pb2.IssueCredentialResponse(offer=offer.offer, claim_code=offer.claim_code)
    )


async def test_a_record_twice_in_one_push_is_one_record(police: Pusher) -> None:
    made = await police.push([record(1), record(1), record(2), record(1, changes={"student": True})], size=10)
    assert (made.done, made.issued, made.unchanged, made.replaced) == (4, 2, 1, 1)
    issued = await police.city.claim(await code(police, 1))
    assert issued.credential.values["student"] is True


async def test_a_changed_record_voids_the_offer_that_nobody_claimed(police: Pusher) -> None:
    await police.push([record(1)])
    before = await code(police, 1)
    changed = await police.push([record(1, changes={"student": True})])
    assert (changed.replaced, changed.not_revocable) == (1, 0)
    assert (await refusal(police.city.claim(before))).reason == "OFFER_EXPIRED"
    assert (await police.city.claim(await code(police, 1))).credential.values["student"] is True


async def test_a_plain_credential_that_was_claimed_is_said_to_go_on(police: Pusher) -> None:
    await police.push([record(1), record(2)])
    await police.city.claim(await code(police, 2))
    changed = await police.push([record(each, changes={"student": True}) for each in (1, 2)])
    assert (changed.replaced, changed.not_revocable) == (2, 1)
    assert list(police.last[0].not_revocable) == [1]


async def test_a_changed_record_revokes_the_credential(residents: Pusher) -> None:
    await residents.push([resident(1), resident(2)])
    holder, handle = await claimed(residents, 1)
    _, other = await claimed(residents, 2)
    changed = await residents.push([resident(1, "370103"), resident(2)])
    assert (changed.replaced, changed.unchanged, changed.not_revocable) == (1, 1, 0)
    await residents.withdraw("nobody")  # answered after what was left is revoked
    assert revoked(residents.city) == {handle}
    assert handle != other
    await claimed(residents, 1, holder)


async def test_what_a_changed_record_leaves_to_revoke_is_durable_with_its_offer(
    residents: Pusher, monkeypatch: Any
) -> None:
    await residents.push([resident(1)])
    await claimed(residents, 1)

    async def nothing(_: Any) -> None:
        pass

    monkeypatch.setattr("zkservice.services.records.RecordService._revoke", nothing)
    old = (await residents.state(1)).offer.removeprefix("offers/")
    await residents.push([resident(1, "370103")])
    assert dump(residents.city.ready.data)["due_revocation"] == [(old,)]
    assert not revoked(residents.city)


async def test_records_that_are_gone_are_revoked(residents: Pusher) -> None:
    await residents.push([resident(each) for each in range(3)])
    _, handle = await claimed(residents, 1)
    waits = await code(residents, 2)
    gone = await residents.withdraw(1, 2, 99)
    assert (gone.withdrawn, list(gone.not_revocable)) == (2, [])
    assert revoked(residents.city) == {handle}
    assert (await refusal(Holder(residents.city).commit(waits, FORM))).reason == "OFFER_EXPIRED"
    assert (await residents.withdraw(1, 2)).withdrawn == 0
    assert (await residents.push([resident(1)])).issued == 1


async def test_a_complete_push_withdraws_what_it_did_not_have(residents: Pusher) -> None:
    await residents.push([resident(each) for each in range(5)])
    _, handle = await claimed(residents, 4)
    push = new_id()
    await residents.push([resident(0), pb.Record(record_id=b"1", present=True), resident(2)], push)
    wrong = resident(3)
    del wrong.values[:]
    await residents.push([wrong], push, first=3)
    await residents.push([resident(7)])  # another push meanwhile
    done = await residents.finish(push, complete=True)
    assert (done.done, done.unchanged, done.rejected, done.withdrawn) == (4, 3, 1, 1)
    assert done.finished
    assert revoked(residents.city) == {handle}
    assert await residents.finish(push, complete=True) == done
    assert await residents.count() == (5, 0)
    error = await refusal(residents.push([resident(9)], push, first=4))
    assert error.reason == "PUSH_FINISHED"


async def test_a_credential_that_ends_soon_is_renewed_and_the_old_one_revoked_once_claimed(
    residents: Pusher,
) -> None:
    await residents.push([resident(1), resident(2)])
    holder, handle = await claimed(residents, 1)
    residents.city.clock.ahead = dt.timedelta(days=340)
    assert await residents.count(30) == (2, 2)
    made = await residents.push([resident(1), resident(2)])
    assert (made.unchanged, made.renewed) == (1, 1), "nobody has claimed the second"
    made = await residents.push([resident(1), resident(2)], renew_days=30)
    assert (made.unchanged, made.renewed) == (1, 1)
    assert await residents.count(30) == (2, 0)
    await residents.withdraw("nobody")
    assert not revoked(residents.city)
    assert (await residents.push([resident(1)], renew_days=30)).unchanged == 1
    _, newer = await claimed(residents, 1, holder)
    await residents.withdraw("nobody")
    assert revoked(residents.city) == {handle}
    await residents.push([resident(1, "370103")])
    await residents.withdraw("nobody")
    assert revoked(residents.city) == {handle, newer}


async def test_a_change_ends_a_renewal_and_what_it_renews(residents: Pusher) -> None:
    await residents.push([resident(1)])
    _, handle = await claimed(residents, 1)
    residents.city.clock.ahead = dt.timedelta(days=340)
    await residents.push([resident(1)], renew_days=30)
    renewal = await code(residents, 1)
    await residents.push([resident(1, "370103")])
    await residents.withdraw("nobody")
    assert revoked(residents.city) == {handle}
    assert (await refusal(Holder(residents.city).commit(renewal, FORM))).reason == "OFFER_EXPIRED"


async def test_records_that_do_not_fit_are_told_and_stop_no_other(police: Pusher) -> None:
    wrong = record(3, changes={"district": "999999"})
    nameless = record("")
    unknown = record(5, subject={"kind": "KIND_PERSON", "number": "370102199001010000"})
    misnamed = record(6, subject={"kind": "KIND_PERSON", "number": "x y"})
    records = [record(1), wrong, nameless, unknown, misnamed, record(2)]
    push = new_id()
    made = await police.push(records, push)
    assert (made.issued, made.rejected, made.done) == (2, 4, 6)
    told = [each for progress in police.last for each in progress.rejected]
    assert [(each.place, each.reason, each.field) for each in told] == [
        (1, "VALUE_INVALID", "values.district"),
        (2, "FIELD_MISSING", "record_id"),
        (3, "HOLDER_UNKNOWN", "subject"),
        (4, "VALUE_INVALID", "subject.number"),
    ]
    assert list((await police.get(push)).rejections) == told


async def test_a_push_goes_on_where_it_broke_and_does_nothing_twice(police: Pusher) -> None:
    push, records = new_id(), [record(each) for each in range(10)]
    await police.push(records[:6], push)
    made = await police.push(records[3:], push, first=3)
    assert (made.done, made.issued, made.unchanged) == (10, 10, 0)
    error = await refusal(police.push(records, push, first=11))
    assert (error.reason, error.violations[0].field) == ("RANGE_INVALID", "start.first")
    rows = dump(police.city.ready.data)
    assert len(rows["record"]) == len(rows["offer"]) == 10


@pytest.mark.parametrize("fault", ["replaced", "a token of it", "ended", "at once"])
async def test_a_push_ends_with_what_it_was_opened_with(police: Pusher, fault: str) -> None:
    """A thief who has a stream open keeps nothing more once the department has another secret."""
    town, secret, push = police.city, police.token, new_id()
    tokens: Any = token_pb2_grpc.TokenServiceStub(town.channel)
    shown = secret if fault == "replaced" else await token_of(town, secret)
    call = police.stub.PushRecords(metadata=town.bearer(shown))
    await call.write(police.start(push))
    for first in (0, 3):
        (group,) = groups([record(each) for each in range(first, first + 3)])
        await call.write(group)
        assert (await call.read()).push.done == first + 3
    if fault == "ended":
        town.clock.ahead = LIFETIME + dt.timedelta(seconds=1)
    elif fault == "at once":
        ending = token_pb2.RotateTokenKeysRequest(at_once=True)
        await tokens.RotateTokenKeys(ending, metadata=town.bearer(town.admin))
    else:
        replacing = token_pb2.ReplaceSecretRequest(name="departments/police")
        made = await tokens.ReplaceSecret(replacing, metadata=town.bearer(secret))
        police.token = made.access_token
    (group,) = groups([record(each) for each in range(6, 9)])
    await call.write(group)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert aio_error(caught.value).reason == "TOKEN_INVALID"
    assert (await police.get(push)).done == 6
    made = await police.push([record(each) for each in range(6, 9)], push, first=6)
    assert (made.done, made.issued) == (9, 9)


async def test_a_push_that_outlives_its_token_goes_on_by_itself(
    police: Pusher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zk.clients.records.GROUP", 3)
    data = police.city.ready.data
    endpoint = Endpoint.at(police.city.ready.address, data / "ca.pem")
    ended = threading.Event()

    def source(first: int) -> Iterator[Record]:
        for number in range(first, 9):
            if number == 3:
                assert ended.wait(60)
            yield Record(str(number).encode(), VALUES)

    def push() -> list[int]:
        done = []
        with RecordClient(endpoint, police.token) as client, TokenClient(endpoint) as tokens:
            for progress in client.push(PushPlan(PERMIT), source):
                done.append(progress.push.done)
                if not ended.is_set():
                    tokens.rotate(police.city.admin, at_once=True)
                    ended.set()
        return done

    assert await asyncio.to_thread(push) == [3, 6, 9]
    assert len(dump(data)["record"]) == 9


async def test_what_a_holder_shows_first_must_be_of_a_department_with_a_key(residents: Pusher) -> None:
    town, push = residents.city, new_id()
    shown = replace(FORM, name=SchemaName("land", "resident", 1))
    await town.add_department("land")
    await town.add_schema(shown)
    required = issuance_pb2.RequiredCredential(
        schema=str(shown.name), values=values_to(shown, {"district": "370102"}.items())
    )
    records = [resident(1), *(record(each, FORM, required=required) for each in (2, 3))]
    refused = await refusal(residents.push(records, push, size=1))
    assert (refused.reason, refused.violations[0].field) == (
        "ISSUER_KEY_MISSING",
        "group.records.required.schema",
    )
    # What came before is kept, of the group nothing is; with a key the push goes on from there.
    assert ((await residents.get(push)).done, len(dump(town.ready.data)["offer"])) == (1, 1)
    await town.add_key("land")
    made = await residents.push(records, push, size=1)
    assert (made.done, made.issued) == (3, 3)
