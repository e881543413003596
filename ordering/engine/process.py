"""An application's process: the machine of one folder, served to one engine over a socket in that folder.

The socket is a file that nobody else may open: whoever could ask the machine to finalize a block of his own
would make it disagree with the others.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import grpc

from ordering.engine.service import Application
from ordering.home import SOCKET_FILE
from ordering.snapshots import Snapshots
from ordering.store import Store, held

SERVICE: Final = "tendermint.abci.ABCI"
SNAPSHOT_EVERY: Final = 1000
_MOST_OCTETS: Final = 64 << 20
"""Of one message: the engine's blocks and chunks, which it bounds itself."""


@contextlib.asynccontextmanager
async def serving(
    folder: Path, snapshot_every: int, failed: Callable[[BaseException], None]
) -> AsyncIterator[Application]:
    """Serve a folder's machine until the block ends; StateError."""
    with held(folder), contextlib.closing(Store(folder)) as store:
        application = Application(store, Snapshots(folder), snapshot_every, failed)
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", _MOST_OCTETS),
                ("grpc.max_send_message_length", _MOST_OCTETS),
            ]
        )
        handlers = {name: _handler(*each) for name, each in application.handlers().items()}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        socket = folder / SOCKET_FILE
        socket.unlink(missing_ok=True)
        server.add_insecure_port(f"unix:{socket.absolute()}")
        await server.start()
        socket.chmod(0o600)
        try:
            yield application
        finally:
            await server.stop(1)
            socket.unlink(missing_ok=True)


def _handler(run: Callable[[Any], Any], question: Any) -> Any:
    async def answer(asked: Any, _: Any) -> Any:
        return run(asked)

    return grpc.unary_unary_rpc_method_handler(
        answer, question.FromString, lambda given: given.SerializeToString()
    )


async def run(
    folder: Path, snapshot_every: int = SNAPSHOT_EVERY, on_ready: Callable[[], None] = lambda: None
) -> None:
    """Serve until SIGTERM or SIGINT; raises whatever made going on impossible."""
    loop, ended = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    def end(error: BaseException | None = None) -> None:
        if not ended.done():
            ended.set_exception(error) if error else ended.set_result(None)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    async with serving(folder, snapshot_every, end):
        on_ready()
        await ended
