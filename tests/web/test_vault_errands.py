"""Bundles, asks, forms and errands of the page's vault are those of Python, octet for octet."""

import datetime as dt
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import (
    DisclosureError,
    ErrandLink,
    LocalizedText,
    MalformedError,
    OfferLink,
    PolicyName,
    RefusedError,
    VerifierName,
    canonical,
)
from disclosure.errand import (
    Counter,
    ErrandBundle,
    ErrandBundleName,
    FieldType,
    Form,
    FormField,
    FormKey,
    FormValue,
    PartAsk,
    PartName,
    abandonment_digest,
    submission_digest,
)
from prover.client.errand_messages import view_of
from prover.errors import ClientError
from tests.disclosure.test_disclosure_errand import BUNDLE, COUNTER, KEY, PART, VALUES
from tests.web.showing import needs_pages, run_showing
from wire.errand import bundle_of, bundle_to
from zkproto.v1 import errand_pb2 as pb

pytestmark = needs_pages
LETTERS: Final = ("a", "é", "学", "🎒")
OPTIONAL: Final = FormField("note", LocalizedText("备注", "Note"), FieldType.TEXT, optional=True)
RECORD: Final = "zk-disclosure/web-errand/v1"
DECLARED: Final = "zk-disclosure/web-declared/v1"

Given = list[list[Any]]


def text(drawn: random.Random, most: int = 12) -> LocalizedText:
    zh, en = ("".join(drawn.choices(LETTERS, k=drawn.randrange(1, most))) for _ in range(2))
    return LocalizedText(zh, en)


def field(drawn: random.Random, number: int) -> FormField:
    kind = drawn.choice(list(FieldType))
    return FormField(f"f{number}", text(drawn), kind, drawn.random() < 0.5, drawn.choice((1, 200, 1000)))


def bundle(seed: int) -> ErrandBundle:
    drawn = random.Random(seed)
    counters = list[Counter]()
    for number in range(drawn.choice((1, 2, 5, 16))):
        verifier = VerifierName(f"counter-{number}")
        before = [each.part for each in counters if drawn.random() < 0.3]
        counters.append(
            Counter(
                f"p{number}", text(drawn), verifier,
                PolicyName(verifier.verifier, "any", drawn.choice((1, 999_999))),
                tuple(field(drawn, at) for at in range(drawn.choice((0, 1, 4)))), tuple(before),
                drawn.choice((0, 14, 366)),
            )
        )  # fmt: skip
    name = ErrandBundleName("b" * drawn.choice((1, 63)), drawn.choice((1, 7, 999_999)))
    return ErrandBundle(name, text(drawn), text(drawn, 60), tuple(counters))


def reason_of(work: Callable[[Any], object], given: Any) -> Any:
    """Return the reason why Python refuses what it is given; True if it does not."""
    try:
        work(given)
    except DisclosureError as error:
        return error.reason
    return True


def value(given: FormValue) -> list[str]:
    if isinstance(given, dt.date):
        return ["date", given.isoformat()]
    return ["text", given] if isinstance(given, str) else ["number", str(given)]


def values(given: dict[str, Any]) -> dict[str, list[str]]:
    return {name: value(each) for name, each in given.items()}


def parsed(of: FormField, written: str) -> Any:
    """Return what Python makes of what was typed: a value, or the reason why it is none."""
    try:
        return value(of.parse(written))
    except MalformedError as error:
        return error.reason


async def said(built: Path, given: Given) -> list[Any]:
    answers: list[Any] = json.loads(await run_showing(built, "errands.mjs", given))
    assert len(answers) == len(given)
    return answers


