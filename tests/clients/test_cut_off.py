"""Real servers that are cut off, killed, or lose their database while a client is at it."""

import asyncio
import signal
from pathlib import Path

import grpc
import pytest

import tlog
from disclosure import VerifierName
from tests import postgres
from tests.clients.cutting import Cutter, cutter, until
from tests.zkservice.server_process import Process, started
from tests.zkservice.stored import selected
from tests.zkservice.stores import Store
from tests.zkservice.support import TEXT, City, city
from verifier.client import OpenExchange, VerifierClient
from wire.client import Calling, Endpoint, call, service_error
from wire.convert import text_to
from wire.failures import UnavailableError
from wire.repeating import Budget, Policy
from zkproto.v1 import catalog_pb2, catalog_pb2_grpc, issuance_pb2_grpc, ledger_pb2, ledger_pb2_grpc

PATIENT = Calling(timeout=240, policy=Policy(attempts=None), budget=Budget(10_000))


def count(folder: Path, table: str) -> int:
    return int(selected(folder, f"select count(*) from {table}")[0][0])


def client_of(town: City, endpoint: Endpoint) -> VerifierClient:
    log = tlog.Verifier.from_string(town.ready.verifier_key)
    return VerifierClient(endpoint, VerifierName("school"), town.verifier_keys["school"], log)


def endpoint_of(town: City, proxy: Cutter, calling: Calling = PATIENT) -> Endpoint:
    return proxy.endpoint((town.ready.data / "ca.pem").read_bytes(), calling)


async def test_a_write_whose_answer_is_lost_is_done_once(tmp_path: Path) -> None:
    async with city(tmp_path) as town, cutter(town.ready.address) as proxy:
        client = client_of(town, endpoint_of(town, proxy))
        await asyncio.to_thread(client.ask, town.request())  # the connection stands
        proxy.hold_answers()
        asking = asyncio.create_task(asyncio.to_thread(client.ask, town.request()))
        await until(lambda: count(tmp_path, "exchange") == 2)
        assert not asking.done()
        proxy.cut()
        exchange = await asking
        assert isinstance(exchange, OpenExchange)
        names = [row[0] for row in selected(tmp_path, "select id from exchange")]
        assert len(names) == 2
        assert exchange.link.id in names
        assert proxy.connections >= 2
        client.close()


async def test_an_issue_whose_answer_is_lost_makes_one_offer(tmp_path: Path) -> None:
    async with city(tmp_path) as town, cutter(town.ready.address) as proxy:
        channel = endpoint_of(town, proxy).channel()
        issue = issuance_pb2_grpc.IssuanceServiceStub(channel).IssueCredential
        ledger = ledger_pb2_grpc.LedgerServiceStub(channel).GetCheckpoint
        # The connection stands, and the channel has a token in the place of the secret.
        await asyncio.to_thread(call, ledger, ledger_pb2.GetCheckpointRequest(), token=town.department_token)
        proxy.hold_answers()
        issuing = asyncio.create_task(
            asyncio.to_thread(call, issue, town.issuing(), token=town.department_token)
        )
        await until(lambda: count(tmp_path, "offer") == 1)
        proxy.cut()
        made = await issuing
        assert made.offer.removeprefix("offers/") == selected(tmp_path, "select id from offer")[0][0]
        assert count(tmp_path, "offer") == 1
        channel.close()


async def test_what_may_not_be_repeated_is_told_and_left(tmp_path: Path) -> None:
    async with city(tmp_path) as town, cutter(town.ready.address) as proxy:
        channel = endpoint_of(town, proxy).channel()
        ledger = ledger_pb2_grpc.LedgerServiceStub(channel).GetCheckpoint
        await asyncio.to_thread(call, ledger, ledger_pb2.GetCheckpointRequest(), token=town.admin)
        proxy.hold_answers()
        message = catalog_pb2.CreateDepartmentRequest(
            department_id="fire", department=catalog_pb2.Department(display_name=text_to(TEXT))
        )
        create = catalog_pb2_grpc.CatalogServiceStub(channel).CreateDepartment
        creating = asyncio.create_task(asyncio.to_thread(call, create, message, token=town.admin))
        await until(lambda: count(tmp_path, "department") == 2)
        proxy.cut()
        with pytest.raises(UnavailableError):  # and not ALREADY_EXISTS, as a second call would be told
            await creating
        channel.close()


async def get_checkpoint(endpoint: Endpoint) -> ledger_pb2.GetCheckpointResponse:
    async with endpoint.channel_aio() as channel:
        stub = ledger_pb2_grpc.LedgerServiceStub(channel)
        return await stub.GetCheckpoint(ledger_pb2.GetCheckpointRequest())


async def asked_of(process: Process, proxy: Cutter) -> "asyncio.Future[ledger_pb2.GetCheckpointResponse]":
    """Begin to ask through the proxy, which still leads to where the process was."""
    process.end(signal.SIGKILL)
    await process.ended()
    proxy.cut()
    root = (process.folder / "ca.pem").read_bytes()
    return asyncio.ensure_future(get_checkpoint(proxy.endpoint(root, PATIENT)))


async def test_a_server_killed_and_started_again_is_asked_again(tmp_path: Path) -> None:
    async with started(tmp_path) as process, cutter(process.address) as proxy:
        root = (tmp_path / "ca.pem").read_bytes()
        before = await get_checkpoint(proxy.endpoint(root, PATIENT))
        asking, seen = await asked_of(process, proxy), proxy.connections
        await until(lambda: proxy.connections > seen + 1)  # it was refused once at least
        assert not asking.done()
        async with started(tmp_path) as again:
            proxy.target = again.address
            after = await asking
    assert after.verifier_key == before.verifier_key


async def test_a_database_that_is_away_for_a_while(tmp_path: Path, own_postgresql: postgres.Server) -> None:
    store = Store.on(own_postgresql)
    async with city(tmp_path, **store.settings) as town:
        endpoint = Endpoint.at(
            town.ready.address, tmp_path / "ca.pem",
            PATIENT,
        )  # fmt: skip
        client = client_of(town, endpoint)
        await asyncio.to_thread(own_postgresql.stop, "immediate")
        asking = asyncio.create_task(asyncio.to_thread(client.ask, town.request()))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await town.catalog.ListDepartments(catalog_pb2.ListDepartmentsRequest())
        told = service_error(caught.value)
        assert (type(told), told.reason) == (UnavailableError, "STORAGE_UNAVAILABLE")
        assert not asking.done()
        await asyncio.to_thread(own_postgresql.start)
        exchange = await asking
        client.close()
    kept = store.select(tmp_path, "select id from exchange")
    assert [row[0] for row in kept] == [exchange.link.id]
