"""A verifier's edge on a port of this machine, in a thread of its own, over a real service."""

import asyncio
import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from consortium.serving import listening
from disclosure import VerifierName
from openid.app.openings import Openings
from openid.app.sessions import MAX_FROM_ONE, AnyAnswered, Device, Sessions
from openid.app.verifier_app import verifier_app
from openid.app.verifying import Identity, Question, VerifierEdge
from openid.app.waiting import MAX_WAITING, Demand, Held
from openid.client_id import self_signed
from openid.encryption import ResponseKeys
from openid.mapping import AnyRequest
from openid.wallet.fetching import Fetcher
from tests.prover.town import Town
from verifier.aio import AsyncVerifierClient
from verifier.errors import AlreadySeenError
from wire.client import Endpoint

SCHOOL = VerifierName("school")
SECRET = "the counter's secret"
COUNTER = {"Authorization": f"Bearer {SECRET}"}
"""What a counter shows to ask on another device."""


@dataclass
class Edge:
    """A running edge, and what it has accepted."""

    base: str
    inner: VerifierEdge
    accepted: list[AnyAnswered] = field(default_factory=list)
    orders: list[bytes | None] = field(default_factory=list)
    """What shows their order, of each that it has accepted."""
    sent: list[bytes] = field(default_factory=list)
    """Every header and every piece of a body that has left the edge, before TLS."""

    def browser(self) -> httpx.Client:
        return httpx.Client(base_url=self.base, timeout=60)

    def open(self, browser: httpx.Client, device: str, policy: str = "school") -> str:
        """Have a page ask; return the invitation."""
        headers = COUNTER if device == "cross" else {}
        made = browser.post("/sessions", json={"policy": policy, "device": device}, headers=headers)
        assert made.status_code == 201, made.text
        uri: str = made.json()["uri"]
        return uri

    def result(self, browser: httpx.Client) -> dict[str, Any]:
        answer = browser.get("/result")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told


def fetcher() -> Fetcher:
    return Fetcher(local=True)


def forms_of(value: Any) -> list[bytes]:
    """Return the octets by which a value would stand in what is sent: as it is, in JSON, hex, base64."""
    octets = value if isinstance(value, bytes) else str(value).encode()
    text = json.dumps(str(value))[1:-1].encode()
    # Of base64 that which does not hang on how many octets stand before: one of three ways to begin.
    inside = [base64.urlsafe_b64encode(bytes(skip) + octets)[4 * (skip > 0) : -4] for skip in range(3)]
    return [octets, text, octets.hex().encode(), *(each for each in inside if len(each) >= 8)]


def handle_of(invitation: str) -> str:
    """Return the path of the request object."""
    (uri,) = parse_qs(urlsplit(invitation).query)["request_uri"]
    return urlsplit(uri).path


def claims_of(token: str) -> dict[str, Any]:
    """Read a JWS's claims without verifying anything."""
    part = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


@contextmanager
def edge(
    town: Town,
    make: Callable[[], AnyRequest],
    *,
    endpoint: Endpoint | None = None,
    named: bool = False,
    certificate: Path | None = None,
    private_key: Path | None = None,
    most: int = 100,
    from_one: int = MAX_FROM_ONE,
    refusing: bool = False,
    keep: Callable[[AnyAnswered], object] = lambda _: None,
    devices: frozenset[Device] = frozenset(Device),
    secret: str | None = SECRET,
    openings: Openings | None = None,
    demand: Demand | None = None,
    pending: Callable[[AnyAnswered], object] = lambda _: None,
    claims: bool = False,
    keys: ResponseKeys | None = None,
    most_waiting: int = MAX_WAITING,
) -> Iterator[Edge]:
    """Run an edge of the school's that asks what `make` gives, under the policy's id "school".

    `named` makes its identifier one by its host; `refusing` has it accept no answer; `keep` is done before
    one is accepted, and may name its record; `demand` is what is demanded of receipts.
    """
    started, ended = threading.Event(), asyncio.Event()
    found: list[Any] = []
    accepted: list[AnyAnswered] = []
    orders: list[bytes | None] = []
    sent: list[bytes] = []
    key = town.city.verifier_keys["school"]

    def accept(held: Held) -> object:
        if refusing:
            raise AlreadySeenError("child", town.city.clock())
        name = keep(held.answered)
        accepted.append(held.answered)
        orders.append(held.order)
        return name

    def undecided(held: Held) -> object:
        return pending(held.answered)

    async def serve() -> None:
        client = AsyncVerifierClient(endpoint or town.endpoint, SCHOOL, key, town.log, clock=town.city.clock)
        async with client:
            shell: list[Any] = []

            async def app(scope: Any, receive: Any, send: Any) -> None:
                async def sending(message: Any) -> None:
                    sent.extend(each for pair in message.get("headers", ()) for each in pair)
                    sent.append(message.get("body", b""))
                    await send(message)

                await shell[0](scope, receive, sending)

            async with listening(
                app, "127.0.0.1", 0, certificate=certificate, private_key=private_key
            ) as port:
                base = f"{'https' if certificate else 'http'}://localhost:{port}"
                made = self_signed(key, "localhost", town.city.clock())
                client_id = made.named("localhost") if named else made.hashed
                inner = VerifierEdge(
                    client,
                    Identity(key, made, client_id, base),
                    {"school": Question("school", make, accept, devices, undecided, demand, claims)},
                    town.city.clock,
                    Sessions(town.city.clock, most, from_one),
                    keys,
                    most_waiting,
                )
                shell.append(verifier_app(inner, secret, openings))
                found.append((Edge(base, inner, accepted, orders, sent), asyncio.get_running_loop()))
                started.set()
                await ended.wait()
                await inner.aclose()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert started.wait(60)
    try:
        yield found[0][0]
    finally:
        found[0][1].call_soon_threadsafe(ended.set)
        thread.join(60)
