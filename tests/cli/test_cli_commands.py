"""Every command over a real server process: what it does and prints, and how each kind of failure ends."""

import datetime as dt
import json
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

import tlog
from disclosure import OfferLink
from tests.cli.running import PASSPHRASE, VALUES, Home, refused, start, zk
from zk import catalogue
from zk.exits import Exit
from zkservice.config import Settings
from zkservice.tls import server_credentials

OTHER_VKEY = str(tlog.Signer.generate("other.example/log").verifier)


# the program itself


def test_without_a_command_it_shows_its_help_with_the_exit_codes() -> None:
    done = zk("--help")
    assert done.code == 0
    for code in Exit:
        assert str(int(code)) in done.out
    assert "签发" in zk("--lang", "zh", "--help").out
    assert "签发" in zk("issuer", "--help", env={"LANG": "zh_CN.UTF-8"}).out


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["ledger", "nothing"],
        ["ledger", "verify"],
        ["ledger", "verify", "x", "--nothing"],
        ["ledger", "show", "minus-one"],
        ["ledger", "show", "--", "-1"],
        ["verifier", "register", "x"],
    ],
)
def test_a_command_that_is_written_wrongly_ends_with_2(arguments: list[str]) -> None:
    refused(zk("--json", *arguments), Exit.USAGE, "USAGE")
    assert not zk(*arguments).out


@pytest.mark.parametrize("arguments", [[], ["vault"], ["ledger"]])
def test_without_anything_to_do_there_is_only_the_help(arguments: list[str]) -> None:
    done = zk(*arguments)
    assert (done.code, done.err) == (Exit.USAGE, "")
    assert "Usage: zk" in done.out


def test_a_language_that_is_none_is_a_usage_error() -> None:
    for arguments in (["--lang", "fr", "vault", "list"], ["vault", "list", "--lang=fr"]):
        refused(zk(*arguments, "--json"), Exit.USAGE, "USAGE")


def test_the_help_of_a_flag_names_no_type() -> None:
    done = zk("issuer", "issue", "--help")
    assert "--no-qr" in done.out
    assert "bool" not in done.out


def test_options_may_stand_before_the_command_or_after_it(tmp_path: Path) -> None:
    before = zk("--json", "--lang", "zh", "--home", tmp_path, "vault", "list")
    after = zk("vault", "list", "--json", "--lang=zh", "--home", tmp_path)
    assert (before.code, before.out) == (after.code, after.out)
    assert "凭证库" in before.json["error"]["message"]


# trust and the ledger


def test_the_log_key_is_pinned_and_another_one_is_refused_loudly(home: Home) -> None:
    done = zk("ledger", "trust", OTHER_VKEY, "--home", home.path, "--json")
    refused(done, Exit.KEY_NOT_TRUSTED, "LOG_KEY_CHANGED")
    assert "WARNING" in done.err
    assert home.json("ledger", "checkpoint")["key_pinned"]
    assert home.json("ledger", "trust", OTHER_VKEY, "--replace")["log_key"] == OTHER_VKEY
    for command in (["checkpoint"], ["show", "0"], ["export", home.path / "x"]):
        refused(home.zk("ledger", *command, "--json"), Exit.KEY_NOT_TRUSTED, "LOG_KEY_CHANGED")
    assert not (home.path / "x").exists()


def test_a_given_key_is_pinned_at_first_use_and_compared_ever_after(empty: Home, issuer: Home) -> None:
    way = ["--server", empty.server.address, "--root", empty.server.root]
    refused(empty.zk("vault", "resume", *way, "--json"), Exit.KEY_NOT_TRUSTED, "LOG_KEY_UNKNOWN")
    shown = empty.zk("ledger", "checkpoint", *way, "--json")
    assert shown.json["key_pinned"] is False
    assert "no log key is pinned" in shown.err
    first = empty.zk("ledger", "checkpoint", *way, "--log-key", empty.server.log_key, "--json")
    assert first.json["key_pinned"] is True
    assert empty.zk("ledger", "checkpoint", *way, "--json").json["key_pinned"] is True
    done = empty.zk("ledger", "checkpoint", *way, "--log-key", OTHER_VKEY, "--json")
    refused(done, Exit.KEY_NOT_TRUSTED, "LOG_KEY_CHANGED")


