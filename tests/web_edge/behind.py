"""A counter of the test city's school: its home with key and policy, and a person who answers a link."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import tlog
from disclosure import ExchangeLink, PolicyName, VerifierName, open_request
from tests.web_edge.standing import endpoint_of
from tests.zkservice.allowing import allowed
from tests.zkservice.support import PERMIT, City, Issued, new_id
from tlog import Verifier
from tlog.entry import HOLDER_NOTE_OCTETS
from verifier import keys, parse_policy
from verifier.aio import AsyncVerifierClient
from web_edge.counter import Desk
from wire.convert import signed_request_of
from zk.counter import HomeDesk
from zk.home import Home, Profile
from zk.run import Run
from zkproto.v1 import presentation_pb2

CODE = "a counter's code"
SCHOOL = VerifierName("school")
POLICY = b"""id: counter
purpose: {zh: "\xe6\xb5\x8b\xe8\xaf\x95", en: test}
lifetime: 600
register:
  purpose: purposes/testing
  legal_basis: {zh: "\xe6\xb5\x8b\xe8\xaf\x95", en: test}
  retention_days: 90
queries:
  - id: permit
    schema: departments/police/schemas/residence_permit@1
    shown: [name, district]
    expiry: shown
    revocation: waived
"""
BRIEF = POLICY.replace(b"id: counter", b"id: brief").replace(b"test}\nlifetime: 600", b"brief}\nlifetime: 4")
"""A question that nobody has time for."""


async def desk_of(
    town: City, folder: Path, *more: bytes, believed: tlog.Policy | None = None
) -> Callable[[], AbstractAsyncContextManager[Desk]]:
    """Register the school's policies and make its home; return what opens its desk.

    With `believed` it waits for the witnesses of that policy.
    """
    policies = [parse_policy(each) for each in (POLICY, *more)]
    for each in policies:
        await town.add_policy(allowed(PolicyName("school", each.id, 1), [PERMIT], each.purpose))
    home, log = Home(folder), Verifier.from_string(town.ready.verifier_key)
    folder.mkdir(mode=0o700)
    home.save_profile(Profile(log_key=log))
    runs = [Run(as_json=False, lang=language, home=home) for language in ("zh", "en")]

    @asynccontextmanager
    async def opened() -> AsyncIterator[Desk]:
        key = town.verifier_keys["school"]
        async with AsyncVerifierClient(endpoint_of(town), SCHOOL, key, log) as client:
            yield HomeDesk(runs[0], runs[1], client, SCHOOL, policies, believed)

    return opened


async def answer(town: City, issued: Issued, link: str, code: str = "") -> Any:
    """Answer a link as a vault does that shows what is asked, and in which somebody typed a pairing code."""
    exchange = ExchangeLink.parse(link)
    fetched = await town.presentation.FetchRequest(
        presentation_pb2.FetchRequestRequest(
            exchange=exchange.exchange, ticket=exchange.ticket, pairing_code=code
        )
    )
    key = keys.public_key(town.verifier_keys["school"])
    request = open_request(signed_request_of(fetched.signed_request), lambda _: key)
    opened = presentation_pb2.CreateExchangeResponse(exchange=exchange.exchange, ticket=exchange.ticket)
    return await town.presentation.SubmitPresentation(town.submission(opened, *town.present(request, issued)))


async def decline(town: City, link: str) -> None:
    """Say no to a link."""
    exchange = ExchangeLink.parse(link)
    await town.presentation.DeclineExchange(
        presentation_pb2.DeclineExchangeRequest(
            exchange=exchange.exchange,
            ticket=exchange.ticket,
            holder_note=secrets.token_bytes(HOLDER_NOTE_OCTETS),
            why=presentation_pb2.DeclineExchangeRequest.WHY_DECLINED,
            request_id=new_id(),
        )
    )
