"""The vault's recovery secret as words: a person writes them down, and a new phone has the vault's keys.

They are the vault's data key itself, 32 octets, as 24 words of a BIP-39 list with its checksum. From them
come the keys of notes, tags and standing consents: what stands on the ledger can be found and withdrawn.
Whoever has the words and a copy of the vault's file needs no passphrase to open it: they are kept like it.
"""

from typing import Final, Literal

from mnemonic import Mnemonic

from prover.errors import PassphraseError, VaultReason
from prover.sealing import KEY_OCTETS, VaultKeys

WORDS: Final = 24
_LISTS: Final = {"en": "english", "zh": "chinese_simplified"}


def words_of(keys: VaultKeys, lang: Literal["zh", "en"] = "en") -> tuple[str, ...]:
    """Return the 24 words, of the English or the Chinese list."""
    return tuple(Mnemonic(_LISTS[lang]).to_mnemonic(keys.recovery_secret()).split(" "))


def keys_of(words: str) -> VaultKeys:
    """Return the keys that words of either list stand for; PassphraseError WORDS_INVALID.

    What is wrong with them is not said: it would help who guesses, and the words stay out of every text.
    """
    given = words.lower().split()
    for name in _LISTS.values():
        try:
            secret = bytes(Mnemonic(name).to_entropy(given))
        except (LookupError, ValueError):
            continue
        if len(given) == WORDS and len(secret) == KEY_OCTETS:
            return VaultKeys(secret)
    raise PassphraseError(VaultReason.WORDS_INVALID, "these are not the words of a recovery secret")
