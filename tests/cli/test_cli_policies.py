"""Policies and pairing codes by commands: registered from the file that asks, refused beyond it, ended."""

import os
import pty
from pathlib import Path
from typing import Any

from tests.cli.city import POLICIES
from tests.cli.running import EXAMPLES, Home, refused, start
from tests.cli.test_cli_tour import finished, line_of, prompt_of
from verifier import load_policy
from zk import catalogue
from zk.catalogue.purposes import purpose_of
from zk.exits import Exit

SCHOOL = (POLICIES / "school.yaml").read_text("utf-8")


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.yaml"
    path.write_text(text, "utf-8")
    return path


def register(school: Home, path: Path) -> dict[str, Any]:
    return school.json("verifier", "policy", "register", path, env=school.admin)


def test_a_file_is_registered_listed_asked_by_and_ended(school: Home, tmp_path: Path) -> None:
    path = written(tmp_path, SCHOOL.replace("id: school-enrolment", "id: autumn"))
    unknown = school.zk("verifier", "ask", path, "--json")
    assert "zk verifier policy register" in refused(unknown, Exit.REFUSED, "POLICY_UNKNOWN").err
    made = register(school, path)
    name = "verifiers/school-7/policies/autumn@1"
    assert made["policy"] == name
    assert made["items"] == {
        "departments/hrss/schemas/social_insurance": {"shown": ["continuous_since"], "proven": []},
        "departments/public-security/schemas/residence_permit": {"shown": ["district"], "proven": []},
    }
    assert register(school, path) == made
    asked = school.zk("verifier", "ask", path, "--json", "--timeout", "0.2")
    assert asked.code == Exit.UNREACHABLE
    listed = school.json("verifier", "policy", "list")["policies"]
    found = {each["policy"]: each["deprecated"] for each in listed}
    assert found[name] is False
    assert len(found) > 1
    assert school.json("verifier", "policy", "deprecate", name, env=school.admin)["deprecated"] is True
    refused(school.zk("verifier", "ask", path, "--json"), Exit.REFUSED, "POLICY_DEPRECATED")
    told = school.zk("verifier", "policy", "list", "--lang", "zh").out
    assert f"{name}：已终止" in told


def test_a_registered_purpose_is_nobody_s_to_say_otherwise(school: Home, tmp_path: Path) -> None:
    named = SCHOOL.replace("id: school-enrolment", "id: summer")
    for old, new in (("Checking who may enrol", "Just curious"), ("article 12", "article 13")):
        assert old in named
        path = written(tmp_path, named.replace(old, new))
        done = school.zk("verifier", "policy", "register", path, "--json", env=school.admin)
        refused(done, Exit.REFUSED, "PURPOSE_MISMATCH")
    register(school, written(tmp_path, named))


def test_the_examples_and_the_catalogue_say_each_purpose_in_the_same_words() -> None:
    """Whoever has loaded the catalogue can register every example, and one after the other."""
    known = {
        code
        for each in catalogue.builtin().departments.values()
        for it in each.items.values()
        for code in it.purposes
    }
    words = {str(each.name): (each.display_name, each.legal_basis) for each in map(purpose_of, known)}
    files = sorted(EXAMPLES.rglob("policies/*.yaml"))
    assert len(files) > 10
    for policy in map(load_policy, files):
        said = policy.registered.registration
        assert said is not None
        assert words.setdefault(said.purpose, (policy.purpose, said.legal_basis)) == (
            policy.purpose,
            said.legal_basis,
        )


def test_who_asks_more_than_it_registered_is_told_each_thing(school: Home, tmp_path: Path) -> None:
    path = written(tmp_path, SCHOOL.replace("id: school-enrolment", "id: spring"))
    register(school, path)
    wider = SCHOOL.replace("id: school-enrolment", "id: spring").replace("[district]", "[district, name]")
    written(tmp_path, wider.replace("Checking who may enrol", "Just curious"))
    done = refused(school.zk("verifier", "ask", path, "--json"), Exit.REFUSED, "OVER_ASKING")
    fields = [each["field"] for each in done.json["error"]["fields"]]
    assert fields == ["signed_request.purpose", "signed_request.queries[0].shown[1]"]
    assert "residence_permit: name" in done.err
    changed = school.zk("verifier", "policy", "register", path, "--json", env=school.admin)
    refused(changed, Exit.REFUSED, "ALREADY_EXISTS")


def test_only_the_administrator_registers_and_ends(school: Home) -> None:
    name = "verifiers/school-7/policies/school-enrolment@1"
    for command in (("register", POLICIES / "school.yaml"), ("deprecate", name)):
        done = school.zk("verifier", "policy", *command, "--json")
        refused(done, Exit.USAGE, "ADMIN_TOKEN_MISSING")


def test_a_file_that_says_nothing_of_its_registration_is_registered_in_no_way(
    school: Home, tmp_path: Path
) -> None:
    head, _, rest = SCHOOL.partition("register:")
    path = written(tmp_path, f"{head}queries:{rest.partition('queries:')[2]}")
    done = school.zk("verifier", "policy", "register", path, "--json", env=school.admin)
    refused(done, Exit.USAGE, "POLICY_INVALID")


def test_the_code_on_the_verifier_s_screen_is_typed_by_the_holder(school: Home, holder: Home) -> None:
    """A script says it with an option; a person is asked for it at the terminal, and for nothing else."""
    for typed in (False, True):
        asking = start(
            "verifier", "ask", POLICIES / "school.yaml", "--pairing", "--json", "--home", school.path
        )
        asked = line_of(asking)
        link, code = asked["link"], asked["pairing_code"]
        assert code not in link
        refused(holder.zk("vault", "present", link, "--yes", "--json"), Exit.REFUSED, "PAIRING_REQUIRED")
        wrong = f"{(int(code) + 1) % 1_000_000:06}"
        done = holder.zk("vault", "present", link, "--yes", "--json", "--pairing-code", wrong)
        refused(done, Exit.REFUSED, "PAIRING_WRONG")
        if typed:
            typing(holder, link, code)
        else:
            holder.json("vault", "present", link, "--yes", "--pairing-code", code)
        ended, out, err = finished(asking)
        assert (ended, '"answered"' in out) == (0, True), err


def typing(holder: Home, link: str, code: str) -> None:
    master, slave = pty.openpty()
    try:
        process = start("vault", "present", link, "--yes", "--home", holder.path, "--lang", "en", stdin=slave)
        assert prompt_of(process).rstrip().endswith("shows:")
        os.write(master, f"{code}\n".encode())
        ended, out, err = finished(process)
    finally:
        os.close(master)
        os.close(slave)
    assert ended == 0, err
    assert "By the registered policy verifiers/school-7/policies/school-enrolment@1" in out
    assert "Kept for 90 days" in out


def test_five_wrong_codes_end_the_question_on_both_sides(school: Home, holder: Home) -> None:
    asking = start("verifier", "ask", POLICIES / "school.yaml", "--pairing", "--json", "--home", school.path)
    asked = line_of(asking)
    code = int(asked["pairing_code"])
    present = ("vault", "present", asked["link"], "--yes", "--json", "--pairing-code")
    for number in range(1, 6):
        refused(holder.zk(*present, f"{(code + number) % 1_000_000:06}"), Exit.REFUSED, "PAIRING_WRONG")
    refused(holder.zk(*present, f"{code:06}"), Exit.REFUSED, "PAIRING_FAILED")
    ended, out, err = finished(asking)
    assert "PAIRING_CLOSED" in out
    assert "PAIRING_CLOSED" in err
    assert ended == Exit.REFUSED
