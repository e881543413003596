"""How new the revocation lists are that a server has taken, kept over its restarts.

A list is its authority's word of one moment, and one of an earlier moment knows less: it may leave out a
certificate that was taken back meanwhile. A running server takes none that is older than the one before. So
that a restarted one takes none either, the moment of each authority's newest list stands in a file of the
data folder. Members of one server share the file.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from zkservice.errors import StartError
from zkservice.keys import write_private

FILE: Final = "client_crl.json"
_FORMAT: Final = "zk-disclosure/taken-revocation-lists/v1"
_FIELDS: Final = {"format", "begun"}
_MOST_OCTETS: Final = 1 << 20
_NAME: Final = re.compile(r"[0-9a-f]{64}")


def name_of(authority: x509.Certificate) -> str:
    """Return what a list's authority is known by: its name and key, which all certificates of it share."""
    subject = authority.subject.public_bytes()
    key = authority.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(len(subject).to_bytes(4) + subject + key).hexdigest()


class TakenLists:
    """When the newest list of each authority began (Unix seconds), by `name_of`. Raises StartError."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._begun = _read(self._path)

    def begun(self, name: str) -> int | None:
        """When the newest list of an authority began that was ever taken here; None if none was."""
        return self._begun.get(name)

    def keep(self, begun: Mapping[str, int]) -> None:
        """Write down what is later than what stands there, durably; OSError, StartError."""
        if not _later(self._begun, begun):
            return
        with _alone(self._path.parent):  # another member may have written since, or may be about to
            stands = _read(self._path)
            merged = stands | _later(stands, begun)
            if merged != stands:
                stated = {"format": _FORMAT, "begun": merged}
                write_private(self._path, json.dumps(stated, indent=1, sort_keys=True).encode() + b"\n")
        self._begun = merged


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder alone for a moment, among those who ask for it in this way."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _later(stands: Mapping[str, int], begun: Mapping[str, int]) -> dict[str, int]:
    return {name: at for name, at in begun.items() if name not in stands or stands[name] < at}


def _read(path: Path) -> dict[str, int]:
    """Read the file; no file is what a server has that has taken nothing yet. StartError."""
    try:
        with path.open("rb") as file:
            octets = file.read(_MOST_OCTETS + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StartError(f"{path} cannot be read: {error.strerror}") from None
    try:
        found: Any = json.loads(octets.decode("ascii")) if len(octets) <= _MOST_OCTETS else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or set(found) != _FIELDS or found["format"] != _FORMAT:
        raise _damaged(path)
    begun: dict[str, int] = found["begun"]
    if not isinstance(begun, dict) or not all(
        _NAME.fullmatch(name) and type(at) is int for name, at in begun.items()
    ):
        raise _damaged(path)
    return begun


def _damaged(path: Path) -> StartError:
    detail = "is damaged: look at who has written to the folder, lay down the newest lists and delete it"
    return StartError(f"{path} {detail}")
