"""What is repeated, when, and when no more: the decision by itself, and over servers that fail as told."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from hypothesis import given
from hypothesis import strategies as st

from tests.clients.cutting import until
from tests.clients.hinting import Hinting, hinting, refusing
from wire import failures
from wire.client import Calling, Endpoint, call, service_error
from wire.failures import ExhaustedError, ServiceError, TimeoutExceededError, UnavailableError, failure
from wire.repeating import Attempts, Budget, Policy, is_repeatable, within
from zkproto.v1 import (
    account_pb2,
    administration_pb2,
    application_pb2,
    appointment_pb2,
    catalog_pb2,
    catalog_pb2_grpc,
    consent_pb2,
    delivery_pb2,
    errand_pb2,
    issuance_pb2,
    keyed_pb2,
    ledger_pb2,
    ledger_pb2_grpc,
    operation_pb2,
    policy_pb2,
    presentation_pb2,
    publication_pb2,
    record_pb2,
    revocation_pb2,
    session_pb2,
    statistics_pb2,
    token_pb2,
)

READER = "/zkproto.v1.LedgerService/GetCheckpoint"
NOT_TWICE = {
    # Answers once with a secret.
    "CreateDepartment", "CreateRegistration", "CreateRegulatorAccess", "OpenSession",
    "CreateToken", "ReplaceSecret",
    # The same again is refused, or is another one.
    "CreateSchema", "CreateVerifier", "CreateItem", "CreateTable", "UpdateDepartment", "UpdateVerifier",
    "UpdateItem", "BeginKeyedIssuance", "IssueKeyedCredential", "BatchCheckKeyedPresentations",
    "UpdateAdministrator", "RetryErrandPart", "AcknowledgeDelivery", "PublishReceivingCard", "CloseReceiving",
    "CreateAdministrator", "SetAdministratorSecret", "RemoveAdministrator", "ApproveAction", "RejectAction",
    "RotateTokenKeys",
    # A wrong pairing code counts each time.
    "FetchRequest",
    # Tells how many it withdrew, and again none; a stream.
    "WithdrawRecords", "PushRecords",
}  # fmt: skip
FILES = (
    account_pb2, administration_pb2, application_pb2, appointment_pb2, catalog_pb2, consent_pb2,
    delivery_pb2, errand_pb2, issuance_pb2, keyed_pb2, ledger_pb2, operation_pb2, policy_pb2,
    presentation_pb2, publication_pb2, record_pb2, revocation_pb2, session_pb2, statistics_pb2, token_pb2,
)  # fmt: skip
READING = ("Get", "List", "Watch", "Read", "Count", "Search", "Export", "Verify", "BatchVerify", "Fetch")
Options = descriptor_pb2.MethodOptions


def methods() -> Iterator[tuple[str, str, int, bool]]:
    """Give each method of the contract: full name, name, level, whether its request has a request_id."""
    for file in FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                level = int(method.GetOptions().idempotency_level)
                named = "request_id" in method.input_type.fields_by_name
                yield f"/{service.full_name}/{method.name}", method.name, level, named


def test_every_method_says_whether_it_may_be_repeated() -> None:
    found = list(methods())
    assert len(found) > 90
    assert {name for _, name, level, _ in found if level == Options.IDEMPOTENCY_UNKNOWN} == NOT_TWICE
    for full, name, level, named in found:
        assert is_repeatable(full) == (name not in NOT_TWICE), full
        if level == Options.NO_SIDE_EFFECTS:
            assert name.startswith(READING), full
        if named and level == Options.IDEMPOTENCY_UNKNOWN:
            assert name == "AcknowledgeDelivery", f"{full} has a request_id, which is there to repeat it"


def test_what_the_contract_does_not_have_is_not_repeated() -> None:
    assert not is_repeatable("/grpc.health.v1.Health/Check")
    assert not is_repeatable("/zkproto.v1.LedgerService/Nothing")
    assert not is_repeatable("")
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMethodByName("zkproto.v1.LedgerService.Nothing")


def attempts(
    method: str = READER, budget: Budget | None = None, limit: float = 1e9, **wanted: int | float | None
) -> Attempts:
    return Attempts(method, Policy(**wanted), budget or Budget(), limit, draw=lambda most: most)  # type: ignore[arg-type]


UNREACHED = failure(grpc.StatusCode.UNAVAILABLE, "")


def test_pauses_double_up_to_the_longest_and_end_with_the_attempts() -> None:
    made = attempts(attempts=6, first=0.25, longest=1.0)
    assert [made.pause_after(UNREACHED, 0) for _ in range(6)] == [0.25, 0.5, 1.0, 1.0, 1.0, None]


@pytest.mark.parametrize(
    "code", [each for each in grpc.StatusCode if each is not grpc.StatusCode.UNAVAILABLE]
)
def test_no_other_code_is_repeated_by_itself(code: grpc.StatusCode) -> None:
    assert attempts().pause_after(failure(code, ""), 0) is None


def test_a_hint_is_waited_for_beside_the_pause() -> None:
    told = ExhaustedError(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", "", retry_after=7.0)
    assert attempts(first=0.5).pause_after(told, 0) == 7.5
    unsaid = failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "")
    assert attempts().pause_after(unsaid, 0) is None


def test_nothing_is_repeated_past_the_deadline() -> None:
    made = attempts(limit=100.0, first=1.0, longest=1.0)
    assert made.pause_after(UNREACHED, 98.9) == 1.0
    assert made.pause_after(UNREACHED, 99.0) is None
    far = ExhaustedError(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", "", retry_after=1e12)
    assert attempts(limit=100.0).pause_after(far, 0) is None


def test_a_certificate_that_is_not_believed_is_not_tried_again() -> None:
    detail = "Ssl handshake failed: SSL_ERROR_SSL: error:1000007d:CERTIFICATE_VERIFY_FAILED"
    assert attempts().pause_after(failure(grpc.StatusCode.UNAVAILABLE, detail), 0) is None


def test_what_may_not_be_done_twice_is_not() -> None:
    for name in ("CatalogService/CreateDepartment", "SessionService/OpenSession"):
        assert attempts(f"/zkproto.v1.{name}").pause_after(UNREACHED, 0) is None


def test_a_budget_ends_repetitions_and_successes_bring_them_back() -> None:
    budget = Budget(most=4, given_back=0.5)
    assert [budget.failed() for _ in range(4)] == [True, False, False, False]
    for _ in range(4):
        budget.succeeded()
    assert not budget.failed()  # two tokens were given back and one was taken
    for _ in range(100):
        budget.succeeded()
    assert [budget.failed(), budget.failed()] == [True, False]


@given(
    st.lists(st.tuples(st.floats(0, 5), st.one_of(st.none(), st.floats(0, 5))), max_size=30),
    st.floats(0.1, 60),
    st.integers(1, 12),
)
def test_however_calls_fail_the_last_attempt_begins_before_the_deadline(
    failing: list[tuple[float, float | None]], limit: float, most: int
) -> None:
    made, now, count = Attempts(READER, Policy(attempts=most), Budget(), limit), 0.0, 1
    for took, hint in failing:
        now += took
        code = grpc.StatusCode.UNAVAILABLE if hint is None else grpc.StatusCode.RESOURCE_EXHAUSTED
        pause = made.pause_after(ServiceError(code, "", "", retry_after=hint), now)
        if pause is None:
            break
        assert pause >= (hint or 0)
        now, count = now + pause, count + 1
        assert now < limit
    assert count <= most


@pytest.mark.parametrize(
    "make",
    [
        lambda: Policy(attempts=0), lambda: Policy(first=0), lambda: Policy(first=3, longest=2),
        lambda: Policy(factor=0.5), lambda: Budget(0), lambda: Budget(1, 0), lambda: Calling(0),
    ],
    ids=["attempts", "first", "longest", "factor", "most", "given-back", "timeout"],
)  # fmt: skip
def test_rules_that_make_no_sense_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        make()


Get = Callable[[Endpoint], object]
QUICK = Policy(first=0.01, longest=0.05)
REQUEST = ledger_pb2.GetCheckpointRequest()


async def blocking(endpoint: Endpoint) -> object:
    def get() -> object:
        channel = endpoint.channel()
        try:
            return call(ledger_pb2_grpc.LedgerServiceStub(channel).GetCheckpoint, REQUEST)
        finally:
            channel.close()

    return await asyncio.to_thread(get)


async def asynchronous(endpoint: Endpoint) -> object:
    async with endpoint.channel_aio() as channel:
        try:
            return await ledger_pb2_grpc.LedgerServiceStub(channel).GetCheckpoint(REQUEST)
        except grpc.aio.AioRpcError as error:
            raise service_error(error) from None


both = pytest.mark.parametrize("get", [blocking, asynchronous])
UNAVAILABLE = refusing(grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE")


@both
async def test_a_reader_is_asked_again_until_it_is_answered(tmp_path: Path, get: Get) -> None:
    script = Hinting([UNAVAILABLE] * 3)
    async with hinting(tmp_path / "server", script) as endpoint:
        await get(endpoint(Calling(policy=QUICK)))  # type: ignore[misc]
    assert len(script.moments) == 4


@both
async def test_a_hint_is_waited_for(tmp_path: Path, get: Get) -> None:
    told = refusing(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", after=0.4)
    script = Hinting([told, told])
    async with hinting(tmp_path / "server", script) as endpoint:
        await get(endpoint(Calling(policy=QUICK)))  # type: ignore[misc]
    first, second, third = script.moments
    assert min(second - first, third - second) >= 0.4


@both
async def test_what_fails_at_last_is_raised_as_it_was_told(tmp_path: Path, get: Get) -> None:
    script = Hinting(always=refusing(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", 3600.0))
    async with hinting(tmp_path / "server", script) as endpoint:
        with pytest.raises(ExhaustedError) as caught:
            await get(endpoint(None))  # type: ignore[misc]
        assert (caught.value.reason, caught.value.retry_after) == ("OVERLOADED", 3600.0)
        assert len(script.moments) == 1, "it would have ended past the deadline"
        script.always = UNAVAILABLE
        with pytest.raises(UnavailableError):
            await get(endpoint(Calling(policy=QUICK)))  # type: ignore[misc]
        assert len(script.moments) == 1 + 5


@both
async def test_many_callers_of_a_failing_service_make_no_storm(tmp_path: Path, get: Get) -> None:
    script = Hinting(always=UNAVAILABLE)
    async with hinting(tmp_path / "server", script) as endpoint:
        one = endpoint(Calling(policy=QUICK, budget=Budget(20)))
        told = await asyncio.gather(*(get(one) for _ in range(40)), return_exceptions=True)  # type: ignore[call-overload]
    assert {type(each) for each in told} == {UnavailableError}
    assert 40 <= len(script.moments) <= 40 + 10


@both
async def test_the_endpoints_timeout_and_the_blocks(tmp_path: Path, get: Get) -> None:
    script = Hinting(hangs=True)
    async with hinting(tmp_path / "server", script) as endpoint:
        with pytest.raises(TimeoutExceededError):
            await get(endpoint(Calling(timeout=0.3)))  # type: ignore[misc]
        with within(0.3), within(1000), pytest.raises(TimeoutExceededError):
            await get(endpoint(Calling(timeout=1000)))  # type: ignore[misc]
        await until(lambda: script.given_up == 2)


async def test_a_calls_own_timeout_counts_before_the_endpoints(tmp_path: Path) -> None:
    script = Hinting(hangs=True)
    async with hinting(tmp_path / "server", script) as endpoint:
        channel = endpoint(Calling(timeout=1000)).channel()
        method = ledger_pb2_grpc.LedgerServiceStub(channel).GetCheckpoint
        with pytest.raises(TimeoutExceededError):
            await asyncio.to_thread(call, method, REQUEST, timeout=0.3)
        channel.close()


async def test_a_writer_that_may_not_be_repeated_is_called_once(tmp_path: Path) -> None:
    script = Hinting(always=UNAVAILABLE)
    async with hinting(tmp_path / "server", script) as endpoint:
        channel = endpoint(Calling(policy=QUICK)).channel()
        method = catalog_pb2_grpc.CatalogServiceStub(channel).CreateDepartment
        with pytest.raises(UnavailableError):
            await asyncio.to_thread(call, method, catalog_pb2.CreateDepartmentRequest())
        channel.close()
    assert len(script.moments) == 1


def test_every_code_has_one_kind_of_error() -> None:
    kinds = {each: type(failure(each, "x")) for each in grpc.StatusCode}
    assert all(issubclass(each, ServiceError) and each is not ServiceError for each in kinds.values())
    assert set(kinds.values()) == {
        each
        for each in vars(failures).values()
        if isinstance(each, type) and issubclass(each, ServiceError) and each is not ServiceError
    }


@both
async def test_an_error_has_reason_places_and_hint(tmp_path: Path, get: Get) -> None:
    told = refusing(grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID", 0.25, "queries[0].id")
    async with hinting(tmp_path / "server", Hinting(always=told)) as endpoint:
        with pytest.raises(failures.InvalidError) as caught:
            await get(endpoint(None))  # type: ignore[misc]
    error = caught.value
    assert (error.reason, error.retry_after, error.violations[0].field) == (
        "FIELD_INVALID", 0.25, "queries[0].id",
    )  # fmt: skip
    assert str(error) == "INVALID_ARGUMENT FIELD_INVALID: as the test wants it"
