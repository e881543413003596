"""What every connector does, whatever it reads from."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from disclosure import Schema
from zk.clients.records import Record


@dataclass(frozen=True)
class Misfit:
    """A row that does not fit: its number from 1, the stable reason, the attribute or column.

    `named` says that the record could be named, so that the push can say at least that it is there. What the
    row holds is not told.
    """

    row: int
    reason: str
    field: str
    named: bool


class Rows(Protocol):
    """One state of a source, as long as it is open."""

    misfits: list[Misfit]
    """The first of those that were met in the last reading, at most `MAX_MISFITS`."""
    misfit: int
    """How many there were."""
    unnamed: int
    """How many of them could not even be named."""

    def read(self, first: int) -> Iterator[Record]:
        """Give the records from a place on; the same ones in the same order whenever it is called."""
        ...

    def newest(self) -> str | None:
        """Return where an incremental run goes on, once all was read; None if nothing was, or it is full."""
        ...


class Connector(Protocol):
    """Opens a source for one run."""

    def open(self, schema: Schema, since: str | None) -> AbstractContextManager[Rows]:
        """Open it; `since` is what `newest` returned after the run before, None for all there is."""
        ...


MAX_MISFITS = 1000
