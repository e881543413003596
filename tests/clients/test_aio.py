"""The asynchronous faces: the same as the blocking ones, many at once, cancelled at any moment."""

import asyncio
import datetime as dt
import inspect
import threading
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

import tlog
from disclosure import OfferLink, SchemaName, VerifierName
from prover import CompositeConsent, Consent, UsageState, Vault, aio
from prover.client import HolderClient
from prover.client.account import AccountClient
from prover.client.applications import ApplicationClient
from prover.client.consents import ConsentClient
from prover.client.deliveries import DeliveryClient
from prover.client.errands import ErrandClient
from tests.clients.cutting import Cutter, cutter, until
from tests.clients.hinting import Hinting, hinting
from tests.verifier.test_verifier_client import answer
from tests.zkservice.stored import selected
from tests.zkservice.support import VALUES, City, city
from verifier import TimedOutError
from verifier.aio import (
    AsyncErrandCounter,
    AsyncVerifierClient,
    AsyncVerifierConsents,
    AsyncVerifierDeliveries,
)
from verifier.client import VerifierClient
from verifier.client.consents import VerifierConsents
from verifier.client.deliveries import VerifierDeliveries
from verifier.client.errands import ErrandCounter
from wire import scope
from wire.client import Calling, Endpoint, call
from wire.failures import NotFoundError
from wire.offloading import Face, awaiting, iterated
from wire.repeating import Budget, Policy
from zkproto.v1 import ledger_pb2, ledger_pb2_grpc

LONG = dt.timedelta(seconds=120)
PATIENT = Calling(timeout=240, policy=Policy(attempts=None), budget=Budget(10_000))
PAIRS: list[tuple[type[Any], type[Any]]] = [
    (aio.AsyncHolderClient, HolderClient),
    (aio.AsyncAccountClient, AccountClient),
    (aio.AsyncApplicationClient, ApplicationClient),
    (aio.AsyncConsentClient, ConsentClient),
    (aio.AsyncDeliveryClient, DeliveryClient),
    (aio.AsyncErrandClient, ErrandClient),
    (AsyncVerifierClient, VerifierClient),
    (AsyncVerifierConsents, VerifierConsents),
    (AsyncVerifierDeliveries, VerifierDeliveries),
    (AsyncErrandCounter, ErrandCounter),
]
OWN = {(VerifierClient, "close"), (ErrandCounter, "close"), (VerifierClient, "waiting")}
"""What a face has in another way, or need not have."""


def client_of(town: City, endpoint: Endpoint | None = None, threads: int = 4) -> AsyncVerifierClient:
    return AsyncVerifierClient(
        endpoint or Endpoint.at(town.ready.address, town.ready.data / "ca.pem"),
        VerifierName("school"),
        town.verifier_keys["school"],
        tlog.Verifier.from_string(town.ready.verifier_key),
        clock=town.clock,
        threads=threads,
    )


def through(town: City, proxy: Cutter) -> Endpoint:
    return proxy.endpoint((town.ready.data / "ca.pem").read_bytes(), PATIENT)


@pytest.mark.parametrize(("face", "client"), PAIRS, ids=lambda each: each.__name__)
def test_a_face_has_all_that_its_client_has_with_the_same_arguments(
    face: type[Any], client: type[Any]
) -> None:
    methods = {name for name in vars(client) if not name.startswith("_") and (client, name) not in OWN}
    assert methods
    for name in sorted(methods):
        wanted = inspect.signature(getattr(client, name)).parameters
        found = inspect.signature(getattr(getattr(face, name), "__wrapped__", getattr(face, name))).parameters
        assert [*found][1:] == [*wanted][1:], name
        assert inspect.getdoc(getattr(face, name)), name


async def test_one_client_waits_for_many_holders_at_once(tmp_path: Path) -> None:
    before = {*threading.enumerate()}  # of other tests' clients, which may still be ending
    async with city(tmp_path) as town, client_of(town, threads=2) as client:
        issued = await town.claim(await town.issue())
        exchanges = await asyncio.gather(*(client.ask(town.request()) for _ in range(24)))
        waiting = [asyncio.create_task(client.wait(each, LONG)) for each in exchanges]
        await asyncio.sleep(0.2)
        assert not any(each.done() for each in waiting)
        began = {*threading.enumerate()} - before
        pool = [each for each in began if each.name.startswith("AsyncVerifierClient")]
        assert len(pool) <= 2, "waiting takes no thread"
        for each in reversed(exchanges):
            await answer(town, each, issued)
        answers = await asyncio.gather(*waiting)
        again = await client.wait(exchanges[0], LONG)
    tags = {each.record.presentation.usage_tag for each in answers}
    assert len(tags) == len(exchanges)
    assert again == answers[0]


