"""The composite form by commands, over a real server: issue, prove, enrol once, escrow, open, revoke."""

import json
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.city import FATHER, MOTHER, REGULATOR, City, Person
from tests.cli.running import EXAMPLES, Done, Home, environment, refused, start
from verifier import CompositeRecord
from wire.composite import composite_presentation_to
from wire.convert import signed_request_to
from zk.exits import Exit
from zk.local_server import running_server

SECONDS = 60
POLICIES = EXAMPLES / "policies"
LOAN = ("social_insurance@2", "income_tax@1", "real_estate@2", "housing_fund@2")
Fresh = Callable[[], Path]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    return lambda: tmp_path_factory.mktemp("party") / "zk"


@pytest.fixture(scope="module")
def city(fresh: Fresh) -> Iterator[City]:
    folder = fresh().parent
    with running_server(folder / "data", folder / "server.log") as server:
        yield City.at(server, folder / "city")


@pytest.fixture(scope="module")
def regulator(city: City, fresh: Fresh) -> Home:
    home = Home(fresh(), city.home.server).trusting()
    made = home.json("regulator", "create", REGULATOR)
    assert stat.S_IMODE(Path(made["key_file"]).stat().st_mode) == 0o600
    names = ["--name-zh", "金融监管局", "--name-en", "Financial Regulator"]
    home.json("regulator", "register", REGULATOR, *names, env=home.admin)
    return home


@pytest.fixture(scope="module")
def mother(city: City, fresh: Fresh) -> Home:
    """A vault with everything that the loan and the enrolment by household ask for."""
    return city.holder(fresh(), MOTHER, "child_registration@1", "household@2", *LOAN)


@pytest.fixture(scope="module")
def father(city: City, mother: Home, fresh: Fresh) -> Home:
    """The other parent's vault: the same child, and what the other way to enrol asks for."""
    items = ("child_registration@1", "residence_permit@2", "social_insurance@2")
    return city.holder(fresh(), FATHER, *items)


@pytest.fixture(scope="module")
def school(city: City, fresh: Fresh) -> Home:
    return city.verifier(fresh(), "school-1")


@pytest.fixture(scope="module")
def bank(city: City, regulator: Home, fresh: Fresh) -> Home:
    return city.verifier(fresh(), "bank-1")


def answered(asker: Home, policy: str, holder: Home, *more: object) -> tuple[Done, Done]:
    """Ask in a process, answer, and return how both ended: holder, verifier."""
    process = start("verifier", "ask", POLICIES / f"{policy}.yaml", "--json", "--home", asker.path)
    assert process.stdout is not None
    link = json.loads(process.stdout.readline())["link"]
    said = holder.zk("vault", "present", link, "--yes", "--json", *more)
    if said.code != 0:
        process.kill()
    out, err = process.communicate(timeout=SECONDS)
    return said, Done(process.returncode, out, err)


@pytest.fixture(scope="module")
def loan(bank: Home, mother: Home) -> dict[str, Any]:
    """What the bank has verified of the first parent."""
    untrusted, _ = answered(bank, "loan", mother)
    assert "does not trust" in refused(untrusted, Exit.REFUSED, "NOTHING_FITS").err
    mother.json("vault", "trust-regulator", REGULATOR, "--yes")
    said, done = answered(bank, "loan", mother)
    assert said.code == 0, said
    assert done.code == 0, done
    assert said.json["escrowed"]["insurance"] == ["id_commit"]
    return done.json


# departments


