"""A policy's file as a tree whose every node knows its place, so that each fault is told by it.

All scalars are texts (`strict_yaml` with `text_only`): what a number or a date means is for the schema to
say, and 370102 is a code without quotes too.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from disclosure import DisclosureError
from verifier.errors import PolicyError

T = TypeVar("T")
_WHOLE: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True)
class Node:
    """A text, a list or a mapping of the file, and where it stands: `branches[0].predicates[2].at_least`."""

    value: object
    place: str = ""

    def refuse(self, detail: str, *, because: str = "") -> PolicyError:
        """Return the error of this place."""
        return PolicyError(detail, field=self.place, because=because)

    def text(self) -> str:
        """Return the text that stands here; PolicyError."""
        if not isinstance(self.value, str) or not self.value:
            raise self.refuse("a text stands here")
        return self.value

    def whole(self) -> int:
        """Return the integer that stands here; PolicyError."""
        if not isinstance(self.value, str) or not _WHOLE.fullmatch(self.value):
            raise self.refuse("a whole number stands here")
        return int(self.value)

    def items(self) -> list["Node"]:
        """Return the members of the list that stands here; PolicyError."""
        if not isinstance(self.value, list):
            raise self.refuse("a list stands here")
        return [Node(each, f"{self.place}[{index}]") for index, each in enumerate(self.value)]

    def fields(self, required: Collection[str], optional: Collection[str] = ()) -> dict[str, "Node"]:
        """Return the fields of the mapping that stands here: all that are required and none that is unknown.

        Raises PolicyError with the field's place.
        """
        if not isinstance(self.value, Mapping):
            raise self.refuse(f"a mapping stands here, with {', '.join(required)}")
        within = f"{self.place}." if self.place else ""
        found = {name: Node(each, f"{within}{name}") for name, each in self.value.items()}
        for name, node in found.items():
            if name not in required and name not in optional:
                raise node.refuse("no such field is known here")
        for name in required:
            if name not in found:
                raise PolicyError("the field is missing", field=f"{within}{name}")
        return found

    def read(self, parse: Callable[[str], T]) -> T:
        """Return what a function makes of the text; what the function refuses is told by this place."""
        with at(self.place):
            return parse(self.text())


@contextmanager
def at(place: str, *, inner: bool = False) -> Iterator[None]:
    """Turn an error from inside into one of the policy at this place, or with `inner` at its field there."""
    try:
        yield
    except DisclosureError as error:
        field = f"{place}.{error.field}" if inner and error.field else place
        raise PolicyError(error.detail, field=field.removeprefix("."), because=error.reason) from None


def check_once(nodes: Sequence[Node], values: Sequence[object], what: str) -> None:
    """Raise PolicyError at the first value that has stood there before."""
    for index, value in enumerate(values):
        if value in values[:index]:
            raise nodes[index].refuse(f"{what} stands there twice")