async def test_bundles_are_read_and_written_alike(built: Path) -> None:
    made = [BUNDLE, *map(bundle, range(60))]
    whole = BUNDLE.canonical
    spoiled = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 3)]
    bad = [b"", b"\x80", whole[:-1], whole + b"\x00", *spoiled]
    messages = [bundle_to(each) for each in made]
    changed = list[pb.ErrandBundle]()
    for change in (
        lambda it: it.ClearField("counters"),
        lambda it: it.counters[1].depends_on.append("second"),
        lambda it: it.counters[0].fields.append(it.counters[0].fields[0]),
        lambda it: setattr(it.counters[0].fields[0], "type", 9),
        lambda it: setattr(it.counters[0], "settle_days", 367),
        lambda it: setattr(it.counters[0], "policy", "verifiers/other/policies/open@1"),
        lambda it: setattr(it, "name", "errandBundles/newborn@0"),
        lambda it: it.display_name.Clear(),
    ):
        message = bundle_to(BUNDLE)
        change(message)
        changed.append(message)
    given: Given = [
        *(["bundle", {"bundle": each.canonical.hex()}] for each in made),
        *(["bundle", {"bundle": each.hex()}] for each in bad),
        *(["message", {"message": each.SerializeToString().hex()}] for each in [*messages, *changed]),
    ]
    answers = await said(built, given)
    for each in made:
        assert answers.pop(0) == [each.canonical.hex(), each.entry().hex(), str(each.name)]
    for octets in bad:
        answer, mine = answers.pop(0), reason_of(ErrandBundle.from_bytes, octets)
        if mine is True:
            assert answer[0] == octets.hex()
        else:
            assert answer == mine
    assert answers[: len(made)] == [each.canonical.hex() for each in made]
    refused = [reason_of(bundle_of, each) for each in changed]
    assert True not in refused
    assert answers[len(made) :] == refused


async def test_what_is_typed_means_the_same(built: Path) -> None:
    written = {
        "name": ["林小满", "", " ", "a" * 31, "a\nb", "\u202eevil", "é", "e\u0301"],
        "count": ["3", "-7", "+5", "three", "1.5", "", str((1 << 63) - 1), str(1 << 63), str(-(1 << 63))],
        "day": ["2026-11-01", "2026-02-30", "1.11.2026", "0001-01-01", "9999-12-31", "0000-01-01", ""],
    }
    typed = [(name, each) for name, all_ in written.items() for each in all_]
    fields = {each.id: each for each in COUNTER.fields}
    about = {"bundle": BUNDLE.canonical.hex(), "part": "first"}
    forms: list[dict[str, Any]] = [VALUES, {"name": "林", "count": 0}, {"name": "林"}, {**VALUES, "x": 1}, {}]
    given: Given = [
        *(["parsed", {**about, "field": name, "written": each}] for name, each in typed),
        *(["same", {**about, "field": name}] for name in fields),
        *(["checked", {**about, "values": values(each)}] for each in forms),
    ]
    answers = await said(built, given)
    for name, each in typed:
        assert answers.pop(0) == parsed(fields[name], each), each
    assert answers[: len(fields)] == [each.same_everywhere.hex() for each in fields.values()]
    assert answers[len(fields) :] == [reason_of(COUNTER.check, each) for each in forms]


def asking(ask: PartAsk) -> dict[str, str]:
    return {
        "name": str(ask.part), "of": str(ask.bundle), "counter": ask.counter,
        "request": ask.request_digest.hex(), "key": ask.form_key.hex(),
    }  # fmt: skip


async def test_an_ask_is_tied_to_one_part_of_one_errand(built: Path) -> None:
    form_key = FormKey.of(KEY, PART).public
    ask = PartAsk(PART, BUNDLE.name, "first", bytes(32), form_key)
    others = [
        replace(ask, part=PartName("b" * 22)), replace(ask, bundle=ErrandBundleName("newborn", 4)),
        replace(ask, counter="second"), replace(ask, request_digest=bytes([1]) * 32),
        replace(ask, form_key=b""),
    ]  # fmt: skip
    signed = {"signature": ask.sign(KEY.sign).hex(), "signer": KEY.public_key().public_bytes_raw().hex()}
    stranger = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    malformed = [{"request": "00"}, {"key": "00"}, {"name": "errandParts/short"}, {"of": "errandBundles/a@0"}]
    parts = [(str(PART), bytes(32), b"form"), ("errandParts/" + "b" * 22, bytes([1]) * 32, b"")]
    given: Given = [
        *(["ask", asking(each)] for each in [ask, *others]),
        ["tied", {**asking(ask), **signed}],
        *(["tied", {**asking(each), **signed}] for each in others),
        *(["tied", {**asking(ask), **signed, "signer": each}] for each in (stranger, "")),
        *(["ask", {**asking(ask), **each}] for each in malformed),
        *(
            ["submission", {"parts": [[name, one.hex(), other.hex()] for name, one, other in each]}]
            for each in (parts, parts[::-1], parts[:1])
        ),
        ["abandonment", {"errand": "errands/a"}],
        ["link", {"server": "[::1]:8443", "errand": "errands/a-_9", "ticket": "t" * 43}],
        ["link", {"server": "localhost:1", "errand": "offers/a", "ticket": "t"}],
        ["link", {"server": "localhost:1", "errand": "errands/a", "ticket": "t&id=b"}],
    ]
    answers = await said(built, given)
    assert answers == [
        *(each.signed_bytes.hex() for each in [ask, *others]),
        True,
        *["REQUEST_SIGNATURE_INVALID"] * (len(others) + 2),
        "VALUE_INVALID", "VALUE_INVALID", "NAME_INVALID", "NAME_INVALID",
        *(submission_digest(each).hex() for each in (parts, parts[::-1], parts[:1])),
        abandonment_digest("errands/a").hex(),
        str(ErrandLink("[::1]:8443", "a-_9", "t" * 43)),
        "ANSWER_INVALID", "ANSWER_INVALID",
    ]  # fmt: skip