def test_lists_of_codes_are_published_whole_or_in_part(city: City) -> None:
    whole = city.home.json("issuer", "codes", "residence_permit", "district")
    assert (len(whole["codes"]), whole["code_system"]) == (12, "GB/T 2260")
    part = city.home.json(
        "issuer", "codes", "residence_permit", "district", "--code", "370103", "--code", "370102"
    )
    assert part["codes"] == ["370102", "370103"]
    assert part["owner"] == "departments/public-security"
    assert part["table"] != whole["table"]
    said = city.home.zk("issuer", "digits", "--department", "tax", "--lang", "zh").out
    assert "已记入账本" in said


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ([], "IDENTIFICATION_UNCLEAR"),
        (["--person", "7", "--requires", "id_card@2", "name=x"], "IDENTIFICATION_UNCLEAR"),
        (["--requires", "id_card@2", "name"], "VALUE_UNREADABLE"),
        (["--requires", "id_card@2", "birth=yesterday"], "VALUE_INVALID"),
        (["--requires", "id_card@2", "shoes=7"], "ATTRIBUTE_UNKNOWN"),
    ],
)
def test_whose_a_credential_will_be_is_said_in_one_way(city: City, more: list[str], reason: str) -> None:
    values = [part for each in ("annual_income=1", "arrears=0", "year=2025") for part in ("-v", each)]
    commitment = ["-v", f"id_commit={MOTHER.commitment}"]
    done = city.home.zk("issuer", "issue", "income_tax", *values, *commitment, *more, "--json")
    refused(done, Exit.USAGE, reason)


def test_a_secret_is_made_kept_and_never_printed(city: City, mother: Home) -> None:
    path = Path(city.secrets["child_registration@1"].removeprefix("@"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = path.read_text().strip()
    registration = next(
        each for each in mother.json("vault", "list")["credentials"] if "child" in each["schema"]
    )
    for lang in ("zh", "en"):
        shown = mother.zk("vault", "show", registration["id"], "--lang", lang)
        assert shown.code == 0
        assert secret not in shown.out
    values = mother.json("vault", "show", registration["id"])["values"]
    assert values["child_secret"] is None
    assert values["birth"] == "2020-02-29"
    offered = city.home.zk(
        "issuer", "issue", "child_registration", "-v", "birth=2021-01-01", "-v", "district=370102",
        "-v", f"id_commit={MOTHER.commitment}", *MOTHER.identified,
    )  # fmt: skip
    (made,) = [each for each in path.parent.iterdir() if each not in {path} and "child" in each.name]
    assert str(made) in offered.out.replace("\n", "")
    assert made.read_text().strip() not in offered.out


def test_an_offer_is_for_whom_it_was_made_for(city: City, father: Home) -> None:
    """The first parent's offer, claimed by the second's vault: it shows another number than is expected."""
    link = city.offer("income_tax@1", MOTHER)["link"]
    refused(father.zk("vault", "claim", link, "--yes", "--json"), Exit.REFUSED, "REQUIRED_MISMATCH")


# enrolment


def test_a_child_enrols_once_whichever_parent_comes(school: Home, mother: Home, father: Home) -> None:
    assert school.json("verifier", "check-policy", POLICIES / "enrolment.yaml")["form"] == "composite"
    said, done = answered(school, "enrolment", mother)
    assert (said.code, done.code) == (0, 0), (said, done)
    first = done.json
    assert (first["branch"], said.json["branch"]) == ("household", "household")
    assert [each["values"] for each in first["credentials"]] == [{}, {}]
    assert all(each["expiry"] is None for each in first["credentials"])
    records = sorted((school.path / "records").iterdir())

    said, done = answered(school, "enrolment", father)
    assert said.code == 0, said
    assert said.json["branch"] == "permit"
    refused(done, Exit.REFUSED, "PSEUDONYM_SEEN")
    assert "first at" in done.err
    assert sorted((school.path / "records").iterdir()) == records


def test_a_branch_is_chosen_or_told_what_it_lacks(school: Home, mother: Home) -> None:
    asked, _ = school.ask("enrolment", "--timeout", "0.3", code=Exit.UNREACHABLE)
    done = mother.zk("vault", "present", asked["link"], "--branch", "permit", "--yes", "--json")
    refused(done, Exit.REFUSED, "NOTHING_FITS")
    assert "Residence permit" in done.err
    assert "Public Security Bureau" in done.err
    done = mother.zk("vault", "present", asked["link"], "--branch", "nothing", "--yes", "--json")
    refused(done, Exit.REFUSED, "CHOICE_INVALID")


def test_consent_is_asked_in_sentences_and_history_tells_them_again(
    school: Home, mother: Home, loan: dict[str, Any]
) -> None:
    asked, _ = school.ask("enrolment", "--timeout", "0.3", code=Exit.UNREACHABLE)
    done = mother.zk("vault", "present", asked["link"], "--json")
    refused(done, Exit.USAGE, "NOBODY_TO_ASK")
    assert "without showing which" in done.err
    used = next(
        each for each in mother.json("vault", "history")["usages"] if each["escrowed"].get("insurance")
    )
    assert used["holds"] is True
    told = mother.zk("vault", "history", used["usage"][:8], "--lang", "zh").out
    assert "金融监管局" in told
    assert "8000.00" in told
    assert "托管 1 项" in told


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("at_most: 6 months ago", "at_most: 6 moons ago"),
        ("insurance.continuous_since, at_most", "insurance.status, at_most"),
        ("social_insurance@2", "social_insurance@7"),
        ("max_epoch_age: 2 days", "max_epoch_age: never"),
        ("unique: [child]", "unique: [mother]"),
    ],
)
def test_a_policy_that_cannot_be_answered_is_refused_with_its_place(
    school: Home, tmp_path: Path, old: str, new: str
) -> None:
    policy = tmp_path / "policy.yaml"
    text = (POLICIES / "enrolment.yaml").read_text("utf-8")
    assert old in text
    policy.write_text(text.replace(old, new), "utf-8")
    for command in ("check-policy", "ask"):
        done = refused(school.zk("verifier", command, policy, "--json"), Exit.USAGE, "POLICY_INVALID")
        assert "[" in done.json["error"]["message"]


