"""Receipts that are ordered, and pseudonyms that come once in all cities: four cities with real engines."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ordering import state
from ordering.claiming import Claimant
from ordering.errors import Refusal, StateError
from ordering.light import fetching
from ordering.light.receipt import (
    Ordering,
    is_ordered_receipt,
    ordered_receipt,
    parse_ordered,
    verify_ordered,
)
from ordering.light.verifying import TRUSTING_SECONDS, OrderError, OrderReason, Trusted
from ordering.transactions import Claim, Transaction
from tests.cli.running import zk
from tests.ordering.cities import City, proof_from
from tests.ordering.engines import Cities, Member, consortium, needs_engine
from tests.ordering.test_ordering_engine import refusal, submit
from tests.tlog.making import opening, receipt, refused
from tests.verifier.composite_city import POLICY, policy_of
from tests.verifier.log import MOMENT
from tests.verifier.test_verifier_unique import kept as answered_by
from tests.verifier.test_verifier_unique import other_child, other_parent, request, verified
from tlog import ReceiptState, receipt_file
from tlog.checkpoint import open_checkpoint
from tlog.merkle import Frontier, inclusion_proof, leaf_hash
from verifier import AlreadySeenError, PseudonymRegister, RegisterError
from verifier.across import claim_all, claims_of
from verifier.errors import ReservedError, TakenElsewhereError
from zk.exits import Exit

pytestmark = needs_engine


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cities]:
    with consortium(tmp_path_factory.mktemp("r"), 4) as opened:
        yield opened


def trusted_of(member: Member) -> Trusted:
    with member.client() as client:
        return fetching.trusted(client, 1)


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


def claimant(member: Member, client: object, begin: Trusted) -> Claimant:
    return Claimant(client, member.city.name, member.city.key, begin)  # type: ignore[arg-type]


SCOPE = "enrolment-2027"


def claim_of(number: int, reference: int = 1) -> Claim:
    return Claim(SCOPE, bytes([number]) * 32, bytes([reference]) * 32)


def test_a_claim_is_made_once_and_found_again_by_whoever_made_it(cities: Cities) -> None:
    first, second = cities.members[1], cities.members[2]
    begin, claim = trusted_of(first), claim_of(1)
    with first.client() as client, second.client() as elsewhere:
        mine = claimant(first, client, begin)
        assert mine.first(claim) is None
        assert mine.is_first(claim)
        assert mine.trusted.height > begin.height  # it goes on from what it has followed
        assert claimant(first, client, begin).is_first(claim)  # after a crash: the same reference
        assert not claimant(first, client, begin).is_first(claim_of(1, reference=2))
        copied = claimant(second, elsewhere, begin)
        assert not copied.is_first(claim)  # the same octets under another city's name
        assert copied.claim(claim).operator == first.city.name
    submitted = first.city.says(claim, sequence=400)
    assert refusal(first, submitted) in {Refusal.SEQUENCE_TOO_FAR, Refusal.TAKEN}


def test_of_cities_that_claim_at_once_exactly_one_is_first(cities: Cities) -> None:
    begin = trusted_of(cities.members[0])
    firsts, ready = list[tuple[str, int]](), threading.Barrier(4)

    def claim(member: Member, number: int) -> None:
        with member.client() as client:
            mine = claimant(member, client, begin)
            ready.wait()
            if mine.is_first(claim_of(2, reference=number)):
                firsts.append((member.city.name, number))

    pairs = [(cities.members[1], 1), (cities.members[1], 2), (cities.members[2], 3), (cities.members[3], 4)]
    threads = [threading.Thread(target=claim, args=each) for each in pairs]
    for each in threads:
        each.start()
    for each in threads:
        each.join(120)
    assert len(firsts) == 1
    cities.agree()


def test_a_node_that_lies_about_a_row_is_not_believed(cities: Cities) -> None:
    member = cities.members[1]
    begin, claim = trusted_of(member), claim_of(3)
    with member.client() as client:
        mine = claimant(member, client, begin)
        assert mine.is_first(claim)
        key = state.claim_key(claim.scope, claim.tag)
        row = client.read(key)
        assert mine.is_first(claim_of(4))  # so that there is a header after the row's block
        lie = replace(row, value=state.Claimed(member.city.name, bytes(32), 1).to_bytes())
        with mock.patch.object(client, "read", return_value=lie), pytest.raises(OrderError) as caught:
            mine.row(key)
        assert caught.value.reason is OrderReason.ORDER_ROW_INVALID
        none = replace(row, value=None)
        with mock.patch.object(client, "read", return_value=none), pytest.raises(OrderError) as caught:
            mine.row(key)
        assert caught.value.reason is OrderReason.ORDER_ROW_INVALID


def test_a_child_enrolled_in_one_city_is_refused_in_the_second(cities: Cities, tmp_path: Path) -> None:
    """Two cities, each with its register and its claimant; the scope is a joint one of both schools."""
    one, two = cities.members[1], cities.members[2]
    begin = trusted_of(one)
    registers = [PseudonymRegister(tmp_path / name) for name in ("one", "two")]
    with one.client() as client, two.client() as elsewhere:
        here, there = claimant(one, client, begin), claimant(two, elsewhere, begin)

        def enrol(register: PseudonymRegister, claims: Claimant, number: int | None) -> None:
            answer = verified(number) if number is not None else other_parent()
            with register.reserved(request(), answer, ("child",)):
                claim_all(claims, request(), answer, ("child",))
                register.admit(request(), answer, ("child",), MOMENT)

        enrol(registers[0], here, 0)
        enrol(registers[0], here, 0)  # the same answer, as after a crash
        with pytest.raises(AlreadySeenError):
            enrol(registers[0], here, 1)
        for number in (0, 1, None):  # the same answer, another one, the other parent's
            with pytest.raises(TakenElsewhereError) as caught:
                enrol(registers[1], there, number)
            assert (caught.value.reason, caught.value.field) == ("PSEUDONYM_TAKEN", "child")
        claim_all(there, request(), other_child(), ("child",))
    with pytest.raises(RegisterError, match="joint scope"):
        claims_of(request(), verified(), ("me",))


def test_what_goes_to_the_chain_is_hashes(cities: Cities) -> None:
    answer = verified()
    claim = claims_of(request(), answer, ("child",))["child"]
    member = cities.members[0]
    octets = Transaction("x", member.city.name, 1, claim).text()
    for secret in (answer.pseudonyms["child"], answer.digest, str(request().verifier).encode()):
        assert secret not in octets
    assert claim == claims_of(request(), answer, ("child",))["child"]
    assert claim.tag == claims_of(request(), other_parent(), ("child",))["child"].tag
    assert claim.reference != claims_of(request(), other_parent(), ("child",))["child"].reference
    assert claim.tag != claims_of(request(), other_child(), ("child",))["child"].tag


def test_an_answer_stays_to_be_kept_again_while_no_node_answers(cities: Cities, tmp_path: Path) -> None:
    answer, path, register = answered_by(), tmp_path / "record", PseudonymRegister(tmp_path / "register")
    begin, child = trusted_of(cities.members[0]), ("child",)

    class Gone:
        def is_first(self, _: Claim) -> bool:
            raise StateError("the node does not answer")

    with pytest.raises(StateError):
        answer.keep(path, unique=child, register=register, across=child, claims=Gone())
    assert path.with_name("record.pending").read_bytes() == answer.record.to_bytes()
    # Nobody knows whether it came through: nothing is noted, and another answer waits and is not refused.
    with pytest.raises(ReservedError):
        PseudonymRegister(tmp_path / "register", 0.1).admit(request(), other_parent(), child, MOMENT)

    class Back:
        def is_first(self, _: Claim) -> bool:
            return True

    answer.keep(path, unique=child, register=register, across=child, claims=Back())
    assert path.read_bytes() == answer.record.to_bytes()
    assert begin.height == 1


def test_a_policy_says_what_comes_once_in_all_cities(tmp_path: Path) -> None:
    found = policy_of(POLICY.replace("unique: [child]", "unique: [child]\nacross: [child]"), tmp_path)
    assert (found.unique, found.across) == (("child",), ("child",))


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


class Stopped(Exception):
    """The verifier's process ends here."""