async def test_a_form_is_pythons_and_only_its_counter_opens_it(built: Path) -> None:
    drawn = random.Random(3)
    forms: list[dict[str, Any]] = [
        VALUES,
        {"name": "林", "count": -(1 << 63)},
        {"name": "学" * 10, "count": 0, "day": dt.date(1, 1, 1)},
    ]
    salts = [drawn.randbytes(32) for _ in forms]
    key = FormKey.of(KEY, PART)
    ask = PartAsk(PART, BUNDLE.name, "first", bytes(32), key.public)
    small, elsewhere = replace(ask, form_key=bytes(32)), replace(ask, part=PartName("b" * 22))
    salted = list(zip(forms, salts, strict=True))
    given: Given = [
        *(["form", {"values": values(each), "salt": salt.hex()}] for each, salt in salted),
        *(["sealed", {"values": values(each), **asking(ask)}] for each in forms),
        ["sealed", {"values": values(forms[0]), **asking(small)}],
        ["form", {"values": {}, "salt": "00"}],
    ]
    answers = await said(built, given)
    for each, salt in salted:
        form = Form(each, salt)
        assert answers.pop(0) == [form.octets_secret.hex(), form.tag_nonce.hex()]
    nonces = set[str]()
    for each in forms:
        nonce, sealed = answers.pop(0)
        nonces.add(nonce)
        tag = bytes.fromhex(nonce) + bytes(32)
        assert dict(key.receive(bytes.fromhex(sealed), ask, COUNTER, tag).values) == each
        with pytest.raises(RefusedError):
            key.receive(bytes.fromhex(sealed), elsewhere, COUNTER, tag)
    assert len(nonces) == len(forms)
    assert answers == ["MALFORMED", "MALFORMED"], "a key of small order is none"


def told(drawn: random.Random, of: ErrandBundle) -> pb.Errand:
    """Draw something that a service may tell of an errand."""
    states_of: Any = range(1, 6)
    message = pb.Errand(name="errands/mine", bundle=str(of.name), state=drawn.choice(states_of))
    message.expire_time.FromMilliseconds(drawn.randrange(1 << 41))
    states = drawn.choice(([1, 2], [2], [2, 3], [3, 4, 5, 6], [7, 2, 6], [8]))
    for each in of.counters:
        part = message.parts.add(
            name=f"errandParts/{drawn.randbytes(11).hex()}", part=each.part, state=drawn.choice(states)
        )
        for _ in range(drawn.randrange(3)):
            update = part.updates.add(state=drawn.randrange(4, 8), document=drawn.choice(("", "No. 7")))
            update.time.FromMilliseconds(drawn.randrange(1 << 41))
            if drawn.random() < 0.5:
                update.message.zh, update.message.en = "是", "yes"
            if drawn.random() < 0.3:
                update.offer_link = str(OfferLink("localhost:1", "o", "c"))
    return message


def milliseconds(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000)


def seen(message: pb.Errand, of: ErrandBundle) -> Any:
    view = view_of(message, of, "errands/mine")
    return [
        view.state.value, view.state.is_over, view.is_asked, [each.part for each in view.to_submit],
        milliseconds(view.expires),
        [
            [
                each.part, str(each.name), each.state.value.replace("-", "_"),
                [
                    [
                        one.state.value.replace("-", "_"), milliseconds(one.time),
                        one.message and [one.message.zh, one.message.en], one.document,
                        one.offer and str(one.offer),
                    ]
                    for one in each.told
                ],
            ]
            for each in view.parts
        ],
    ]  # fmt: skip


