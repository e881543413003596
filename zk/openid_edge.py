"""The processes of OpenID's edges, a verifier's and a department's: one port, until they are told to end."""

import asyncio
import datetime as dt
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.types import ASGIApp

from consortium.serving import listening
from consortium.witness.process import Address
from disclosure import Schema, VerifierName
from openid.app.issuer_app import issuer_app
from openid.app.issuing import IssuerEdge
from openid.app.sessions import Device
from openid.app.verifier_app import verifier_app
from openid.app.verifying import Identity, Question, VerifierEdge
from openid.app.waiting import Demand, Held
from openid.client_id import ClientCertificate, from_pem, self_signed
from openid.encryption import ResponseKeys
from openid.errors import OpenIdError, OpenIdReason
from openid.issuance import check_issuer
from openid.mapping import AnyRequest
from openid.request_object import check_uri
from verifier import files
from verifier.aio import AsyncVerifierClient
from verifier.client import VerifierClient
from verifier.client.exchange import is_kept, pending_of
from zk.commands.verifier.asking import checked_request, keep_if_now, moved_order, shown_in_order
from zk.commands.verifier.common import AnyPolicy, across_of, key_of, shown_log, threads_for
from zk.commands.verifier.demanding import NOTHING, Demands, States, by_policy, check_now, demands_of, said
from zk.exits import CommandError, Exit
from zk.home import private_folder, read_file
from zk.run import Run

_DIGEST_DIGITS: Final = 16


@dataclass(frozen=True)
class Shown:
    """Who an edge is to wallets: its address, the page that the browser goes on to, and by what it is named.

    `chain` has a certificate of the verifier's key; without one the edge makes its own. `cross` names the
    policies that are asked on another device too, by a counter that shows `secret`. With `anchored` every
    answer is accepted once it is anchored, else those whose registered policy demands that; `encrypted` has
    wallets encrypt to the edge.
    """

    url: str
    page: str
    by_host: bool
    chain: Path | None
    cross: frozenset[str] = frozenset()
    secret: str | None = field(default=None, repr=False)
    anchored: bool = False
    encrypted: bool = False


def run_edge(
    run: Run,
    policies: Sequence[AnyPolicy],
    name: VerifierName,
    shown: Shown,
    address: Address,
    on_ready: Callable[[int, str], None],
) -> None:
    """Serve until SIGINT or SIGTERM; OSError if the address cannot be listened on. CommandError."""
    threads = threads_for(run, policies)
    key, log = key_of(run, name), shown_log(run)
    identity = _identity(shown, key)
    private_folder(run.home.records)
    options = said(anchored=shown.anchored, ordered=False)

    async def serve() -> None:
        async with AsyncVerifierClient(run.endpoint, name, key, log, threads=threads) as client:
            demands = await client.run(lambda: _demands(run, client.client, policies, name, options))
            questions = _questions(run, client, policies, name, shown.cross, demands)
            keys = ResponseKeys() if shown.encrypted else None
            edge = VerifierEdge(client, identity, questions, _now, keys=keys)
            async with aclosing(edge), _listening(verifier_app(edge, shown.secret), address) as port:
                on_ready(port, identity.client_id)
                await _told_to_end()

    asyncio.run(serve())


def run_issuer(
    run: Run,
    issuer: str,
    schemas: Sequence[Schema],
    secret: str,
    address: Address,
    on_ready: Callable[[int], None],
) -> None:
    """Serve until SIGINT or SIGTERM; OSError if the address cannot be listened on. CommandError."""
    try:
        check_issuer(issuer, OpenIdReason.METADATA_INVALID)
    except OpenIdError as error:
        raise CommandError(Exit.USAGE, error.reason, "error.usage", detail=error.detail) from None
    edge = IssuerEdge(run.endpoint, issuer, {each.name: each for each in schemas}, _now)

    async def serve() -> None:
        async with _listening(issuer_app(edge, secret), address) as port:
            on_ready(port)
            await _told_to_end()

    asyncio.run(serve())


def _listening(app: ASGIApp, address: Address) -> AbstractAsyncContextManager[int]:
    return listening(
        app, address.host, address.port, certificate=address.certificate, private_key=address.private_key
    )


async def _told_to_end() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


def _identity(shown: Shown, key: Ed25519PrivateKey) -> Identity:
    base, host = shown.url.rstrip("/"), urlsplit(shown.url).hostname or ""
    try:
        for each in (base, shown.page or base):
            check_uri(each, "url")
        made = _certificate(shown, key, host)
        return Identity(key, made, made.named(host) if shown.by_host else made.hashed, base, shown.page)
    except OpenIdError as error:
        raise CommandError(Exit.USAGE, error.reason, "error.usage", detail=error.detail) from None


def _certificate(shown: Shown, key: Ed25519PrivateKey, host: str) -> ClientCertificate:
    made = self_signed(key, host, _now()) if shown.chain is None else from_pem(read_file(shown.chain))
    made.check_key(key.public_key())
    return made


def _demands(
    run: Run, client: VerifierClient, policies: Sequence[AnyPolicy], name: VerifierName, options: States
) -> Mapping[str, Demands]:
    """Return by its id what each policy and the options demand; CommandError if that cannot be shown here."""
    return {each.id: demands_of(run, options | by_policy(client, each, name)) for each in policies}


def _questions(
    run: Run,
    client: AsyncVerifierClient,
    policies: Sequence[AnyPolicy],
    name: VerifierName,
    cross: frozenset[str],
    demands: Mapping[str, Demands],
) -> Mapping[str, Question]:
    def question(policy: AnyPolicy) -> Question:
        demanded = demands.get(policy.id, NOTHING)

        def place(held: Held) -> Path:
            # An answer that is tried again has the place of the first time, and with it its `.pending`.
            digest = held.answered.record.presentation.digest.hex()[:_DIGEST_DIGITS]
            return run.home.records / f"{policy.id}-{digest}.json"

        def accept(held: Held) -> str:
            path = place(held)
            with shown_in_order(path, held.answered.record, held.order):
                keep_if_now(run, held.answered, policy, path)
            moved_order(path, policy, demanded)
            return path.name

        def undecided(held: Held) -> str | None:
            path, record = place(held), held.answered.record
            if is_kept(path, record):  # it was accepted, and what came after that failed
                return path.name
            # Nothing is noted or claimed for what may never be accepted: `zk verifier keep` does that then.
            waits = pending_of(path)
            if not is_kept(waits, record):  # else as it was when its claim was tried
                files.place(waits, record.to_bytes())
            run.warn("verifier.kept_pending", path=waits)
            return None

        def make() -> AnyRequest:
            check_now(run, policy, demanded)
            return checked_request(client.client, policy, name, {})

        devices = frozenset(Device) if policy.id in cross else frozenset({Device.SAME})
        demand = Demand(demanded.quorum, demanded.order) if demanded.states else None
        return Question(policy.id, make, accept, devices, undecided, demand, bool(across_of(policy)))

    return {each.id: question(each) for each in policies}


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
