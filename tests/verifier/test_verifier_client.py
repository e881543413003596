"""The client at a real server: ask, wait, verify here, keep the record; the server may stop in between."""

import asyncio
import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tlog
from disclosure import (
    IssuerKeyName,
    MalformedError,
    OfferLink,
    Request,
    SchemaName,
    SignedRequest,
    VerifierName,
    sign_request,
)
from tests.disclosure.world import asked_by
from tests.zkservice.allowing import asking
from tests.zkservice.support import PERMIT, VALUES, City, Issued, city, present, reopened
from verifier import ExpiredError, Policy, PolicyError, Record, TimedOutError, check_policy, keys, recheck
from verifier.client import OpenExchange, VerifierClient
from wire.client import Endpoint, ServiceError
from zkproto.v1 import presentation_pb2

LONG = dt.timedelta(seconds=30)
POLICY = f"""\
id: school-enrolment
purpose: {{zh: 入学资格审核, en: Checking who may enrol}}
lifetime: 600
queries:
  - {{id: permit, schema: {PERMIT.name}, shown: [district, since, fee], expiry: shown, revocation: waived}}
"""


def client_of(town: City, name: str = "school", key: Ed25519PrivateKey | None = None) -> VerifierClient:
    return VerifierClient(
        Endpoint.at(town.ready.address, town.ready.data / "ca.pem"),
        VerifierName(name),
        key or town.verifier_keys[name],
        tlog.Verifier.from_string(town.ready.verifier_key),
        clock=town.clock,
    )


async def answer(town: City, exchange: OpenExchange, issued: Issued) -> None:
    """Answer as the holder does who followed the link."""
    request = exchange.signed_request.request
    presentation, note = present(request, issued, town.clock())
    opened = presentation_pb2.CreateExchangeResponse(
        exchange=exchange.link.exchange, ticket=exchange.link.ticket
    )
    await town.presentation.SubmitPresentation(town.submission(opened, presentation, note))


async def test_from_policy_to_record(tmp_path: Path) -> None:
    async with city(tmp_path / "data") as town:
        issued = await town.claim(await town.issue())
        policy = Policy.parse(POLICY.encode())
        await town.add_policy(asking(policy, VerifierName("school")))
        with client_of(town) as client:
            check_policy(policy, await asyncio.to_thread(client.directory_for, policy.schemas))
            request = policy.request(VerifierName("school"), town.clock())
            exchange = await asyncio.to_thread(client.ask, request)
            assert exchange.link.server == town.ready.address
            assert exchange.signed_request.request == request
            waiting = asyncio.create_task(asyncio.to_thread(client.wait, exchange, LONG))
            await asyncio.sleep(0.2)
            assert not waiting.done()
            await answer(town, exchange, issued)
            got = await waiting
            again = await asyncio.to_thread(client.wait, exchange, LONG)
            said = await asyncio.to_thread(
                client.verify_remote, exchange.signed_request, got.record.presentation
            )
    permit = got.verified.credential("permit")
    assert permit.values == {"district": VALUES["district"], "since": VALUES["since"], "fee": None}
    assert (permit.schema, permit.issuer_key) == (PERMIT.name, issued.key.name)
    assert permit.expiry == issued.credential.expiry
    assert again == got
    assert said.credentials == got.verified.credentials

    path = tmp_path / "record.json"
    got.record.save(path)
    log = tlog.Verifier.from_string(town.ready.verifier_key)
    checked = recheck(Record.load(path), log_verifier=log)
    assert checked.verified == got.verified
    assert checked.checkpoint.origin == log.name


