"""The process that holds the key: restarts, crashes, its files, and folders that are not its own."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from disclosure.keyed import KeyedSecret, ask_for_keyed
from tests.disclosure.keyed.world import INSURANCE, VALUES
from tests.zkservice.keyed.office import Person, Running, check, command, fresh, refusal, running
from wire.client import Endpoint, ServiceError
from wire.keyed import CheckService
from zkservice.keys import Keys


@pytest.fixture(scope="module", params=["P-256", "SM2"])
def curve(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def office(curve: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("check") / "data", "--curve", curve) as started:
        yield started


@pytest.fixture(scope="module")
def person(office: Running) -> Person:
    return Person.of(office)


def test_a_restart_keeps_key_tokens_and_answers_and_forgets_terms(curve: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running(folder, "--curve", curve) as first:
        person = Person.of(first)
        asked = fresh(person.keys)
        presented = person.answers(asked)
        assert check(first, asked, presented)
        terms = first.service.begin(INSURANCE, first.staff_token)
        secret = KeyedSecret.generate(person.keys.curve)
        commitment, _ = ask_for_keyed(terms, secret, INSURANCE, person.keys)
        token, digest = first.counter_token, first.digest
    with running(folder, "--curve", curve) as second:
        assert second.digest == digest
        assert second.keys.record == person.keys.record
        other = fresh(person.keys)
        assert check(second, other, person.answers(other), token)
        assert check(second, asked, presented)
        assert refusal(lambda: check(second, asked, person.answers(asked))) == "EXCHANGE_ANSWERED"
        values = list(VALUES.items())

        def issue() -> Any:
            return second.service.issue(terms, commitment, values, INSURANCE, second.staff_token)

        assert refusal(issue) == "COMMITMENT_INVALID"


def test_a_crash_loses_no_answer_and_no_key(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with running(folder, ends=-signal.SIGKILL) as first:
        person = Person.of(first)
        asked = fresh(person.keys)
        assert check(first, asked, person.answers(asked))

        os.kill(first.pid, signal.SIGKILL)
    with (folder / "answered.journal").open("ab") as file:
        file.write(b"half a record")
    with running(folder) as second:
        assert second.keys.record == person.keys.record
        assert refusal(lambda: check(second, asked, person.answers(asked))) == "EXCHANGE_ANSWERED"
        other = fresh(person.keys)
        assert check(second, other, person.answers(other))
    with running(folder) as third:
        assert refusal(lambda: check(third, other, person.answers(other))) == "EXCHANGE_ANSWERED"


def test_the_key_is_in_one_sealed_file_and_nowhere_else(office: Running, person: Person, curve: str) -> None:
    asked = fresh(person.keys)
    assert check(office, asked, person.answers(asked))
    sealed = (office.folder / "check.key").read_bytes()
    octets = Keys.load(office.folder / "keys").open(f"check-service/hrss/{curve}", sealed)
    secret_halves = [octets[:32], octets[32:]]
    for path in ("check.key", "keys/master.key", "admin.token"):
        assert (office.folder / path).stat().st_mode & 0o777 == 0o600
    told = Path(f"/proc/{office.pid}/environ").read_bytes() + Path(f"/proc/{office.pid}/cmdline").read_bytes()
    told += office.folder.with_suffix(".log").read_bytes()
    told += b"".join(each.read_bytes() for each in office.folder.rglob("*") if each.is_file())
    for secret in secret_halves:
        for form in (secret, secret.hex().encode(), str(int.from_bytes(secret)).encode()):
            assert form not in told
    limits = Path(f"/proc/{office.pid}/limits").read_text()
    (core,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert core.split()[4:6] == ["0", "0"]
    # Nor does a log line hold a value, a token or a name.
    log = office.folder.with_suffix(".log").read_text()
    assert "CheckKeyedPresentation" in log
    for word in (office.counter_token, office.staff_token, "counter-3", "insurance"):
        assert word not in log


def test_one_process_holds_a_folder_and_it_stays_one_department_on_one_curve(
    office: Running, curve: str
) -> None:
    def start(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            command(office.folder, *arguments), capture_output=True, timeout=60, check=False, text=True
        )
        return done.returncode, done.stderr

    code, told = start("--curve", curve)
    assert (code, "another server is running" in told) == (9, True)


@pytest.mark.parametrize("spoilt", ["department", "curve", "octet", "mode", "master", "key"])
def test_a_folder_that_is_not_its_own_is_refused(tmp_path: Path, spoilt: str) -> None:
    folder = tmp_path / "data"
    with running(folder):
        pass
    key = folder / "check.key"
    if spoilt == "octet":
        key.write_bytes(key.read_bytes()[:-1] + bytes([key.read_bytes()[-1] ^ 1]))
    elif spoilt == "mode":
        key.chmod(0o640)
    elif spoilt == "key":
        key.rename(folder / "elsewhere")
    elif spoilt == "master":
        (folder / "keys" / "master.key").unlink()
    more = {"department": ["--department", "police"], "curve": ["--curve", "SM2"]}.get(spoilt, [])
    done = subprocess.run(command(folder, *more), capture_output=True, timeout=60, check=False, text=True)
    assert done.returncode == 9
    assert "Traceback" not in done.stderr
    assert key.exists() == (spoilt != "key"), "no key is made in the place of one that is lost"


def test_only_tls_under_the_right_root(office: Running, tmp_path: Path) -> None:
    with running(tmp_path / "other") as other:
        wrong = Endpoint.at(office.address, other.folder / "ca.pem")
        with CheckService(wrong) as service, pytest.raises(ServiceError, match="UNAVAILABLE"):
            service.keys(office.digest)
