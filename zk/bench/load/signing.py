"""What signing alone reaches: as many processes as sign for the server, each with nothing else to do.

    python -m zk.bench.load.signing SECONDS

Waits for a line on its standard input, so that all begin together, then signs the messages of one credential
again and again, and prints how often it has in a second, and the processor seconds of each.
"""

import datetime as dt
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import bbs
from zk.bench.load.parties import SCHEMA, VALUES

_WARM_UP: Final = 50


@dataclass(frozen=True)
class Signing:
    """Signatures a second of all processes together, and the processor seconds of one."""

    per_second: float
    seconds: float


def bare_signing(processes: int, seconds: float) -> Signing:
    """Measure how fast so many processes sign that have nothing else to do."""
    command = [sys.executable, "-m", "zk.bench.load.signing", str(seconds)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(processes)
    ]
    try:
        for each in started:
            _line(each)  # it is ready
        for each in started:
            _tell(each)
        told = [tuple(map(float, _line(each).split())) for each in started]
        return Signing(sum(each[0] for each in told), fmean(each[1] for each in told))
    finally:
        for each in started:
            each.kill()
            each.communicate()


def _line(process: "subprocess.Popen[str]") -> str:
    if process.stdout is None or not (line := process.stdout.readline()):
        raise RuntimeError("a process that signs has ended")
    return line


def _tell(process: "subprocess.Popen[str]") -> None:
    if process.stdin is not None:
        process.stdin.write("begin\n")
        process.stdin.flush()


def main(arguments: Sequence[str]) -> int:
    """Sign for so many seconds."""
    secret = bbs.SecretKey.generate(suite=bbs.SHA_256)
    public, header = secret.public_key(), SCHEMA.header()
    messages = SCHEMA.messages(dt.date(2030, 1, 1), VALUES)
    for _ in range(_WARM_UP):
        bbs.sign(secret, public, header, messages, suite=bbs.SHA_256)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    count, start, before = 0, time.perf_counter(), time.process_time()
    while (taken := time.perf_counter() - start) < float(arguments[0]):
        bbs.sign(secret, public, header, messages, suite=bbs.SHA_256)
        count += 1
    sys.stdout.write(f"{count / taken} {(time.process_time() - before) / count}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
