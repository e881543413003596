"""The private key of a server's certificate, encrypted at rest under what the keyring holds.

Its file is PKCS#8 in PEM (RFC 7468, PBES2 with AES-256), under a password that follows from the keyring's
derivation: no rotation of the master key changes it, every folder with the same keyring opens it, and without
the provider's key nobody does. Nothing but the file is kept, so a backup of it needs the keyring's.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from zkservice.keyring import ring as rings
from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.providers import KeyProvider
from zkservice.keys import derive, sync_folder

MOST_OCTETS: Final = 1 << 16
_PURPOSE: Final = b"server-private-key"
_BEGIN: Final = b"-----BEGIN "


def password_of(folder: Path, provider: KeyProvider | None) -> bytes:
    """Return what the server's private key is encrypted under, of a folder's keyring; KeyringError."""
    if provider is None:
        detail = "the server's private key is encrypted: set the key_provider of the keyring that opens it"
        raise KeyringError(KeyringReason.PROVIDER_MISSING, detail)
    return derive(rings.load(folder, provider).derivation, _PURPOSE).hex().encode()


def loaded(octets: bytes, password: Callable[[], bytes]) -> tuple[PrivateKeyTypes, bool]:
    """Read a private key in PEM; return it, and whether it lies open. `password` is asked only if not.

    Raises KeyringError KEY_WRONG if it is encrypted under another password, and ValueError if it is none.
    """
    try:
        return load_pem_private_key(octets, None), True
    except TypeError:  # it wants a password
        pass
    except UnsupportedAlgorithm:
        raise ValueError("a private key of an unknown kind") from None
    try:
        return load_pem_private_key(octets, password()), False
    except (ValueError, TypeError, UnsupportedAlgorithm):
        detail = "the server's private key is damaged, or encrypted under another keyring"
        raise KeyringError(KeyringReason.KEY_WRONG, detail) from None


def opened(key: PrivateKeyTypes) -> bytes:
    """Return a private key in the open, as gRPC takes it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def protect(path: Path, password: bytes) -> bool:
    """Encrypt the private key in a file, in its place; tell whether it lay open.

    The new file is whole and durable, and opens, before anything of the old one goes. Raises KeyringError
    KEY_WRONG, and ValueError if the file holds no private key, or anything besides; OSError.
    """
    return _rewritten(path, password, lies_open=False)


def lay_open(path: Path, password: bytes) -> bool:
    """Write the private key in a file in the open again; tell whether it was encrypted. As `protect`."""
    return _rewritten(path, password, lies_open=True)


def _rewritten(path: Path, password: bytes, *, lies_open: bool) -> bool:
    target = path.resolve()
    with target.open("r+b") as file:
        octets = file.read(MOST_OCTETS + 1)
        if len(octets) > MOST_OCTETS or octets.count(_BEGIN) != octets.count(_BEGIN + b"EC PARAMETERS") + 1:
            raise ValueError("not a private key alone")
        key, is_open = loaded(octets, lambda: password)
        if is_open is lies_open:
            return False
        sealing = BestAvailableEncryption(password)
        written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealing) if is_open else opened(key)
        again, _ = loaded(written, lambda: password)
        if not secrets.compare_digest(opened(again), opened(key)):
            raise ValueError("does not open as what it was")
        _put(target, os.fstat(file.fileno()), written)
        # What was opened has no name any more, unless it had another. What this is worth: docs/keys.md.
        if is_open and not os.fstat(file.fileno()).st_nlink:
            file.seek(0)
            file.write(bytes(len(octets)))
            file.flush()
            os.fsync(file.fileno())
    return True


def _put(target: Path, before: os.stat_result, octets: bytes) -> None:
    """Put a file in the place of the one that was read, whole and durable, of the same owner.

    Raises ValueError if another one was laid there since; between that look and the replacing is a moment.
    """
    new = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if before.st_uid != os.geteuid():
                os.fchown(descriptor, before.st_uid, before.st_gid)
            file.write(octets)
            file.flush()
            os.fsync(descriptor)
        there = target.stat()
        if (there.st_dev, there.st_ino) != (before.st_dev, before.st_ino):
            raise ValueError("another file was laid there meanwhile")
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)
    sync_folder(target.parent)
