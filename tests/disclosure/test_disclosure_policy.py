"""Records of registered policies: as large as may be, and the state in which they demand receipts."""

import hashlib
from dataclasses import replace
from string import ascii_lowercase

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure import MalformedError
from disclosure.policy import AllowedItem, RegisteredPolicy, receipt_state, states_beyond
from tests.disclosure.test_disclosure_allowance import COMPOSITE, PLAIN
from tlog import ReceiptState
from wire.policy import policy_of, policy_to

DEMANDING = {each: replace(COMPOSITE, receipt=each) for each in ReceiptState}
UNCHANGED = {
    "e6f7cb7f8748f6160359fc39daf307e87c56f50a333a8fc6c663e1e4791b9996": PLAIN,
    "4c9faf89b7258dbd06145f180e885f3f7556eecbf8b8ed4c0721e340b4a28a4b": COMPOSITE,
}
"""Policies that say nothing of receipts, by the SHA-256 of the octets that they always had."""


def test_the_policy_of_most_parts_is_read_as_it_is_written() -> None:
    """What can be registered can be read: one that cannot would end every list that it is in."""
    names = [first + second for first in ascii_lowercase for second in ascii_lowercase][:256]
    shown, proven = tuple(names[:128]), tuple(names[128:])
    widest = replace(COMPOSITE, items=tuple(AllowedItem("hrss", each, shown, proven) for each in names[:64]))
    assert len(widest.entry()) > 48_000
    assert RegisteredPolicy.from_bytes(widest.canonical) == widest


@pytest.mark.parametrize(("digest", "policy"), UNCHANGED.items(), ids=["plain", "composite"])
def test_a_policy_that_demands_no_state_has_the_octets_that_it_had(
    digest: str, policy: RegisteredPolicy
) -> None:
    assert hashlib.sha256(policy.canonical).hexdigest() == digest
    assert (policy.receipt, policy.demands) == (None, frozenset())
    assert replace(policy, receipt=None).canonical == policy.canonical


@pytest.mark.parametrize("state", ReceiptState)
def test_a_demand_stands_in_the_record_behind_all_else(state: ReceiptState) -> None:
    policy = DEMANDING[state]
    assert cbor2.loads(policy.canonical) == [*cbor2.loads(COMPOSITE.canonical), state.value]
    assert RegisteredPolicy.from_bytes(policy.canonical) == policy
    assert policy_of(policy_to(policy)) == policy
    assert policy.demands == ({state} - {ReceiptState.PENDING})
    others = {COMPOSITE.canonical, *(each.canonical for key, each in DEMANDING.items() if key is not state)}
    assert policy.canonical not in others


def test_whoever_does_not_know_the_demand_does_not_prove_the_policy() -> None:
    """A reader of before drops the field of the message: what is left is another record, on no ledger."""
    message = policy_to(DEMANDING[ReceiptState.ORDERED])
    message.ClearField("receipt")
    assert policy_of(message) == COMPOSITE
    assert policy_of(message).entry() != DEMANDING[ReceiptState.ORDERED].entry()


def ended(*more: object) -> bytes:
    """A policy's record with something more at its end."""
    return cbor2.dumps([*cbor2.loads(COMPOSITE.canonical), *more], canonical=True)


@pytest.mark.parametrize(
    ("more", "reason", "field"),
    [
        (("cosigned",), "POLICY_INVALID", "receipt"),
        (("ORDERED",), "POLICY_INVALID", "receipt"),
        (("ordered ",), "POLICY_INVALID", "receipt"),
        (("",), "POLICY_INVALID", "receipt"),
        ((None,), "MALFORMED", ""),
        ((b"ordered",), "MALFORMED", ""),
        ((3,), "MALFORMED", ""),
        ((["ordered"],), "MALFORMED", ""),
        (("ordered", None), "MALFORMED", ""),
        (("anchored", "ordered"), "MALFORMED", ""),
    ],
)
def test_another_end_of_a_record_is_no_demand(more: tuple[object, ...], reason: str, field: str) -> None:
    with pytest.raises(MalformedError) as caught:
        RegisteredPolicy.from_bytes(ended(*more))
    assert (caught.value.reason, caught.value.field) == (reason, field)


@given(st.text(max_size=9) | st.sampled_from(["pending", "anchored", "ordered"]))
def test_a_state_is_written_in_one_way(written: str) -> None:
    if written in {each.value for each in ReceiptState}:
        assert receipt_state(written).value == written
        return
    with pytest.raises(MalformedError) as caught:
        receipt_state(written)
    assert (caught.value.reason, caught.value.field) == ("POLICY_INVALID", "receipt")


@pytest.mark.parametrize("number", [4, -1, 1 << 30])
def test_a_number_of_a_message_that_is_no_state_is_refused(number: int) -> None:
    message = policy_to(COMPOSITE)
    message.receipt = number  # type: ignore[assignment]
    with pytest.raises(MalformedError) as caught:
        policy_of(message)
    assert (caught.value.reason, caught.value.field) == ("POLICY_INVALID", "receipt")


@given(st.integers(0, len(DEMANDING[ReceiptState.ANCHORED].canonical) * 8 - 1))
def test_a_changed_bit_is_refused_or_another_policy(bit: int) -> None:
    whole = DEMANDING[ReceiptState.ANCHORED]
    octets = bytearray(whole.canonical)
    octets[bit // 8] ^= 1 << bit % 8
    try:
        other = RegisteredPolicy.from_bytes(bytes(octets))
    except MalformedError:
        return
    assert other.canonical == bytes(octets)
    assert other != whole


def test_what_goes_beyond_a_receipt_is_named() -> None:
    assert states_beyond(None) == states_beyond(ReceiptState.PENDING) == frozenset()
    for each in (ReceiptState.ANCHORED, ReceiptState.ORDERED):
        assert states_beyond(each) == {each}
