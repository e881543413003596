"""The service over HTTP: one path, bounded in what it reads, in how much it does at once, in how long.

    POST /v1/claim    a signed request; 200 with what shows who came first, else a reason on one line

Requests are judged by threads of their own, so that whoever is not listed waits for nobody's block.
"""

import asyncio
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consortium.serving import BodyError, application, body_of, listening, plain
from consortium.witness.process import Address
from verifier.claim_request import MAX_OCTETS
from zk.claims.desk import ClaimsDesk
from zk.claims.listed import LOOK_SECONDS, Listed
from zk.claims.reasons import PATH, STATUS, ClaimReason, ClaimRefusedError

CLAIMING: Final = 32
"""So many claims are under way at once."""
_JUDGING: Final = 2
_WAITING: Final = 256
"""So many requests are held, those under way counted in."""
_FRESH: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Tell = Callable[[ClaimRefusedError], None]
"""Is told what was not claimed."""


def claims_app(desk: ClaimsDesk, tell: Tell = lambda _: None) -> Starlette:
    """Return the application."""
    app = _Claims(desk, tell)
    return application([Route(PATH, app.claim, methods=["POST"])], {BodyError: _bad_body})


class _Claims:
    def __init__(self, desk: ClaimsDesk, tell: Tell) -> None:
        self._desk, self._tell, self._held = desk, tell, 0
        self._judging = ThreadPoolExecutor(_JUDGING, "judging")
        self._claiming = ThreadPoolExecutor(CLAIMING, "claiming")

    async def claim(self, request: Request) -> Response:
        body = await body_of(request, MAX_OCTETS)
        if self._held >= _WAITING:
            return plain(503, ClaimReason.CLAIM_NOT_NOW)
        self._held += 1
        try:
            octets = await self._claimed(body)
        except ClaimRefusedError as error:
            self._tell(error)
            return plain(STATUS[error.reason], error.reason)
        finally:
            self._held -= 1
        return Response(octets, 200, _FRESH, "application/octet-stream")

    async def _claimed(self, body: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        judged = await loop.run_in_executor(self._judging, self._desk.judged, body)
        return await loop.run_in_executor(self._claiming, self._desk.ordered, judged)


async def _bad_body(_: Request, error: Exception) -> Response:
    return plain(getattr(error, "status", 400), ClaimReason.CLAIM_MALFORMED)


def serve(
    desk: ClaimsDesk, listed: Listed, address: Address, on_ready: Callable[[int], None], tell: Tell
) -> None:
    """Serve until SIGINT or SIGTERM; what is under way then is ended in order.

    The list is looked at meanwhile. Raises OSError if the address cannot be listened on or the certificate
    not be read.
    """

    async def until_told() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with listening(
            claims_app(desk, tell),
            address.host,
            address.port,
            certificate=address.certificate,
            private_key=address.private_key,
        ) as port:
            on_ready(port)
            while not stop.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
                await asyncio.to_thread(listed.look)

    asyncio.run(until_told())
