"""A holder's history by commands: declining, standing consents, and a new phone that has only the words."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.city import POLICIES
from tests.cli.running import Done, Home, refused, start
from zk.exits import Exit

UNTIL = f"{dt.date.today() + dt.timedelta(days=60)}"
OTHER_PHONE = {"ZK_PASSPHRASE": "another long passphrase"}


@pytest.fixture
def person(new_home: Callable[[], Home], issuer: Home) -> Home:
    """A holder of this test alone, with both credentials."""
    home = new_home()
    home.json("vault", "create")
    for item in ("residence_permit", "social_insurance"):
        home.json("vault", "claim", issuer.issue(item))
    return home


def asked(school: Home, person: Home, act: str, *more: object) -> tuple[Done, Done]:
    """Ask by the school's policy; have the person act on the link; return how both ended."""
    policy = POLICIES / "school.yaml"
    process = start("verifier", "ask", policy, "--json", "--timeout", "30", "--home", school.path)
    assert process.stdout is not None
    link = json.loads(process.stdout.readline())["link"]
    said = person.zk("vault", act, link, "--json", *more)
    out, err = process.communicate(timeout=60)
    return said, Done(process.returncode, out, err)


def test_the_words_are_shown_and_shown_again(home: Home) -> None:
    made = home.zk("vault", "create")
    words = home.json("vault", "recovery")["words"].split()
    assert len(words) == 24
    assert all(each in made.out for each in words)
    chinese = home.json("vault", "recovery", "--lang", "zh")["words"].split()
    assert len(chinese) == 24
    assert all(len(each) == 1 for each in chinese)
    wrong = home.zk("vault", "recovery", "--json", env={"ZK_PASSPHRASE": "not the right one"})
    refused(wrong, Exit.REFUSED, "PASSPHRASE_WRONG")


def test_a_no_reaches_the_verifier_and_stays_in_the_history(school: Home, person: Home) -> None:
    said, told = asked(school, person, "decline")
    assert said.json["state"] == "recorded"
    assert (told.code, "HOLDER_DECLINED" in told.err) == (Exit.REFUSED, True)
    (event,) = person.json("vault", "history")["others"]
    assert (event["kind"], event["party"], event["holds"]) == ("declined", "verifiers/school-7", True)
    assert "declined" in person.zk("vault", "history").out


def test_a_lost_phones_history_comes_back_from_the_ledger(
    school: Home, person: Home, new_home: Callable[[], Home], tmp_path: Path
) -> None:
    said, _ = asked(school, person, "present", "--yes")
    assert said.code == 0, said
    asked(school, person, "decline")
    words = person.json("vault", "recovery")["words"]
    phone = new_home()
    refused(phone.zk("vault", "recover", "--json", stdin="no words at all\n"), Exit.REFUSED, "WORDS_INVALID")
    file = tmp_path / "words"
    file.write_text(words + "\n")
    counts = phone.json("vault", "recover", "--words-file", file, env=OTHER_PHONE)
    assert (counts["uses"], counts["events"], counts["copies"]) == (1, 1, 0)
    again = phone.json("vault", "recover", env=OTHER_PHONE)
    assert (again["uses"], again["events"]) == (1, 1)
    found = phone.json("vault", "history", env=OTHER_PHONE)["others"]
    assert [(each["kind"], each["state"], each["holds"]) for each in found] == [
        ("use", "found", True),
        ("declined", "found", True),
    ]
    assert found[0]["shown"]
    told = phone.zk("vault", "history", env=OTHER_PHONE).out
    assert f"entry {found[0]['entry_index']}" in told
    # On the old phone, reading the ledger finds nothing that it does not know.
    person.json("vault", "recover")
    assert [each["state"] for each in person.json("vault", "history")["others"]] == ["recorded"]
    assert words not in "".join(map(str, [counts, again, found, told]))


def test_a_standing_consent_from_ask_to_withdrawal(school: Home, person: Home) -> None:
    policy = POLICIES / "bank.yaml"
    ask = ("verifier", "consent", "ask", policy, "--times", 2, "--until", UNTIL, "--no-qr")
    refused(school.zk(*ask, "--every", 27, "--json"), Exit.REFUSED, "OVER_ASKING")
    made = school.json(*ask, "--every", 28)
    identifier = made["consent"].removeprefix("consents/")
    assert school.json("verifier", "consent", "status", identifier)["state"] == "pending"
    done = person.zk("vault", "consents", "answer", made["link"], "--yes")
    assert done.code == 0, done
    assert "2 times, at least 28 days apart" in done.out
    assert school.json("verifier", "consent", "status", identifier) == {
        "consent": made["consent"], "state": "granted", "used": 0,
    }  # fmt: skip
    assert _used(school, person, identifier)["event"] == "answered"
    (listed,) = person.json("vault", "consents", "list")["consents"]
    assert (len(listed["uses"]), listed["state"]) == (1, "granted")
    person.json("vault", "consents", "withdraw", listed["id"][:8])
    refused_use = school.zk("verifier", "consent", "use", identifier, policy, "--json")
    refused(refused_use, Exit.REFUSED, "CONSENT_WITHDRAWN")
    kinds = [each["kind"] for each in person.json("vault", "history")["others"]]
    assert kinds == ["consent-granted", "consent-withdrawn"]
    refused(school.zk("verifier", "consent", "status", "none", "--json"), Exit.USAGE, "CONSENT_NOT_HERE")


def _used(school: Home, person: Home, identifier: str) -> dict[str, Any]:
    """Ask under the consent, and have the vault attend until it has answered."""
    use = ("verifier", "consent", "use", identifier, POLICIES / "bank.yaml", "--json", "--timeout", "40")
    process = start(*use, "--home", school.path)
    for _ in range(60):
        if person.json("vault", "attend", "--once")["attended"]:
            break
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, (out, err)
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    return told


def test_a_consents_link_is_for_no_other_command(school: Home, person: Home) -> None:
    ask = ("verifier", "consent", "ask", POLICIES / "bank.yaml", "--times", 1, "--every", 28)
    made = school.json(*ask, "--until", UNTIL, "--no-qr")
    other = person.zk("vault", "present", made["link"], "--json")
    refused(other, Exit.USAGE, "LINK_INVALID")
