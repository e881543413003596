"""Credentials that are issued to whoever shows another one, over a real server."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from disclosure import RefusedError
from disclosure.composite import CompositeRequest, OldestEpoch, ValidOn, Waiver
from tests.zkservice.holding import (
    BASE,
    RECORD,
    Holder,
    get_offer,
    identified,
    offer,
    requiring,
    two_departments,
)
from tests.zkservice.publishing import publish, table
from tests.zkservice.revoking import Office
from tests.zkservice.stored import change
from tests.zkservice.support import VALUES, refusal
from wire.convert import values_to
from zkproto.v1 import presentation_pb2 as pb
from zkservice import composite_judging

POLICE = "departments/police"


@pytest.mark.parametrize("processes", [0, 1])
async def test_another_credential_is_signed_for_whoever_shows_the_base_credential(
    tmp_path: Path, processes: int
) -> None:
    async with two_departments(tmp_path, processes=processes) as (opened, token):
        await Office.open(opened, "police", opened.department_token)
        published = await publish(opened, table(), opened.department_token)
        holder, stranger = Holder(opened), Holder(opened)
        mine = await holder.receive(identified())
        theirs = await stranger.receive(identified(VALUES | {"name": "李四"}, person=b"2"))
        made = await offer(opened, requiring({"name": VALUES["name"], "number": VALUES["number"]}), token)
        got = await get_offer(opened, made)
        request = CompositeRequest.from_bytes(got.request)
        (query,) = request.branches[0].queries
        assert str(request.verifier) == "verifiers/health"
        assert isinstance(query.expiry, ValidOn)
        assert [each.digits and each.digits.hex() for each in query.issuers] == [published.name[7:]]
        assert [
            each.revocation.number for each in query.issuers if isinstance(each.revocation, OldestEpoch)
        ] == [0]
        assert set(query.shown) == {"name", "number"}
        wrong = await stranger.show(made, theirs)
        error = await refusal(wrong.send(opened))
        assert (error.code.name, error.reason) == ("FAILED_PRECONDITION", "REQUIRED_MISMATCH")
        claiming = await holder.show(made, mine)
        answer = await claiming.send(opened)
        assert await claiming.send(opened) == answer
        record = await holder.accept(claiming, answer)
        assert record.credential.schema == RECORD.name
        assert (answer.accumulator, answer.witness) == ("", b""), "this department revokes nothing"
        assert (await refusal(wrong.send(opened))).reason == "OFFER_TAKEN"


async def test_a_judge_that_somebody_has_got_into_has_nothing_signed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says that a stranger's credential shows what was asked for, under a commitment of its own."""
    async with two_departments(tmp_path, processes=0) as (opened, token):
        holder, stranger = Holder(opened), Holder(opened)
        mine = await holder.receive(identified())
        theirs = await stranger.receive(identified(VALUES | {"name": "李四"}, person=b"2"))
        made = await offer(opened, requiring({"name": VALUES["name"]}), token)
        truly = composite_judging.response
        lies = list[pb.VerifyPresentationResponse]()

        def lying(verified: Any, claim: Any) -> pb.VerifyPresentationResponse:
            said = truly(verified, claim)
            said.credentials[0].ClearField("values")
            said.credentials[0].values.extend(values_to(BASE, [("name", VALUES["name"])]))
            said.commitment = bytes(48)
            lies.append(said)
            return said

        monkeypatch.setattr(composite_judging, "response", lying)
        wrong = await stranger.show(made, theirs)
        assert (await refusal(wrong.send(opened))).reason == "REQUIRED_MISMATCH"
        false = await holder.show(made, mine)
        proof = false.message.presentation.proof
        false.message.presentation.proof = proof[:-1] + bytes([proof[-1] ^ 1])
        with monkeypatch.context() as patch:
            patch.setattr("zkservice.judging.verify_composite_batch", lambda claims: [None] * len(claims))
            patch.setattr(composite_judging, "response", lambda *_: pb.VerifyPresentationResponse())
            assert (await refusal(false.send(opened))).reason == "PROOF_INVALID"
        claiming = await holder.show(made, mine)
        await holder.accept(claiming, await claiming.send(opened))
        assert len(lies) == 2, "the judge was not asked"


async def test_without_digits_and_accumulator_expiry_is_shown_and_revocation_waived(tmp_path: Path) -> None:
    async with two_departments(tmp_path) as (opened, token):
        holder = Holder(opened)
        mine = await holder.receive(identified())
        made = await offer(opened, requiring({"name": VALUES["name"]}), token)
        request = CompositeRequest.from_bytes((await get_offer(opened, made)).request)
        (query,) = request.branches[0].queries
        assert [each.revocation for each in query.issuers] == [Waiver.REVOCATION]
        assert not isinstance(query.expiry, ValidOn)
        claiming = await holder.show(made, mine)
        await holder.accept(claiming, await claiming.send(opened))


async def test_a_request_that_has_run_out_is_made_anew_and_with_it_what_it_accepts(tmp_path: Path) -> None:
    async with two_departments(tmp_path) as (opened, token):
        office = await Office.open(opened, "police", opened.department_token)
        holder, other = Holder(opened), Holder(opened)
        mine = await holder.receive(identified())
        await other.receive(identified(person=b"2"))
        made = await offer(opened, requiring({"name": VALUES["name"]}), token)
        first = await get_offer(opened, made)
        assert await get_offer(opened, made) == first
        claiming = await holder.show(made, mine)
        await office.revoke(12345)
        opened.clock.ahead = dt.timedelta(hours=1, seconds=1)
        assert (await refusal(claiming.send(opened))).reason == "REQUEST_EXPIRED"
        request = CompositeRequest.from_bytes((await get_offer(opened, made)).request)
        assert request.nonce != CompositeRequest.from_bytes(first.request).nonce
        (issuer,) = request.branches[0].queries[0].issuers
        assert issuer.revocation == OldestEpoch(office.accumulator.key.octets, 1)


async def test_who_was_revoked_gets_nothing_more(tmp_path: Path) -> None:
    async with two_departments(tmp_path) as (opened, token):
        office = await Office.open(opened, "police", opened.department_token)
        holder = Holder(opened)
        mine = await holder.receive(identified())
        await office.revoke(mine.credential.handle)
        made = await offer(opened, requiring({"name": VALUES["name"]}), token)
        with pytest.raises(RefusedError) as caught:
            await holder.show(made, mine)
        assert caught.value.reason == "EPOCH_STALE"


async def test_a_department_whose_keys_are_gone_is_told_where_it_named_them(tmp_path: Path) -> None:
    async with two_departments(tmp_path) as (opened, token):
        asked = requiring({"name": VALUES["name"]})
        made = await offer(opened, asked, token)
        change(tmp_path, "update issuer_key set state = 'retired' where department = ?", POLICE)
        assert await offer(opened, asked, token) == made, "whoever was answered is answered again"
        opened.clock.ahead = dt.timedelta(hours=1, seconds=1)
        error = await refusal(get_offer(opened, made))
        assert (error.reason, [*error.violations]) == ("ISSUER_KEY_MISSING", [])
