"""What voters see of a proposal, and what a home keeps of a later header, without an engine."""

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from unittest import mock

import pytest

from disclosure.canonical import Item
from disclosure.errors import MalformedError
from ordering.client import Client
from ordering.light import fetching
from ordering.light.receipt import Ordering
from ordering.light.verifying import TRUSTING_SECONDS, OrderError, OrderReason
from ordering.operators import Admit, Remove
from ordering.state import Proposal, Standing
from prover.orders import kept_order_of
from prover.records import Kind, pack
from tests.ordering.answering import NOW, SECONDS, Node, answering
from tests.ordering.cities import City, town
from tlog.checkpoint import open_checkpoint
from zk import ordered
from zk.commands.consortium_members import check_card, described
from zk.commands.ordered import demanded
from zk.exits import CommandError
from zk.ordered import Pinned, check_claiming, followed, moved_on, pinning
from zk.run import Run


def test_a_proposal_is_shown_with_its_keys_and_compared_with_a_card() -> None:
    wanted, other = City.of(1).operator, City.of(2)
    proposal = Proposal(Admit(wanted), 1_800_000_000, Standing.OPEN, (), ())
    shown = described(bytes(32), proposal)
    assert (shown["key"], shown["validator"]) == (wanted.key.hex(), wanted.validator.hex())
    assert shown["log"] == str(wanted.log)
    check_card(wanted, proposal)
    for forged in (
        replace(wanted, key=other.operator.key),
        replace(wanted, validator=other.operator.validator),
        replace(wanted, log=other.log.verifier),
        replace(wanted, power=wanted.power + 1),
    ):
        with pytest.raises(CommandError) as caught:
            check_card(wanted, replace(proposal, change=Admit(forged)))
        assert caught.value.reason == "CARD_MISMATCH"
    gone = replace(proposal, change=Remove(wanted.name))
    assert described(bytes(32), gone)["key"] is None
    with pytest.raises(CommandError):
        check_card(wanted, gone)


def test_a_pinned_header_never_moves_back_and_another_chain_stays(tmp_path: Path) -> None:
    home = SimpleNamespace(consortium=tmp_path / "c", path=tmp_path)
    run = cast(Run, SimpleNamespace(home=home))
    with town(tmp_path, 4) as opened:
        node = Node(opened)
        before = Pinned(node.trusted(2), "http://a", "city-1", "key")
        before.save(run)
        moved_on(run, before, node.trusted(7))
        assert Pinned.of(run) == replace(before, trusted=node.trusted(7))
        moved_on(run, before, node.trusted(5))  # a slower process, which began at 2
        assert Pinned.of(run) == replace(before, trusted=node.trusted(7))
        replace(before, trusted=node.trusted(6)).save(run)  # an administrator's, of the same chain
        moved_on(run, before, node.trusted(9))
        assert Pinned.of(run) == replace(before, trusted=node.trusted(6))
        other = replace(node.header(1), chain="other")
        replace(before, trusted=replace(node.trusted(1), header=other), operator="").save(run)
        moved_on(run, before, node.trusted(9))
        kept = Pinned.of(run)
        assert kept is not None
        assert (kept.trusted.chain, kept.operator) == ("other", "")


def test_what_is_pinned_while_a_header_moves_on_stays(tmp_path: Path) -> None:
    """An administrator pins another chain between the reading and the writing: it waits, and is kept."""
    run = cast(Run, SimpleNamespace(home=SimpleNamespace(consortium=tmp_path / "c", path=tmp_path)))
    with town(tmp_path, 4) as opened:
        node = Node(opened)
        before = Pinned(node.trusted(2), "http://a", "city-1", "key")
        before.save(run)
        other = replace(before, trusted=replace(node.trusted(1), header=replace(node.header(1), chain="b")))

        def pin() -> None:
            with pinning(run):
                other.save(run)

        administrator, real = threading.Thread(target=pin), Pinned.of

        def read(asked: Run) -> Pinned | None:
            found = real(asked)
            administrator.start()
            administrator.join(0.5)
            return found

        with mock.patch.object(Pinned, "of", read):
            moved_on(run, before, node.trusted(7))
        administrator.join(20)
        assert Pinned.of(run) == other
        changed = replace(before, node="http://b")
        changed.save(run)
        with mock.patch.object(Pinned, "of", return_value=before):
            moved_on(run, before, node.trusted(7))
        assert Pinned.of(run) == replace(changed, trusted=node.trusted(7)), "the header alone was written"


def test_what_shows_an_order_moves_on_a_header_that_is_a_day_old(tmp_path: Path) -> None:
    """Who only looks for orders would trust nothing after fourteen days; what shows one holds under both."""
    run = cast(Run, SimpleNamespace(home=SimpleNamespace(consortium=tmp_path / "c", path=tmp_path)))
    with town(tmp_path, 4) as opened, answering(Node(opened)) as node:
        city = opened.cities[0]
        said = city.grown(3)
        opened.bring(city.says(said))
        checkpoint = open_checkpoint(said.note, city.log.verifier)
        before = Pinned(node.trusted(2), node.url)
        before.save(run)
        with Client(node.url) as client:
            order = fetching.order(client, city.log.name, before.trusted, NOW)
        found = Ordering(order, {checkpoint.size: ()})
        assert followed_at(NOW, run, before, found) == found
        assert Pinned.of(run) == before
        later = SECONDS + 3 * 86_400
        again = followed_at(later, run, before, found)
        now = Pinned.of(run)
        assert now == replace(before, trusted=node.trusted(node.height))
        found.check(checkpoint, before.trusted, later)
        Ordering.parse(again.to_bytes()).check(checkpoint, now.trusted, later)


def followed_at(now: int, run: Run, before: Pinned, found: Ordering) -> Ordering:
    with mock.patch.object(ordered, "seconds", return_value=now):
        return followed(run, before, found)


def test_who_trusts_a_header_that_is_too_old_asks_nobody(tmp_path: Path) -> None:
    run = cast(Run, SimpleNamespace(home=SimpleNamespace(consortium=tmp_path / "c", path=tmp_path)))
    with town(tmp_path, 4) as opened:
        trusted = Node(opened).trusted(2)
    Pinned(trusted, "http://127.0.0.1:1", operator="city-0", claims="https://localhost").save(run)
    for check in (demanded, lambda run: check_claiming(run, ["child"])):
        with mock.patch.object(ordered, "seconds", return_value=SECONDS + TRUSTING_SECONDS):
            check(run)
        with (
            mock.patch.object(ordered, "seconds", return_value=SECONDS + 2 + TRUSTING_SECONDS),
            pytest.raises(OrderError) as caught,
        ):
            check(run)
        assert caught.value.reason is OrderReason.ORDER_TRUST_EXPIRED


def test_a_kept_ordering_that_cannot_be_read_is_one_to_be_brought_anew() -> None:
    head: list[Item] = [Kind.ORDER.value, "city-1.example/log", 3, bytes(32)]
    assert kept_order_of("00", pack(head, b"not an ordering")) is None
    with pytest.raises(MalformedError):
        kept_order_of("00", pack(head))
