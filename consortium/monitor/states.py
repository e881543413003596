"""How a monitor stands to a log: how far its tree was read, and how far each source beyond it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from tlog import EMPTY_ROOT, BlockHeader, TileId


class Standing(IntEnum):
    """How a note stands to the tree that was read."""

    PENDING = 0
    SETTLED = 1
    FORKED = 2


@dataclass(frozen=True)
class State:
    """How far a log has been read. `sound` is False once its chain was found broken: from then on it is only
    the tree that is followed."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    note: bytes | None = None
    header: BlockHeader | None = None
    sound: bool = True


@dataclass(frozen=True)
class Fault:
    """An entry that does not belong where it stands, with the header before it."""

    index: int
    entry: bytes
    before: BlockHeader | None


@dataclass(frozen=True)
class Progress:
    """How far one source was read beyond the tree: the last header of a chain that holds, or where it breaks,
    and the first entry with a wrong note beside it."""

    read: int
    header: BlockHeader | None
    fault: Fault | None = None
    bad_note: int | None = None


@dataclass(frozen=True)
class Read:
    """What was read of a source since it was last kept: tiles as they are now, and headers."""

    source: str
    tiles: Mapping[TileId, bytes] = field(default_factory=dict)
    headers: Mapping[int, bytes] = field(default_factory=dict)
