"""Records: what holds years later, one way to write it, and everything that must fail."""

import base64
import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tlog
from disclosure import (
    Directory,
    DisclosureError,
    KeyState,
    RefusedError,
    SignedRequest,
    sign_request,
)
from tests.disclosure.world import (
    DIRECTORY,
    HRSS,
    PERMIT,
    PERMIT_2,
    POLICE,
    QUERIES,
    REQUEST,
    SCHOOL_KEY,
    credential,
    directory,
    present,
    request,
)
from tests.verifier.judging import ANSWER
from tests.verifier.log import LOG, MOMENT, receipt_for
from tests.verifier.recording import (
    OCTETS,
    OTHER_ANSWER,
    OTHER_LOG,
    OTHER_REQUEST,
    RECORD,
    SIGNED,
    record_of,
)
from verifier import Record, RecordError, recheck

# ---- records


def test_a_record_is_read_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    RECORD.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = Record.load(path)
    assert again == RECORD
    assert again.presentation.digest == ANSWER.digest
    RECORD.save(path)
    assert path.read_bytes() == OCTETS
    path.write_bytes(b"another")
    with pytest.raises(FileExistsError):
        RECORD.save(path)
    assert path.read_bytes() == b"another"


@pytest.mark.parametrize("remark", ["", "有效", 'a "quoted" \\ text </script>'])
def test_every_type_of_value_survives(remark: str) -> None:
    everything = tuple(each.id for each in PERMIT.attributes)
    asked = request(queries=(replace(QUERIES[0], shown=everything),))
    answer = present(asked, {"permit": credential(PERMIT, 0, remark=remark)})
    record = record_of(
        signed_request=sign_request(asked, SCHOOL_KEY),
        presentation=answer,
        receipt=receipt_for(asked, answer),
    )
    again = Record.from_bytes(record.to_bytes())
    shown = recheck(again, log_verifier=LOG).verified.credentials[0]
    assert shown.values == answer.credentials[0].shown.values
    assert set(shown.values) == set(everything)


def test_a_record_holds_years_later() -> None:
    checked = recheck(Record.from_bytes(OCTETS), log_verifier=LOG)
    assert checked.verified.presentation_digest == ANSWER.digest
    assert checked.verified.credential("permit").values["district"] == "370102"
    assert (checked.index, checked.verify_time, checked.pinned) == (3, MOMENT, True)
    assert checked.checkpoint.origin == LOG.name


def test_without_a_key_from_elsewhere_it_is_said_so() -> None:
    checked = recheck(RECORD, log_verifier=None)
    assert (checked.pinned, checked.log_key) == (False, str(LOG))


def test_a_record_of_a_false_log_holds_only_by_its_own_word() -> None:
    forged = record_of(
        receipt=receipt_for(REQUEST, ANSWER, signer=OTHER_LOG), log_verifier=OTHER_LOG.verifier
    )
    assert not recheck(forged, log_verifier=None).pinned
    with pytest.raises(tlog.VerificationError):
        recheck(forged, log_verifier=LOG)


def test_a_record_keeps_what_is_used_and_no_more() -> None:
    assert set(RECORD.directory.schemas) == {each.schema for each in QUERIES}
    assert set(RECORD.directory.issuer_keys) == {POLICE.key.name, HRSS.key.name}
    later = record_of(directory=directory(police=KeyState.VERIFY_ONLY))
    assert later == RECORD


