"""Vectors of registered policies: their records, what is none, and what requests ask beyond them.

Written by `python -m scripts.web_vectors`. The policies and the requests are those of the tests of Python.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import cbor2

from disclosure import DisclosureError
from disclosure.policy import RegisteredPolicy
from scripts.web_vectors import Json, flips, text_of
from tests.disclosure import test_disclosure_allowance as asking
from tlog import ReceiptState

POLICIES: Final = {
    "plain": asking.PLAIN,
    "composite": asking.COMPOSITE,
    "ordered": replace(asking.COMPOSITE, receipt=ReceiptState.ORDERED),
}
(LABEL, NAME, PURPOSE, TEXT, BASIS, RETENTION, ITEMS, SCOPES, ESCROWS, LISTS, FOREIGN, STANDING) = range(12)
Parts = list[Any]


def files() -> dict[str, str]:
    """Return every file's text by its name."""
    vectors = {
        "policies": {name: _policy(each) for name, each in POLICIES.items()},
        "records": list(_records()),
    }
    return {"policies.json": text_of(vectors)}


def _policy(policy: RegisteredPolicy) -> Json:
    return {
        "name": str(policy.name),
        "octets": policy.canonical.hex(),
        "entry": policy.entry().hex(),
        "flips": flips(policy.canonical, RegisteredPolicy.from_bytes),
    }


def _records() -> Iterator[Json]:
    """Give records of which one part is another one, with the reason and the place that refuse them."""
    for name, octets in changed_records():
        reason, field = refusal(RegisteredPolicy.from_bytes, octets)
        yield {"name": name, "octets": octets.hex(), "reason": reason, "field": field}


def refusal(act: Callable[..., object], *given: object) -> tuple[str, str]:
    """Return reason and place of what is refused; ("", "") if nothing is."""
    try:
        act(*given)
    except DisclosureError as error:
        return error.reason, error.field
    return "", ""


def changed_records() -> Iterator[tuple[str, bytes]]:
    """Give a policy's record with one part, or two, of it changed, and what was done."""
    for name, change in _CHANGES.items():
        parts: Parts = cbor2.loads(asking.COMPOSITE.canonical)
        change(parts)
        yield name, cbor2.dumps(parts, canonical=True)
    for place in range(LABEL, STANDING + 1):
        for wrong in _WRONG:
            parts = cbor2.loads(asking.PLAIN.canonical)
            parts[place] = wrong
            yield f"part {place} is {wrong!r}", cbor2.dumps(parts, canonical=True)
    for wrong in _WRONG:
        parts = [*cbor2.loads(asking.PLAIN.canonical), wrong]
        yield f"one part more, {wrong!r}", cbor2.dumps(parts, canonical=True)


def _put(value: Any, *way: int) -> Callable[[Parts], None]:
    """Return what puts a value where a way leads."""

    def change(parts: Parts) -> None:
        for step in way[:-1]:
            parts = parts[step]
        parts[way[-1]] = value

    return change


def _both(*changes: Callable[[Parts], None]) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        for each in changes:
            each(parts)

    return change


def _many(count: int) -> list[str]:
    return [f"a{each:03}" for each in range(count)]


def _digests(count: int) -> list[bytes]:
    return [each.to_bytes(32) for each in range(count)]


