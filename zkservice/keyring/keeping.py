"""Backup and restore of a keyring: as it is, wrapped, with a manifest that says what it is.

keyring.json   the keyring, as the folder has it
manifest.json  its SHA-256, what it says of itself, and when the backup was made

The provider's key opens it, so that key is kept elsewhere and has a backup of its own.
"""

import datetime as dt
import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from zkservice.keyring import ring as rings
from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.providers import KeyProvider
from zkservice.keyring.ring import Ring
from zkservice.keys import KEYRING_FILE, MASTER_FILE, make_folder, write_private
from zkservice.upkeep.folders import new_folder

MANIFEST: Final = "manifest.json"
_FORMAT: Final = "zk-disclosure/keyring-backup/v1"
_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class KeyringManifest:
    """What a backup says of its keyring; `checks` are the generations' check values by their numbers."""

    made: str
    identity: str
    provider: str
    current: int
    checks: dict[str, str]
    sha256: str

    def to_bytes(self) -> bytes:
        """Return the file's octets."""
        return (json.dumps({"format": _FORMAT, **asdict(self)}, indent=2) + "\n").encode()


def back_up(folder: Path, provider: KeyProvider, target: Path, now: dt.datetime) -> KeyringManifest:
    """Copy the keyring of a folder into a new folder, once it has been opened; nothing is in the open there.

    Raises KeyringError, UpkeepError TARGET_NOT_EMPTY, TARGET_BUSY, TARGET_UNSAFE, OSError.
    """
    octets = rings.file_octets(folder)
    manifest = _manifest(octets, rings.read(octets, provider), now)
    with new_folder(target) as filling:
        write_private(filling / KEYRING_FILE, octets)
        write_private(filling / MANIFEST, manifest.to_bytes())
    return manifest


def open_backup(folder: Path, provider: KeyProvider) -> tuple[KeyringManifest, bytes, Ring]:
    """Read a backup and open it; KeyringError BACKUP_MALFORMED, BACKUP_CHANGED, KEY_WRONG."""
    try:
        octets, text = _read(folder / KEYRING_FILE), _read(folder / MANIFEST)
    except OSError as error:
        raise _malformed(f"{error.filename} cannot be read: {error.strerror}") from None
    manifest = _parsed(text)
    if rings.fingerprint_of(octets) != manifest.sha256:
        detail = "the keyring is not the one that was backed up"
        raise KeyringError(KeyringReason.BACKUP_CHANGED, detail)
    ring = rings.read(octets, provider)
    if replace(_manifest(octets, ring, dt.datetime.now(dt.UTC)), made=manifest.made) != manifest:
        detail = "the manifest says something else than the keyring"
        raise KeyringError(KeyringReason.BACKUP_CHANGED, detail)
    return manifest, octets, ring


def restore(backup: Path, folder: Path, provider: KeyProvider) -> KeyringManifest:
    """Put a backup's keyring into the folder of keys of a data folder that has none.

    Raises KeyringError as `open_backup`, KEYRING_EXISTS: what is there is never written over.
    """
    manifest, octets, _ = open_backup(backup, provider)
    make_folder(folder)
    with rings.locked(folder):
        for name in (KEYRING_FILE, MASTER_FILE):
            if (folder / name).exists():
                detail = (
                    f"{folder / name} is there: move it away first, if the database is not sealed under it"
                )
                raise KeyringError(KeyringReason.KEYRING_EXISTS, detail)
        write_private(folder / KEYRING_FILE, octets)
    return manifest


def _manifest(octets: bytes, ring: Ring, now: dt.datetime) -> KeyringManifest:
    return KeyringManifest(
        made=now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        identity=ring.identity,
        provider=ring.provider,
        current=ring.current,
        checks={str(each.number): each.check for each in ring.generations},
        sha256=rings.fingerprint_of(octets),
    )


def _parsed(text: bytes) -> KeyringManifest:
    found: Any = None
    try:
        found = json.loads(text.decode("ascii"))
    except (ValueError, RecursionError):
        raise _malformed("the manifest is no JSON document") from None
    if not isinstance(found, dict) or found.pop("format", None) != _FORMAT:
        raise _malformed("the manifest is of another form")
    if set(found) != set(KeyringManifest.__dataclass_fields__):
        raise _malformed("the manifest lacks something, or says something else")
    manifest = KeyringManifest(**found)
    texts = (manifest.made, manifest.identity, manifest.provider, manifest.sha256)
    sound = (
        all(type(each) is str for each in texts)
        and type(manifest.current) is int
        and isinstance(manifest.checks, dict)
        and _HASH.fullmatch(manifest.sha256)
    )
    if not sound:
        raise _malformed("the manifest lacks something, or says something else")
    return manifest


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(rings.MOST_FILE + 1)


def _malformed(detail: str) -> KeyringError:
    return KeyringError(KeyringReason.BACKUP_MALFORMED, detail)
