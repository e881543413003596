"""What a server or a command starts with: the keys of a data folder, whichever way they are kept.

State rules of adoption: the keyring is written whole and durable, read back and opened by the provider; only
then does the open master key go. A crash before that leaves the open key, which counts; a crash after it
leaves the keyring alone or both, and the next start finishes. Two that do not agree are refused.
"""

import datetime as dt
import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from zkservice.config import Settings
from zkservice.keyring import ring as rings
from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.providers import KeyProvider, provider_of
from zkservice.keyring.ring import Ring
from zkservice.keys import (
    FIRST,
    KEY_OCTETS,
    KEYRING_FILE,
    MASTER_FILE,
    Keys,
    load_master,
    read_master,
    sync_folder,
)

FOLDER: Final = "keys"


class Step(StrEnum):
    """The points of an adoption after each thing that is durable; a test may end the process there."""

    WRITTEN = "written"
    VERIFIED = "verified"
    OVERWRITTEN = "overwritten"
    REMOVED = "removed"


def _nothing(_: Step) -> None:
    """Stand in for a test's hook."""


@dataclass(frozen=True)
class Opened:
    """The keys of a folder, and with a provider the means to change them."""

    keys: Keys
    folder: Path
    provider: KeyProvider | None


def open_keys(
    settings: Settings, *, make: bool, provider: KeyProvider | None = None, now: dt.datetime | None = None
) -> Opened:
    """Open the keys of the data folder; make them if it has none and `make` says that nothing is sealed yet.

    `provider` is that of the settings where it was asked for before: a variable can be read only once.
    Raises StartError, of which KeyringError.
    """
    folder = settings.data / FOLDER
    provider = provider or provider_of(settings)
    if provider is None:
        if (folder / KEYRING_FILE).exists():
            detail = f"{folder / KEYRING_FILE} is wrapped: set key_provider to what unwraps it"
            raise KeyringError(KeyringReason.PROVIDER_MISSING, detail)
        return Opened(Keys(load_master(folder, make=make)), folder, None)
    return Opened(open_ring(folder, provider, make=make, now=now).keys(), folder, provider)


def open_ring(
    folder: Path,
    provider: KeyProvider,
    *,
    make: bool,
    now: dt.datetime | None = None,
    after: Callable[[Step], None] = _nothing,
) -> Ring:
    """Open the keyring of a folder; adopt a master key that lies open there, or make one; KeyringError."""
    with rings.locked(folder):
        if not (folder / KEYRING_FILE).exists():
            adopted = (folder / MASTER_FILE).exists()
            if not adopted and not make:
                detail = f"{folder / KEYRING_FILE} is missing and the database is sealed under it"
                raise KeyringError(KeyringReason.KEYRING_MISSING, f"{detail}; restore it from its backup")
            master = read_master(folder) if adopted else secrets.token_bytes(KEY_OCTETS)
            ring = Ring.first(master, provider, now or dt.datetime.now(dt.UTC))
            rings.save(folder, ring, provider)
            after(Step.WRITTEN)
        ring = rings.load(folder, provider)
        if (folder / MASTER_FILE).exists():
            _remove_open(folder, ring, after)
        return ring


def _remove_open(folder: Path, ring: Ring, after: Callable[[Step], None]) -> None:
    """Remove the master key that lies open, which is generation 1 of the keyring; KEYRING_OTHER if not."""
    first, open_key, none = ring.of(FIRST), read_master(folder, or_zeros=True), bytes(KEY_OCTETS)
    # Nothing but zeros is what a crash between overwriting and removing leaves.
    if open_key != none and (first is None or not hmac.compare_digest(first.master, open_key)):
        detail = f"{folder / MASTER_FILE} is another key than the keyring's first: keep the one that opens"
        raise KeyringError(KeyringReason.KEYRING_OTHER, f"{detail} the database, and move the other away")
    after(Step.VERIFIED)
    path = folder / MASTER_FILE
    # Overwritten first: of what that is worth on a journal or flash memory see docs/keys.md.
    with path.open("r+b") as file:
        file.write(none)
        file.flush()
        os.fsync(file.fileno())
    after(Step.OVERWRITTEN)
    path.unlink()
    sync_folder(folder)
    after(Step.REMOVED)
