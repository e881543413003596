"""Who wraps the master key: what a key provider is, and those that need nothing but this machine.

A provider holds a key of its own, or knows somebody who does, and never gives it out. What it wraps is bound
to a context: unwrapping under another context fails, so nothing wrapped can take another's place.
"""

import base64
import binascii
import os
import re
import secrets
import stat
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.keyring.errors import KeyringError, KeyringReason
from zkservice.keys import KEY_OCTETS, check_private

MOST_OCTETS: Final = 4096
"""What a provider may make of one key."""
_INFO: Final = b"zk-disclosure/key-provider/v1"
_NONCE_OCTETS: Final = 12
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,100}")


@runtime_checkable
class KeyProvider(Protocol):
    """Wraps and unwraps octets under a key that is kept elsewhere. May take seconds; used from any thread.

    Whatever goes wrong is a KeyringError: PROVIDER_FAILED if there was no answer, KEY_WRONG if what was given
    is not wrapped under this key and context. An implementation that raises anything else is taken to have
    failed, and the text of what it raised is not repeated.
    """

    @property
    def name(self) -> str:
        """What the operator calls it: printable, at most 100 characters, nothing secret."""

    def wrap(self, octets: bytes, context: bytes) -> bytes:
        """Return octets (at most 64) wrapped, at most 4,096 octets."""

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return what was wrapped under the same context."""


class LocalProvider:
    """Wraps by AES-256-GCM under a key in this process's memory, which `name` says the origin of."""

    def __init__(self, name: str, key: bytes) -> None:
        self.name = name
        self._cipher = AESGCM(HKDF(SHA256(), KEY_OCTETS, salt=None, info=_INFO).derive(key))

    def __repr__(self) -> str:
        return f"LocalProvider({self.name!r})"

    def wrap(self, octets: bytes, context: bytes) -> bytes:
        """Return octets encrypted and bound to a context."""
        nonce = secrets.token_bytes(_NONCE_OCTETS)
        return nonce + self._cipher.encrypt(nonce, octets, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Return what was wrapped; KeyringError KEY_WRONG."""
        try:
            return self._cipher.decrypt(wrapped[:_NONCE_OCTETS], wrapped[_NONCE_OCTETS:], context)
        except (InvalidTag, ValueError):
            raise wrong(self.name) from None


def wrong(name: str) -> KeyringError:
    """Return what is said where a provider's key does not open the keyring."""
    detail = f"the keyring does not open under the key of the provider `{name}`"
    return KeyringError(KeyringReason.KEY_WRONG, detail)


def unusable(detail: str) -> KeyringError:
    """Return what is said of a provider that is not as it has to be."""
    return KeyringError(KeyringReason.PROVIDER_UNUSABLE, detail)


def file_provider(path: Path | None) -> LocalProvider:
    """Take a key of 32 octets from a file that only its owner reads; KeyringError PROVIDER_UNUSABLE."""
    if path is None:
        raise unusable("key_provider is `file` and key_file is not set")
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise unusable(f"{path} is no file")
        check_private(path)
        with path.open("rb") as file:
            key = file.read(KEY_OCTETS + 1)
    except OSError as error:
        raise unusable(f"{path} cannot be read: {error.strerror}") from None
    except KeyringError:
        raise
    except StartError as error:
        raise unusable(str(error)) from None
    if len(key) != KEY_OCTETS:
        raise unusable(f"{path} does not hold {KEY_OCTETS} octets")
    return LocalProvider("file", key)


def environment_provider(variable: str) -> LocalProvider:
    """Take a key of 32 octets in base64 from a variable, which is removed: no child inherits it.

    Raises KeyringError PROVIDER_UNUSABLE. The operating system still shows what the process was started with
    to its own user and to root.
    """
    if not _VARIABLE.fullmatch(variable):
        raise unusable("key_variable is no name of a variable")
    text = os.environ.pop(variable, None)
    if text is None:
        raise unusable(f"the variable {variable} is not set")
    try:
        key = base64.b64decode(text.strip().encode(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_OCTETS:
        raise unusable(f"the variable {variable} does not hold {KEY_OCTETS} octets in base64")
    return LocalProvider("environment", key)


def provider_of(settings: Settings) -> KeyProvider | None:
    """Return the provider that the settings name; None for `plain`. KeyringError PROVIDER_UNUSABLE."""
    # Imported where they are used: who has no program and no module need not load what runs them.
    match settings.key_provider:
        case "file":
            return file_provider(settings.key_file)
        case "environment":
            return environment_provider(settings.key_variable)
        case "command":
            from zkservice.keyring.command import CommandProvider  # noqa: PLC0415

            return CommandProvider(settings.key_command, settings.key_command_seconds)
        case "plugin":
            from zkservice.keyring.plugin import plugin_provider  # noqa: PLC0415

            return plugin_provider(settings.key_plugin, settings.key_plugin_options)
        case _:
            return None
