"""Secrets at rest: one master key in a file of the data folder, everything else sealed under it.

The file is made once, mode 0600, and belongs to the operator's backup apart from the database: without it the
database's secrets and the personal data that waits for its holder cannot be read. Where a key provider is set
the master key has generations, which the keyring keeps (`zkservice.keyring`, docs/keys.md).
"""

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from disclosure import canonical
from zkservice.errors import StartError

KEY_OCTETS: Final = 32
FIRST: Final = 1
"""The generation that sealings name which name none: those of before there were generations."""
_NUMBERED: Final = b"zk-sealed/2\x00"
_NUMBER_OCTETS: Final = 4
HEADER_OCTETS: Final = len(_NUMBERED) + _NUMBER_OCTETS
_HANDLE_LABEL: Final = "zk-disclosure/kept-handle/v1"
_NONCE_OCTETS: Final = 12
_CODES: Final = 1_000_000
MASTER_FILE: Final = "master.key"
KEYRING_FILE: Final = "keyring.json"
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
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make durable what a folder names: a renamed file is lost with its old name otherwise."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def seal_header(generation: int) -> bytes:
    """Return the 16 octets that every sealing of a generation after the first begins with.

    A sealing of the first begins with a random nonce instead.
    """
    return _NUMBERED + generation.to_bytes(_NUMBER_OCTETS)


def generation_of(sealed: bytes) -> int:
    """Return the generation of the master key that octets say they are sealed under."""
    if len(sealed) < HEADER_OCTETS or not sealed.startswith(_NUMBERED):
        return FIRST
    return int.from_bytes(sealed[len(_NUMBERED) : HEADER_OCTETS])


def derive(master: bytes, purpose: bytes) -> bytes:
    """Return 32 octets that follow from a master key for one purpose."""
    info = b"zk-disclosure/service-key/v1/" + purpose
    return HKDF(SHA256(), KEY_OCTETS, salt=None, info=info).derive(master)


def derivation_of(master: bytes) -> bytes:
    """Return what tokens and fingerprints come from: 64 octets that stay when the master key is another one.

    Both are compared with what is stored, or was handed out, so no rotation may change them.
    """
    return derive(master, b"token") + derive(master, b"fingerprint")


@dataclass(frozen=True, repr=False)
class _Generations:
    """What seals and opens at one moment. Replaced as a whole: threads that use it see one or the other."""

    current: int
    ciphers: Mapping[int, AESGCM] = field(default_factory=dict)
    fleeting: Mapping[int, hmac.HMAC] = field(default_factory=dict)

    @classmethod
    def of(cls, masters: Mapping[int, bytes], current: int) -> "_Generations":
        ciphers = {number: _cipher(master) for number, master in masters.items()}
        return cls(current, ciphers, {number: _fleeting(master) for number, master in masters.items()})

    def learning(self, number: int, master: bytes) -> "_Generations":
        """Return these and a further one."""
        ciphers = {**self.ciphers, number: _cipher(master)}
        return _Generations(self.current, ciphers, {**self.fleeting, number: _fleeting(master)})

    def turned(self, current: int, gone: set[int]) -> "_Generations":
        """Return these without some, and with another that seals."""
        ciphers = {number: each for number, each in self.ciphers.items() if number not in gone}
        return _Generations(current, ciphers, {number: self.fleeting[number] for number in ciphers})


