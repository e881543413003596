"""What a registered policy demands of receipts: no answer is accepted with less, whatever is asked for."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

import tlog
from tests.disclosure.test_disclosure_allowance import PLAIN
from tests.disclosure.world import POLICY, REQUEST
from tests.verifier.log import LOG
from tests.verifier.scripted import Script, opened, scripted
from tests.verifier.test_verifier_distrust import LONG, answered
from tests.verifier.test_verifier_unique import kept
from tlog import ReceiptState
from verifier import CompositeRecord, recheck, recheck_composite
from verifier.client import Answered, DemandError
from verifier.client.exchange import anchored_by, check_demands

PENDING, ANCHORED, ORDERED = ReceiptState.PENDING, ReceiptState.ANCHORED, ReceiptState.ORDERED
ALONE = tlog.Policy.of_log(LOG)
"""A policy by which nobody but the log has to sign: what is anchored under it is no more than pending."""
WITNESS = tlog.WitnessLine("w", tlog.CosignatureSigner.generate("w.example").verifier)
QUORUM = tlog.Policy((tlog.LogLine(LOG),), (WITNESS,), (), "w")
States = Collection[ReceiptState]


async def waited(
    folder: Path,
    receipt: ReceiptState | None,
    policy: tlog.Policy | None = None,
    sees_to: States = (),
) -> Answered:
    """Ask by a policy of the plain form that demands a state, and wait for the answer."""
    registered = replace(PLAIN, receipt=receipt)
    script = Script(opens=[opened()], streams=[[answered()]], policy=registered)
    async with scripted(folder, script) as client:
        exchange = await asyncio.to_thread(client.ask, REQUEST)
        assert await asyncio.to_thread(client.demands, POLICY) == registered.demands
        return await asyncio.to_thread(client.wait, exchange, LONG, (), policy, sees_to)


@pytest.mark.parametrize("receipt", [None, PENDING])
async def test_nothing_is_waited_for_unless_the_policy_demands_it(
    receipt: ReceiptState | None, tmp_path: Path
) -> None:
    got = await waited(tmp_path, receipt)
    assert got.demands == frozenset()
    assert recheck(got.record, log_verifier=LOG).verified == got.verified


@pytest.mark.parametrize(
    ("receipt", "policy", "sees_to"),
    [
        (ANCHORED, None, ()),
        (ANCHORED, ALONE, ()),
        (ANCHORED, None, (PENDING, ORDERED)),
        (ORDERED, None, ()),
        (ORDERED, QUORUM, ()),
        (ORDERED, QUORUM, (PENDING, ANCHORED)),
    ],
)
async def test_less_than_the_policy_demands_is_no_acceptance(
    receipt: ReceiptState, policy: tlog.Policy | None, sees_to: States, tmp_path: Path
) -> None:
    with pytest.raises(DemandError) as caught:
        await waited(tmp_path, receipt, policy, sees_to)
    assert caught.value.reason == "RECEIPT_STATE_DEMANDED"
    held = caught.value.answered
    assert isinstance(held, Answered)
    assert held.demands == {receipt}
    assert recheck(held.record, log_verifier=LOG).verified == held.verified  # it holds, and may be kept


@pytest.mark.parametrize(
    ("receipt", "sees_to"),
    [(ANCHORED, (ANCHORED,)), (ORDERED, (ORDERED,)), (ORDERED, (ANCHORED, ORDERED))],
)
async def test_whoever_sees_to_it_gets_the_answer(
    receipt: ReceiptState, sees_to: States, tmp_path: Path
) -> None:
    assert (await waited(tmp_path, receipt, sees_to=sees_to)).demands == {receipt}


@pytest.mark.parametrize(
    ("registered", "told"), [(ORDERED, None), (ORDERED, ANCHORED), (ORDERED, PENDING), (None, ORDERED)]
)
async def test_a_service_takes_no_demand_away_and_adds_none(
    registered: ReceiptState | None, told: ReceiptState | None, tmp_path: Path
) -> None:
    """What it tells of the policy is believed with the proof of that record only."""
    script = Script(
        opens=[opened()], streams=[[answered()]],
        policy=replace(PLAIN, receipt=registered), told=replace(PLAIN, receipt=told),
    )  # fmt: skip
    async with scripted(tmp_path, script) as client:
        with pytest.raises(tlog.TlogError):
            await asyncio.to_thread(client.demands, POLICY)
        exchange = await asyncio.to_thread(client.ask, REQUEST)
        with pytest.raises(tlog.TlogError):
            await asyncio.to_thread(client.wait, exchange, LONG, (), None, (ANCHORED, ORDERED))


def test_only_a_quorum_of_others_makes_more_of_a_receipt() -> None:
    assert anchored_by(None) == anchored_by(ALONE) == frozenset()
    assert anchored_by(QUORUM) == {ANCHORED}


@pytest.mark.parametrize("receipt", [None, *ReceiptState])
def test_a_record_of_the_composite_form_holds_what_was_demanded(receipt: ReceiptState | None) -> None:
    made = kept(receipt)
    assert made.demands == made.record.policy.demands == {receipt} - {None, PENDING}
    assert CompositeRecord.from_bytes(made.record.to_bytes()).demands == made.demands
    check_demands(made, made.demands)
    if made.demands:
        with pytest.raises(DemandError):
            check_demands(made, {PENDING, ANCHORED, ORDERED} - made.demands)


@pytest.mark.parametrize("receipt", [None, PENDING, ANCHORED])
def test_a_record_whose_demand_was_changed_does_not_hold(receipt: ReceiptState | None) -> None:
    record = kept(ORDERED).record
    recheck_composite(record, log_verifier=LOG)
    other = replace(record.policy, receipt=receipt)
    proofs = {**record.proofs, other.entry(): record.proofs[record.policy.entry()]}
    del proofs[record.policy.entry()]
    changed = replace(record, policy=other, proofs=proofs)
    assert CompositeRecord.from_bytes(changed.to_bytes()).demands != record.demands
    with pytest.raises(tlog.VerificationError):
        recheck_composite(changed, log_verifier=LOG)
