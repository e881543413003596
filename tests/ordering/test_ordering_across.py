"""Pseudonyms that come once in all cities: claims of four cities with real engines."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from ordering import state
from ordering.claiming import Claimant
from ordering.errors import Refusal, StateError
from ordering.light.verifying import OrderError, OrderReason, Trusted
from ordering.transactions import Claim, Transaction
from tests.ordering.engines import Cities, Member, consortium, needs_engine, trusted_of
from tests.ordering.test_ordering_engine import refusal
from tests.verifier.composite_city import POLICY, policy_of
from tests.verifier.log import MOMENT
from tests.verifier.test_verifier_unique import kept as answered_by
from tests.verifier.test_verifier_unique import other_child, other_parent, request, verified
from verifier import AlreadySeenError, PseudonymRegister, RegisterError
from verifier.across import claim_all, claims_of
from verifier.errors import ReservedError, TakenElsewhereError

pytestmark = needs_engine


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cities]:
    with consortium(tmp_path_factory.mktemp("r"), 4) as opened:
        yield opened


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