async def test_nothing_is_verified_in_the_loop(tmp_path: Path) -> None:
    async with city(tmp_path) as town:
        issued, seen = await town.claim(await town.issue()), set[int]()
        clock = town.clock

        def looked() -> dt.datetime:
            seen.add(threading.get_ident())
            return clock()

        endpoint = Endpoint.at(town.ready.address, tmp_path / "ca.pem")
        key, log = town.verifier_keys["school"], tlog.Verifier.from_string(town.ready.verifier_key)
        async with AsyncVerifierClient(endpoint, VerifierName("school"), key, log, clock=looked) as client:
            exchange = await client.ask(town.request())
            await answer(town, exchange, issued)
            await client.wait(exchange, LONG)
    assert seen
    assert threading.get_ident() not in seen


async def test_the_server_stops_and_comes_back_while_somebody_waits(tmp_path: Path) -> None:
    async with city(tmp_path) as town, cutter(town.ready.address) as proxy:
        issued = await town.claim(await town.issue())
        async with client_of(town, through(town, proxy)) as client:
            exchange = await client.ask(town.request())
            waiting = asyncio.create_task(client.wait(exchange, LONG))
            await until(lambda: proxy.connections >= 2)
            seen = proxy.connections
            proxy.cut()
            await until(lambda: proxy.connections > seen)
            await answer(town, exchange, issued)
            assert (await waiting).verified.request == exchange.signed_request.request


async def test_errors_are_those_of_the_blocking_client(tmp_path: Path) -> None:
    async with city(tmp_path) as town, client_of(town) as client:
        with pytest.raises(NotFoundError) as caught:
            await client.directory_for([SchemaName("police", "nothing", 1)])
        assert caught.value.reason == "NOT_FOUND"
        exchange = await client.ask(town.request())
        with pytest.raises(TimedOutError):
            await client.wait(exchange, dt.timedelta(seconds=0.2))


async def test_a_cancelled_wait_leaves_its_exchange_to_be_waited_for_again(tmp_path: Path) -> None:
    async with city(tmp_path) as town, client_of(town) as client:
        issued = await town.claim(await town.issue())
        exchange = await client.ask(town.request())
        for _ in range(20):  # the service lets one exchange be watched by few at once: each has to be gone
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.wait(exchange, LONG)
        await answer(town, exchange, issued)
        await client.wait(exchange, LONG)


def checkpoint(endpoint: Endpoint) -> object:
    channel = endpoint.channel()
    try:
        stub = ledger_pb2_grpc.LedgerServiceStub(channel)
        return call(stub.GetCheckpoint, ledger_pb2.GetCheckpointRequest())
    finally:
        channel.close()


async def cancelled(task: "asyncio.Task[Any]", times: int = 1) -> None:
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("times", [1, 3])
async def test_a_cancelled_call_ends_at_the_service_too(tmp_path: Path, times: int) -> None:
    script = Hinting(hangs=True)
    async with hinting(tmp_path / "server", script) as endpoint, Face(None) as face:
        running = asyncio.create_task(face.run(lambda: checkpoint(endpoint(PATIENT))))
        await until(lambda: bool(script.moments))
        queued = asyncio.create_task(face.run(lambda: checkpoint(endpoint(PATIENT))))
        await asyncio.sleep(0)
        await cancelled(queued, times)
        await cancelled(running, times)
        await until(lambda: script.given_up == 1)
    assert len(script.moments) == 1, "what waited for its turn was never sent"


async def test_a_cancelled_call_does_not_come_back_from_its_pause(tmp_path: Path) -> None:
    from tests.clients.test_repeating import UNAVAILABLE

    script, slow = Hinting(always=UNAVAILABLE), Calling(timeout=3600, policy=Policy(None, 1800, 1, 1800))
    async with hinting(tmp_path / "server", script) as endpoint, Face(None) as face:
        running = asyncio.create_task(face.run(lambda: checkpoint(endpoint(slow))))
        await until(lambda: len(script.moments) == 1)
        await cancelled(running)
    assert len(script.moments) == 1


async def test_the_end_of_a_run_is_no_error_that_logic_could_take_for_an_answer() -> None:
    caught = list[BaseException]()
    begun, ended = threading.Event(), threading.Event()

    def stubborn() -> None:
        begun.set()
        around = scope.current()
        assert around is not None
        for _ in range(3):
            try:
                around.sleep(3600)
            except Exception as error:
                caught.append(error)
            finally:
                ended.set()

    async with Face(None) as face:
        running = asyncio.create_task(face.run(stubborn))
        await asyncio.to_thread(begun.wait)
        await cancelled(running)
    assert ended.is_set()
    assert not caught


