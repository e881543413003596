"""What the operating system tells of a process, where it tells it in /proc."""

import os
from pathlib import Path


def cpu_seconds(process: int) -> float:
    """Return the processor time of a process and of all that it started, so far, in steps of 10 ms."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return own + sum(map(cpu_seconds, _started(process)))


def resident_octets(process: int) -> int:
    """Return the octets that a process and all that it started keep in memory; shared ones count often."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    own = pages * os.sysconf("SC_PAGE_SIZE")
    return own + sum(map(resident_octets, _started(process)))


def _started(process: int) -> list[int]:
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for each in lists for child in each.read_text().split()]


def readable() -> bool:
    """Tell whether this system has what `cpu_seconds` reads."""
    return Path("/proc/self/stat").exists()
