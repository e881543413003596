"""What the `zk` command's exit codes mean. They are stable: scripts rely on them."""

from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """The exit codes; no number is ever given another meaning."""

    OK = 0
    """It was done."""
    UNEXPECTED = 1
    """Something that nobody foresaw; ZK_DEBUG=1 shows where."""
    USAGE = 2
    """The command, an option, a value or a file is not as it has to be. Nothing was done."""
    REFUSED = 3
    """The service or the vault refused; the reason says why."""
    NOT_VERIFIED = 4
    """A signature, proof, receipt, record or ledger does not hold."""
    UNREACHABLE = 5
    """The service was not reached, or nobody answered in time."""
    DECLINED = 6
    """The person said no. Nothing about the person was sent."""
    KEY_NOT_TRUSTED = 7
    """No log key is pinned, or the log's key is not the pinned one."""
    UNHEALTHY = 8
    """A check of `doctor` failed, a promised figure of `bench` misses, or the demo did not go as it must."""
    NOT_STARTED = 9
    """The service cannot start. Nothing was changed."""
    PENDING = 10
    """The receipt or record holds, and is pending: too few witnesses have cosigned it by now."""
    INTERRUPTED = 130
    """Ctrl-C."""


class CommandError(Exception):
    """A command that ends with `exit_code`, a stable reason and a message of zk.messages.

    `key` names the message, `values` fill it.
    """

    def __init__(self, exit_code: Exit, reason: str, key: str, /, **values: object) -> None:
        super().__init__(reason)
        self.exit_code, self.reason, self.key, self.values = exit_code, reason, key, values


NOT_VERIFIED_REASONS: Final = frozenset(
    {
        "LOG_KEY_NOT_FOLLOWED",
        "PROOF_INVALID",
        "RECEIPT_MISMATCH",
        "REQUEST_SIGNATURE_INVALID",
        "SIGNATURE_INVALID",
    }
)
"""Reasons of a RefusedError, found by this side, that mean: what was received does not hold."""
