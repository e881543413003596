"""The keys of this log, as those who sign and verify use them: all that sign now, all that ever signed.

State rules: what is stored counts (`storage.secrets`). `refresh` is called in the transaction that stages a
block, after its rows were taken: so a block that holds the record of a new key is signed by that key as well,
also in a process that did not make the key.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from tlog.checkpoint import Checkpoint, checkpoint_of, sign_checkpoint
from tlog.errors import Reason, VerificationError
from tlog.keys import Signer, Verifier
from tlog.note import open_note, parse_unverified
from zkservice.keys import Keys, write_private
from zkservice.storage import secrets
from zkservice.storage.secrets import StoredLogKey


@dataclass(frozen=True)
class _Held:
    """What is known at one moment."""

    signers: tuple[Signer, ...]
    known: tuple[Verifier, ...]
    stored: tuple[StoredLogKey, ...] = ()
    ends: Mapping[Verifier, int] = field(default_factory=dict)


class LogKeys:
    """The log's keys. What one property or method returns is of one moment."""

    def __init__(self, held: _Held, read: Callable[[Connection, _Held], _Held]) -> None:
        self._held, self._read = held, read

    @classmethod
    def of(cls, signer: Signer) -> "LogKeys":
        """Return the keys of a log whose one key is kept elsewhere and never changes."""
        return cls(_Held((signer,), (signer.verifier,)), lambda _, held: held)

    @classmethod
    def load(cls, connection: Connection, keys: Keys, origin: str) -> "LogKeys":
        """Read the keys, of which the first is made with the log; StartError as in `storage.secrets`."""
        secrets.begin_log(connection, keys, origin)

        def read(connection: Connection, held: _Held) -> _Held:
            stored = tuple(secrets.log_keys(connection))
            if stored == held.stored:
                return held
            signers = secrets.signers(connection, keys, stored)
            return _Held(signers, tuple(each.verifier for each in stored), stored, secrets.ends(stored))

        return cls(read(connection, _Held((), ())), read)

    def refresh(self, connection: Connection) -> None:
        """Take over what is stored by now."""
        self._held = self._read(connection, self._held)

    @property
    def origin(self) -> str:
        """The log's origin, which its keys never change."""
        return self.current.name

    @property
    def current(self) -> Verifier:
        """The key that whoever pins one now verifies with: the old one until it is retired."""
        return self._held.signers[0].verifier

    @property
    def following(self) -> Verifier | None:
        """The key that signs beside the current one and will take its place, if there is one."""
        signers = self._held.signers
        return signers[1].verifier if len(signers) > 1 else None

    @property
    def signing(self) -> str:
        """Which keys sign now, as one text."""
        return " ".join(str(each.verifier) for each in self._held.signers)

    @property
    def known(self) -> tuple[Verifier, ...]:
        """All keys that the log has had, oldest first."""
        return self._held.known

    def sign(self, checkpoint: Checkpoint) -> bytes:
        """Return the checkpoint's note, signed by every key that signs now."""
        return sign_checkpoint(checkpoint, *self._held.signers)

    def open(self, note: bytes) -> Checkpoint:
        """Verify a checkpoint of the log as `open_own` does, under all keys that it has had."""
        held = self._held
        return open_own(note, held.known, held.ends)

    def all_signed(self, note: bytes) -> bool:
        """Tell whether a stored checkpoint names every key that signs now."""
        lines = parse_unverified(note).lines
        return all(any(line.is_by(each.verifier) for line in lines) for each in self._held.signers)


def counting(signed: Sequence[Verifier], size: int, ends: Mapping[Verifier, int]) -> tuple[Verifier, ...]:
    """Return those of the keys that signed a checkpoint of a size whose signature counts for it.

    `ends` are the sizes at which keys were retired. Beyond it a key has no secret half here any more: what it
    signs then, somebody else signs who has copied it. The key that follows has signed all of the log since.
    """
    return tuple(each for each in signed if size <= ends.get(each, size))


def open_own(note: bytes, keys: Sequence[Verifier], ends: Mapping[Verifier, int]) -> Checkpoint:
    """Verify a checkpoint of a log that has had several keys, each of which counts until it was retired.

    Raises what `tlog.checkpoint.open_checkpoint` raises; NOTE_UNSIGNED also where only retired keys signed
    what is larger.
    """
    opened = open_note(note, keys)
    checkpoint = checkpoint_of(opened, keys)
    if not counting(opened.verified, checkpoint.size, ends):
        detail = f"only a key signed it that was retired before the log had {checkpoint.size} entries"
        raise VerificationError(Reason.NOTE_UNSIGNED, detail)
    return checkpoint


def write_verifier_key(folder: Path, key: Verifier) -> None:
    """Write the log's key to where those who pin it take it from, unless it stands there already."""
    path, line = folder / "log.vkey", f"{key}\n".encode()
    if not path.exists() or path.read_bytes() != line:
        write_private(path, line)
        path.chmod(0o644)
