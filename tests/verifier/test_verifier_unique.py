"""Pseudonyms that may come once: noted or refused, for one process or many, and nothing else is kept."""

import datetime as dt
import multiprocessing
import sqlite3
import stat
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from bbs import SHA_256, SHAKE_256
from disclosure.composite import CompositeRequest, VerifiedComposite, verify_composite
from tests.disclosure.composite.world import BOB, HOUSEHOLD, NOW, SCHOOL, SCHOOL_2, held, presented
from tests.disclosure.world import asked_by
from tests.verifier.composite_city import POLICE, POLICY, Publications, answered, composite_record, policy_of
from tests.verifier.log import LOG, MOMENT
from tlog import ReceiptState
from verifier import AlreadySeenError, CompositeRecord, PseudonymRegister, RegisterError, recheck_composite
from verifier.client import CompositeAnswered
from verifier.errors import OtherSuiteError

UNIQUE = ("child",)
LATER = MOMENT + dt.timedelta(days=3)


@cache
def request() -> CompositeRequest:
    with TemporaryDirectory() as folder:
        return policy_of(POLICY, Path(folder)).request(SCHOOL, NOW, Publications())


@cache
def verified(number: int = 0) -> VerifiedComposite:
    """Alice's answers, each another presentation with the same pseudonyms."""
    return verify_composite(request(), answered(request()), Publications().directory(request()), NOW)


@cache
def other_parent() -> VerifiedComposite:
    known = Publications().directory(request())
    own = {"household": held(HOUSEHOLD, BOB, by=POLICE)}
    answer = presented(request(), own, secret=BOB, branch="other", known=known)
    return verify_composite(request(), answer, known, NOW)


@cache
def other_child() -> VerifiedComposite:
    known = Publications().directory(request())
    own = {"household": held(HOUSEHOLD, BOB, by=POLICE, child_secret=bytes(31) + b"\x09")}
    answer = presented(request(), own, secret=BOB, branch="other", known=known)
    return verify_composite(request(), answer, known, NOW)


def seen(
    register: PseudonymRegister, answer: VerifiedComposite, unique: Sequence[str] = UNIQUE
) -> AlreadySeenError:
    with pytest.raises(AlreadySeenError) as caught:
        register.admit(request(), answer, unique, LATER)
    return caught.value


def rows(path: Path) -> list[Any]:
    with sqlite3.connect(path) as connection:
        found = connection.execute("SELECT * FROM pseudonyms").fetchall()
    connection.close()
    return found


def test_the_other_parent_does_not_enrol_the_child_again(tmp_path: Path) -> None:
    register = PseudonymRegister(tmp_path / "register")
    register.admit(request(), verified(), UNIQUE, MOMENT)
    error = seen(register, other_parent())
    assert (error.reason, error.field) == ("PSEUDONYM_SEEN", "child")
    assert error.first == MOMENT
    register.admit(request(), other_child(), UNIQUE, LATER)


def test_the_same_answer_may_come_again(tmp_path: Path) -> None:
    register = PseudonymRegister(tmp_path / "register")
    for _ in range(3):
        register.admit(request(), verified(), UNIQUE, MOMENT)
    assert len(rows(tmp_path / "register")) == 1
    seen(register, verified(1))


def test_all_pseudonyms_of_an_answer_are_noted_or_none(tmp_path: Path) -> None:
    register = PseudonymRegister(tmp_path / "register")
    register.admit(request(), other_parent(), UNIQUE, MOMENT)
    before = rows(tmp_path / "register")
    assert seen(register, verified(), ("me", "child")).field == "child"
    assert rows(tmp_path / "register") == before


def test_scopes_are_apart(tmp_path: Path) -> None:
    """The same point under another scope is another entry: a scope is no part of the pseudonym's octets."""
    register = PseudonymRegister(tmp_path / "register")
    register.admit(request(), verified(), ("me",), MOMENT)
    elsewhere = asked_by(request(), SCHOOL_2)
    register.admit(elsewhere, verified(1), ("me",), MOMENT)  # a scope of the verifier's own
    with pytest.raises(AlreadySeenError):
        register.admit(request(), verified(1), ("me",), MOMENT)
    register.admit(request(), verified(), UNIQUE, MOMENT)
    with pytest.raises(AlreadySeenError):  # the joint scope is the same for both
        register.admit(elsewhere, verified(1), UNIQUE, MOMENT)


