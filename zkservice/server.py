"""The composition root: puts the parts together, starts them in order, and ends them in the reverse order.

Start: the folder is locked (one process), the schema's version is checked, the log is brought to where lock
and published agree, and only then the port opens. End: health says so, no new calls, calls in flight finish
within the drain time, the sequencer takes what still waits into a block, the database closes.
"""

import asyncio
import contextlib
import datetime as dt
import gc
import math
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import grpc
import structlog
import uvloop
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from wire.client import MAX_MESSAGE_OCTETS
from zkservice import edge, logs
from zkservice.access import Access
from zkservice.anchoring import read_policy, witnessed
from zkservice.apart import Apart
from zkservice.behind import check_marks
from zkservice.callers import Callers
from zkservice.calls import Calls
from zkservice.certificates import client_authorities
from zkservice.config import Settings
from zkservice.context import Context
from zkservice.credentials import Secrets
from zkservice.databases import held, opened_engine
from zkservice.directory import Directories
from zkservice.errors import ServiceError, StartError
from zkservice.fields import Pages
from zkservice.guard import Guard
from zkservice.health import of_certificate, telling
from zkservice.hosting import CONNECTION, SPARE_CALLS, bound, connections_of, warn_of_memory
from zkservice.keyring.following import Following
from zkservice.keyring.opening import open_keys
from zkservice.keyring.providers import provider_of
from zkservice.keys import load_admin_token, load_operator_token
from zkservice.limits import Limits
from zkservice.log_keys import LogKeys, write_verifier_key
from zkservice.observing.running import Observed, observed
from zkservice.presence import present
from zkservice.proofs import Proofs
from zkservice.revoked import Revoked
from zkservice.roles import check_complete
from zkservice.sequencer import Sequencer, Step
from zkservice.server_certificate import Certificates
from zkservice.services import acting, roster
from zkservice.services.revocation import RevocationService
from zkservice.sessions import Sessions
from zkservice.signing_keys import SigningKeys
from zkservice.states import StatesReader
from zkservice.storage import (
    accounts,
    appointments,
    catalog,
    challenges,
    deliveries,
    errand_parts,
    errands,
    false_answers,
    issuance,
    secrets,
    statements,
    statistics,
    token_keys,
)
from zkservice.storage.database import THREAD_SWITCH_SECONDS, Database
from zkservice.tokens import Tokens
from zkservice.trimming import trimming
from zkservice.watching import Watching
from zkservice.workers import Workers, working

_TIDY_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Ready:
    """What a started server tells: its address for clients, what they pin, and the ports of its HTTP edge,
    of metrics, and of those that show certificates."""

    address: str
    verifier_key: str
    data: Path
    http_port: int | None = None
    metrics_port: int | None = None
    client_port: int | None = None

    @property
    def client_address(self) -> str | None:
        """The address for clients that show a certificate, None if there is no such port."""
        host = self.address.rpartition(":")[0]
        return None if self.client_port is None else f"{host}:{self.client_port}"


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _nothing(_: Step) -> None:
    """Stand in for a test's hook."""


def serve(
    settings: Settings,
    *,
    upgrade: bool = False,
    on_ready: Callable[[Ready], None] = lambda _: None,
    clock: Callable[[], dt.datetime] = _now,
    after: Callable[[Step], None] = _nothing,
    shared: bool = False,
) -> None:
    """Run the server until SIGINT or SIGTERM; raises StartError if it cannot start.

    `upgrade` brings an older database to this program's schema. `after` is called after each durable step of
    the sequencer, for tests that end the process there. `shared` is for one of several that a supervisor
    starts (`supervising`): it holds the folder and the port for all of them.
    """
    logs.configure(settings.log_level)
    sys.setswitchinterval(THREAD_SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, upgrade, on_ready, clock, after, shared))


