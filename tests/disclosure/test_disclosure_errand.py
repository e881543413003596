"""Bundles, asks and forms of errands: what they bind, and what they refuse."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from disclosure import LocalizedText, MalformedError, PolicyName, RefusedError, VerifierName
from disclosure.errand import (
    BundleLink,
    Counter,
    ErrandBundle,
    ErrandBundleName,
    FieldType,
    Form,
    FormField,
    FormKey,
    PartAsk,
    PartName,
    abandonment_digest,
    seal_form,
    submission_digest,
)
from tlog.entry import RecordEntry, parse_entry

TEXT = LocalizedText("测试", "test")
NAME = FormField("name", LocalizedText("姓名", "Name"), FieldType.TEXT, max_length=30)
COUNT = FormField("count", TEXT, FieldType.NUMBER)
DAY = FormField("day", TEXT, FieldType.DATE, optional=True)
VERIFIER = VerifierName("counter")
POLICY = PolicyName("counter", "open", 1)
COUNTER = Counter("first", TEXT, VERIFIER, POLICY, (NAME, COUNT, DAY), (), 5)
SECOND = Counter("second", TEXT, VERIFIER, POLICY, (), ("first",))
BUNDLE = ErrandBundle(ErrandBundleName("newborn", 3), TEXT, TEXT, (COUNTER, SECOND))
PART = PartName("a" * 22)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
VALUES: dict[str, Any] = {"name": "林小满", "count": 3, "day": dt.date(2026, 11, 1)}


def ask(**changes: Any) -> PartAsk:
    said = {
        "part": PART,
        "bundle": BUNDLE.name,
        "counter": "first",
        "request_digest": bytes(32),
        "form_key": FormKey.of(KEY, PART).public,
    }
    return PartAsk(**{**said, **changes})


def refused(reason: str, act: Any, *args: Any) -> None:
    with pytest.raises((MalformedError, RefusedError)) as caught:
        act(*args)
    assert caught.value.reason == reason


def test_a_bundle_is_read_as_it_was_written_and_is_a_record() -> None:
    assert ErrandBundle.from_bytes(BUNDLE.canonical) == BUNDLE
    entry = parse_entry(BUNDLE.entry())
    assert isinstance(entry, RecordEntry)
    assert (entry.kind, entry.payload) == ("errand-bundle", BUNDLE.canonical)
    assert BUNDLE.digest != replace(BUNDLE, description=LocalizedText("别的", "other")).digest


@pytest.mark.parametrize("octets", [b"", b"\x80", BUNDLE.canonical[:-1], BUNDLE.canonical + b"\x00"])
def test_octets_that_are_no_bundle(octets: bytes) -> None:
    refused("MALFORMED", ErrandBundle.from_bytes, octets)


@pytest.mark.parametrize(
    "counters",
    [
        (),
        (COUNTER, COUNTER),
        (SECOND, COUNTER),
        (replace(COUNTER, depends_on=("first",)), SECOND),
        (COUNTER, replace(SECOND, depends_on=("first", "first"))),
        tuple(replace(COUNTER, part=f"p{number}") for number in range(17)),
    ],
)
def test_a_bundle_has_an_order_without_a_circle(counters: tuple[Counter, ...]) -> None:
    refused("VALUE_INVALID", lambda: replace(BUNDLE, counters=counters))


def test_a_counter_asks_by_a_policy_of_its_own() -> None:
    refused("REQUEST_INVALID", lambda: replace(COUNTER, policy=PolicyName("other", "open", 1)))
    refused("VALUE_INVALID", lambda: replace(COUNTER, fields=(NAME, NAME)))
    refused("VALUE_INVALID", lambda: replace(COUNTER, settle_days=367))


@pytest.mark.parametrize("name", ["newborn@1", "errandBundles/newborn", "errandBundles/newborn@0", "x/a@1"])
def test_names_of_bundles(name: str) -> None:
    refused("NAME_INVALID", ErrandBundleName.parse, name)
    assert str(ErrandBundleName.parse("errandBundles/newborn@3")) == str(BUNDLE.name)


@pytest.mark.parametrize("name", ["errandParts/short", "parts/" + "a" * 22, "errandParts/" + "a" * 21 + "/"])
def test_names_of_parts(name: str) -> None:
    refused("NAME_INVALID", PartName.parse, name)
    assert PartName.parse(str(PART)) == PART


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (NAME, ""), (NAME, " "), (NAME, "a" * 31), (NAME, "a\nb"), (NAME, 3), (NAME, "\u202eevil"),
        (COUNT, "3"), (COUNT, True), (COUNT, 1 << 63), (DAY, "2026-01-01"),
        (DAY, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    ],
)  # fmt: skip
def test_values_that_may_not_stand_in_a_field(field: FormField, value: Any) -> None:
    refused("VALUE_INVALID", field.check, value)


def test_what_a_person_writes() -> None:
    assert (NAME.parse("林"), COUNT.parse("3"), DAY.parse("2026-11-01")) == ("林", 3, dt.date(2026, 11, 1))
    for field, text in ((COUNT, "three"), (DAY, "1.11.2026"), (NAME, "a" * 31)):
        refused("VALUE_INVALID", field.parse, text)


def test_the_same_question_is_the_same_wherever_it_is_asked() -> None:
    assert replace(NAME, optional=True, max_length=5).same_everywhere == NAME.same_everywhere
    others = [replace(NAME, display_name=TEXT), replace(NAME, id="nickname"), replace(COUNT, id="name")]
    assert NAME.same_everywhere not in {each.same_everywhere for each in others}


def test_a_form_wants_its_fields_and_no_others() -> None:
    COUNTER.check(VALUES)
    COUNTER.check({"name": "林", "count": 0})
    refused("ATTRIBUTE_MISSING", COUNTER.check, {"name": "林"})
    refused("ATTRIBUTE_UNKNOWN", COUNTER.check, {**VALUES, "more": 1})


@pytest.mark.parametrize(
    "changed",
    [
        {"part": PartName("b" * 22)},
        {"bundle": ErrandBundleName("newborn", 4)},
        {"counter": "second"},
        {"request_digest": bytes([1]) * 32},
        {"form_key": b""},
        {"form_key": bytes([9]) * 32},
    ],
)
def test_a_signature_ties_an_ask_to_one_part_of_one_errand(changed: dict[str, Any]) -> None:
    signature = ask().sign(KEY.sign)
    ask().check(signature, PUBLIC)
    refused("REQUEST_SIGNATURE_INVALID", ask(**changed).check, signature, PUBLIC)
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    refused("REQUEST_SIGNATURE_INVALID", ask().check, signature, other)
    refused("REQUEST_SIGNATURE_INVALID", ask().check, signature, b"")


def test_a_form_arrives_with_its_presentation() -> None:
    form = Form(VALUES)
    tag = form.tag_nonce + bytes(32)
    sealed = seal_form(form, ask())
    assert FormKey.of(KEY, PART).receive(sealed, ask(), COUNTER, tag).values == VALUES
    assert len(sealed) == len(seal_form(Form({"name": "林", "count": 1}), ask())), "the length tells"
    assert "林小满" not in repr(form)


def test_a_form_that_another_has_sealed_is_refused() -> None:
    """Anybody can seal to the counter's key: what counts is that the proofs are bound to the form."""
    form, other = Form(VALUES), Form({**VALUES, "name": "别人"})
    key = FormKey.of(KEY, PART)
    refused("PROOF_INVALID", key.receive, seal_form(other, ask()), ask(), COUNTER, form.tag_nonce + bytes(32))
    same = Form(VALUES)
    assert same.tag_nonce != form.tag_nonce, "the salt is not fresh"
    refused("PROOF_INVALID", key.receive, seal_form(same, ask()), ask(), COUNTER, form.tag_nonce + bytes(32))


