"""A worker that answers each job with its own message, except those whose message names a misdeed.

Stands in for the interpreter that a worker is started with; what it is asked with and how it is asked, killed
and replaced is the real thing.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, Final

import cbor2

from disclosure import canonical
from zkservice import frames
from zkservice.judging import Judgement
from zkservice.tasks import Done, Missing, Names, Outcome, Supplies

_LABEL: Final = "zk-disclosure/outcomes/v1"


def wrong(*items: Any) -> bytes:
    """Return a frame of outcomes that are none."""
    return frames.frame(canonical.encode(_LABEL, *items))


FRAMES: Final[dict[bytes, bytes]] = {
    b"text instead of a frame": b"Warning: something is deprecated\n",
    b"zeros": bytes(400),
    b"junk in a frame": frames.frame(os.urandom(300)),
    b"no array": frames.frame(cbor2.dumps({"done": b""})),
    b"another label": frames.frame(canonical.encode("zk-disclosure/request/v1", ["done", b""])),
    b"cyclic": frames.frame(bytes.fromhex("d81c81d81d00")),
    b"deep": frames.frame(b"\x81" * 100_000),
    b"a billion items": frames.frame(b"\x9a\x3f\xff\xff\xff"),
    b"none": wrong(),
    b"too many": wrong(*[["done", b""]] * 70),
    b"unknown kind": wrong(["forgiven", "VALUE_INVALID", "", "", []]),
    b"unknown reason": wrong(["refused", "BECAUSE", "", "", []]),
    b"reason of another kind": wrong(["service", "PROOF_INVALID", "", "", []]),
    b"done without octets": wrong(["done", "text"]),
    b"names that are none": wrong(["missing", [b"x"], [], [], [], [], []]),
    b"names of too few kinds": wrong(["missing", ["x"], [], []]),
    b"names in no list": wrong(["missing", "x", [], [], [], [], []]),
    b"places that are none": wrong(["fault", "X", [["secret"]]]),
    b"a missing field": wrong(["refused", "PROOF_INVALID", ""]),
    b"violations that are none": wrong(["refused", "OVER_ASKING", "", "", ["x"]]),
    b"violations of the service": wrong(["service", "NOT_FOUND", "", "", [["x", "y"]]]),
}
"""What is written instead of an answer."""


def _half(writing: BinaryIO) -> None:
    writing.write(wrong(["done", b"x"])[:-1])
    writing.flush()


def _half_and_end(writing: BinaryIO) -> None:
    _half(writing)
    os._exit(0)


def _half_and_hang(writing: BinaryIO) -> None:
    _half(writing)
    time.sleep(600)


def _close_and_hang(_: BinaryIO) -> None:
    os.close(1)
    time.sleep(600)


def _announce_too_much(writing: BinaryIO) -> None:
    writing.write((frames.MAX_FRAME + 1).to_bytes(4))
    writing.flush()


ENDS: Final[dict[bytes, Callable[[BinaryIO], object]]] = {
    b"half a frame": _half_and_end,
    b"too long": _announce_too_much,
    b"ends": lambda _: os._exit(3),
    b"crashes": lambda _: os.kill(os.getpid(), signal.SIGSEGV),
    b"closes its output": _close_and_hang,
}
HANGS: Final[dict[bytes, Callable[[BinaryIO], object]]] = {
    b"hangs": lambda _: time.sleep(600),
    b"half a frame and hangs": _half_and_hang,
}
MISSES: Final[dict[bytes, Callable[[Supplies], Names]]] = {
    b"misses nothing": lambda _: Names(),
    b"misses the same again": lambda _: Names(verifiers=frozenset({"verifiers/x"})),
    b"misses ever more": lambda told: Names(schemas=frozenset({f"schemas/{len(told.schemas)}"})),
    b"misses very much": lambda _: Names(issuer_keys=frozenset(map(str, range(10_000)))),
}


def _outcome(job: Judgement, supplies: Supplies) -> Outcome:
    if job.message in MISSES:
        return Missing(MISSES[job.message](supplies))
    if job.message == b"asks once" and "verifiers/x" not in supplies.verifiers:
        return Missing(Names(verifiers=frozenset({"verifiers/x"})))
    return Done(job.message)


def _answer(jobs: Sequence[Judgement], supplies: Supplies, writing: BinaryIO) -> None:
    for job in jobs:
        if (act := (ENDS | HANGS).get(job.message)) is not None:
            act(writing)
        elif job.message in FRAMES:
            writing.write(FRAMES[job.message])
            return
        elif job.message == b"slow":
            time.sleep(5)
    writing.write(frames.frame(frames.outcomes_to([_outcome(job, supplies) for job in jobs])))


def main() -> None:
    reading, writing = sys.stdin.buffer, sys.stdout.buffer
    while head := reading.read(frames.LENGTH_OCTETS):
        _answer(*frames.batch_of(reading.read(int.from_bytes(head)), Judgement.of), writing)
        writing.flush()


if __name__ == "__main__":
    main()
