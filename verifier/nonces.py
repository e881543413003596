"""Nonces that a verifier has given out and that wait for their document: a folder with an empty file of each.

State rules: a nonce is a file while it waits and no file once it is used up, and unlinking a file succeeds
once, whoever else tries. So of several processes one uses a nonce up. Both are durable on return; a crash
before that leaves a nonce that was told to nobody, or one that is used up or still waits, and was good for
nothing yet.
"""

from pathlib import Path

from verifier import files
from verifier.w3c import NONCE_OCTETS, new_nonce


class Nonces:
    """The nonces of a folder, which has to be there once one is made; OSError where it cannot be used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self) -> bytes:
        """Return a fresh nonce, which waits from now on."""
        made = new_nonce()
        files.write_new(self._path(made), b"")
        return made

    def waits(self, nonce: bytes) -> bool:
        """Tell whether a nonce was made here and is not used up."""
        return len(nonce) == NONCE_OCTETS and self._path(nonce).exists()

    def use_up(self, nonce: bytes) -> bool:
        """Use a nonce up; false if it does not wait, or another process was faster."""
        if len(nonce) != NONCE_OCTETS:
            return False
        try:
            files.remove(self._path(nonce))
        except FileNotFoundError:
            return False
        return True

    def _path(self, nonce: bytes) -> Path:
        return self._folder / nonce.hex()
