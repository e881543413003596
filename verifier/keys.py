"""The key that signs a relying party's requests: Ed25519, in a file that only its owner reads.

The public half is what the service registers. The file is PKCS #8 in PEM, which other tools read. Under a
passphrase that format derives its key with few rounds, so that a short passphrase would be guessed: those
below 16 octets are refused.
"""

from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from verifier import files
from verifier.errors import KeyFileError

PUBLIC_KEY_OCTETS: Final = 32
MIN_PASSPHRASE_OCTETS: Final = 16
_MAX_FILE_OCTETS: Final = 1 << 14


def generate() -> Ed25519PrivateKey:
    """Make a new key from the system's generator."""
    return Ed25519PrivateKey.generate()


def public_key(key: Ed25519PrivateKey) -> bytes:
    """Return the public half: 32 octets."""
    return key.public_key().public_bytes_raw()


def save(key: Ed25519PrivateKey, path: Path, passphrase: bytes | None = None) -> None:
    """Write a key to a new file of mode 0600, encrypted if there is a passphrase; KeyFileError.

    An existing file is never overwritten: it may be the only copy of a registered key.
    """
    encryption = _encryption(passphrase)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    try:
        files.write_new(path, pem)
    except FileExistsError:
        raise KeyFileError("there is a file already; it was not touched") from None
    except OSError as error:
        raise KeyFileError(f"the file cannot be written: {error.strerror}") from None


def load(path: Path, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """Read a key; KeyFileError (no file, another kind of key, a passphrase wrong, missing or needless)."""
    try:
        pem = files.read(path, _MAX_FILE_OCTETS)
        key = serialization.load_pem_private_key(pem, passphrase)
    except OSError as error:
        raise KeyFileError(f"the file cannot be read: {error.strerror}") from None
    except TypeError:
        wanted = "takes no passphrase" if passphrase else "needs its passphrase"
        raise KeyFileError(f"the file {wanted}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFileError("the file holds no key, or the passphrase is wrong") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError("the file holds another kind of key than Ed25519")
    return key


def _encryption(passphrase: bytes | None) -> serialization.KeySerializationEncryption:
    if passphrase is None:
        return serialization.NoEncryption()
    if len(passphrase) < MIN_PASSPHRASE_OCTETS:
        raise KeyFileError(f"a passphrase has at least {MIN_PASSPHRASE_OCTETS} octets")
    return serialization.BestAvailableEncryption(passphrase)
