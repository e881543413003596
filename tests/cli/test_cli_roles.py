"""Holders and verifiers over a real server process: vault, consent, history, keys, policies."""

import json
import stat
from pathlib import Path

import pytest

from disclosure import ExchangeLink, OfferLink
from tests.cli.running import EXAMPLES, Home, refused
from zk.exits import Exit

# holders


def test_a_vault_is_made_opened_and_given_another_passphrase(home: Home, tmp_path: Path) -> None:
    refused(home.zk("vault", "list", "--json"), Exit.REFUSED, "VAULT_NOT_FOUND")
    home.json("vault", "create")
    assert stat.S_IMODE((home.path / "vault.sqlite3").stat().st_mode) == 0o600
    refused(home.zk("vault", "create", "--json"), Exit.REFUSED, "VAULT_EXISTS")
    wrong = home.zk("vault", "list", "--json", env={"ZK_PASSPHRASE": "not the right one"})
    assert "not the right one" not in refused(wrong, Exit.REFUSED, "PASSPHRASE_WRONG").err
    home.json("vault", "passphrase", env={"ZK_NEW_PASSPHRASE": "another long passphrase"})
    refused(home.zk("vault", "list", "--json"), Exit.REFUSED, "PASSPHRASE_WRONG")
    file = tmp_path / "passphrase"
    file.write_text("another long passphrase\n")
    assert home.json("vault", "list", "--passphrase-file", file) == {"credentials": []}


def test_nobody_is_asked_for_a_passphrase_where_there_is_nobody(home: Home) -> None:
    env = {"ZK_PASSPHRASE": ""}
    refused(home.zk("vault", "create", "--json", env=env), Exit.USAGE, "PASSPHRASE_MISSING")
    env = {"ZK_PASSPHRASE": "short"}
    refused(home.zk("vault", "create", "--json", env=env), Exit.REFUSED, "PASSPHRASE_TOO_SHORT")
    done = home.zk("vault", "create", "--json", env={"ZK_PASSPHRASE": None})
    refused(done, Exit.USAGE, "PASSPHRASE_MISSING")


def test_credentials_are_claimed_listed_and_shown(holder: Home, issuer: Home) -> None:
    listed = holder.json("vault", "list")["credentials"]
    assert {each["schema"].rpartition("/")[2] for each in listed} == {
        "residence_permit@1",
        "social_insurance@1",
    }
    permit = next(each for each in listed if "residence" in each["schema"])
    shown = holder.json("vault", "show", permit["id"][:8])
    assert shown["values"]["district"] == "370102"
    assert "周晓岚" in holder.zk("vault", "show", permit["id"]).out
    assert "周晓岚" not in holder.zk("vault", "list").out
    refused(holder.zk("vault", "show", "ff" * 16, "--json"), Exit.REFUSED, "CREDENTIAL_NOT_FOUND")


def test_an_offer_is_claimed_once(holder: Home, issuer: Home, home: Home) -> None:
    link = issuer.issue("social_insurance")
    home.json("vault", "create")
    claimed = home.zk("vault", "claim", "-", "--json", stdin=link + "\n")
    assert claimed.code == 0, claimed
    secret = OfferLink.parse(link).claim_code
    done = refused(home.zk("vault", "claim", link, "--json"), Exit.REFUSED, "OFFER_TAKEN")
    assert secret not in done.out + done.err
    forged = str(OfferLink(home.server.address, OfferLink.parse(link).id, "x" * 43))
    refused(home.zk("vault", "claim", forged, "--json"), Exit.REFUSED, "NOT_FOUND")
    refused(home.zk("vault", "claim", "zk://present?x", "--json"), Exit.USAGE, "LINK_INVALID")
    cut = link.partition("&")[0]
    assert "in quotes" in refused(home.zk("vault", "claim", cut, "--json"), Exit.USAGE, "LINK_INVALID").err
    other = home.zk("vault", "present", link, "--json")
    assert "vault claim" in refused(other, Exit.USAGE, "LINK_INVALID").err
    assert secret not in other.out + other.err
    elsewhere = str(OfferLink("evil.example:443", "x", "y"))
    refused(home.zk("vault", "claim", elsewhere, "--json"), Exit.REFUSED, "LINK_ELSEWHERE")


def test_a_request_that_nothing_fits_says_who_issues_it(school: Home, home: Home) -> None:
    home.json("vault", "create")
    asked, _ = school.ask("school", "--timeout", "0.3", code=Exit.UNREACHABLE)
    done = home.zk("vault", "present", asked["link"], "--yes", "--json")
    refused(done, Exit.REFUSED, "NOTHING_FITS")
    assert "Residence permit" in done.err
    assert "Public Security Bureau" in done.err


def test_without_consent_nothing_is_sent(school: Home, holder: Home) -> None:
    asked, _ = school.ask("school", "--timeout", "0.3", code=Exit.UNREACHABLE)
    before = holder.json("vault", "history")["usages"]
    done = holder.zk("vault", "present", asked["link"], "--json")
    refused(done, Exit.USAGE, "NOBODY_TO_ASK")
    assert "Lixia District (370102)" in done.err
    assert "sees what is revealed" in done.err
    assert holder.json("vault", "history")["usages"] == before


