"""Records from pending to anchored, of both forms, at a real server with nine real witnesses."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

import tlog
from disclosure import VerifierName
from disclosure.composite import Regulator
from disclosure.names import RegulatorName
from tests.verifier.test_verifier_client import answer, client_of
from tests.verifier.test_verifier_composite_client import answered as answered_composite
from tests.verifier.test_verifier_composite_client import policy_at
from tests.zkservice.allowing import Named, asking
from tests.zkservice.composite_city import CompositeCity, furnished
from tests.zkservice.support import TEXT, City, Issued, city
from tests.zkservice.witnessing import CITIES, Consortium, anchored, consortium, published
from tlog import Policy, ReceiptState, Signer, TlogError
from verifier import AnyRecord, CompositeRecord, Record, load_record, recheck, recheck_composite
from verifier.anchoring import leaves_of
from verifier.client import Answered, OpenExchange, PendingError, VerifierClient

pytestmark = pytest.mark.asyncio(loop_scope="module")
LONG, SHORT = dt.timedelta(seconds=30), dt.timedelta(seconds=1)
FOUR = CITIES[:4]


@dataclass
class Place:
    """A server of both forms, those who cosign for it, and a verifier there."""

    composite: CompositeCity
    others: Consortium
    issued: Issued

    @property
    def city(self) -> City:
        return self.composite.city

    @property
    def log(self) -> tlog.Verifier:
        return self.others.log

    async def anchored(self) -> None:
        await anchored(self.city, await published(self.city), 20)

    async def ask(self, client: VerifierClient) -> OpenExchange:
        opened: OpenExchange = await asyncio.to_thread(client.ask, self.city.request())
        await answer(self.city, opened, self.issued)
        return opened

    async def record(self, client: VerifierClient) -> Record:
        got: Answered = await asyncio.to_thread(client.wait, await self.ask(client), LONG)
        return got.record


@asynccontextmanager
async def place_in(folder: Path) -> AsyncIterator[Place]:
    async with (
        consortium(folder, folder / "server") as others,
        city(folder / "server", **others.settings) as town,
    ):
        composite = await furnished(town)
        policy = policy_at(composite, folder)
        named = Regulator(RegulatorName("prosecutor"), TEXT, composite.regulator_key)
        await town.add_policy(asking(policy, VerifierName("school"), Named(named, composite.districts)))
        yield Place(composite, others, await town.claim(await town.issue()))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def the_place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    async with place_in(tmp_path_factory.mktemp("place")) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def place(the_place: Place) -> AsyncIterator[Place]:
    yield the_place
    await the_place.others.start(*FOUR)


@pytest.fixture
def client(place: Place) -> Iterator[VerifierClient]:
    with client_of(place.city) as opened:
        yield opened


async def anchor(place: Place, client: VerifierClient, record: AnyRecord) -> AnyRecord:
    await place.anchored()
    made = await asyncio.to_thread(client.anchor, record, place.others.policy)
    assert made is not None
    return made


async def test_a_record_is_brought_to_the_anchored_receipt(
    place: Place, client: VerifierClient, tmp_path: Path
) -> None:
    pending = await place.record(client)
    policy = place.others.policy
    told = recheck(pending, log_verifier=place.log, policy=policy, accept_pending=True)
    assert (told.state, told.cosignatures) == (ReceiptState.PENDING, ())
    with pytest.raises(TlogError, match="QUORUM_MISSING"):
        recheck(pending, log_verifier=place.log, policy=policy)
    made = await anchor(place, client, pending)
    assert isinstance(made, Record)
    made.save(tmp_path / "record.json")
    checked = recheck(Record.load(tmp_path / "record.json"), log_verifier=place.log, policy=policy)
    assert (checked.state, checked.index) == (ReceiptState.ANCHORED, told.index)
    assert len(checked.cosignatures) >= 5
    assert replace(made, receipt=pending.receipt) == pending
    assert (checked.verified, checked.verify_time) == (told.verified, told.verify_time)


async def test_all_that_a_composite_record_rests_on_is_anchored(
    place: Place, client: VerifierClient, tmp_path: Path
) -> None:
    got = await answered_composite(place.composite, client, tmp_path)
    pending, policy = got.record, place.others.policy
    told = recheck_composite(pending, log_verifier=place.log, policy=policy, accept_pending=True)
    assert told.state is ReceiptState.PENDING
    made = await anchor(place, client, pending)
    assert isinstance(made, CompositeRecord)
    made.save(tmp_path / "record.json")
    kept = load_record(tmp_path / "record.json")
    assert isinstance(kept, CompositeRecord)
    assert sorted(leaves_of(kept)) == sorted(leaves_of(pending))
    checked = recheck_composite(kept, log_verifier=place.log, policy=policy)
    assert (checked.state, checked.index) == (ReceiptState.ANCHORED, told.index)
    assert checked.verified.digest == told.verified.digest

    # The receipt alone does not make the record anchored, nor does any other part alone.
    entry = next(iter(kept.proofs))
    for part in (
        replace(pending, receipt=kept.receipt),
        replace(kept, receipt=pending.receipt),
        replace(kept, proofs={**kept.proofs, entry: pending.proofs[entry]}),
    ):
        with pytest.raises(TlogError, match="QUORUM_MISSING"):
            recheck_composite(part, log_verifier=place.log, policy=policy)
        told = recheck_composite(part, log_verifier=place.log, policy=policy, accept_pending=True)
        assert told.state is ReceiptState.PENDING


async def test_a_verifier_that_demands_the_quorum_waits_for_it(place: Place, client: VerifierClient) -> None:
    policy = place.others.policy
    got = await asyncio.to_thread(client.wait, await place.ask(client), LONG, (), policy)
    assert recheck(got.record, log_verifier=place.log, policy=policy).state is ReceiptState.ANCHORED


async def test_pending_is_no_acceptance_where_the_quorum_is_demanded(
    place: Place, client: VerifierClient
) -> None:
    await place.anchored()
    await place.others.end(*FOUR)
    opened = await place.ask(client)
    with pytest.raises(PendingError) as caught:
        await asyncio.to_thread(client.wait, opened, SHORT, (), place.others.policy)
    kept = caught.value.answered.record
    assert recheck(kept, log_verifier=place.log).index > 0  # type: ignore[arg-type]
    assert await asyncio.to_thread(client.anchor, kept, place.others.policy) is None

    waiting = asyncio.create_task(asyncio.to_thread(client.wait, opened, LONG, (), place.others.policy))
    await asyncio.sleep(0.5)
    assert not waiting.done()
    await place.others.start(*FOUR)
    assert (await waiting).record.receipt != kept.receipt
    assert await anchor(place, client, kept)


async def test_a_policy_of_strangers_is_never_reached(place: Place, client: VerifierClient) -> None:
    record = await place.record(client)
    await place.anchored()
    witnesses = tuple(
        replace(each, verifier=tlog.CosignatureSigner.generate(f"stranger-of-{each.name}").verifier)
        for each in place.others.policy.witnesses
    )
    strangers = replace(place.others.policy, witnesses=witnesses)
    assert await asyncio.to_thread(client.anchor, record, strangers) is None


async def test_an_anchored_record_is_no_other_logs(place: Place, client: VerifierClient) -> None:
    made = await anchor(place, client, await place.record(client))
    assert isinstance(made, Record)
    other = Signer.generate(place.log.name).verifier
    for policy in (None, place.others.policy, Policy.of_log(place.log)):
        for pending in (False, True):
            with pytest.raises(TlogError, match="NOTE_UNSIGNED"):
                recheck(made, log_verifier=other, policy=policy, accept_pending=pending)


async def test_a_record_of_an_entry_that_is_not_there_is_not_anchored(
    place: Place, client: VerifierClient
) -> None:
    """Its pending receipt may hold: the log has then signed two ledgers, and the receipt convicts it."""
    record, other = await place.record(client), await place.record(client)
    await place.anchored()
    moved = tlog.ProofFile.parse(record.receipt)
    index, _ = tlog.receipt_leaf(other.receipt)
    forged = replace(record, receipt=replace(moved, index=index).to_bytes())
    with pytest.raises(TlogError, match="two ledgers"):
        await asyncio.to_thread(client.anchor, forged, place.others.policy)
