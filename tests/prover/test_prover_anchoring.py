"""Receipts from pending to anchored: a real server, nine real witnesses, and a service that lies between."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from disclosure import DisclosureError
from prover import CompositeConsent, Consent, ContentError, Usage, Vault, check_usage
from prover.anchoring import Receipted, check_kept
from prover.client import Anchorings
from prover.events import Event
from prover.history import check_event
from tests.prover.anchored_town import AnchoredTown, anchored_town
from tests.prover.conftest import Reopen
from tests.prover.making import refused
from tests.prover.proxy import Proxy, proxied
from tests.zkservice.witnessing import CITIES
from tlog import (
    GroupLine,
    LogLine,
    Policy,
    ProofFile,
    Signer,
    TlogError,
    Verifier,
    anchored_receipt,
    check_same_receipt,
    leaf_hash,
    receipt_leaf,
    sign_checkpoint,
)
from tlog.merkle import HASH_OCTETS
from tlog.tiles import TILE_WIDTH
from wire.anchored import Anchored, by_tile, prove
from wire.client import ServiceError
from zkproto.v1 import ledger_pb2

CROWD = 600
FOUR = CITIES[:4]


@pytest.fixture(scope="module")
def the_anchored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnchoredTown]:
    with anchored_town(tmp_path_factory.mktemp("anchored"), CROWD) as opened:
        yield opened


@pytest.fixture
def anchored(the_anchored: AnchoredTown) -> Iterator[AnchoredTown]:
    yield the_anchored
    the_anchored.start(*FOUR)


@pytest.fixture
def proxy(anchored: AnchoredTown, tmp_path: Path) -> Iterator[Proxy]:
    with proxied(anchored, tmp_path) as made:
        yield made


@pytest.fixture
def used(anchored: AnchoredTown, vault: Vault) -> Vault:
    """A vault with a use and an event, each with the receipt that came with it."""
    return with_a_use(anchored, vault)


def with_a_use(anchored: AnchoredTown, vault: Vault) -> Vault:
    town = anchored.town
    if not vault.credentials():
        town.client().claim(town.offer(), vault, town.log)
    town.client().answer(town.ask()[1], vault, town.log, agree)
    town.client().decline(town.ask()[1], vault, town.log)
    return vault


def agree(_: Consent | CompositeConsent) -> bool:
    return True


def kept(vault: Vault) -> list[Receipted]:
    return [*vault.usages(), *vault.events()]


def receipts(vault: Vault) -> list[bytes]:
    return [each.receipt or b"" for each in kept(vault)]


def anchor(anchored: AnchoredTown, vault: Vault, client: Any = None) -> Anchorings:
    return (client or anchored.town.client()).anchor(vault, anchored.town.log, anchored.policy)


def counts(made: Anchorings) -> tuple[int, int]:
    return made.anchored, made.pending


def test_a_receipt_comes_pending_and_becomes_anchored(
    anchored: AnchoredTown, used: Vault, reopen: Reopen
) -> None:
    log, policy = anchored.town.log, anchored.policy
    before = receipts(used)
    assert [check_kept(each, log, policy, accept_pending=True).is_anchored for each in kept(used)] == [
        False
    ] * 2
    for each in kept(used):
        refused(TlogError, "QUORUM_MISSING", check_kept, each, log, policy)
    anchored.anchored()
    made = anchor(anchored, used)
    assert counts(made) == (2, 0)
    again = reopen()
    for pending, each in zip(before, kept(again), strict=True):
        verified = check_kept(each, log, policy)
        assert verified.is_anchored
        assert verified.checkpoint == made.checkpoint
        assert len(verified.cosignatures) >= 5
        check_same_receipt(pending, each.receipt or b"")
    assert counts(anchor(anchored, again)) == (0, 0)
    assert receipts(again) == receipts(used)


def test_without_the_quorum_they_stay_pending_and_nothing_is_lost(
    anchored: AnchoredTown, vault: Vault
) -> None:
    anchored.anchored()
    anchored.end(*FOUR)
    with_a_use(anchored, vault)
    before = receipts(vault)
    assert counts(anchor(anchored, vault)) == (0, 2)
    assert receipts(vault) == before
    anchored.start(*FOUR)
    anchored.anchored()
    assert counts(anchor(anchored, vault)) == (2, 0)


def test_the_service_sees_whole_tiles_and_no_index(
    anchored: AnchoredTown, vault: Vault, proxy: Proxy
) -> None:
    with_a_use(anchored, vault)
    note = anchored.anchored()
    proxy.asked.clear()
    assert counts(anchor(anchored, vault, proxy.client(anchored))) == (2, 0)
    methods = [method for method, _ in proxy.asked]
    places = [receipt_leaf(each)[0] for each in receipts(vault)]
    assert methods == ["GetCheckpoint", *["ReadTiles"] * len(list(by_tile(places)))]
    size = int(note.split(b"\n")[1])
    assert size > 2 * TILE_WIDTH
    for method, octets in proxy.asked[1:]:
        assert method == "ReadTiles"
        request = ledger_pb2.ReadTilesRequest.FromString(octets)
        for tile in request.tiles:
            assert tile.width == min(TILE_WIDTH, (size >> 8 * tile.level) - tile.index * TILE_WIDTH)


def test_what_is_asked_for_does_not_depend_on_which_entry_of_a_tile_it_is(
    anchored: AnchoredTown, proxy: Proxy
) -> None:
    log, policy = anchored.town.log, anchored.policy
    newest = Anchored.of(anchored.anchored(), log, policy)
    size = newest.checkpoint.size
    with proxy.endpoint.channel() as channel:
        for tile in range(-(-size // TILE_WIDTH)):
            within = range(tile * TILE_WIDTH, min(size, (tile + 1) * TILE_WIDTH))
            asked = set()
            for group in ([within[0]], [within[-1]], [within[len(within) // 2]], [within[0], within[-1]]):
                proxy.asked.clear()
                assert set(prove(channel, newest, group)) == set(group)
                asked.add(tuple(proxy.asked))
            assert len(asked) == 1


@pytest.mark.parametrize(
    "alter",
    [
        lambda tiles: tiles[:-1],
        lambda tiles: [*tiles, tiles[0]],
        lambda tiles: [tiles[0][:-HASH_OCTETS], *tiles[1:]],
        lambda tiles: [each + bytes(HASH_OCTETS) for each in tiles],
        lambda tiles: [bytes(len(each)) for each in tiles],
        lambda tiles: [tiles[0], *(bytes(len(each)) for each in tiles[1:])],
    ],
    ids=["one fewer", "one more", "shorter", "longer", "zeros", "zeros above"],
)
def test_tiles_of_another_tree_anchor_nothing(
    anchored: AnchoredTown, used: Vault, proxy: Proxy, alter: Callable[[list[bytes]], list[bytes]]
) -> None:
    anchored.anchored()
    before = receipts(used)

    def changed(message: ledger_pb2.ReadTilesResponse) -> None:
        tiles = alter(list(message.tiles))
        del message.tiles[:]
        message.tiles.extend(tiles)

    proxy.change("ReadTiles", ledger_pb2.ReadTilesResponse, changed)
    refused(TlogError, "TILE_MALFORMED", anchor, anchored, used, proxy.client(anchored))
    assert receipts(used) == before
    assert counts(anchor(anchored, used)) == (2, 0)


def test_an_anchored_checkpoint_counts_by_the_pinned_policy_only(
    anchored: AnchoredTown, used: Vault, proxy: Proxy
) -> None:
    """That the service calls it anchored says nothing."""
    before, note = receipts(used), anchored.anchored()
    bare = sign_by_log(note)
    log = Signer.generate(anchored.town.log.name)
    forged = sign_checkpoint(Anchored.of(note, anchored.town.log, anchored.policy).checkpoint, log)

    def says(anchored: bytes) -> Callable[[ledger_pb2.GetCheckpointResponse], object]:
        return lambda message: setattr(message, "anchored", anchored)

    for told in (bare, b""):
        proxy.change("GetCheckpoint", ledger_pb2.GetCheckpointResponse, says(told))
        assert counts(anchor(anchored, used, proxy.client(anchored))) == (0, 2)
    proxy.change("GetCheckpoint", ledger_pb2.GetCheckpointResponse, says(forged))
    refused(TlogError, "NOTE_UNSIGNED", anchor, anchored, used, proxy.client(anchored))
    proxy.change("GetCheckpoint", ledger_pb2.GetCheckpointResponse, says(b"no note"))
    refused(TlogError, "NOTE_MALFORMED", anchor, anchored, used, proxy.client(anchored))
    assert receipts(used) == before


def sign_by_log(note: bytes) -> bytes:
    """Return the note with the log's own line alone."""
    text, _, lines = note.partition(b"\n\n")
    return text + b"\n\n" + lines.split(b"\n")[0] + b"\n"


