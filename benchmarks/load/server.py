"""The server that is measured: the `zk serve` of a user, in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, which process it is, the folder that it keeps."""

    address: str
    pid: int
    data: Path

    def cpu_seconds(self) -> float:
        """Return the processor time of all its threads so far, in steps of 10 ms."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_octets(self) -> int:
        """Return the most memory that it has held so far."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "VmHWM":
                return int(value.split()[0]) * 1024
        raise RuntimeError("the system does not tell a process's memory")


@contextmanager
def serving(data: Path) -> Iterator[Server]:
    """Run a server on an empty folder, with the settings that it has by default, and end it."""
    command = [sys.executable, "-m", "zk.cli", "serve", "--json", "--dev", "--data", str(data)]
    process = subprocess.Popen(
        [*command, "--port", "0", "--log-level", "error"], stdout=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError("the server did not start")
        yield Server(json.loads(line)["address"], process.pid, data)
    finally:
        process.terminate()
        process.communicate(timeout=30)
