"""Receipts that are ordered, verified from one file and a trusted header: four cities with real engines."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ordering import state
from ordering.light import fetching
from ordering.light.receipt import (
    Ordering,
    is_ordered_receipt,
    ordered_receipt,
    parse_ordered,
    verify_ordered,
)
from ordering.light.verifying import TRUSTING_SECONDS, OrderError, OrderReason, Trusted
from tests.cli.running import zk
from tests.ordering.cities import City, proof_from
from tests.ordering.engines import Cities, Member, consortium, needs_engine, trusted_of
from tests.ordering.test_ordering_engine import submit
from tests.tlog.making import opening, receipt, refused
from tlog import ReceiptState, receipt_file
from tlog.checkpoint import open_checkpoint
from tlog.merkle import Frontier, inclusion_proof, leaf_hash
from zk.exits import Exit

pytestmark = needs_engine


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cities]:
    with consortium(tmp_path_factory.mktemp("r"), 4) as opened:
        yield opened


def receipt_of(city: City, number: int, note: bytes) -> bytes:
    """Return the receipt of the log's entry of this number, in the tree that a note is of."""
    size = open_checkpoint(note, city.log.verifier).size

    def node(level: int, index: int) -> bytes:
        frontier = Frontier()
        frontier.extend(city.leaves[:size][index << level : (index + 1) << level])
        return frontier.root()

    return receipt_file(opening(number), number, inclusion_proof(number, size, node), note)


def ordering_of(member: Member, city: City, size: int, begin: Trusted) -> Ordering:
    with member.client() as client:
        order = fetching.order(client, city.log.name, begin, int(time.time()))
    newest = state.Ordered.parse(order.row).size
    path = proof_from(city.leaves[:newest], size) if size < newest else ()
    return Ordering(order, {size: tuple(path)})


@pytest.fixture(scope="module")
def kept(cities: Cities) -> tuple[bytes, Trusted, City]:
    """An ordered receipt of a tree that the log has outgrown, and what its holder trusts."""
    member = cities.members[0]
    city = member.city
    city.leaves += [leaf_hash(receipt(number)) for number in range(3)]
    first = city.checkpoint(0)
    submit(member, city.says(first))
    submit(member, city.says(city.grown(300)))
    cities.agree()
    begin = trusted_of(cities.members[1])
    ordering = ordering_of(cities.members[1], city, 3, begin)
    return ordered_receipt(receipt_of(city, 2, first.note), ordering), begin, city


def reason(data: bytes, city: City, trusted: Trusted, now: int | None = None) -> OrderReason:
    with pytest.raises(OrderError) as caught:
        verify_ordered(data, city.log.verifier, trusted, int(time.time()) if now is None else now)
    return caught.value.reason


def test_an_ordered_receipt_is_verified_from_one_file_and_a_trusted_header(
    kept: tuple[bytes, Trusted, City],
) -> None:
    data, begin, city = kept
    found = verify_ordered(data, city.log.verifier, begin, int(time.time()))
    assert (found.state, found.receipt.state) == (ReceiptState.ORDERED, ReceiptState.PENDING)
    assert (found.receipt.opening, found.receipt.index, found.receipt.checkpoint.size) == (opening(2), 2, 3)
    assert found.ordered.size == 303
    receipt_octets, ordering = parse_ordered(data)
    assert is_ordered_receipt(data)
    assert not is_ordered_receipt(receipt_octets)
    assert ordered_receipt(receipt_octets, Ordering.parse(ordering.to_bytes())) == data


def test_what_is_forged_stale_or_of_another_tree_is_refused(
    cities: Cities, kept: tuple[bytes, Trusted, City]
) -> None:
    data, begin, city = kept
    octets, ordering = parse_ordered(data)
    order = ordering.order

    def with_(**changes: Any) -> bytes:
        return ordered_receipt(octets, replace(ordering, order=replace(order, **changes)))

    *before, last = order.steps
    forged = replace(last, header=replace(last.header, app_hash=bytes(32)))
    assert reason(with_(steps=(*before, forged)), city, begin) is OrderReason.ORDER_COMMIT_INVALID
    assert reason(with_(steps=()), city, begin) is OrderReason.ORDER_MALFORMED
    other = replace(city, log=City.of(77).log)
    refused("NOTE_UNSIGNED", verify_ordered, data, other.log.verifier, begin, int(time.time()))
    row = state.Ordered.parse(order.row)
    assert reason(with_(row=replace(row, size=9).to_bytes()), city, begin) is OrderReason.ORDER_ROW_INVALID
    member = cities.members[2]
    submit(member, member.city.says(member.city.grown(3)))
    of_another = ordering_of(member, member.city, 3, begin)
    assert reason(ordered_receipt(octets, of_another), city, begin) is OrderReason.ORDER_ROW_INVALID
    other_chain = replace(begin, header=replace(begin.header, chain="x"))
    assert reason(data, city, other_chain) is OrderReason.ORDER_CHAIN_MISMATCH
    stale = int(time.time()) + TRUSTING_SECONDS
    assert reason(data, city, begin, stale) is OrderReason.ORDER_TRUST_EXPIRED
    no_path = ordered_receipt(octets, Ordering(order, {}))
    assert reason(no_path, city, begin) is OrderReason.ORDER_CHECKPOINT_MISMATCH


