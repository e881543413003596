"""Errands and standing consents, from pending to anchored: in the vault, at counters, at who asks monthly."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from disclosure.event import EventKind
from prover import Usage, Vault
from prover.anchoring import Receipted, check_kept
from tests.prover.anchored_town import AnchoredTown, anchored_town
from tests.prover.consenting import at
from tests.prover.errand_making import Desk, agree, begun, client_of, desks, fill_in
from tests.prover.test_prover_anchoring import anchor, counts
from tests.zkservice.errands import Errands
from tests.zkservice.witnessing import CITIES
from tlog import ReceiptState, TlogError, receipt_leaf
from verifier import AnyRecord, Record, recheck_kept
from verifier.client import PendingError, VerifierClient

FOUR = CITIES[:4]
LONG, SHORT = dt.timedelta(seconds=30), dt.timedelta(seconds=1)


@dataclass
class Bureau:
    """A town whose checkpoints are cosigned, and the counters of a bundle in it."""

    anchored: AnchoredTown
    errands: Errands
    desks: dict[str, Desk]

    def submitted(self, vault: Vault) -> tuple[list[Usage], dict[str, AnyRecord]]:
        """Have a vault submit an errand; return its uses, and each counter's record."""
        town = self.anchored.town
        errand = begun(town, self.errands, self.desks, vault)
        client = client_of(town)
        uses = client.submit(errand.id, vault, town.log, agree, declare=fill_in)
        names = {each.part: str(each.name) for each in client.look(errand.id, vault).parts}
        received = {part: desk.receive(names[part])[1] for part, desk in self.desks.items()}
        return list(uses), {part: each.answered.record for part, each in received.items()}

    def anchor(self, part: str, record: AnyRecord) -> AnyRecord | None:
        """Anchor a record as its counter does."""
        town, name = self.anchored.town, self.errands.bundle.counter(part).verifier
        with VerifierClient(town.endpoint, name, self.errands.key(part), town.log) as client:
            return client.anchor(record, self.anchored.policy)


@pytest.fixture(scope="module")
def the_bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    with anchored_town(tmp_path_factory.mktemp("bureau"), 100) as opened:
        town = opened.town

        async def made() -> Errands:
            return await Errands.of(town.city, await town.city.claim(await town.city.issue()))

        errands = town.run(made())
        with desks(town, errands) as counters:
            yield Bureau(opened, errands, counters)


@pytest.fixture
def bureau(the_bureau: Bureau) -> Iterator[Bureau]:
    yield the_bureau
    the_bureau.anchored.start(*FOUR)
    the_bureau.anchored.town.city.clock.ahead = dt.timedelta()


@pytest.fixture
def stocked(bureau: Bureau, vault: Vault) -> Vault:
    town = bureau.anchored.town
    town.client().claim(town.offer(), vault, town.log)
    return vault


def test_all_that_an_errand_leaves_is_brought_to_anchored_on_both_sides(
    bureau: Bureau, stocked: Vault
) -> None:
    log, policy = bureau.anchored.town.log, bureau.anchored.policy
    uses, records = bureau.submitted(stocked)
    kept: list[Receipted] = [*uses, *stocked.events()]
    assert [check_kept(each, log, policy, accept_pending=True).is_anchored for each in kept] == [False] * 4
    for record in records.values():
        told = recheck_kept(record, log, policy, accept_pending=True)
        assert told.state is ReceiptState.PENDING
    bureau.anchored.anchored()
    assert counts(anchor(bureau.anchored, stocked)) == (4, 0)
    for use in stocked.anchoring.all():
        assert check_kept(use, log, policy).is_anchored
    for part, record in records.items():
        made = bureau.anchor(part, record)
        assert made is not None
        assert recheck_kept(made, log, policy).state is ReceiptState.ANCHORED


def test_a_counter_without_the_quorum_keeps_what_is_pending(bureau: Bureau, stocked: Vault) -> None:
    bureau.anchored.anchored()
    bureau.anchored.end(*FOUR)
    _, records = bureau.submitted(stocked)
    assert [bureau.anchor(part, each) for part, each in records.items()] == [None] * 3
    assert counts(anchor(bureau.anchored, stocked)) == (0, 4)
    bureau.anchored.start(*FOUR)
    bureau.anchored.anchored()
    assert None not in [bureau.anchor(part, each) for part, each in records.items()]


def test_no_part_is_anchored_by_the_receipt_of_another(bureau: Bureau, stocked: Vault) -> None:
    """The parts of an errand stand side by side, and each receipt is for its own part alone."""
    log, policy = bureau.anchored.town.log, bureau.anchored.policy
    _, records = bureau.submitted(stocked)
    bureau.anchored.anchored()
    (first, mine), (second, theirs), _ = ((part, bureau.anchor(part, each)) for part, each in records.items())
    assert isinstance(mine, Record)
    assert isinstance(theirs, Record)
    swapped = replace(mine, receipt=theirs.receipt)
    for attempt in (
        lambda: recheck_kept(swapped, log, policy, accept_pending=True),
        lambda: bureau.anchor(first, swapped),
        lambda: bureau.anchor(second, replace(theirs, receipt=mine.receipt)),
    ):
        with pytest.raises(Exception, match="RECEIPT_MISMATCH"):
            attempt()
    assert receipt_leaf(mine.receipt) == receipt_leaf(records[first].receipt)


def test_what_is_asked_under_a_consent_is_accepted_once_it_is_anchored(
    bureau: Bureau, tmp_path: Path
) -> None:
    town, policy = bureau.anchored.town, bureau.anchored.policy
    with (
        at(town, tmp_path / "holder.vault") as parties,
        VerifierClient(
            town.endpoint, parties.request().verifier, parties.key, town.log, clock=town.city.clock
        ) as bank,
    ):
        consent = parties.granted()
        bureau.anchored.anchored()
        bureau.anchored.end(*FOUR)
        exchange = parties.use(consent)
        parties.attend()
        with pytest.raises(PendingError) as caught:
            bank.wait(exchange, SHORT, policy=policy)
        kept = caught.value.answered.record
        with pytest.raises(TlogError, match="QUORUM_MISSING"):
            recheck_kept(kept, town.log, policy)
        bureau.anchored.start(*FOUR)
        answered = bank.wait(exchange, LONG, policy=policy)
        assert recheck_kept(answered.record, town.log, policy).state is ReceiptState.ANCHORED
        assert recheck_kept(bank.anchor(kept, policy) or kept, town.log, policy)
        made = anchor(bureau.anchored, parties.vault)
        assert made.pending == 0
        kinds = [each.note.kind for each in parties.vault.events()]
        assert EventKind.CONSENT_GRANTED in kinds
        for each in parties.vault.anchoring.all():
            assert check_kept(each, town.log, policy).is_anchored