# escrow


def test_the_regulator_opens_and_the_ledger_and_the_vault_know(
    loan: dict[str, Any], regulator: Home, mother: Home, father: Home, tmp_path: Path
) -> None:
    assert mother.json("vault", "openings") == {"openings": []}
    register = tmp_path / "register"
    register.write_text(f"{FATHER.commitment}\tthe father\n\n{MOTHER.commitment}\tthe mother\n")
    opened = regulator.json("regulator", "open", loan["record"], "--case", "case 7", "--candidates", register)
    assert opened["candidate"] == {"identifier": MOTHER.commitment, "note": "the mother"}
    entry = regulator.json("ledger", "show", opened["entry_index"])["entry"]
    assert entry["record"] == "escrow-opening"
    assert entry["regulator_key"] == loan["escrows"]["person"]
    (seen,) = mother.json("vault", "openings")["openings"]
    assert (seen["entry_index"], seen["verifier"]) == (opened["entry_index"], "verifiers/bank-1")
    assert "金融监管局" in mother.zk("vault", "openings", "--lang", "zh").out
    assert father.json("vault", "openings") == {"openings": []}
    checked = father.json("regulator", "check", opened["opening"], loan["record"])
    assert (checked["identity"], checked["holds"]) == (opened["identity"], True)
    register.write_text(f"{FATHER.commitment}\n")
    nobody = regulator.zk(
        "regulator", "check", opened["opening"], loan["record"], "--candidates", register, "--lang", "zh"
    )
    assert "不是清单中的任何一个" in nobody.out


def test_an_opening_of_another_presentation_does_not_hold(
    bank: Home, loan: dict[str, Any], regulator: Home, mother: Home
) -> None:
    opening = regulator.json("regulator", "open", loan["record"], "--case", "case 8")["opening"]
    _, done = answered(bank, "loan", mother)
    other = regulator.zk("regulator", "check", opening, done.json["record"], "--json")
    refused(other, Exit.NOT_VERIFIED, "PROOF_INVALID")
    Path(opening).write_text(Path(opening).read_text().replace("case 8", "case 9"))
    changed = regulator.zk("regulator", "check", opening, loan["record"], "--json")
    refused(changed, Exit.NOT_VERIFIED, "PROOF_INVALID")
    Path(opening).write_text("{}")
    none = regulator.zk("regulator", "check", opening, loan["record"], "--json")
    refused(none, Exit.NOT_VERIFIED, "OPENING_INVALID")


def test_nothing_is_shown_that_does_not_stand_on_the_ledger(
    loan: dict[str, Any], regulator: Home, tmp_path: Path
) -> None:
    """Without the service there is no record, so nobody is shown anything and no file is left."""
    output = tmp_path / "opening.json"
    done = regulator.zk(
        "regulator", "open", loan["record"], "--case", "case 7", "--output", output,
        "--server", "localhost:1", "--json",
    )  # fmt: skip
    refused(done, Exit.UNREACHABLE, "UNAVAILABLE")
    assert not output.exists()
    assert "identity" not in done.out


