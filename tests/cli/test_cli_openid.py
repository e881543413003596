"""OpenID by commands: a verifier's edge as a process, a page, a vault that follows what the page shows."""

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.cli.running import EXAMPLES, Home, refused, start
from zk.exits import Exit

SCHOOL = EXAMPLES / "policies" / "school.yaml"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port: int = bound.getsockname()[1]
        return port


@contextmanager
def serving(
    home: Home, *more: object, party: str = "verifier", what: object = SCHOOL
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run an edge until the block ends; gives its address and what it said when it was ready."""
    port = free_port()
    base = f"http://localhost:{port}"
    process = start(
        party, "openid", "serve", what, "--url", base, "--port", port, "--json", "--home", home.path, *more
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate(timeout=60)
        yield base, json.loads(line)
    finally:
        os.kill(process.pid, signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert json.loads(out)["event"] == "stopped", err
    assert process.returncode == Exit.OK


def opened(
    base: str, device: str = "same", secret: str = "", policy: str = "school-enrolment"
) -> tuple[httpx.Client, str]:
    page = httpx.Client(base_url=base, timeout=60)
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    body = {"policy": policy, "device": device}
    made = page.post("/sessions", json=body, headers=headers)
    assert made.status_code == 201, made.text
    return page, made.json()["uri"]


def at_a_terminal(home: Home, *arguments: object, typed: str) -> tuple[int, str]:
    """Run a command at a terminal where a person types this; return its code and what the person saw."""
    ours, theirs = os.openpty()
    try:
        process = start(*arguments, "--home", home.path, stdin=theirs)
        os.write(ours, typed.encode())
        out, err = process.communicate(timeout=120)
    finally:
        os.close(ours)
        os.close(theirs)
    return process.returncode, " ".join((out + err).split())


def test_an_edge_that_demands_a_quorum_needs_the_policy_of_one(school: Home) -> None:
    said = school.zk(
        "verifier", "openid", "serve", SCHOOL, "--url", "http://localhost:1", "--anchored", "--json"
    )
    refused(said, Exit.USAGE, "POLICY_MISSING")


def test_a_page_asks_and_a_vault_answers(school: Home, holder: Home) -> None:
    before = set(school.path.glob("records/*.json"))
    with serving(school, "--cross", "school-enrolment", "--encrypted") as (base, ready):
        assert ready["client_id"].startswith("x509_hash:")
        kept_in = Path(ready["secret_file"])
        assert kept_in.stat().st_mode & 0o777 == 0o600
        page, uri = opened(base, "cross", kept_in.read_text().strip())
        with closing(page):
            answered = holder.json("vault", "openid", "open", uri, "--dev", "--yes")
            assert answered["state"] == "answered"
            assert page.get("/result").json()["state"] == "accepted"
        page, uri = opened(base)
        with closing(page):
            answered = holder.json("vault", "openid", "open", uri, "--dev", "--yes")
            told = page.get(answered["redirect_uri"]).json()
            assert (told["state"], "credentials" in told) == ("accepted", False)
            again = holder.zk("vault", "openid", "open", uri, "--dev", "--yes", "--json")
            refused(again, Exit.REFUSED, "EDGE_REFUSED")
    kept = set(school.path.glob("records/*.json")) - before
    assert len(kept) == 2
    assert told["record"] in {each.name for each in kept}
    for each in kept:
        assert school.json("verifier", "check", each)["entry_index"] >= 0


def test_named_by_its_host_and_asked_by_nobody(school: Home, holder: Home) -> None:
    with serving(school, "--by-host") as (base, ready):
        assert ready["client_id"] == "x509_san_dns:localhost"
        assert "secret_file" not in ready
        crossed = {"policy": "school-enrolment", "device": "cross"}
        assert httpx.post(f"{base}/sessions", json=crossed, timeout=60).status_code == 401
        page, uri = opened(base)
        with closing(page):
            said = holder.zk("vault", "openid", "open", uri, "--dev", "--json")
            refused(said, Exit.USAGE, "NOBODY_TO_ASK")
            assert page.get("/result").json()["state"] == "pending"
            assert holder.json("vault", "openid", "open", uri, "--dev", "--yes")["state"] == "answered"


def test_what_a_vault_does_not_ask(holder: Home) -> None:
    for uri, code, reason in (
        ("zk://present?x", Exit.USAGE, "OPENID_URI_INVALID"),
        ("openid4vp://?client_id=a&request_uri=http%3A%2F%2Flocalhost%2F", Exit.REFUSED, "ADDRESS_REFUSED"),
        ("openid4vp://?client_id=a&request_uri=https%3A%2F%2Flocalhost%2F", Exit.REFUSED, "ADDRESS_REFUSED"),
        (
            f"openid4vp://?client_id=a&request_uri=https%3A%2F%2Flocalhost%3A{free_port()}%2F",
            Exit.REFUSED,
            "ADDRESS_REFUSED",
        ),
    ):
        refused(holder.zk("vault", "openid", "open", uri, "--json"), code, reason)
    nobody = f"openid4vp://?client_id=a&request_uri=http%3A%2F%2Flocalhost%3A{free_port()}%2F"
    refused(
        holder.zk("vault", "openid", "open", nobody, "--dev", "--json"), Exit.UNREACHABLE, "EDGE_UNREACHABLE"
    )


def test_an_edge_that_cannot_be_who_it_says_does_not_start(school: Home, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_text("no certificate")
    for more in (
        ["--key-certificate", other],
        ["--url", "ftp://school.example"],
        ["--cross", "another-policy"],
    ):
        done = school.zk(
            "verifier", "openid", "serve", SCHOOL, "--port", 0, "--json",
            *(more if "--url" in more else ["--url", "https://school.example", *more]),
        )  # fmt: skip
        assert done.code == Exit.USAGE, done


def test_a_department_offers_and_a_vault_claims(issuer: Home, home: Home) -> None:
    home.json("vault", "create")
    department = ("--department", "public-security")
    with serving(issuer, *department, party="issuer", what="residence_permit@1") as (base, ready):
        assert Path(ready["secret_file"]).stat().st_mode & 0o777 == 0o600
        edge = ("--url", base, "--dev", *department)
        link = issuer.issue("residence_permit")
        made = issuer.json(
            "issuer", "openid", "offer", "residence_permit@1", "--link", link, "--tx-code", *edge
        )
        claim = ("vault", "openid", "claim", made["uri_by_reference"], "--dev")
        refused(home.zk(*claim, "--json"), Exit.USAGE, "TX_CODE_MISSING")
        refused(home.zk(*claim, "--tx-code", "x", "--json"), Exit.REFUSED, "EDGE_REFUSED")
        phished, said = at_a_terminal(home, *claim, typed="no\n")
        assert phished == Exit.DECLINED
        assert f"The code goes to {base.removeprefix('http://')}, for the credential" in said
        assert "residence_permit@1" in said
        assert "another way" not in said
        given, _ = at_a_terminal(home, *claim, "--tx-code", made["tx_code"], typed="\n")
        assert given == Exit.DECLINED
        claimed = home.json(*claim, "--tx-code", made["tx_code"])
        assert claimed["schema"] == "departments/public-security/schemas/residence_permit@1"

        deferred = issuer.json("issuer", "openid", "offer", "residence_permit@1", *edge)
        claiming = start(
            "vault", "openid", "claim", deferred["uri"], "--dev", "--wait", 60, "--json", "--home", home.path
        )
        issued = issuer.issue("residence_permit")
        issuer.json("issuer", "openid", "issued", deferred["offer"], "--link", issued, *edge)
        out, err = claiming.communicate(timeout=120)
        assert claiming.returncode == 0, err
        second = json.loads(out)
        assert second["schema"] == claimed["schema"]
    assert second["id"] in [each["id"] for each in home.json("vault", "list")["credentials"]]
