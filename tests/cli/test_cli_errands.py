"""A company's errand by commands: two counters at work, one consent, one submission, followed to the end."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.running import EXAMPLES, Done, Home, refused, start
from zk.exits import Exit

BUNDLE = "company-insurance@1"
ERRANDS = EXAMPLES / "errands"
COUNTERS = {"hrss-counter": "open-social-insurance", "medical-counter": "open-medical-insurance"}
DECLARED = ("contact_phone=053188880000", "employees=12", "first_month=2026-12-01")
HOOK = """#!/bin/sh
cat > "$(dirname "$0")/given.$$.json"
echo '{"state": "done", "message": {"zh": "已办理", "en": "Done"}, "document": "370102-1"}'
"""
STUMBLING_HOOK = """#!/bin/sh
cat > /dev/null
if mkdir "$(dirname "$0")/stumbled" 2> /dev/null; then printf '\\377'; exit 0; fi
echo '{"state": "done", "message": {"zh": "已办理", "en": "Done"}, "document": "370102-1"}'
"""
Fresh = Callable[[], Home]


@pytest.fixture(scope="module")
def bureau(new_home: Fresh) -> dict[str, Home]:
    """The market regulator, two counters with their policies, and the bundle."""
    office = new_home()
    office.json("issuer", "register", "market-regulation", env=office.admin)
    office.json("issuer", "schema", "business_licence@1")
    office.json("issuer", "key", "--department", "market-regulation")
    homes = {"office": office}
    for name, policy in COUNTERS.items():
        home = homes[name] = new_home()
        names = ("--name-zh", "窗口", "--name-en", f"The {name}")
        home.json("verifier", "register", name, *names, env=home.admin)
        home.json("verifier", "policy", "register", ERRANDS / "policies" / f"{policy}.yaml", env=home.admin)
    registered = office.json("errands", "register", ERRANDS / "company-insurance.yaml", env=office.admin)
    assert registered["bundle"] == f"errandBundles/{BUNDLE}"
    return homes


@pytest.fixture(scope="module")
def company(bureau: dict[str, Home], new_home: Fresh) -> Home:
    home = new_home()
    home.json("vault", "create")
    home.json("vault", "claim", bureau["office"].issue("business_licence"))
    return home


@contextmanager
def serving(home: Home, policy: str, *more: object) -> Iterator["subprocess.Popen[str]"]:
    arguments = (
        "verifier", "errands", "serve", BUNDLE, "--policy", ERRANDS / "policies" / f"{policy}.yaml",
        "--home", home.path, "--json", *more,
    )  # fmt: skip
    process = start(*arguments)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=30)


@contextmanager
def open_counters(bureau: dict[str, Home], hook: Path) -> Iterator[None]:
    with (
        serving(bureau["hrss-counter"], COUNTERS["hrss-counter"], "--hook", hook),
        serving(bureau["medical-counter"], COUNTERS["medical-counter"], "--hook", hook),
    ):
        yield


@pytest.fixture
def hook(tmp_path: Path) -> Path:
    path = tmp_path / "decide"
    path.write_text(HOOK)
    path.chmod(0o700)
    return path


def declaring(*values: str) -> list[str]:
    return [part for each in values for part in ("--declare", each)]


def started(company: Home, *more: object) -> Done:
    return company.zk("vault", "errands", "start", BUNDLE, "--yes", "--json", "--timeout", "40", *more)


def test_a_company_submits_once_and_next_time_types_nothing(
    bureau: dict[str, Home], company: Home, hook: Path
) -> None:
    with open_counters(bureau, hook):
        done = started(company, *declaring(*DECLARED))
        assert done.code == 0, done
        assert "053188880000" in done.err
        assert "Seen by more than one counter" in done.err
        sent = done.json
        assert [each["state"] for each in sent["uses"]] == ["answered", "answered"]
        followed = company.zk("vault", "errands", "follow", sent["errand"], "--json")
        assert followed.code == 0, followed
        last = json.loads(followed.out.splitlines()[-1])
        assert last["state"] == "done"
        assert [each["told"][-1]["document"] for each in last["parts"]] == ["370102-1"] * 2
        given = [json.loads(each.read_text()) for each in hook.parent.glob("given.*.json")]
        assert {each["declared"]["contact_phone"] for each in given} == {"053188880000"}

        again = started(company)
        assert again.code == 0, again
        assert again.json["errand"] != sent["errand"]
    listed = company.json("vault", "errands", "list")["errands"]
    assert [each["bundle"] for each in listed] == [f"errandBundles/{BUNDLE}"] * 2
    records = list(bureau["hrss-counter"].path.rglob("company-insurance-social-insurance-*.json"))
    checked = bureau["hrss-counter"].json("verifier", "check", records[0])
    assert checked["credentials"][0]["values"]["uscc"] == "91370102MA3EXAMPL1"
    assert "district" not in checked["credentials"][0]["values"]


def test_a_part_that_a_hook_stumbles_over_holds_up_no_other(
    bureau: dict[str, Home], company: Home, hook: Path
) -> None:
    hook.write_text(STUMBLING_HOOK)
    with open_counters(bureau, hook):
        first = started(company, *declaring(*DECLARED))
        assert first.code == 0, first
        until = time.monotonic() + 30
        while not (hook.parent / "stumbled").exists() and time.monotonic() < until:
            time.sleep(0.2)
        assert (hook.parent / "stumbled").exists()
        second = started(company)
        assert second.code == 0, second
        followed = company.zk("vault", "errands", "follow", second.json["errand"], "--json")
        assert json.loads(followed.out.splitlines()[-1])["state"] == "done", followed


def test_without_counters_it_waits_and_is_abandoned(company: Home, bureau: dict[str, Home]) -> None:
    done = company.zk("vault", "errands", "start", BUNDLE, "--yes", "--json", "--timeout", "0")
    refused(done, Exit.REFUSED, "NOT_ASKED")
    errand = company.json("vault", "errands", "list")["errands"][-1]
    assert errand["stage"] == "begun"
    shown = company.json("vault", "errands", "show", errand["errand"])
    assert {each["state"] for each in shown["parts"]} == {"waiting"}
    assert company.json("vault", "errands", "abandon", errand["errand"])["state"] == "recorded"
    assert company.json("vault", "errands", "list")["errands"][-1]["stage"] == "ended"
    assert company.json("vault", "errands", "resume") == {"answered": 0}


def test_what_is_no_bundle_is_refused_with_its_place(bureau: dict[str, Home], tmp_path: Path) -> None:
    text = (ERRANDS / "newborn.yaml").read_text()
    file = tmp_path / "bundle.yaml"
    file.write_text(text.replace("depends_on: [birth]", "depends_on: [insurance]"))
    office: Home = bureau["office"]
    done = office.zk("errands", "register", file, "--json", env=office.admin)
    assert "counters[1].depends_on" in refused(done, Exit.USAGE, "BUNDLE_INVALID").err
    file.write_text(text.replace("type: number", "type: integer"))
    done = office.zk("errands", "register", file, "--json", env=office.admin)
    assert "counters[0].fields[2].type" in refused(done, Exit.USAGE, "BUNDLE_INVALID").err
    unknown: dict[str, Any] = {"env": office.admin}
    done = office.zk("errands", "register", ERRANDS / "newborn.yaml", "--json", **unknown)
    refused(done, Exit.REFUSED, "NOT_FOUND")


def test_a_form_is_written_as_it_has_to_be(company: Home, bureau: dict[str, Home]) -> None:
    for given in ("contact_phone", "contact_phone=1", "x=1"):
        twice = ["--declare", given, "--declare", given]
        done = company.zk("vault", "errands", "start", BUNDLE, "--json", "--timeout", "0", *twice)
        refused(done, Exit.USAGE, "FIELD_UNCLEAR")


def test_the_bundle_is_listed(bureau: dict[str, Home]) -> None:
    listed = bureau["office"].json("errands", "list")["bundles"]
    (found,) = [each for each in listed if each["bundle"] == f"errandBundles/{BUNDLE}"]
    assert [each["part"] for each in found["counters"]] == ["social-insurance", "medical-insurance"]
