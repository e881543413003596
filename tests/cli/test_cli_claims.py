"""Claims through the city's service, by commands: schools without any key of the city's, real processes."""

import contextlib
import datetime as dt
import json
import shutil
import signal
import stat
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from ordering.city.founding import Founding
from ordering.city.home import City as Who
from ordering.city.home import CityHome
from ordering.home import write_private
from tests.cli.city import MOTHER, POLICIES, SECONDS, City
from tests.cli.running import Done, Home, refused, start, zk
from tests.cli.test_cli_ordered import SCOPE, Town, ended, one_city
from tests.ordering.cities import CHAIN
from tests.ordering.engines import free_range, needs_engine, until
from zk.claims.asking import ClaimsService, RemoteClaims
from zk.exits import CommandError, Exit
from zk.local_server import running_server

pytestmark = [needs_engine, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("k")
    with running_server(folder / "data", folder / "server.log") as server:
        cities = one_city(folder / "c", server)
        try:
            cities.start()
            (member,) = cities.members
            node = f"http://127.0.0.1:{member.ports.rpc}"
            yield Town(City.at(server, folder / "city"), member, folder, node)
        finally:
            cities.stop()


class Gate:
    """Stands before the city's node. Armed, it passes one transaction on, and then nothing until opened."""

    def __init__(self, node: str) -> None:
        self.node, self.armed = node, False
        self.came, self.open = threading.Event(), threading.Event()
        self.open.set()

    def passes(self, body: bytes) -> bytes:
        self.open.wait(SECONDS)
        submits = self.armed and json.loads(body)["method"] == "broadcast_tx_sync"
        json_type = {"content-type": "application/json"}
        answer = httpx.post(self.node, content=body, headers=json_type, timeout=30).content
        if submits:
            self.armed = False
            self.open.clear()
            self.came.set()
            self.open.wait(SECONDS)
        return answer


@contextlib.contextmanager
def gated(node: str) -> Iterator[tuple[Gate, int]]:
    gate = Gate(node)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = gate.passes(self.rfile.read(int(self.headers["content-length"])))
            with contextlib.suppress(OSError):  # who asked may be dead
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield gate, server.server_address[1]
        finally:
            gate.open.set()
            server.shutdown()


@dataclass
class Service:
    """The city's service: its folder with the operator's key, its list, its port, its process."""

    town: Town
    gate: Gate
    data: Path
    listed: Path
    port: int
    process: "subprocess.Popen[str] | None" = None

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def begin(self, *more: object) -> None:
        server = self.town.city.home.server
        self.process = start(
            "consortium", "claims", "serve", "--data", self.data, "--verifiers", self.listed,
            "--port", self.port, "--certificate", server.data / "server.pem", "--private-key",
            server.data / "server.key", "--json", "--home", self.town.city.home.path, *more,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        ready = self.event()
        assert (ready["event"], ready["chain"]) == ("ready", CHAIN), ready

    def event(self) -> dict[str, Any]:
        assert self.process is not None
        assert self.process.stdout is not None
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found

    def event_of(self, kind: str) -> dict[str, Any]:
        """Read what it tells until that is of a kind."""
        while (found := self.event())["event"] != kind:
            pass
        return found

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        process, self.process = self.process, None
        process.send_signal(number)
        process.communicate(timeout=SECONDS)
        return process.returncode


@pytest.fixture(scope="module")
def service(town: Town) -> Iterator[Service]:
    """A folder with what the service needs of the city's, beside the node."""
    data, node = town.folder / "service", town.member.running.node
    shutil.copytree(node.engine / "config", data / "engine" / "config")
    data.chmod(0o700)
    write_private(data / "operator.key", (node.folder / "operator.key").read_bytes())
    with gated(town.node) as (gate, port):
        log = town.city.home.server.log_key.read_text().strip()
        who = Who(town.member.city.name, log, 10, "127.0.0.1:1", f"127.0.0.1:{port}", "city.example:1")
        write_private(data / "city.json", json.dumps(asdict(who)).encode())
        home = CityHome(data)
        home.take_part(Founding.of(CHAIN, dt.datetime.now(dt.UTC), [home.card()]))
        listed = town.folder / "verifiers"
        listed.write_text("# the schools of this city\nverifiers/school-a  # the first\n", "utf-8")
        made = Service(town, gate, data, listed, free_range(1))
        made.begin()
        try:
            yield made
        finally:
            if made.process is not None:
                made.end()


@pytest.fixture(scope="module")
def schools(town: Town, service: Service) -> tuple[Home, Home]:
    """Two schools that share three scopes, and know of the consortium a header and their city's service."""
    homes = [Home(town.folder / name, town.city.home.server).trusting() for name in ("school-a", "school-b")]
    for each in homes:
        each.json(
            "verifier", "register", each.path.name, "--name-zh", "甲", "--name-en", "A",
            env=town.city.home.admin,
        )  # fmt: skip
    homes[0].json("consortium", "header", town.folder / "header", "--node", town.node, "--height", 1)
    for each in homes:
        trusted = each.json(
            "consortium", "trust", town.folder / "header", "--operator", town.member.city.name,
            "--claims", service.url,
        )  # fmt: skip
        assert (trusted["claims"], trusted["node"]) == (service.url, "")
    for year in ("2026", "2027", "2028"):
        scope = town.folder / f"scope-{year}.yaml"
        scope.write_text(SCOPE.replace("enrolment-2026", f"enrolment-{year}"), "utf-8")
        text = (POLICIES / "enrolment.yaml").read_text("utf-8")
        text = text.replace("id: enrolment-2026", f"id: enrolment-{year}", 1)
        text = text.replace("scope: enrolment-2026", f"scope: {{file: {scope.name}}}")
        text = text.replace("unique: [child]", "unique: [child]\nacross: [child]")
        (town.folder / f"policy-{year}.yaml").write_text(text, "utf-8")
        for each in homes:
            each.json("verifier", "sign-scope", scope)
        for each in homes:
            each.json(
                "verifier", "policy", "register", town.folder / f"policy-{year}.yaml",
                env=town.city.home.admin,
            )  # fmt: skip
    return homes[0], homes[1]


@pytest.fixture(scope="module")
def mother(town: Town) -> Home:
    return town.city.holder(town.folder / "mother", MOTHER, "child_registration@1", "household@2")


def asking(school: Home, town: Town, year: int, record: Path) -> "tuple[subprocess.Popen[str], str]":
    process = start(
        "verifier", "ask", town.folder / f"policy-{year}.yaml", "--record", record,
        "--json", "--home", school.path,
    )  # fmt: skip
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["link"]


def last(done: Done) -> Done:
    return Done(done.code, done.out.splitlines()[-1], done.err)


def asked(school: Home, town: Town, year: int, record: Path, mother: Home) -> Done:
    process, link = asking(school, town, year, record)
    mother.json("vault", "present", link, "--yes")
    return last(ended(process))


def kept(school: Home, town: Town, year: int, record: Path) -> Done:
    return school.zk("verifier", "keep", f"{record}.pending", town.folder / f"policy-{year}.yaml", "--json")


@pytest.fixture(scope="module")
def enrolled(town: Town, service: Service, schools: tuple[Home, Home], mother: Home) -> Path:
    """The record of the child that the first school has accepted."""
    record = town.folder / "first.json"
    done = asked(schools[0], town, 2026, record, mother)
    assert done.code == 0, done
    assert record.exists()
    return record


def test_a_school_enrols_through_the_service_and_holds_no_key_of_the_citys(
    service: Service, schools: tuple[Home, Home], enrolled: Path
) -> None:
    school = schools[0]
    secret = (service.data / "operator.key").read_bytes()
    for path in filter(Path.is_file, school.path.rglob("*")):
        octets = path.read_bytes()
        assert secret not in octets
        assert str(service.data).encode() not in octets
    settings = json.loads((school.path / "consortium" / "node.json").read_text())
    assert (settings["operator_key"], settings["node"]) == ("", "")
    assert stat.S_IMODE((school.path / "consortium" / "node.json").stat().st_mode) == 0o600


def test_who_is_not_listed_is_refused_and_its_answer_waits(
    town: Town, service: Service, schools: tuple[Home, Home], mother: Home, enrolled: Path
) -> None:
    """And once it is listed, the child that is enrolled at the other school is found to be."""
    school, record = schools[1], town.folder / "second.json"
    done = asked(school, town, 2026, record, mother)
    refused(done, Exit.REFUSED, "CLAIM_NOT_LISTED")
    assert not record.exists()
    assert record.with_name("second.json.pending").exists()
    assert service.end() == 0
    done = kept(school, town, 2026, record)
    refused(done, Exit.UNREACHABLE, "CLAIMS_UNREACHABLE")
    service.listed.write_text("verifiers/school-a\nverifiers/school-b\n", "utf-8")
    service.begin()
    refused(kept(school, town, 2026, record), Exit.REFUSED, "PSEUDONYM_TAKEN")
    assert not record.with_name("second.json.pending").exists()


def test_a_service_that_is_killed_between_claim_and_answer_costs_nobody_a_place(
    town: Town, service: Service, schools: tuple[Home, Home], mother: Home
) -> None:
    school, record, gate = schools[0], town.folder / "third.json", service.gate
    pending = record.with_name("third.json.pending")

    def used() -> int:
        with town.member.client() as client:
            return client.seen(town.member.city.name).highest

    before, gate.armed = used(), True
    process, link = asking(school, town, 2027, record)
    mother.json("vault", "present", link, "--yes")
    assert gate.came.wait(SECONDS)
    until(lambda: used() > before)  # the claim stands, and nobody was told
    assert service.end(signal.SIGKILL) == -signal.SIGKILL
    refused(last(ended(process)), Exit.UNREACHABLE, "CLAIMS_UNREACHABLE")
    assert (record.exists(), pending.exists()) == (False, True)
    gate.open.set()
    service.listed.write_text("verifiers/school-a\nverifiers/school-b\n", "utf-8")
    service.begin()
    other = town.folder / "fourth.json"
    refused(asked(schools[1], town, 2027, other, mother), Exit.REFUSED, "PSEUDONYM_TAKEN")
    taken = used()
    done = kept(school, town, 2027, record)
    assert done.code == 0, done
    assert (record.exists(), pending.exists(), used()) == (True, False, taken)  # found, and not made again


def test_another_schools_key_gets_nowhere(
    town: Town, service: Service, schools: tuple[Home, Home], enrolled: Path, tmp_path: Path
) -> None:
    """A home with the first school's record, and with the other school's key for it."""
    thief = Home(tmp_path / "thief", town.city.home.server).trusting()
    thief.json(
        "consortium", "trust", town.folder / "header", "--operator", town.member.city.name,
        "--claims", service.url, "--claims-root", town.city.home.server.root,
    )  # fmt: skip
    (thief.path / "verifiers").mkdir(mode=0o700)
    theirs = schools[1].path / "verifiers" / "school-b.pem"
    shutil.copy(theirs, thief.path / "verifiers" / "school-a.pem")
    record = tmp_path / "stolen.json"
    shutil.copy(enrolled, f"{record}.pending")
    refused(kept(thief, town, 2026, record), Exit.REFUSED, "CLAIM_SIGNATURE_INVALID")
    assert not record.exists()


def test_a_service_whose_certificate_another_root_has_signed_is_told_nothing(
    town: Town, service: Service
) -> None:
    root, nothing = town.city.home.server.root.read_bytes(), cast(Any, None)
    for given, code in ((root, Exit.REFUSED), (None, Exit.UNREACHABLE)):  # None: the system's roots
        remote = RemoteClaims(ClaimsService(service.url, "x", given), nothing, [], nothing)
        with pytest.raises(CommandError) as caught:
            remote._asked(b"no request")
        assert caught.value.exit_code is code


def test_what_cannot_be_said_of_whom_claims_are_made_by(
    town: Town, service: Service, schools: tuple[Home, Home], tmp_path: Path
) -> None:
    header, name, key = town.folder / "header", town.member.city.name, service.data / "operator.key"
    home = tmp_path / "home"

    def trusted(*more: object) -> Done:
        return zk("consortium", "trust", header, "--home", home, *more, "--json")

    for more in (
        ("--operator", name),
        ("--claims", service.url),
        ("--operator", name, "--claims", service.url, "--operator-key", key),
        ("--operator", name, "--operator-key", key, "--claims-root", town.city.home.server.root),
    ):
        refused(trusted(*more), Exit.USAGE, "OPERATOR_MISSING")
    for url in ("http://city.example", "city.example:8453", "https://", "http://["):
        refused(trusted("--operator", name, "--claims", url), Exit.USAGE, "ADDRESS_MALFORMED")
    refused(
        trusted("--operator", name, "--claims", service.url, "--claims-root", tmp_path / "none"),
        Exit.USAGE, "FILE_UNREADABLE",
    )  # fmt: skip
    assert not home.exists()
    assert trusted("--operator", name, "--operator-key", key).json["claims"] == ""
    later = trusted("--operator", name, "--claims", service.url)  # in the key's place
    assert (later.json["claims"], later.json["operator"]) == (service.url, name)
    settings = json.loads((home / "consortium" / "node.json").read_text())
    assert settings["operator_key"] == ""
    assert trusted().json["claims"] == service.url  # what was said stays
    settings_old = {each: settings[each] for each in ("node", "operator", "operator_key")}
    (home / "consortium" / "node.json").write_text(json.dumps(settings_old))  # as homes were before
    assert trusted().json["claims"] == ""
    (home / "consortium" / "node.json").write_text(json.dumps({**settings, "more": ""}))
    refused(trusted(), Exit.USAGE, "PROFILE_DAMAGED")


def test_a_service_does_not_start_without_a_list_a_certificate_or_the_citys_folder(
    town: Town, service: Service, tmp_path: Path
) -> None:
    home = town.city.home
    serve = ("consortium", "claims", "serve", "--port", 0, "--json")
    given = ("--data", service.data, "--verifiers", service.listed)
    refused(home.zk(*serve, *given, "--host", "0.0.0.0"), Exit.USAGE, "CERTIFICATE_MISSING")
    (tmp_path / "empty").write_text("# nobody\n")
    done = home.zk(*serve, "--data", service.data, "--verifiers", tmp_path / "empty")
    refused(done, Exit.USAGE, "VERIFIERS_MISSING")
    (tmp_path / "wrong").write_text("school-a\n")
    done = home.zk(*serve, "--data", service.data, "--verifiers", tmp_path / "wrong")
    refused(done, Exit.USAGE, "NAME_INVALID")
    done = home.zk(*serve, "--data", tmp_path / "none", "--verifiers", service.listed)
    refused(done, Exit.USAGE, "CITY_INVALID")
    done = home.zk(*serve, *given)  # while the folder's one runs
    refused(done, Exit.NOT_STARTED, "NOT_STARTED")
    assert "another service that claims runs" in done.json["error"]["message"]
    service.end()
    counted = service.data / "claims.day"
    octets = counted.read_bytes() if counted.exists() else b""
    counted.write_bytes(b"no count")
    refused(home.zk(*serve, *given), Exit.USAGE, "FILE_UNREADABLE")
    counted.write_bytes(b'{"day": "2999-01-01", "claims": {}}')
    refused(home.zk(*serve, *given), Exit.USAGE, "DAY_AHEAD")
    counted.unlink()
    if octets:
        write_private(counted, octets)
    done = home.zk(*serve, *given, "--certificate", tmp_path / "wrong", "--private-key", tmp_path / "wrong")
    refused(done, Exit.NOT_STARTED, "NOT_STARTED")