_WRONG: Final[tuple[Any, ...]] = (None, True, -1, 1 << 63, "x", b"x", [], ["x"], [b"x"], [None])
_ATTRIBUTE: Final = ["public-security", "household", "child_secret"]
_MEMBERS: Final = ["verifiers/bank-1", "verifiers/school-3"]
_CHANGES: Final[dict[str, Callable[[Parts], None]]] = {
    "nothing": lambda parts: None,
    "another label": _put("zk-disclosure/registered-policy/v1", LABEL),
    "one part more": lambda parts: parts.append(None),
    "one part less": lambda parts: parts.pop(),
    "a policy without a version": _put("verifiers/school-3/policies/any", NAME),
    "version 0": _put("verifiers/school-3/policies/any@0", NAME),
    "a version with a zero before it": _put("verifiers/school-3/policies/any@01", NAME),
    "the longest version": _put("verifiers/school-3/policies/any@999999", NAME),
    "a longer version": _put("verifiers/school-3/policies/any@1000000", NAME),
    "a line behind the version": _put("verifiers/school-3/policies/any@1\n", NAME),
    "a policy of a department": _put("departments/school-3/policies/any@1", NAME),
    "a verifier in capitals": _put("verifiers/School/policies/any@1", NAME),
    "a purpose without its collection": _put("enrolment", PURPOSE),
    "a purpose in capitals": _put("purposes/Enrolment", PURPOSE),
    "a purpose of two parts": _put("purposes/enrolment/x", PURPOSE),
    "another purpose": _put("purposes/other", PURPOSE),
    "a text of one language": _put(["别的"], TEXT),
    "a text of three languages": _put(["别的", "x", "y"], TEXT),
    "an empty text": _put(["", "x"], TEXT),
    "a text of spaces": _put(["别的", "  "], TEXT),
    "a text with a line's end": _put(["别的\n", "x"], TEXT),
    "a text that is too long": _put(["别", "x" * 1001], BASIS),
    "a text that hides something": _put(["别", "x\u202ey"], BASIS),
    "a text that is not composed": _put(["别", "e\u0301"], BASIS),
    "a text of octets": _put(["别", b"x"], BASIS),
    "a wrong text, and no truth value behind it": _both(_put(["", "x"], TEXT), _put(0, FOREIGN)),
    "a wrong item, and a wrong purpose": _both(_put("x", PURPOSE), _put("X", ITEMS, 0, 0)),
    "a wrong purpose, and kept for ever": _both(_put("x", PURPOSE), _put(36_526, RETENTION)),
    "kept for less than no time": _put(-1, RETENTION),
    "not kept": _put(0, RETENTION),
    "kept for a century": _put(36_525, RETENTION),
    "kept for ever": _put(36_526, RETENTION),
    "kept for the most of 64 bits": _put((1 << 64) - 1, RETENTION),
    "kept for a text": _put("30", RETENTION),
    "items out of order": lambda parts: parts[ITEMS].reverse(),
    "an item twice": lambda parts: parts[ITEMS].insert(0, parts[ITEMS][0]),
    "items by their parts, not by their names": _put([["a", "x", [], []], ["a-b", "x", [], []]], ITEMS),
    "items by their names": _put([["a-b", "x", [], []], ["a", "x", [], []]], ITEMS),
    "as many items as may be": _put([["hrss", each, [], []] for each in _many(64)], ITEMS),
    "an item too many": _put([["hrss", each, [], []] for each in _many(65)], ITEMS),
    "an item in capitals": _put("X", ITEMS, 0, 1),
    "an item's name with a dash": _put("a-b", ITEMS, 0, 1),
    "an item without what is proven": lambda parts: parts[ITEMS][0].pop(),
    "an item that ends in a number": _put(1, ITEMS, 0, 3),
    "shown out of order": _put(["b", "a"], ITEMS, 0, 2),
    "shown twice": _put(["a", "a"], ITEMS, 0, 2),
    "shown in capitals": _put(["A"], ITEMS, 0, 2),
    "shown octets": _put([b"a"], ITEMS, 0, 2),
    "as many shown as may be": _put(_many(128), ITEMS, 0, 2),
    "one shown too many": _put(_many(129), ITEMS, 0, 2),
    "proven out of order": _put(["number", "months"], ITEMS, 0, 3),
    "proven and nothing": _put([None, "months"], ITEMS, 0, 3),
    "one proven too many": _put(_many(129), ITEMS, 0, 3),
    "shown and proven": _put(["months"], ITEMS, 0, 2),
    "scopes out of order": lambda parts: parts[SCOPES].reverse(),
    "a scope twice": lambda parts: parts[SCOPES].insert(0, parts[SCOPES][0]),
    "as many scopes as may be": _put([[each, [], None] for each in _many(64)], SCOPES),
    "a scope too many": _put([[each, [], None] for each in _many(65)], SCOPES),
    "a scope in capitals": _put("X", SCOPES, 0, 0),
    "a scope with an underscore": _put("enrol_2026", SCOPES, 0, 0),
    "a scope of one member": _put(_MEMBERS[:1], SCOPES, 0, 1),
    "a scope of two members": _put(_MEMBERS, SCOPES, 0, 1),
    "members out of order": _put(_MEMBERS[::-1], SCOPES, 0, 1),
    "a member twice": _put(_MEMBERS[:1] * 2, SCOPES, 0, 1),
    "a member that is a department": _put(["departments/a", *_MEMBERS], SCOPES, 0, 1),
    "a member of octets": _put([b"verifiers/a", *_MEMBERS], SCOPES, 0, 1),
    "a wrong member, and a wrong subject": _both(_put(["x"], SCOPES, 0, 1), _put(["x"], SCOPES, 0, 2)),
    "a wrong label, and a wrong member": _both(_put("X", SCOPES, 0, 0), _put(["x"], SCOPES, 0, 1)),
    "of holder and subject": _put([["a", [], None], ["a", [], _ATTRIBUTE]], SCOPES),
    "of subject and holder": _put([["a", [], _ATTRIBUTE], ["a", [], None]], SCOPES),
    "fewer members first": _put([["a", [], None], ["a", _MEMBERS, None], ["a-b", [], None]], SCOPES),
    "a subject of two parts": _put(_ATTRIBUTE[:2], SCOPES, 0, 2),
    "a subject in capitals": _put([*_ATTRIBUTE[:2], "A"], SCOPES, 0, 2),
    "a subject of a department in capitals": _put(["A", *_ATTRIBUTE[1:]], SCOPES, 0, 2),
    "an escrow twice": lambda parts: parts[ESCROWS].insert(0, parts[ESCROWS][0]),
    "escrows in order": _put([[each, _ATTRIBUTE] for each in _digests(64)], ESCROWS),
    "escrows out of order": _put([[each, _ATTRIBUTE] for each in _digests(2)[::-1]], ESCROWS),
    "an escrow too many": _put([[each, _ATTRIBUTE] for each in _digests(65)], ESCROWS),
    "an escrow of nothing": _put(None, ESCROWS, 0, 1),
    "an escrow for a short digest": _put(bytes(31), ESCROWS, 0, 0),
    "an escrow for a text": _put("x", ESCROWS, 0, 0),
    "lists out of order": _put(_digests(2)[::-1], LISTS),
    "a list twice": _put(_digests(1) * 2, LISTS),
    "as many lists as may be": _put(_digests(64), LISTS),
    "a list too many": _put(_digests(65), LISTS),
    "a short digest of a list": _put([bytes(31)], LISTS),
    "a list that is a text": _put(["x", bytes(32)], LISTS),
    "a text among lists, and a short digest": _put(["x", bytes(31)], LISTS),
    "foreign is one": _put(1, FOREIGN),
    "no foreign numbers": _put(False, FOREIGN),
    "never beforehand": _put(None, STANDING),
    "no time": _put(0, STANDING, 0),
    "once": _put(1, STANDING, 0),
    "a thousand times": _put(1_000, STANDING, 0),
    "more than a thousand times": _put(1_001, STANDING, 0),
    "true times": _put(True, STANDING, 0),
    "at any time": _put(0, STANDING, 1),
    "less than no days apart": _put(-1, STANDING, 1),
    "too many days apart": _put(36_526, STANDING, 1),
    "for no day": _put(0, STANDING, 2),
    "for too many days": _put(36_526, STANDING, 2),
    "limits of two numbers": lambda parts: parts[STANDING].pop(),
    "limits with a text": _put("1", STANDING, 2),
    "pending": lambda parts: parts.append("pending"),
    "anchored": lambda parts: parts.append("anchored"),
    "ordered": lambda parts: parts.append("ordered"),
    "a state in capitals": lambda parts: parts.append("ORDERED"),
    "a state and a space": lambda parts: parts.append("ordered "),
    "an empty state": lambda parts: parts.append(""),
    "a state in octets": lambda parts: parts.append(b"ordered"),
    "a state in a list": lambda parts: parts.append(["ordered"]),
    "two states": lambda parts: parts.extend(["anchored", "ordered"]),
    "a state, and nothing": lambda parts: parts.extend(["ordered", None]),
    "a state in the place of limits": _put("ordered", STANDING),
    "a state before the limits": lambda parts: parts.insert(STANDING, "ordered"),
    "no state, and wrong limits": _both(lambda parts: parts.append("x"), _put(0, STANDING, 0)),
    "no state, and a wrong purpose": _both(lambda parts: parts.append("x"), _put("x", PURPOSE)),
    "octets for a state, and a wrong name": _both(lambda parts: parts.append(b""), _put("x", NAME)),
}
