"""What is claimed in all cities while others wait or go on: reserved, claimed, noted; killed at each step."""

import multiprocessing
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from disclosure.composite import VerifiedComposite
from ordering.transactions import Claim
from tests.verifier.composite_city import PUBLISHED, Publications
from tests.verifier.log import LOG, MOMENT, receipt_for
from tests.verifier.test_verifier_unique import kept, other_child, other_parent, request, rows, verified
from verifier import (
    AlreadySeenError,
    CompositeRecord,
    PseudonymRegister,
    RegisterError,
    files,
    recheck_composite,
)
from verifier.client import CompositeAnswered
from verifier.errors import ReservedError, TakenElsewhereError
from verifier.unique import RESERVED_SECONDS

CHILD = ("child",)
_TRANSACTION = PseudonymRegister._transaction
STEPS = (
    "before .pending", "after .pending", "before reserving", "after reserving", "before claiming",
    "after claiming", "before noting", "after noting", "before record", "after record", "before removing",
    "after removing",
)  # fmt: skip


class Order:
    """The order of all cities, in a folder: the first of a tag stands, whoever else comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def is_first(self, claim: Claim) -> bool:
        path = self._folder / claim.tag.hex()
        try:
            files.place(path, claim.reference)
        except FileExistsError:
            return False
        return True


def reservations(path: Path) -> list[Any]:
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT * FROM reservations").fetchall()
    connection.close()
    return found


def keep(answer: CompositeAnswered, folder: Path, name: str = "record.json", claims: Any = None) -> None:
    register = PseudonymRegister(folder / "register", patience=0.5)
    answer.keep(
        folder / name, unique=CHILD, register=register, across=CHILD, claims=claims or Order(folder / "order")
    )


def enters(register: PseudonymRegister, answer: VerifiedComposite) -> None:
    register.admit(request(), answer, CHILD, MOMENT)


# a slow node


class Slow:
    """A node that answers when it is told to."""

    def __init__(self, first: bool = True) -> None:
        self.asked, self.told, self._first = threading.Event(), threading.Event(), first

    def is_first(self, _: Claim) -> bool:
        self.asked.set()
        assert self.told.wait(60)
        return self._first


def test_a_slow_node_holds_up_no_other_answer(tmp_path: Path) -> None:
    node, raised = Slow(), list[BaseException]()
    answer = kept()

    def slowly() -> None:
        try:
            keep(answer, tmp_path, claims=node)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=slowly)
    thread.start()
    assert node.asked.wait(60)
    begun = time.monotonic()
    register = PseudonymRegister(tmp_path / "register", patience=0.5)
    enters(register, other_child())
    assert time.monotonic() - begun < 5
    with pytest.raises(ReservedError):  # the same child waits, and is not accepted meanwhile
        enters(register, other_parent())
    with pytest.raises(ReservedError):
        keep(kept(), tmp_path, "again.json")
    assert (tmp_path / "again.json.pending").exists()  # it may be kept again
    assert not (tmp_path / "again.json").exists()
    patient = PseudonymRegister(tmp_path / "register")
    waited = threading.Timer(0.3, node.told.set)
    waited.start()
    with pytest.raises(AlreadySeenError):  # who has patience is told what came of it
        enters(patient, other_parent())
    thread.join(60)
    assert not raised
    assert (tmp_path / "record.json").exists()
    assert reservations(tmp_path / "register") == []


def test_what_another_city_has_taken_frees_the_others(tmp_path: Path) -> None:
    node = Slow(first=False)
    node.told.set()
    with pytest.raises(TakenElsewhereError):
        keep(kept(), tmp_path, claims=node)
    assert reservations(tmp_path / "register") == rows(tmp_path / "register") == []
    assert not list(tmp_path.glob("*.pending"))
    enters(PseudonymRegister(tmp_path / "register"), other_parent())


@pytest.mark.parametrize("moved", [RESERVED_SECONDS + 1, -RESERVED_SECONDS], ids=["later", "put back"])
def test_a_reservation_ends_by_itself(moved: int, tmp_path: Path) -> None:
    path = tmp_path / "register"
    register = PseudonymRegister(path, patience=0.2)
    register._reserve(request(), verified(), CHILD)  # and its process ends
    register._reserve(request(), verified(), CHILD)  # the same answer goes on
    with pytest.raises(ReservedError):
        enters(register, verified(1))
    with mock.patch("verifier.unique.time.time", return_value=time.time() + moved):
        enters(register, verified(1))
    assert reservations(path) == []
    with pytest.raises(AlreadySeenError):  # who was too slow comes too late here, whatever the order says
        enters(register, verified())


def test_a_register_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "register"
    enters(PseudonymRegister(path), verified())
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE reservations")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    before = rows(path)
    with pytest.raises(AlreadySeenError):
        enters(PseudonymRegister(path), verified(1))
    enters(PseudonymRegister(path), other_child())
    assert [each for each in rows(path) if each in before] == before
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 3")
    connection.close()
    with pytest.raises(RegisterError):
        enters(PseudonymRegister(path), verified())


def test_only_one_answer_waits_for_a_reservation_and_reads_while_it_does(tmp_path: Path) -> None:
    path = tmp_path / "register"
    register = PseudonymRegister(path, patience=20)
    register._reserve(request(), verified(), CHILD)
    entered = threading.Thread(target=enters, args=(register, other_child()))
    begun, raised = time.monotonic(), list[BaseException]()

    def waits() -> None:
        with pytest.raises(AlreadySeenError):
            enters(register, verified(1))
        raised.append(AlreadySeenError("child", MOMENT))

    with mock.patch.object(PseudonymRegister, "_transaction", autospec=True) as opened:
        opened.side_effect = _TRANSACTION
        waiter = threading.Thread(target=waits)
        waiter.start()
        while len(opened.mock_calls) < 3:
            assert time.monotonic() - begun < 20
            time.sleep(0.01)
        with pytest.raises(ReservedError):
            enters(register, other_parent())
        assert time.monotonic() - begun < 10  # at once
        assert all(each.kwargs == {"writes": False} for each in opened.mock_calls)
    entered.start()  # somebody else goes on meanwhile
    entered.join(60)
    register.admit(request(), verified(), CHILD, MOMENT)
    waiter.join(60)
    assert raised


def test_what_fails_first_is_told_when_the_reservation_cannot_be_taken_back(tmp_path: Path) -> None:
    node = mock.Mock(is_first=mock.Mock(return_value=False))
    broken = mock.patch.object(PseudonymRegister, "_release", side_effect=RegisterError("no space"))
    with broken, pytest.raises(TakenElsewhereError):
        keep(kept(), tmp_path, claims=node)


def test_a_reservation_stays_while_nobody_knows_whether_the_claim_stands(tmp_path: Path) -> None:
    answer, node = kept(), mock.Mock(is_first=mock.Mock(side_effect=TimeoutError("no answer")))
    with pytest.raises(TimeoutError):
        keep(answer, tmp_path, claims=node)
    with pytest.raises(ReservedError):
        keep(kept(), tmp_path, "other.json")
    keep(answer, tmp_path)
    assert reservations(tmp_path / "register") == []


# the same answer in other octets, and by two desks


def in_other_octets(answer: CompositeAnswered) -> CompositeAnswered:
    """The same answer, read again after more epochs were published."""
    record = answer.record
    later = CompositeRecord.of(
        record.signed_request,
        record.presentation,
        receipt_for(request(), record.presentation, before=PUBLISHED + 1),
        record.directory,
        Publications(purpose=request().purpose),
        record.verifier_key,
        LOG,
    )
    assert later.to_bytes() != record.to_bytes()
    return answer.with_record(later)


def test_an_answer_tried_again_after_its_keys_changed_is_kept_in_its_first_octets(tmp_path: Path) -> None:
    first, away = kept(), mock.Mock(is_first=mock.Mock(side_effect=TimeoutError))
    with pytest.raises(TimeoutError):
        keep(first, tmp_path, claims=away)
    again = in_other_octets(first)
    with pytest.raises(FileExistsError):  # another answer never takes the place
        keep(kept(), tmp_path)
    keep(again, tmp_path)
    assert (tmp_path / "record.json").read_bytes() == first.record.to_bytes()
    keep(again, tmp_path)
    assert [each.name for each in tmp_path.glob("record.json*")] == ["record.json"]


def test_two_desks_that_refuse_the_same_answer_say_why(tmp_path: Path) -> None:
    pending = tmp_path / "record.json.pending"

    def refused(_: Claim) -> bool:
        pending.unlink()  # the other desk was faster
        return False

    with pytest.raises(TakenElsewhereError):
        keep(kept(), tmp_path, claims=mock.Mock(is_first=refused))


# killed at every step


def _killing(step: str) -> None:
    """Have this process die at a step."""

    def around(target: Any, name: str, before: Callable[..., bool], after: Callable[..., bool]) -> None:
        real = getattr(target, name)

        def called(*given: Any, **named: Any) -> Any:
            if before(*given):
                os.kill(os.getpid(), signal.SIGKILL)
            found = real(*given, **named)
            if after(*given):
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        mock.patch.object(target, name, called).start()

    def at(what: str, is_it: Callable[..., bool] = lambda *_: True) -> tuple[Any, Any]:
        return (
            lambda *given: step == f"before {what}" and is_it(*given),
            lambda *given: step == f"after {what}" and is_it(*given),
        )

    def is_pending(path: Path, *_: Any) -> bool:
        return path.name == "record.json.pending"

    def is_record(path: Path, *_: Any) -> bool:
        return path.name == "record.json"

    around(files, "place", *at(".pending", is_pending))
    around(files, "place", *at("record", is_record))
    around(files, "remove", *at("removing", is_pending))
    around(PseudonymRegister, "_reserve", *at("reserving"))
    around(PseudonymRegister, "admit", *at("noting"))
    around(Order, "is_first", *at("claiming"))


def _killed_at(step: str, record: bytes, folder: Path) -> None:
    _killing(step)
    keep(_answer(CompositeRecord.from_bytes(record)), folder)


def _answer(record: CompositeRecord) -> CompositeAnswered:
    checked = recheck_composite(record, log_verifier=LOG)
    return CompositeAnswered(checked.verified, record, checked.verify_time)


@pytest.mark.parametrize("step", STEPS)
def test_once_is_once_wherever_a_process_is_killed(step: str, tmp_path: Path) -> None:
    answer, other = kept(), kept()
    octets = answer.record.to_bytes()
    process = multiprocessing.get_context("spawn").Process(target=_killed_at, args=(step, octets, tmp_path))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    record, pending = tmp_path / "record.json", tmp_path / "record.json.pending"
    assert pending.exists() or record.exists() or step == "before .pending"
    claimed = STEPS.index(step) >= STEPS.index("after claiming")
    # Another city's school, which knows nothing of this register: the order alone is between them.
    (tmp_path / "theirs").mkdir()
    try:
        keep(other, tmp_path / "theirs", claims=Order(tmp_path / "order"))
    except TakenElsewhereError:
        assert claimed
    else:
        assert not claimed
    if claimed:
        keep(_answer(CompositeRecord.load(pending if pending.exists() else record)), tmp_path)
        assert record.read_bytes() == octets
    else:
        with pytest.raises(TakenElsewhereError):
            keep(answer, tmp_path)
        assert not record.exists()
    assert not pending.exists()
    accepted = [each for each in (record, tmp_path / "theirs" / "record.json") if each.exists()]
    assert len(accepted) == 1
    assert reservations(tmp_path / "register") == []