async def _serve(
    settings: Settings,
    upgrade: bool,
    on_ready: Callable[[Ready], None],
    clock: Callable[[], dt.datetime],
    after: Callable[[Step], None],
    shared: bool,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    server = running(settings, upgrade=upgrade, clock=clock, after=after, failed=stop, shared=shared)
    async with server as ready:
        gc.freeze()  # what a server starts with stays; the collector need not look at it again
        on_ready(ready)
        structlog.get_logger().info("ready", address=ready.address)
        await stop.wait()
        structlog.get_logger().info("stopping")


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    *,
    upgrade: bool = False,
    clock: Callable[[], dt.datetime] = _now,
    after: Callable[[Step], None] = _nothing,
    failed: asyncio.Event | None = None,
    shared: bool = False,
) -> AsyncIterator[Ready]:
    """Run a server inside the running event loop. `failed` is set, and leaving raises, if the log is lost.

    With `shared` somebody else holds the folder for it, and others may listen on the same port.
    """
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.nullcontext() if shared else held(settings):
        certificates = Certificates(settings, _now, provider := provider_of(settings))  # by the real time
        revoked = Revoked(settings, client_authorities(settings), clock)
        admin_token, operator_token = load_admin_token(settings.data), load_operator_token(settings.data)
        database = Database(opened_engine(settings, upgrade=upgrade))
        crypto, apart = ThreadPoolExecutor(settings.crypto_threads, "crypto"), Apart()
        try:
            async with contextlib.AsyncExitStack() as stack:
                with _starting():
                    server = await stack.enter_async_context(present(database, failed))
                    begun = await database.read(secrets.begun)
                    opened = await asyncio.to_thread(open_keys, settings, make=not begun, provider=provider)
                    following, keys = Following(database, opened, server.id), opened.keys
                    await following.start()
                    log_keys = await database.write(
                        lambda each: LogKeys.load(each, keys, settings.log_origin)
                    )
                    sequencer = Sequencer(
                        database, log_keys, clock, max_batch=settings.max_batch, after=after
                    )
                    policy = read_policy(settings, log_keys.current)
                    await check_marks(database, policy)
                    await sequencer.start()
                    await database.write(catalog.record_missing)
                    asked = witnessed(settings, policy, database, sequencer, clock)
                    anchored, anchoring = await stack.enter_async_context(asked)
                write_verifier_key(settings.data, log_keys.current)
                judges, signers = await stack.enter_async_context(_workers(settings, crypto))
                proofs = Proofs(sequencer, log_keys, database)
                demanding = settings.demand_challenge
                sessions = Sessions(database, keys, log_keys, demands_challenges=demanding)
                tokens = Tokens(database, keys, settings.log_origin)
                secrets_ = Secrets(database, admin_token, operator_token, clock)
                callers = Callers(database, secrets_, sessions, tokens, revoked, clock)
                context = Context(
                    settings=settings,
                    database=database,
                    sequencer=sequencer,
                    anchored=anchored,
                    anchoring=anchoring,
                    proofs=proofs,
                    states=StatesReader(database, proofs),
                    keys=keys,
                    callers=callers,
                    secrets=secrets_,
                    tokens=tokens,
                    access=Access(callers),
                    sessions=sessions,
                    signing_keys=SigningKeys(database, keys),
                    pages=Pages(keys),
                    directories=Directories(database, keys),
                    watching=Watching(max(1, settings.max_concurrent_calls // 4)),
                    crypto=crypto,
                    apart=apart,
                    judges=judges,
                    signers=signers,
                    clock=clock,
                    log_keys=log_keys,
                )
                lists = RevocationService(context)
                await stack.enter_async_context(trimming())
                shown = edge.newest(sequencer, anchored, witnessed=anchoring is not None)
                await stack.enter_async_context(_background(context, lists, failed))
                await stack.enter_async_context(following.running())
                seen = await stack.enter_async_context(
                    observed(settings, context, lambda: certificates.ends, shared=shared)
                )
                listens = _listening(context, lists, seen, certificates, revoked, shared=shared)
                port, client_port = await stack.enter_async_context(listens)
                source = edge.DatabaseSource(database, shown)
                http_port = await stack.enter_async_context(
                    edge.serving(settings, source, certificates, shared=shared)
                )
                address = f"{settings.public_host}:{port}"
                yield Ready(address, context.verifier_key, settings.data, http_port, seen.port, client_port)
        finally:
            crypto.shutdown()
            apart.close()
            await asyncio.to_thread(database.close)


@contextlib.contextmanager
def _starting() -> Iterator[None]:
    """Say that the server cannot start, where storage fails before it has."""
    try:
        yield
    except ServiceError as error:
        cause = type(error.__cause__).__name__
        raise StartError(f"the database cannot be read or written ({cause})") from None


@contextlib.asynccontextmanager
async def _workers(settings: Settings, executor: Executor) -> AsyncIterator[tuple[Workers, Workers]]:
    """Start who judges, and who signs: the only ones that ever hold secret keys."""
    processes, threads = settings.processes, settings.crypto_threads
    async with (
        working("judge", processes, executor, threads) as judges,
        working("signer", processes, executor, 1) as signers,
    ):
        yield judges, signers


@contextlib.asynccontextmanager
async def _background(
    context: Context, lists: RevocationService, failed: asyncio.Event | None
) -> AsyncIterator[None]:
    """Run the sequencer and what is done every minute; on the way out let the sequencer finish what waits."""
    anchoring = context.anchoring
    sequencing = asyncio.create_task(context.sequencer.run())
    witnessing = asyncio.create_task(anchoring.run() if anchoring is not None else asyncio.sleep(math.inf))
    # It ends by itself only if the log is behind its witnesses: nothing may be signed any more.
    witnessing.add_done_callback(lambda _: sequencing.cancel())
    approved = partial(acting.carry_out_all, context)
    minutely = partial(_tidy, context), lists.renew, lists.revoke_due, approved
    repeated = [asyncio.create_task(_repeated(each)) for each in minutely]
    if failed is not None:
        sequencing.add_done_callback(lambda _: failed.set())
    try:
        yield
    finally:
        for each in repeated:
            each.cancel()
        context.sequencer.stop()
        await asyncio.wait((sequencing,))
        witnessing.cancel()
        await asyncio.wait((witnessing,))
        for each in (witnessing, sequencing):
            if not each.cancelled():
                each.result()


async def _repeated(act: Callable[[], Awaitable[None]]) -> None:
    """Do something now and every minute, by itself: what fails holds up nothing else."""
    while True:
        with logs.logged("could not be done, will be tried again"):
            await act()
        await asyncio.sleep(_TIDY_SECONDS)


async def _tidy(context: Context) -> None:
    forgotten = await context.database.write(lambda each: issuance.forget_expired(each, context.now()))
    if forgotten:
        structlog.get_logger().info("forgot offers that no vault stored in time", count=forgotten)
    for sweep in (
        statistics.expire,
        statistics.forget_over_asking,
        errand_parts.count_overdue,
        errands.forget_ended,
        accounts.forget_arrivals,
        appointments.end_over,
        deliveries.forget_over,
        statements.forget_over,
        false_answers.forget_over,
        token_keys.forget_over,
        challenges.forget_over,
    ):
        while await context.database.write(partial(sweep, now=context.now())):
            pass  # some at a time, so that nobody's write waits for all of them


def _added(
    server: grpc.aio.Server, settings: Settings, port: int, credentials: grpc.ServerCredentials
) -> int:
    try:
        return server.add_secure_port(f"{settings.host}:{port}", credentials)
    except RuntimeError:
        raise StartError(f"{settings.host}:{port} cannot be listened on") from None


@contextlib.asynccontextmanager
async def _listening(
    context: Context,
    lists: RevocationService,
    seen: Observed,
    certificates: Certificates,
    revoked: Revoked,
    *,
    shared: bool,
) -> AsyncIterator[tuple[int, int | None]]:
    settings = context.settings
    authorities = client_authorities(settings)
    check_complete(roster.METHODS)
    ports = settings.servers * (1 if authorities is None or settings.client_port is None else 2)
    connections = connections_of(settings.max_connections, ports)
    calls = Calls(settings.max_message_octets, context.watching)
    server = grpc.aio.server(
        interceptors=[
            seen.interceptor,
            Limits(settings),
            calls,
            Guard(context.callers, takes_secrets=settings.accept_secrets),
        ],
        options=[
            *CONNECTION,
            bound(connections),
            ("grpc.max_receive_message_length", min(2 * settings.max_message_octets, MAX_MESSAGE_OCTETS)),
            ("grpc.so_reuseport", int(shared)),
        ],
        # Beyond the places that Limits has: calls that are being refused, or whose answer nobody reads.
        maximum_concurrent_rpcs=2 * settings.max_concurrent_calls + SPARE_CALLS,
    )
    roster.register(server, context, lists)
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    names = (*roster.NAMES, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name)
    reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server)
    credentials = certificates.credentials()
    port, client_port = _added(server, settings, settings.port, credentials), None
    if authorities is not None and settings.client_port is not None:
        client_port = _added(server, settings, settings.client_port, certificates.credentials(authorities))
    if not settings.dev:
        warn_of_memory(connections * ports)
    await server.start()
    lateness = context.anchoring.lateness if context.anchoring is not None else None
    try:
        async with (
            telling(health, roster.NAMES, lateness, seen.dependencies),
            certificates.watching(of_certificate(health), revoked),
        ):
            yield port, client_port
    finally:
        seen.dependencies.stop()
        context.watching.end()
        context.sequencer.wake_watchers()
        context.anchored.wake_watchers()
        await server.stop(settings.drain_seconds)
        calls.end()
