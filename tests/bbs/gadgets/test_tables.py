"""Tables: what is loaded is checked to the last octet and the last signature."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbs import SHA_256, SHAKE_256
from bbs.engine import PairingSuite
from bbs.errors import BbsError, DecodingError, InputError, VerificationError
from bbs.gadgets.tables import (
    MAX_ENTRIES,
    Table,
    load_table,
    new_digits,
    new_table,
    octets_to_table,
    sign_table,
)
from bbs.groups.bls12_381 import r
from tests.bbs.accumulator.cases import moved
from tests.bbs.engine.cases import secret_key, suite
from tests.bbs.gadgets.cases import CODES, FAST, districts, table


@pytest.mark.parametrize("group", FAST)
def test_a_table_is_what_its_octets_say(group: str) -> None:
    made = districts(group)
    loaded = load_table(suite(group), made.octets)
    assert loaded.octets == made.octets == districts().octets
    assert loaded.digest == made.digest
    assert (loaded.purpose, loaded.scalars, loaded.key) == (made.purpose, made.scalars, made.key)
    assert loaded.V.octets == made.V.octets
    assert all(code in loaded for code in made.scalars)
    assert CODES[10] not in loaded


def test_a_true_table_is_checked_once_and_a_false_one_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    load_table.cache_clear()
    checked, real = list[Table](), Table.verified

    def verified(each: Table) -> Table:
        checked.append(each)
        return real(each)

    monkeypatch.setattr(Table, "verified", verified)
    assert load_table(suite(), districts().octets) is load_table(suite(), districts().octets)
    assert len(checked) == 1
    false = replace(districts(), entries=districts().entries[::-1]).octets
    for _ in range(2):
        with pytest.raises(VerificationError, match="SIGNATURE_INVALID"):
            load_table(suite(), false)
    assert len(checked) == 3


def other_point(each: Table) -> Any:
    return each.suite.group.msm([each.entries[0]], [2])


def false_tables() -> dict[str, Table]:
    mine, entries = table(), table().entries
    other_key = table(seed=b"U")
    other_list = table("digits", tuple(range(1, 257)))
    return {
        "first signature": replace(mine, entries=(other_point(mine), *entries[1:])),
        "last signature": replace(mine, entries=(*entries[:-1], other_point(mine))),
        "two swapped": replace(mine, entries=(entries[1], entries[0], *entries[2:])),
        "signature of another key": replace(mine, entries=(*entries[:-1], other_key.entries[-1])),
        "all of another key": replace(mine, entries=other_key.entries),
        "another key": replace(mine, key=other_key.key),
        "signature of another list": replace(mine, entries=(entries[0], other_list.entries[0], *entries[2:])),
        "another purpose": replace(mine, purpose="numbers"),
        "one scalar another": replace(mine, scalars=(*mine.scalars[:-1], 256)),
        "another order": replace(mine, scalars=mine.scalars[::-1]),
        "errors that cancel": replace(mine, entries=cancelling(mine)),
    }


def cancelling(mine: Table) -> Any:
    """Two errors whose sum is nothing: without random coefficients nobody would see them."""
    group, (first, second, *others) = mine.suite.group, mine.entries
    # a*C + y*C gets an error of (a + y)*E; with E/(a + y) for each, the errors are E and -E.
    key = secret_key(b"T").group_key
    errors = [key.divide(mine.V.point, y) for y in mine.scalars[:2]]
    return (
        group.msm([first, errors[0]], [1, 5]),
        group.msm([second, errors[1]], [1, -5]),
        *others,
    )


@pytest.mark.parametrize("name", list(false_tables()))
def test_a_table_with_one_false_signature_is_refused(name: str) -> None:
    false = false_tables()[name]
    assert octets_to_table(suite(), false.octets).digest == false.digest
    with pytest.raises(VerificationError, match="SIGNATURE_INVALID"):
        load_table(suite(), false.octets)


def test_errors_that_cancel_pass_without_random_coefficients(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the test above has something to find."""
    monkeypatch.setattr("bbs.gadgets.tables.secrets.randbits", lambda _: 6)
    false_tables()["errors that cancel"].verified()


def test_the_same_key_signs_another_list_on_another_base() -> None:
    """A publisher that uses a key twice against the rule: what it signed in one list is in no other."""
    one, other = table("codes", (1, 2)), table("codes", (1, 3))
    assert one.key == other.key
    assert one.V.octets != other.V.octets
    mixed = replace(one, scalars=(1, 3), entries=(one.entries[0], other.entries[1]))
    with pytest.raises(VerificationError, match="SIGNATURE_INVALID"):
        mixed.verified()


def test_no_base_is_that_of_another_table() -> None:
    lists = [
        ("a", (1,)),
        ("a", (1, 2)),
        ("a", (2, 1)),
        ("b", (1,)),
        ("ab", (1,)),
        ("a", (256,)),
        ("a", (0, 1)),
    ]
    bases = {table(purpose, listed).V.octets for purpose, listed in lists}
    assert len(bases) == len(lists)
    shake = new_table(SHAKE_256, "a", (1,))
    assert shake.V.octets not in bases


def test_digests_differ_by_all_that_a_table_is() -> None:
    tables = [
        table("a", (1,)),
        table("b", (1,)),
        table("a", (2,)),
        table("a", (1,), b"U"),
        table("a", (1, 2)),
    ]
    assert len({each.digest for each in tables}) == len(tables)


def small(octets: bytes) -> bytes:
    """The octets with a point of order 3 added to the last signature."""
    return octets[:-96] + moved(octets[-96:], 3)


