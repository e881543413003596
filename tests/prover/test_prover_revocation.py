"""A witness caught up from a real server, by a holder who is broken off, revoked or lied to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

import bbs
import tlog
from bbs.accumulator import CatchingUp, Epoch, MembershipWitness, Page
from bbs.groups.bls12_381 import G1_UNCOMPRESSED_OCTETS
from disclosure import DepartmentName
from prover import ClientError
from prover.revocation import CaughtUp, pages_between
from tests.prover.making import flip, refused
from tests.prover.town import Town
from tests.zkservice.revoking import Office, new_handles
from tests.zkservice.stored import change
from wire.client import ServiceError
from wire.revocation import MAX_HANDLES, MAX_PAIRS

POLICE = DepartmentName("police")
MANY = 10_000


@dataclass
class Holder:
    """A holder whose credential is of an office's accumulator."""

    town: Town
    office: Office
    witness: MembershipWitness

    @classmethod
    def of(cls, town: Town, office: Office) -> "Holder":
        (handle,) = new_handles(1)
        return cls(town, office, office.witness(handle, town.run(office.epoch())))

    def revoke(self, *handles: int) -> Epoch:
        return self.town.run(self.office.revoke(*handles))

    def catch_up(self, report: Callable[[CatchingUp], object] = lambda _: None) -> CaughtUp:
        return self.town.client().catch_up(POLICE, self.witness, self.town.log, report)


@pytest.fixture
def office(town: Town) -> Office:
    return town.run(Office.open(town.city, "police", town.city.department_token))


@pytest.fixture
def holder(town: Town, office: Office) -> Holder:
    return Holder.of(town, office)


@pytest.fixture(scope="module")
def crowded(the_town: Town) -> Holder:
    """A holder who missed 10,000 revocations."""
    found = Holder.of(
        the_town, the_town.run(Office.open(the_town.city, "police", the_town.city.department_token))
    )
    handles = new_handles(MANY)
    for at in range(0, MANY, MAX_HANDLES):
        found.revoke(*handles[at : at + MAX_HANDLES])
    return found


def test_caught_up_and_again_after_each_epoch(holder: Holder) -> None:
    for count in (0, 1, 3):
        newest = holder.revoke(*new_handles(count)) if count else holder.town.run(holder.office.epoch())
        caught = holder.catch_up()
        assert (caught.epoch, caught.witness.at) == (newest, newest.position)
        assert caught.witness.verified().y == holder.witness.y
        assert caught.proof
        holder.witness = caught.witness


def test_a_revoked_holder_is_told_so_and_nobody_else_is(holder: Holder) -> None:
    other = Holder.of(holder.town, holder.office)
    holder.revoke(*new_handles(2), holder.witness.y, *new_handles(2))
    refused(bbs.VerificationError, "REVOKED", holder.catch_up)
    assert other.catch_up().witness.verified()


def test_ten_thousand_are_caught_up_in_pages(crowded: Holder) -> None:
    missing = list[int]()
    caught = crowded.catch_up(lambda state: missing.append(state.missing))
    assert missing == [MANY - MAX_PAIRS, 0]
    assert caught.witness.verified().at.count == MANY


def test_broken_off_and_gone_on_from_what_was_stored(crowded: Holder) -> None:
    stored = list[bytes]()

    def broken_off(state: CatchingUp) -> None:
        assert state.partial is not None
        stored.append(state.partial.to_octets_secret())
        raise InterruptedError

    with pytest.raises(InterruptedError):
        crowded.catch_up(broken_off)
    partial = MembershipWitness.from_octets(stored[0], key=crowded.witness.at.key)
    assert partial.at.count == MAX_PAIRS
    again = Holder(crowded.town, crowded.office, partial)
    assert again.catch_up().witness.verified().at == crowded.town.run(crowded.office.epoch()).position


@contextmanager
def lied(
    holder: Holder, column: str, table: str, number: int, alter: Callable[[bytes], bytes]
) -> Iterator[None]:
    """Change what the service has stored, and so what it answers; put it back at the end."""
    name, folder = holder.office.name, holder.town.city.ready.data
    true = holder.town.run(_stored(holder, column, table, number))
    statement = f"update {table} set {column} = ? where accumulator = ? and number = ?"
    change(folder, statement, alter(true), name, number)
    try:
        yield
    finally:
        change(folder, statement, true, name, number)


async def _stored(holder: Holder, column: str, table: str, number: int) -> bytes:
    if table == "epoch":
        return (await holder.office.epoch(number)).octets
    pair = (await holder.office.page(number, 1)).pairs[0]
    return pair[:-G1_UNCOMPRESSED_OCTETS] if column == "handle" else pair[-G1_UNCOMPRESSED_OCTETS:]


def other_value(holder: Holder) -> Callable[[bytes], bytes]:
    """Return what puts another point of the group in a value's place."""
    V = holder.witness.at.V_octets
    return lambda _: V


