"""Issuance of the composite form over a real server: who gets what, once, and what is kept of it."""

import asyncio
import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from disclosure import AttributeDefinition, AttributeType, SchemaName
from disclosure.composite import HolderSecret, IssuanceTerms
from tests.zkservice.holding import (
    BASE,
    PERSON,
    Claiming,
    Holder,
    get_offer,
    identified,
    offer,
    requiring,
    town,
)
from tests.zkservice.revoking import Office
from tests.zkservice.stored import change, dump
from tests.zkservice.support import TEXT, VALUES, City, new_id, refusal, reopened
from zkproto.v1 import issuance_pb2
from zkservice.services.composite_issuance import CompositeIssuance
from zkservice.services.witnesses import Witnesses
from zkservice.signing_keys import SECONDS
from zkservice.storage import issuance as offers
from zkservice.storage.database import Database, open_engine

POLICE = "departments/police"


async def issuance(opened: City, name: str) -> issuance_pb2.Issuance:
    asked = issuance_pb2.GetIssuanceRequest(offer=name)
    got: issuance_pb2.Issuance = await opened.issuance.GetIssuance(
        asked, metadata=opened.bearer(opened.department_token)
    )
    return got


@pytest.mark.parametrize("processes", [0, 1])
async def test_a_base_credential_is_signed_for_a_secret_that_nobody_sees(
    tmp_path: Path, processes: int
) -> None:
    async with town(tmp_path, processes=processes) as opened:
        office = await Office.open(opened, "police", opened.department_token)
        holder = Holder(opened)
        made = await offer(opened, identified())
        got = await get_offer(opened, made)
        assert (got.schema, got.request) == (str(BASE.name), b"")
        assert IssuanceTerms.from_bytes(got.terms).base
        before = await issuance(opened, made.offer)
        assert (before.claimed, before.handle, before.accumulator) == (False, b"", "")
        claiming = await holder.commit(made)
        answer = await claiming.send(opened)
        holding = await holder.accept(claiming, answer)
        assert holding.credential.values == VALUES
        assert answer.accumulator == office.name
        told = await issuance(opened, made.offer)
        assert told == issuance_pb2.Issuance(
            offer=made.offer,
            schema=str(BASE.name),
            claimed=True,
            handle=answer.handle,
            accumulator=office.name,
        )
        # What the department was told revokes this credential.
        epoch = await office.revoke(int.from_bytes(told.handle))
        assert (await office.page()).handles == (holding.credential.handle,)
        assert epoch.number == 1


async def test_a_claim_sent_again_gets_the_same_answer_and_no_other_does(tmp_path: Path) -> None:
    async with town(tmp_path) as opened:
        holder = Holder(opened)
        claiming = await holder.commit(await offer(opened, identified()))
        first, second = await asyncio.gather(claiming.send(opened), claiming.send(opened))
        assert first == second == await claiming.send(opened)
        assert len(dump(tmp_path)["holder"]) == 1
        other = issuance_pb2.ClaimCompositeCredentialRequest()
        other.CopyFrom(claiming.message)
        other.request_id = new_id()
        assert (await refusal(opened.issuance.ClaimCompositeCredential(other))).reason == "OFFER_TAKEN"
        # The same request_id with another answer: the other would be signed if the first were not kept.
        again = await holder.commit(_offer_of(claiming))
        again.message.request_id = claiming.message.request_id
        assert (await refusal(again.send(opened))).reason == "OFFER_TAKEN"
        for _ in range(2):
            await opened.issuance.AcknowledgeCredential(claiming.acknowledging)
        assert (await refusal(claiming.send(opened))).reason == "OFFER_TAKEN"
        assert (await refusal(get_offer(opened, _offer_of(claiming)))).reason == "OFFER_TAKEN"


def _offer_of(claiming: Claiming) -> issuance_pb2.IssueCredentialResponse:
    return issuance_pb2.IssueCredentialResponse(
        offer=claiming.message.offer, claim_code=claiming.message.claim_code
    )


