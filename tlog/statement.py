"""What is signed of a tree: a checkpoint's text, and the messages of the two kinds of cosignature.

Sources: c2sp.org/tlog-checkpoint; c2sp.org/tlog-cosignature, sections Ed25519 signed message and ML-DSA-44
signed message.
"""

from dataclasses import dataclass
from typing import Final

from tlog.encoding import check_bytes, check_count, check_line, decoding, from_base64, from_decimal, to_base64
from tlog.errors import InputError, MalformedError, Reason
from tlog.merkle import HASH_OCTETS

COSIGNATURE_PREFIX: Final = "cosignature/v1\n"
MAX_NAME_OCTETS: Final = 255
"""So long at most are the cosigner's name and the origin that an ML-DSA-44 cosigner signs."""

_SUBTREE_LABEL: Final = b"subtree/v1\n\x00"
_INTEGER_OCTETS: Final = 8


@dataclass(frozen=True)
class Checkpoint:
    """The size and the root of the log that `origin` names.

    The constructor raises InputError INVALID_TEXT, INVALID_TYPE, INVALID_LENGTH, OUT_OF_RANGE.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_line(self.origin, "the origin")
        check_count(self.size, "the size")
        check_bytes(self.root, "the root", HASH_OCTETS)
        for line in self.extensions:
            check_line(line, "an extension line")

    def text(self) -> str:
        """Return the text that is signed."""
        lines = (self.origin, str(self.size), to_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Decode the text of a note; MalformedError CHECKPOINT_MALFORMED."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop():
            raise MalformedError(Reason.CHECKPOINT_MALFORMED, "a checkpoint has three lines at least")
        origin, size, root, *extensions = lines
        with decoding(Reason.CHECKPOINT_MALFORMED):
            root_octets = from_base64(root, "the root", HASH_OCTETS)
            return cls(origin, from_decimal(size, "the size"), root_octets, tuple(extensions))


def cosigned_text(text: str, time: int) -> bytes:
    """Return what an Ed25519 cosigner signs at a POSIX time in seconds: all of the checkpoint's text.

    It does not name the cosigner. Raises InputError OUT_OF_RANGE.
    """
    return f"{COSIGNATURE_PREFIX}time {check_count(time, 'the time')}\n{text}".encode()


def cosigned_tree(cosigner: str, checkpoint: Checkpoint, time: int) -> bytes:
    """Return what an ML-DSA-44 cosigner signs at a POSIX time in seconds: its name, and the tree from 0 on.

    Extension lines are not in it: nobody has cosigned what they say. Raises InputError OUT_OF_RANGE,
    INVALID_LENGTH.
    """
    start, end = 0, checkpoint.size
    return b"".join(
        (
            _SUBTREE_LABEL,
            _prefixed(cosigner, "the cosigner's name"),
            check_count(time, "the time").to_bytes(_INTEGER_OCTETS),
            _prefixed(checkpoint.origin, "the origin"),
            start.to_bytes(_INTEGER_OCTETS),
            end.to_bytes(_INTEGER_OCTETS),
            checkpoint.root,
        )
    )


def _prefixed(text: str, name: str) -> bytes:
    octets = text.encode()
    if not 0 < len(octets) <= MAX_NAME_OCTETS:
        raise InputError(Reason.INVALID_LENGTH, f"{name} has 1 to {MAX_NAME_OCTETS} octets")
    return bytes([len(octets)]) + octets
