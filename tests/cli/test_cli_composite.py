"""The composite form by commands, over a real server: publish, issue, prove, enrol once, revoke."""

import json
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

import bbs
from tests.cli.city import MOTHER, POLICIES, SECONDS, City, Person, answered
from tests.cli.conftest import Fresh
from tests.cli.running import Home, refused, start
from zk.exits import Exit

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


def test_no_secret_is_made_for_values_that_are_none(city: City) -> None:
    folder = city.home.path / "secrets" / "public-security"
    before = sorted(folder.iterdir())
    wrong = ["-v", f"id_commit={MOTHER.commitment}", "-v", "birth=2021-13-01", "-v", "district=370102"]
    done = city.home.zk("issuer", "issue", "child_registration", *wrong, *MOTHER.identified, "--json")
    refused(done, Exit.USAGE, "VALUE_INVALID")
    assert sorted(folder.iterdir()) == before


def test_a_person_s_number_may_come_from_standard_input(city: City) -> None:
    values = ["-v", f"id_commit={'ab' * 32}", "-v", "name=某某", "-v", "birth=1990-01-01"]
    done = city.home.zk("issuer", "issue", "id_card@2", *values, "--person", "-", "--json", stdin="3701\n")
    assert done.code == 0, done
    kept = city.home.path / "number"
    kept.write_text("3702\n")
    city.home.json("issuer", "issue", "id_card@2", *values, "--person", f"@{kept}")
    empty = city.home.zk("issuer", "issue", "id_card@2", *values, "--person", "-", "--json", stdin="\n")
    refused(empty, Exit.USAGE, "IDENTIFICATION_UNCLEAR")


def test_an_offer_is_for_whom_it_was_made_for(city: City, father: Home) -> None:
    """The first parent's offer, claimed by the second's vault: it shows another number than is expected."""
    link = city.offer("income_tax@1", MOTHER)["link"]
    refused(father.zk("vault", "claim", link, "--yes", "--json"), Exit.REFUSED, "REQUIRED_MISMATCH")


# enrolment


def test_a_child_enrols_once_whichever_parent_comes(city_school: Home, mother: Home, father: Home) -> None:
    assert city_school.json("verifier", "check-policy", POLICIES / "enrolment.yaml")["form"] == "composite"
    said, done = answered(city_school, "enrolment", mother)
    assert (said.code, done.code) == (0, 0), (said, done)
    first = done.json
    assert (first["branch"], said.json["branch"]) == ("household", "household")
    assert [each["values"] for each in first["credentials"]] == [{}, {}]
    assert all(each["expiry"] is None for each in first["credentials"])
    records = sorted((city_school.path / "records").iterdir())

    said, _ = answered(city_school, "enrolment", father)
    assert "--branch" in refused(said, Exit.USAGE, "BRANCH_UNCLEAR").err
    said, done = answered(city_school, "enrolment", father, "--branch", "permit")
    assert said.code == 0, said
    assert said.json["branch"] == "permit"
    refused(done, Exit.REFUSED, "PSEUDONYM_SEEN")
    assert "it has come before, first" in done.err
    assert sorted((city_school.path / "records").iterdir()) == records


def test_a_branch_is_chosen_or_told_what_it_lacks(city_school: Home, mother: Home) -> None:
    asked, _ = city_school.ask("enrolment", "--timeout", "0.3", code=Exit.UNREACHABLE)
    done = mother.zk("vault", "present", asked["link"], "--branch", "permit", "--yes", "--json")
    refused(done, Exit.REFUSED, "NOTHING_FITS")
    assert "Residence permit" in done.err
    assert "Public Security Bureau" in done.err
    done = mother.zk("vault", "present", asked["link"], "--branch", "nothing", "--yes", "--json")
    refused(done, Exit.REFUSED, "CHOICE_INVALID")


def test_consent_is_asked_in_sentences_and_history_tells_them_again(
    city_school: Home, mother: Home, loan: dict[str, Any]
) -> None:
    asked, _ = city_school.ask("enrolment", "--timeout", "0.3", code=Exit.UNREACHABLE)
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
    shown = mother.json("vault", "history")["claims"]
    assert {"departments/tax", "departments/hrss"} <= {each["department"] for each in shown}
    assert all(each["shown"] == {"base": ["id_commit"]} for each in shown)
    assert MOTHER.commitment in mother.zk("vault", "history", shown[0]["usage"]).out


