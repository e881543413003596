"""The demo of the pages as its printed steps say it, in processes of their own."""

import json
import os
import signal
import ssl
from pathlib import Path

import httpx
import pytest

from tests.cli.running import EXAMPLES, start
from tests.web_edge.standing import some_pages
from web_edge.pages import Pages
from zk.demo.web import PASSPHRASE
from zk.exits import Exit

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
        trusted = ssl.create_default_context(cafile=str(output / "server/ca.pem"))
        address = ready["address"].rstrip("/")
        headers = {"origin": address}
        with httpx.Client(base_url=address, verify=trusted, headers=headers, timeout=60) as http:
            signed = http.post("/counter/session", json={"code": ready["counter_code"]})
            assert signed.status_code == 204
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
            assert record["receipt"]
            assert json.loads(out)["entry_index"] >= 0
        _fills_the_schools_form(ready)
    finally:
        told.send_signal(signal.SIGINT)
        _, err = told.communicate(timeout=SECONDS)
    assert told.returncode == 0, err


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
