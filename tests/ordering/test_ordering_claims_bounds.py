"""How much a service claims and for whom: rates, a day's budget, a list that is read again. No engine."""

import datetime as dt
import errno
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from disclosure import VerifierName
from disclosure.credential import CIVIL_TIME
from ordering.transactions import Claim
from tests.disclosure.composite.world import SCHOOL, SCHOOL_2
from zk.claims.listed import AGAIN_SECONDS, Listed, News, _stamp
from zk.claims.rates import Budget, DayAheadError, Rates
from zk.claims.reasons import ClaimReason, ClaimRefusedError
from zk.commands.consortium_claims import Telling
from zk.exits import CommandError
from zk.home import Home as ZkHome
from zk.run import Run

EVENING = dt.datetime(2026, 9, 1, 23, 30, tzinfo=CIVIL_TIME).timestamp()
DAY = 86_400.0
UNREAD = """
import os, sys
from pathlib import Path
from zk.claims.reasons import ClaimReason, ClaimRefusedError
from zk.commands.consortium_claims import Telling
from zk.home import Home
from zk.run import Run

reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, 1), os.dup2(writer, 2)
for each in (1, 0, ValueError("x")):
    telling = Telling(Run(as_json=sys.argv[1] == "1", lang="en", home=Home(Path(sys.argv[2]))))
    telling.listed(each)
    telling.refused(ClaimRefusedError(ClaimReason.CLAIM_STALE, verifier="a"))
(Path(sys.argv[2]) / "end").touch()
"""


def refusal(work: Callable[[], object]) -> ClaimReason:
    with pytest.raises(ClaimRefusedError) as caught:
        work()
    return caught.value.reason


def claim(number: int, reference: int = 1) -> Claim:
    return Claim("enrolment-2026", bytes([number]) * 32, bytes([reference]) * 32)


# ---- rates


def test_one_verifiers_haste_is_not_anothers() -> None:
    moment = [0.0]
    rates = Rates(2, under_way=1, clock=lambda: moment[0])

    def once(verifier: VerifierName) -> None:
        with rates.one(verifier):
            pass

    once(SCHOOL)
    with rates.one(SCHOOL):
        pass
    assert refusal(lambda: once(SCHOOL)) is ClaimReason.CLAIM_TOO_MANY
    with rates.one(SCHOOL_2):
        assert refusal(lambda: once(SCHOOL_2)) is ClaimReason.CLAIM_TOO_MANY  # one is under way
    moment[0] = 30.0
    once(SCHOOL)
    assert refusal(lambda: once(SCHOOL)) is ClaimReason.CLAIM_TOO_MANY


# ---- a day's budget


class Clock:
    def __init__(self) -> None:
        self.now = EVENING

    def __call__(self) -> float:
        return self.now


def test_a_verifier_has_a_days_budget_of_different_claims(tmp_path: Path) -> None:
    clock = Clock()
    budget = Budget(2, tmp_path / "day", clock)
    for _ in range(5):  # tried again until a node answers: it stands once
        budget.take(SCHOOL, claim(1))
    budget.take(SCHOOL, claim(1, reference=2))
    for _ in range(2):
        assert refusal(lambda: budget.take(SCHOOL, claim(2))) is ClaimReason.CLAIM_TOO_MANY
    budget.take(SCHOOL, claim(1))
    budget.take(SCHOOL_2, claim(2))  # of its own
    clock.now += 1_800  # midnight in the cities
    budget.take(SCHOOL, claim(2))
    budget.take(SCHOOL, claim(1))
    assert refusal(lambda: budget.take(SCHOOL, claim(3))) is ClaimReason.CLAIM_TOO_MANY
    clock.now -= DAY  # a clock that goes back gives nobody another day
    assert refusal(lambda: budget.take(SCHOOL, claim(4))) is ClaimReason.CLAIM_TOO_MANY


