"""Checks of a message's plain fields: identifiers, request_ids, pages; where in a message a fault lies."""

import base64
import binascii
import hmac
import secrets
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import bbs
from disclosure import DisclosureError
from disclosure.credential import SUITES
from zkservice.errors import ServiceError, ServiceReason
from zkservice.keys import Keys

DEFAULT_PAGE: Final = 50
MAX_PAGE: Final = 500
_HASH_OCTETS: Final = 32


def fresh_id() -> str:
    """Return random octets, 128 bits, to call something by; no hyphen comes first, which a command would take
    for an option."""
    while (drawn := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return drawn


def check_request_id(value: str, *, field: str = "request_id") -> str:
    """Return a UUID in its usual form; ServiceError FIELD_MISSING, FIELD_INVALID."""
    if not value:
        raise ServiceError(ServiceReason.FIELD_MISSING, f"a {field} is a UUID", field=field)
    try:
        same = str(uuid.UUID(value)) == value
    except ValueError:
        same = False
    if not same:
        raise ServiceError(ServiceReason.FIELD_INVALID, f"a {field} is a UUID", field=field)
    return value


def check_suite(asked: str) -> str:
    """Return a ciphersuite's draft identifier, the default for none; ServiceError FIELD_INVALID."""
    suite = asked or str(bbs.SHA_256)
    if suite not in SUITES:
        detail = f"the suite is one of {', '.join(SUITES)}"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="suite")
    return suite


def resource_id(name: str, collection: str, *, field: str) -> str:
    """Return the last part of `collection/id`; ServiceError FIELD_MISSING, FIELD_INVALID."""
    if not name:
        raise ServiceError(ServiceReason.FIELD_MISSING, f"the name of one of {collection}", field=field)
    prefix, _, identifier = name.partition("/")
    if prefix != collection or not 0 < len(identifier) <= 32 or not identifier.isascii():
        raise ServiceError(ServiceReason.FIELD_INVALID, f"a name is {collection}/...", field=field)
    return identifier


def hash_of(octets: bytes, field: str) -> bytes:
    """Return the hash of a secret, 32 octets; ServiceError FIELD_INVALID."""
    if len(octets) != _HASH_OCTETS:
        raise ServiceError(ServiceReason.FIELD_INVALID, f"a hash has {_HASH_OCTETS} octets", field=field)
    return octets


def required(present: bool, field: str) -> None:
    """Raise ServiceError FIELD_MISSING unless a message is set."""
    if not present:
        raise ServiceError(ServiceReason.FIELD_MISSING, "the field is required", field=field)


@contextmanager
def placed(field: str) -> Iterator[None]:
    """Prefix the field of whatever is refused inside with `field`; what names no field is left as it is."""
    try:
        yield
    except DisclosureError as error:
        raise error.moved(lambda inner: f"{field}.{inner}" if inner else "") from None


def page_size(
    asked: int, default: int = DEFAULT_PAGE, most: int = MAX_PAGE, *, field: str = "page_size"
) -> int:
    """Return how many to list; ServiceError FIELD_INVALID for a negative number."""
    if asked < 0:
        raise ServiceError(ServiceReason.FIELD_INVALID, "a page size is not negative", field=field)
    return min(asked or default, most)


class Pages:
    """Page tokens: opaque to callers, good for the listing they were given for and no other."""

    def __init__(self, keys: Keys) -> None:
        self._token: Callable[..., str] = keys.token

    def give(self, listing: str, last: str) -> str:
        """Return the token that goes on after `last`."""
        mac = self._token("page", listing, last)[:22]
        return base64.urlsafe_b64encode(f"{mac}{last}".encode()).decode()

    def take(self, listing: str, token: str) -> str:
        """Return where to go on: an empty string at the start; ServiceError PAGE_TOKEN_INVALID."""
        if not token:
            return ""
        try:
            last = base64.urlsafe_b64decode(token.encode()).decode()[22:]
        except (binascii.Error, ValueError):
            last = ""
        if not last or not hmac.compare_digest(self.give(listing, last).encode(), token.encode()):
            detail = "the page token is not of this listing"
            raise ServiceError(ServiceReason.PAGE_TOKEN_INVALID, detail, field="page_token")
        return last
