"""A worker of the server: a process that does what it reads from its standard input, until that ends.

    python -m zkservice.worker judge|signer

Started by the server (`workers`), never by a person. It has no network, no database and no setting; what it
needs comes with the jobs. One frame of jobs is answered by one frame of outcomes. Nobody tells it to end but
its input, which ends with the server, however that ends.
"""

import datetime as dt
import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, Final, Protocol, TypeVar

from zkservice import frames
from zkservice.judging import Judge, Judgement
from zkservice.signing import Signer, draft_of
from zkservice.tasks import Fault, Outcome, Supplies

_GARBAGE: Final = 50_000
"""New containers after which the collector looks: jobs make many, and hardly any cycle."""
_NICE: Final = 5
"""Below the server's own process: who looks at the log need not wait until a batch of proofs is verified."""
_Job = TypeVar("_Job")
_Job_contra = TypeVar("_Job_contra", contravariant=True)


class Skill(Protocol[_Job_contra]):
    """What a worker can do."""

    def work(self, jobs: Sequence[_Job_contra], supplies: Supplies) -> list[Outcome]:
        """Return an outcome for each job."""
        ...


KINDS: Final[dict[str, tuple[Callable[[], Any], Callable[..., Any]]]] = {
    "judge": (Judge, Judgement.of),
    "signer": (Signer, draft_of),
}


def run(kind: str, reading: BinaryIO, writing: BinaryIO) -> None:
    """Answer frames until there are no more."""
    make, job = KINDS[kind]
    worker = make()
    while octets := _read(reading):
        outcomes = done(worker, *frames.batch_of(octets, job))
        writing.write(frames.frame(frames.outcomes_to(outcomes)))
        writing.flush()


def done(worker: Skill[_Job], jobs: Sequence[_Job], supplies: Supplies) -> list[Outcome]:
    """Return an outcome for each job. If they fail together each is done alone, and who is to blame fails."""
    try:
        return worker.work(jobs, supplies)
    except Exception as error:
        if len(jobs) == 1:
            return [Fault.of(error)]
        return [outcome for job in jobs for outcome in done(worker, [job], supplies)]


def _read(reading: BinaryIO) -> bytes:
    """Return the next frame, or nothing if the server has ended, be it in the middle of one."""
    head = reading.read(frames.LENGTH_OCTETS)
    if len(head) < frames.LENGTH_OCTETS:
        return b""
    octets = reading.read(count := frames.frame_octets(head))
    return octets if len(octets) == count else b""


def main() -> int:
    """Do what the server sends.

    What ends a whole group of processes (Ctrl-C, a service manager) reaches this one too, while the server
    still answers what is in flight: only the server's end counts.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.nice(_NICE)
    gc.freeze()  # what was imported stays; the collector need not look at it again
    gc.set_threshold(_GARBAGE)
    try:
        run(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:  # the server has ended before it read the answer
        os._exit(0)  # without a last attempt to write it
    except Exception as error:  # its text may hold what a person sent, or worse
        fault = Fault.of(error)
        _tell(sys.argv[1], fault)
        return 1
    return 0


def _tell(kind: str, fault: Fault) -> None:
    """Write one line of the form that the server's own log has."""
    told = {"worker": kind, "kind": fault.kind, "at": list(fault.places), "event": "worker ended"}
    moment = dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z")
    sys.stderr.write(f"{json.dumps(told | {'level': 'error', 'timestamp': moment})}\n")


if __name__ == "__main__":
    sys.exit(main())
