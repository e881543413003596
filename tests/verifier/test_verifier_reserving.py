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
from tests.verifier.log import LOG, MOMENT
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