class Stopping:
    """Claims, and ends before anything else is done: as a crash between the claim and the record."""

    def __init__(self, claims: "Within") -> None:
        self._claims = claims

    def is_first(self, claim: Claim) -> bool:
        self._claims.is_first(claim)
        raise Stopped


class Within:
    """Claims in a scope of this test's own: the same child enrols in another one."""

    def __init__(self, claims: Claimant) -> None:
        self._claims = claims

    def is_first(self, claim: Claim) -> bool:
        return self._claims.is_first(replace(claim, scope="crash"))


def test_an_answer_that_was_claimed_for_before_a_crash_is_kept_after_it(
    cities: Cities, tmp_path: Path
) -> None:
    member, other, answer = cities.members[1], cities.members[2], answered_by()
    begin, path, register = trusted_of(member), tmp_path / "record.json", PseudonymRegister(tmp_path / "r")
    unique = ("child",)
    with member.client() as client, other.client() as elsewhere:
        mine = Within(claimant(member, client, begin))
        with pytest.raises(Stopped):
            answer.keep(path, unique=unique, register=register, across=unique, claims=Stopping(mine))
        assert not path.exists()
        assert path.with_name("record.json.pending").exists()
        with pytest.raises(TakenElsewhereError):
            answer.keep(
                tmp_path / "theirs.json",
                unique=unique,
                register=PseudonymRegister(tmp_path / "theirs"),
                across=unique,
                claims=Within(claimant(other, elsewhere, begin)),
            )
        assert not (tmp_path / "theirs.json").exists()
        assert not (tmp_path / "theirs.json.pending").exists()
        answer.keep(path, unique=unique, register=register, across=unique, claims=mine)
    assert path.exists()
    assert not path.with_name("record.json.pending").exists()
    with pytest.raises(RegisterError, match="claimed by a consortium"):
        answered_by().keep(tmp_path / "none.json", unique=unique, register=register, across=unique)