def test_a_key_that_is_none_is_a_usage_error(home: Home, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("nothing")
    refused(home.zk("ledger", "trust", tmp_path / "key", "--json"), Exit.USAGE, "LOG_KEY_MALFORMED")
    refused(home.zk("ledger", "trust", tmp_path / "none", "--json"), Exit.USAGE, "FILE_UNREADABLE")


def test_checkpoints_are_compared_with_what_was_seen(home: Home, issuer: Home) -> None:
    first = home.json("ledger", "checkpoint")
    assert first["consistent_with"] is None
    issuer.json("issuer", "key", "--department", "hrss")
    second = home.json("ledger", "checkpoint")
    assert second["consistent_with"] == first["size"] < second["size"]
    seen = home.path / "checkpoint"
    assert seen.read_text() == second["note"]


def test_a_log_that_shrank_or_was_rewritten_is_named(home: Home, issuer: Home) -> None:
    """The seen checkpoint is of another log with the same key name: as if this one were rewritten."""
    signer = tlog.Signer.generate(home.json("ledger", "checkpoint")["origin"])
    size = home.json("ledger", "checkpoint")["size"]
    (home.path / "profile.toml").unlink()
    home.json("ledger", "trust", str(signer.verifier))
    refused(home.zk("ledger", "checkpoint", "--json"), Exit.UNREACHABLE, "UNAVAILABLE")
    home.json("ledger", "trust", home.server.log_key, "--replace", "--server", home.server.address, "--root",
              home.server.root)  # fmt: skip
    bigger = tlog.sign_checkpoint(tlog.Checkpoint(signer.name, size + 1, bytes(32)), signer)
    (home.path / "checkpoint").write_bytes(bigger)
    refused(home.zk("ledger", "checkpoint", "--json"), Exit.NOT_VERIFIED, "NOTE_UNSIGNED")


def test_an_entry_is_shown_with_its_place_proven(home: Home, issuer: Home) -> None:
    found = home.json("ledger", "show", 0)
    assert found["entry"]["kind"] == "record"
    assert home.json("ledger", "show", 1)["entry"]["kind"] == "block"
    shown = [home.json("ledger", "show", at)["entry"] for at in range(min(found["size"], 12))]
    records = {each["record"]: each for each in shown if each["kind"] == "record"}
    assert records["issuer-key"]["issuer_key"].startswith("departments/")
    assert records["schema"]["schema"].startswith("departments/")
    assert len(records["schema"]["digest"]) == 64
    done = home.zk("ledger", "show", found["size"] + 1000, "--json")
    refused(done, Exit.USAGE, "INDEX_UNKNOWN")


def test_doctor_finds_all_in_order_and_faults_where_they_are(home: Home, issuer: Home) -> None:
    report = home.json("doctor")
    states = {each["name"]: each["state"] for each in report["checks"]}
    assert states == dict.fromkeys(
        ("python", "group", "libraries", "files", "server", "readiness", "certificate", "clock", "log_key"),
        "ok",
    )
    group = next(each for each in report["checks"] if each["name"] == "group")
    assert group["pairing_check_ms"] > 0
    assert min(group["proof_ratio"], group["verify_ratio"]) > 0
    assert "constant-time" in group["detail"]
    clock = next(each for each in report["checks"] if each["name"] == "clock")
    assert "UTC+08:00" in clock["detail"]
    assert clock["block_time"].endswith("+00:00")
    home.path.chmod(0o755)
    open_home = home.json("doctor", code=Exit.UNHEALTHY)
    assert {each["name"]: each["state"] for each in open_home["checks"]}["files"] == "fail"
    home.path.chmod(0o700)
    home.json("ledger", "trust", OTHER_VKEY, "--replace")
    changed = home.json("doctor", code=Exit.UNHEALTHY)
    assert {each["name"]: each["state"] for each in changed["checks"]}["log_key"] == "fail"


def test_doctor_without_a_server_still_looks_at_the_rest(tmp_path: Path) -> None:
    done = zk("doctor", "--home", tmp_path / "none", "--server", "localhost:1", "--json")
    assert done.code == Exit.UNHEALTHY
    states = {each["name"]: each["state"] for each in done.json["checks"]}
    assert (states["python"], states["server"], states["log_key"]) == ("ok", "fail", "warn")


# issuers


def test_a_department_registers_issues_and_is_listed(issuer: Home) -> None:
    token = issuer.path / "tokens" / "hrss.token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    issued = issuer.json(
        "issuer", "issue", "social_insurance", "--values", VALUES / "social_insurance.yaml", "-v", "base=1.05"
    )
    assert OfferLink.parse(issued["link"]).server == issuer.server.address
    listed = {each["department"]: each for each in issuer.json("issuer", "list")["departments"]}
    assert listed["departments/hrss"]["token_here"] is True
    assert listed["departments/hrss"]["identifies"] == []
    assert [each["schema"] for each in listed["departments/hrss"]["schemas"]] == [issued["schema"]]
    assert {each["state"] for each in listed["departments/hrss"]["issuer_keys"]} == {"active"}
    assert token.read_text().strip() not in json.dumps(listed)


