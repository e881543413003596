"""A counter at work whose node of the consortium is away or lies: a part stays, and nobody is rejected."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import grpc
import pytest

from ordering.light.verifying import OrderError, OrderReason
from tests.disclosure.composite.world import SCHOOL
from tests.verifier.composite_city import POLICY, PUBLISHED, policy_of
from tests.verifier.log import LOG, receipt_for
from tests.verifier.test_verifier_unique import kept as answered_by
from tlog import ReceiptState
from verifier.client.errand_desk import ErrandDesk
from verifier.client.errands import RECEIVED, REJECTED, SUBMITTED, Outcome
from verifier.client.exchange import check_demands
from verifier.errors import (
    NOT_ORDERED,
    FinalError,
    NotNowError,
    OtherSuiteError,
    RegisterError,
    ReservedError,
    TakenElsewhereError,
)
from wire.client import ServiceError
from zk.commands.verifier import asking, demanding, errand_clerk, errands
from zk.exits import CommandError, Exit
from zk.home import Home
from zk.run import Run

DETAIL = "the row does not follow from the header"


class Counter:
    """Gives one answer for whatever part, and notes what is told of it."""

    def __init__(self) -> None:
        self.told = list[Outcome]()

    def receive(self, *_: object) -> Any:
        return SimpleNamespace(answered=answered_by())

    def tell(self, _: object, outcome: Outcome) -> None:
        self.told.append(outcome)


def received(folder: Path, raised: Exception) -> tuple[bool, list[Outcome]]:
    """Have a desk receive an answer whose keeping raises; return whether it settled, and what was told."""
    counter, bundle = Counter(), SimpleNamespace(name=SimpleNamespace(bundle="school"))
    part = SimpleNamespace(name=SimpleNamespace(id="1"), state=SUBMITTED, ready=True, waits=False)
    run, nothing = Run(as_json=True, lang="en", home=Home(folder)), cast(Any, None)
    clerk = errands._HookClerk(run, nothing, cast(Any, counter), nothing, nothing, None)
    desk = ErrandDesk(nothing, cast(Any, counter), cast(Any, bundle), "p", clerk, run.home.records)
    with mock.patch.object(asking, "keep", side_effect=raised):
        return desk.work(cast(Any, part)), counter.told


def unclaimed(reason: str) -> CommandError:
    """What a claims service has refused."""
    return CommandError(Exit.REFUSED, reason, "error.claims_refused", reason=reason)


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (OrderError(OrderReason.ORDER_ROW_INVALID, DETAIL), "ORDER_ROW_INVALID"),
        (OrderError(OrderReason.ORDER_TRUST_EXPIRED, DETAIL), "ORDER_TRUST_EXPIRED"),
        (CommandError(Exit.UNREACHABLE, "NODE_UNREACHABLE", "error.consortium_node"), "NODE_UNREACHABLE"),
        (unclaimed("CLAIM_HEADER_UNKNOWN"), "CLAIM_HEADER_UNKNOWN"),
        (unclaimed("CLAIM_STALE"), "CLAIM_STALE"),
        (unclaimed("CLAIM_NOT_LISTED"), "CLAIM_NOT_LISTED"),
        (ReservedError("another answer is being claimed", field="unique"), "REGISTER_INVALID"),
        (RegisterError("the register cannot be used"), "REGISTER_INVALID"),
        (FileExistsError("another record stands there"), "FILE_UNUSABLE"),
    ],
    ids=["row", "expired", "away", "header", "stale", "listed", "reserved", "register", "file"],
)
def test_a_part_stays_while_the_order_shows_nothing(
    raised: Exception, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert received(tmp_path, raised) == (False, [])
    said = capsys.readouterr().err
    assert reason in said
    assert "rejected" not in said


def test_nobody_is_asked_while_what_came_could_not_be_claimed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The header has grown too old while the counter works: a part waits, is told once, and asked later."""
    policy, counter, nothing = policy_of(POLICY + "across: [child]\n", tmp_path), mock.Mock(), cast(Any, None)
    part = SimpleNamespace(name=SimpleNamespace(id="1"), waits=True)
    run = Run(as_json=True, lang="en", home=Home(tmp_path))
    clerk = errands._HookClerk(run, nothing, counter, policy, SCHOOL, None)
    desk = ErrandDesk(nothing, counter, nothing, "p", clerk, run.home.records)
    old = OrderError(OrderReason.ORDER_TRUST_EXPIRED, "the header is too old")
    with (
        mock.patch.object(demanding, "check_claiming", side_effect=[old, old, None]),
        mock.patch.object(errand_clerk, "checked_request"),
    ):
        for asked in (0, 0, 1):
            assert not desk.work(cast(Any, part))
            assert counter.ask.call_count == asked
    assert capsys.readouterr().err.count("ORDER_TRUST_EXPIRED") == 1


