"""The file keys/keyring.json: the generations of the master key, each wrapped by a provider.

    format       zk-disclosure/keyring/v1
    id           32 hexadecimal digits, drawn when the keyring was made: servers of one database share it
    provider     the name of the provider that wrapped all of it
    current      the number of the generation that seals
    generations  number, when it was made, a check value that tells it from others, the wrapped master key
    derivation   wrapped: what tokens and fingerprints come from, which no rotation changes
    mac          HMAC-SHA-256 of all the above, under a key that follows from the derivation

What is wrapped is bound to the keyring's id and to its place in it. The MAC binds the rest: a field that was
changed, left out, put in or taken from another keyring is refused, and only an older copy of the whole file
of the same keyring is not (docs/keys.md).
"""

import base64
import binascii
import contextlib
import datetime as dt
import fcntl
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from disclosure import canonical
from zkservice.errors import StartError
from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keyring.providers import MOST_OCTETS, KeyProvider, wrong
from zkservice.keys import (
    FIRST,
    KEY_OCTETS,
    KEYRING_FILE,
    Keys,
    check_private,
    derivation_of,
    derive,
    make_folder,
    write_private,
)

FORMAT: Final = "zk-disclosure/keyring/v1"
_WRAP: Final = "zk-disclosure/keyring-wrap/v1"
_MAC: Final = b"zk-disclosure/keyring-mac/v1\x00"
_LOCK: Final = "keyring.lock"
MOST_FILE: Final = 1 << 20
_MOST_NUMBER: Final = 1 << 31
_ID: Final = re.compile(r"[0-9a-f]{32}")
_CHECK: Final = re.compile(r"[0-9a-f]{32}")
_MADE: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_FIELDS: Final = {"format", "id", "provider", "current", "generations", "derivation", "mac"}
_GENERATION: Final = {"number", "made", "check", "wrapped"}


@dataclass(frozen=True)
class Generation:
    """A master key, of 32 octets, and what a provider has made of it; `made` is an RFC 3339 time."""

    number: int
    made: str
    master: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)

    @property
    def check(self) -> str:
        """What tells this master key from others and says nothing of it."""
        return check_of(self.master)

    def stated(self) -> dict[str, Any]:
        """Return what the file says of it."""
        wrapped = _text(self.wrapped)
        return {"number": self.number, "made": self.made, "check": self.check, "wrapped": wrapped}


@dataclass(frozen=True)
class Ring:
    """An opened keyring: at least one generation, in order of their numbers."""

    identity: str
    provider: str
    current: int
    generations: tuple[Generation, ...]
    derivation: bytes = field(repr=False)
    wrapped_derivation: bytes = field(repr=False)

    @classmethod
    def first(cls, master: bytes, provider: KeyProvider, now: dt.datetime) -> "Ring":
        """Return the keyring of a master key that is generation 1; KeyringError of the provider."""
        identity, derivation = secrets.token_hex(16), derivation_of(master)
        made = _generation(identity, FIRST, master, provider, now)
        wrapped = provider.wrap(derivation, _context(identity, "derivation", 0, ""))
        return cls(identity, provider.name, FIRST, (made,), derivation, wrapped)

    def made(self, number: int, provider: KeyProvider, now: dt.datetime) -> Generation:
        """Draw a master key and wrap it for this keyring, of which it is no part yet."""
        return _generation(self.identity, number, secrets.token_bytes(KEY_OCTETS), provider, now)

    def unwrapped(self, number: int, made: str, wrapped: bytes, provider: KeyProvider) -> Generation:
        """Return a generation that another process has wrapped for this keyring; KeyringError."""
        return Generation(number, made, _unwrap(self.identity, number, made, wrapped, provider), wrapped)

    def adding(self, generation: Generation) -> "Ring":
        """Return this keyring with one generation more."""
        return replace(self, generations=_ordered((*self.generations, generation)))

    def turned(self, current: int, retired: Sequence[int] = ()) -> "Ring":
        """Return this keyring with another generation that seals, and without retired ones."""
        left = tuple(each for each in self.generations if each.number not in retired)
        return replace(self, current=current, generations=left)

    def rewrapped(self, provider: KeyProvider) -> "Ring":
        """Return this keyring wrapped by another provider."""
        generations = tuple(
            replace(each, wrapped=provider.wrap(each.master, _place(self.identity, each.number, each.made)))
            for each in self.generations
        )
        wrapped = provider.wrap(self.derivation, _context(self.identity, "derivation", 0, ""))
        return replace(self, provider=provider.name, generations=generations, wrapped_derivation=wrapped)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The generations that there are."""
        return tuple(each.number for each in self.generations)

    def of(self, number: int) -> Generation | None:
        """Return a generation, None if there is no such one."""
        return next((each for each in self.generations if each.number == number), None)

    def keys(self) -> Keys:
        """Return what seals and opens with this keyring."""
        return Keys.of({each.number: each.master for each in self.generations}, self.current, self.derivation)

    def to_bytes(self) -> bytes:
        """Return the file's octets."""
        stated = {
            "format": FORMAT,
            "id": self.identity,
            "provider": self.provider,
            "current": self.current,
            "generations": [
                {
                    "number": each.number,
                    "made": each.made,
                    "check": each.check,
                    "wrapped": _text(each.wrapped),
                }
                for each in self.generations
            ],
            "derivation": _text(self.wrapped_derivation),
        }
        return _written({**stated, "mac": _mac(self.derivation, stated)})


