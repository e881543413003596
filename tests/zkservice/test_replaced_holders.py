"""Who has lost the vault: what it held is revoked with the next one's claim, whatever fails meanwhile."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from disclosure import RefusedError
from tests.zkservice.holding import Holder, identified, offer, requiring, two_departments
from tests.zkservice.revoking import Office
from tests.zkservice.stored import dump
from tests.zkservice.support import VALUES, refusal, reopened
from zkservice.services.revocation import RevocationService


async def revoked(office: Office) -> set[int]:
    """Return the handles that an accumulator's newest epoch no longer counts."""
    newest = await office.epoch()
    if not newest.position.count:
        return set()
    return {int.from_bytes(each[:32]) for each in (await office.page()).pairs}


async def test_the_lost_vaults_base_credentials_are_revoked_and_nobody_elses(tmp_path: Path) -> None:
    async with two_departments(tmp_path) as (opened, token):
        older = await Office.open(opened, "police", opened.department_token)
        lost, new, other = Holder(opened), Holder(opened), Holder(opened)
        first = await lost.receive(identified())
        office = await Office.open(opened, "police", opened.department_token)
        second = await lost.receive(identified())
        theirs = await other.receive(identified(person=b"another"))
        mine = await new.receive(identified(replace_holder=True))
        assert await revoked(older) == {first.credential.handle}
        assert await revoked(office) == {second.credential.handle}
        assert not dump(tmp_path)["due_revocation"]
        for holder, holding in ((lost, first), (lost, second)):
            made = await offer(opened, requiring({"name": VALUES["name"]}), token)
            with pytest.raises(RefusedError) as caught:
                await holder.show(made, holding)
            assert caught.value.reason == "EPOCH_STALE"
        # A third vault: what the second one held goes too, and what is revoked already is left alone.
        await office.revoke(mine.credential.handle)
        third = await Holder(opened).receive(identified(replace_holder=True))
        assert await revoked(office) == {second.credential.handle, mine.credential.handle}
        assert third.credential.handle not in await revoked(office)
        assert theirs.credential.handle not in await revoked(office)
        assert not dump(tmp_path)["due_revocation"]


async def _failing(*_: Any) -> None:
    raise RuntimeError("the power is gone")


@pytest.mark.parametrize("when", ["before it is revoked", "before it is forgotten"])
async def test_what_a_claim_has_left_to_be_revoked_is_revoked_after_a_restart(
    tmp_path: Path, when: str
) -> None:
    async with two_departments(tmp_path) as (opened, _):
        office = await Office.open(opened, "police", opened.department_token)
        lost, new = Holder(opened), Holder(opened)
        held = await lost.receive(identified())
        claiming = await new.commit(await offer(opened, identified(replace_holder=True)))
        with pytest.MonkeyPatch.context() as patch:
            if when == "before it is revoked":
                patch.setattr(RevocationService, "_revoke_offers", _failing)
            else:
                patch.setattr("zkservice.storage.composite_offers.forget_due", _fail)
            answer = await claiming.send(opened)
            assert len(dump(tmp_path)["due_revocation"]) == 1
        token = opened.department_token
    async with reopened(tmp_path) as again:
        office.city, office.token = again, token
        await _until_nothing_is_due(tmp_path)
        assert await revoked(office) == {held.credential.handle}
        assert (await office.epoch()).number == 1
        assert await claiming.send(again) == answer


def _fail(*_: Any) -> None:
    raise RuntimeError("the power is gone")


async def _until_nothing_is_due(folder: Path) -> None:
    async with asyncio.timeout(20):
        while dump(folder)["due_revocation"]:
            await asyncio.sleep(0.05)


async def test_a_refused_claim_leaves_nothing_to_be_revoked(tmp_path: Path) -> None:
    async with two_departments(tmp_path) as (opened, _):
        office = await Office.open(opened, "police", opened.department_token)
        lost, thief = Holder(opened), Holder(opened)
        await lost.receive(identified())
        made = [await offer(opened, identified(replace_holder=True)) for _ in range(2)]
        await lost.receive(identified())
        assert await revoked(office) == set(), "the same secret goes on"
        await (await Holder(opened).commit(made[0])).send(opened)
        count = len(await revoked(office))
        assert (await refusal((await thief.commit(made[1])).send(opened))).reason == "HOLDER_MISMATCH"
        assert len(await revoked(office)) == count == 2


async def test_a_handle_is_revoked_in_the_accumulator_that_it_was_issued_with(tmp_path: Path) -> None:
    async with two_departments(tmp_path) as (opened, _):
        older = await Office.open(opened, "police", opened.department_token)
        held = await Holder(opened).receive(identified())
        newer = await Office.open(opened, "police", opened.department_token)
        asked = newer.asking([held.credential.handle])
        asked.accumulator = "departments/police/accumulators/-"
        answer = await newer.send(asked)
        assert (answer.accumulator, await newer.send(asked)) == (older.name, answer)
        assert await revoked(older) == {held.credential.handle}
        assert await revoked(newer) == set()
