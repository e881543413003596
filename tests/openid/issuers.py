"""A department's edge on a port of this machine, in a thread of its own, over a real service."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from consortium.serving import listening
from disclosure import OfferLink, Schema
from openid.app.issuer_app import issuer_app
from openid.app.issuing import IssuerEdge
from openid.app.offering import MAX_GRANTS, Grants
from openid.issuance import CredentialOffer
from openid.wallet.claiming import Claiming, begin, read_offered
from openid.wallet.fetching import Fetcher
from tests.prover.town import Town
from tests.zkservice.support import PERMIT

SECRET = "the department's secret"


@contextmanager
def issuer(town: Town, *schemas: Schema, path: str = "/issuer", most: int = MAX_GRANTS) -> Iterator[str]:
    """Run an issuer's edge with room for so many grants; gives its identifier."""
    started, ended = threading.Event(), asyncio.Event()
    found: list[Any] = []

    async def serve() -> None:
        shell: list[Any] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await shell[0](scope, receive, send)

        async with listening(app, "127.0.0.1", 0) as port:
            identifier = f"http://localhost:{port}{path}"
            offered = {each.name: each for each in schemas}
            inner = IssuerEdge(town.endpoint, identifier, offered, town.city.clock)
            inner.grants = Grants(town.city.clock, most)
            shell.append(issuer_app(inner, SECRET))
            found.extend([identifier, asyncio.get_running_loop()])
            started.set()
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert started.wait(60)
    try:
        yield found[0]
    finally:
        found[1].call_soon_threadsafe(ended.set)
        thread.join(60)


def hand_in(
    edge: str, schema: Schema = PERMIT, link: OfferLink | None = None, *, tx_code: bool = False
) -> dict[str, Any]:
    body: dict[str, Any] = {"schema": str(schema.name), "tx_code": tx_code}
    made = httpx.post(
        f"{edge}/offers",
        json=body if link is None else body | {"link": str(link)},
        headers={"Authorization": f"Bearer {SECRET}"},
        timeout=60,
    )
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


def nobody(_: CredentialOffer) -> str:
    raise AssertionError("no code was to be asked for")


def claiming(town: Town, uri: str, tx_code: Any = nobody) -> Claiming:
    fetcher = Fetcher(local=True)
    return begin(fetcher, read_offered(fetcher, uri), town.city.clock, tx_code)