def test_a_log_that_shows_its_witnesses_another_ledger_is_convicted(
    anchored: AnchoredTown, used: Vault
) -> None:
    """The pending receipt is of the log's own signature, and the anchored tree has another entry there."""
    usage, log, policy = used.usages()[0], anchored.town.log, anchored.policy
    other = replace(usage, id="00" * 16)
    newest = Anchored.of(anchored.anchored(), log, policy)
    index, leaf = receipt_leaf(usage.receipt or b"")
    with anchored.town.endpoint.channel() as channel:
        found = prove(channel, newest, [index])[index]
    found.check(index, leaf)
    refused(TlogError, "INCLUSION_INVALID", found.check, index, leaf_hash(b"another entry"))
    refused(ContentError, "USAGE_NOT_FOUND", used.anchoring.put, other, usage.receipt, log, policy)


def anchored_of(anchored: AnchoredTown, receipt: bytes) -> bytes:
    """Make the anchored receipt of a pending one, by hand."""
    newest = Anchored.of(anchored.anchored(), anchored.town.log, anchored.policy)
    index, _ = receipt_leaf(receipt)
    with anchored.town.endpoint.channel() as channel:
        hashes = prove(channel, newest, [index])[index].hashes
    return anchored_receipt(receipt, hashes, newest.note, anchored.town.log, anchored.policy)


