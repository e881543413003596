"""The two secret keys of a check service: that of the credentials and that of the digits.

They are made once, sealed under the folder's master key in one file of mode 0600, and from then on are in
OpenSSL's memory only. No argument, variable, log line, message or error holds them.
"""

import resource
from dataclasses import dataclass
from typing import Final

from bbs.keyed import Curve, KeyedSuite, Keyring, SecretKey
from disclosure.keyed import CURVES, CheckKeys, publish_keys
from zkservice.errors import StartError
from zkservice.keyed.journal import MADE_FILE
from zkservice.keyed.settings import CheckSettings
from zkservice.keyring.opening import open_keys
from zkservice.keys import write_private

_FILE: Final = "check.key"
_KEY_OCTETS: Final = 32


@dataclass(frozen=True, repr=False)
class CheckSecrets:
    """The secret keys, the suite that checks with them, and what is published of them."""

    key: SecretKey
    verifying: KeyedSuite
    published: CheckKeys


def load_secrets(settings: CheckSettings) -> CheckSecrets:
    """Open the keys of a folder; make them if it has none. Raises StartError.

    From here on a crash of the process leaves no image of its memory behind.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    path, curve = settings.data / _FILE, CURVES[settings.curve]
    if not path.exists() and (settings.data / MADE_FILE).exists():
        raise StartError(
            f"{path} is missing and credentials were issued under it; restore it from its backup"
        )
    keys = open_keys(settings, make=not path.exists()).keys
    label = f"check-service/{settings.department}/{settings.curve}"
    if not path.exists():
        write_private(path, keys.seal(label, _new(curve)))
    if path.stat().st_mode & 0o077:
        raise StartError(f"{path} can be read by others; run chmod 600 on it")
    try:
        octets = keys.open(label, path.read_bytes())
    except StartError:
        own = f"departments/{settings.department} on {settings.curve}"
        raise StartError(f"{path} is damaged, of another master key, or not of {own}") from None
    key, digits = (SecretKey(curve, octets[at : at + _KEY_OCTETS]) for at in (0, _KEY_OCTETS))
    published = publish_keys(settings.department, key, digits)
    return CheckSecrets(key, KeyedSuite(curve, Keyring([key, digits])), published)


def _new(curve: Curve) -> bytes:
    return b"".join(SecretKey.generate(curve).to_octets_secret() for _ in range(2))