@pytest.mark.parametrize("across", [(), ("child",)], ids=["here", "everywhere"])
def test_a_part_that_waits_for_its_claim_is_looked_at_again_while_the_stream_lives(
    across: tuple[str, ...], tmp_path: Path
) -> None:
    policy = policy_of(POLICY + ("across: [child]\n" if across else ""), tmp_path)
    counter, nothing = mock.Mock(), cast(Any, None)
    counter.parts.return_value = []
    clerk = cast(Any, errand_clerk.HomeClerk)
    with mock.patch.multiple(clerk, __abstractmethods__=frozenset()):
        clerk = clerk(nothing, nothing, policy, SCHOOL)
    desk = ErrandDesk(nothing, counter, nothing, "p", cast(Any, clerk), tmp_path)
    assert list(desk.serve()) == []
    (call,) = counter.parts.mock_calls
    assert (call.args[1] is not None) == bool(across)


@pytest.mark.parametrize(
    "raised", [TakenElsewhereError("child"), OtherSuiteError("child", "one", "other")], ids=["taken", "suite"]
)
def test_what_will_never_be_accepted_is_rejected(raised: FinalError, tmp_path: Path) -> None:
    settled, told = received(tmp_path, raised)
    assert (settled, [each.state for each in told]) == (True, [REJECTED])


def test_a_part_stays_until_its_answer_is_in_the_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --ordered: kept, told once why it waits, and received with what shows the order beside it."""
    counter, bundle = Counter(), SimpleNamespace(name=SimpleNamespace(bundle="school"))
    part = SimpleNamespace(name=SimpleNamespace(id="1"), state=SUBMITTED, ready=True, waits=False)
    nothing, answer = cast(Any, None), answered_by()
    run = Run(as_json=True, lang="en", home=Home(tmp_path))
    said = [NotNowError(NOT_ORDERED), NotNowError(NOT_ORDERED), NotNowError("NODE_UNREACHABLE")]

    def order(record: Any) -> bytes:
        assert record.to_bytes() == answer.record.to_bytes()
        if said:
            raise said.pop(0)
        return b"what shows it"

    run.home.save_profile(replace(run.home.profile(), log_key=LOG))
    run.home.records.mkdir()
    clerk = errands._HookClerk(run, nothing, cast(Any, counter), nothing, nothing, None)
    desk = ErrandDesk(
        nothing, cast(Any, counter), cast(Any, bundle), "p", clerk, run.home.records, order=order
    )

    def kept(_: Run, given: Any, __: object, path: Path) -> None:
        given.record.save(path)

    with (
        mock.patch.object(asking, "keep", kept),
        mock.patch.object(Counter, "receive", return_value=SimpleNamespace(answered=answer)),
    ):
        for _ in range(3):
            assert not desk.work(cast(Any, part))
            assert not counter.told
            assert not list(run.home.records.glob("*.order"))
        assert desk.work(cast(Any, part))
    assert [each.state for each in counter.told] == [RECEIVED]
    (beside,) = run.home.records.glob("*.order")
    assert beside.read_bytes() == b"what shows it"
    err = capsys.readouterr().err
    assert (err.count(NOT_ORDERED), err.count("NODE_UNREACHABLE")) == (1, 1)


def looked_twice(folder: Path, first: Any, then: Any) -> tuple[list[bytes], list[Outcome], Path]:
    """Have a desk that demands the order receive one answer and, a look later, another at the same place.

    Returns whose order was looked for, what was told, and where the first is kept.
    """
    counter, bundle = Counter(), SimpleNamespace(name=SimpleNamespace(bundle="school"))
    part = SimpleNamespace(name=SimpleNamespace(id="1"), state=SUBMITTED, ready=True, waits=False)
    nothing, asked = cast(Any, None), list[bytes]()
    run = Run(as_json=True, lang="en", home=Home(folder))

    def order(record: Any) -> bytes:
        asked.append(record.to_bytes())
        if len(asked) == 1:
            raise NotNowError(NOT_ORDERED)
        return b"what shows it"

    def kept(_: Run, given: Any, __: object, path: Path) -> None:
        given.record.save(path)

    run.home.save_profile(replace(run.home.profile(), log_key=LOG))
    run.home.records.mkdir()
    clerk = errands._HookClerk(run, nothing, cast(Any, counter), nothing, nothing, None)
    desk_of: Any = ErrandDesk
    desk = desk_of(nothing, counter, bundle, "p", clerk, run.home.records, order=order)
    for each in (first, then):
        received = SimpleNamespace(answered=each)
        with (
            mock.patch.object(asking, "keep", kept),
            mock.patch.object(Counter, "receive", return_value=received),
            mock.patch.object(ErrandDesk, "path", return_value=run.home.records / "record.json"),
        ):
            desk.work(cast(Any, part))
    return asked, counter.told, run.home.records / "record.json"


def test_the_order_that_is_brought_at_a_later_look_is_of_the_record_that_is_kept(tmp_path: Path) -> None:
    """Verified anew an answer has a receipt of a later tree, whose order shows nothing of the kept one."""
    first = answered_by()
    request, presentation = first.record.request, first.record.presentation
    receipt = receipt_for(request, presentation, before=PUBLISHED, after=5)
    then = replace(first, record=replace(first.record, receipt=receipt))
    asked, told, path = looked_twice(tmp_path, first, then)
    assert then.record != first.record
    assert asked == [first.record.to_bytes()] * 2
    assert [each.state for each in told] == [RECEIVED]
    assert path.read_bytes() == first.record.to_bytes()


def test_another_answer_at_its_place_is_not_told_as_received(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Places are named by a part of the digest: two of one person's may be made to agree."""
    first = answered_by()
    octets = first.record.to_bytes()
    asked, told, path = looked_twice(tmp_path, first, answered_by())
    assert (asked, told, path.read_bytes()) == ([octets], [], octets)
    assert "FILE_UNUSABLE" in capsys.readouterr().err


