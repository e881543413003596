"""What each department has in its register: records about the same people, homes and companies everywhere.

The forty items that policies ask about follow from people, homes and companies; those that nobody asks much
about are drawn within their schema's bounds for a share of the people or companies.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from disclosure import Schema, Value
from zk.catalogue.info import Subject
from zk.synthetic.city import City
from zk.synthetic.filling import filled
from zk.synthetic.records import children, companies, homes, living, work
from zk.synthetic.records.entries import Entry, Maker, drawn_for

_MAKERS: Mapping[str, Maker] = {
    **living.MAKERS, **work.MAKERS, **homes.MAKERS, **children.MAKERS, **companies.MAKERS
}  # fmt: skip
ITEMS = frozenset(_MAKERS)
"""The items that follow from the city; all others are drawn."""


@dataclass(frozen=True)
class Record:
    """One record of a department's register.

    `id` is the department's own number for the record, the same however often the city is made; `subject`
    says whose it is, by the number that departments know people or companies by.
    """

    id: str
    subject: Subject
    number: str = field(repr=False)
    values: Mapping[str, Value] = field(repr=False)


def records_of(city: City, schema: Schema, subject: Subject) -> Iterator[Record]:
    """Give all records of an item, in an order that never changes; `subject` is the item's own.

    Raises MalformedError if the schema lacks an attribute that must hold what the city says.
    """
    make = _MAKERS.get(schema.name.item) or drawn_for(schema.name.item, subject)
    for entry in make(city):
        yield _record(city, schema, entry)


def _record(city: City, schema: Schema, entry: Entry) -> Record:
    item = schema.name.item
    place = f"{item}/{entry.key}"
    identifier = hashlib.sha256(f"{city.seed}/{place}".encode()).hexdigest()[:24]
    values = filled(city, schema, entry.about, entry.facts)
    return Record(f"{item}-{identifier}", entry.subject, entry.number, values)
