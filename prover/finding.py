"""Finding one thing by the beginning of its identifier, as a person types it."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from prover.errors import ContentError, VaultReason


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


_Item = TypeVar("_Item", bound=_Identified)


def one_of(items: Iterable[_Item], wanted: str, missing: VaultReason) -> _Item:
    """Return the only item whose identifier begins so; ContentError `missing`, ID_AMBIGUOUS."""
    found = [each for each in items if wanted and each.id.startswith(wanted)]
    if not found:
        raise ContentError(missing, "the vault holds nothing under this identifier")
    if len(found) > 1:
        raise ContentError(VaultReason.ID_AMBIGUOUS, "several identifiers begin like this; give more of it")
    return found[0]