async def test_the_server_stops_and_comes_back_while_somebody_waits(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        issued = await town.claim(await town.issue())
        request, port = town.request(), int(town.ready.address.rpartition(":")[2])
        client = client_of(town)
        exchange = await asyncio.to_thread(client.ask, request)
        waiting = asyncio.create_task(asyncio.to_thread(client.wait, exchange, LONG))
        await asyncio.sleep(0.3)
    assert not waiting.done()
    async with reopened(tmp_path, port=port) as town:
        await answer(town, exchange, issued)
        got = await waiting
        client.close()
    assert got.verified.request == request


async def test_asking_before_the_server_is_there(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        request, port = town.request(), int(town.ready.address.rpartition(":")[2])
        client = client_of(town)
    asking = asyncio.create_task(asyncio.to_thread(client.ask, request))
    await asyncio.sleep(0.5)
    assert not asking.done()
    async with reopened(tmp_path, port=port):
        exchange = await asking
        client.close()
    assert exchange.signed_request.request == request


async def test_nobody_answers(tmp_path: Path) -> None:
    async with city(tmp_path) as town, asyncio.timeout(30):
        request = town.request(lifetime=dt.timedelta(seconds=2))
        with client_of(town) as client:
            exchange = await asyncio.to_thread(client.ask, request)
            with pytest.raises(TimedOutError):
                await asyncio.to_thread(client.wait, exchange, dt.timedelta(seconds=0.3))
            with pytest.raises(ExpiredError):
                await asyncio.to_thread(client.wait, exchange, LONG)


async def refused(client: VerifierClient, request: Request) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await asyncio.to_thread(client.ask, request)
    return caught.value


async def test_what_the_server_refuses_is_told_by_reason_and_place(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        request = town.request()
        with client_of(town, key=keys.generate()) as stranger:
            assert (await refused(stranger, request)).reason == "REQUEST_SIGNATURE_INVALID"
        unknown = asked_by(request, VerifierName("nobody"))
        with client_of(town, "nobody", keys.generate()) as nobody:
            error = await refused(nobody, unknown)
        assert error.reason == "VERIFIER_UNKNOWN"
        with client_of(town) as client:
            past = request.created - dt.timedelta(days=1)
            over = replace(request, created=past, expires=past + dt.timedelta(hours=1))
            assert (await refused(client, over)).reason == "REQUEST_EXPIRED"
            query = replace(request.queries[0], shown=("nobody",))
            error = await refused(client, replace(request, queries=(query,)))
            assert error.reason == "ATTRIBUTE_UNKNOWN"
            assert error.violations
            assert error.violations[0].field.endswith("queries[0].shown[0]")
            assert "ATTRIBUTE_UNKNOWN" in str(error)


async def test_what_is_not_in_the_catalogue(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        with client_of(town) as client:
            for schemas, issuer_keys in (
                ([SchemaName("police", "nothing", 1)], []),
                ([PERMIT.name], [IssuerKeyName("police", "0" * 32)]),
            ):
                with pytest.raises(ServiceError) as caught:
                    await asyncio.to_thread(client.directory_for, schemas, issuer_keys)
                assert caught.value.code.name == "NOT_FOUND"
            policy = Policy.parse(POLICY.replace("fee", "height").encode())
            directory = await asyncio.to_thread(client.directory_for, policy.schemas)
            with pytest.raises(PolicyError) as unknown:
                check_policy(policy, directory)
    assert unknown.value.field == "queries[0].shown[2]"


async def test_another_log_key_than_the_one_from_elsewhere(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        issued = await town.claim(await town.issue())
        with client_of(town) as client:
            exchange = await asyncio.to_thread(client.ask, town.request())
            await answer(town, exchange, issued)
        name = tlog.Verifier.from_string(town.ready.verifier_key).name
        pinned = tlog.Signer.generate(name).verifier
        endpoint = Endpoint.at(town.ready.address, tmp_path / "ca.pem")
        other = VerifierClient(endpoint, VerifierName("school"), town.verifier_keys["school"], pinned)
        with other, pytest.raises(tlog.VerificationError) as caught:
            await asyncio.to_thread(other.wait, exchange, LONG)
    assert caught.value.reason == "NOTE_UNSIGNED"


async def test_a_server_under_another_root_is_not_spoken_to(tmp_path: Path) -> None:
    async with city(tmp_path / "one") as town, city(tmp_path / "two") as other:
        endpoint = Endpoint.at(town.ready.address, other.ready.data / "ca.pem")
        log = tlog.Verifier.from_string(town.ready.verifier_key)
        client = VerifierClient(endpoint, VerifierName("school"), town.verifier_keys["school"], log)
        with client, pytest.raises(ServiceError) as caught:
            await asyncio.to_thread(client.directory_for, [PERMIT.name])
    assert caught.value.code.name == "UNAVAILABLE"


async def test_what_the_server_verifies_without_state(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        issued = await town.claim(await town.issue())
        request = town.request(shown=("district", "number"))
        signed = sign_request(request, town.verifier_keys["school"])
        presentation, _ = present(request, issued, town.clock())
        with client_of(town) as client:
            said = await asyncio.to_thread(client.verify_remote, signed, presentation)
            assert said.credentials[0].values == {
                "district": VALUES["district"],
                "number": VALUES["number"],
            }
            later = request.expires + dt.timedelta(seconds=1)
            with pytest.raises(ServiceError) as caught:
                await asyncio.to_thread(client.verify_remote, signed, presentation, at=later)
            assert caught.value.reason == "REQUEST_EXPIRED"
            false = SignedRequest(signed.payload, bytes(64))
            with pytest.raises(ServiceError) as caught:
                await asyncio.to_thread(client.verify_remote, false, presentation)
            assert caught.value.reason == "REQUEST_SIGNATURE_INVALID"


async def test_links_name_the_exchange_and_nothing_of_the_verifier(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        with client_of(town) as client:
            exchange = await asyncio.to_thread(client.ask, town.request())
    text = str(exchange.link)
    assert type(exchange.link).parse(text) == exchange.link
    assert exchange.result_token not in text
    with pytest.raises(MalformedError, match="LINK_INVALID"):
        OfferLink.parse(text)
