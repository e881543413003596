"""Why a keyring cannot be used or changed. The reason is stable; no text holds a key or what is sealed."""

from enum import StrEnum

from zkservice.errors import StartError


class KeyringReason(StrEnum):
    """The stable reasons; the value equals the name."""

    PROVIDER_MISSING = "PROVIDER_MISSING"
    """The keyring is wrapped, or is to be, and no provider is set."""
    PROVIDER_UNUSABLE = "PROVIDER_UNUSABLE"
    """The provider's file, variable, program or module is not there or not as it has to be."""
    PROVIDER_FAILED = "PROVIDER_FAILED"
    """The provider did not answer, or answered something else."""
    KEY_WRONG = "KEY_WRONG"
    """The provider's key is another one than the keyring is wrapped under."""
    KEYRING_MISSING = "KEYRING_MISSING"
    KEYRING_MALFORMED = "KEYRING_MALFORMED"
    KEYRING_CHANGED = "KEYRING_CHANGED"
    """A field was changed, or the parts are of several keyrings."""
    KEYRING_OTHER = "KEYRING_OTHER"
    """It is not the keyring that the database is sealed under."""
    KEYRING_BEHIND = "KEYRING_BEHIND"
    """The database is sealed under a generation that this folder never got."""
    KEYRING_EXISTS = "KEYRING_EXISTS"
    KEYRING_BUSY = "KEYRING_BUSY"
    ROTATION_UNDER_WAY = "ROTATION_UNDER_WAY"
    SERVERS_BEHIND = "SERVERS_BEHIND"
    """A server has not taken over what was begun, or runs a program that cannot."""
    SEALED_BROKEN = "SEALED_BROKEN"
    """A value of the database does not open under any generation."""
    BACKUP_MALFORMED = "BACKUP_MALFORMED"
    BACKUP_CHANGED = "BACKUP_CHANGED"


class KeyringError(StartError):
    """A keyring that cannot be used, or a step that is not its turn. Nothing was changed by that step."""

    def __init__(self, reason: KeyringReason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason: str = reason.value
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