def test_credentials_are_revoked_by_their_handles(issuer: Home) -> None:
    made = issuer.json("issuer", "accumulator", "--department", "hrss")
    one, two, three = (f"{number:064x}" for number in (7, 8, 9))
    strangers = issuer.zk("issuer", "revoke", one, two, "--department", "hrss", "--json")
    refused(strangers, Exit.REFUSED, "NOT_FOUND")
    done = issuer.json("issuer", "revoke", one, two, "--accumulator", made["accumulator"])
    assert done == {"accumulator": made["accumulator"], "epoch": 1, "revoked": 2}
    assert issuer.json("issuer", "revoke", one, two, "--accumulator", made["accumulator"]) == done
    again = issuer.zk("issuer", "revoke", three, two, "--accumulator", made["accumulator"], "--json")
    refused(again, Exit.REFUSED, "ALREADY_REVOKED")
    for bad in ("7", one.upper().replace("7", "F"), one + "0"):
        wrong = issuer.zk("issuer", "revoke", bad, "--department", "hrss", "--json")
        refused(wrong, Exit.USAGE, "HANDLE_UNREADABLE")
    older = made["accumulator"]
    newer = issuer.json("issuer", "accumulator", "--department", "hrss")["accumulator"]
    file = issuer.path / "handles"
    file.write_text(f"{three}\n")
    assert issuer.json("issuer", "revoke", f"@{file}", "--accumulator", older)["revoked"] == 3
    file.write_text(f"{three}\nnone\n")
    wrong = issuer.zk("issuer", "revoke", f"@{file}", "--accumulator", older, "--json")
    assert three not in refused(wrong, Exit.USAGE, "HANDLE_UNREADABLE").err + wrong.out
    said = issuer.zk("issuer", "revoke", three, "--accumulator", newer, "--lang", "zh").out
    assert "已吊销 1 个凭证" in said


