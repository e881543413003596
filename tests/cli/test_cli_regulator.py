"""Escrow by commands, over a real server: what a regulator opens, who sees that, and what does not hold."""

import json
import re
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tlog
from disclosure import LocalizedText
from disclosure.composite import Regulator
from disclosure.names import RegulatorName
from prover.vault import Vault
from tests.cli.city import FATHER, MOTHER, POLICIES, REGULATOR, SECONDS, City, Officers, answered
from tests.cli.conftest import Fresh
from tests.cli.running import EXAMPLES, PASSPHRASE, Home, environment, refused, zk
from tests.disclosure.composite.officers import new_officers, shared_by
from verifier import CompositeRecord
from wire.composite import composite_presentation_to
from wire.convert import signed_request_to
from zk.exits import Exit


@pytest.fixture
def officers(regulator: Home, second_officer: Home) -> Officers:
    return Officers(regulator, second_officer)


def test_two_officers_open_and_the_ledger_and_the_vault_know(
    loan: dict[str, Any], officers: Officers, regulator: Home, mother: Home, father: Home, tmp_path: Path
) -> None:
    before = mother.json("vault", "openings")
    assert before["openings"] == []
    register = tmp_path / "register"
    register.write_text(f"{FATHER.commitment}\tthe father\n\n{MOTHER.commitment}\tthe mother\n")
    opened = officers.open(loan["record"], "case 7", "--candidates", register)
    assert opened["candidate"] == {"identifier": MOTHER.commitment, "note": "the mother"}
    assert opened["officers"] == 2
    entry = regulator.json("ledger", "show", opened["entry_index"])["entry"]
    assert (entry["record"], entry["officers"]) == ("escrow-opening", 2)
    assert entry["regulator_key"] == loan["escrows"]["person"]
    after = mother.json("vault", "openings")
    assert after["tree_size"] > before["tree_size"]
    assert [each["officers"] for each in after["openings"]] == [1, 1, 2]
    seen = after["openings"][-1]
    assert (seen["entry_index"], seen["verifier"]) == (opened["entry_index"], "verifiers/bank-1")
    said = {lang: mother.zk("vault", "openings", "--lang", lang).out for lang in ("zh", "en")}
    assert "金融监管局" in said["zh"]
    assert ("出示时间" in said["zh"], "You showed it" in said["en"]) == (True, True)
    assert "opened by two officers" in said["en"]
    assert "one of two officers gave a part" in said["en"]
    assert after["last_block"] >= before["last_block"]
    assert ("最后一块记于" in said["zh"], "Its last block is of" in said["en"]) == (True, True)
    assert father.json("vault", "openings")["openings"] == []
    checked = father.json("regulator", "check", opened["opening"], loan["record"])
    assert (checked["identity"], checked["holds"]) == (opened["identity"], True)
    register.write_text(f"{FATHER.commitment}\n")
    nobody = regulator.zk(
        "regulator", "check", opened["opening"], loan["record"], "--candidates", register, "--lang", "zh"
    )
    assert "不是清单中的任何一个" in nobody.out


def test_one_officer_opens_nothing(
    loan: dict[str, Any], regulator: Home, second_officer: Home, officers: Officers
) -> None:
    """Its own part twice, parts of two cases, a part as an opening: each is refused, and nothing is shown."""
    made = {
        (home, case): home.json("regulator", "open", "part", loan["record"], "--case", case)["part"]
        for home in (regulator, second_officer)
        for case in ("one", "two")
    }
    own = made[regulator, "one"]
    for other in (own, made[regulator, "two"], made[second_officer, "two"]):
        done = regulator.zk("regulator", "open", "combine", own, other, loan["record"], "--json")
        refused(done, Exit.NOT_VERIFIED, "PARTS_MISMATCH")
    for command in (("open", "record", own), ("check", own)):
        done = regulator.zk("regulator", *command, loan["record"], "--json")
        refused(done, Exit.NOT_VERIFIED, "PROOF_INVALID")
        assert "identity" not in done.out
    unrecorded = officers.combined(loan["record"], "three")
    done = regulator.zk("regulator", "check", unrecorded, loan["record"], "--json")
    refused(done, Exit.NOT_VERIFIED, "OPENING_UNRECORDED")
    assert "identity" not in done.out
    assert "zk regulator open record" in done.err
    shown = regulator.zk("regulator", "check", unrecorded, loan["record"], "--lang", "zh")
    assert "尚未记入账本" in shown.err


