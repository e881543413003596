"""A process that a server forks runs nothing of gRPC's: its sockets are those of the server's callers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FORKED = """
import {first}
import asyncio, os, sys, time
import grpc

async def main():
    server = grpc.aio.server()
    server.add_insecure_port("127.0.0.1:0")
    await server.start()
    child = os.fork()
    if child == 0:
        time.sleep(0.3)
        os._exit(len(os.listdir("/proc/self/task")))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    await server.stop(0)

asyncio.run(main())
"""


def threads(first: str) -> int:
    """Return how many threads a child has that was forked after a server was started."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GRPC_")}
    done = subprocess.run(
        [sys.executable, "-c", FORKED.format(first=first)],
        capture_output=True, text=True, check=True, timeout=60, cwd=ROOT, env=environment,
    )  # fmt: skip
    return int(done.stdout)


@pytest.mark.parametrize("first", ["zkservice.server", "zk.cli"])
def test_a_forked_child_has_no_thread_of_grpcs(first: str) -> None:
    assert threads(first) == 1


def test_it_would_have_without_what_is_said_to_grpc() -> None:
    """If this fails, gRPC no longer does it, and nothing needs to be said."""
    assert threads("grpc") > 1