def test_a_receipt_of_a_fork_is_not_ordered_though_the_log_has_signed_it(
    kept: tuple[bytes, Trusted, City],
) -> None:
    data, begin, city = kept
    _, ordering = parse_ordered(data)
    forked = replace(city, leaves=[leaf_hash(receipt(number)) for number in (0, 1, 2, 9)][:3])
    forked.leaves[0] = leaf_hash(receipt(7))
    octets = receipt_of(forked, 2, forked.checkpoint(0).note)
    file = ordered_receipt(octets, ordering)
    assert reason(file, city, begin) is OrderReason.ORDER_CHECKPOINT_MISMATCH


def test_no_octet_of_the_file_can_be_changed_but_for_votes_beyond_those_needed(
    kept: tuple[bytes, Trusted, City],
) -> None:
    """The order's own octets are each changed in test_ordering_engine.py; here those around it."""
    data, begin, city = kept
    octets, ordering = parse_ordered(data)
    raw, now = ordering.to_bytes(), int(time.time())
    paths = len(raw) - len(replace(ordering.order, consistency=()).to_bytes())
    assert paths > 32
    for at in range(paths):
        changed = bytearray(raw)
        changed[at] ^= 1
        with pytest.raises(OrderError):
            Ordering.parse(bytes(changed)).check(
                verify_ordered(data, city.log.verifier, begin, now).receipt.checkpoint, begin, now
            )
    text_ends = len(data) - len(octets)
    outside = [*range(40), *range(text_ends - 8, text_ends)]
    for at in outside:
        changed = bytearray(data)
        changed[at] ^= 1
        assert reason(bytes(changed), city, begin) in OrderReason
    for cut in range(0, text_ends, 97):
        assert reason(data[:cut], city, begin) is OrderReason.ORDER_MALFORMED
    assert reason(data.replace(b"order ", b"order  ", 1), city, begin) is OrderReason.ORDER_MALFORMED


def test_commands_pin_a_header_and_check_a_receipt_by_it(
    cities: Cities, kept: tuple[bytes, Trusted, City], tmp_path: Path
) -> None:
    data, begin, city = kept
    home, node = tmp_path / "home", f"http://127.0.0.1:{cities.members[3].ports.rpc}"
    (tmp_path / "receipt.ordered").write_bytes(data)
    file, key = tmp_path / "receipt.ordered", city.log.verifier
    check = ("ledger", "check-receipt", file, "--key", key, "--home", home, "--json")
    done = zk(*check)
    assert (done.code, done.reason) == (Exit.KEY_NOT_TRUSTED, "CONSORTIUM_UNKNOWN")
    (tmp_path / "first").write_bytes(begin.to_bytes())
    pinned = zk("consortium", "trust", tmp_path / "first", "--node", node, "--home", home, "--json")
    assert (pinned.code, pinned.json["height"], pinned.json["hash"]) == (0, 1, begin.hash.hex())
    found = zk(*check)
    assert (found.code, found.json["receipt"], found.json["entry_index"]) == (0, "ordered", 2)
    assert "Ordered" in zk(*check[:-1], "--lang", "en").out
    by_file = zk(*check, "--trusted", tmp_path / "first")
    assert by_file.json == found.json
    renewed = zk("consortium", "trust", "--home", home, "--json")
    assert renewed.json["height"] > 1
    # If the chain has grown, what shows the order begins before what is trusted now: it is brought anew.
    later = zk(*check)
    assert later.json.get("receipt") == "ordered" or (later.code, later.reason) in {
        (Exit.NOT_VERIFIED, "ORDER_TRUST_MISSING"),
        (Exit.NOT_VERIFIED, "ORDER_MALFORMED"),
    }
    forged = replace(begin, header=replace(begin.header, height=renewed.json["height"]))
    (tmp_path / "forged").write_bytes(forged.to_bytes())
    done = zk("consortium", "trust", tmp_path / "forged", "--home", home, "--json")
    assert (done.code, done.reason) == (Exit.NOT_VERIFIED, "ORDER_TRUST_MISSING")
    old = replace(begin, header=replace(begin.header, time=(begin.seconds - TRUSTING_SECONDS, 0)))
    (tmp_path / "stale").write_bytes(old.to_bytes())
    done = zk("consortium", "trust", tmp_path / "stale", "--home", home, "--json")
    assert (done.code, done.reason) == (Exit.NOT_VERIFIED, "ORDER_TRUST_EXPIRED")
    assert zk("consortium", "header", tmp_path / "own", "--node", node, "--height", 1, "--json").code == 0
    assert (tmp_path / "own").read_bytes() == begin.to_bytes()
