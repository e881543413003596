"""What an edge of OpenID keeps, leaves and claims for a home, where a claim hangs or a disk is full."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import pytest

from bbs import SHAKE_256
from openid.app.sessions import Device, Session, State
from openid.app.verifying import Identity, Question, VerifierEdge
from openid.app.waiting import Held
from openid.client_id import self_signed
from ordering.errors import StateError
from ordering.light.verifying import OrderError, OrderReason
from ordering.transactions import Claim
from tests.cli import test_cli_across as across
from tests.cli.running import Done, refused, zk
from tests.cli.test_cli_across import ACROSS, Node, Order, claiming_at, written
from tests.disclosure.composite.world import SCHOOL, VERIFIER_KEYS
from tests.disclosure.world import NOW
from tests.verifier.composite_city import PUBLISHED, policy_of
from tests.verifier.log import receipt_for
from tests.verifier.test_verifier_unique import kept as answered_by
from tests.verifier.test_verifier_unique import rows
from tlog import ReceiptState
from verifier import AlreadySeenError, CompositeRecord, PseudonymRegister, files
from verifier.errors import NOT_ORDERED, FinalError, NotNowError, TakenElsewhereError
from verifier.ordered import order_file
from wire.offloading import Face
from zk import openid_edge
from zk.commands.verifier import demanding, keeping
from zk.commands.verifier.demanding import Demands
from zk.exits import CommandError, Exit
from zk.run import Run

verifying = across.verifying
SHOWN = b"what shows the order"
LATER = b"what shows it under a later header"
ORDERED = Demands(order=lambda _: SHOWN)
ANCHORED = Demands(quorum=cast(Any, SimpleNamespace(demands_witnesses=True)))


def question(run: Run, folder: Path, demands: Demands) -> Question:
    """The question that an edge makes of a policy whose pseudonym comes once in all cities."""
    policy = policy_of(ACROSS, folder)
    made = openid_edge._questions(run, cast(Any, None), [policy], SCHOOL, frozenset(), {policy.id: demands})
    return made[policy.id]


def lying(run: Run) -> set[str]:
    """What lies in the records, by how each name ends."""
    return {"".join(each.suffixes) for each in run.home.records.iterdir()}


def test_an_ordered_answer_is_kept_once_its_claim_is_made(verifying: Run, tmp_path: Path) -> None:
    asked, held = question(verifying, tmp_path, ORDERED), Held(answered_by(), SHOWN)
    assert (asked.claims, asked.demand is not None) == (True, True)
    with claiming_at(Node(answers=False)), pytest.raises(StateError):
        asked.accept(held)
    assert lying(verifying) == {".json.pending", ".json.order"}
    assert asked.pending(held) is None  # the time is over: it stays as it is
    assert lying(verifying) == {".json.pending", ".json.order"}
    with claiming_at(Node()):
        name = asked.accept(held)
    assert lying(verifying) == {".json", ".json.order"}
    assert asked.pending(held) == name  # what came after it failed: it is accepted all the same
    assert lying(verifying) == {".json", ".json.order"}
    with claiming_at(Node(first=False)), pytest.raises(AlreadySeenError):
        asked.accept(Held(answered_by(), SHOWN))
    assert lying(verifying) == {".json", ".json.order"}


def test_nothing_is_left_of_an_ordered_answer_whose_pseudonym_is_taken(
    verifying: Run, tmp_path: Path
) -> None:
    with claiming_at(Node(first=False)), pytest.raises(TakenElsewhereError):
        question(verifying, tmp_path, ORDERED).accept(Held(answered_by(), SHOWN))
    assert not lying(verifying)


def test_nothing_is_left_of_an_ordered_answer_whose_scope_is_of_another_suite(
    verifying: Run, tmp_path: Path
) -> None:
    """As whenever it is tried: it is no register that cannot be used now."""
    order, other = Order(), replace(answered_by().verified, suite=str(SHAKE_256), pseudonyms={"child": b"x"})
    register = PseudonymRegister(verifying.home.pseudonyms)
    register.admit(answered_by().record.request, other, ("child",), NOW)
    with claiming_at(order), pytest.raises(FinalError, match="PSEUDONYM_SUITE"):
        question(verifying, tmp_path, ORDERED).accept(Held(answered_by(), SHOWN))
    assert (order.rows, lying(verifying)) == ({}, set())


def test_nothing_is_claimed_where_what_shows_the_order_cannot_be_written(
    verifying: Run, tmp_path: Path
) -> None:
    """A record without it would look accepted, and its pseudonym be used up."""
    order, held, real = Order(), Held(answered_by(), SHOWN), files.replace

    def replace(path: Path, octets: bytes) -> None:
        if path.suffix == ".order":
            raise OSError("the disk is full")
        real(path, octets)

    asked = question(verifying, tmp_path, ORDERED)
    with (
        claiming_at(order),
        mock.patch.object(files, "replace", replace),
        pytest.raises(OSError, match="full"),
    ):
        asked.accept(held)
    assert (order.rows, lying(verifying)) == ({}, set())
    asked.pending(held)
    assert lying(verifying) == {".json.pending"}


def test_what_shows_the_order_is_brought_anew_once_a_claim_has_moved_on_what_is_trusted(
    verifying: Run, tmp_path: Path
) -> None:
    """What was brought before begins at the header that was trusted then, and shows nothing now."""
    held, found, asked = Held(answered_by(), SHOWN), [LATER], list[bytes]()

    def order(record: Any) -> bytes:
        asked.append(record.presentation.digest)
        if not found:
            raise NotNowError("NODE_UNREACHABLE")
        return found.pop()

    school = question(verifying, tmp_path, Demands(order=order))
    with claiming_at(Node()):
        name = school.accept(held)
    place = order_file(verifying.home.records / str(name))
    assert (asked, place.read_bytes()) == ([held.answered.record.presentation.digest], LATER)
    with claiming_at(Node()):  # it was accepted all the same
        assert school.accept(held) == name
    assert place.read_bytes() == SHOWN


def test_another_answer_at_its_place_is_not_taken_for_it(verifying: Run, tmp_path: Path) -> None:
    """Places are named by a part of the digest: two of one person's may be made to agree."""
    mine, other = answered_by(), answered_by()
    asked = question(verifying, tmp_path, ORDERED)
    with mock.patch.object(openid_edge, "_DIGEST_DIGITS", 0):
        asked.pending(Held(mine))
        asked.pending(Held(mine))
        (waits,) = verifying.home.records.iterdir()
        with pytest.raises(FileExistsError):
            asked.pending(Held(other))
        waits.rename(waits.with_suffix(""))
        with pytest.raises(FileExistsError):
            asked.pending(Held(other))
        assert asked.pending(Held(mine)) == waits.with_suffix("").name


