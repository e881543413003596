"""Members of one call: how they are divided over calls, and how a refused one is read."""

import itertools

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from disclosure import DisclosureError, MalformedError, Reason, RefusedError
from tests.disclosure.world import PERMIT
from tests.wire.sending import over_the_wire
from wire import convert
from wire.batch import MAX_MEMBERS, MESSAGE_OCTETS, portions
from wire.client import FieldViolation, refusal
from zkproto.v1 import presentation_pb2
from zkservice.errors import ServiceError, ServiceReason
from zkservice.status import CODES, status_of

Member = presentation_pb2.VerifyPresentationRequest
Batch = presentation_pb2.BatchVerifyPresentationsRequest


def member(octets: int) -> Member:
    """A member of about so many octets."""
    return Member(presentation=presentation_pb2.Presentation(usage_tag=bytes(octets)))


def octets_of(members: list[Member], run: range) -> int:
    return Batch(requests=members[run.start : run.stop]).ByteSize()


SIZES = st.one_of(st.integers(0, 300), st.sampled_from([10_000, 100_000, 200_000, MESSAGE_OCTETS, 300_000]))


@given(st.lists(SIZES, max_size=40))
def test_every_member_goes_once_in_order_and_no_call_is_too_large(sizes: list[int]) -> None:
    members = [member(size) for size in sizes]
    runs = list(portions([each.ByteSize() for each in members]))
    assert [at for run in runs for at in run] == list(range(len(members)))
    for run in runs:
        assert 0 < len(run) <= MAX_MEMBERS
        assert octets_of(members, run) <= MESSAGE_OCTETS or len(run) == 1
    for run, following in itertools.pairwise(runs):
        more = range(run.start, following.start + 1)
        assert octets_of(members, more) > MESSAGE_OCTETS or len(more) > MAX_MEMBERS, "it would have fitted"


@pytest.mark.parametrize(
    ("count", "runs"), [(0, []), (1, [1]), (256, [256]), (257, [256, 1]), (600, [256, 256, 88])]
)
def test_small_members_are_divided_by_their_number(count: int, runs: list[int]) -> None:
    assert [len(run) for run in portions([100] * count)] == runs


def test_members_are_divided_at_the_very_octet() -> None:
    """Two members that fill a message exactly, and by one octet more than that."""
    for last, runs in ((MESSAGE_OCTETS - 200_000 - 4 - 4, 1), (MESSAGE_OCTETS - 200_000 - 4 - 3, 2)):
        assert len(list(portions([200_000, last]))) == runs


@pytest.mark.parametrize("reason", sorted(CODES))
def test_a_refusal_in_a_batch_reads_as_the_same_refusal_of_a_call(reason: str) -> None:
    error = (
        RefusedError(Reason(reason), "what", field="a[0].b")
        if reason in set(Reason)
        else ServiceError(ServiceReason(reason), "what", field="a[0].b")
    )
    read = refusal(over_the_wire(status_of(error)))
    assert (read.code, read.reason, read.detail) == (CODES[reason], reason, "what")
    assert read.violations == (FieldViolation("a[0].b", "what"),)


def test_a_refusal_without_a_field_names_none() -> None:
    error: DisclosureError = RefusedError(Reason.REQUEST_EXPIRED, "over")
    assert refusal(status_of(error)).violations == ()


def test_what_a_strange_service_may_put_into_a_status() -> None:
    garbage = any_pb2.Any()
    garbage.Pack(error_details_pb2.ErrorInfo(reason="X"))
    garbage.value = b"\xff"
    read = refusal(status_pb2.Status(code=3, message="m", details=[garbage, any_pb2.Any()]))
    assert (read.code.name, read.reason, read.violations) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT", ())
    assert refusal(status_pb2.Status(code=99)).code is grpc.StatusCode.UNKNOWN
    assert refusal(status_pb2.Status(code=-1)).code is grpc.StatusCode.UNKNOWN
    assert refusal(status_pb2.Status()).code is grpc.StatusCode.OK


@pytest.mark.parametrize("value", [1, b"\xff", "\ud800", 1 << 70])
def test_a_value_that_the_message_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(MalformedError) as caught:
        convert.value_to(PERMIT.attribute("district"), value)  # type: ignore[arg-type]
    assert (caught.value.reason, caught.value.field) == ("VALUE_INVALID", "district")
    assert str(value) not in str(caught.value) or value == 1