def test_a_scope_keeps_to_the_suite_of_its_first_answer(tmp_path: Path) -> None:
    """In another suite the same person has another pseudonym, and would not be known."""
    path = tmp_path / "register"
    other = replace(other_parent(), suite=str(SHAKE_256), pseudonyms={"child": bytes(48)})
    assert verified().suite == str(SHA_256)
    PseudonymRegister(path).admit(request(), verified(), UNIQUE, MOMENT)
    before = rows(path)
    with pytest.raises(OtherSuiteError) as caught:
        PseudonymRegister(path).admit(request(), other, UNIQUE, LATER)
    assert (caught.value.reason, caught.value.field) == ("PSEUDONYM_SUITE", "child")
    assert rows(path) == before
    PseudonymRegister(path).admit(request(), other_child(), UNIQUE, LATER)
    PseudonymRegister(tmp_path / "new").admit(request(), other, UNIQUE, LATER)
    with pytest.raises(OtherSuiteError):
        PseudonymRegister(tmp_path / "new").admit(request(), verified(), UNIQUE, LATER)
    with pytest.raises(OtherSuiteError):
        kept().keep(tmp_path / "record", unique=UNIQUE, register=PseudonymRegister(tmp_path / "new"))
    assert not list(tmp_path.glob("record*"))  # nor as pending: it would be refused whenever it is tried


def test_an_answer_that_is_refused_pins_no_suite(tmp_path: Path) -> None:
    register = PseudonymRegister(tmp_path / "register")
    register.admit(request(), other_parent(), UNIQUE, MOMENT)
    seen(register, verified(), ("me", "child"))
    other = replace(verified(1), suite=str(SHAKE_256))
    register.admit(request(), other, ("me",), LATER)


def test_what_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "register"
    PseudonymRegister(path).admit(request(), verified(), ("me", "child"), MOMENT)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = rows(path)
    assert {each[1] for each in kept} == set(verified().pseudonyms.values())
    assert {each[2:] for each in kept} == {(verified().digest, int(MOMENT.timestamp()))}
    assert {len(each[0]) for each in kept} == {32}
    assert "王小明".encode() not in path.read_bytes()
    again = PseudonymRegister(path)
    assert seen(again, verified(1)).first == MOMENT


@pytest.mark.parametrize("content", [b"x" * 4096, b"SQLite format 3\x00" + bytes(100)])
def test_a_file_that_is_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "register"
    path.write_bytes(content)
    with pytest.raises(RegisterError):
        PseudonymRegister(path).admit(request(), verified(), UNIQUE, MOMENT)
    assert path.read_bytes() == content


def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "register"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE pseudonyms (x)")
    connection.commit()
    connection.close()
    with pytest.raises(RegisterError):
        PseudonymRegister(path).admit(request(), verified(), UNIQUE, MOMENT)


def test_a_folder_that_is_not_there_and_a_pseudonym_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(RegisterError):
        PseudonymRegister(tmp_path / "no" / "register").admit(request(), verified(), UNIQUE, MOMENT)
    with pytest.raises(RegisterError):
        PseudonymRegister(tmp_path / "register").admit(request(), verified(), ("nobody",), MOMENT)


# ---- many at once


def _admit(
    paths: Sequence[Path], request: CompositeRequest, answer: VerifiedComposite, together: Any, told: Any
) -> None:
    """What one process does: admit an answer at each register, at the same moment as the other process."""
    for path in paths:
        together.wait()
        try:
            PseudonymRegister(path).admit(request, answer, UNIQUE, MOMENT)
            told.put((path, answer.digest))
        except AlreadySeenError:
            told.put((path, None))


def _outcomes(paths: Sequence[Path], answers: Sequence[VerifiedComposite]) -> dict[Path, list[bytes | None]]:
    context = multiprocessing.get_context("spawn")
    together, told = context.Barrier(len(answers)), context.Queue()
    made = [context.Process(target=_admit, args=(paths, request(), each, together, told)) for each in answers]
    for process in made:
        process.start()
    outcomes: dict[Path, list[bytes | None]] = {path: [] for path in paths}
    for _ in range(len(paths) * len(answers)):
        path, digest = told.get(timeout=60)
        outcomes[path].append(digest)
    for process in made:
        process.join(60)
        assert process.exitcode == 0
    return outcomes


def test_of_two_processes_at_once_one_notes_the_child(tmp_path: Path) -> None:
    paths = [tmp_path / f"register-{number}" for number in range(20)]
    for path, digests in _outcomes(paths, [verified(), verified(1)]).items():
        ((_, _, noted, _),) = rows(path)
        assert sorted(digests, key=lambda each: each is None) == [noted, None]


