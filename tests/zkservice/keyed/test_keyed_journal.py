"""What was answered and how many MACs were made survive a crash; what has ended is forgotten."""

import datetime as dt
import errno
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from disclosure import RefusedError
from tests.zkservice.keyed.office import ROOT
from zkservice.errors import ServiceError
from zkservice.keyed.journal import Answered, Journal, Made

NOW = dt.datetime(2026, 11, 20, 9, 0, tzinfo=dt.UTC)
SOON = NOW + dt.timedelta(minutes=10)


def digests(count: int) -> list[bytes]:
    return [secrets.token_bytes(32) for _ in range(count)]


def test_a_request_has_one_answer_also_after_a_restart(tmp_path: Path) -> None:
    request, first, second = digests(3)
    answered = Answered(tmp_path, NOW)
    for _ in range(2):
        answered.take(request, first, SOON)
    answered.keep(NOW)
    answered.close()
    assert (tmp_path / "answered.journal").stat().st_mode & 0o777 == 0o600
    again = Answered(tmp_path, NOW)
    again.take(request, first, SOON)
    with pytest.raises(ServiceError, match="EXCHANGE_ANSWERED"):
        again.take(request, second, SOON)
    again.close()


def test_what_has_ended_is_forgotten_and_what_has_not_is_kept(tmp_path: Path) -> None:
    old, new, answer, other = digests(4)
    answered = Answered(tmp_path, NOW)
    answered.take(old, answer, NOW + dt.timedelta(seconds=1))
    answered.take(new, answer, SOON)
    answered.keep(NOW)
    answered.close()
    later = Answered(tmp_path, NOW + dt.timedelta(seconds=1))
    assert (tmp_path / "answered.journal").stat().st_size == 72
    with pytest.raises(ServiceError, match="EXCHANGE_ANSWERED"):
        later.take(new, other, SOON)
    later.take(digests(1)[0], other, SOON)
    later.keep(NOW)
    assert (tmp_path / "answered.journal").stat().st_size == 144, "it goes on in the new file"
    later.close()


def test_the_file_does_not_grow_for_ever(tmp_path: Path) -> None:
    answered, size = Answered(tmp_path, NOW), 0
    for minute in range(5):
        now = NOW + dt.timedelta(minutes=minute)
        for each in digests(1500):
            answered.take(each, each, now + dt.timedelta(seconds=30))
        answered.keep(now)
        size = max(size, (tmp_path / "answered.journal").stat().st_size)
    assert size < 72 * 7500
    answered.close()


@pytest.mark.parametrize("cut", [1, 31, 32, 71])
def test_half_a_record_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "x"
    journal = Journal(path, 72)
    journal.append(b"a" * 72, b"b" * 72)
    journal.close()
    os.truncate(path, 72 + cut)
    again = Journal(path, 72)
    assert again.records() == [b"a" * 72]
    again.append(b"c" * 72)
    assert again.records() == [b"a" * 72, b"c" * 72]
    assert len(again) == 2
    again.close()


@pytest.mark.parametrize("fault", ["write", "short", "fsync"])
def test_what_could_not_be_stored_is_not_told_and_not_remembered(
    tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, first, second = digests(3)
    answered, write = Answered(tmp_path, NOW), os.write
    with monkeypatch.context() as patch:

        def fails(*_: object) -> int:
            raise OSError(errno.ENOSPC, "full")

        if fault == "short":
            patch.setattr(os, "write", lambda file, octets: write(file, octets[:10]))
        else:
            patch.setattr(os, fault, fails)
        answered.take(request, first, SOON)
        with pytest.raises(ServiceError, match="STORAGE_UNAVAILABLE"):
            answered.keep(NOW)
    answered.take(request, second, SOON)
    answered.keep(NOW)
    answered.close()
    assert (tmp_path / "answered.journal").read_bytes()[8:] == request + second


def test_a_key_makes_so_many_macs_and_no_more(tmp_path: Path) -> None:
    made = Made(tmp_path, most=3)
    for each in digests(3):
        made.count(each)
    made.close()
    again = Made(tmp_path, most=3)
    for refused in (again.check, lambda: again.count(bytes(32))):
        with pytest.raises(RefusedError, match="ISSUER_KEY_RETIRED"):
            refused()
    again.close()


def test_without_petlib_the_process_says_so(tmp_path: Path) -> None:
    program = (
        "import sys, runpy; sys.modules['petlib'] = None; "
        f"sys.argv = ['x', '--data', {str(tmp_path)!r}, '--department', 'hrss', '--dev']; "
        "runpy.run_module('zkservice.keyed', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (9, "")
    assert done.stderr == (
        "check service: the extra `keyed` (petlib) is not installed; scripts/keyed.sh builds it\n"
    )
    assert not any(tmp_path.iterdir())


def test_a_department_that_is_none_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zkservice.keyed", "--data", str(tmp_path), "--department", "../x", "--dev"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not any(tmp_path.iterdir())
