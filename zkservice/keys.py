"""Secrets at rest: one master key in a file of the data folder, everything else sealed under it.

The file is made once, mode 0600, and belongs to the operator's backup apart from the database: without it the
database's secrets and the personal data that waits for its holder cannot be read.
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from disclosure import canonical
from zkservice.errors import StartError

_KEY_OCTETS: Final = 32
_HANDLE_LABEL: Final = "zk-disclosure/kept-handle/v1"
_NONCE_OCTETS: Final = 12
_CODES: Final = 1_000_000
_ADMIN_TOKEN: Final = re.compile(rb"[!-~]{32,200}")


def write_private(path: Path, octets: bytes) -> None:
    """Write a new file that only its owner can read, whole or not at all; on return it survives a crash."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Make durable what a folder names: a renamed file is lost with its old name otherwise."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Keys:
    """What is derived from the master key: sealing, and tokens that need not be stored."""

    def __init__(self, master: bytes) -> None:
        self._seal = AESGCM(self._derive(master, b"seal"))
        self._token = hmac.new(self._derive(master, b"token"), digestmod="sha256")
        self._fingerprint = hmac.new(self._derive(master, b"fingerprint"), digestmod="sha256")

    @staticmethod
    def _derive(master: bytes, purpose: bytes) -> bytes:
        info = b"zk-disclosure/service-key/v1/" + purpose
        return HKDF(SHA256(), _KEY_OCTETS, salt=None, info=info).derive(master)

    @classmethod
    def load(cls, folder: Path, *, make: bool = True) -> "Keys":
        """Read the master key of a folder; make it if the folder has none and `make` says that nothing is
        sealed yet. Raises StartError.
        """
        path = folder / "master.key"
        if not path.exists():
            if not make:
                raise StartError(
                    f"{path} is missing and the database is sealed under it; restore it from its backup"
                )
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _sync(folder.parent)
            write_private(path, secrets.token_bytes(_KEY_OCTETS))
        master = path.read_bytes()
        if len(master) != _KEY_OCTETS:
            raise StartError(f"{path} is not a master key of {_KEY_OCTETS} octets")
        _check_private(path)
        return cls(master)

    def seal(self, label: str, plaintext: bytes) -> bytes:
        """Encrypt for storage; only the same label opens it again."""
        nonce = secrets.token_bytes(_NONCE_OCTETS)
        return nonce + self._seal.encrypt(nonce, plaintext, label.encode())

    def open(self, label: str, sealed: bytes) -> bytes:
        """Decrypt; StartError if the master key is another one or the octets were changed."""
        try:
            return self._seal.decrypt(sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:], label.encode())
        except (InvalidTag, ValueError):  # the latter for octets that are too few to hold a nonce
            raise StartError(f"what is stored as {label} does not open under this master key") from None

    def token(self, *parts: str) -> str:
        """Return the token of a thing: 32 octets that follow from its name and the master key."""
        return base64.urlsafe_b64encode(self._named(*parts)).rstrip(b"=").decode()

    def is_token(self, given: str, *parts: str) -> bool:
        """Tell, in constant time, whether a token is that of a thing."""
        return hmac.compare_digest(given.encode(), self.token(*parts).encode())

    def code(self, *parts: str) -> str:
        """Return six digits that a person types for a thing: they follow from its name and the master key."""
        return f"{int.from_bytes(self._named('code', *parts)) % _CODES:06}"

    def is_code(self, given: str, *parts: str) -> bool:
        """Tell, in constant time, whether these are a thing's digits."""
        return hmac.compare_digest(given.encode(), self.code(*parts).encode())

    def _named(self, *parts: str) -> bytes:
        return _mac(self._token, b"".join(len(each.encode()).to_bytes(4) + each.encode() for each in parts))

    def fingerprint(self, octets: bytes) -> bytes:
        """Return what tells personal data from other data and says nothing of it without the master key."""
        return _mac(self._fingerprint, octets)


def _mac(keyed: hmac.HMAC, octets: bytes) -> bytes:
    """Go on from a key that was taken in once, which costs more than a short message."""
    mac = keyed.copy()
    mac.update(octets)
    return mac.digest()


def secret_label(issuer_key: str) -> str:
    """Return the label that an issuer key's secret half is sealed under, by the key's name."""
    return f"issuer-key/{issuer_key}"


def accumulator_label(accumulator: str) -> str:
    """Return the label that an accumulator's secret is sealed under, by the accumulator's name."""
    return f"accumulator/{accumulator}"


def handle_label(offer: str) -> str:
    """Return the label that a credential's handle is sealed under, by its offer's identifier."""
    return f"handle/{offer}"


def handle_mark(keys: Keys, handle: bytes) -> bytes:
    """Return the fingerprint by which a credential's handle of 32 octets is found."""
    return keys.fingerprint(canonical.encode(_HANDLE_LABEL, handle))


def presentation_label(exchange: str) -> str:
    """Return the label that an accepted presentation is sealed under, by its exchange's identifier."""
    return f"presentation/{exchange}"


def token_hash(token: str) -> bytes:
    """Return what is stored of a random token."""
    return hashlib.sha256(b"zk-disclosure/access-token/v1\x00" + token.encode()).digest()


def load_admin_token(folder: Path) -> str:
    """Read the administrator's token; make it if the folder has none. Raises StartError."""
    return _load_token(folder / "admin.token")


def load_operator_token(folder: Path) -> str:
    """Read the operator's token; make it if the folder has none. Raises StartError."""
    return _load_token(folder / "operator.token")


def _load_token(path: Path) -> str:
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32).encode() + b"\n")
    _check_private(path)
    token = path.read_bytes().strip()
    if not _ADMIN_TOKEN.fullmatch(token):
        raise StartError(f"{path} holds no token; delete it and start again for a new one")
    return token.decode()


def _check_private(path: Path) -> None:
    if path.stat().st_mode & 0o077:
        raise StartError(f"{path} can be read by others; run chmod 600 on it")
