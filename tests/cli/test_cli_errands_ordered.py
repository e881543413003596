"""A counter that takes nothing before it is in the order of all cities: a real server, a real engine."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.city import SECONDS, City
from tests.cli.running import Home, start
from tests.cli.test_cli_errands import BUNDLE, COUNTERS, DECLARED, ERRANDS, declaring, serving, started
from tests.cli.test_cli_ordered import Town, one_city
from tests.ordering.engines import needs_engine, until
from zk.local_server import running_server

pytestmark = [needs_engine, pytest.mark.timeout(600)]
HRSS, MEDICAL = COUNTERS


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with running_server(tmp_path / "data", tmp_path / "server.log") as server:
        cities = one_city(tmp_path / "c", server)
        try:
            cities.start()
            (member,) = cities.members
            city = City(Home(tmp_path / "office", server).trusting())
            yield Town(city, member, tmp_path, f"http://127.0.0.1:{member.ports.rpc}")
        finally:
            cities.stop()


def opened(town: Town) -> tuple[dict[str, Home], Home]:
    """The counters' homes, each with its policy, and a company."""
    office = town.city.home
    office.json("issuer", "register", "market-regulation", env=office.admin)
    office.json("issuer", "schema", "business_licence@1")
    office.json("issuer", "key", "--department", "market-regulation")
    homes = {name: Home(town.folder / name, office.server).trusting() for name in COUNTERS}
    for name, home in homes.items():
        names = ("--name-zh", "窗口", "--name-en", f"The {name}")
        home.json("verifier", "register", name, *names, env=home.admin)
        policy = ERRANDS / "policies" / f"{COUNTERS[name]}.yaml"
        home.json("verifier", "policy", "register", policy, env=home.admin)
    office.json("errands", "register", ERRANDS / "company-insurance.yaml", env=office.admin)
    company = Home(town.folder / "company", office.server).trusting()
    company.json("vault", "create")
    company.json("vault", "claim", office.issue("business_licence"))
    return homes, company


def test_a_part_stays_submitted_until_it_is_ordered(town: Town) -> None:
    homes, company = opened(town)
    counter = homes[HRSS]
    arguments = (
        "verifier", "errands", "serve", BUNDLE, "--policy", ERRANDS / "policies" / f"{COUNTERS[HRSS]}.yaml",
        "--ordered", "--count", 1,
    )  # fmt: skip
    assert counter.zk(*arguments, "--json").reason == "CONSORTIUM_UNKNOWN"  # and asks nobody
    counter.json("consortium", "header", town.folder / "header", "--node", town.node, "--height", 1)
    counter.json("consortium", "trust", town.folder / "header", "--node", town.node)
    told = town.folder / "told"
    with told.open("w", encoding="utf-8") as errors, serving(homes[MEDICAL], COUNTERS[MEDICAL]):
        process: subprocess.Popen[str] = start(*arguments, "--home", counter.path, "--json", stderr=errors)
        try:
            sent = started(company, *declaring(*DECLARED))
            assert sent.code == 0, sent
            until(lambda: "RECEIPT_NOT_ORDERED" in told.read_text("utf-8"))
            shown = company.json("vault", "errands", "show", sent.json["errand"])
            states = {each["part"]: each["state"] for each in shown["parts"]}
            assert "submitted" in states.values(), states
            assert process.poll() is None
            assert not list(counter.path.rglob("*.order"))
            town.submit()
            out, _ = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
            process.communicate()
    assert process.returncode == 0, out
    events = [each.get("event") for each in map(json.loads, out.splitlines())]
    assert "received" in events
    (beside,) = counter.path.rglob("*.order")
    record = beside.with_name(beside.name.removesuffix(".order"))
    assert counter.json("verifier", "check", record, "--ordered")["receipt"] == "ordered"
