"""A worker of the server: a process that does what it reads from its standard input, until that ends.

    python -m zkservice.worker judge|signer

Started by the server (`workers`), never by a person. It has no network, no database and no setting; what it
needs comes with the jobs. One frame of jobs is answered by one frame of outcomes.
"""

import gc
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from zkservice import frames
from zkservice.judging import Judge, Judgement
from zkservice.signing import Draft, Signer

KINDS: Final[dict[str, tuple[Callable[[], Any], Callable[..., Any]]]] = {
    "judge": (Judge, Judgement.of),
    "signer": (Signer, Draft.of),
}


def run(kind: str, reading: BinaryIO, writing: BinaryIO) -> None:
    """Answer frames until there are no more."""
    make, job = KINDS[kind]
    worker = make()
    while octets := _read(reading):
        writing.write(frames.frame(frames.outcomes_to(worker.work(*frames.batch_of(octets, job)))))
        writing.flush()


def _read(reading: BinaryIO) -> bytes:
    """Return the next frame, or nothing if the server has ended."""
    head = reading.read(frames.LENGTH_OCTETS)
    if len(head) < frames.LENGTH_OCTETS:
        return b""
    return reading.read(frames.frame_octets(head))


def main() -> None:
    """Do what the server sends. The server alone decides when this ends: Ctrl-C reaches both."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()  # what was imported stays; the collector need not look at it again
    run(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
