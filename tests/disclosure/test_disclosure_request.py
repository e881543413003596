"""Requests: signed as they are, refused when anything of them changed, alive for their time only."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from disclosure import (
    ExpiryRule,
    LocalizedText,
    MalformedError,
    PolicyName,
    Query,
    RefusedError,
    Request,
    SignedRequest,
    VerifierName,
    canonical,
    open_request,
    sign_request,
)
from disclosure.request import CLOCK_TOLERANCE, MAX_LIFETIME
from tests.disclosure.strategies import localized
from tests.disclosure.world import (
    BANK,
    INSURANCE,
    NONCE,
    NOW,
    PERMIT,
    PERMIT_2,
    POLICY,
    PURPOSE,
    QUERIES,
    REQUEST,
    SCHOOL,
    SCHOOL_KEY,
    request,
)

LABEL = "zk-disclosure/request/v1"
PUBLIC_KEY = SCHOOL_KEY.public_key().public_bytes_raw()
SIGNED = sign_request(REQUEST, SCHOOL_KEY)
SECOND = dt.timedelta(seconds=1)


def find_key(name: VerifierName) -> bytes:
    assert name == SCHOOL
    return PUBLIC_KEY


attribute_ids = st.from_regex(r"\A[a-z][a-z0-9_]{0,8}\Z")
queries = st.lists(
    st.builds(
        Query,
        attribute_ids,
        st.sampled_from([PERMIT.name, PERMIT_2.name, INSURANCE.name]),
        st.lists(attribute_ids, max_size=4, unique=True).map(tuple),
        st.sampled_from(ExpiryRule),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda each: each.id,
).map(tuple)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    created = dt.datetime.fromtimestamp(draw(st.integers(0, 1 << 36)), dt.UTC)
    lifetime = dt.timedelta(seconds=draw(st.integers(1, 7 * 86_400)))
    nonce = draw(st.binary(min_size=32, max_size=32))
    name = draw(st.sampled_from([SCHOOL, BANK]))
    policy = PolicyName(name.verifier, draw(st.sampled_from(["any", "loan"])), draw(st.integers(1, 999_999)))
    life = created, created + lifetime
    return Request(
        name, draw(localized()), draw(queries), *life, nonce, draw(st.sampled_from([policy, None]))
    )


@given(requests())
def test_a_request_is_read_as_it_is_written(asked: Request) -> None:
    again = Request.from_bytes(asked.canonical)
    assert again == asked
    assert again.digest == asked.digest


@given(requests(), requests())
def test_two_requests_have_two_digests(first: Request, second: Request) -> None:
    assert (first.digest == second.digest) == (first == second)


def test_a_signed_request_opens() -> None:
    assert open_request(SIGNED, find_key) == REQUEST


def flipped(octets: bytes, bit: int) -> bytes:
    changed = bytearray(octets)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_each_flipped_bit_of_the_signature_is_refused() -> None:
    for bit in range(512):
        with pytest.raises(RefusedError) as caught:
            open_request(SignedRequest(SIGNED.payload, flipped(SIGNED.signature, bit)), find_key)
        assert caught.value.reason == "REQUEST_SIGNATURE_INVALID"


def test_each_flipped_bit_of_the_payload_is_refused() -> None:
    for bit in range(8 * len(SIGNED.payload)):
        with pytest.raises((RefusedError, MalformedError)) as caught:
            open_request(SignedRequest(flipped(SIGNED.payload, bit), SIGNED.signature), lambda _: PUBLIC_KEY)
        if isinstance(caught.value, RefusedError):
            assert caught.value.reason == "REQUEST_SIGNATURE_INVALID"


@pytest.mark.parametrize("key", [bytes(32), bytes(31), b"\xff" * 32, PUBLIC_KEY[::-1]])
def test_another_key_is_refused(key: bytes) -> None:
    with pytest.raises(RefusedError) as caught:
        open_request(SIGNED, lambda _: key)
    assert caught.value.reason == "REQUEST_SIGNATURE_INVALID"


def test_a_signature_of_other_bytes_is_refused() -> None:
    """The signature is over the payload under its own prefix, not over the payload as it is."""
    for signature in (SCHOOL_KEY.sign(REQUEST.canonical), SCHOOL_KEY.sign(REQUEST.digest)):
        with pytest.raises(RefusedError):
            open_request(SignedRequest(REQUEST.canonical, signature), find_key)


def test_a_request_signed_by_one_verifier_for_another_is_refused() -> None:
    other = Ed25519PrivateKey.generate()
    with pytest.raises(RefusedError):
        open_request(sign_request(REQUEST, other), find_key)


def test_what_finding_the_key_raises_is_passed_on() -> None:
    def nobody(name: VerifierName) -> bytes:
        raise LookupError(str(name))

    with pytest.raises(LookupError, match="verifiers/school-3"):
        open_request(SIGNED, nobody)


@pytest.mark.parametrize("size", [0, 63, 65])
def test_a_signature_has_64_octets(size: int) -> None:
    with pytest.raises(MalformedError) as caught:
        SignedRequest(SIGNED.payload, bytes(size))
    assert (caught.value.reason, caught.value.field) == ("REQUEST_INVALID", "signature")


# ---- time


@pytest.mark.parametrize(
    ("moment", "reason"),
    [
        (NOW - CLOCK_TOLERANCE - dt.timedelta(microseconds=1), "REQUEST_NOT_YET_VALID"),
        (NOW - dt.timedelta(days=400), "REQUEST_NOT_YET_VALID"),
        (REQUEST.expires, "REQUEST_EXPIRED"),
        (REQUEST.expires + dt.timedelta(days=400), "REQUEST_EXPIRED"),
    ],
)
def test_outside_its_life(moment: dt.datetime, reason: str) -> None:
    with pytest.raises(RefusedError) as caught:
        REQUEST.check_time(moment)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "moment", [NOW - CLOCK_TOLERANCE, NOW, REQUEST.expires - dt.timedelta(microseconds=1)]
)
def test_within_its_life(moment: dt.datetime) -> None:
    REQUEST.check_time(moment)
    REQUEST.check_time(moment.astimezone(dt.timezone(dt.timedelta(hours=8))))


def test_the_longest_life() -> None:
    assert request(expires=NOW + MAX_LIFETIME).expires - NOW == MAX_LIFETIME


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"expires": NOW}, "expires"),
        ({"expires": NOW - SECOND}, "expires"),
        ({"expires": NOW + MAX_LIFETIME + SECOND}, "expires"),
        ({"created": NOW.replace(microsecond=1)}, "created"),
        ({"created": NOW.replace(tzinfo=None)}, "created"),
        ({"expires": REQUEST.expires.replace(tzinfo=None)}, "expires"),
        ({"created": dt.datetime(1969, 12, 31, 23, 59, 59, tzinfo=dt.UTC)}, "created"),
        ({"created": dt.datetime(9999, 12, 31, tzinfo=dt.UTC)}, "created"),
        ({"expires": dt.datetime(9999, 12, 31, tzinfo=dt.UTC)}, "expires"),
        ({"nonce": bytes(31)}, "nonce"),
        ({"nonce": bytes(33)}, "nonce"),
        ({"queries": ()}, "queries"),
        ({"queries": tuple(Query(f"q{n}", PERMIT.name, ()) for n in range(17))}, "queries"),
        ({"queries": QUERIES[:1] * 2}, "queries"),
    ],
)
def test_a_request_that_is_none(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(MalformedError) as caught:
        request(**changes)
    assert (caught.value.reason, caught.value.field) == ("REQUEST_INVALID", field)


def test_a_request_too_large_to_be_read_is_not_made() -> None:
    shown = tuple(f"{'a' * 55}{n}" for n in range(100))
    with pytest.raises(MalformedError) as caught:
        request(queries=tuple(Query(f"q{n}", PERMIT.name, shown) for n in range(16)))
    assert (caught.value.reason, caught.value.field) == ("REQUEST_INVALID", "queries")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (lambda: Query("Q", PERMIT.name, ()), "NAME_INVALID"),
        (lambda: Query("q", PERMIT.name, ("a b",)), "NAME_INVALID"),
        (lambda: Query("q", PERMIT.name, ("a", "a")), "REQUEST_INVALID"),
    ],
)
def test_a_query_that_is_none(query: Any, reason: str) -> None:
    with pytest.raises(MalformedError) as caught:
        query()
    assert caught.value.reason == reason


def test_two_requests_never_share_a_nonce_by_themselves() -> None:
    fields = (SCHOOL, PURPOSE, QUERIES, NOW, NOW + SECOND)
    assert Request(*fields).nonce != Request(*fields).nonce


# ---- encoding


def raw() -> list[Any]:
    return canonical.decode(LABEL, REQUEST.canonical)


def with_query(place: int, item: Any) -> list[Any]:
    items = raw()
    items[6][0][place] = item
    return items


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([*raw(), 0], id="an item too many"),
        pytest.param(raw()[:-1], id="an item too few"),
        pytest.param(["school-3", *raw()[1:]], id="a name without its collection"),
        pytest.param([True, *raw()[1:]], id="a name that is true"),
        pytest.param([raw()[0], "any@1", *raw()[2:]], id="a policy without its verifier"),
        pytest.param([raw()[0], f"{BANK}/policies/any@1", *raw()[2:]], id="another verifier's policy"),
        pytest.param([raw()[0], f"{SCHOOL}/policies/any@0", *raw()[2:]], id="a policy of version 0"),
        pytest.param([raw()[0], 1, *raw()[2:]], id="a policy that is a number"),
        pytest.param([*raw()[:2], ["一", "a", "b"], *raw()[3:]], id="a purpose in three languages"),
        pytest.param([*raw()[:2], ["", "a"], *raw()[3:]], id="no purpose"),
        pytest.param([*raw()[:2], ["a\u202e", "a"], *raw()[3:]], id="a purpose that turns the screen"),
        pytest.param([*raw()[:3], True, *raw()[4:]], id="a time that is true"),
        pytest.param([*raw()[:3], -1, *raw()[4:]], id="a time before 1970"),
        pytest.param([*raw()[:4], 1 << 37, *raw()[5:]], id="a time too late"),
        pytest.param([*raw()[:4], (1 << 64) - 1, *raw()[5:]], id="a time beyond all"),
        pytest.param([*raw()[:5], bytes(31), raw()[6]], id="a nonce too short"),
        pytest.param([*raw()[:5], "x" * 32, raw()[6]], id="a nonce that is text"),
        pytest.param([*raw()[:6], []], id="no queries"),
        pytest.param([*raw()[:6], [None]], id="a query that is nothing"),
        pytest.param([*raw()[:6], raw()[6] * 2], id="queries twice"),
        pytest.param(with_query(0, "Permit"), id="a bad identifier"),
        pytest.param(with_query(1, str(SCHOOL)), id="a schema that is a verifier"),
        pytest.param(with_query(2, [1]), id="an attribute that is a number"),
        pytest.param(with_query(2, ["a", "a"]), id="an attribute twice"),
        pytest.param(with_query(2, "district"), id="attributes that are a text"),
        pytest.param(with_query(3, "hidden"), id="an unknown rule for the expiry"),
        pytest.param(with_query(4, "revocation-checked"), id="revocation not waived"),
        pytest.param(with_query(4, None), id="nothing said about revocation"),
    ],
)
def test_octets_that_are_no_request(items: list[Any]) -> None:
    payload = canonical.encode(LABEL, *items)
    with pytest.raises(MalformedError):
        Request.from_bytes(payload)
    with pytest.raises(MalformedError):
        open_request(SignedRequest(payload, SIGNED.signature), find_key)


def test_every_field_changes_the_digest() -> None:
    query = QUERIES[0]
    variants = [
        REQUEST,
        request(verifier=BANK, policy=None),
        request(policy=None),
        request(policy=replace(POLICY, policy="other")),
        request(policy=replace(POLICY, version=2)),
        request(purpose=LocalizedText(PURPOSE.zh, "x")),
        request(purpose=LocalizedText("别的", PURPOSE.en)),
        request(created=NOW - SECOND),
        request(expires=REQUEST.expires + SECOND),
        request(nonce=NONCE[::-1]),
        request(queries=QUERIES[::-1]),
        request(queries=QUERIES[:1]),
        *(
            request(queries=(replace(query, **changes), QUERIES[1]))
            for changes in (
                {"id": "permits"},
                {"schema": PERMIT_2.name},
                {"shown": query.shown[::-1]},
                {"shown": query.shown[:-1]},
                {"shown": (*query.shown, "name")},
                {"expiry": ExpiryRule.WAIVED},
            )
        ),
    ]
    assert len({each.digest for each in variants}) == len(variants)


def test_the_same_moment_in_another_zone_is_the_same_request() -> None:
    zone = dt.timezone(dt.timedelta(hours=8))
    assert request(created=NOW.astimezone(zone)).digest == REQUEST.digest