async def test_a_face_is_closed_when_its_calls_have_ended() -> None:
    seen = list[str]()
    held = threading.Event()

    def work() -> None:
        held.wait()
        seen.append("work")

    face = Face(None, close=lambda: seen.append("closed"))
    running = asyncio.create_task(face.run(work))
    await asyncio.sleep(0)
    closing = asyncio.create_task(face.aclose())
    await asyncio.sleep(0.05)
    assert not closing.done()
    held.set()
    await asyncio.gather(running, closing)
    assert seen == ["work", "closed"]


async def test_a_stream_gives_all_ends_and_lets_go_of_its_thread() -> None:
    closed = list[int]()

    def numbers() -> Any:
        try:
            yield from range(1000)
        finally:
            closed.append(threading.get_ident())

    assert [each async for each in iterated(numbers)] == [*range(1000)]
    async with aclosing(iterated(numbers)) as some:
        async for each in some:
            if each == 3:
                break
    assert len(closed) == 2
    await until(lambda: not any(each.name.startswith("stream") for each in threading.enumerate()))


async def test_claims_cancelled_at_any_moment_are_gone_on_with(tmp_path: Path) -> None:
    vault = await asyncio.to_thread(Vault.create, tmp_path / "my.vault", "a passphrase of words")
    offers, stopped = 16, 0
    async with city(tmp_path / "server") as town:
        log = tlog.Verifier.from_string(town.ready.verifier_key)
        endpoint = Endpoint.at(town.ready.address, tmp_path / "server" / "ca.pem", PATIENT)
        async with aio.AsyncHolderClient(endpoint, clock=town.clock) as holder:
            for number in range(offers):
                made = await town.issue({**VALUES, "number": bytes([number]) * 32})
                link = OfferLink(town.ready.address, made.offer.removeprefix("offers/"), made.claim_code)
                try:
                    async with asyncio.timeout(number * 0.004):
                        await holder.claim(link, vault, log)
                except TimeoutError:
                    stopped += 1
                    await holder.resume(vault, log)
                if len(vault.credentials()) == number:  # it was cancelled before it had stored anything
                    await holder.claim(link, vault, log)
                assert len(vault.credentials()) == number + 1
        states = selected(tmp_path / "server", "select state from offer")
    assert stopped
    assert states == [("done",)] * offers
    vault.close()


async def test_a_holder_proves_beside_the_loop_and_is_asked_in_it(tmp_path: Path) -> None:
    seen, asked = set[int](), set[int]()
    vault = await asyncio.to_thread(Vault.create, tmp_path / "my.vault", "a passphrase of words")
    async with city(tmp_path / "server") as town, client_of(town) as verifier:

        def clock() -> dt.datetime:
            seen.add(threading.get_ident())
            return town.clock()

        async def agrees(_: Consent | CompositeConsent) -> bool:
            asked.add(threading.get_ident())
            return True

        log = tlog.Verifier.from_string(town.ready.verifier_key)
        endpoint = Endpoint.at(town.ready.address, tmp_path / "server" / "ca.pem")
        async with aio.AsyncHolderClient(endpoint, clock=clock) as holder:
            made = await town.issue()
            link = OfferLink(town.ready.address, made.offer.removeprefix("offers/"), made.claim_code)
            await holder.claim(link, vault, log)
            exchange = await verifier.ask(town.request())
            waiting = asyncio.create_task(verifier.wait(exchange, LONG))
            usage = await holder.answer(exchange.link, vault, log, awaiting(agrees))
            answered = await waiting
        assert usage.state is UsageState.ANSWERED
        assert answered.record.presentation == usage.presentation
    assert asked == {threading.get_ident()}
    assert seen
    assert threading.get_ident() not in seen
    vault.close()


async def test_a_person_is_asked_in_the_loop(tmp_path: Path) -> None:
    asked = list[int]()

    async def ask(number: int) -> bool:
        asked.append(threading.get_ident())
        await asyncio.sleep(0)
        return number == 7

    async def never(number: int) -> bool:
        asked.append(number)
        await asyncio.Event().wait()
        return True

    async with Face(None) as face:
        yes, patiently = awaiting(ask), awaiting(never)
        assert await face.run(lambda: yes(7))
        assert asked == [threading.get_ident()]
        waiting = asyncio.create_task(face.run(lambda: patiently(8)))
        await until(lambda: 8 in asked)
        await cancelled(waiting)