def test_what_combining_says_to_do_next_can_be_done_as_it_stands(
    loan: dict[str, Any], regulator: Home, second_officer: Home
) -> None:
    parts = [
        home.json("regulator", "open", "part", loan["record"], "--case", "next")["part"]
        for home in (regulator, second_officer)
    ]
    said = regulator.zk("regulator", "open", "combine", *parts, loan["record"]).out
    found = re.search(r"zk (regulator open record \S+\.both\.json \S+)\. ", said)
    assert found is not None, said
    opened = regulator.json(*shlex.split(found[1]))
    assert regulator.json("regulator", "check", opened["opening"], loan["record"])["holds"] is True


def test_a_part_that_never_stood_on_the_ledger_is_not_combined(
    loan: dict[str, Any], regulator: Home, second_officer: Home
) -> None:
    parts = [
        Path(home.json("regulator", "open", "part", loan["record"], "--case", "quiet")["part"])
        for home in (regulator, second_officer)
    ]
    mine, other = (json.loads(each.read_text()) for each in parts)
    other["parts"][0]["ledger_proof"] = mine["parts"][0]["ledger_proof"]
    parts[1].write_text(json.dumps(other, ensure_ascii=False, indent=1) + "\n")
    done = regulator.zk("regulator", "open", "combine", *parts, loan["record"], "--json")
    refused(done, Exit.NOT_VERIFIED, "INCLUSION_INVALID")


def test_an_opening_of_another_presentation_does_not_hold(
    bank: Home, loan: dict[str, Any], regulator: Home, officers: Officers, mother: Home
) -> None:
    opening = officers.open(loan["record"], "case 8")["opening"]
    _, done = answered(bank, "loan", mother)
    other = regulator.zk("regulator", "check", opening, done.json["record"], "--json")
    refused(other, Exit.NOT_VERIFIED, "PROOF_INVALID")
    Path(opening).write_text(Path(opening).read_text().replace("case 8", "case 9"))
    changed = regulator.zk("regulator", "check", opening, loan["record"], "--json")
    refused(changed, Exit.NOT_VERIFIED, "PROOF_INVALID")
    Path(opening).write_text("{}")
    none = regulator.zk("regulator", "check", opening, loan["record"], "--json")
    refused(none, Exit.NOT_VERIFIED, "OPENING_INVALID")


def test_nothing_is_shown_and_no_part_leaves_that_does_not_stand_on_the_ledger(
    loan: dict[str, Any], regulator: Home, officers: Officers, tmp_path: Path
) -> None:
    """Without the service there is no record, so nobody is shown anything and no file is left."""
    output = tmp_path / "opening.json"
    both = officers.combined(loan["record"], "case 7")
    nowhere = ("--output", output, "--server", "localhost:1", "--json")
    for command in (
        ("open", "part", loan["record"], "--case", "case 7"),
        ("open", "record", both, loan["record"]),
    ):
        done = regulator.zk("regulator", *command, *nowhere)
        refused(done, Exit.UNREACHABLE, "UNAVAILABLE")
        assert not output.exists()
        assert "identity" not in done.out


def test_bad_candidates_are_refused_before_the_opening_is_recorded(
    loan: dict[str, Any], regulator: Home, officers: Officers, tmp_path: Path
) -> None:
    """An entry is for good: a register that cannot be read must not leave one behind, nor a file."""
    both = officers.combined(loan["record"], "case 10")
    size, output = regulator.json("ledger", "checkpoint")["size"], tmp_path / "opening.json"
    register = tmp_path / "register"
    register.write_text(f"{MOTHER.commitment}\nnot an identifier\n")
    for candidates in (register, tmp_path / "missing"):
        done = regulator.zk(
            "regulator", "open", "record", both, loan["record"], "--output", output,
            "--candidates", candidates, "--json",
        )  # fmt: skip
        assert done.code == Exit.USAGE, done
        assert "identity" not in done.out
        assert not output.exists()
    assert regulator.json("ledger", "checkpoint")["size"] == size