@pytest.mark.parametrize("receipt", [ReceiptState.ANCHORED, ReceiptState.ORDERED])
def test_a_part_stays_where_nobody_waits_for_what_its_policy_demands(
    receipt: ReceiptState, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No option takes away what the registered policy demands; the order alone is no quorum."""
    counter, bundle = Counter(), SimpleNamespace(name=SimpleNamespace(bundle="school"))
    part = SimpleNamespace(name=SimpleNamespace(id="1"), state=SUBMITTED, ready=True, waits=False)
    nothing, answer = cast(Any, None), answered_by(receipt)
    run = Run(as_json=True, lang="en", home=Home(tmp_path))
    run.home.save_profile(replace(run.home.profile(), log_key=LOG))
    run.home.records.mkdir()
    clerk = errands._HookClerk(run, nothing, cast(Any, counter), nothing, nothing, None)
    desk_of: Any = ErrandDesk
    parts = (nothing, cast(Any, counter), cast(Any, bundle), "p", clerk, run.home.records)

    def kept(_: Run, given: Any, __: object, path: Path) -> None:
        given.record.save(path)

    def receive(_: object, __: object, met: list[ReceiptState]) -> Any:
        check_demands(answer, met)
        return SimpleNamespace(answered=answer)

    with (
        mock.patch.object(asking, "keep", kept),
        mock.patch.object(counter, "receive", receive),
    ):
        assert not desk_of(*parts).work(cast(Any, part))
        ordering = desk_of(*parts, order=lambda _: b"what shows it")
        assert ordering.work(cast(Any, part)) == (receipt is ReceiptState.ORDERED)
    told = [RECEIVED] if receipt is ReceiptState.ORDERED else []
    assert [each.state for each in counter.told] == told
    assert capsys.readouterr().err.count("RECEIPT_STATE_DEMANDED") == 2 - len(told)


def test_a_stream_that_ends_in_the_midst_of_its_work_gets_more_time(tmp_path: Path) -> None:
    """The oldest parts come first: the newest ones must be come to all the same."""
    nothing, counter = cast(Any, None), mock.Mock()
    past = ServiceError(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "its time is over")

    def stream(*_: object) -> Any:
        yield SimpleNamespace(part="p")
        raise past

    counter.parts.side_effect = stream
    clerk = mock.Mock(claims=True)
    desk = ErrandDesk(nothing, counter, nothing, "p", clerk, tmp_path)
    with mock.patch.object(ErrandDesk, "work", return_value=False):
        asked = []
        for _ in range(5):
            assert list(desk.serve()) == [False]
            assert not desk.told_all
            asked.append(counter.parts.mock_calls[-1].args[1].total_seconds())
        assert asked == [5, 10, 20, 40, 60]
        with mock.patch("time.monotonic", side_effect=[0.0, 1.0, 60.0]):
            list(desk.serve())
        assert desk.told_all
    assert desk.looks is not None
    assert desk.looks.total_seconds() == asked[0]
    with mock.patch.object(ErrandDesk, "work", side_effect=past), pytest.raises(ServiceError):
        list(desk.serve())
