"""Who runs the consortium: operators, their keys, and the changes of these that operators vote on."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from ordering.errors import Refusal, RefusedError
from ordering.octets import Reader, Writer, malformed
from tlog.ed25519 import PUBLIC_KEY_OCTETS, is_public_key
from tlog.errors import TlogError
from tlog.keys import Verifier

MAX_NAME_OCTETS: Final = 64
MAX_KEY_OCTETS: Final = 512
MAX_POWER: Final = 1_000_000
_DIGEST: Final = b"zk-disclosure/consortium/operator/v1\n"
_DIGEST_OCTETS: Final = 32
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?")


def take_name(reader: Reader) -> str:
    """Take an operator's name: lower-case letters, digits, dots, hyphens."""
    name = reader.text(MAX_NAME_OCTETS)
    if not _NAME.fullmatch(name):
        raise malformed("that is no name of an operator")
    return name


def _take_key(reader: Reader) -> bytes:
    key = reader.fixed(PUBLIC_KEY_OCTETS)
    if not is_public_key(key):
        raise RefusedError(Refusal.KEY_INVALID, "that is no Ed25519 key")
    return key


def _take_log(reader: Reader) -> Verifier:
    try:
        return Verifier.from_string(reader.text(MAX_KEY_OCTETS))
    except TlogError as error:
        raise RefusedError(Refusal.KEY_INVALID, f"the log's key: {error.reason}") from None


@dataclass(frozen=True)
class Operator:
    """A city: its name, the key of its transactions, its log's key, its validator's key, its power.

    Without power it submits and votes, and its validator has no say in blocks.
    """

    name: str
    key: bytes
    log: Verifier
    validator: bytes
    power: int

    @property
    def digest(self) -> bytes:
        """What tells these keys and this power from others."""
        return hashlib.sha256(_DIGEST + self.write(Writer()).to_bytes()).digest()

    def write(self, writer: Writer) -> Writer:
        """Write its fields."""
        writer.text(self.name).fixed(self.key).text(str(self.log)).fixed(self.validator)
        return writer.number(self.power, 4)

    @classmethod
    def take(cls, reader: Reader) -> "Operator":
        """Take its fields off; RefusedError MALFORMED, KEY_INVALID."""
        name, key, log = take_name(reader), _take_key(reader), _take_log(reader)
        return cls(name, key, log, _take_key(reader), _take_power(reader))


def _take_power(reader: Reader) -> int:
    if (power := reader.number(4)) > MAX_POWER:
        raise malformed("so much power nobody has")
    return power


@dataclass(frozen=True)
class Admit:
    """A new operator, or one that was removed, with new keys."""

    operator: Operator


@dataclass(frozen=True)
class Remove:
    """An operator that is one no more: it submits nothing, votes nothing, validates nothing."""

    name: str


@dataclass(frozen=True)
class Replace:
    """An operator's keys and power anew: after a lost key, a stolen one, a lying validator.

    `replaces` is the digest of what it takes the place of. Of anything else it is not made: what was proposed
    before an operator changed its key would bring the old one back.
    """

    operator: Operator
    replaces: bytes


Change: TypeAlias = Admit | Remove | Replace
_KINDS: Final[tuple[type[Change], ...]] = (Admit, Remove, Replace)


def write_change(change: Change, writer: Writer) -> Writer:
    """Write a change."""
    writer.number(_KINDS.index(type(change)) + 1, 1)
    if isinstance(change, Remove):
        return writer.text(change.name)
    change.operator.write(writer)
    return writer.fixed(change.replaces) if isinstance(change, Replace) else writer


def take_change(reader: Reader) -> Change:
    """Take a change off; RefusedError MALFORMED, KEY_INVALID."""
    match reader.number(1):
        case 1:
            return Admit(Operator.take(reader))
        case 2:
            return Remove(take_name(reader))
        case 3:
            return Replace(Operator.take(reader), reader.fixed(_DIGEST_OCTETS))
    raise malformed("that is no change")