def damaged() -> dict[str, tuple[bytes, str]]:
    octets = districts().octets
    head = len(b"zk-table/v1\n") + 1 + len(suite().identifier)
    purpose = head + 1 + 96
    count = purpose + 1 + len(b"districts")
    first = count + 4
    points = first + 32 * 10
    return {
        "empty": (b"", "INVALID_LABEL"),
        "cut in the heading": (octets[: head - 1], "INVALID_LABEL"),
        "cut in the key": (octets[: head + 50], "INVALID_LENGTH"),
        "one octet less": (octets[:-1], "INVALID_LENGTH"),
        "one octet more": (octets + b"\x00", "INVALID_LENGTH"),
        "another kind": (b"zk-table/v2\n" + octets[12:], "INVALID_LABEL"),
        "no entry": (octets[:count] + bytes(4), "INVALID_COUNT"),
        "too many entries": (
            octets[:count] + (MAX_ENTRIES + 1).to_bytes(4) + octets[first:],
            "INVALID_COUNT",
        ),
        "one entry less": (octets[:count] + (9).to_bytes(4) + octets[first:], "INVALID_LENGTH"),
        "no purpose": (octets[:purpose] + b"\x00" + octets[count:], "INVALID_LABEL"),
        "purpose of other characters": (octets[: count - 1] + b"\n" + octets[count:], "INVALID_LABEL"),
        "purpose not ASCII": (octets[: count - 1] + b"\xe9" + octets[count:], "INVALID_LABEL"),
        "scalar r": (octets[:first] + r.to_bytes(32) + octets[first + 32 :], "INVALID_SCALAR"),
        "scalar + r": (
            octets[:first]
            + (int.from_bytes(octets[first : first + 32]) + r).to_bytes(32)
            + octets[first + 32 :],
            "INVALID_SCALAR",
        ),
        "scalar twice": (
            octets[:first] + 2 * octets[first : first + 32] + octets[first + 64 :],
            "INVALID_SCALAR",
        ),
        "signature not on the curve": (octets[:-1] + bytes([octets[-1] ^ 1]), "INVALID_POINT"),
        "signature outside the subgroup": (small(octets), "NOT_IN_SUBGROUP"),
        "signature the identity": (
            octets[:points] + b"\x40" + bytes(95) + octets[points + 96 :],
            "IDENTITY_POINT",
        ),
        "key the identity": (
            octets[: head + 1] + b"\xc0" + bytes(95) + octets[head + 97 :],
            "IDENTITY_POINT",
        ),
        "key none": (octets[: head + 1] + bytes(96) + octets[head + 97 :], "INVALID_POINT"),
    }


@pytest.mark.parametrize("name", list(damaged()))
def test_octets_are_decoded_strictly(name: str) -> None:
    octets, reason = damaged()[name]
    with pytest.raises(DecodingError, match=reason):
        load_table(suite(), octets)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_octet_can_be_another(data: st.DataObject) -> None:
    octets = bytearray(districts().octets)
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BbsError):
        load_table(suite(), bytes(octets))


def test_octets_of_another_suite_are_refused() -> None:
    with pytest.raises(DecodingError, match="INVALID_LABEL"):
        load_table(PairingSuite(SHAKE_256), districts().octets)


def test_what_is_no_table_is_not_made() -> None:
    key = secret_key(b"T")

    def made(purpose: Any, listed: Any) -> Table:
        return sign_table(suite(), key.group_key, key.public_key(), purpose, listed)

    for purpose in ("", "x" * 65, "naïve", "a\nb", b"a"):
        with pytest.raises(InputError, match="INVALID_TYPE"):
            made(purpose, [1])
    for listed, reason in (
        ([], "INVALID_COUNT"),
        (range(MAX_ENTRIES + 1), "INVALID_COUNT"),
        ([1, 1], "INVALID_COUNT"),
        ([-1], "SCALAR_OUT_OF_RANGE"),
        ([r], "SCALAR_OUT_OF_RANGE"),
        ([True], "SCALAR_OUT_OF_RANGE"),
    ):
        with pytest.raises(InputError, match=reason):
            made("a", listed)
    x = int.from_bytes(key.to_octets_secret())
    with pytest.raises(InputError, match="DEGENERATE"):
        made("a", [r - x])
    with pytest.raises(VerificationError, match="SIGNATURE_INVALID"):
        sign_table(suite(), key.group_key, secret_key(b"U").public_key(), "a", [1])
    with pytest.raises(InputError, match="COUNT_MISMATCH"):
        replace(districts(), entries=districts().entries[1:])
    identity = suite().group.msm([districts().entries[0]], [0])
    with pytest.raises(DecodingError, match="IDENTITY_POINT"):
        replace(districts(), entries=(identity, *districts().entries[1:]))
    with pytest.raises(InputError, match="UNSATISFIED"):
        districts().signature(CODES[10])


def test_new_tables_have_keys_of_their_own() -> None:
    first, second = new_digits(SHA_256), new_digits(SHA_256)
    assert first.is_digits
    assert second.is_digits
    assert first.key != second.key
    assert first.V.octets == second.V.octets
    for no_digits in (
        table("digits", tuple(range(255))),
        table("digits", tuple(range(255, -1, -1))),
        table("numbers", tuple(range(256))),
    ):
        assert not no_digits.is_digits


def test_a_table_shows_no_more_than_it_has_to() -> None:
    assert repr(districts()) == f"Table(districts, 10 scalars, {districts().digest.hex()})"