async def test_what_a_service_tells_of_an_errand_is_read_alike(built: Path) -> None:
    of = bundle(4)
    drawn = random.Random(11)
    messages = [told(drawn, of) for _ in range(80)]
    bad = list[pb.Errand]()
    for change in (
        lambda it: setattr(it, "name", "errands/other"),
        lambda it: setattr(it, "bundle", "errandBundles/other@1"),
        lambda it: it.parts.pop(),
        lambda it: setattr(it.parts[0], "part", "other"),
        lambda it: setattr(it, "state", 0),
        lambda it: setattr(it.parts[0], "state", 0),
        lambda it: setattr(it.parts[0], "name", "errandParts/short"),
        lambda it: it.parts[0].updates.add(state=4, offer_link="zk://present?x").time.FromSeconds(1),
        lambda it: it.parts[0].updates.add(state=0).time.FromSeconds(1),
    ):
        message = told(drawn, of)
        change(message)
        bad.append(message)
        with pytest.raises((ClientError, DisclosureError)):
            seen(message, of)
    about = {"bundle": of.canonical.hex(), "name": "errands/mine"}
    octets = [each.SerializeToString() for each in [*messages, *bad]]
    given: Given = [["told", {**about, "message": each.hex()}] for each in octets]
    answers = await said(built, given)
    assert answers[: len(messages)] == [seen(each, of) for each in messages]
    assert answers[len(messages) :] == ["ANSWER_INVALID"] * len(bad)
    assert {each[2] for each in answers[: len(messages)]} == {True, False}


async def test_what_the_vault_keeps_is_read_strictly(built: Path) -> None:
    ticket = ["errands/e", "t"]
    uses = [["first", "a" * 32, "b" * 32]]

    def record(**changes: Any) -> str:
        whole: dict[str, Any] = {
            "server": "a:1", "request": "r", "bundle": BUNDLE.canonical, "begun": 5, "stage": "begun",
            "ticket": ticket, "uses": uses, "told": b"told",
        }  # fmt: skip
        return canonical.encode(RECORD, *(whole | changes).values()).hex()

    def kept(is_day: Any, each: Any) -> str:
        return canonical.encode(DECLARED, 5, is_day, each).hex()

    good = [record(), record(ticket=None, uses=[], told=b""), record(stage="ended")]
    bad = [
        record(stage="gone"), record(bundle=b""), record(begun="5"), record(ticket=["errands/e"]),
        record(ticket=["offers/e", "t"]), record(uses=[["first", "a"]]), record(told=None),
        canonical.encode(RECORD, "a").hex(), canonical.encode("another", "a").hex(), "", good[0] + "00",
    ]  # fmt: skip
    declared = [
        (["text", "林"], False, "林"), (["number", "-5"], False, -5), (["date", "1970-01-02"], True, 1),
    ]  # fmt: skip
    odd: list[tuple[Any, Any]] = [(True, "x"), (False, None), (False, b"x"), ("date", 1), (True, 1 << 40)]
    steps = [
        ["trust", "regulators/a", "11" * 32], ["trust", "regulators/a", "11" * 32],
        ["trust", "regulators/a", "22" * 32], ["trust", "regulators/b", "33" * 32],
        ["distrust", "regulators/a", "22" * 32], ["distrust", "regulators/a", "11" * 32],
        ["trust", "regulators/a", "22" * 32],
    ]  # fmt: skip
    form = {"bundle": BUNDLE.canonical.hex(), "part": "first", "values": values({"name": "林", "count": 3})}
    given: Given = [
        *(["stored", {"record": each}] for each in [*good, *bad]),
        *(["declared", {"record": kept(is_day, each)}] for _, is_day, each in declared),
        *(["declared", {"record": kept(is_day, each)}] for is_day, each in odd),
        ["regulators", {"steps": steps}],
        ["kept", form],
    ]
    answers = await said(built, given)
    one, other, again = (
        ["regulators/a", "regulators/a", "11" * 32], ["regulators/b", "regulators/b", "33" * 32],
        ["regulators/a", "regulators/a", "22" * 32],
    )  # fmt: skip
    assert answers == [
        *good,
        *["VAULT_DAMAGED"] * len(bad),
        *(each for each, _, _ in declared),
        *["VAULT_DAMAGED"] * len(odd),
        [[one], [one], "REGULATOR_KEY_CHANGED", [one, other], "REGULATOR_NOT_FOUND", [other], [other, again]],
        [True, False, False, 3, [["name", ["text", "林"]], ["count", ["number", "3"]]]],
    ]
