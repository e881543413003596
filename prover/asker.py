"""Who asks: the registered policy that a request keeps to, and what this device knows of its verifier."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from disclosure import VerifierName
from disclosure.policy import RegisteredPolicy
from prover.usages import Usage, UsageState


@dataclass(frozen=True)
class TrackRecord:
    """A verifier on this device: answers that it got and when the last one, how often the person said no, and
    how often it asked more than its policy allows."""

    answers: int = 0
    last: dt.datetime | None = None
    declined: int = 0
    over_asked: int = 0

    @property
    def is_first(self) -> bool:
        """Whether it has never asked here before."""
        return not (self.answers or self.declined or self.over_asked)


@dataclass(frozen=True)
class Asker:
    """What a person is told of whoever asks, beside what is asked."""

    policy: RegisteredPolicy
    record: TrackRecord = TrackRecord()


def track_record(
    verifier: VerifierName, usages: Iterable[Usage], declined: int = 0, over_asked: int = 0
) -> TrackRecord:
    """Return the record of a verifier from a vault's uses. What was sent counts, whatever became of it."""
    times = [
        each.time for each in usages if each.verifier == verifier and each.state is not UsageState.REFUSED
    ]
    return TrackRecord(len(times), max(times, default=None), declined, over_asked)
