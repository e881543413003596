"""What can go wrong with another operator's server, each with a stable reason."""

from enum import StrEnum


class Reason(StrEnum):
    """The stable reasons; the value equals the name."""

    UNREACHABLE = "UNREACHABLE"
    TIMED_OUT = "TIMED_OUT"
    NOT_FOUND = "NOT_FOUND"
    TOO_LARGE = "TOO_LARGE"
    STATUS_UNEXPECTED = "STATUS_UNEXPECTED"
    ANSWER_MALFORMED = "ANSWER_MALFORMED"
    URL_INVALID = "URL_INVALID"
    ROOT_INVALID = "ROOT_INVALID"
    FOLDER_INVALID = "FOLDER_INVALID"
    FOLDER_BUSY = "FOLDER_BUSY"
    STORE_FAILED = "STORE_FAILED"
    NOTES_FULL = "NOTES_FULL"
    LOG_FORKED = "LOG_FORKED"
    LOG_ROLLED_BACK = "LOG_ROLLED_BACK"


class ConsortiumError(Exception):
    """Base of what this package raises on purpose."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason: str = reason.value
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class SourceError(ConsortiumError):
    """Another operator's server that does not answer, or not with what was asked for."""


class FolderError(ConsortiumError):
    """A folder of our own that cannot be used as it is."""
