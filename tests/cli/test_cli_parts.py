"""The parts of the command without a server: values, home, exit codes, measuring."""

import datetime as dt
import stat
from pathlib import Path

import grpc
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

import bbs
import tlog
from bbs.accumulator import AccumulatorSecret
from disclosure import (
    Accumulator,
    AttributeDefinition,
    AttributeType,
    Code,
    LocalizedText,
    MalformedError,
    Reason,
    RefusedError,
)
from disclosure.written import parse_value
from prover.errors import PresentingError, VaultFileError, VaultReason
from verifier.errors import ExpiredError, PolicyError, RecordError, TimedOutError
from wire.client import FieldViolation, ServiceError
from zk import catalogue
from zk.bench.cost import cost_of
from zk.commands.ledger import describe
from zk.exits import CommandError, Exit
from zk.failure import Way, explain
from zk.home import Home, Profile, write_private
from zk.values import json_value, parse_values

NAME = LocalizedText("名", "Name")
VKEY = str(tlog.Signer.generate("log.example").verifier)


def attribute(kind: AttributeType, **more: object) -> AttributeDefinition:
    return AttributeDefinition("each", NAME, kind, **more)  # type: ignore[arg-type]


MONEY = attribute(AttributeType.INTEGER, unit="CNY", scale=2, minimum=-(10**17), maximum=10**17)
COUNT = attribute(AttributeType.INTEGER, minimum=0, maximum=900)
DAY = attribute(AttributeType.DATE, minimum=0, maximum=40_000)
FLAG = attribute(AttributeType.BOOLEAN)
HASH = attribute(AttributeType.HASH)
CODE = attribute(AttributeType.CODE, code_system="c", codes=(Code("a", NAME),))
TEXT = attribute(AttributeType.TEXT, max_length=9, optional=True)


@pytest.mark.parametrize(
    ("definition", "written", "expected"),
    [
        (MONEY, "8564.00", 856_400),
        (MONEY, "8564", 856_400),
        (MONEY, "0.05", 5),
        (MONEY, "-0.5", -50),
        (COUNT, "76", 76),
        (DAY, "2021-09-01", dt.date(2021, 9, 1)),
        (FLAG, "true", True),
        (FLAG, "false", False),
        (HASH, "ab" * 32, b"\xab" * 32),
        (CODE, "a", "a"),
        (TEXT, "周晓岚", "周晓岚"),
        (TEXT, "", None),
    ],
)
def test_values_are_read_as_they_are_written(
    definition: AttributeDefinition, written: str, expected: object
) -> None:
    assert parse_value(definition, written) == expected


@pytest.mark.parametrize(
    ("definition", "written"),
    [
        (MONEY, "1.005"),
        (MONEY, "1e3"),
        (MONEY, "1,000"),
        (MONEY, " 1"),
        (MONEY, "١"),
        (MONEY, ""),
        (COUNT, "1.0"),
        (COUNT, "901"),
        (COUNT, "-1"),
        (DAY, "2021-9-1"),
        (DAY, "20210901"),
        (DAY, "2021-02-30"),
        (DAY, "2021-W01-1"),
        (FLAG, "yes"),
        (FLAG, "True"),
        (HASH, "AB" * 32),
        (HASH, "ab" * 31),
        (CODE, "b"),
        (TEXT, "0123456789"),
        (TEXT, "a\x00b"),
        (TEXT, "e\u0301"),
    ],
)
def test_everything_else_is_refused(definition: AttributeDefinition, written: str) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_value(definition, written)
    assert caught.value.field == "each"
    assert len(written) < 2 or written not in str(caught.value)


@given(st.integers(-(10**17), 10**17))
def test_amounts_are_never_rounded(fen: int) -> None:
    written = f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"
    assert parse_value(MONEY, written) == fen


def test_a_credential_needs_each_value_once_and_no_other() -> None:
    schema = catalogue.builtin().find("min_living@1")
    assert schema is not None
    assert parse_values(schema, {"active": "true", "since": ""}) == {"active": True}
    with pytest.raises(MalformedError) as missing:
        parse_values(schema, {"since": "2020-01-01"})
    assert missing.value.reason == Reason.ATTRIBUTE_MISSING
    with pytest.raises(MalformedError) as unknown:
        parse_values(schema, {"active": "true", "salary": "1"})
    assert unknown.value.reason == Reason.ATTRIBUTE_UNKNOWN


