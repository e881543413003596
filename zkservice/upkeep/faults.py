"""What can be wrong with a stored ledger, and why upkeep refuses; each with a stable reason."""

from dataclasses import dataclass
from enum import StrEnum


class FaultReason(StrEnum):
    """The stable reasons; the value equals the name."""

    DATABASE_UNREADABLE = "DATABASE_UNREADABLE"
    SCHEMA_MISMATCH = "SCHEMA_MISMATCH"
    LOG_KEY_INVALID = "LOG_KEY_INVALID"
    STATE_INVALID = "STATE_INVALID"
    STATE_FORKED = "STATE_FORKED"
    STAGED_INVALID = "STAGED_INVALID"
    ENTRY_MISSING = "ENTRY_MISSING"
    ENTRY_EXTRA = "ENTRY_EXTRA"
    ENTRY_CHANGED = "ENTRY_CHANGED"
    NOTE_CHANGED = "NOTE_CHANGED"
    BLOCK_MISSING = "BLOCK_MISSING"
    BLOCK_EXTRA = "BLOCK_EXTRA"
    BLOCK_CHANGED = "BLOCK_CHANGED"
    TILE_MISSING = "TILE_MISSING"
    TILE_EXTRA = "TILE_EXTRA"
    TILE_CHANGED = "TILE_CHANGED"
    OUTBOX_MISSING = "OUTBOX_MISSING"
    OUTBOX_INVALID = "OUTBOX_INVALID"
    OUTBOX_DOUBLED = "OUTBOX_DOUBLED"
    ANCHOR_INVALID = "ANCHOR_INVALID"
    MARK_INVALID = "MARK_INVALID"
    LEASE_INVALID = "LEASE_INVALID"


@dataclass(frozen=True)
class Place:
    """Where a fault shows: a table, a row's key in it, an entry's index, a block's height."""

    table: str
    key: str = ""
    index: int | None = None
    block: int | None = None

    def __str__(self) -> str:
        parts = [self.table + (f" {self.key}" if self.key else "")]
        parts += [f"entry {self.index}"] if self.index is not None else []
        parts += [f"block {self.block}"] if self.block is not None else []
        return ", ".join(parts)


class FaultError(Exception):
    """The first fault of a stored ledger. The text holds no octets of a row."""

    def __init__(self, reason: FaultReason, place: Place, detail: str) -> None:
        super().__init__(reason, place, detail)
        self.reason: str = reason.value
        self.place = place
        self.detail = f"{place}: {detail}"

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class UpkeepReason(StrEnum):
    """Why something is not done; the value equals the name."""

    TARGET_NOT_EMPTY = "TARGET_NOT_EMPTY"
    TARGET_BUSY = "TARGET_BUSY"
    TARGET_UNSAFE = "TARGET_UNSAFE"
    BACKUP_MALFORMED = "BACKUP_MALFORMED"
    BACKUP_CHANGED = "BACKUP_CHANGED"
    BACKUP_OF_OTHER_SCHEMA = "BACKUP_OF_OTHER_SCHEMA"
    DATABASE_OTHER = "DATABASE_OTHER"
    LOG_IN_USE = "LOG_IN_USE"
    LOG_NOT_BEGUN = "LOG_NOT_BEGUN"
    POLICY_MISSING = "POLICY_MISSING"
    LOG_BEHIND = "LOG_BEHIND"
    WITNESSES_KNOW = "WITNESSES_KNOW"
    MIRROR_BEHIND = "MIRROR_BEHIND"
    MIRROR_CONTRADICTS = "MIRROR_CONTRADICTS"
    PROGRAM_MISSING = "PROGRAM_MISSING"
    PROGRAM_FAILED = "PROGRAM_FAILED"


class UpkeepError(Exception):
    """Something that is refused, or could not be done; what was there before is there still."""

    def __init__(self, reason: UpkeepReason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason: str = reason.value
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