def test_a_record_without_a_sealed_identity_is_told_as_such(
    city: City, mother: Home, regulator: Home, fresh: Fresh
) -> None:
    school = city.verifier(fresh(), "school-sealed")  # of its own, as a child enrols once at a school
    _, done = answered(school, "enrolment", mother)
    command = ("regulator", "open", "part", done.json["record"], "--case", "c")
    assert (
        "holds no sealed identity" in refused(regulator.zk(*command, "--json"), Exit.USAGE, "ESCROW_NONE").err
    )
    assert "没有密封的身份" in regulator.zk(*command, "--lang", "zh").err


def test_a_home_that_begins_with_a_share_is_its_owner_s_alone(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    said = zk("regulator", "share", "new", "finance", "--home", home)
    assert said.code == 0, said
    assert "zk regulator combine-keys finance" in said.out
    for folder in (home.parent, home, home / "regulators"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_who_has_no_record_brings_the_messages_and_the_receipt(
    loan: dict[str, Any], regulator: Home, officers: Officers, tmp_path: Path
) -> None:
    record = CompositeRecord.load(Path(loan["record"]))
    message = composite_presentation_to(record.presentation, record.directory.schema)
    (tmp_path / "request").write_bytes(signed_request_to(record.signed_request).SerializeToString())
    (tmp_path / "presentation").write_bytes(message.SerializeToString())
    (tmp_path / "receipt").write_bytes(record.receipt)
    names = ("request", "presentation", "receipt")
    files = [part for name in names for part in (f"--{name}", tmp_path / name)]
    both = officers.combined(None, "case 11", *files)
    opened = regulator.json("regulator", "open", "record", both, *files)
    by_record = regulator.json("regulator", "check", opened["opening"], loan["record"])
    assert by_record["identity"] == opened["identity"]
    unclear = regulator.zk("regulator", "open", "part", loan["record"], "--case", "c", *files, "--json")
    refused(unclear, Exit.USAGE, "EVIDENCE_UNCLEAR")
    (tmp_path / "request").write_bytes(b"\xff\xff")
    done = regulator.zk("regulator", "open", "part", "--case", "c", *files, "--json")
    refused(done, Exit.USAGE, "EVIDENCE_UNREADABLE")


def test_the_bank_s_program_asks_over_the_generated_stubs(
    bank: Home, mother: Home, loan: dict[str, Any], tmp_path: Path
) -> None:
    server, record = bank.server, tmp_path / "record.json"
    key = bank.path / "verifiers" / "bank-1.pem"
    arguments = [server.address, server.root, server.log_key, key, "bank-1", record]
    process = subprocess.Popen(
        [sys.executable, EXAMPLES / "bank.py", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    assert process.stdout is not None
    presented = mother.json("vault", "present", process.stdout.readline().strip(), "--yes")
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    printed = json.loads(out)
    assert printed["entry_index"] == presented["entry_index"]
    checked = bank.json("verifier", "check", record)
    assert checked["branch"] == printed["branch"] == "salaried"
    assert [each["issuer_key"] for each in checked["credentials"]] == printed["issuer_keys"]
    assert checked["escrows"] == loan["escrows"]


def test_another_regulator_opens_nothing(
    loan: dict[str, Any], regulator: Home, city: City, fresh: Fresh
) -> None:
    other = Home(fresh(), city.home.server).trusting()
    opening = ("regulator", "open", "part", loan["record"], "--case", "c", "--json")
    refused(other.zk(*opening), Exit.USAGE, "REGULATOR_UNCLEAR")
    refused(other.zk(*opening, "--as", "curious"), Exit.USAGE, "KEY_FILE_INVALID")
    public = other.json("regulator", "share", "new", "curious")["public_file"]
    refused(other.zk(*opening), Exit.REFUSED, "REGULATOR_UNKNOWN")
    refused(other.zk("regulator", "share", "new", "curious", "--json"), Exit.USAGE, "KEY_EXISTS")
    alone = other.zk("regulator", "combine-keys", "curious", public, public, "--json")
    refused(alone, Exit.USAGE, "SHARES_INVALID")
    names = ["--name-zh", "甲", "--name-en", "A"]
    taken = regulator.zk("regulator", "register", "curious", *names, "--json", env=regulator.admin)
    refused(taken, Exit.USAGE, "KEY_FILE_INVALID")
    listed = other.json("regulator", "list")["regulators"]
    assert [each["regulator"] for each in listed] == [f"regulators/{REGULATOR}"]


def test_an_officer_acts_for_its_own_regulator_and_under_no_other_name(
    loan: dict[str, Any], regulator: Home
) -> None:
    """Its public share can be registered under another name, beside a share of anybody's."""
    own = next(regulator.path.rglob(f"{REGULATOR}*.share"))
    copied = own.with_name(own.name.replace(REGULATOR, "impostor"))
    shutil.copy2(own, copied)
    try:
        asked = ("regulator", "open", "part", loan["record"], "--case", "one", "--as")
        refused(regulator.zk(*asked, "impostor", "--json"), Exit.REFUSED, "REGULATOR_UNKNOWN")
        assert regulator.json(*asked, REGULATOR)["case"] == "one"
    finally:
        copied.unlink()


def test_whom_to_trust_is_asked_and_taken_back(
    mother: Home, regulator: Home, city: City, fresh: Fresh
) -> None:
    home = Home(fresh(), city.home.server).trusting()
    home.json("vault", "create")
    assert home.json("vault", "trust-regulator") == {"trusted": []}
    asked = home.zk("vault", "trust-regulator", REGULATOR, "--json")
    refused(asked, Exit.USAGE, "NOBODY_TO_ASK")
    unknown = home.zk("vault", "trust-regulator", "nobody", "--yes", "--json")
    refused(unknown, Exit.REFUSED, "NOT_FOUND")
    (trusted,) = home.json("vault", "trust-regulator", REGULATOR, "--yes")["trusted"]
    assert trusted["display_name"] == "Financial Regulator"
    assert home.json("vault", "trust-regulator", REGULATOR, "--remove") == {"trusted": []}
    gone = home.zk("vault", "trust-regulator", REGULATOR, "--remove", "--json")
    refused(gone, Exit.USAGE, "REGULATOR_NOT_FOUND")


def test_another_key_of_a_trusted_regulator_is_refused(regulator: Home, city: City, fresh: Fresh) -> None:
    """The vault trusts an earlier key of the same name, as if the registration had been replaced."""
    home = Home(fresh(), city.home.server).trusting()
    home.json("vault", "create")
    name, old = RegulatorName(REGULATOR), LocalizedText("旧", "old")
    earlier = shared_by(new_officers())
    with Vault.open(home.path / "vault.sqlite3", PASSPHRASE) as vault:
        vault.composite.trust(Regulator(name, old, earlier))
    changed = home.zk("vault", "trust-regulator", REGULATOR, "--yes", "--json")
    refused(changed, Exit.REFUSED, "REGULATOR_KEY_CHANGED")
    (trusted,) = home.json("vault", "trust-regulator")["trusted"]
    assert trusted["digest"] == earlier.digest.hex()
    assert home.json("vault", "trust-regulator", REGULATOR, "--remove") == {"trusted": []}
    assert home.json("vault", "trust-regulator", REGULATOR, "--yes")["trusted"] != [trusted]


def test_openings_are_looked_for_in_the_pinned_log_and_in_no_older_one(mother: Home) -> None:
    seen = mother.path / "checkpoint"
    size = mother.json("vault", "openings")["tree_size"]
    kept = seen.read_bytes()
    assert f"\n{size}\n".encode() in kept
    other = tlog.Signer.generate(kept.decode().splitlines()[0])
    seen.write_bytes(tlog.sign_checkpoint(tlog.Checkpoint(other.name, size + 1, bytes(32)), other))
    refused(mother.zk("vault", "openings", "--json"), Exit.NOT_VERIFIED, "NOTE_UNSIGNED")
    seen.write_bytes(kept)
    assert mother.json("vault", "openings")["tree_size"] >= size


def test_a_record_is_never_overwritten(city_school: Home, tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text("mine")
    done = city_school.zk("verifier", "ask", POLICIES / "enrolment.yaml", "--record", record, "--json")
    refused(done, Exit.USAGE, "RECORD_EXISTS")
    assert record.read_text() == "mine"