@pytest.mark.parametrize(
    "other", [{"part": PartName("b" * 22)}, {"counter": "second"}, {"request_digest": bytes([1]) * 32}]
)
def test_a_form_is_sealed_for_one_ask(other: dict[str, Any]) -> None:
    form = Form(VALUES)
    sealed = seal_form(form, ask())
    key = FormKey.of(KEY, PART)
    refused("PROOF_INVALID", key.receive, sealed, ask(**other), COUNTER, form.tag_nonce + bytes(32))
    elsewhere = FormKey.of(KEY, PartName("b" * 22))
    assert elsewhere.public != key.public
    refused("PROOF_INVALID", elsewhere.receive, sealed, ask(), COUNTER, form.tag_nonce + bytes(32))


def test_a_form_with_a_value_too_much_is_refused_by_its_counter() -> None:
    form = Form({**VALUES, "more": 1})
    key, sealed = FormKey.of(KEY, PART), seal_form(form, ask())
    refused("ATTRIBUTE_UNKNOWN", key.receive, sealed, ask(), COUNTER, form.tag_nonce + bytes(32))


@given(st.binary(max_size=1200))
def test_octets_that_are_no_sealed_form(octets: bytes) -> None:
    with pytest.raises((MalformedError, RefusedError)):
        FormKey.of(KEY, PART).receive(octets, ask(), COUNTER, bytes(48))