class Keys:
    """What is derived from the master key: sealing, and tokens that need not be stored."""

    def __init__(self, master: bytes) -> None:
        self._derive_from(derivation_of(master))
        self._held = _Generations.of({FIRST: master}, FIRST)

    @classmethod
    def of(cls, masters: Mapping[int, bytes], current: int, derivation: bytes) -> "Keys":
        """Return the keys of several generations, of which one seals; `derivation` is a `derivation_of`."""
        keys = cls.__new__(cls)
        keys._derive_from(derivation)
        keys._held = _Generations.of(masters, current)
        return keys

    def _derive_from(self, derivation: bytes) -> None:
        self._token = hmac.new(derivation[:KEY_OCTETS], digestmod="sha256")
        self._fingerprint = hmac.new(derivation[KEY_OCTETS:], digestmod="sha256")

    @classmethod
    def load(cls, folder: Path, *, make: bool = True) -> "Keys":
        """Read the master key that lies open in a folder; make it if the folder has none and `make` says that
        nothing is sealed yet. Raises StartError.
        """
        return cls(load_master(folder, make=make))

    @property
    def current(self) -> int:
        """The generation that seals."""
        return self._held.current

    @property
    def known(self) -> tuple[int, ...]:
        """The generations that open, in order."""
        return tuple(sorted(self._held.ciphers))

    def learn(self, number: int, master: bytes) -> None:
        """Open from now on what is sealed under a further generation."""
        self._held = self._held.learning(number, master)

    def turn(self, current: int, retired: Iterable[int] = ()) -> None:
        """Seal under another known generation from now on, and forget retired ones; KeyError if unknown."""
        turned = self._held.turned(current, set(retired))
        if current not in turned.ciphers:
            raise KeyError(current)
        self._held = turned

    def seal(self, label: str, plaintext: bytes) -> bytes:
        """Encrypt for storage; only the same label opens it again."""
        held, nonce = self._held, secrets.token_bytes(_NONCE_OCTETS)
        # The first generation writes what it always has, so that former programs read it.
        header = b"" if held.current == FIRST else seal_header(held.current)
        return header + nonce + held.ciphers[held.current].encrypt(nonce, plaintext, header + label.encode())

    def open(self, label: str, sealed: bytes) -> bytes:
        """Decrypt; StartError if the master key is another one or the octets were changed."""
        number = generation_of(sealed)
        if number != FIRST:
            opened = self._opened(number, sealed[:HEADER_OCTETS], sealed[HEADER_OCTETS:], label)
            if opened is not None:
                return opened
        # A first generation's nonce may by chance be another's header: it is tried in any case.
        opened = self._opened(FIRST, b"", sealed, label)
        if opened is None:
            detail = "" if number in self._held.ciphers else f": it has no generation {number}"
            raise StartError(f"what is stored as {label} does not open under this master key{detail}")
        return opened

    def _opened(self, number: int, header: bytes, octets: bytes, label: str) -> bytes | None:
        cipher = self._held.ciphers.get(number)
        if cipher is None:
            return None
        try:
            return cipher.decrypt(octets[:_NONCE_OCTETS], octets[_NONCE_OCTETS:], header + label.encode())
        except (InvalidTag, ValueError):  # the latter for octets that are too few to hold a nonce
            return None

    def token(self, *parts: str) -> str:
        """Return the token of a thing: 32 octets that follow from its name and the master key."""
        return _text(_mac(self._token, _joined(parts)))

    def fleeting(self, *parts: str) -> str:
        """Return the token of what ends soon: it follows from its name and the generation that seals."""
        held = self._held
        return _text(_mac(held.fleeting[held.current], _joined(parts)))

    def fleetings(self, *parts: str) -> tuple[str, ...]:
        """Return the tokens that count for what ends soon, one of each generation that opens.

        Of the former ones too, until they are retired: what was handed out goes on, and another server may
        not have turned yet.
        """
        octets = _joined(parts)
        return tuple(_text(_mac(keyed, octets)) for keyed in self._held.fleeting.values())

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
        return _mac(self._token, _joined(parts))

    def fingerprint(self, octets: bytes) -> bytes:
        """Return what tells personal data from other data and says nothing of it without the master key."""
        return _mac(self._fingerprint, octets)


def _cipher(master: bytes) -> AESGCM:
    return AESGCM(derive(master, b"seal"))


def _fleeting(master: bytes) -> hmac.HMAC:
    return hmac.new(derive(master, b"fleeting"), digestmod="sha256")


def load_master(folder: Path, *, make: bool) -> bytes:
    """Read the master key that lies open in a folder, or make it there; StartError."""
    path = folder / MASTER_FILE
    if (folder / KEYRING_FILE).exists():
        raise StartError(f"{folder / KEYRING_FILE} is wrapped; set key_provider to what unwraps it")
    if not path.exists():
        if not make:
            raise StartError(
                f"{path} is missing and the database is sealed under it; restore it from its backup"
            )
        make_folder(folder)
        write_private(path, secrets.token_bytes(KEY_OCTETS))
    return read_master(folder)


def read_master(folder: Path, *, or_zeros: bool = False) -> bytes:
    """Read the master key that lies open in a folder; StartError, OSError.

    With `or_zeros` what it was overwritten with, after a keyring took it over, is no fault.
    """
    path = folder / MASTER_FILE
    master = path.read_bytes()
    if len(master) != KEY_OCTETS or not (or_zeros or any(master)):
        raise StartError(f"{path} is not a master key of {KEY_OCTETS} octets")
    check_private(path)
    return master


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner can read, durably, unless it is there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    sync_folder(folder.parent)


def _joined(parts: Iterable[str]) -> bytes:
    return b"".join(len(each.encode()).to_bytes(4) + each.encode() for each in parts)


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


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
    check_private(path)
    token = path.read_bytes().strip()
    if not _ADMIN_TOKEN.fullmatch(token):
        raise StartError(f"{path} holds no token; delete it and start again for a new one")
    return token.decode()


def check_private(path: Path) -> None:
    """Raise StartError if others than the owner can read a file."""
    if path.stat().st_mode & 0o077:
        raise StartError(f"{path} can be read by others; run chmod 600 on it")
