"""What was saved against the paper way, counted from what happened; only the minutes are assumed.

Every credential in an accepted answer stands for a document that its holder would have fetched at its
department and left at the verifier as a copy: offices take a recent document that was made for them. A person
fetches all documents of one department on one visit. What was refused, or only claimed, counts nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from disclosure import SchemaName

MINUTES_A_VISIT: Final = 60
"""An assumption, not a measurement: way there and back, waiting, the counter. See docs/demo.md."""
MINUTES_A_COPY: Final = 3
"""An assumption as well: copying one document, signing the copy and handing it in."""


@dataclass(frozen=True)
class Use:
    """An accepted answer: who got it, and of which schemas the credentials in it were."""

    verifier: str
    documents: tuple[SchemaName, ...]


@dataclass(frozen=True)
class Saved:
    """What the paper way would have taken for the same uses."""

    uses: int
    documents: int
    visits: int
    copies: int

    @property
    def minutes(self) -> int:
        """Return the minutes that follow from the assumptions."""
        return self.visits * MINUTES_A_VISIT + self.copies * MINUTES_A_COPY


def saved(uses: Iterable[Use]) -> Saved:
    """Count what these uses would have taken on paper."""
    counted = tuple(uses)
    documents = sum(len(each.documents) for each in counted)
    visits = sum(len({document.department for document in each.documents}) for each in counted)
    return Saved(uses=len(counted), documents=documents, visits=visits, copies=documents)
