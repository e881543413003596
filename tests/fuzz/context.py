"""What decoders demand beside the octets, written down with the corpus and read again.

Each type of context has a way to octets and back; what is said of the corpus holds for it too: no secrets.
"""

import base64
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final

from bbs import SHA_256, SHAKE_256, Ciphersuite
from bbs.accumulator.key import AccumulatorKey
from disclosure import Schema
from disclosure.errand.asking import PartName
from disclosure.errand.bundle import ErrandBundle, ErrandBundleName
from disclosure.revocation import Accumulator
from openid.issuance import CredentialOffer, read_offer
from openid.strict_json import dumps
from zkservice.keyring.providers import KeyProvider, LocalProvider

_SUITES: Final = {each.ciphersuite_id: each for each in (SHA_256, SHAKE_256)}

PROVIDER: Final = LocalProvider("of tests", bytes(32))
"""What wraps the keyrings that are tried."""


def _key_of(octets: bytes) -> AccumulatorKey:
    point, suite = octets[:96], octets[96:]
    return AccumulatorKey(_SUITES[suite], point)


_CODECS: Final[Mapping[Any, tuple[Callable[[Any], bytes], Callable[[bytes], Any]]]] = {
    int: (lambda each: str(each).encode(), int),
    str: (str.encode, bytes.decode),
    bytes: (bytes, bytes),
    Ciphersuite: (lambda each: bytes(each.ciphersuite_id), _SUITES.__getitem__),
    AccumulatorKey: (lambda each: each.octets + each.suite.ciphersuite_id, _key_of),
    Schema: (lambda each: bytes(each.canonical), Schema.from_bytes),
    Accumulator: (lambda each: bytes(each.record()), Accumulator.from_record),
    ErrandBundle: (lambda each: bytes(each.canonical), ErrandBundle.from_bytes),
    ErrandBundleName: (
        lambda each: str(each).encode(),
        lambda octets: ErrandBundleName.parse(octets.decode()),
    ),
    KeyProvider: (lambda _: b"", lambda _: PROVIDER),
    CredentialOffer: (
        lambda each: bytes(dumps(each.to_json())),
        read_offer,
    ),
    PartName: (lambda each: str(each).encode(), lambda octets: PartName.parse(octets.decode())),
}
_DEFAULTS: Final[Mapping[Any, Any]] = {
    int: 3, str: "name", bytes: bytes(32), Ciphersuite: SHA_256, KeyProvider: PROVIDER,
}  # fmt: skip


def known(kind: Any) -> bool:
    """Tell whether contexts of a type can be written down."""
    return _plain(kind)[0] in _CODECS


def written(kind: Any, value: Any) -> list[str]:
    """Return a context as lines of base64, several where it is a mapping."""
    plain, many = _plain(kind)
    if isinstance(value, str) and plain is Ciphersuite:
        value = SHA_256
    write = _CODECS[plain][0]
    return [base64.b64encode(write(each)).decode() for each in (value.values() if many else [value])]


def read(kind: Any, lines: list[str]) -> Any:
    """Return what `written` wrote."""
    plain, many = _plain(kind)
    values = [_CODECS[plain][1](base64.b64decode(each)) for each in lines]
    return {each.name: each for each in values} if many else values[0]


def default(kind: Any) -> Any:
    """Return a context for a decoder of which nothing is written down; KeyError if only a real one serves."""
    plain, many = _plain(kind)
    return {} if many else _DEFAULTS[plain]


def _plain(kind: Any) -> tuple[Any, bool]:
    """Return the type itself, out of a union or a mapping's values, and whether it is a mapping."""
    inner = typing.get_args(kind)
    if typing.get_origin(kind) is not None and len(inner) == 2 and inner[1] is Schema:
        return Schema, True
    return (next(each for each in inner if each is not str) if inner else kind), False
