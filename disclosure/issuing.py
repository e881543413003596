"""Issuing many credentials of the plain form: what one schema, key and day share is prepared once."""

import datetime as dt
from collections.abc import Mapping

import bbs
from disclosure import canonical
from disclosure.attributes import AttributeDefinition, days, expiry_message, read_item
from disclosure.canonical import Item
from disclosure.credential import LABEL, IssuerKey, check_issuer
from disclosure.errors import MalformedError, Reason
from disclosure.schema import Schema


class Issuing:
    """Issues what `issue` does, from values as of `to_item` to the credential's canonical bytes.

    Holds the secret key, and is used by one thread at a time.
    """

    def __init__(self, schema: Schema, key: IssuerKey, secret_key: bbs.SecretKey, today: dt.date) -> None:
        """Prepare a key for a schema and a first day of validity.

        Raises RefusedError ISSUER_KEY_RETIRED, FORM_NOT_SUPPORTED, ISSUER_KEY_UNKNOWN (a key of another
        department).
        """
        check_issuer(schema, key)
        expiry = today + dt.timedelta(days=schema.validity_days)
        self._schema = schema
        self._signing = bbs.prepare_signing(
            secret_key, key.public_key, schema.header(), [expiry_message(expiry)],
            1 + len(schema.attributes), suite=key.suite,
        )  # fmt: skip
        self._beginning = canonical.beginning(6, LABEL, str(schema.name), str(key.name), days(expiry))
        self._attributes = [(each, canonical.beginning(2, each.id)) for each in schema.attributes]

    def issue(self, items: Mapping[str, Item]) -> bytes:
        """Sign values; MalformedError as `issue`: values that do not fit, or are too large for a vault."""
        messages, pairs = list[bytes](), list[bytes]()
        for definition, name in self._attributes:
            encoded = _encoded(definition, items.get(definition.id))
            messages.append(definition.message_of(encoded))
            if encoded is not None:
                pairs.append(name + encoded)
        if len(pairs) != len(items):
            self._refuse_unknown(items)
        signature = canonical.following(self._signing.sign(messages))
        octets = self._beginning + canonical.array(pairs) + signature
        if len(octets) > canonical.MAX_OCTETS:
            raise MalformedError(Reason.VALUE_INVALID, "all values together are too large", field="values")
        return octets

    def _refuse_unknown(self, items: Mapping[str, Item]) -> None:
        for name, item in items.items():
            read_item(self._schema.attribute(name), item)


def _encoded(definition: AttributeDefinition, item: Item) -> bytes | None:
    """Return a value that was checked once more, as it is signed and kept; None for an absent one."""
    value = None if item is None else read_item(definition, item)
    definition.check(value, field=definition.id)
    return None if item is None else canonical.following(item)