@pytest.mark.parametrize(
    "known",
    [
        Directory(DIRECTORY.schemas, RECORD.directory.issuer_keys),
        Directory(RECORD.directory.schemas, DIRECTORY.issuer_keys),
        Directory(RECORD.directory.schemas, {}),
        Directory({}, RECORD.directory.issuer_keys),
    ],
)
def test_no_record_with_another_directory(known: Directory) -> None:
    with pytest.raises(RecordError):
        replace(RECORD, directory=known)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"signed_request": sign_request(OTHER_REQUEST, SCHOOL_KEY)}, RefusedError),
        ({"presentation": replace(ANSWER, credentials=ANSWER.credentials[:1])}, RefusedError),
        ({"directory": directory(without_key="hrss")}, RefusedError),
        ({"verifier_key": bytes(31)}, RecordError),
    ],
)
def test_no_record_of_what_does_not_belong_together(changes: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        record_of(**changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"signed_request": SignedRequest(SIGNED.payload, bytes(64))}, "REQUEST_SIGNATURE_INVALID"),
        ({"verifier_key": bytes(32)}, "REQUEST_SIGNATURE_INVALID"),
        ({"presentation": OTHER_ANSWER}, "RECEIPT_MISMATCH"),
        ({"receipt": receipt_for(REQUEST, OTHER_ANSWER)}, "RECEIPT_MISMATCH"),
        ({"receipt": receipt_for(REQUEST, ANSWER, verified=REQUEST.expires)}, "REQUEST_EXPIRED"),
    ],
)
def test_a_record_that_does_not_hold(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(DisclosureError) as caught:
        recheck(record_of(**changes), log_verifier=LOG)
    assert caught.value.reason == reason


def test_a_record_of_a_false_proof_does_not_hold_even_with_a_receipt() -> None:
    """A service that signs receipts for what never verified is found out by whoever rechecks."""
    first, second = ANSWER.credentials
    false = replace(ANSWER, credentials=(replace(first, proof=bytes(len(first.proof))), second))
    record = record_of(presentation=false, receipt=receipt_for(REQUEST, false))
    with pytest.raises(RefusedError) as caught:
        recheck(record, log_verifier=LOG)
    assert caught.value.reason == "PROOF_INVALID"


def test_a_record_of_a_changed_schema_does_not_hold() -> None:
    known = Directory(
        {**DIRECTORY.schemas, PERMIT.name: replace(PERMIT, validity_days=1)}, DIRECTORY.issuer_keys
    )
    with pytest.raises(RefusedError) as caught:
        recheck(record_of(directory=known), log_verifier=LOG)
    assert caught.value.reason == "PROOF_INVALID"


# ---- the file


def refused(octets: bytes) -> RecordError:
    with pytest.raises(RecordError) as caught:
        Record.from_bytes(octets)
    assert caught.value.reason == "RECORD_INVALID"
    return caught.value


def written(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def test_the_file_can_be_read_by_a_person_and_written_in_one_way() -> None:
    document = json.loads(OCTETS)
    assert written(document) == OCTETS
    assert document["presentation"]["credentials"][0]["values"] == {
        "district": "370102",
        "continuous_since": "2019-05-01",
        "remark": None,
    }


def base64_of(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


CHANGES: dict[str, Callable[[Any], Any]] = {
    "another format": lambda d: d | {"format": "zk-disclosure/record/v2"},
    "more": lambda d: d | {"more": 1},
    "less": lambda d: {key: value for key, value in d.items() if key != "log_key"},
    "another order": lambda d: dict(reversed(list(d.items()))),
    "a log key that is none": lambda d: d | {"log_key": "x"},
    "a log key that is a number": lambda d: d | {"log_key": 1},
    "a key too short": lambda d: d | {"verifier_key": base64_of(bytes(31))},
    "base64 with a space": lambda d: d | {"verifier_key": " " + d["verifier_key"]},
    "base64 of another kind": lambda d: d | {"receipt": d["receipt"].rstrip("=") + "-_"},
    "base64 with loose bits": lambda d: d | {"verifier_key": d["verifier_key"][:-2] + "9="},
    "a receipt that is nothing": lambda d: d | {"receipt": None},
    "no schemas": lambda d: d | {"schemas": []},
    "a schema twice": lambda d: d | {"schemas": d["schemas"][:1] * 2},
    "a schema too many": lambda d: d | {"schemas": [*d["schemas"], base64_of(PERMIT_2.canonical)]},
    "schemas in another order": lambda d: d | {"schemas": d["schemas"][::-1]},
    "keys in another order": lambda d: d | {"issuer_keys": d["issuer_keys"][::-1]},
    "keys that are a number": lambda d: d | {"issuer_keys": 1},
    "a list": lambda d: [d],
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_file_that_is_no_record(what: str) -> None:
    refused(written(CHANGES[what](json.loads(OCTETS))))


VALUES: list[tuple[str, Any]] = [
    ("district", 370_102), ("district", "370199"), ("district", None), ("district", ["370102"]),
    ("continuous_since", "20190501"), ("continuous_since", "2019-5-1"), ("continuous_since", 18_017),
    ("continuous_since", "2019-02-30"), ("continuous_since", None), ("continuous_since", True),
    ("remark", ""), ("remark", "\ud800"), ("remark", {}), ("nobody", 1),
]  # fmt: skip


@pytest.mark.parametrize(("name", "item"), VALUES)
def test_values_that_are_none(name: str, item: Any) -> None:
    document = json.loads(OCTETS)
    document["presentation"]["credentials"][0]["values"][name] = item
    refused(json.dumps(document, indent=1).encode() + b"\n")


@pytest.mark.parametrize(
    "item", ['"812300"', "812300.0", "8123e2", "true", "null", str(1 << 70), "-1", "1" + "0" * 5000]
)
def test_integers_that_are_none(item: str) -> None:
    octets = OCTETS.replace(b"812300", item.encode())
    assert octets != OCTETS
    refused(octets)


@pytest.mark.parametrize("field", ["query", "schema", "issuer_key", "expiry", "values", "proof"])
@pytest.mark.parametrize("item", [1, True, "", "x", [], {}])
def test_fields_of_another_type(field: str, item: Any) -> None:
    document = json.loads(OCTETS)
    document["presentation"]["credentials"][0][field] = item
    octets = written(document)
    if (field, type(item)) in {("query", str), ("values", dict)}:
        with pytest.raises(RefusedError):
            recheck(Record.from_bytes(octets), log_verifier=LOG)
    else:
        refused(octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"", b"{}", b"null", b"[]", b"1", b"NaN", b"x", b"\xff", b"[" * 100_000, b'{"a":' * 100_000,
        OCTETS[:-1], OCTETS + b"\n", b" " + OCTETS, OCTETS[:-2] + b"\r\n", b"\xef\xbb\xbf" + OCTETS,
        OCTETS.decode().encode("utf-16"), OCTETS.replace(b'"permit"', b'"\\u0070ermit"'),
        OCTETS.replace(b'"format"', b'"format": 1,\n "format"', 1), OCTETS + b" " * (5 << 20),
        b'\\"' * (1 << 20), b'"[' * (1 << 20), b'"' * (1 << 21),
    ],
)  # fmt: skip
def test_octets_that_are_no_record(octets: bytes) -> None:
    refused(octets)


@given(st.integers(0, len(OCTETS) - 1), st.integers(1, 255))
def test_a_changed_octet_never_passes(place: int, mask: int) -> None:
    octets = bytearray(OCTETS)
    octets[place] ^= mask
    try:
        record = Record.from_bytes(bytes(octets))
    except RecordError:
        return
    assert record != RECORD
    with pytest.raises((DisclosureError, tlog.TlogError)):
        recheck(record, log_verifier=LOG)


def test_no_record_of_a_value_that_is_none() -> None:
    first, second = ANSWER.credentials
    shown = replace(first.shown, values={**first.shown.values, "district": "370199"})
    record = record_of(presentation=replace(ANSWER, credentials=(replace(first, shown=shown), second)))
    with pytest.raises(RecordError):
        record.to_bytes()


def test_files_that_are_not_there_or_too_large(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    with pytest.raises(FileNotFoundError):
        Record.load(path)
    path.write_bytes(b" " * (5 << 20))
    with pytest.raises(RecordError):
        Record.load(path)


def test_a_record_does_not_show_values() -> None:
    assert "370102" not in repr(RECORD)