def test_two_processes_with_one_answer_both_go_on(tmp_path: Path) -> None:
    path = tmp_path / "register"
    assert _outcomes([path] * 5, [verified()] * 2) == {path: [verified().digest] * 10}


def test_a_process_that_waits_for_another(tmp_path: Path) -> None:
    path = tmp_path / "register"
    register = PseudonymRegister(path)
    register.admit(request(), other_child(), UNIQUE, MOMENT)
    holding = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holding.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, lambda: holding.execute("ROLLBACK"))
    timer.start()
    register.admit(request(), verified(), UNIQUE, MOMENT)
    timer.join()
    holding.close()
    assert len(rows(path)) == 2


# ---- with the record, in one call


def kept(receipt: ReceiptState | None = None) -> CompositeAnswered:
    """An answer by a policy that demands receipts in a state."""
    presentation = answered(request())
    ledger = Publications(purpose=request().purpose, receipt=receipt)
    record = composite_record(request(), presentation, ledger=ledger)
    return CompositeAnswered(recheck_composite(record, log_verifier=LOG).verified, record, MOMENT)


def test_a_record_is_kept_of_whom_the_register_admits(tmp_path: Path) -> None:
    register, path = PseudonymRegister(tmp_path / "register"), tmp_path / "record.json"
    first, second = kept(), kept()
    first.keep(path, unique=UNIQUE, register=register)
    written = path.read_bytes()
    first.keep(path, unique=UNIQUE, register=register)  # as after a crash between the two steps
    assert path.read_bytes() == written
    with pytest.raises(AlreadySeenError):
        second.keep(tmp_path / "second.json", unique=UNIQUE, register=register)
    assert not (tmp_path / "second.json").exists()


class Crash(BaseException):
    """What nobody catches."""


class Crashing(PseudonymRegister):
    """A register whose process ends before an admission, or right after it."""

    def __init__(self, path: Path, *, noted: bool) -> None:
        super().__init__(path)
        self._noted = noted

    def admit(self, *given: Any) -> None:
        if self._noted:
            super().admit(*given)
        raise Crash


@pytest.mark.parametrize("noted", [False, True])
def test_whoever_has_used_up_the_one_time_leaves_a_record_whenever_it_crashes(
    noted: bool, tmp_path: Path
) -> None:
    path, answer = tmp_path / "record.json", kept()
    with pytest.raises(Crash):
        answer.keep(path, unique=UNIQUE, register=Crashing(tmp_path / "register", noted=noted))
    pending = CompositeRecord.load(tmp_path / "record.json.pending")
    assert pending.to_bytes() == answer.record.to_bytes()
    assert not path.exists()
    checked = recheck_composite(pending, log_verifier=LOG)
    again = CompositeAnswered(checked.verified, pending, checked.verify_time)
    again.keep(path, unique=UNIQUE, register=PseudonymRegister(tmp_path / "register"))
    assert path.read_bytes() == answer.record.to_bytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["record.json", "register"]
    assert [each[2] for each in rows(tmp_path / "register")] == [answer.verified.digest]


def test_no_record_is_replaced_and_nothing_is_noted_for_one_that_cannot_be_kept(tmp_path: Path) -> None:
    register, path = PseudonymRegister(tmp_path / "register"), tmp_path / "record.json"
    answer = kept()
    path.write_bytes(b"another")
    for taken in (path, tmp_path / "free.json.pending"):
        taken.write_bytes(b"another")
        with pytest.raises(FileExistsError) as caught:
            answer.keep(taken.with_suffix("") if taken != path else path, unique=UNIQUE, register=register)
        assert caught.value.filename == str(taken)
        assert taken.read_bytes() == b"another"
    with pytest.raises(FileExistsError):
        answer.keep(path)
    with pytest.raises(FileExistsError):
        answer.record.save(path)
    assert not (tmp_path / "register").exists()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["free.json.pending", "record.json"]


def test_nothing_is_left_of_an_answer_that_came_before(tmp_path: Path) -> None:
    register = PseudonymRegister(tmp_path / "register")
    register.admit(request(), other_parent(), UNIQUE, MOMENT)
    with pytest.raises(AlreadySeenError):
        kept().keep(tmp_path / "record.json", unique=UNIQUE, register=register)
    assert [each.name for each in tmp_path.iterdir()] == ["register"]


def test_unique_is_never_passed_over_in_silence(tmp_path: Path) -> None:
    with pytest.raises(RegisterError):
        kept().keep(tmp_path / "record.json", unique=UNIQUE)
    assert not (tmp_path / "record.json").exists()
    kept().keep(tmp_path / "record.json")
