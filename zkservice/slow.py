"""Clients that do not read what they are answered: cut, since gRPC would keep answer and call for them.

A stream whose client gives it no room can only be ended from here by closing its connection: a status waits
behind the answer. A connection of a trusted proxy, which many clients share, is left alone, and only the call
is given up.
"""

import asyncio
import ipaddress
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import structlog

from zkservice.tenants import Address, Call, address_of_peer, current, plain

SEND_SECONDS: Final = 30.0
"""How long an answer may wait for its client to read it. The largest has 2 MiB."""
_FILES: Final = Path("/proc/self/fd")


@contextmanager
def sending() -> Iterator[None]:
    """Stand around the sending of one message of a stream."""
    timer = _timer()
    try:
        yield
    finally:
        if timer is not None:
            timer.cancel()


def answering(context: Any) -> None:
    """Watch the call's only answer, which gRPC sends when the method has returned."""
    timer = _timer()
    if timer is not None:
        context.add_done_callback(lambda _: timer.cancel())


def _timer() -> asyncio.TimerHandle | None:
    call = current()
    if call is None:
        return None
    return asyncio.get_running_loop().call_later(SEND_SECONDS, _too_slow, call, asyncio.current_task())


def _too_slow(call: Call, task: "asyncio.Task[Any] | None") -> None:
    structlog.get_logger().warning("an answer was not read in time", proxied=call.proxied)
    if not call.proxied:
        asyncio.get_running_loop().run_in_executor(None, cut, call.peer)
    elif task is not None:
        task.cancel()


def cut(peer: str) -> int:
    """Shut the connections of this process that have that other end, by gRPC's name of it; return how many.

    gRPC owns them, and ends all that they carry. Where the system does not list a process's files, nothing
    is cut.
    """
    address, port = address_of_peer(peer), peer.rpartition(":")[2]
    if address is None or not port.isdecimal():
        return 0
    there, done = (address, int(port)), 0
    with suppress(OSError):
        for name in os.listdir(_FILES):
            done += _shut(int(name), there)
    return done


def _shut(descriptor: int, there: tuple[Address, int]) -> bool:
    """Shut a file if it is the connection. A copy of it is looked at: others may be opened meanwhile."""
    try:
        if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            return False
        with socket.socket(fileno=os.dup(descriptor)) as found:
            if found.family not in {socket.AF_INET, socket.AF_INET6}:
                return False
            host, port = found.getpeername()[:2]
            if (plain(ipaddress.ip_address(host.partition("%")[0])), port) != there:
                return False
            found.shutdown(socket.SHUT_RDWR)
            return True
    except (OSError, ValueError):
        return False