def test_a_request_is_answered_once_and_the_history_is_checked(school: Home, holder: Home) -> None:
    asked, ended = school.ask("bank", "--timeout", "0.3", code=Exit.UNREACHABLE)
    assert ended.reason == "TIMED_OUT"
    assert asked["event"] == "asked"
    assert ExchangeLink.parse(asked["link"]).server == school.server.address
    answered = holder.json("vault", "present", asked["link"], "--yes")
    assert answered["shown"] == {"income": ["base"]}
    assert answered["state"] == "answered"
    refused(
        holder.zk("vault", "present", asked["link"], "--yes", "--json"), Exit.REFUSED, "EXCHANGE_ANSWERED"
    )
    used = holder.json("vault", "history")["usages"][-1]
    assert (used["holds"], used["entry_index"]) == (True, answered["entry_index"])
    assert holder.json("vault", "resume") == {"claimed": 0, "answered": 0, "refused": 0, "open": 0}


def test_with_several_that_fit_the_holder_chooses(
    school: Home, holder: Home, issuer: Home, home: Home
) -> None:
    home.json("vault", "create")
    ids = [
        home.json("vault", "claim", issuer.issue("social_insurance", "-v", f"base={each}"))["id"]
        for each in (1, 2)
    ]
    asked, _ = school.ask("bank", "--timeout", "0.3", code=Exit.UNREACHABLE)
    done = home.zk("vault", "present", asked["link"])
    assert all(each[:8] in done.err for each in ids)
    assert home.zk("vault", "present", asked["link"], "--use", ids[0][:8], "--yes").code == 0
    refused(
        home.zk("vault", "present", asked["link"], "--use", "ffff", "--yes", "--json"),
        Exit.REFUSED,
        "EXCHANGE_ANSWERED",
    )


# verifiers


def test_a_verifier_s_key_is_made_once_and_kept(home: Home) -> None:
    names = ["--name-zh", "行", "--name-en", "Bank"]
    refused(home.zk("verifier", "register", "bank-2", *names, "--json"), Exit.USAGE, "ADMIN_TOKEN_MISSING")
    key = home.path / "verifiers" / "bank-2.pem"
    before = key.read_bytes()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    home.json("verifier", "register", "bank-2", *names, env=home.admin)
    assert key.read_bytes() == before
    done = home.zk("verifier", "register", "bank-2", *names, "--json", env=home.admin)
    refused(done, Exit.REFUSED, "ALREADY_EXISTS")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("shown: [base]", "shown: [wealth]", "POLICY_INVALID"),
        ("revocation: waived", "revocation: proven", "POLICY_INVALID"),
        ("social_insurance@1", "social_insurance@7", "NOT_FOUND"),
    ],
)
def test_a_policy_that_cannot_be_asked(school: Home, tmp_path: Path, old: str, new: str, reason: str) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text((EXAMPLES / "policies" / "bank.yaml").read_text("utf-8").replace(old, new), "utf-8")
    done = school.zk("verifier", "ask", policy, "--json")
    refused(done, Exit.REFUSED if reason == "NOT_FOUND" else Exit.USAGE, reason)


def test_who_asks_must_be_said_and_registered(school: Home, home: Home) -> None:
    policy = EXAMPLES / "policies" / "bank.yaml"
    refused(home.zk("verifier", "ask", policy, "--json"), Exit.USAGE, "VERIFIER_UNCLEAR")
    keyless = home.zk("verifier", "ask", policy, "--as", "nobody", "--json")
    assert "zk verifier register nobody" in refused(keyless, Exit.USAGE, "KEY_FILE_INVALID").err
    missing = home.zk("verifier", "ask", "/nowhere.yaml", "--json")
    assert "/nowhere.yaml" in refused(missing, Exit.USAGE, "FILE_UNREADABLE").err
    stranger = home.zk(
        "verifier", "register", "stranger", "--name-zh", "甲", "--name-en", "A", "--json",
        env={"ZK_ADMIN_TOKEN": "wrong"},
    )  # fmt: skip
    refused(stranger, Exit.REFUSED, "TOKEN_INVALID")
    # What a policy demands is read first, and nobody has registered one for the stranger.
    refused(home.zk("verifier", "ask", policy, "--json"), Exit.REFUSED, "POLICY_UNKNOWN")


def test_a_request_that_nobody_answers_expires(school: Home, tmp_path: Path) -> None:
    policy = tmp_path / "short.yaml"
    text = (EXAMPLES / "policies" / "bank.yaml").read_text("utf-8").replace("lifetime: 600", "lifetime: 3")
    policy.write_text(text, "utf-8")
    done = school.zk("verifier", "ask", policy, "--json")
    assert done.code == Exit.UNREACHABLE
    assert json.loads(done.out.splitlines()[1])["error"]["reason"] == "EXPIRED"


def test_a_question_is_shown_with_its_link_and_qr_code(school: Home) -> None:
    done = school.zk("verifier", "ask", EXAMPLES / "policies" / "bank.yaml", "--timeout", "0.2")
    assert done.code == Exit.UNREACHABLE
    assert "█" in done.out
    assert [ExchangeLink.parse(each) for each in done.out.splitlines() if each.startswith("zk://")]
    assert "Checking income for a loan" in done.out
