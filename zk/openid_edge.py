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
from openid.app.anchoring import Demand
from openid.app.issuer_app import issuer_app
from openid.app.issuing import IssuerEdge
from openid.app.sessions import AnyAnswered, Device
from openid.app.verifier_app import verifier_app
from openid.app.verifying import Identity, Question, VerifierEdge
from openid.client_id import ClientCertificate, from_pem, self_signed
from openid.encryption import ResponseKeys
from openid.errors import OpenIdError, OpenIdReason
from openid.issuance import check_issuer
from openid.mapping import AnyRequest
from openid.request_object import check_uri
from tlog import ReceiptState
from verifier.aio import AsyncVerifierClient
from verifier.client import VerifierClient
from verifier.errors import VerifierReason
from zk.commands.verifier.asking import checked_request, keep
from zk.commands.verifier.common import AnyPolicy, key_of, shown_log, threads_for
from zk.commands.verifier.demanding import by_policy, demands_of
from zk.exits import CommandError, Exit
from zk.home import private_folder, read_file
from zk.run import Run

_DIGEST_DIGITS: Final = 16
_STATE_DEMANDED: Final = VerifierReason.RECEIPT_STATE_DEMANDED.value


@dataclass(frozen=True)
class Shown:
    """Who an edge is to wallets: its address, the page that the browser goes on to, and by what it is named.

    `chain` has a certificate of the verifier's key; without one the edge makes its own. `cross` names the
    policies that are asked on another device too, by a counter that shows `secret`. With `demand` every
    answer is accepted once it is anchored, else those whose registered policy demands that; `encrypted` has
    wallets encrypt to the edge.
    """

    url: str
    page: str
    by_host: bool
    chain: Path | None
    cross: frozenset[str] = frozenset()
    secret: str | None = field(default=None, repr=False)
    demand: Demand | None = None
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

    async def serve() -> None:
        async with AsyncVerifierClient(run.endpoint, name, key, log, threads=threads) as client:
            demands = await client.run(lambda: _demands(run, client.client, policies, name))
            questions = _questions(run, client, policies, name, shown.cross, demands)
            keys = ResponseKeys() if shown.encrypted else None
            edge = VerifierEdge(client, identity, questions, _now, anchored=shown.demand, keys=keys)
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
    run: Run, client: VerifierClient, policies: Sequence[AnyPolicy], name: VerifierName
) -> Mapping[str, Demand]:
    """Return what policies demand of receipts, by their ids.

    Raises CommandError for one that demands the consortium's order, for which an edge does not wait, or a
    quorum that is not pinned.
    """
    found = dict[str, Demand]()
    for each in policies:
        states = by_policy(client, each, name)
        if ReceiptState.ORDERED in states:
            raise CommandError(Exit.USAGE, _STATE_DEMANDED, "error.openid_ordered", policy=each.id)
        if (quorum := demands_of(run, states).quorum) is not None:
            found[each.id] = Demand(quorum)
    return found


def _questions(
    run: Run,
    client: AsyncVerifierClient,
    policies: Sequence[AnyPolicy],
    name: VerifierName,
    cross: frozenset[str],
    demands: Mapping[str, Demand],
) -> Mapping[str, Question]:
    def question(policy: AnyPolicy) -> Question:
        def accept(answered: AnyAnswered) -> str:
            # An answer that is tried again has the place of the first time, and with it its `.pending`.
            digest = answered.record.presentation.digest.hex()[:_DIGEST_DIGITS]
            path = run.home.records / f"{policy.id}-{digest}.json"
            keep(run, answered, policy, path)
            return path.name

        devices = frozenset(Device) if policy.id in cross else frozenset({Device.SAME})

        def make() -> AnyRequest:
            return checked_request(client.client, policy, name, {})

        return Question(policy.id, make, accept, devices, accept, demands.get(policy.id))

    return {each.id: question(each) for each in policies}


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