def test_what_shows_the_order_of_another_answer_at_its_place_is_not_replaced(
    verifying: Run, tmp_path: Path
) -> None:
    order, asked = Order(), question(verifying, tmp_path, ORDERED)
    with mock.patch.object(openid_edge, "_DIGEST_DIGITS", 0), claiming_at(order):
        path = verifying.home.records / str(asked.accept(Held(answered_by(), SHOWN)))
        octets, rows = path.read_bytes(), dict(order.rows)
        with pytest.raises(FileExistsError):
            asked.accept(Held(answered_by(), LATER))
    assert (path.read_bytes(), order_file(path).read_bytes(), order.rows) == (octets, SHOWN, rows)
    assert lying(verifying) == {".json", ".json.order"}


@pytest.mark.parametrize("demands", [ANCHORED, ORDERED], ids=["anchored", "ordered"])
def test_what_is_not_in_time_uses_up_no_pseudonym(demands: Demands, verifying: Run, tmp_path: Path) -> None:
    order, asked = Order(), question(verifying, tmp_path, demands)
    with claiming_at(order):
        asked.pending(Held(answered_by()))
    assert (order.rows, lying(verifying)) == ({}, {".json.pending"})
    assert not verifying.home.pseudonyms.exists()


@pytest.mark.parametrize(
    ("check", "demands"),
    [("check_trusting", ORDERED), ("check_claiming", Demands())],
    ids=["ordered", "claimed"],
)
def test_nobody_is_asked_once_the_trusted_header_is_too_old(
    check: str, demands: Demands, verifying: Run, tmp_path: Path
) -> None:
    checks: dict[str, Any] = {"check_trusting": mock.Mock(), "check_claiming": mock.Mock()}
    checks[check].side_effect = OrderError(OrderReason.ORDER_TRUST_EXPIRED, "the header is too old")
    with (
        mock.patch.multiple(demanding, **checks),
        pytest.raises(NotNowError, match="ORDER_TRUST_EXPIRED"),
    ):
        question(verifying, tmp_path, demands).make()


# ---- an edge that ends while a claim hangs