def check_of(master: bytes) -> str:
    """Return the check value of a master key: 32 hexadecimal digits."""
    return derive(master, b"check")[:16].hex()


def read(octets: bytes, provider: KeyProvider) -> Ring:
    """Open a keyring.

    Raises KeyringError KEYRING_MALFORMED; KEYRING_CHANGED; of the provider KEY_WRONG, PROVIDER_FAILED.
    """
    found = parsed(octets)
    identity, generations = found["id"], found["generations"]
    wrapped = _octets(found["derivation"])
    derivation = provider.unwrap(wrapped, _context(identity, "derivation", 0, ""))
    if len(derivation) != 2 * KEY_OCTETS:
        raise wrong(provider.name)
    mac = found.pop("mac")
    if not hmac.compare_digest(_mac(derivation, found).encode(), mac.encode()):
        raise KeyringError(KeyringReason.KEYRING_CHANGED, "the keyring is not as it was written")
    opened = []
    for each in generations:
        number, made, octets = each["number"], each["made"], _octets(each["wrapped"])
        one = Generation(number, made, _unwrap(identity, number, made, octets, provider), octets)
        if not hmac.compare_digest(one.check, each["check"]):
            raise KeyringError(KeyringReason.KEYRING_CHANGED, f"generation {number} is another master key")
        opened.append(one)
    return Ring(identity, found["provider"], found["current"], tuple(opened), derivation, wrapped)


def parsed(octets: bytes) -> dict[str, Any]:
    """Return what a keyring says without being opened, each field of its form; KEYRING_MALFORMED.

    Nothing of it is proven before `read` has opened it.
    """
    found: Any = None
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(octets.decode("ascii")) if len(octets) <= MOST_FILE else None
    if not isinstance(found, dict) or set(found) != _FIELDS or found["format"] != FORMAT:
        raise _malformed()
    texts = ("id", "provider", "derivation", "mac")
    if not all(type(found[each]) is str for each in texts) or type(found["generations"]) is not list:
        raise _malformed()
    if not _ID.fullmatch(found["id"]) or not 0 < len(found["provider"]) <= 100:
        raise _malformed()
    _octets(found["derivation"])
    for each in found["generations"]:
        _check_generation(each)
    numbers = [each["number"] for each in found["generations"]]
    if not numbers or numbers != sorted(set(numbers)):
        raise _malformed()
    if type(found["current"]) is not int or found["current"] not in numbers or _written(found) != octets:
        raise _malformed()
    return found


