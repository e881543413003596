"""An errand as the service tells it: a value that a person follows it by. None of it is proven."""

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum

from disclosure import LocalizedText, OfferLink
from disclosure.errand import PartName
from prover.errands.records import Stage


class PartState(StrEnum):
    """How far a part has come."""

    WAITING = "waiting"
    ASKED = "asked"
    SUBMITTED = "submitted"
    RECEIVED = "received"
    IN_PROGRESS = "in-progress"
    DONE = "done"
    REJECTED = "rejected"
    ENDED = "ended"


class ErrandState(StrEnum):
    """How far an errand has come."""

    OPEN = "open"
    SUBMITTED = "submitted"
    DONE = "done"
    ABANDONED = "abandoned"
    EXPIRED = "expired"

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self in (ErrandState.DONE, ErrandState.ABANDONED, ErrandState.EXPIRED)


@dataclass(frozen=True)
class Told:
    """What a counter has told: in words, a document's number, an offer to be claimed."""

    state: PartState
    time: dt.datetime
    message: LocalizedText | None = None
    document: str = ""
    offer: OfferLink | None = field(default=None, repr=False)


@dataclass(frozen=True)
class PartView:
    """One part: which counter's, its name, how far it has come, what was told, oldest first."""

    part: str
    name: PartName
    state: PartState
    told: tuple[Told, ...] = ()


@dataclass(frozen=True)
class ErrandView:
    """An errand with its parts, in the order of its bundle."""

    state: ErrandState
    parts: tuple[PartView, ...]
    expires: dt.datetime

    @property
    def stage(self) -> Stage:
        """How far the service says that it has come."""
        if self.state.is_over:
            return Stage.ENDED
        return Stage.SUBMITTED if self.state is ErrandState.SUBMITTED else Stage.BEGUN

    @property
    def to_submit(self) -> tuple[PartView, ...]:
        """The parts that can be submitted now; the first time these have to be all."""
        return tuple(each for each in self.parts if each.state is PartState.ASKED)

    @property
    def is_asked(self) -> bool:
        """Whether there is something to submit, and nothing of it is still waited for."""
        waits = any(each.state is PartState.WAITING for each in self.parts)
        return bool(self.to_submit) and not waits and not self.state.is_over
