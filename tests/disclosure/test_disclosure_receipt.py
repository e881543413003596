"""Receipt bodies: one encoding for each, for one presentation of one request."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure import MalformedError, ReceiptBody, RefusedError, canonical
from tests.disclosure.world import BANK, CREDENTIALS, NOW, REQUEST, SCHOOL, present, presentation, request

LABEL = "zk-disclosure/receipt-body/v1"
BODY = ReceiptBody(SCHOOL, REQUEST.digest, presentation().digest, NOW.replace(microsecond=123_000))


@given(
    st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.integers(0, (1 << 47) - 1)
)
def test_a_body_is_read_as_it_is_written(asked: bytes, answer: bytes, milliseconds: int) -> None:
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=milliseconds)
    body = ReceiptBody(SCHOOL, asked, answer, moment)
    assert ReceiptBody.from_bytes(body.to_bytes()) == body


@given(st.data())
def test_a_mutated_body_is_refused_or_another(data: st.DataObject) -> None:
    octets = bytearray(BODY.to_bytes())
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = ReceiptBody.from_bytes(bytes(octets))
    except MalformedError:
        return
    assert other != BODY


@pytest.mark.parametrize(
    "changes",
    [
        {"request_digest": bytes(31)},
        {"presentation_digest": bytes(33)},
        {"verified": NOW.replace(tzinfo=None)},
        {"verified": NOW.replace(microsecond=1)},
        {"verified": dt.datetime(1969, 12, 31, 23, 59, 59, tzinfo=dt.UTC)},
        {"verified": dt.datetime(9999, 12, 31, tzinfo=dt.UTC)},
    ],
)
def test_a_body_that_is_none(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError) as caught:
        replace(BODY, **changes)
    assert caught.value.reason == "MALFORMED"


def raw() -> list[Any]:
    return canonical.decode(LABEL, BODY.to_bytes())


@pytest.mark.parametrize(
    "items",
    [
        [*raw(), 0],
        raw()[:3],
        ["departments/hrss", *raw()[1:]],
        [*raw()[:3], True],
        [*raw()[:3], -1],
        [*raw()[:3], 1 << 47],
        [*raw()[:3], (1 << 64) - 1],
        [raw()[0], bytes(31), *raw()[2:]],
        [raw()[0], "x" * 32, *raw()[2:]],
    ],
)
def test_octets_that_are_no_body(items: list[Any]) -> None:
    with pytest.raises(MalformedError):
        ReceiptBody.from_bytes(canonical.encode(LABEL, *items))


def test_a_receipt_is_for_one_presentation_of_one_request() -> None:
    BODY.check(REQUEST, presentation())
    other_request = request(nonce=bytes(32))
    other_verifier = request(verifier=BANK)
    for asked, answer in (
        (other_request, presentation()),
        (other_verifier, presentation()),
        (REQUEST, present(REQUEST, CREDENTIALS)),
        (REQUEST, replace(presentation(), usage_tag=bytes(48))),
        (other_request, present(other_request, CREDENTIALS)),
    ):
        with pytest.raises(RefusedError) as caught:
            BODY.check(asked, answer)
        assert caught.value.reason == "RECEIPT_MISMATCH"
    with pytest.raises(RefusedError):
        replace(BODY, verifier=BANK).check(REQUEST, presentation())
