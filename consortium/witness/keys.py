"""A witness's keys: a file of its folder that only its owner reads, a line for each key, the newest first.

A line has the name, the type of tlog.KeyType as two hexadecimal digits and the seed in base64.

A witness that changes its key cosigns with both for as long as both stand there, so that those who pin the
old one and those who pin the new one are served alike. A process takes up a change when it is started again.
"""

from pathlib import Path
from typing import Final

from consortium import durable
from consortium.errors import FolderError, Reason
from consortium.witness.store import make_store
from tlog import CosignatureSigner, InputError, MldsaCosignatureSigner, TlogError
from tlog.encoding import from_base64, to_base64
from tlog.errors import Reason as TlogReason

KEY_FILE: Final = "witness.keys"
_MAX_KEYS: Final = 4
_SEED_OCTETS: Final = 32
_KINDS: Final = {f"{kind.KEY_TYPE:02x}": kind for kind in (CosignatureSigner, MldsaCosignatureSigner)}


def make_keys(
    folder: Path, name: str, kind: type[CosignatureSigner] = CosignatureSigner
) -> CosignatureSigner:
    """Make a key of this name, beside those that are there, and return it; on return it survives a crash.

    With the first key the folder and the store are made. Raises FolderError FOLDER_INVALID; tlog.InputError
    INVALID_NAME, KEY_UNSUPPORTED (ML-DSA-44 without a library that has it).
    """
    made = kind.generate(name)
    before = load_keys(folder) if (folder / KEY_FILE).exists() else ()
    if len(before) == _MAX_KEYS:
        raise FolderError(Reason.FOLDER_INVALID, f"{folder} has {_MAX_KEYS} keys already")
    if not before:
        # First, so that there never is a key without the store: what it cosigned would be forgotten.
        _make_folder(folder)
        make_store(folder)
    _write(folder, (made, *before))
    return made


def drop_key(folder: Path, key_id: str) -> None:
    """Forget a key, which ends its cosigning; FolderError FOLDER_INVALID if it is not there, or the last."""
    keys = load_keys(folder)
    kept = tuple(each for each in keys if each.verifier.key_id.hex() != key_id)
    if len(kept) == len(keys) or not kept:
        raise FolderError(Reason.FOLDER_INVALID, f"{folder} has no key {key_id}, or no other")
    _write(folder, kept)


def load_keys(folder: Path) -> tuple[CosignatureSigner, ...]:
    """Read the keys, the newest first; FolderError FOLDER_INVALID, which says nothing of what the file
    holds."""
    path = folder / KEY_FILE
    try:
        if path.stat().st_mode & 0o077:
            raise FolderError(Reason.FOLDER_INVALID, f"{path} can be read by others; run chmod 600 on it")
        if folder.stat().st_mode & 0o022:  # whoever may put another store there rolls the witness back
            raise FolderError(Reason.FOLDER_INVALID, f"others can write to {folder}; run chmod 700 on it")
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise FolderError(
            Reason.FOLDER_INVALID, f"{path} cannot be read; `zk witness init` makes it"
        ) from None
    try:
        keys = tuple(_key(line) for line in lines)
    except (TlogError, ValueError):
        keys = ()
    if not 0 < len(keys) <= _MAX_KEYS or len({each.verifier.key_id for each in keys}) != len(keys):
        raise FolderError(Reason.FOLDER_INVALID, f"{path} holds no keys of a witness")
    return keys


def _key(line: str) -> CosignatureSigner:
    parts = line.split(" ")
    if len(parts) != 3 or parts[1] not in _KINDS:
        raise InputError(TlogReason.INVALID_TEXT, "a line has a name, a type and a seed")
    return _KINDS[parts[1]].from_secret(parts[0], from_base64(parts[2], "a seed", _SEED_OCTETS))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _write(folder: Path, keys: tuple[CosignatureSigner, ...]) -> None:
    text = "".join(f"{each.name} {each.KEY_TYPE:02x} {to_base64(each.to_secret())}\n" for each in keys)
    try:
        durable.write(folder / KEY_FILE, text.encode(), mode=durable.PRIVATE)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _unwritable(folder: Path, error: OSError) -> FolderError:
    detail = error.strerror or type(error).__name__
    return FolderError(Reason.FOLDER_INVALID, f"{folder} cannot be written: {detail}")
