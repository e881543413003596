"""What the operating system tells of the workers that a server has started."""

import asyncio
import os
from pathlib import Path


def workers(kind: str = "", parent: int | None = None) -> set[int]:
    """Return the processes of workers that a server has: this process, or another one."""
    return {each for each in children_of(parent or os.getpid()) if _is_worker(command(each), kind)}


def children_of(parent: int) -> set[int]:
    """Return the processes that a process has started."""
    return {pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if _parent(pid) == parent}


def command(pid: int) -> list[str]:
    """Return what a process was started with, nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    except OSError:
        return []


def _is_worker(line: list[str], kind: str) -> bool:
    return "zkservice.worker" in line and (not kind or line[-1] == kind)


def _stat(pid: int) -> list[str]:
    """Return the state of a process and what follows it, nothing if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _parent(pid: int) -> int:
    return int((_stat(pid) or ["", "0"])[1])


def children() -> set[int]:
    """Return all processes that this one has started and not seen the end of, zombies among them."""
    own = Path(f"/proc/{os.getpid()}/task")
    return {int(each) for task in own.iterdir() for each in (task / "children").read_text().split()}


def lives(pid: int) -> bool:
    """Tell whether a process still runs; one that has ended and waits to be looked at does not."""
    return _stat(pid)[:1] not in ([], ["Z"])


async def ended(*pids: int, seconds: float = 10.0) -> None:
    """Wait until processes have ended; TimeoutError."""
    async with asyncio.timeout(seconds):
        while any(map(lives, pids)):
            await asyncio.sleep(0.02)