@given(st.integers(0, 1071), st.integers(1, 255))
def test_every_changed_octet_is_noticed(place: int, change: int) -> None:
    form = Form(VALUES)
    sealed = bytearray(seal_form(form, ask()))
    sealed[place % len(sealed)] ^= change
    key = FormKey.of(KEY, PART)
    with pytest.raises((MalformedError, RefusedError)):
        key.receive(bytes(sealed), ask(), COUNTER, form.tag_nonce + bytes(32))


def test_a_key_of_small_order_is_none() -> None:
    refused("MALFORMED", seal_form, Form(VALUES), ask(form_key=bytes(32)))


def test_digests_say_what_they_are_of() -> None:
    parts = [("errandParts/a", bytes(32), b"form"), ("errandParts/b", bytes(32), b"")]
    changed = [
        parts[::-1],
        parts[:1],
        [("errandParts/c", bytes(32), b"form"), parts[1]],
        [("errandParts/a", bytes([1]) * 32, b"form"), parts[1]],
        [("errandParts/a", bytes(32), b"other"), parts[1]],
    ]
    assert submission_digest(parts) not in {submission_digest(each) for each in changed}
    assert abandonment_digest("errands/a") != abandonment_digest("errands/b")


def test_a_link_that_begins_an_errand_is_read_as_it_is_written() -> None:
    link = BundleLink("[::1]:8443", BUNDLE.name)
    assert str(link) == "zk://begin?server=%5B%3A%3A1%5D%3A8443&bundle=newborn%403"
    assert BundleLink.parse(str(link)) == link
    assert BundleLink.begins(str(link))
    assert not BundleLink.begins("newborn@3")


@pytest.mark.parametrize(
    "link",
    [
        "",
        "zk://begin",
        "zk://begin?",
        "zk://errand?server=a%3A1&bundle=newborn%403",
        "https://begin?server=a%3A1&bundle=newborn%403",
        "ZK://begin?server=a%3A1&bundle=newborn%403",
        "zk://begin/?server=a%3A1&bundle=newborn%403",
        "zk://[begin?server=a%3A1&bundle=newborn%403",
        "zk://begin?server=a%3A1&bundle=newborn@3",
        "zk://begin?server=a%3A1&bundle=newborn%4003",
        "zk://begin?server=a%3A1&bundle=newborn",
        "zk://begin?server=a%3A1&bundle=",
        "zk://begin?server=a%3A1",
        "zk://begin?bundle=newborn%403",
        "zk://begin?bundle=newborn%403&server=a%3A1",
        "zk://begin?server=a%3A1&bundle=newborn%403&more=1",
        "zk://begin?server=a%3A1&bundle=newborn%403&bundle=newborn%403",
        "zk://begin?server=a%3A1&bundle=newborn%403#x",
        "zk://begin?server=a&bundle=newborn%403",
        "zk://begin?server=a%3A99999&bundle=newborn%403",
        "zk://begin?server=a%3A1&bundle=newborn%403\n",
        f"zk://begin?server={'a' * 1000}%3A1&bundle=newborn%403",
    ],
)
def test_what_begins_no_errand_is_refused(link: str) -> None:
    refused("LINK_INVALID", BundleLink.parse, link)
