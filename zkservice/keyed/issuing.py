"""Issuances that were begun: terms that are good once, for ten minutes, as long as the process lives."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

from disclosure import MalformedError, Reason, RefusedError, Schema
from disclosure.composite.credential import require_composite
from disclosure.composite.issuance import IssuanceTerms
from disclosure.keyed import CheckKeys
from zkservice.errors import ServiceError, ServiceReason

LIFETIME: Final = dt.timedelta(minutes=10)
_MOST: Final = 1024


@dataclass(frozen=True)
class Begun:
    """One issuance."""

    terms: IssuanceTerms
    schema: Schema
    ends: dt.datetime


class Issuances:
    """Belongs to the event loop. What a restart forgets is refused, and begun anew."""

    def __init__(self, keys: CheckKeys) -> None:
        self._keys = keys
        self._begun: dict[bytes, Begun] = {}

    def begin(self, schema: Schema, now: dt.datetime) -> IssuanceTerms:
        """Return fresh terms for a credential of a schema.

        Raises RefusedError SCHEMA_UNKNOWN (of another department), FORM_NOT_SUPPORTED, ServiceError
        OVERLOADED.
        """
        if schema.name.department != self._keys.department:
            detail = f"{schema.name} is no schema of departments/{self._keys.department}"
            raise RefusedError(Reason.SCHEMA_UNKNOWN, detail, field="schema")
        require_composite(schema)
        self._begun = {each: begun for each, begun in self._begun.items() if begun.ends > now}
        if len(self._begun) >= _MOST:
            raise ServiceError(ServiceReason.OVERLOADED, "too many issuances are begun; try again later")
        terms = IssuanceTerms(schema.name, self._keys.name, base=True)
        self._begun[terms.nonce] = Begun(terms, schema, now + LIFETIME)
        return terms

    def take(self, octets: bytes, now: dt.datetime) -> Begun:
        """Return the issuance of terms, which are spent by this, whatever comes of it.

        Raises MalformedError MALFORMED, RefusedError COMMITMENT_INVALID.
        """
        try:
            nonce = IssuanceTerms.from_bytes(octets).nonce
        except MalformedError as error:
            raise MalformedError(Reason(error.reason), error.detail, field="terms") from None
        begun = self._begun.pop(nonce, None)
        if begun is None or begun.terms.canonical != octets or begun.ends <= now:
            detail = "the terms are not this service's, or were used, or have ended"
            raise RefusedError(Reason.COMMITMENT_INVALID, detail, field="terms")
        return begun
