"""What a key management system's module may be, and what it must not be. Loaded by name, as plugins are."""

from collections.abc import Mapping
from typing import Any

from zkservice.keyring.providers import LocalProvider


class Remote(LocalProvider):
    """A key management system that is this process."""

    def __init__(self, key: bytes) -> None:
        super().__init__("kms", key)


def factory(options: Mapping[str, str]) -> Remote:
    return Remote(bytes.fromhex(options["key"]))


def raising(_: Mapping[str, str]) -> Remote:
    raise RuntimeError("secret-of-the-module")


def nothing(_: Mapping[str, str]) -> object:
    return object()


class _Odd(Remote):
    def wrap(self, octets: bytes, context: bytes) -> Any:
        return None

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        raise ValueError("secret-of-the-module")


def odd(_: Mapping[str, str]) -> Remote:
    return _Odd(bytes(32))


def unnamed(_: Mapping[str, str]) -> Remote:
    made = Remote(bytes(32))
    made.name = "line\nbreak"
    return made


not_callable = 7