def test_the_link_is_printed_with_a_qr_code_that_people_can_read(issuer: Home) -> None:
    done = issuer.zk("issuer", "issue", "residence_permit", "--values", VALUES / "residence_permit.yaml")
    assert done.code == 0
    assert "█" in done.out
    (link,) = [each for each in done.out.splitlines() if each.startswith("zk://")]
    assert OfferLink.parse(link).server == issuer.server.address
    plain = issuer.zk(
        "issuer", "issue", "residence_permit", "--values", VALUES / "residence_permit.yaml", "--no-qr"
    )
    assert "█" not in plain.out


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["issue", "social_insurance", "-v", "base=1.005"], Exit.USAGE, "VALUE_INVALID"),
        (["issue", "social_insurance", "-v", "status=rich"], Exit.USAGE, "VALUE_INVALID"),
        (["issue", "social_insurance", "-v", "wealth=1"], Exit.USAGE, "ATTRIBUTE_UNKNOWN"),
        (["issue", "social_insurance", "-v", "base=1"], Exit.USAGE, "ATTRIBUTE_MISSING"),
        (["issue", "social_insurance", "-v", "base"], Exit.USAGE, "VALUE_UNREADABLE"),
        (["issue", "social_insurance", "-v", "base=1", "-v", "base=2"], Exit.USAGE, "VALUE_UNREADABLE"),
        (["issue", "social_insurance", "--values", "/nowhere"], Exit.USAGE, "FILE_UNUSABLE"),
        (["issue", "social_insurance@9"], Exit.REFUSED, "SCHEMA_UNKNOWN"),
        (["issue", "marriage", "-v", "status=married"], Exit.REFUSED, "SCHEMA_UNKNOWN"),
        (["issue", "departments/hrss/schemas/nothing@1"], Exit.REFUSED, "NOT_FOUND"),
        (["issue", "departments/hrss"], Exit.USAGE, "NAME_INVALID"),
        (["schema", "nothing"], Exit.USAGE, "ITEM_UNKNOWN"),
        (["issue", "social_insurence"], Exit.USAGE, "ITEM_UNKNOWN"),
        (["schema", "marriage"], Exit.USAGE, "DEPARTMENT_NOT_HERE"),
        (["schema", "social_insurance@1"], Exit.REFUSED, "ALREADY_EXISTS"),
        (["issue", "social_insurance", "--person", "7"], Exit.USAGE, "IDENTIFICATION_UNCLEAR"),
        (["revoke"], Exit.USAGE, "HANDLE_UNCLEAR"),
        (["revoke", "07" * 32, "--offer", "offers/x"], Exit.USAGE, "HANDLE_UNCLEAR"),
        (["codes", "social_insurance", "base"], Exit.USAGE, "ATTRIBUTE_WITHOUT_CODES"),
        (["codes", "social_insurance", "status", "--code", "rich"], Exit.USAGE, "VALUE_INVALID"),
        (["key"], Exit.USAGE, "DEPARTMENT_UNCLEAR"),
        (["register", "hrss"], Exit.USAGE, "TOKEN_EXISTS"),
        (["register", "hrss", "--replace"], Exit.USAGE, "ADMIN_TOKEN_MISSING"),
        (["register", "parks"], Exit.USAGE, "NAMES_MISSING"),
        (["register", "No Such"], Exit.USAGE, "NAME_INVALID"),
    ],
)
def test_what_an_issuer_gets_wrong(issuer: Home, arguments: list[str], code: Exit, reason: str) -> None:
    done = refused(issuer.zk("issuer", *arguments, "--json"), code, reason)
    assert "1.005" not in done.err


def test_typos_are_answered_with_what_there_is(issuer: Home) -> None:
    for command in ("issue", "schema"):
        done = issuer.zk("issuer", command, "social_insurence@1")
        assert "Did you mean social_insurance" in done.err
    known = issuer.zk("issuer", "schema", "nothing").err
    assert all(each in known for each in ("social_insurance", "marriage", "household"))
    issue = ["issuer", "issue", "social_insurance", "-v", "status=rich"]
    assert "is one of: paying (Paying in), paused (Paused), ended" in issuer.zk(*issue).err
    assert "只能是" in issuer.zk(*issue, "--lang", "zh").err
    amount = issuer.zk("issuer", "issue", "social_insurance", "-v", "base=1.005", "--lang", "zh").err
    assert "写法如 8564.00" in amount