def test_another_process_goes_on_counting_and_learns_no_more(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "day"
    Budget(2, file, clock).take(SCHOOL, claim(1))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == f'{{"claims": {{"{SCHOOL}": 1}}, "day": "2026-09-01"}}'
    later = Budget(2, file, clock)
    later.take(SCHOOL, claim(2))
    assert refusal(lambda: later.take(SCHOOL, claim(3))) is ClaimReason.CLAIM_TOO_MANY
    clock.now += DAY
    Budget(2, file, clock).take(SCHOOL, claim(3))


def test_a_clock_that_was_ahead_once_gives_no_more_and_stops_nobody_for_ever(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "day"
    budget = Budget(1, file, clock)
    clock.now += 3_650 * DAY
    budget.take(SCHOOL, claim(1))
    clock.now = EVENING
    with pytest.raises(DayAheadError) as caught:
        Budget(1, file, clock)
    assert (caught.value.day, caught.value.today) == (dt.date(2036, 8, 29), dt.date(2026, 9, 1))
    assert refusal(lambda: budget.take(SCHOOL, claim(2))) is ClaimReason.CLAIM_TOO_MANY
    budget.take(SCHOOL_2, claim(2))
    Budget(1, file, clock)  # what was written is of now
    clock.now += 1_800
    budget.take(SCHOOL, claim(2))
    clock.now -= DAY  # no more than a day ahead
    assert refusal(lambda: Budget(1, file, clock).take(SCHOOL, claim(3))) is ClaimReason.CLAIM_TOO_MANY


def test_what_cannot_be_counted_is_not_claimed(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    budget = Budget(1, folder / "day", Clock())
    folder.rmdir()
    assert refusal(lambda: budget.take(SCHOOL, claim(1))) is ClaimReason.CLAIM_NOT_NOW
    folder.mkdir()
    budget.take(SCHOOL, claim(2))  # nothing was counted


@pytest.mark.parametrize(
    "octets",
    [
        b"", b"[]", b"{}", b"\xff", b'{"day": "2026-09-01", "claims": 1}', b'{"day": 1, "claims": {}}',
        b'{"day": "2026-09-01", "claims": {"a": -1}}', b'{"day": "2026-09-01", "claims": {"a": true}}',
        b'{"day": "yesterday", "claims": {}}',
    ],
)  # fmt: skip
def test_what_is_no_count_of_a_day_is_not_gone_on_with(octets: bytes, tmp_path: Path) -> None:
    (tmp_path / "day").write_bytes(octets)
    with pytest.raises((ValueError, TypeError)):
        Budget(1, tmp_path / "day", Clock())


# ---- the list


def looked(listed: Listed, times: int = 2) -> None:
    for _ in range(times):
        listed.look()


def test_a_changed_list_counts_once_nobody_writes_it_any_more(tmp_path: Path) -> None:
    file, told = tmp_path / "list", list[News]()
    file.write_text(f"{SCHOOL}\n")
    listed = Listed(file, told.append)
    looked(listed, 5)
    assert (SCHOOL in listed, SCHOOL_2 in listed, len(listed), told) == (True, False, 1, [])
    file.write_text(f"{SCHOOL_2}\n")
    listed.look()
    assert SCHOOL in listed  # it may be half of one
    file.write_text(f"{SCHOOL_2}\nverifiers/another\n")
    listed.look()
    assert SCHOOL in listed
    listed.look()
    assert (SCHOOL in listed, SCHOOL_2 in listed, VerifierName("another") in listed) == (False, True, True)
    looked(listed, 5)
    assert told == [2]


@pytest.mark.parametrize("broken", [b"school-a\n", b"\xff\xfe", b"verifiers/school", b"# a\nverifiers/x"])
def test_a_broken_list_is_kept_out_and_told_again_and_again(broken: bytes, tmp_path: Path) -> None:
    """One without an end, too: it may have been cut inside a name."""
    file, told, moment = tmp_path / "list", list[News](), [0.0]
    file.write_text(f"{SCHOOL}\n")
    listed = Listed(file, told.append, lambda: moment[0])
    file.write_bytes(broken)
    looked(listed, 5)
    (error,) = told
    assert isinstance(error, Exception)
    with pytest.raises(type(error)):
        Listed(file)  # no service begins with it
    assert (SCHOOL in listed, len(listed)) == (True, 1)
    moment[0] = AGAIN_SECONDS
    looked(listed, 5)
    assert told == [error, error]
    file.write_text(f"{SCHOOL}\n{SCHOOL_2}\n")
    looked(listed)
    moment[0] *= 3
    looked(listed)
    assert (SCHOOL_2 in listed, told[2:]) == (True, [2])


@pytest.mark.parametrize("nobody", [b"", b"# nobody\n", None])
def test_a_list_of_nobody_or_none_takes_everybody_off_it(nobody: bytes | None, tmp_path: Path) -> None:
    file, told, moment = tmp_path / "list", list[News](), [0.0]
    file.write_text(f"{SCHOOL}\n")
    listed = Listed(file, told.append, lambda: moment[0])
    if nobody is None:
        file.unlink()
    else:
        file.write_bytes(nobody)
    listed.look()
    assert SCHOOL in listed  # it may be about to be written
    looked(listed, 5)
    assert (SCHOOL in listed, len(listed), told) == (False, 0, [0])
    with pytest.raises(CommandError):
        Listed(file)
    moment[0] = AGAIN_SECONDS
    looked(listed, 5)
    assert told == [0, 0]
    file.write_text(f"{SCHOOL}\n")
    looked(listed)
    assert (SCHOOL in listed, told[2:]) == (True, [1])


def test_a_list_that_the_system_does_not_give_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the one before counts meanwhile: strangers could use up the files that a process may open."""
    file, told, moment = tmp_path / "list", list[News](), [0.0]
    file.write_text(f"{SCHOOL}\n")
    listed = Listed(file, told.append, lambda: moment[0])
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", mock.Mock(side_effect=OSError(errno.EMFILE, "Too many open files")))
        os.truncate(file, 0)
        looked(listed, 5)
        assert (SCHOOL in listed, len(told)) == (True, 1)
        moment[0] = AGAIN_SECONDS
        looked(listed)
        assert [getattr(each, "reason", None) for each in told] == ["FILE_UNREADABLE"] * 2
    listed.look()  # nothing about the file has changed since
    assert (SCHOOL in listed, told[2:]) == (False, [0])


def test_other_rights_of_a_list_are_a_change_of_it(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_text(f"{SCHOOL}\n")
    before = _stamp(file)
    file.chmod(0o600 if file.stat().st_mode & 0o077 else 0o644)
    assert _stamp(file) != before


def test_a_list_counts_whether_or_not_anybody_can_be_told(tmp_path: Path) -> None:
    file, tell = tmp_path / "list", mock.Mock(side_effect=BrokenPipeError)
    file.write_text(f"{SCHOOL}\n")
    listed = Listed(file, tell)
    file.write_text(f"{SCHOOL_2}\n")
    looked(listed)
    assert (SCHOOL in listed, SCHOOL_2 in listed, tell.call_count) == (False, True, 1)


# ---- what is told


def test_what_was_not_claimed_is_told_once_a_minute_and_of_strangers_never(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    moment = [0.0]
    tell = Telling(Run(as_json=True, lang="en", home=ZkHome(tmp_path)), lambda: moment[0]).refused
    stale, hasty = ClaimReason.CLAIM_STALE, ClaimReason.CLAIM_TOO_MANY
    for verifier, reason in (("", stale), ("a", hasty), ("a", hasty), ("a", stale), ("b", hasty)):
        tell(ClaimRefusedError(reason, verifier=verifier))
    moment[0] = 60.0
    tell(ClaimRefusedError(hasty, verifier="a"))
    told = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert [(each["verifier"], each["reason"]) for each in told] == [
        ("a", hasty), ("a", stale), ("b", hasty), ("a", hasty)
    ]  # fmt: skip


@pytest.mark.parametrize("as_json", [True, False])
def test_a_service_goes_on_when_nobody_reads_what_it_tells(as_json: bool, tmp_path: Path) -> None:
    """A pipe whose reader is gone, on both streams, in a process of its own: a console would end it."""
    done = subprocess.run(
        [sys.executable, "-c", UNREAD, str(int(as_json)), str(tmp_path)],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (tmp_path / "end").exists(), done
