"""Every reason that a caller can reach, over a real server: status, reason, field, nothing changed."""

import asyncio
import datetime as dt
import resource
import time
from collections.abc import AsyncIterator, Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import grpc
import pytest
import pytest_asyncio

from disclosure import Reason
from tests.zkservice import (
    cases_accounts,
    cases_administration,
    cases_applications,
    cases_catalog,
    cases_centre,
    cases_composite,
    cases_composite_issuance,
    cases_consents,
    cases_deliveries,
    cases_errand_counters,
    cases_errand_refusing,
    cases_errands,
    cases_issuance,
    cases_parties,
    cases_policies,
    cases_presentation,
    cases_publication,
    cases_records,
    cases_request,
    cases_revocation,
    cases_session,
    cases_statistics,
)
from tests.zkservice.publishing import SCHOOL, publish, table
from tests.zkservice.pushes import Pusher, groups, record
from tests.zkservice.refusing import Case, Town, furnished, try_case
from tests.zkservice.stored import change, dump
from tests.zkservice.support import (
    PERMIT,
    City,
    Issued,
    aio_error,
    channel_that_outlives,
    city,
    refusal,
    reopened,
)
from verifier.verify import verify_presentations
from wire.convert import presentation_to
from zkproto.v1 import issuance_pb2, ledger_pb2, presentation_pb2
from zkservice.errors import ServiceReason
from zkservice.status import CODES

CASES: Final = [
    case
    for module in (
        cases_accounts,
        cases_administration,
        cases_applications,
        cases_catalog,
        cases_centre,
        cases_deliveries,
        cases_parties,
        cases_errand_counters,
        cases_errand_refusing,
        cases_errands,
        cases_issuance,
        cases_composite_issuance,
        cases_consents,
        cases_records,
        cases_request,
        cases_policies,
        cases_presentation,
        cases_publication,
        cases_revocation,
        cases_session,
        cases_statistics,
    )
    for case in module.CASES
]
HOLDERS_OWN: Final = {
    Reason.LINK_INVALID,
    Reason.EXPIRY_INVALID,
    Reason.UNSATISFIED,
    Reason.DELIVERY_INVALID,
    Reason.DELIVERY_REPLAYED,
    Reason.DOCUMENT_INVALID,
    Reason.CONTEXT_UNKNOWN,
    Reason.POINTER_INVALID,
    Reason.LOG_KEY_NOT_FOLLOWED,
}
"""What only a holder or a verifier finds, at home; in the table, so that it never gets another meaning."""
COMPOSITE_FORM: Final = {*cases_composite.REASONS, Reason.RECEIPT_MISMATCH}
"""What presentations of the composite form and openings meet: in tests of their own, over the same server."""
WHERE_DEMANDED: Final = {ServiceReason.CHALLENGE_MISSING}
"""What only a server answers that demands challenges: see test_challenges."""
BY_CERTIFICATE: Final = {ServiceReason.CERTIFICATE_INVALID, ServiceReason.CERTIFICATE_REVOKED}
"""What only the port for certificates answers: see test_certificates and test_revoked_certificates."""
THAT_ARE_COUNTED: Final = {Reason.OVER_ASKING, ServiceReason.PAIRING_WRONG}
"""What changes a counter when it is refused, and nothing else: see test_policies and test_pairing."""
BY_LIMITS: Final = {ServiceReason.RATE_LIMITED, ServiceReason.TOO_MANY_CALLS, ServiceReason.CALL_TIMEOUT}
"""What the limits find before a message is read, or by the clock: see test_limits_server."""
REACHED_BELOW: set[str] = set()
_Test = TypeVar("_Test", bound=Callable[..., Any])


def reaches(reason: ServiceReason) -> Callable[[_Test], _Test]:
    REACHED_BELOW.add(reason)
    return lambda test: test


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with furnished(tmp_path_factory.mktemp("town")) as opened:
        yield opened


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_refused_and_nothing_changed(town: Town, case: Case) -> None:
    await try_case(town, case)


def test_the_status_table_has_every_reason_and_no_other() -> None:
    assert set(CODES) == {*Reason, *ServiceReason}
    assert not {*Reason} & {*ServiceReason}


def test_every_reason_is_reached_by_a_case() -> None:
    elsewhere = HOLDERS_OWN | COMPOSITE_FORM | BY_CERTIFICATE | WHERE_DEMANDED | THAT_ARE_COUNTED | BY_LIMITS
    assert {case.reason for case in CASES} | REACHED_BELOW | elsewhere == {*Reason, *ServiceReason}