def test_a_wrong_token_is_refused_and_never_shown(issuer: Home, home: Home) -> None:
    env = {"ZK_ADMIN_TOKEN": "guessed-token-123"}
    done = refused(
        home.zk("issuer", "register", "education", "--json", env=env), Exit.REFUSED, "TOKEN_INVALID"
    )
    assert done.json["error"]["status"] == "PERMISSION_DENIED"
    assert "guessed" not in done.out + done.err
    assert not (home.path / "tokens" / "education.token").exists()


def test_a_department_registers_schemas_of_its_own_file(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "parks.yaml"
    file.write_text(
        "id: parks\nname: {zh: 公园, en: Parks}\nitems:\n"
        "- id: pass\n  version: 1\n  name: {zh: 票, en: Pass}\n"
        "  validity_days: 9\n  attributes:\n"
        "  - {id: district, name: {zh: 区, en: District}, type: code, codes: districts}\n"
    )
    names = ["--name-zh", "公园", "--name-en", "Parks"]
    home.json("issuer", "register", "parks", *names, env=home.admin)
    assert home.json("issuer", "schema", "pass", "--file", file)["schema"].startswith("departments/parks/")
    home.json("issuer", "key")
    issued = home.json("issuer", "issue", "pass", "-v", "district=370102")
    assert issued["schema"] == "departments/parks/schemas/pass@1"
    file.write_text("id: parks\nid: parks\n")
    refused(home.zk("issuer", "schema", "pass", "--file", file, "--json"), Exit.USAGE, "INPUT_INVALID")


# the way to the service


def test_a_service_that_is_not_there_ends_with_5(home: Home) -> None:
    done = home.zk("issuer", "list", "--server", "localhost:1", "--json")
    assert "localhost:1 cannot be reached" in refused(done, Exit.UNREACHABLE, "UNAVAILABLE").err
    assert "ledger trust" not in done.err
    refused(home.zk("issuer", "list", "--server", "nowhere", "--json"), Exit.USAGE, "SERVER_INVALID")


def test_a_certificate_of_another_root_is_not_believed(home: Home, tmp_path: Path) -> None:
    """A second server's root does not sign the first one's certificate."""
    given: dict[str, Any] = {"data": tmp_path, "dev": True}
    server_credentials(Settings(**given), dt.datetime.now(dt.UTC))
    done = home.zk("issuer", "list", "--root", tmp_path / "ca.pem", "--json")
    assert "certificate" in refused(done, Exit.UNREACHABLE, "UNAVAILABLE").err
    report = home.json("doctor", "--root", tmp_path / "ca.pem", code=Exit.UNHEALTHY)
    assert {each["name"]: each["state"] for each in report["checks"]}["server"] == "fail"


def test_a_person_starts_the_service_and_ends_it_with_ctrl_c(tmp_path: Path) -> None:
    process = start("serve", "--dev", "--data", tmp_path / "data", "--port", "0")
    assert process.stdout is not None
    assert "localhost:" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "The service is ending" in out
    assert out.index("is ending") < out.index("has ended")
    assert not err


def test_a_second_server_on_one_folder_does_not_start(home: Home) -> None:
    done = zk("serve", "--dev", "--data", home.server.data, "--port", "0", "--json")
    refused(done, Exit.NOT_STARTED, "NOT_STARTED")
    refused(zk("serve", "--port", "99999", "--json"), Exit.USAGE, "SETTING_INVALID")


def test_the_passphrase_is_never_an_option() -> None:
    assert PASSPHRASE not in zk("vault", "create", "--help").out
    assert zk("vault", "create", "--passphrase", "x").code == Exit.USAGE
    assert catalogue.builtin().find("residence_permit") is not None
