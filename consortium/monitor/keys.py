"""The monitor's own key, with which it signs what it saw and cannot prove."""

import secrets
from pathlib import Path
from typing import Final

from consortium import durable
from consortium.errors import FolderError, Reason
from tlog import Signer, TlogError

KEY_FILE: Final = "monitor.key"
_SEED_OCTETS: Final = 32


def load_key(folder: Path, name: str) -> Signer:
    """Return the key of a monitor's folder, made under `name` if there is none yet.

    Raises FolderError FOLDER_INVALID.
    """
    path = folder / KEY_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make(path, name)
        kept, _, seed = path.read_text("ascii").removesuffix("\n").partition(" ")
        return Signer.from_secret(kept, bytes.fromhex(seed))
    except (OSError, ValueError, TlogError):
        # Without its cause, which might show a part of the key.
        raise FolderError(Reason.FOLDER_INVALID, f"{path} is no monitor's key") from None


def _make(path: Path, name: str) -> None:
    """Write a new key, for its owner only."""
    seed = secrets.token_bytes(_SEED_OCTETS)
    Signer.from_secret(name, seed)
    durable.write(path, f"{name} {seed.hex()}\n".encode(), mode=durable.PRIVATE)