def test_a_joint_scope_goes_round_until_everyone_has_signed(
    city: City, city_school: Home, mother: Home, fresh: Fresh, tmp_path: Path
) -> None:
    other = city.verifier(fresh(), "school-2")
    scope, policy = tmp_path / "scope.yaml", tmp_path / "policy.yaml"
    scope.write_text(
        "label: enrolment-2026\npurpose: {zh: 入学登记查重, en: One enrolment for each child}\n"
        "members: [verifiers/school-1, verifiers/school-2]\n"
        f"suite: {bbs.SHA_256}\n"
    )
    text = (POLICIES / "enrolment.yaml").read_text("utf-8")
    policy.write_text(text.replace("scope: enrolment-2026", "scope: {file: scope.yaml}"), "utf-8")
    assert city_school.json("verifier", "sign-scope", scope)["unsigned"] == ["verifiers/school-2"]
    waiting = city_school.zk("verifier", "check-policy", policy, "--json")
    assert "school-2 has not signed" in refused(waiting, Exit.USAGE, "POLICY_INVALID").err
    assert other.json("verifier", "sign-scope", scope)["unsigned"] == []
    for each in (city_school, other):
        assert each.json("verifier", "check-policy", policy)["policy"] == "enrolment-2026"
    stranger = city.verifier(fresh(), "shop-1")
    refused(stranger.zk("verifier", "sign-scope", scope, "--json"), Exit.USAGE, "POLICY_INVALID")


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
    city_school: Home, tmp_path: Path, old: str, new: str
) -> None:
    policy = tmp_path / "policy.yaml"
    text = (POLICIES / "enrolment.yaml").read_text("utf-8")
    assert old in text
    policy.write_text(text.replace(old, new), "utf-8")
    for command in ("check-policy", "ask"):
        done = refused(city_school.zk("verifier", command, policy, "--json"), Exit.USAGE, "POLICY_INVALID")
        assert "[" in done.json["error"]["message"]


# revocation


def test_what_is_only_found_revoked_after_consent_is_told_with_where_to_apply(
    city: City, city_school: Home, fresh: Fresh
) -> None:
    person = Person("某某", "370102198001010001")
    holder = city.holder(fresh(), person, "child_registration@1")
    offered = city.offer("household@2", person)
    holder.json("vault", "claim", offered["link"], "--yes")
    city.home.json("issuer", "revoke", "--offer", offered["offer"], "--department", "public-security")
    asked, _ = city_school.ask("enrolment", "--timeout", "0.3", code=Exit.UNREACHABLE)
    told = holder.zk("vault", "present", asked["link"], "--branch", "household", "--yes", "--json")
    err = refused(told, Exit.REFUSED, "NOTHING_FITS").err
    assert err.index("nothing is sent if it was revoked") < err.index("has been revoked by its department")
    assert err.count("has been revoked by its department") == 1
    assert "Apply at" in err


def test_a_credential_is_revoked_by_its_offer_and_the_vault_learns_it(
    city: City, city_school: Home, fresh: Fresh
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
    again = f"{offered['offer']} was revoked already (epoch {done['epoch']})"
    assert again in " ".join(city.home.zk(*unclaimed).out.split())
    while (line := json.loads(process.stdout.readline()))["revoked"] is None:
        assert line["event"] == "followed"
    assert line["id"] == claimed["id"]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["event"] == "ended"

    asked, _ = city_school.ask("enrolment", "--timeout", "0.3", code=Exit.UNREACHABLE)
    told = holder.zk("vault", "present", asked["link"], "--branch", "household", "--yes", "--json")
    assert "has been revoked" in refused(told, Exit.REFUSED, "NOTHING_FITS").err
    assert "REVOKED" in holder.zk("vault", "list").out
    assert "已吊销" in holder.zk("vault", "update", "--lang", "zh").out
    unknown = city.home.zk("issuer", "revoke", "--offer", "offers/none", "--department", "tax", "--json")
    refused(unknown, Exit.REFUSED, "NOT_FOUND")