def test_only_the_anchored_receipt_of_the_same_entry_takes_the_place(
    anchored: AnchoredTown, used: Vault
) -> None:
    log, policy = anchored.town.log, anchored.policy
    usage, event = kept(used)
    first, second = (anchored_of(anchored, each) for each in receipts(used))
    put, before = used.anchoring.put, receipts(used)
    refused(TlogError, "QUORUM_MISSING", put, usage, usage.receipt, log, policy)
    for each, receipt in ((usage, second), (event, first)):
        with pytest.raises(DisclosureError) as caught:
            put(each, receipt, log, policy)
        assert caught.value.reason in {"RECEIPT_MISMATCH", "MALFORMED"}
    moved = replace(ProofFile.parse(first), index=receipt_leaf(first)[0] + 1).to_bytes()
    refused(TlogError, "INCLUSION_INVALID", put, usage, moved, log, policy)
    stranger = Signer.generate(log.name).verifier
    refused(TlogError, "NOTE_UNSIGNED", put, usage, first, stranger, policy)
    assert receipts(used) == before
    put(usage, first, log, policy)
    put(event, second, log, policy)
    assert receipts(used) == [first, second]


def test_what_is_anchored_already_stays(anchored: AnchoredTown, used: Vault) -> None:
    log, policy = anchored.town.log, anchored.policy
    usage = used.usages()[0]
    first = anchored_of(anchored, usage.receipt or b"")
    with_a_use(anchored, used)
    later = anchored_of(anchored, usage.receipt or b"")
    assert first != later
    used.anchoring.put(usage, first, log, policy)
    used.anchoring.put(usage, later, log, policy)
    assert used.usages()[0].receipt == first


def test_a_stricter_policy_makes_it_pending_again(anchored: AnchoredTown, vault: Vault) -> None:
    strict = replace(anchored.policy, groups=(GroupLine("cities", len(CITIES), CITIES),))
    stranger = Signer.generate(anchored.town.log.name).verifier
    anchored.end(FOUR[0])
    with_a_use(anchored, vault)
    anchored.anchored()
    assert counts(anchor(anchored, vault)) == (2, 0)
    assert vault.anchoring.pending(anchored.town.log, anchored.policy) == []
    assert [type(each) for each in vault.anchoring.pending(anchored.town.log, strict)] == [Usage, Event]
    assert vault.anchoring.pending(stranger, Policy((LogLine(stranger),))) == []


def test_a_tile_that_is_refused_leaves_the_others(anchored: AnchoredTown, used: Vault, proxy: Proxy) -> None:
    anchored.anchored()
    before = receipts(used)
    proxy.instead["ReadTiles"] = lambda _: b"\xff"
    with pytest.raises(ServiceError):
        anchor(anchored, used, proxy.client(anchored))
    assert receipts(used) == before


def test_the_kinds_are_checked_each_in_its_own_way(anchored: AnchoredTown, used: Vault) -> None:
    log: Verifier = anchored.town.log
    usage, event = kept(used)
    assert isinstance(usage, Usage)
    assert isinstance(event, Event)
    assert check_kept(usage, log, anchored.policy, accept_pending=True) == check_usage(usage, log)
    assert check_kept(event, log, anchored.policy, accept_pending=True) == check_event(event, log)