def _check_generation(found: Any) -> None:
    if not isinstance(found, dict) or set(found) != _GENERATION:
        raise _malformed()
    if type(found["number"]) is not int or not 0 < found["number"] < _MOST_NUMBER:
        raise _malformed()
    if not all(type(found[each]) is str for each in ("made", "check", "wrapped")):
        raise _malformed()
    if not _MADE.fullmatch(found["made"]) or not _CHECK.fullmatch(found["check"]):
        raise _malformed()
    _octets(found["wrapped"])


def load(folder: Path, provider: KeyProvider) -> Ring:
    """Open the keyring of a folder; KeyringError as `read`, KEYRING_MISSING."""
    return read(file_octets(folder), provider)


def file_octets(folder: Path) -> bytes:
    """Read a folder's keyring file as it is; KeyringError KEYRING_MISSING, KEYRING_MALFORMED."""
    path = folder / KEYRING_FILE
    try:
        check_private(path)
        with path.open("rb") as file:
            return file.read(MOST_FILE + 1)
    except FileNotFoundError:
        detail = f"{path} is missing and the database is sealed under it; restore it from its backup"
        raise KeyringError(KeyringReason.KEYRING_MISSING, detail) from None
    except OSError as error:
        raise KeyringError(
            KeyringReason.KEYRING_MISSING, f"{path} cannot be read: {error.strerror}"
        ) from None
    except StartError as error:
        raise KeyringError(KeyringReason.KEYRING_MALFORMED, str(error)) from None


def save(folder: Path, ring: Ring, provider: KeyProvider) -> None:
    """Write a folder's keyring in the place of what is there, once it has been opened again.

    On return it is durable. Raises KeyringError; then the file is as it was.
    """
    octets = ring.to_bytes()
    if read(octets, provider) != ring:
        raise KeyringError(KeyringReason.PROVIDER_FAILED, "the provider does not give back what it wrapped")
    write_private(folder / KEYRING_FILE, octets)
    if file_octets(folder) != octets:
        raise KeyringError(KeyringReason.KEYRING_CHANGED, "the keyring was not written as it is")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder's keyring alone, for as long as it takes to read, change and write it.

    Not waited for by anybody but for moments: no provider is asked while it is held for longer than it takes.
    """
    make_folder(folder)
    with (folder / _LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fingerprint_of(octets: bytes) -> str:
    """Return the SHA-256 of a keyring file."""
    return hashlib.sha256(octets).hexdigest()


def _generation(
    identity: str, number: int, master: bytes, provider: KeyProvider, now: dt.datetime
) -> Generation:
    made = now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Generation(number, made, master, provider.wrap(master, _place(identity, number, made)))


def _unwrap(identity: str, number: int, made: str, wrapped: bytes, provider: KeyProvider) -> bytes:
    master = provider.unwrap(wrapped, _place(identity, number, made))
    if len(master) != KEY_OCTETS:
        raise wrong(provider.name)
    return master


def _place(identity: str, number: int, made: str) -> bytes:
    return _context(identity, "generation", number, made)


def _context(identity: str, what: str, number: int, made: str) -> bytes:
    return canonical.encode(_WRAP, identity, what, number, made)


def _mac(derivation: bytes, stated: dict[str, Any]) -> str:
    key = derive(derivation, b"keyring-mac")
    return hmac.new(key, _MAC + _written(stated), hashlib.sha256).hexdigest()


def _written(found: dict[str, Any]) -> bytes:
    return json.dumps(found, indent=2, ensure_ascii=True).encode() + b"\n"


def _ordered(generations: Sequence[Generation]) -> tuple[Generation, ...]:
    return tuple(sorted(generations, key=lambda each: each.number))


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _octets(text: str) -> bytes:
    try:
        octets = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        raise _malformed() from None
    if not 0 < len(octets) <= MOST_OCTETS:
        raise _malformed()
    return octets


def _malformed() -> KeyringError:
    return KeyringError(KeyringReason.KEYRING_MALFORMED, "this is no keyring as the service writes it")
