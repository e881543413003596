"""What a record says, read and checked: what it is known by, and what an offer of it is made of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from disclosure import (
    CredentialForm,
    Directory,
    DisclosureError,
    MalformedError,
    Schema,
    SchemaName,
    canonical,
)
from disclosure.canonical import Item as CanonicalItem
from disclosure.composite.credential import require_composite
from wire.convert import present_values_of, within
from zkproto.v1 import issuance_pb2
from zkproto.v1 import record_pb2 as pb
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import placed, required
from zkservice.keys import Keys
from zkservice.offering import Offered, Required, checked_person, department_of, items_of, person_mark
from zkservice.storage.records import Item, Rejection
from zkservice.subjects import subject_of

MAX_GROUP: Final = 512
_RECORD_LABEL: Final = "zk-disclosure/record/v1"
_CONTENT_LABEL: Final = "zk-disclosure/record-content/v1"
_MAX_RECORD_ID: Final = 200
_ITEMS: Final = 256


@dataclass(frozen=True)
class Read:
    """A record that was read: `mark` and `digest` are the fingerprints of its name and of all that it says.

    `values` are as of `to_item`, None for a record that says nothing but that it is there. In the composite
    form `offered` is what its offer holds.
    """

    place: int
    mark: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    values: Mapping[str, CanonicalItem] | None = field(repr=False)
    offered: Offered | None = field(default=None, repr=False)
    person: bytes | None = field(default=None, repr=False)
    subject: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Refused:
    """A record that was refused; `mark` is None if it has no name."""

    rejection: Rejection
    mark: bytes | None = field(default=None, repr=False)


class Reading:
    """Reads the records of one schema."""

    def __init__(self, keys: Keys, schema: Schema) -> None:
        self._keys, self._schema = keys, schema
        self.item = Item(department_of(schema.name), schema.name.item)

    def read(self, record: pb.Record, place: int, others: Directory) -> Read | Refused:
        """Read a record; `others` has the schemas of credentials that holders show first."""
        mark: bytes | None = None
        try:
            mark = record_mark(self._keys, self.item, record.record_id)
            return self._read(record, place, mark, others)
        except (DisclosureError, ServiceError) as error:
            return Refused(Rejection(place, error.reason, error.field), mark)

    def _read(self, record: pb.Record, place: int, mark: bytes, others: Directory) -> Read:
        if record.present:
            if record.values or record.HasField("subject") or record.WhichOneof("identification"):
                detail = "a record that is only there says nothing else"
                raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="present")
            return Read(place, mark, b"", None)
        values = present_values_of(record.values)
        try:
            self._schema.check_values(values)
        except MalformedError:
            with within("values"):  # here, since it costs more than the check
                raise
        person, shown = self._identified(record, others)
        items, subject = items_of(values), self._subject(record)
        offered = Offered(items, shown) if self._schema.form is CredentialForm.COMPOSITE else None
        said: CanonicalItem = [part for pair in sorted(items.items()) for part in pair]
        said = offered.to_bytes() if offered is not None else said
        octets = canonical.encode(_CONTENT_LABEL, str(self._schema.name), said, person, subject)
        return Read(place, mark, self._keys.fingerprint(octets), items, offered, person, subject)

    def _identified(self, record: pb.Record, others: Directory) -> tuple[bytes | None, Required | None]:
        kind = record.WhichOneof("identification")
        if self._schema.form is CredentialForm.PLAIN:
            if kind is not None:
                detail = "a credential of the plain form belongs to whoever has the code"
                raise ServiceError(ServiceReason.FIELD_INVALID, detail, field=kind)
            return None, None
        required(kind is not None, "identification")
        if kind == "person":
            return person_mark(self._keys, self.item.department, checked_person(record.person)), None
        return None, _required(record.required, others)

    def _subject(self, record: pb.Record) -> bytes | None:
        if not record.HasField("subject"):
            return None
        return subject_of(record.subject, field="subject").mark(self._keys)


def _required(message: issuance_pb2.RequiredCredential, others: Directory) -> Required:
    with placed("required"):
        schema = others.schema(SchemaName.parse(message.schema, field="schema"))
        require_composite(schema)
    required(len(message.values) > 0, "required.values")
    with within("required.values"):
        return Required.of(schema, present_values_of(message.values))


def record_mark(keys: Keys, item: Item, record_id: bytes, *, field: str = "record_id") -> bytes:
    """Return the fingerprint of a department's record; ServiceError FIELD_MISSING, FIELD_INVALID."""
    required(bool(record_id), field)
    if len(record_id) > _MAX_RECORD_ID:
        detail = f"a record's name has 1 to {_MAX_RECORD_ID} octets"
        raise ServiceError(ServiceReason.FIELD_INVALID, detail, field=field)
    return keys.fingerprint(_named(item) + canonical.following(bytes(record_id)))


@lru_cache(_ITEMS)
def _named(item: Item) -> bytes:
    return canonical.beginning(4, _RECORD_LABEL, item.department, item.item)


def shown_schemas(records: Iterable[pb.Record]) -> set[SchemaName]:
    """Return the names of the schemas of credentials that holders of these records show first, as far as they
    are names: the record that has another is refused when it is read."""
    found = set()
    for name in {each.required.schema for each in records if each.HasField("required")}:
        try:
            found.add(SchemaName.parse(name))
        except MalformedError:
            continue
    return found
