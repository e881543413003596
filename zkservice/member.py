"""One of several server processes on one port: started by a supervisor (`supervising`), never by a person.

    python -m zkservice.member

Its settings come as one line of JSON on its standard input, since they may hold a password. It writes one
line when it is ready, or why it cannot be, and then an empty one each second, by which the supervisor knows
that it is not frozen. It ends when it is told to (SIGTERM), and as soon as its input ends, which it does with
the supervisor, however that ends.
"""

import asyncio
import json
import os
import signal
import sys
import threading
from dataclasses import asdict
from typing import Any, Final

from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.server import Ready, serve

BEAT_SECONDS: Final = 1.0
NOT_STARTED: Final = 9
"""The exit code of one that has said why it cannot start, or go on."""


def order(settings: Settings, *, upgrade: bool) -> bytes:
    """Return the line that a member starts with."""
    return (
        json.dumps({"settings": settings.model_dump(), "upgrade": upgrade}, default=_plain).encode() + b"\n"
    )


def _plain(value: Any) -> Any:
    revealed = getattr(value, "get_secret_value", None)
    return str(value) if revealed is None else revealed()


def main() -> int:
    """Serve until told to end."""
    for number in (signal.SIGINT, signal.SIGHUP):  # they are the supervisor's, which tells its members
        signal.signal(number, signal.SIG_IGN)
    with open(0, "rb", buffering=0, closefd=False) as given:
        line = given.readline()
    if not line:  # the supervisor has ended
        return 0
    told = json.loads(line)
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        serve(Settings(**told["settings"]), upgrade=told["upgrade"], on_ready=_ready, shared=True)
    except StartError as error:
        _say({"failed": str(error)})
        return NOT_STARTED
    return 0


def _ready(ready: Ready) -> None:
    _say({"ready": asdict(ready)})
    _beat(asyncio.get_running_loop())


def _beat(loop: asyncio.AbstractEventLoop) -> None:
    """Say that the event loop, which answers calls, goes round."""
    os.write(1, b"\n")
    loop.call_later(BEAT_SECONDS, _beat, loop)


def _say(line: dict[str, Any]) -> None:
    os.write(1, json.dumps(line, default=str).encode() + b"\n")


def _end_with_input() -> None:
    # Not through sys.stdin, whose lock a thread that waits would still hold when the process ends.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
