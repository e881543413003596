"""The ledger as anybody sees it: proofs of all small sizes, entries by range, checkpoints as they come."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.zkservice.auditing import audit
from tests.zkservice.support import City, channel_that_outlives, city, refusal, reopened
from tlog.block import BlockHeader
from tlog.checkpoint import Checkpoint, open_checkpoint
from tlog.entry import HOLDER_NOTE_OCTETS, ReceiptEntry, parse_entry
from tlog.merkle import inclusion_proof, leaf_hash, root_of, verify_consistency, verify_inclusion
from tlog.note import Verifier
from tlog.tiles import TileId, node_reader
from zkproto.v1 import ledger_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    async with city(tmp_path_factory.mktemp("ledger"), max_batch=2) as opened:
        issued = await opened.claim(await opened.issue())
        await asyncio.gather(*(opened.answered(issued) for _ in range(8)))
        yield opened


async def entries(town: City) -> list[ledger_pb2.LedgerEntry]:
    page = await town.ledger.ListEntries(ledger_pb2.ListEntriesRequest())
    return list(page.entries)


async def checkpoint(town: City) -> Checkpoint:
    head = await town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest())
    assert head.verifier_key == town.ready.verifier_key
    return open_checkpoint(head.checkpoint, Verifier.from_string(head.verifier_key))


async def test_every_inclusion_proof_of_every_size(town: City) -> None:
    newest = await checkpoint(town)
    leaves = [leaf_hash(each.entry) for each in await entries(town)]
    assert (len(leaves), root_of(leaves)) == (newest.size, newest.root)
    assert newest.size >= 14
    for size in range(1, newest.size + 1):
        root = root_of(leaves[:size])
        for index in range(size):
            asked = ledger_pb2.GetInclusionProofRequest(entry_index=index, tree_size=size)
            proof = await town.ledger.GetInclusionProof(asked)
            assert (proof.entry_index, proof.tree_size) == (index, size)
            verify_inclusion(leaves[index], index, size, proof.hashes, root)


async def test_every_consistency_proof_of_every_size(town: City) -> None:
    leaves = [leaf_hash(each.entry) for each in await entries(town)]
    for second in range(1, len(leaves) + 1):
        for first in range(1, second + 1):
            asked = ledger_pb2.GetConsistencyProofRequest(first_size=first, second_size=second)
            proof = await town.ledger.GetConsistencyProof(asked)
            verify_consistency(first, second, proof.hashes, root_of(leaves[:first]), root_of(leaves[:second]))


async def test_proofs_are_made_from_tiles_that_name_no_entry(town: City) -> None:
    """One tile gives the proofs of all its entries, in the newest tree and in every other."""
    newest = await checkpoint(town)
    leaves = [leaf_hash(each.entry) for each in await entries(town)]
    for size in (1, 2, newest.size - 1, newest.size):
        tile = ledger_pb2.Tile(level=0, index=0, width=size)
        answer = await town.ledger.ReadTiles(ledger_pb2.ReadTilesRequest(tiles=[tile], tree_size=size))
        assert answer.tree_size == size
        (octets,) = answer.tiles
        assert octets == b"".join(leaves[:size])
        node, root = node_reader({TileId(0, 0): octets}.__getitem__), root_of(leaves[:size])
        for index in range(size):
            verify_inclusion(leaves[index], index, size, inclusion_proof(index, size, node), root)


async def test_tiles_come_in_the_order_asked_for(town: City) -> None:
    newest = await checkpoint(town)
    tile = ledger_pb2.Tile(width=newest.size)
    answer = await town.ledger.ReadTiles(ledger_pb2.ReadTilesRequest(tiles=[tile] * 64))
    assert (len(answer.tiles), len(set(answer.tiles)), answer.tree_size) == (64, 1, newest.size)


async def test_without_witnesses_nothing_is_anchored(town: City) -> None:
    head = await town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest())
    assert (bool(head.checkpoint), head.anchored) == (True, b"")
    listed = await town.ledger.ListAnchoredCheckpoints(ledger_pb2.ListAnchoredCheckpointsRequest())
    assert (list(listed.checkpoints), listed.next_page_token) == ([], "")


async def test_no_size_means_the_newest(town: City) -> None:
    newest = await checkpoint(town)
    proof = await town.ledger.GetInclusionProof(ledger_pb2.GetInclusionProofRequest(entry_index=3))
    assert proof.tree_size == newest.size
    consistency = await town.ledger.GetConsistencyProof(ledger_pb2.GetConsistencyProofRequest(first_size=3))
    assert consistency.second_size == newest.size


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("start", [0, 4])
async def test_entries_by_pages(town: City, size: int, start: int) -> None:
    everything = await entries(town)
    asked = ledger_pb2.ListEntriesRequest(start_index=start, page_size=size)
    found: list[ledger_pb2.LedgerEntry] = []
    while True:
        page = await town.ledger.ListEntries(asked)
        assert 0 < len(page.entries) <= size
        found += page.entries
        asked.page_token = page.next_page_token
        if not asked.page_token:
            break
    assert found == everything[start:]
    assert [each.index for each in found] == list(range(start, len(everything)))


async def test_a_range_beyond_the_end_is_empty(town: City) -> None:
    size = (await checkpoint(town)).size
    for start in (size, size + 1, 1 << 62, (1 << 63) - 1):
        page = await town.ledger.ListEntries(ledger_pb2.ListEntriesRequest(start_index=start))
        assert (len(page.entries), page.next_page_token) == (0, "")


async def test_a_note_stands_beside_each_receipt_and_beside_nothing_else(town: City) -> None:
    listed = await entries(town)
    for each in listed:
        parsed = parse_entry(each.entry)
        assert len(each.holder_note) == (HOLDER_NOTE_OCTETS if isinstance(parsed, ReceiptEntry) else 0)
        if isinstance(parsed, ReceiptEntry):
            parsed.check_note(each.holder_note)
    blocks = [parse_entry(each.entry) for each in listed if isinstance(parse_entry(each.entry), BlockHeader)]
    assert len(blocks) > 4, "the batches were to be small"
    report = await audit(town)
    assert (report.receipts, report.blocks) == (sum(bool(each.holder_note) for each in listed), len(blocks))


async def test_watching_gives_every_larger_log_that_it_sees(town: City) -> None:
    key = Verifier.from_string(town.ready.verifier_key)
    stream = town.ledger.WatchCheckpoints(ledger_pb2.WatchCheckpointsRequest())
    last = open_checkpoint((await stream.read()).checkpoint, key)
    assert last == await checkpoint(town)
    issued = await town.claim(await town.issue())
    for _ in range(3):
        _, _, answer = await town.answered(issued)
        seen = open_checkpoint((await stream.read()).checkpoint, key)
        assert answer.entry_index < seen.size
        asked = ledger_pb2.GetConsistencyProofRequest(first_size=last.size, second_size=seen.size)
        proof = await town.ledger.GetConsistencyProof(asked)
        verify_consistency(last.size, seen.size, proof.hashes, last.root, seen.root)
        last = seen
    stream.cancel()


async def test_the_empty_log_has_a_checkpoint_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with channel_that_outlives(reopened(tmp_path_factory.mktemp("empty"))) as (town, end):
        empty = await checkpoint(town)
        assert (empty.size, empty.root) == (0, root_of([]))
        assert await entries(town) == []
        error = await refusal(town.ledger.GetInclusionProof(ledger_pb2.GetInclusionProofRequest()))
        assert error.reason == "RANGE_INVALID"
        stream = town.ledger.WatchCheckpoints(ledger_pb2.WatchCheckpointsRequest())
        assert (
            open_checkpoint((await stream.read()).checkpoint, Verifier.from_string(town.ready.verifier_key))
            == empty
        )
        await end()
        error = await refusal(stream.read())
        assert (error.code.name, error.reason) == ("UNAVAILABLE", "SHUTTING_DOWN")


async def test_whoever_waits_for_an_anchor_is_told_that_the_service_ends(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with channel_that_outlives(reopened(tmp_path_factory.mktemp("waiting"))) as (town, end):
        stream = town.ledger.WatchCheckpoints(ledger_pb2.WatchCheckpointsRequest(anchored=True))
        waiting = asyncio.create_task(refusal(stream.read()))
        await asyncio.sleep(0.1)
        await end()
        error = await waiting
        assert (error.code.name, error.reason) == ("UNAVAILABLE", "SHUTTING_DOWN")
