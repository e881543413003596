"""A witness that lies, in a process of its own and with the keys of an honest one.

python -m tests.cities.lying_witness FOLDER HOST:PORT LIE
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consortium.serving import listening
from consortium.witness import load_keys
from tlog import AddCheckpoint, Checkpoint, CosignatureSigner, Signer, cosign, sign_checkpoint

HUGE: Final = 10**9
Answering = Callable[[Request, CosignatureSigner], Awaitable[Response]]


async def garbage(_: Request, __: CosignatureSigner) -> Response:
    return Response(b"\xff\xfe nonsense")


async def with_another_key(request: Request, signer: CosignatureSigner) -> Response:
    note = AddCheckpoint.parse(await request.body()).note
    return Response(cosign(note, CosignatureSigner.generate(signer.name), int(time.time())))


async def another_checkpoint(request: Request, signer: CosignatureSigner) -> Response:
    """Its own signature, and a good one, for a checkpoint that the log never had."""
    note = AddCheckpoint.parse(await request.body()).note
    origin = note.split(b"\n")[0].decode()
    other = sign_checkpoint(Checkpoint(origin, HUGE, bytes(32)), Signer.generate(origin))
    return Response(cosign(other, signer, int(time.time())))


async def ahead(_: Request, __: CosignatureSigner) -> Response:
    return Response(b"%d\n" % HUGE, 409)


LIES: Final[Mapping[str, tuple[Answering, str]]] = {
    "garbage": (garbage, "malformed"),
    "with-another-key": (with_another_key, "signature"),
    "another-checkpoint": (another_checkpoint, "signature"),
    "ahead": (ahead, "ahead"),
}
"""What it answers, and the fault by which it is to be named."""


async def serve(folder: Path, host: str, port: int, lie: str) -> None:
    answering, _ = LIES[lie]
    (signer,) = load_keys(folder)
    assert isinstance(signer, CosignatureSigner)

    async def add(request: Request) -> Response:
        return await answering(request, signer)

    app = Starlette(routes=[Route("/add-checkpoint", add, methods=["POST"])])
    async with listening(app, host, port):
        print(json.dumps({"event": "ready", "address": f"{host}:{port}"}), flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    at, _, number = sys.argv[2].rpartition(":")
    asyncio.run(serve(Path(sys.argv[1]), at, int(number), sys.argv[3]))
