"""Records of the composite form: what holds years later from file and log key alone, what must fail."""

import base64
import json
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tlog
from disclosure import DisclosureError, KeyState, SignedRequest, VerifierName, sign_request
from disclosure.composite import CompositePresentation, CompositeRequest, is_composite
from tests.disclosure.composite.world import BANK, NOW, SCHOOL, SCHOOL_2, VERIFIER_KEYS, find_key
from tests.verifier.composite_city import (
    POLICE,
    POLICY,
    PUBLISHED,
    Publications,
    answered,
    composite_record,
    logged,
    policy_of,
)
from tests.verifier.log import LOG, MOMENT, receipt_for
from tests.verifier.recording import OCTETS as PLAIN
from tests.verifier.recording import OTHER_LOG
from verifier import CompositeRecord, Record, RecordError, load_record, parse_record, recheck_composite


@cache
def request() -> CompositeRequest:
    with TemporaryDirectory() as folder:
        return policy_of(POLICY, Path(folder)).request(SCHOOL, NOW, Publications(), bytes(range(32)))


@cache
def answer() -> CompositePresentation:
    return answered(request())


@cache
def octets() -> bytes:
    return composite_record(request(), answer()).to_bytes()


def document() -> Any:
    return json.loads(octets())


def tables_in_order() -> list[int]:
    """Where the tables stand, in an order that no key drawn at random decides: tests are named by it."""
    tables = document()["tables"]
    return sorted(range(len(tables)), key=lambda at: (tables[at]["owner"], str(tables[at].get("codes"))))


def written(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, indent=1).encode() + b"\n"


