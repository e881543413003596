"""Files of a regulator's officers: each one's secret share, its public half, the key that two make."""

from pathlib import Path
from typing import Final

import bbs
from bbs import BbsError
from bbs.ciphersuite import resolve
from bbs.engine import PairingSuite
from bbs.gadgets.escrow_shares import EscrowShare, PublicShare
from disclosure import MalformedError
from disclosure.composite import RegulatorKey
from zk.exits import CommandError, Exit
from zk.home import read_secret, write_private

_SECRET_LABEL: Final = "zk-disclosure/officer-secret/v1"  # noqa: S105
_PUBLIC_LABEL: Final = "zk-disclosure/officer-share/v1"
_KEY_LABEL: Final = "zk-disclosure/regulator-shares/v1"


def create_share(path: Path, public: Path) -> EscrowShare:
    """Make an officer's share: the secret in a file that only its owner reads, the public half beside it."""
    share = EscrowShare.generate(PairingSuite(bbs.SHA_256))
    _write(path, _SECRET_LABEL, str(bbs.SHA_256), share.to_octets_secret().hex())
    _write(public, _PUBLIC_LABEL, str(bbs.SHA_256), *_words(share.publish()))
    return share


def load_share(path: Path) -> EscrowShare:
    """Return the share that `create_share` has kept; CommandError USAGE."""
    try:
        suite, secret = _read(path, _SECRET_LABEL)
        return EscrowShare.from_octets(PairingSuite(resolve(suite)), bytes.fromhex(secret))
    except (ValueError, BbsError):
        raise _invalid(path) from None


def load_public(path: Path) -> tuple[str, PublicShare]:
    """Return the public half of a share with its ciphersuite, not yet checked; CommandError USAGE."""
    try:
        suite, public_key, possession = _read(path, _PUBLIC_LABEL)
        return suite, PublicShare(bytes.fromhex(public_key), bytes.fromhex(possession))
    except ValueError:
        raise _invalid(path) from None


def combine_shares(first: Path, second: Path) -> RegulatorKey:
    """Return the key that two officers share, once each has proven its half; CommandError USAGE."""
    (suite, one), (other_suite, other) = map(load_public, (first, second))
    try:
        if suite != other_suite:
            raise ValueError
        return RegulatorKey(suite, (one, other))
    except (ValueError, MalformedError):
        raise CommandError(Exit.USAGE, "SHARES_INVALID", "error.shares_invalid") from None


def save_key(path: Path, key: RegulatorKey) -> None:
    """Keep a regulator's key, which is public."""
    _write(path, _KEY_LABEL, key.suite, *(word for each in key.shares for word in _words(each)))


def load_key(path: Path) -> RegulatorKey:
    """Return the key that `save_key` has kept; CommandError USAGE."""
    try:
        suite, *words = _read(path, _KEY_LABEL)
        octets = [bytes.fromhex(each) for each in words]
        pairs = zip(octets[::2], octets[1::2], strict=True)
        return RegulatorKey(suite, tuple(PublicShare(*pair) for pair in pairs))
    except (ValueError, MalformedError):
        raise _invalid(path) from None


def _words(share: PublicShare) -> tuple[str, str]:
    return share.public_key.hex(), share.possession.hex()


def _write(path: Path, *words: str) -> None:
    write_private(path, " ".join(words).encode() + b"\n")


def _read(path: Path, wanted: str) -> list[str]:
    label, *words = read_secret(path).split(" ")
    if label != wanted:
        raise ValueError("the file is of another kind")
    return words


def _invalid(path: Path) -> CommandError:
    return CommandError(Exit.USAGE, "KEY_FILE_INVALID", "error.regulator_key_invalid", path=path)
