"""The demo of the pages as its printed steps say it, in processes of their own."""

import base64
import datetime as dt
import json
import os
import signal
import ssl
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from disclosure import AccountLink, OfferLink
from tests.cli.running import EXAMPLES, start
from tests.web_edge.standing import TYPE, framed, some_pages
from tlog import Evidence, Policy, verify_receipt
from tlog.policy import open_by_policy
from web_edge.pages import Pages
from zk.demo.command import Terminals
from zk.demo.consortium.cities import REGULATOR
from zk.demo.web import PASSPHRASE
from zk.demo.web_city import CHEAT, CITIES
from zk.demo.web_errand import LINK
from zk.exits import CommandError, Exit
from zk.local_server import LocalServer
from zkproto.v1 import ledger_pb2

SECONDS = 200


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_steps_can_be_followed(tmp_path: Path) -> None:
    pages, output = tmp_path / "pages", tmp_path / "out"
    assert isinstance(some_pages(pages), Pages)
    told = start(
        "web", "demo", "--pages", pages, "--port", "0", "--output", output, "--examples", EXAMPLES, "--json"
    )  # fmt: skip
    try:
        assert told.stdout is not None
        ready = json.loads(told.stdout.readline())
        assert ready["event"] == "ready"
        assert [OfferLink.parse(each).server for each in ready["offers"]] == [ready["service"]] * 2
        assert AccountLink.parse(ready["account"]).server == ready["service"]
        trusted = ssl.create_default_context(cafile=str(output / "server/ca.pem"))
        address = ready["address"].rstrip("/")
        headers = {"origin": address}
        with httpx.Client(base_url=address, verify=trusted, headers=headers, timeout=60) as http:
            signed = http.post("/counter/session", json={"code": ready["counter_code"]})
            assert signed.status_code == 204
            _is_watched(http)
            (purpose,) = http.get("/counter/purposes").json()["purposes"]
            asked = http.post("/counter/asks", json={"purpose": purpose["id"]}).json()
            presenting = start(
                "vault", "present", asked["link"], "--yes", "--json", "--home", ready["citizen"],
                env={"ZK_PASSPHRASE": PASSPHRASE},
            )  # fmt: skip
            out, err = presenting.communicate(timeout=SECONDS)
            assert presenting.returncode == 0, err
            states = [
                json.loads(line[6:])
                for line in http.get(f"/counter/asks/{asked['ask']}").text.splitlines()
                if line.startswith("data: ")
            ]
            assert states[-1]["state"] == "answered"
            record = http.get(f"/counter/asks/{asked['ask']}/record").json()
            _is_anchored(http, record["receipt"])
            assert json.loads(out)["entry_index"] >= 0
            _is_told_of_at_the_centre(http, ready["centre_code"])
            _has_a_board(http, ready)
        _has_an_inbox(ready)
        _fills_the_schools_form(ready)
    finally:
        told.send_signal(signal.SIGINT)
        _, err = told.communicate(timeout=SECONDS)
    assert told.returncode == 0, err


def _has_an_inbox(ready: dict[str, Any]) -> None:
    """Bind the citizen's vault as a browser's would be, and deliver by the very command that is printed."""

    def told(*arguments: str, home: str) -> Any:
        process = start(*arguments, "--json", "--home", home, env={"ZK_PASSPHRASE": PASSPHRASE})
        out, err = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, err
        return json.loads(out)

    told("vault", "register", ready["account"], "--person", ready["number"], home=ready["citizen"])
    home, program, *deliver = ready["deliver"]
    assert (home.partition("=")[0], program) == ("ZK_HOME", ".venv/bin/zk")
    told(*deliver, home=home.partition("=")[2])
    assert len(told("vault", "inbox", home=ready["citizen"])["offers"]) == 1


def _has_a_board(http: httpx.Client, ready: dict[str, Any]) -> None:
    """Begin the errand by the very command that is printed, with the board's link, and settle both parts."""
    end = time.monotonic() + SECONDS
    while (begun := http.get("/counter/parts/begin")).status_code != httpx.codes.OK:
        assert time.monotonic() < end, begun.text
        time.sleep(0.5)
    home, program, *command = ready["begin"]
    assert (home.partition("=")[0], program) == ("ZK_HOME", ".venv/bin/zk")
    said = [begun.json()["link"] if each == LINK else each for each in command]
    env = {"ZK_PASSPHRASE": PASSPHRASE}
    beginning = start(*said, "--json", "--home", home.partition("=")[2], env=env)
    _, err = beginning.communicate(timeout=SECONDS)
    assert beginning.returncode == 0, err
    while True:
        rows = http.get("/counter/parts").json()["rows"]
        if {each["state"] for each in rows} == {"received"} and len(rows) > 1:
            break
        assert time.monotonic() < end, rows
        time.sleep(0.5)
    assert {each["part"] for each in rows} == {"social-insurance", "medical-insurance"}
    for each in rows:
        path = f"/counter/parts/{each['name']}"
        assert "91370102MA3EXAMPL1" in "".join(http.get(path).json()["en"])
        act = {"act": str(uuid.uuid4()), "seen": "received", "state": "done", "document": "370102-1"}
        assert http.post(path, json=act).json()["row"]["state"] == "done"