def test_who_has_no_record_brings_the_messages_and_the_receipt(
    loan: dict[str, Any], regulator: Home, tmp_path: Path
) -> None:
    record = CompositeRecord.load(Path(loan["record"]))
    message = composite_presentation_to(record.presentation, record.directory.schema)
    (tmp_path / "request").write_bytes(signed_request_to(record.signed_request).SerializeToString())
    (tmp_path / "presentation").write_bytes(message.SerializeToString())
    (tmp_path / "receipt").write_bytes(record.receipt)
    names = ("request", "presentation", "receipt")
    files = [part for name in names for part in (f"--{name}", tmp_path / name)]
    opened = regulator.json("regulator", "open", "--case", "case 7", *files)
    by_record = regulator.json("regulator", "check", opened["opening"], loan["record"])
    assert by_record["identity"] == opened["identity"]
    unclear = regulator.zk("regulator", "open", loan["record"], "--case", "c", *files, "--json")
    refused(unclear, Exit.USAGE, "EVIDENCE_UNCLEAR")
    (tmp_path / "request").write_bytes(b"\xff\xff")
    done = regulator.zk("regulator", "open", "--case", "c", *files, "--json")
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
    missing = other.zk("regulator", "open", loan["record"], "--case", "c", "--json")
    refused(missing, Exit.USAGE, "REGULATOR_UNCLEAR")
    other.json("regulator", "create", "curious")
    done = other.zk("regulator", "open", loan["record"], "--case", "c", "--json")
    refused(done, Exit.REFUSED, "REGULATOR_UNKNOWN")
    refused(other.zk("regulator", "create", "curious", "--json"), Exit.USAGE, "KEY_EXISTS")
    names = ["--name-zh", "甲", "--name-en", "A"]
    taken = regulator.zk("regulator", "register", "curious", *names, "--json", env=regulator.admin)
    refused(taken, Exit.USAGE, "KEY_FILE_INVALID")
    listed = other.json("regulator", "list")["regulators"]
    assert [each["regulator"] for each in listed] == [f"regulators/{REGULATOR}"]


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


# revocation


def test_a_credential_is_revoked_by_its_offer_and_the_vault_learns_it(
    city: City, school: Home, fresh: Fresh
) -> None:
    person = Person("某某", "370102198001010000")
    holder = city.holder(fresh(), person, "child_registration@1")
    offered = city.offer("household@2", person)
    unclaimed = ["issuer", "revoke", "--offer", offered["offer"], "--department", "public-security"]
    refused(city.home.zk(*unclaimed, "--json"), Exit.REFUSED, "OFFER_UNCLAIMED")
    claimed = holder.json("vault", "claim", offered["link"], "--yes")
    assert claimed["revoked"] is None
    assert all(each["revoked"] is None for each in holder.json("vault", "update")["credentials"])

    process = start("vault", "follow", "--json", "--home", holder.path)
    assert process.stdout is not None
    for _ in range(3):
        assert json.loads(process.stdout.readline())["revoked"] is None
    done = city.home.json(*unclaimed)
    assert city.home.json(*unclaimed) == done
    while (line := json.loads(process.stdout.readline()))["revoked"] is None:
        assert line["event"] == "followed"
    assert line["id"] == claimed["id"]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["event"] == "ended"

    asked, _ = school.ask("enrolment", "--timeout", "0.3", code=Exit.UNREACHABLE)
    told = holder.zk("vault", "present", asked["link"], "--branch", "household", "--yes", "--json")
    assert "has been revoked" in refused(told, Exit.REFUSED, "NOTHING_FITS").err
    assert "REVOKED" in holder.zk("vault", "list").out
    assert "已吊销" in holder.zk("vault", "update", "--lang", "zh").out
    unknown = city.home.zk("issuer", "revoke", "--offer", "offers/none", "--department", "tax", "--json")
    refused(unknown, Exit.REFUSED, "NOT_FOUND")
