"""The queue before the workers of one kind: gathers jobs into batches, and looks up what a worker misses."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final, Generic, TypeVar

import structlog

from disclosure import DisclosureError
from zkservice.errors import ServiceError, ServiceReason
from zkservice.gathering import Gathering
from zkservice.tasks import MAX_NAMES, Done, Fault, Job, Missing, Names, Outcome, Refusal, Supplies
from zkservice.workers import Worker, Workers

Verdict = Done | Refusal
Supply = Callable[[Names], Awaitable[Supplies]]
_NAMES: Final = 64
"""Names that are looked up at once, if no single job misses more."""
_ROUNDS: Final = 12
"""More often than a job misses something that follows from what it missed before."""
_UNANSWERED: Final = Fault("UnansweredNames", ())
_Job = TypeVar("_Job", bound=Job)


class Desk(Generic[_Job]):
    """Belongs to the event loop; `supply` looks up names, each of which it answers for."""

    def __init__(self, workers: Workers, supply: Supply, weight: Callable[[_Job], int] = lambda _: 1) -> None:
        self._workers, self._supply = workers, supply
        self._gathering: Gathering[_Job, Outcome] = Gathering(self._work, workers.count, weight, _octets)
        workers.queues.append(self._gathering)

    async def one(self, job: _Job) -> Done:
        """Return what came of a job; raises what refuses it, and ServiceError OVERLOADED, INTERNAL,
        STORAGE_UNAVAILABLE.
        """
        with self._workers.jobs.timed():
            verdict = _verdict(await self._gathering.one(job))
        if not isinstance(verdict, Done):
            raise verdict
        return verdict

    def room(self, members: int) -> AbstractContextManager[None]:
        """Hold places for so many jobs of one caller; ServiceError OVERLOADED."""
        return self._gathering.room(members)

    async def many(self, jobs: Sequence[_Job]) -> list[Verdict]:
        """Return a verdict for each job; the caller holds `room` for them."""
        with self._workers.jobs.timed(len(jobs)):
            return [_verdict(each) for each in await self._gathering.many(jobs)]

    async def _work(self, jobs: list[_Job]) -> list[Outcome]:
        async with self._workers.one() as worker:
            with self._workers.batches.timed(len(jobs)):
                return await self._resolved(worker, jobs)

    async def _resolved(self, worker: Worker, jobs: list[_Job]) -> list[Outcome]:
        """Have a batch done, and again those that miss something, with all that they missed so far, whatever
        the worker has forgotten meanwhile. A round looks up few names: schemas may be large.
        """
        needed, rounds = [Names() for _ in jobs], [0 for _ in jobs]
        outcomes = list(map(_progress, needed, rounds, await worker.work(jobs, Supplies())))
        while missing := _few(outcomes, needed):
            try:
                supplies = await self._supply(Names.union(missing.values()))
            except Exception as error:  # concerns only those who wait for it
                failed = error if isinstance(error, ServiceError) else Fault.of(error)
                return [failed if isinstance(each, Missing) else each for each in outcomes]
            again = await worker.work([jobs[place] for place in missing], supplies)
            for (place, names), outcome in zip(missing.items(), again, strict=True):
                needed[place], rounds[place] = names, rounds[place] + 1
                outcomes[place] = _progress(names, rounds[place], outcome)
        return outcomes


def _octets(job: Job) -> int:
    """Return what a job that waits takes, if it is a message: drafts are small."""
    message = getattr(job, "message", b"")
    return len(message) if isinstance(message, bytes) else 0


def _few(outcomes: Sequence[Outcome], needed: Sequence[Names]) -> dict[int, Names]:
    """Return the first jobs that miss something, with all that each of them has missed: as many jobs as have
    few names together, but one at least."""
    taken: dict[int, Names] = {}
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, Missing):
            names = needed[place] | outcome.names
            if taken and len(Names.union([*taken.values(), names])) > _NAMES:
                break
            taken[place] = names
    return taken


def _progress(asked: Names, rounds: int, outcome: Outcome) -> Outcome:
    """Return an outcome, unless it misses nothing but what its worker was told, or more or more often than
    any job does: that would go on for ever, and a worker may lie.
    """
    if not isinstance(outcome, Missing):
        return outcome
    goes_on = rounds < _ROUNDS and len(asked) < len(asked | outcome.names) <= MAX_NAMES
    return outcome if goes_on else _UNANSWERED


def _verdict(outcome: Outcome) -> Verdict:
    match outcome:
        case Done() | DisclosureError() | ServiceError():
            return outcome
        case Fault():
            return _internal(outcome)
        case Missing():
            return _internal(_UNANSWERED)


def _internal(fault: Fault) -> ServiceError:
    """Log a fault of ours, and return what its caller is told."""
    structlog.get_logger().error("fault", kind=fault.kind, at=list(fault.places))
    return ServiceError(ServiceReason.INTERNAL, "a fault of the service; it has been logged")