def _is_watched(http: httpx.Client) -> None:
    """The window is told the policy with all witnesses, and what one city did, with its evidence."""
    policy = _policy(http)
    assert [each.name for each in policy.witnesses] == [*CITIES, REGULATOR]
    told = http.get("/watched/alarms").json()
    assert told["watched"]
    (alarm,) = told["alarms"]
    evidence = http.get(f"/watched/alarms/{alarm['evidence']}").content
    finding = Evidence.parse(evidence).verify()
    assert [each.name for each in finding.accused] == [f"{CHEAT}.example/log"]
    assert policy.logs[0].verifier not in finding.accused


def _is_anchored(http: httpx.Client, receipt: str) -> None:
    """The newest anchored checkpoint, which comes to hold the receipt's entry, counts by that policy."""
    policy = _policy(http)
    (line,) = policy.logs
    entry = verify_receipt(base64.b64decode(receipt), line.verifier, accept_pending=True).index
    end = time.monotonic() + SECONDS
    while True:
        answer = http.post(
            "/rpc/zkproto.v1.LedgerService/GetCheckpoint",
            content=framed(b""),
            headers={"content-type": TYPE},
        )
        message = answer.content[5 : 5 + int.from_bytes(answer.content[1:5])]
        note = ledger_pb2.GetCheckpointResponse.FromString(message).anchored
        if note and open_by_policy(note, policy)[0].size > entry:
            return
        assert time.monotonic() < end, "it was not anchored"
        time.sleep(0.5)


def _is_told_of_at_the_centre(http: httpx.Client, code: str) -> None:
    """Whoever is signed in sees the departments, and that the school has asked and was answered."""
    assert http.post("/centre/session", json={"code": code}).status_code == 204
    departments = http.get("/centre/books/departments").json()["rows"]
    assert {each["name"].removeprefix("departments/") for each in departments} == {
        "public-security", "hrss", "market-regulation",
    }  # fmt: skip
    now = dt.datetime.now(dt.UTC)
    asked = {
        "first": str((now - dt.timedelta(days=2)).date()),
        "last": str((now + dt.timedelta(days=2)).date()),
    }
    told = http.get("/centre/books/statistics", params={**asked, "by": "verifier"}).json()["rows"]
    counts = {each["kind"]: each["count"] for each in told if each["of"] == "verifiers/school-3"}
    assert counts["answered"] >= 1


def _policy(http: httpx.Client) -> Policy:
    return Policy.parse(http.get("/watched/policy").content)


def _fills_the_schools_form(ready: dict[str, str]) -> None:
    site = ready["site"]
    with httpx.Client(base_url=site, headers={"origin": site}, timeout=60) as http:
        answer = http.post("/enrolment", json={})
        cookie = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
        asked = answer.json()
        presenting = start(
            "vault", "present", asked["link"], "--yes", "--json", "--home", ready["citizen"],
            "--pairing-code", asked["code"], env={"ZK_PASSPHRASE": PASSPHRASE},
        )  # fmt: skip
        _, err = presenting.communicate(timeout=SECONDS)
        assert presenting.returncode == 0, err
        told = http.get("/enrolment?known=waiting", headers=cookie).json()
        assert told["state"] == "proven"
        assert {each["name"] for each in told["proven"]} == {
            "residence.district",
            "insurance.continuous_since",
        }
        form = {"child": "小明", "phone": "0531", "attempt": told["attempt"]}
        assert http.post("/enrolment/form", json=form, headers=cookie).json()["state"] == "submitted"


def test_a_person_types_one_command_after_the_other_and_is_told_of_one_that_fails(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Terminals(LocalServer("localhost:1", tmp_path, 0), "a passphrase of ten") as people:
        people.run(home, "vault", "create")
        with pytest.raises(CommandError) as told:
            people.run(home, "vault", "create")
        assert told.value.reason == "NOT_STARTED"
        assert people.run(home, "vault", "list")["credentials"] == []


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    pages, output = tmp_path / "pages", tmp_path / "out"
    some_pages(pages)
    output.mkdir()
    (output / "mine").write_text("mine")
    told = start("web", "demo", "--pages", pages, "--output", output, "--json")
    out, _ = told.communicate(timeout=SECONDS)
    assert (told.returncode, json.loads(out)["error"]["reason"]) == (Exit.USAGE, "FOLDER_IN_USE")
    assert sorted(os.listdir(output)) == ["mine"]


def test_without_built_pages_nothing_is_started(tmp_path: Path) -> None:
    told = start("web", "demo", "--pages", tmp_path, "--output", tmp_path / "out", "--json")
    out, _ = told.communicate(timeout=SECONDS)
    assert (told.returncode, json.loads(out)["error"]["reason"]) == (Exit.NOT_STARTED, "PAGES_MISSING")
    assert not (tmp_path / "out").exists()
