"""The few encodings that every format here is made of, each with one encoding for a value.

Base 64 is that of RFC 4648 section 4, with padding; decimals have no sign and no leading zero; integers in
binary are big-endian. Constructors check their arguments with the functions below and raise InputError;
`decoding` turns that into MalformedError where the argument came from outside.
"""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager

from tlog.errors import InputError, MalformedError, Reason

LIMIT = 2**63
"""Sizes, indexes, heights and times are below this, so that every database and language can hold them."""

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


@contextmanager
def decoding(reason: Reason) -> Iterator[None]:
    """Turn an InputError within into MalformedError `reason`."""
    try:
        yield
    except InputError as error:
        raise MalformedError(reason, error.detail) from error


def check_bytes(value: bytes, name: str, length: int | None = None) -> bytes:
    """Return `value`; InputError INVALID_TYPE if it is not bytes, INVALID_LENGTH unless it has `length`."""
    if not isinstance(value, bytes):
        raise InputError(Reason.INVALID_TYPE, f"{name} is not bytes")
    if length is not None and len(value) != length:
        raise InputError(Reason.INVALID_LENGTH, f"{name} has {length} octets, not {len(value)}")
    return value


def check_count(value: int, name: str, least: int = 0, limit: int = LIMIT) -> int:
    """Return `value`; InputError OUT_OF_RANGE unless it is an integer with least <= value < limit."""
    if type(value) is not int or not least <= value < limit:
        raise InputError(Reason.OUT_OF_RANGE, f"{name} is not an integer in [{least}, {limit})")
    return value


def check_text(value: str, name: str) -> str:
    """Return `value`; InputError INVALID_TEXT if it is no UTF-8 or has a control character but newline."""
    if not isinstance(value, str):
        raise InputError(Reason.INVALID_TYPE, f"{name} is not a string")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(Reason.INVALID_TEXT, f"{name} is not Unicode text") from error
    if _CONTROL.search(value):
        raise InputError(Reason.INVALID_TEXT, f"{name} has a control character")
    return value


def check_line(value: str, name: str) -> str:
    """Return `value`; InputError INVALID_TEXT unless it is text that fills one line."""
    if not check_text(value, name) or "\n" in value:
        raise InputError(Reason.INVALID_TEXT, f"{name} is not one line")
    return value


def to_base64(data: bytes) -> str:
    """Encode octets."""
    return base64.b64encode(data).decode()


def from_base64(text: str, name: str, length: int | None = None) -> bytes:
    """Decode base 64; InputError unless `text` is the one encoding of its octets, `length` of them."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise InputError(Reason.INVALID_TEXT, f"{name} is not base 64") from error
    if to_base64(data) != text:
        raise InputError(Reason.INVALID_TEXT, f"{name} is not canonical base 64")
    return check_bytes(data, name, length)


def from_decimal(text: str, name: str) -> int:
    """Decode a decimal below 2^63; InputError if it is none or is written otherwise than `str` would."""
    if not _DECIMAL.fullmatch(text):
        raise InputError(Reason.INVALID_TEXT, f"{name} is not a decimal without leading zeros")
    return check_count(int(text), name)


def from_utf8(data: bytes, name: str) -> str:
    """Decode UTF-8; InputError INVALID_TYPE, INVALID_TEXT (see `check_text`)."""
    try:
        text = check_bytes(data, name).decode()
    except UnicodeDecodeError as error:
        raise InputError(Reason.INVALID_TEXT, f"{name} is not UTF-8") from error
    return check_text(text, name)