LIES: dict[str, tuple[str, str, int, str, str]] = {
    "a value of the list, elsewhere": ("value", "revocation", 1, "PAGE_INVALID", ""),
    "the last value": ("value", "revocation", 3, "PAGE_INVALID", ""),
    "a value off the curve": ("value", "revocation", 1, "ANSWER_INVALID", "flip"),
    "a handle": ("handle", "revocation", 2, "PAGE_INVALID", "flip"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_tampered_page_leaves_the_witness_as_it_was(holder: Holder, lie: str) -> None:
    column, table, number, reason, kind = LIES[lie]
    holder.revoke(*new_handles(4))
    before = holder.witness.to_octets_secret()
    alter = (lambda each: flip(each, 31)) if kind else other_value(holder)
    with lied(holder, column, table, number, alter):
        error = ClientError if reason == "ANSWER_INVALID" else bbs.VerificationError
        refused(error, reason, holder.catch_up)
        assert holder.witness.to_octets_secret() == before
        assert holder.witness.verified()
    assert holder.catch_up().witness.verified(), "with the true page the same witness is caught up"


def test_a_page_that_says_revoked_falsely_is_not_believed(holder: Holder) -> None:
    """Else a service could have a vault throw away a credential that is good."""
    holder.revoke(*new_handles(4))
    with lied(holder, "handle", "revocation", 2, lambda _: holder.witness.y.to_bytes(32)):
        refused(bbs.VerificationError, "PAGE_INVALID", holder.catch_up)
    assert holder.catch_up().witness.verified()


def test_a_revocation_that_is_hidden_is_found(holder: Holder) -> None:
    holder.revoke(*new_handles(2), holder.witness.y)
    with lied(holder, "handle", "revocation", 2, lambda _: new_handles(1)[0].to_bytes(32)):
        refused(bbs.VerificationError, "PAGE_INVALID", holder.catch_up)
    refused(bbs.VerificationError, "REVOKED", holder.catch_up)


def test_an_epoch_that_is_not_on_the_ledger_is_refused(holder: Holder) -> None:
    newest = holder.revoke(*new_handles(2))
    later = Epoch(newest.number, newest.position, newest.time + 1)
    with lied(holder, "octets", "epoch", newest.number, lambda _: later.octets):
        refused(tlog.VerificationError, "INCLUSION_INVALID", holder.catch_up)
    with lied(holder, "octets", "epoch", newest.number, lambda octets: octets[:-1]):
        refused(ClientError, "ANSWER_INVALID", holder.catch_up)
    assert holder.catch_up().epoch == newest


def test_an_older_epoch_does_not_take_a_witness_back(holder: Holder) -> None:
    holder.revoke(*new_handles(1))
    holder.witness = holder.catch_up().witness
    newest = holder.revoke(*new_handles(1))
    holder.witness = holder.catch_up().witness
    change(
        holder.town.city.ready.data,
        "delete from epoch where accumulator = ? and number = ?",
        holder.office.name,
        newest.number,
    )
    refused(bbs.InputError, "EPOCH_MISMATCH", holder.catch_up)


def test_another_log_is_not_believed(holder: Holder) -> None:
    stranger = tlog.Signer.generate("other.example/log").verifier
    client = holder.town.client()
    with pytest.raises(tlog.TlogError):
        client.catch_up(POLICE, holder.witness, stranger)


def test_a_witness_of_another_department_finds_no_list(holder: Holder) -> None:
    client = holder.town.client()
    harbour = DepartmentName("harbour")
    refused(ServiceError, "NOT_FOUND", client.catch_up, harbour, holder.witness, holder.town.log)


class List:
    """Serves pages out of one true page, in whatever portions, and counts what was asked for."""

    def __init__(self, page: Page, most: int) -> None:
        self._page, self._most, self.asked = page, most, list[tuple[int, int]]()

    def __call__(self, first: int, limit: int) -> Page:
        self.asked.append((first, limit))
        return Page(self._page.key, first, self._page.pairs[first : first + min(limit, self._most)])


@pytest.fixture(scope="module")
def everything(crowded: Holder) -> Page:
    pages = [crowded.town.run(crowded.office.page(first)) for first in (0, MAX_PAIRS)]
    return Page(pages[0].key, 0, pages[0].pairs + pages[1].pairs)


@pytest.mark.parametrize("most", [MAX_PAIRS, 3000])
@pytest.mark.parametrize("start", [0, 1, 2999, 3000, MAX_PAIRS - 1, MAX_PAIRS, MANY - 1, MANY])
def test_pages_are_cut_where_everybody_cuts_them(everything: Page, start: int, most: int) -> None:
    served = List(everything, most)
    pages = list(pages_between(served, start, MANY))
    assert [pair for page in pages for pair in page.pairs] == list(everything.pairs[start:])
    if start < MANY:
        assert (pages[0].first, pages[-1].end) == (start, MANY)
        assert served.asked[0][0] % MAX_PAIRS == 0
    else:
        assert not served.asked


def test_a_page_from_elsewhere_or_longer_ends_the_fetching(everything: Page) -> None:
    answers: list[Callable[[int, int], Page]] = [
        lambda first, limit: Page(everything.key, first + 1, everything.pairs[:limit]),
        lambda first, limit: Page(everything.key, first, everything.pairs[: limit + 1]),
    ]
    for answer in answers:
        refused(ClientError, "ANSWER_INVALID", lambda each: list(pages_between(each, 0, 20)), answer)
