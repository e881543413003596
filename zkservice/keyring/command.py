"""A key provider that is an operator's own program: whatever reaches its key management system.

The program is started without a shell, once for each key, with one further argument: `wrap` or `unwrap`. On
standard input it gets one JSON object, {"context": "...", "octets": "..."}, both in base64, and on standard
output it gives {"octets": "..."}. It ends with 0; with 3 if what it got is not wrapped under its key and
context; with anything else if it failed. What it says on standard error is not read.
"""

import base64
import binascii
import json
import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.providers import MOST_OCTETS, unusable, wrong

_NOT_MINE: Final = 3
_MOST_OUTPUT: Final = 4 * MOST_OCTETS


class CommandProvider:
    """A provider that asks a program each time; `seconds` is how long it may take."""

    def __init__(self, command: Sequence[str], seconds: float) -> None:
        if not command or not Path(command[0]).is_absolute():
            raise unusable("key_command is a list: the absolute path of a program, and its arguments")
        if not os.access(command[0], os.X_OK) or not Path(command[0]).is_file():
            raise unusable(f"{command[0]} is no program that can be run")
        self._command, self._seconds = tuple(command), seconds
        self.name = "command"

    def __repr__(self) -> str:
        return f"CommandProvider({self._command[0]!r})"

    def wrap(self, octets: bytes, context: bytes) -> bytes:
        """Have octets wrapped; KeyringError PROVIDER_FAILED."""
        return self._ask("wrap", octets, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Have octets unwrapped; KeyringError PROVIDER_FAILED, KEY_WRONG."""
        return self._ask("unwrap", wrapped, context)

    def _ask(self, verb: str, octets: bytes, context: bytes) -> bytes:
        asked = {"context": base64.b64encode(context).decode(), "octets": base64.b64encode(octets).decode()}
        code, output = self._run(verb, json.dumps(asked).encode())
        if code == _NOT_MINE:
            raise wrong(self.name)
        if code != 0:
            raise _failed(f"{self._command[0]} {verb} ended with {code}")
        return _answer(output, f"{self._command[0]} {verb}")

    def _run(self, verb: str, given: bytes) -> tuple[int, bytes]:
        """Run the program to its end; all that it has started ends with it if it takes too long."""
        try:
            process = subprocess.Popen(  # noqa: S603, the operator's own program, without a shell
                [*self._command, verb],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise _failed(f"{self._command[0]} cannot be run: {error.strerror}") from None
        with process:
            try:
                output, _ = process.communicate(given, self._seconds)
            except BaseException as error:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                if isinstance(error, subprocess.TimeoutExpired):
                    slow = f"{self._command[0]} {verb} took longer than {self._seconds} s"
                    raise _failed(slow) from None
                raise
        return process.returncode, output


def _answer(output: bytes, what: str) -> bytes:
    """Read what a program gave, strictly."""
    found: Any = None
    if len(output) <= _MOST_OUTPUT:
        with suppress(ValueError, RecursionError):
            found = json.loads(output)
    if not isinstance(found, dict) or set(found) != {"octets"} or not isinstance(found["octets"], str):
        raise _failed(f"{what} gave something else than was asked")
    try:
        octets = base64.b64decode(found["octets"].encode(), validate=True)
    except (binascii.Error, ValueError):
        raise _failed(f"{what} gave something else than was asked") from None
    if not 0 < len(octets) <= MOST_OCTETS:
        raise _failed(f"{what} gave too much or nothing")
    return octets


def _failed(detail: str) -> KeyringError:
    return KeyringError(KeyringReason.PROVIDER_FAILED, detail)