@contextmanager
def full_disk(folder: Path) -> Any:
    """Let no file of this process grow beyond what the database's log of writes has: the disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = (folder / "service.sqlite3-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@reaches(ServiceReason.STORAGE_UNAVAILABLE)
async def test_a_full_disk_is_told_and_undoes_the_write(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        before = dump(tmp_path)
        with full_disk(tmp_path):
            error = await refusal(town.add_verifier("shop"))
        assert (error.code.name, error.reason) == ("UNAVAILABLE", "STORAGE_UNAVAILABLE")
        assert dump(tmp_path) == before
        await town.add_verifier("shop")
        issued = await town.claim(await town.issue())
        await town.answered(issued)


@reaches(ServiceReason.INTERNAL)
async def test_a_fault_of_the_service_says_nothing_of_what_is_stored(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        offer = await town.issue()
        change(tmp_path, "update offer set sealed = zeroblob(400)")
        ask = issuance_pb2.ClaimCredentialRequest(
            offer=offer.offer, claim_code=offer.claim_code, request_id="00000000-0000-4000-8000-000000000000"
        )
        error = await refusal(town.issuance.ClaimCredential(ask))
        assert (error.code.name, error.reason) == ("INTERNAL", "INTERNAL")
        assert error.detail == "a fault of the service; it has been logged"


@reaches(ServiceReason.SECRET_NOT_ACCEPTED)
async def test_a_secret_is_not_taken_where_tokens_are_and_changes_nothing(tmp_path: Path) -> None:
    async with city(tmp_path):
        pass
    async with reopened(tmp_path, accept_secrets=False) as town:
        before = dump(tmp_path)
        error = await refusal(town.add_verifier("shop"))
        assert (error.code.name, error.reason) == ("UNAUTHENTICATED", "SECRET_NOT_ACCEPTED")
        assert dump(tmp_path) == before


@reaches(ServiceReason.TOO_MANY_WATCHERS)
async def test_watchers_leave_room_for_others(tmp_path: Path) -> None:
    async with city(tmp_path, max_concurrent_calls=8) as town:
        ask = ledger_pb2.WatchCheckpointsRequest()
        streams = [town.ledger.WatchCheckpoints(ask) for _ in range(2)]
        for stream in streams:
            await stream.read()
        error = await refusal(town.ledger.WatchCheckpoints(ask).read())
        assert (error.code.name, error.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_WATCHERS")
        exchange = await town.ask(town.request())
        watch = presentation_pb2.WatchExchangeRequest(
            exchange=exchange.exchange, result_token=exchange.result_token
        )
        assert await town.presentation.WatchExchange(watch).read()
        streams[0].cancel()
        for _ in range(100):
            stream = town.ledger.WatchCheckpoints(ask)
            try:
                assert await stream.read()
                break
            except Exception:
                await asyncio.sleep(0.02)
        else:
            pytest.fail("a place that was left stays taken")


@reaches(ServiceReason.SHUTTING_DOWN)
async def test_watchers_are_told_of_the_end(tmp_path: Path) -> None:
    async with channel_that_outlives(city(tmp_path)) as (town, end):
        exchange = await town.ask(town.request())
        watch = presentation_pb2.WatchExchangeRequest(
            exchange=exchange.exchange, result_token=exchange.result_token
        )
        streams = [
            town.ledger.WatchCheckpoints(ledger_pb2.WatchCheckpointsRequest()),
            town.presentation.WatchExchange(watch),
        ]
        for stream in streams:
            await stream.read()
        before, started = dump(tmp_path), time.monotonic()
        await end()
        assert time.monotonic() - started < 5, "the end waited for streams that have no end"
        for stream in streams:
            error = await refusal(stream.read())
            assert (error.code.name, error.reason) == ("UNAVAILABLE", "SHUTTING_DOWN")
        assert dump(tmp_path) == before


def slowly(seconds: float) -> Callable[..., Any]:
    """Verify truly, on a machine that is busy."""

    def verify(*args: Any) -> Any:
        time.sleep(seconds)
        return verify_presentations(*args)

    return verify


async def submission_that_is_false(town: City, issued: Issued) -> tuple[Any, Any]:
    """Return an exchange and a submission for it whose proof has one octet changed."""
    request = town.request()
    exchange = await town.ask(request)
    submission = town.submission(exchange, *town.present(request, issued))
    proof = submission.presentation.credentials[0].proof
    submission.presentation.credentials[0].proof = proof[:-1] + bytes([proof[-1] ^ 1])
    return exchange, submission


@reaches(ServiceReason.TOO_MANY_ATTEMPTS)
async def test_a_ticket_does_not_buy_verification_without_end(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        issued = await town.claim(await town.issue())
        _, submission = await submission_that_is_false(town, issued)
        for _ in range(20):
            assert (await refusal(town.presentation.SubmitPresentation(submission))).reason == "PROOF_INVALID"
        error = await refusal(town.presentation.SubmitPresentation(submission))
        assert (error.code.name, error.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_ATTEMPTS")
        await town.answered(issued)


@reaches(ServiceReason.TOO_MANY_TABLES)
async def test_an_owner_publishes_so_many_tables_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with city(tmp_path, max_tables=2) as town:
        first, _ = [await publish(town, table(number=each), town.department_token) for each in range(2)]

        def verified(_: Any) -> Any:
            raise AssertionError("a signature of the table is verified")

        with monkeypatch.context() as patch:
            patch.setattr("zkservice.services.publication._published_of", verified)
            error = await refusal(publish(town, table(number=2), town.department_token))
            assert (error.reason, *(each.field for each in error.violations)) == (
                "TOO_MANY_TABLES",
                "table.owner",
            )
            assert await publish(town, table(), town.department_token) == first
        await publish(town, table(SCHOOL, 2), town.admin)
        assert len(dump(tmp_path)["published_table"]) == 3


@reaches(ServiceReason.PUSH_RUNNING)
async def test_an_item_is_pushed_by_one_stream_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.services.records._PATIENCE", 0.2)
    async with city(tmp_path) as town:
        pusher = Pusher(town, town.department_token)
        first = pusher.stub.PushRecords(metadata=pusher.bearer)
        for message in (pusher.start(), *groups([record(1)])):
            await first.write(message)
        assert (await first.read()).push.done == 1
        before = dump(tmp_path)
        error = await refusal(pusher.push([record(1), record(2)]))
        assert (error.code.name, error.reason) == ("UNAVAILABLE", "PUSH_RUNNING")
        assert (await refusal(pusher.withdraw(1))).reason == "PUSH_RUNNING"
        assert dump(tmp_path) == before
        first.cancel()
        made = await pusher.push([record(1), record(2)])
        assert (made.issued, made.unchanged) == (1, 1)


@reaches(ServiceReason.OVERLOADED)
async def test_whoever_comes_when_too_many_wait_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zkservice.gathering.MAX_WAITING", 4)
    monkeypatch.setattr("zkservice.judging.verify_presentations", slowly(0.2))
    async with city(tmp_path, crypto_threads=1) as town:
        issued = await town.claim(await town.issue())
        request = town.request()
        presentation, _ = town.present(request, issued)
        asked = presentation_pb2.VerifyPresentationRequest(
            signed_request=town.create_exchange(request).signed_request,
            presentation=presentation_to(presentation, lambda _: PERMIT),
        )
        calls = [town.presentation.VerifyPresentation(asked) for _ in range(60)]
        told = [
            aio_error(each).reason if isinstance(each, grpc.aio.AioRpcError) else "OK"
            for each in await asyncio.gather(*calls, return_exceptions=True)
        ]
        assert set(told) == {"OK", "OVERLOADED"}
        await town.presentation.VerifyPresentation(asked)


async def test_a_verifier_that_was_told_expired_finds_no_answer_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The presentation comes in time and is still being verified when the request ends."""
    monkeypatch.setattr("zkservice.judging.verify_presentations", slowly(2.5))
    async with city(tmp_path) as town:
        issued = await town.claim(await town.issue())
        request = town.request(lifetime=dt.timedelta(seconds=2))
        exchange = await town.ask(request)
        submission = town.submission(exchange, *town.present(request, issued))
        watching = town.presentation.WatchExchange(
            presentation_pb2.WatchExchangeRequest(
                exchange=exchange.exchange, result_token=exchange.result_token
            )
        )
        submitted = asyncio.ensure_future(refusal(town.presentation.SubmitPresentation(submission)))
        states = [each.state async for each in watching]
        before = dump(tmp_path)
        assert states[-1] == presentation_pb2.WatchExchangeResponse.STATE_EXPIRED
        error = await submitted
        assert (error.code.name, error.reason) == ("FAILED_PRECONDITION", "REQUEST_EXPIRED")
        assert dump(tmp_path) == before