def base64_of(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def read(text: str) -> bytes:
    return base64.b64decode(text)


def test_a_record_holds_years_later(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    composite_record(request(), answer()).save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = load_record(path)
    assert isinstance(again, CompositeRecord)
    assert again.to_bytes() == octets()
    checked = recheck_composite(again, log_verifier=LOG)
    assert checked.verified.digest == answer().digest
    assert set(checked.verified.pseudonyms) == {"me", "child"}
    assert checked.verified.answer.credentials[0].shown.values["name"] == "王小明"
    assert (checked.index, checked.verify_time, checked.pinned) == (PUBLISHED, MOMENT, True)
    assert checked.log_key == str(LOG)


def test_the_format_tells_the_form() -> None:
    assert isinstance(parse_record(octets()), CompositeRecord)
    assert isinstance(parse_record(PLAIN), Record)
    assert is_composite(CompositeRecord.from_bytes(octets()).signed_request)
    for read_as, wrong in ((CompositeRecord, PLAIN), (Record, octets())):
        with pytest.raises(RecordError):
            read_as.from_bytes(wrong)


def test_a_record_keeps_what_the_answered_branch_needs_and_no_more() -> None:
    record = CompositeRecord.from_bytes(octets())
    assert len(record.directory.schemas) == 4
    assert set(record.directory.verifiers) == {SCHOOL, SCHOOL_2}
    epochs = {key: set(each.epochs) for key, each in record.directory.accumulators.items()}
    assert epochs.pop(POLICE.accumulator.key.octets) == {2}
    assert all(len(each) == 1 for each in epochs.values())
    small = composite_record(request(), answered(request(), "other"))
    assert not small.directory.code_lists
    assert not small.directory.regulators
    assert len(small.directory.schemas) == 1
    assert len(small.to_bytes()) < len(octets())
    assert recheck_composite(small, log_verifier=LOG).verified.answer.branch == "other"


def test_without_a_key_from_elsewhere_it_is_said_so() -> None:
    assert not recheck_composite(CompositeRecord.from_bytes(octets()), log_verifier=None).pinned


def test_a_false_log_is_found_out() -> None:
    receipt = receipt_for(request(), answer(), signer=OTHER_LOG)
    forged = composite_record(request(), answer(), receipt=receipt, log_verifier=OTHER_LOG.verifier)
    for log in (None, LOG):  # the proofs of what is published are of the true log
        with pytest.raises(tlog.TlogError):
            recheck_composite(forged, log_verifier=log)


def test_a_false_proof_does_not_hold_even_with_a_receipt() -> None:
    false = replace(answer(), proof=bytes([answer().proof[0]]) + bytes(len(answer().proof) - 1))
    record = composite_record(request(), false)
    with pytest.raises(DisclosureError):
        recheck_composite(CompositeRecord.from_bytes(record.to_bytes()), log_verifier=LOG)


def test_a_record_does_not_show_values() -> None:
    assert "王小明" not in repr(CompositeRecord.from_bytes(octets()))


OTHER = replace(request(), branches=request().branches[1:])


@pytest.mark.parametrize(
    "changes",
    [
        {"verifier_key": bytes(31)},
        {"signed_request": sign_request(OTHER, VERIFIER_KEYS[SCHOOL])},
        {"directory": replace(Publications().directory(request()), schemas={})},
        {"directory": replace(Publications().directory(request()), accumulators={})},
    ],
)  # fmt: skip
def test_no_record_of_what_does_not_belong_together(changes: dict[str, Any]) -> None:
    with pytest.raises((RecordError, DisclosureError)):
        composite_record(request(), answer(), **changes)


def test_no_record_of_what_the_ledger_was_not_read_for() -> None:
    with pytest.raises(KeyError):
        composite_record(request(), answer(), ledger=Publications(digits=()))


# ---- every field


def paths(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the place of every leaf of a document, and of every empty list or mapping."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    found = False
    for name, each in items:
        found = True
        yield from paths(each, (*at, name))
    if not found:
        yield at


def named(place: tuple[Any, ...]) -> str:
    if place[0] == "tables" and len(place) > 1:
        place = ("tables", tables_in_order().index(place[1]), *place[2:])
    return "/".join(map(str, place))


LEAVES = sorted(paths(document()), key=named)
PROVEN = [each for each in LEAVES if each[-1] != "state"]
"""All but what is the record's own word: whether a key still signed."""


def put(data: Any, place: tuple[Any, ...], value: Any) -> Any:
    for step in place[:-1]:
        data = data[step]
    data[place[-1]] = value
    return data


def changed_leaf(value: Any) -> Any:
    """Change a leaf as little as its kind allows."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case None:
            return "2026-01-01"
        case str():
            try:
                octets = bytearray(base64.b64decode(value, validate=True))
                octets[len(octets) // 2] ^= 1
                return base64_of(bytes(octets))
            except (ValueError, IndexError):
                return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"
    return [1]


def fails(data: bytes) -> None:
    try:
        record = CompositeRecord.from_bytes(data)
    except RecordError:
        return
    with pytest.raises((DisclosureError, tlog.TlogError)):
        recheck_composite(record, log_verifier=LOG)


@pytest.mark.parametrize("place", PROVEN, ids=map(named, PROVEN))
def test_no_field_can_be_changed(place: tuple[Any, ...]) -> None:
    data = document()
    value = data
    for step in place:
        value = value[step]
    put(data, place, changed_leaf(value))
    if place == ("log_key",):  # another key, or none: the caller's own counts
        with pytest.raises(RecordError):
            CompositeRecord.from_bytes(written(data))
        return
    fails(written(data))


@pytest.mark.parametrize("place", LEAVES, ids=map(named, LEAVES))
@pytest.mark.parametrize("value", [None, 1, True, "", [], {}], ids=repr)
def test_no_field_has_another_type(place: tuple[Any, ...], value: Any) -> None:
    data = document()
    was = data
    for step in place:
        was = was[step]
    if was == value and type(was) is type(value):
        return
    put(data, place, value)
    fails(written(data))


def test_a_retired_key_counts_for_nothing_and_other_states_count_alike() -> None:
    data = document()
    for each in data["issuer_keys"]:
        each["state"] = KeyState.VERIFY_ONLY.value
    recheck_composite(CompositeRecord.from_bytes(written(data)), log_verifier=LOG)
    for each in data["issuer_keys"]:
        each["state"] = KeyState.RETIRED.value
    fails(written(data))
    data["issuer_keys"][0]["state"] = "gone"
    fails(written(data))


def swap(name: str) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        assert len(data[name]) > 1
        data[name] = data[name][::-1]

    return change


def first(part: str, **changes: Any) -> Callable[[Any], None]:
    return lambda data: data[part][0].update(changes)


def no_epochs(data: Any) -> None:
    data["accumulators"][0]["epochs"] = []


def foreign_proof(data: Any) -> None:
    data["tables"][0]["proof"], data["tables"][1]["proof"] = (
        data["tables"][1]["proof"],
        data["tables"][0]["proof"],
    )


CHANGES: dict[str, Callable[[Any], Any]] = {
    "more": lambda data: data.update(more=1),
    "no key of the log": lambda data: data.pop("log_key"),
    "no tables": lambda data: data.update(tables=[]),
    "a table twice": lambda data: data["tables"].append(data["tables"][0]),
    "a table less": lambda data: data["tables"].pop(),
    "a schema less": lambda data: data["schemas"].pop(),
    "no regulators": lambda data: data.update(regulators=[]),
    "no verifiers": lambda data: data.update(verifiers={}),
    "another member's key": lambda data: data["verifiers"].update({str(SCHOOL_2): base64_of(find_key(BANK))}),
    "another own key": lambda data: data["verifiers"].update({str(SCHOOL): base64_of(find_key(BANK))}),
    "no accumulators": lambda data: data.update(accumulators=[]),
    "an accumulator without epochs": no_epochs,
    "tables in another order": swap("tables"),
    "keys in another order": swap("issuer_keys"),
    "schemas in another order": swap("schemas"),
    "accumulators in another order": swap("accumulators"),
    "another's proof": foreign_proof,
    "another owner of a table": first("tables", owner="departments/nobody"),
    "another name of a regulator": first("regulators", name="regulators/other"),
    "the request's signature": lambda data: data["signed_request"].update(signature=base64_of(bytes(64))),
    "another branch": lambda data: data["presentation"].update(branch="other"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_no_record_or_does_not_hold(what: str) -> None:
    data = document()
    CHANGES[what](data)
    assert written(data) != octets()
    fails(written(data))


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"null", b"[]", b"x", b"\xff", b"[" * 10_000, octets()[:-1], octets() + b"\n",
     b" " + octets(), octets() + b" " * (17 << 20)],
)  # fmt: skip
def test_octets_that_are_no_record(data: bytes) -> None:
    with pytest.raises(RecordError):
        CompositeRecord.from_bytes(data)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(octets()) - 1), st.integers(1, 255))
def test_a_changed_octet_never_passes(place: int, mask: int) -> None:
    data = bytearray(octets())
    data[place] ^= mask
    fails(bytes(data))


def test_another_verifiers_signature_or_none() -> None:
    for signed in (
        sign_request(request(), VERIFIER_KEYS[BANK]),
        SignedRequest(request().canonical, bytes(64)),
    ):
        record = composite_record(request(), answer(), signed_request=signed)
        with pytest.raises(DisclosureError) as caught:
            recheck_composite(record, log_verifier=LOG)
        assert caught.value.reason == "REQUEST_SIGNATURE_INVALID"


def test_verified_outside_the_requests_life() -> None:
    receipt = receipt_for(request(), answer(), verified=request().expires)
    record = composite_record(request(), answer(), receipt=receipt)
    with pytest.raises(DisclosureError) as caught:
        recheck_composite(record, log_verifier=LOG)
    assert caught.value.reason == "REQUEST_EXPIRED"


def test_a_record_holds_the_policy_that_it_was_asked_by_and_no_other() -> None:
    record = CompositeRecord.from_bytes(octets())
    assert record.policy.name == record.request.policy
    other = replace(record.policy, name=replace(record.policy.name, version=2))
    with pytest.raises(RecordError) as caught:
        replace(record, policy=other)
    assert caught.value.field == "policy"


def test_an_auditor_finds_out_who_asked_more_than_was_allowed() -> None:
    """The service refused such a request; a file of it that is well made otherwise does not hold."""
    record = CompositeRecord.from_bytes(octets())
    narrow = replace(record.policy, items=record.policy.items[:1])
    proofs = {each: proof for each, proof in record.proofs.items() if each != record.policy.entry()}
    proofs[narrow.entry()] = logged((narrow.entry(),))[narrow.entry()]
    with pytest.raises(DisclosureError) as caught:
        recheck_composite(replace(record, policy=narrow, proofs=proofs), log_verifier=LOG)
    assert caught.value.reason == "OVER_ASKING"


def test_no_record_of_a_verifier_who_has_registered_another_key() -> None:
    class Other(Publications):
        def verifier_key(self, name: VerifierName) -> bytes:
            return find_key(BANK)

    with pytest.raises(RecordError) as caught:
        composite_record(request(), answer(), ledger=Other())
    assert caught.value.field == "verifier_key"