class Hanging(Order):
    """Claims that hang until they are freed, and stand from the beginning."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.free = threading.Event(), threading.Event()

    def is_first(self, claim: Claim) -> bool:
        first = super().is_first(claim)
        self.begun.set()
        assert self.free.wait(60)
        return first


def edge_of(asked: Question) -> VerifierEdge:
    key = VERIFIER_KEYS[SCHOOL]
    made = self_signed(key, "localhost", NOW)
    identity = Identity(key, made, made.hashed, "https://localhost")
    return VerifierEdge(cast(Any, Face(None, 4)), identity, {asked.id: asked}, lambda: NOW)


def waiting(at: VerifierEdge, asked: Question) -> Session:
    """Have another answer wait."""
    session, answered = at.sessions.begin(asked.id, Device.CROSS).session, answered_by()
    at.sessions.keeping(session, answered)
    assert asked.demand is not None
    at._begin(asked.demand, session, answered)
    return session


async def test_an_edge_that_ends_while_a_claim_hangs_loses_nothing(verifying: Run, tmp_path: Path) -> None:
    asked, claims = question(verifying, tmp_path, ORDERED), Hanging()
    with mock.patch("openid.app.waiting.CLAIMS", 1), claiming_at(claims):
        edge = edge_of(asked)
        first = waiting(edge, asked)
        assert await asyncio.to_thread(claims.begun.wait, 30)
        others = [waiting(edge, asked) for _ in range(3)]
        await asyncio.sleep(0.3)
        ends = asyncio.create_task(edge.aclose())
        async with asyncio.timeout(10):
            while not all(each.state is State.REFUSED for each in others):
                await asyncio.sleep(0.01)
        assert not ends.done()
        assert len(list(verifying.home.records.glob("*.json.pending"))) == 4  # killed now nothing is lost
        claims.free.set()
        await ends
    assert (first.state, first.record is not None) == (State.ACCEPTED, True)
    assert len(list(verifying.home.records.glob("*.json.pending"))) == 3
    assert len(claims.rows) == len(list(verifying.home.records.glob("*.json"))) == 1


# ---- `zk verifier keep`: what is demanded is shown first


def left(run: Run, state: ReceiptState) -> Path:
    """An answer that an edge has left, by a policy that demands this of receipts."""
    path = run.home.records / "record.json.pending"
    answered_by(state).record.save(path)
    return path


def keep(run: Run, pending: Path, folder: Path, order: Order, demands: Demands) -> Done:
    with claiming_at(order), mock.patch.object(keeping, "demands_of", return_value=demands):
        return zk("verifier", "keep", pending, written(folder), "--home", run.home.path, "--json")


def away(*_: object) -> None:
    raise CommandError(Exit.UNREACHABLE, "NODE_UNREACHABLE", "error.consortium_node", detail="")


def test_nothing_is_noted_or_claimed_before_the_order_is_shown(verifying: Run, tmp_path: Path) -> None:
    pending, order = left(verifying, ReceiptState.ORDERED), Order()
    octets = pending.read_bytes()
    header = SimpleNamespace(chain="chain", height=9, time=(1_800_000_000, 0))
    found = SimpleNamespace(
        to_bytes=lambda: SHOWN, order=SimpleNamespace(steps=[SimpleNamespace(header=header)])
    )
    for shown, code, reason in (
        (away, Exit.UNREACHABLE, "NODE_UNREACHABLE"),
        (lambda *_: None, Exit.PENDING, NOT_ORDERED),
    ):
        with mock.patch.object(keeping, "order_of", shown):
            refused(keep(verifying, pending, tmp_path, order, ORDERED), code, reason)
        assert (order.rows, lying(verifying), pending.read_bytes()) == ({}, {".json.pending"}, octets)
        assert not verifying.home.pseudonyms.exists()
    with mock.patch.object(keeping, "order_of", return_value=found):
        done = keep(verifying, pending, tmp_path, order, ORDERED)
    assert (done.code, done.json["receipt"], done.json["height"]) == (Exit.OK, "ordered", 9), done
    assert (len(order.rows), lying(verifying)) == (1, {".json", ".json.order"})


def test_nothing_is_noted_or_claimed_before_the_quorum_is_there(verifying: Run, tmp_path: Path) -> None:
    pending, order = left(verifying, ReceiptState.ANCHORED), Order()
    octets = pending.read_bytes()
    with (
        mock.patch.object(keeping, "is_anchored", return_value=False),
        mock.patch.object(keeping, "anchor_kept", return_value=None),
    ):
        done = keep(verifying, pending, tmp_path, order, ANCHORED)
    refused(done, Exit.PENDING, "RECEIPT_PENDING")
    assert (order.rows, lying(verifying), pending.read_bytes()) == ({}, {".json.pending"}, octets)
    with mock.patch.object(keeping, "is_anchored", return_value=True):
        assert keep(verifying, pending, tmp_path, order, ANCHORED).code == Exit.OK
    assert (len(order.rows), lying(verifying)) == (1, {".json"})
    assert len(rows(verifying.home.pseudonyms)) == 1


def test_what_was_cut_short_while_it_was_brought_to_anchored_is_kept_anchored(
    verifying: Run, tmp_path: Path
) -> None:
    """The same answer lies at its place and beside it, one as it is anchored: whichever the disk has got."""
    pending = left(verifying, ReceiptState.ANCHORED)
    path, before, order = pending.with_suffix(""), CompositeRecord.load(pending), Order()
    receipt = receipt_for(before.request, before.presentation, before=PUBLISHED, after=5)
    anchored = replace(before, receipt=receipt)
    for at_place, waits in ((before, anchored), (anchored, before)):
        path.write_bytes(at_place.to_bytes())
        pending.write_bytes(waits.to_bytes())
        with (
            mock.patch.object(keeping, "is_anchored", lambda each, _: each == anchored),
            mock.patch.object(keeping, "anchor_kept", return_value=anchored),
        ):
            done = keep(verifying, pending, tmp_path, order, ANCHORED)
        assert (done.code, path.read_bytes()) == (Exit.OK, anchored.to_bytes()), done
        assert (len(order.rows), lying(verifying)) == (1, {".json"})