def test_json_values() -> None:
    assert [json_value(each) for each in (True, 5, "a", b"\x01", dt.date(2020, 1, 2), None)] == [
        True, 5, "a", "01", "2020-01-02", None,
    ]  # fmt: skip


def test_private_files_are_private_from_the_first_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    write_private(path, b"one")
    write_private(path, b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == ["secret"]


def test_the_profile_is_kept_with_a_copy_of_the_root(tmp_path: Path) -> None:
    root, home = tmp_path / "ca.pem", Home(tmp_path / "h")
    root.write_bytes(b"PEM")
    assert home.profile() == Profile()
    home.save_profile(Profile("host:1", root, tlog.Verifier.from_string(VKEY)))
    root.unlink()
    kept = home.profile()
    assert (kept.server, str(kept.log_key)) == ("host:1", VKEY)
    assert kept.root is not None
    assert kept.root.read_bytes() == b"PEM"
    home.save_profile(kept)
    assert home.profile() == kept


@pytest.mark.parametrize("octets", [b"server = 5", b"more = 'x'", b"not toml", b"\xff", b"log_key = 'x'"])
def test_a_damaged_profile_is_refused_and_left_alone(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "profile.toml").write_bytes(octets)
    with pytest.raises(CommandError) as caught:
        Home(tmp_path).profile()
    assert (caught.value.exit_code, caught.value.reason) == (Exit.USAGE, "PROFILE_DAMAGED")
    assert (tmp_path / "profile.toml").read_bytes() == octets


SERVICE = ServiceError(
    grpc.StatusCode.INVALID_ARGUMENT, "PROOF_INVALID", "no \x1b[2J", (FieldViolation("a.b", "wrong"),)
)


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (SERVICE, Exit.REFUSED, "PROOF_INVALID"),
        (ServiceError(grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", ""), Exit.UNREACHABLE, "UNAVAILABLE"),
        (
            ServiceError(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", ""),
            Exit.UNREACHABLE,
            "DEADLINE_EXCEEDED",
        ),
        (ServiceError(grpc.StatusCode.UNAVAILABLE, "SHUTTING_DOWN", ""), Exit.UNREACHABLE, "SHUTTING_DOWN"),
        (RefusedError(Reason.PROOF_INVALID, "x"), Exit.NOT_VERIFIED, "PROOF_INVALID"),
        (RefusedError(Reason.RECEIPT_MISMATCH, "x"), Exit.NOT_VERIFIED, "RECEIPT_MISMATCH"),
        (RefusedError(Reason.REQUEST_EXPIRED, "x"), Exit.REFUSED, "REQUEST_EXPIRED"),
        (MalformedError(Reason.LINK_INVALID, "x"), Exit.USAGE, "LINK_INVALID"),
        (VaultFileError(VaultReason.VAULT_NOT_FOUND, "x"), Exit.REFUSED, "VAULT_NOT_FOUND"),
        (PresentingError(VaultReason.DECLINED, "x"), Exit.DECLINED, "DECLINED"),
        (PolicyError("x"), Exit.USAGE, "POLICY_INVALID"),
        (RecordError("x"), Exit.NOT_VERIFIED, "RECORD_INVALID"),
        (ExpiredError("x"), Exit.UNREACHABLE, "EXPIRED"),
        (TimedOutError("x"), Exit.UNREACHABLE, "TIMED_OUT"),
        (
            tlog.VerificationError(tlog.Reason.INCLUSION_INVALID, "x"),
            Exit.NOT_VERIFIED,
            "INCLUSION_INVALID",
        ),
        (tlog.MalformedError(tlog.Reason.PROOF_MALFORMED, "x"), Exit.NOT_VERIFIED, "PROOF_MALFORMED"),
        (bbs.VerificationError(bbs.Reason.PROOF_INVALID, "x"), Exit.NOT_VERIFIED, "PROOF_INVALID"),
        (FileNotFoundError(2, "No such file", "/x"), Exit.USAGE, "FILE_UNUSABLE"),
        (KeyboardInterrupt(), Exit.INTERRUPTED, "INTERRUPTED"),
        (typer.Abort(), Exit.INTERRUPTED, "INTERRUPTED"),
        (CommandError(Exit.KEY_NOT_TRUSTED, "R", "error.log_key_unknown"), Exit.KEY_NOT_TRUSTED, "R"),
        (ZeroDivisionError("secret-9"), Exit.UNEXPECTED, "UNEXPECTED"),
    ],
)
def test_every_error_has_an_exit_code_a_reason_and_a_sentence(
    error: BaseException, code: Exit, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for lang in ("zh", "en"):
        failure = explain(error, lang)
        assert (failure.exit_code, failure.reason) == (code, reason)
        assert failure.sentence().endswith("]") or failure.violations
        assert reason in failure.sentence()
        assert "\x1b" not in failure.sentence()
        assert "secret-9" not in failure.sentence()
    assert not capsys.readouterr().err


def test_who_said_no_is_told_so_once() -> None:
    said = explain(PresentingError(VaultReason.DECLINED, "the person said no; nothing was sent"), "en")
    assert said.sentence() == "You said no. Nothing about you was sent [DECLINED]"


def test_a_refusal_of_the_service_shows_its_own_status_and_fields() -> None:
    failure = explain(SERVICE, "en")
    assert "INVALID_ARGUMENT PROOF_INVALID" in failure.sentence()
    assert "a.b: wrong" in failure.sentence()
    data = failure.data()["error"]
    assert isinstance(data, dict)
    assert data["status"] == "INVALID_ARGUMENT"
    assert data["fields"] == [{"field": "a.b", "description": "wrong"}]


def test_a_detail_is_shown_only_where_it_adds_something(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = ServiceError(grpc.StatusCode.FAILED_PRECONDITION, "OFFER_TAKEN", "the offer was claimed before")
    assert explain(taken, "en").message == "The offer was claimed before"
    assert explain(SERVICE, "en").message.endswith("(no \ufffd[2J)")
    for error in (taken, SERVICE, PolicyError("x")):
        assert "(" not in explain(error, "zh").message
        assert "（" not in explain(error, "zh").message
    assert "the offer" not in explain(taken, "en", full=True).message
    assert "（the offer was claimed before）" in explain(taken, "zh", full=True).message
    monkeypatch.setenv("ZK_DEBUG", "1")
    assert "（x）" in explain(PolicyError("x"), "zh").message


def test_where_no_service_was_ever_named_the_way_to_name_one_is_told() -> None:
    error = ServiceError(grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE", "Connection refused")
    for lang in ("zh", "en"):
        assert "zk ledger trust" in explain(error, lang, way=Way("localhost:9", configured=False)).message
        assert "zk ledger trust" not in explain(error, lang, way=Way("localhost:9")).message


def test_debugging_shows_where_an_unexpected_error_came_from(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZK_DEBUG", "1")
    explain(ZeroDivisionError("here"), "en")
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_exit_codes_are_stable() -> None:
    assert {each.name: each.value for each in Exit} == {
        "OK": 0, "UNEXPECTED": 1, "USAGE": 2, "REFUSED": 3, "NOT_VERIFIED": 4, "UNREACHABLE": 5,
        "DECLINED": 6, "KEY_NOT_TRUSTED": 7, "UNHEALTHY": 8, "NOT_STARTED": 9, "PENDING": 10,
        "INTERRUPTED": 130,
    }  # fmt: skip


def test_a_block_with_a_time_of_no_calendar_is_shown() -> None:
    block = tlog.BlockHeader(1, bytes(32), 2, 1, bytes(32), (1 << 63) - 1)
    assert describe(block)["time"] == str(((1 << 63) - 1) / 1000)


def test_measuring_gives_times_that_belong_together() -> None:
    cost = cost_of(bbs.groups.default(), seconds=0.1)
    assert 0 < cost.pairing_check_ms < cost.verify_ms
    assert cost.proof_ratio == pytest.approx(cost.proof_ms / cost.pairing_check_ms, rel=0.5)
    assert cost.verify_ratio == pytest.approx(cost.verify_ms / cost.pairing_check_ms, rel=0.5)


def test_records_of_the_ledger_are_shown_by_what_they_say() -> None:
    made = Accumulator.of("police", AccumulatorSecret.generate(suite=str(bbs.SHA_256)).key)
    shown = describe(tlog.parse_entry(made.entry()))
    assert shown == {
        "kind": "record",
        "record": "accumulator",
        "accumulator": str(made.name),
        "suite": made.suite,
        "public_key": made.key.octets.hex(),
    }
    for kind in ("accumulator", "issuer-key", "revocation-epoch"):
        assert describe(tlog.RecordEntry(kind, b"\x01?")) == {
            "kind": "record",
            "record": kind,
            "payload": "013f",
        }
