"""The client before a service that fails or lies: it goes on where it can, and believes nothing."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

import tlog
from disclosure import Directory, DisclosureError, KeyState, MalformedError, Presentation, RefusedError
from disclosure.links import ExchangeLink
from tests.disclosure.world import (
    BANK,
    CREDENTIALS,
    DIRECTORY,
    PERMIT,
    PERMIT_2,
    POLICE,
    REQUEST,
    directory,
    present,
    request,
)
from tests.verifier.judging import ANSWER, changed_value
from tests.verifier.log import LOG, MOMENT, SIGNER, receipt_for
from tests.verifier.scripted import Script, opened, scripted
from verifier import AnswerError, ExpiredError, TimedOutError, recheck
from verifier.client import Answered, OpenExchange, VerifierClient
from wire import convert
from wire.client import ServiceError
from zkproto.v1 import presentation_pb2

State = presentation_pb2.WatchExchangeResponse
PENDING = State(state=State.STATE_PENDING)
EXPIRED = State(state=State.STATE_EXPIRED)
BROKEN = grpc.StatusCode.UNAVAILABLE
OTHER_LOG = tlog.Signer.from_secret(SIGNER.name, bytes(32))
SHORT, LONG = dt.timedelta(seconds=0.7), dt.timedelta(seconds=20)


def answered(answer: Presentation = ANSWER, receipt: bytes | None = None) -> Any:
    return State(
        state=State.STATE_VERIFIED,
        presentation=convert.presentation_to(answer, DIRECTORY.schema),
        receipt=receipt_for(REQUEST, answer) if receipt is None else receipt,
    )


async def asked(client: VerifierClient) -> OpenExchange:
    return await asyncio.to_thread(client.ask, REQUEST)


async def waited(folder: Path, *streams: list[Any], timeout: dt.timedelta = LONG, **more: Any) -> Answered:
    script = Script(opens=[opened()], streams=list(streams), **more)
    async with scripted(folder, script) as client:
        exchange = await asked(client)
        return await asyncio.to_thread(client.wait, exchange, timeout)


async def refused(waiting: Awaitable[Any], reason: str) -> None:
    with pytest.raises((DisclosureError, tlog.TlogError, AnswerError)) as caught:
        await waiting
    assert getattr(caught.value, "reason", None) == reason


# ---- an honest answer


async def test_an_honest_answer_is_verified_here_and_recorded(tmp_path: Path) -> None:
    got = await waited(tmp_path, [PENDING, PENDING, answered()])
    assert got.verified.presentation_digest == ANSWER.digest
    assert recheck(got.record, log_verifier=LOG).verified == got.verified


async def test_an_exchange_is_what_was_opened(tmp_path: Path) -> None:
    script = Script(opens=[opened()])
    async with scripted(tmp_path, script) as client:
        exchange = await asked(client)
    assert (exchange.exchange, exchange.result_token, exchange.expires) == ("exchanges/x1", "token-1", MOMENT)
    assert isinstance(exchange.link, ExchangeLink)
    assert (exchange.link.exchange, exchange.link.ticket) == ("exchanges/x1", "ticket-1")
    assert exchange.signed_request.request == REQUEST
    assert "token-1" not in repr(exchange)
    assert "ticket-1" not in repr(exchange)


# ---- a service that fails


async def test_asking_goes_on_under_the_same_id(tmp_path: Path) -> None:
    script = Script(opens=[BROKEN, BROKEN, opened()])
    async with scripted(tmp_path, script) as client:
        assert (await asked(client)).exchange == "exchanges/x1"
    assert len(script.calls) == 3
    assert len({each.request_id for each in script.calls}) == 1
    assert len({each.SerializeToString() for each in script.calls}) == 1


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL, grpc.StatusCode.DEADLINE_EXCEEDED]
)
async def test_asking_ends_where_it_is_refused(tmp_path: Path, code: grpc.StatusCode) -> None:
    script = Script(opens=[code])
    async with scripted(tmp_path, script) as client:
        with pytest.raises(ServiceError) as caught:
            await asked(client)
    assert (caught.value.code, caught.value.reason) == (code, code.name)
    assert len(script.calls) == 1


async def test_two_asks_have_two_ids(tmp_path: Path) -> None:
    script = Script(opens=[opened()])
    async with scripted(tmp_path, script) as client:
        await asked(client)
        await asked(client)
    assert len({each.request_id for each in script.calls}) == 2


@pytest.mark.parametrize(
    "streams",
    [
        [[BROKEN], [answered()]],
        [[PENDING, BROKEN], [PENDING, BROKEN], [answered()]],
        [[], [PENDING], [answered()]],
        [[grpc.StatusCode.CANCELLED], [answered()]],
        [[grpc.StatusCode.DEADLINE_EXCEEDED], [answered()]],
    ],
)
async def test_waiting_goes_on_over_broken_streams(tmp_path: Path, streams: list[Any]) -> None:
    got = await waited(tmp_path, *streams)
    assert got.verified.presentation_digest == ANSWER.digest


async def test_waiting_ends_where_it_is_refused(tmp_path: Path) -> None:
    for code in (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INTERNAL):
        with pytest.raises(ServiceError) as caught:
            await waited(tmp_path, [code])
        assert caught.value.code is code


@pytest.mark.parametrize(
    ("streams", "word"), [([[PENDING]], "answered"), ([[BROKEN]], "reached"), ([[]], "answered")]
)
async def test_waiting_ends_when_its_time_is_over(tmp_path: Path, streams: list[Any], word: str) -> None:
    with pytest.raises(TimedOutError) as caught:
        await waited(tmp_path, *streams, timeout=SHORT)
    assert caught.value.reason == "TIMED_OUT"
    assert word in caught.value.detail


async def test_no_time_to_wait_is_no_wait(tmp_path: Path) -> None:
    with pytest.raises(TimedOutError):
        await waited(tmp_path, [answered()], timeout=dt.timedelta(0))


async def test_nobody_answered(tmp_path: Path) -> None:
    with pytest.raises(ExpiredError) as caught:
        await waited(tmp_path, [PENDING, EXPIRED])
    assert caught.value.reason == "EXPIRED"


async def test_a_catalogue_out_of_reach_for_a_moment(tmp_path: Path) -> None:
    got = await waited(tmp_path, [PENDING, answered()], catalogue_fails=2)
    assert got.verified.presentation_digest == ANSWER.digest


# ---- a service that lies


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (State(), "ANSWER_MALFORMED"),
        (State(state=State.STATE_VERIFIED), "PRESENTATION_INVALID"),
        (answered(receipt=b""), "PROOF_MALFORMED"),
        (answered(receipt=receipt_for(REQUEST, present(REQUEST, CREDENTIALS))), "RECEIPT_MISMATCH"),
        (answered(receipt=receipt_for(REQUEST, ANSWER, signer=OTHER_LOG)), "NOTE_UNSIGNED"),
        (answered(receipt=receipt_for(REQUEST, ANSWER, verified=REQUEST.expires)), "REQUEST_EXPIRED"),
        (
            answered(receipt=receipt_for(REQUEST, ANSWER, verified=MOMENT + dt.timedelta(minutes=3))),
            "RECEIPT_MISMATCH",
        ),
        (answered(changed_value(0, "district", "370103")), "PROOF_INVALID"),
        (answered(changed_value(0, "district", "370103"), receipt_for(REQUEST, ANSWER)), "RECEIPT_MISMATCH"),
        (answered(present(request(nonce=bytes(32)), CREDENTIALS)), "REQUEST_MISMATCH"),
    ],
)
async def test_what_a_lying_service_calls_verified(tmp_path: Path, state: Any, reason: str) -> None:
    await refused(waited(tmp_path, [state]), reason)


async def test_a_service_cannot_change_what_was_asked(tmp_path: Path) -> None:
    """An open exchange kept in a file may have been changed there: the key that asked tells."""
    script = Script(opens=[opened()], streams=[[answered()]])
    async with scripted(tmp_path, script) as client:
        exchange = await asked(client)
        other = replace(exchange.signed_request, payload=request(nonce=bytes(32)).canonical)
        changed = replace(exchange, signed_request=other)
        await refused(asyncio.to_thread(client.wait, changed, LONG), "REQUEST_SIGNATURE_INVALID")


CHANGED_SCHEMA = Directory(
    {**DIRECTORY.schemas, PERMIT.name: replace(PERMIT, validity_days=1)}, DIRECTORY.issuer_keys
)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"known": directory(police=KeyState.RETIRED)}, "ISSUER_KEY_RETIRED"),
        ({"known": CHANGED_SCHEMA}, "PROOF_INVALID"),
        ({"schema_name": PERMIT_2.name}, "ANSWER_MALFORMED"),
    ],
)
async def test_a_catalogue_that_lies(tmp_path: Path, more: dict[str, Any], reason: str) -> None:
    await refused(waited(tmp_path, [answered()], **more), reason)


@pytest.mark.parametrize(
    "answer",
    [
        opened(exchange=""),
        opened(exchange="x1"),
        opened(exchange="offers/x1"),
        opened(exchange="exchanges/x/1"),
        opened(ticket=""),
        opened(ticket="a b"),
        opened(result_token=""),
        opened(expire_time=None),
        opened(pairing_code="123456"),
    ],
)
async def test_an_exchange_that_is_none(tmp_path: Path, answer: Any) -> None:
    async with scripted(tmp_path, Script(opens=[answer])) as client:
        with pytest.raises(AnswerError) as caught:
            await asked(client)
    assert caught.value.reason == "ANSWER_MALFORMED"


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "１２３４５６"])
async def test_a_service_that_drops_the_pairing_code_is_found_out(tmp_path: Path, code: str) -> None:
    """Else whoever asked for it would believe that a forwarded link fetches nothing."""
    async with scripted(tmp_path, Script(opens=[opened(pairing_code=code)])) as client:
        with pytest.raises(AnswerError) as caught:
            await asyncio.to_thread(client.ask, request(), pairing=True)
    assert caught.value.field == "pairing_code"


async def test_a_client_asks_in_its_own_name_only(tmp_path: Path) -> None:
    script = Script(opens=[opened()])
    async with scripted(tmp_path, script) as client:
        with pytest.raises(RefusedError) as caught:
            await asyncio.to_thread(client.ask, request(verifier=BANK))
    assert caught.value.reason == "REQUEST_MISMATCH"
    assert script.calls == []


def said(**changes: Any) -> presentation_pb2.VerifyPresentationResponse:
    parts = [
        presentation_pb2.VerifiedCredential(
            query=each.shown.query,
            department=f"departments/{each.shown.schema.department}",
            schema=str(each.shown.schema),
            values=convert.values_to(DIRECTORY.schema(each.shown.schema), each.shown.values.items()),
            expiry=convert.date_to(each.shown.expiry) if each.shown.expiry else None,
        )
        for each in ANSWER.credentials
    ]
    fields: dict[str, Any] = {"credentials": parts, "presentation_digest": ANSWER.digest}
    return presentation_pb2.VerifyPresentationResponse(**(fields | changes))


def broken(change: Callable[[Any], Any]) -> presentation_pb2.VerifyPresentationResponse:
    message = said()
    change(message.credentials[0])
    return message


@pytest.mark.parametrize(
    "answer",
    [
        said(presentation_digest=bytes(32)),
        said(presentation_digest=b""),
        said(credentials=[]),
        broken(lambda each: setattr(each, "department", "police")),
        broken(lambda each: setattr(each, "schema", "")),
        broken(lambda each: setattr(each.expiry, "month", 13)),
        broken(lambda each: each.values.append(each.values[0])),
    ],
)
async def test_what_no_service_says_of_a_presentation(tmp_path: Path, answer: Any) -> None:
    script = Script(opens=[opened()], verified=answer)
    async with scripted(tmp_path, script) as client:
        signed = (await asked(client)).signed_request
        with pytest.raises(AnswerError):
            await asyncio.to_thread(client.verify_remote, signed, ANSWER)


async def test_what_a_service_says_of_a_presentation(tmp_path: Path) -> None:
    script = Script(opens=[opened()], verified=said())
    async with scripted(tmp_path, script) as client:
        signed = (await asked(client)).signed_request
        verified = await asyncio.to_thread(client.verify_remote, signed, ANSWER, at=MOMENT)
    assert verified.credentials[0].values == ANSWER.credentials[0].shown.values
    assert verified.credentials[0].issuer_key == POLICE.key.name
    sent = script.calls[-1]
    assert convert.moment_of(sent.verify_time, field="") == MOMENT
    assert convert.presentation_of(sent.presentation) == ANSWER


async def test_a_presentation_of_no_form_is_refused_here(tmp_path: Path) -> None:
    state = answered()
    state.presentation.credentials[0].proof = b"x"
    with pytest.raises(MalformedError):
        await waited(tmp_path, [state])