async def test_a_childs_secret_goes_to_the_vault_and_nowhere_else(tmp_path: Path) -> None:
    secret = AttributeDefinition("child", TEXT, AttributeType.SECRET)
    schema = replace(BASE, name=SchemaName("police", "household", 1), attributes=(*BASE.attributes, secret))
    child = bytes(range(100, 132))
    async with town(tmp_path) as opened:
        await opened.add_schema(schema)
        holder = Holder(opened)
        claiming = await holder.commit(
            await offer(opened, identified(VALUES | {"child": child}, schema=schema)), schema
        )
        holding = await holder.accept(claiming, await claiming.send(opened))
        assert holding.credential.values["child"] == child
        assert all(child not in path.read_bytes() for path in tmp_path.glob("service.sqlite3*"))
        error = await refusal(offer(opened, requiring({"child": child}, BASE, schema)))
        assert (error.reason, error.violations[0].field) == ("VALUE_INVALID", "required.values.child")


async def test_of_two_vaults_at_once_one_gets_the_offer(tmp_path: Path) -> None:
    async with town(tmp_path) as opened:
        made = await offer(opened, identified())
        claims = [await Holder(opened).commit(made) for _ in range(4)]
        sent = await asyncio.gather(*(each.send(opened) for each in claims), return_exceptions=True)
        assert sum(isinstance(each, issuance_pb2.ClaimCompositeCredentialResponse) for each in sent) == 1
        for claiming, answer in zip(claims, sent, strict=True):
            if isinstance(answer, BaseException):
                assert (await refusal(claiming.send(opened))).reason == "OFFER_TAKEN"
        assert len(dump(tmp_path)["holder"]) == 1


async def test_a_person_has_one_secret_and_a_secret_one_person(tmp_path: Path) -> None:
    async with town(tmp_path) as opened:
        mine, other = Holder(opened), Holder(opened)
        for _ in range(2):  # the same person again, with the same secret
            await mine.receive(identified())
        claiming = await other.commit(await offer(opened, identified()))
        before = dump(tmp_path)
        error = await refusal(claiming.send(opened))
        assert (error.code.name, error.reason) == ("FAILED_PRECONDITION", "HOLDER_MISMATCH")
        claiming = await mine.commit(await offer(opened, identified(person=b"somebody else")))
        assert (await refusal(claiming.send(opened))).reason == "HOLDER_MISMATCH"
        after = dump(tmp_path)
        assert before["holder"] == after["holder"]
        assert {row[6] for row in after["composite_offer"] if row[6] is not None} == {
            row[6] for row in before["composite_offer"] if row[6] is not None
        }, "a refused claim left a handle"
        await other.receive(identified(person=b"somebody else"))


async def test_of_two_offers_for_a_new_person_at_once_one_secret_comes_out(tmp_path: Path) -> None:
    async with town(tmp_path) as opened:
        claims = [await Holder(opened).commit(await offer(opened, identified())) for _ in range(3)]
        sent = await asyncio.gather(*(each.send(opened) for each in claims), return_exceptions=True)
        won = [isinstance(each, issuance_pb2.ClaimCompositeCredentialResponse) for each in sent]
        assert sum(won) == 1
        assert len(dump(tmp_path)["holder"]) == 1
        for claiming, good in zip(claims, won, strict=True):
            if not good:
                assert (await refusal(claiming.send(opened))).reason == "HOLDER_MISMATCH"


