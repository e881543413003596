"""What a department tells about an item besides its schema: whom it concerns, how often it is renewed."""

from dataclasses import dataclass
from typing import Final

from disclosure import Code, LocalizedText
from disclosure.centre import Refresh, Sensitivity, Subject
from zk.catalogue.errors import CatalogueError

__all__ = ["ItemInfo", "Refresh", "Sensitivity", "Subject"]

_MAX_REFRESH_DAYS: Final = 3660


@dataclass(frozen=True)
class ItemInfo:
    """What holds for all versions of an item. Raises CatalogueError.

    `refresh_days` is the interval of a periodic item and None of any other. `source` is the public document
    or practice that the item is modelled on. `applicable` tells whether a holder can apply for it; if not,
    the department offers it. `purposes` are what it is mostly asked for.
    """

    subject: Subject
    sensitivity: Sensitivity
    refresh: Refresh
    refresh_days: int | None
    applicable: bool
    source: LocalizedText
    purposes: tuple[Code, ...] = ()

    def __post_init__(self) -> None:
        if (self.refresh is Refresh.PERIODIC) != (self.refresh_days is not None):
            raise CatalogueError("periodic items, and only these, have refresh_days")
        if self.refresh_days is not None and not 0 < self.refresh_days <= _MAX_REFRESH_DAYS:
            raise CatalogueError(f"an item is refreshed every 1 to {_MAX_REFRESH_DAYS} days")
        if self.subject is Subject.PERSON and self.sensitivity is Sensitivity.PUBLIC:
            raise CatalogueError("nothing about a person is public")
        if len({each.code for each in self.purposes}) != len(self.purposes):
            raise CatalogueError("a purpose stands there twice")