async def test_who_has_lost_the_vault_gets_another_secret_and_the_old_one_serves_nobody(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as opened:
        await Office.open(opened, "police", opened.department_token)
        lost, new, thief = Holder(opened), Holder(opened), Holder(opened)
        await lost.receive(identified())
        await new.receive(identified(replace_holder=True))
        await new.receive(identified())
        for person in (PERSON, b"whoever found it"):
            claiming = await lost.commit(await offer(opened, identified(person=person)))
            assert (await refusal(claiming.send(opened))).reason == "HOLDER_MISMATCH"
        # Nor does it come back by the same way.
        claiming = await lost.commit(await offer(opened, identified(replace_holder=True)))
        assert (await refusal(claiming.send(opened))).reason == "HOLDER_MISMATCH"
        # What was offered for the secret before does not take the place of the one after it.
        stale = await offer(opened, identified(replace_holder=True))
        newest = Holder(opened)
        await newest.receive(identified(replace_holder=True))
        assert (await refusal((await thief.commit(stale)).send(opened))).reason == "HOLDER_MISMATCH"
        # Who has it still after all goes on with it.
        await newest.receive(identified(replace_holder=True))
        await newest.receive(identified())


async def test_replacing_nothing_makes_a_person_known(tmp_path: Path) -> None:
    async with town(tmp_path) as opened:
        await Office.open(opened, "police", opened.department_token)
        made = [await offer(opened, identified(replace_holder=True)) for _ in range(2)]
        await (await Holder(opened).commit(made[0])).send(opened)
        claiming = await Holder(opened).commit(made[1])
        assert (await refusal(claiming.send(opened))).reason == "HOLDER_MISMATCH"


async def test_terms_are_made_anew_when_their_key_signs_no_more(tmp_path: Path) -> None:
    async with town(tmp_path) as opened:
        holder = Holder(opened)
        made = await offer(opened, identified())
        claiming = await holder.commit(made)
        assert await get_offer(opened, made) == await get_offer(opened, made), "terms that hold are kept"
        change(tmp_path, "update issuer_key set state = 'verify-only'")
        error = await refusal(claiming.send(opened))
        assert (error.reason, [each.field for each in error.violations]) == ("ISSUER_KEY_RETIRED", ["offer"])
        await asyncio.sleep(SECONDS)
        assert (await refusal(get_offer(opened, made))).reason == "ISSUER_KEY_MISSING"
        newer = await opened.add_key("police")
        anew = await holder.commit(made)
        assert str(anew.key.name) == newer.name
        assert (await refusal(claiming.send(opened))).reason == "COMMITMENT_INVALID"
        holding = await holder.accept(anew, await anew.send(opened))
        # Answered again under the terms that it was given for, whatever became of their key.
        change(tmp_path, "update issuer_key set state = 'retired'")
        assert issued_handle(await anew.send(opened)) == holding.credential.handle
        assert (await get_offer(opened, made)).terms == holding_terms(anew)


def issued_handle(answer: issuance_pb2.ClaimCompositeCredentialResponse) -> int:
    return int.from_bytes(answer.handle)


def holding_terms(claiming: Claiming) -> bytes:
    return claiming.pending.terms.canonical


@pytest.mark.parametrize("reason", ["ISSUER_KEY_RETIRED", "COMMITMENT_INVALID", "OFFER_EXPIRED"])
async def test_what_happens_while_the_signer_signs_counts_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    """The key is retired, the terms are made anew, or the offer ends, between judging and keeping."""
    signed = CompositeIssuance._signed
    async with town(tmp_path) as opened:
        made = await offer(opened, identified())

        async def overtaken(self: Any, *args: Any) -> Any:
            claim = await signed(self, *args)
            if reason == "OFFER_EXPIRED":
                opened.clock.ahead = dt.timedelta(days=30, seconds=1)
                return claim
            change(tmp_path, "update issuer_key set state = 'verify-only'")
            if reason == "COMMITMENT_INVALID":
                await opened.add_key("police")
                await get_offer(opened, made)
            return claim

        claiming = await Holder(opened).commit(made)
        with monkeypatch.context() as patch:
            patch.setattr(CompositeIssuance, "_signed", overtaken)
            assert (await refusal(claiming.send(opened))).reason == reason
        rows = dump(tmp_path)
        assert rows["holder"] == []
        assert [row[5:] for row in rows["composite_offer"]] == [(None, None, None, None)]
        assert [row[5] for row in rows["offer"]] == ["offered"]


async def test_a_handle_that_is_somebodys_or_revoked_is_drawn_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(tmp_path) as opened:
        office = await Office.open(opened, "police", opened.department_token)
        await office.revoke(77)
        draws = iter([5, 5, 77, 6])
        monkeypatch.setattr("disclosure.composite.issuance.random_scalar", lambda: next(draws))
        for person, handle in ((b"a", 5), (b"b", 6)):
            holding = await Holder(opened).receive(identified(person=person))
            assert holding.credential.handle == handle
        assert next(draws, None) is None


async def test_an_epoch_that_is_made_meanwhile_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with town(tmp_path) as opened:
        office = await Office.open(opened, "police", opened.department_token)
        computed = Witnesses.of

        async def overtaken(self: Any, *args: Any) -> Any:
            found = await computed(self, *args)
            await office.revoke(4711)
            return found

        monkeypatch.setattr(Witnesses, "of", overtaken)
        holder = Holder(opened)
        claiming = await holder.commit(await offer(opened, identified()))
        answer = await claiming.send(opened)
        assert answer.epoch == 0
        await holder.accept(claiming, answer)


async def test_what_is_offered_is_forgotten_when_it_is_stored_or_late_and_the_handle_is_not(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as opened:
        holder = Holder(opened)
        stored = await holder.commit(await offer(opened, identified()))
        answer = await stored.send(opened)
        await opened.issuance.AcknowledgeCredential(stored.acknowledging)
        late = await holder.commit(await offer(opened, identified()))
        lost = await late.send(opened)
        never = await offer(opened, identified())
        opened.clock.ahead = dt.timedelta(days=30, seconds=1)
        for call in (late.send(opened), get_offer(opened, never)):
            assert (await refusal(call)).reason == "OFFER_EXPIRED"
        token = opened.department_token
    database = Database(open_engine(f"sqlite:///{tmp_path / 'service.sqlite3'}"))
    try:
        moment = dt.datetime.now(dt.UTC) + dt.timedelta(days=31)
        assert await database.write(lambda each: offers.forget_expired(each, moment)) == 2
    finally:
        database.close()
    assert {row[7] for row in dump(tmp_path)["offer"]} == {None}
    async with reopened(tmp_path) as again:
        again.department_token = token
        assert (await issuance(again, _offer_of(stored).offer)).handle == answer.handle
        assert (await issuance(again, _offer_of(late).offer)).handle == lost.handle
        assert not (await issuance(again, never.offer)).claimed
        claiming = await Holder(again).commit(await offer(again, identified()))
        assert (await refusal(claiming.send(again))).reason == "HOLDER_MISMATCH", "the person is known still"


async def test_a_restart_between_any_two_steps_changes_nothing(tmp_path: Path) -> None:
    secret, request = HolderSecret.generate(), identified()
    async with town(tmp_path) as opened:
        token = opened.department_token
        made = await offer(opened, request)
    async with reopened(tmp_path) as opened:
        opened.department_token = token
        assert await offer(opened, request) == made
        claiming = await Holder(opened, secret).commit(made)
    async with reopened(tmp_path) as opened:
        answer = await claiming.send(opened)
    async with reopened(tmp_path) as opened:
        assert await claiming.send(opened) == answer
        await Holder(opened, secret).accept(claiming, answer)
        await opened.issuance.AcknowledgeCredential(claiming.acknowledging)
    async with reopened(tmp_path) as opened:
        await opened.issuance.AcknowledgeCredential(claiming.acknowledging)
        opened.department_token = token
        assert (await issuance(opened, made.offer)).handle == answer.handle


async def test_the_same_call_makes_one_offer_and_another_is_told(tmp_path: Path) -> None:
    async with town(tmp_path) as opened:
        request_id = new_id()
        made = await offer(opened, identified(request_id=request_id))
        assert await offer(opened, identified(request_id=request_id)) == made
        for other in (
            identified(person=b"another", request_id=request_id),
            identified(request_id=request_id, replace_holder=True),
            identified(VALUES | {"student": True}, request_id=request_id),
        ):
            error = await refusal(offer(opened, other))
            assert (error.code.name, error.reason) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
        change(tmp_path, "update issuer_key set state = 'retired'")
        await asyncio.sleep(SECONDS)
        assert await offer(opened, identified(request_id=request_id)) == made
        assert (await refusal(offer(opened, identified()))).reason == "ISSUER_KEY_MISSING"


async def test_false_commitments_are_not_checked_without_end(tmp_path: Path) -> None:
    async with town(tmp_path) as opened:
        claiming = await Holder(opened).commit(await offer(opened, identified()))
        right = claiming.message.commitment
        claiming.message.commitment = right[:-1] + bytes([right[-1] ^ 1])
        for _ in range(20):
            assert (await refusal(claiming.send(opened))).reason == "COMMITMENT_INVALID"
        assert (await refusal(claiming.send(opened))).reason == "TOO_MANY_ATTEMPTS"
        await Holder(opened).receive(identified(person=b"not held up"))


async def test_a_false_holder_does_not_buy_signatures_without_end(tmp_path: Path) -> None:
    async with town(tmp_path) as opened:
        await Holder(opened).receive(identified())
        claiming = await Holder(opened).commit(await offer(opened, identified()))
        for _ in range(20):
            assert (await refusal(claiming.send(opened))).reason == "HOLDER_MISMATCH"
        assert (await refusal(claiming.send(opened))).reason == "TOO_MANY_ATTEMPTS"
