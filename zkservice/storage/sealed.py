"""Every column that holds what is sealed under the master key: the one list of them.

Whatever seals (`Keys.seal`) and stores has its column here, or a rotation would lose it; a test looks for
sealings in a database in which everything was done, and for columns that are not listed. What others have
sealed, to a recipient or to a counter, is not ours to open and is not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Connection, LargeBinary, Select, Table, func, select, tuple_, update

from zkservice.errors import StartError
from zkservice.keys import FIRST, HEADER_OCTETS, Keys, generation_of, seal_header
from zkservice.storage import tables


@dataclass(frozen=True)
class SealedColumn:
    """A column, and the labels that a value of it may be sealed under, filled with the row's own key.

    `moves` is false for what stays under its generation until it is of no use.
    """

    column: Column[Any]
    labels: tuple[str, ...]
    moves: bool = True

    @property
    def table(self) -> Table:
        """The column's table."""
        return self.column.table

    @property
    def name(self) -> str:
        """What an operator reads."""
        return f"{self.table.name}.{self.column.name}"

    @property
    def key(self) -> tuple[Column[Any], ...]:
        """The columns of the table's key."""
        return tuple(self.table.primary_key.columns)


_T: Final = tables
SEALED: Final = (
    SealedColumn(_T.service_secret.c.sealed, ("{name}",)),
    SealedColumn(_T.issuer_key.c.sealed_secret, ("issuer-key/{name}",)),
    SealedColumn(_T.accumulator.c.sealed_secret, ("accumulator/{name}",)),
    SealedColumn(_T.offer.c.sealed, ("offer/{id}", "composite-offer/{id}", "issued-credential/{id}")),
    SealedColumn(_T.composite_offer.c.sealed_handle, ("handle/{offer}",)),
    SealedColumn(_T.answer.c.sealed_presentation, ("presentation/{exchange}",)),
    SealedColumn(_T.answer.c.sealed_opening, ("receipt-opening/{exchange}",)),
    SealedColumn(_T.application.c.sealed, ("application/{id}", "application-reason/{id}")),
    SealedColumn(_T.appointment.c.sealed, ("appointment/{id}",)),
    SealedColumn(_T.errand_update.c.sealed, ("errand-update/{part}",)),
    SealedColumn(_T.event.c.sealed_opening, ("event-opening/{scope}/{request_id}",)),
    SealedColumn(_T.admin_action_record.c.sealed_opening, ("action-opening/{action}/{step}",)),
    SealedColumn(_T.token_key.c.sealed, ("token-key/{kid}",)),
    # The way by which a server gets the generation that follows: under the one before, until that is retired.
    SealedColumn(_T.master_key.c.sealed, ("master-key/{number}",), moves=False),
)


@dataclass(frozen=True, repr=False)
class SealedValue:
    """A value, with the key of its row."""

    where: SealedColumn
    key: tuple[Any, ...]
    octets: bytes

    @property
    def generation(self) -> int:
        """The generation that it says it is sealed under."""
        return generation_of(self.octets)

    def open(self, keys: Keys) -> tuple[str, bytes]:
        """Return its label and what it says; StartError if it opens under none."""
        names = {each.name: value for each, value in zip(self.where.key, self.key, strict=True)}
        labels = [each.format(**names) for each in self.where.labels]
        for label in labels:
            try:
                return label, keys.open(label, self.octets)
            except StartError:
                continue
        detail = f"a value of {self.where.name} (generation {self.generation}) does not open"
        raise StartError(detail)


def page(
    connection: Connection, where: SealedColumn, after: tuple[Any, ...] | None, limit: int, *, but: int = 0
) -> list[SealedValue]:
    """Return values of a column in order of their keys, after a key; not those of the generation `but`."""
    query: Select[Any] = select(*where.key, where.column).where(where.column.is_not(None))
    if after is not None:
        query = query.where(tuple_(*where.key) > tuple_(*after))
    if but > FIRST:
        query = query.where(_header(where) != seal_header(but))
    rows = connection.execute(query.order_by(*where.key).limit(limit))
    return [SealedValue(where, tuple(row[:-1]), row[-1]) for row in rows]


def replace(connection: Connection, value: SealedValue, sealed: bytes) -> bool:
    """Put a new sealing in the place of a value, unless that has changed; return whether it was put."""
    where = value.where
    matching = [column == part for column, part in zip(where.key, value.key, strict=True)]
    statement = update(where.table).where(*matching, where.column == value.octets)
    return connection.execute(statement.values({where.column: sealed})).rowcount == 1


def count(connection: Connection, where: SealedColumn) -> Mapping[int, int]:
    """Return how many values of a column each generation seals."""
    header = _header(where)
    numbered = header.between(seal_header(FIRST), seal_header((1 << 32) - 1))
    query = select(header, func.count()).where(where.column.is_not(None), numbered).group_by(header)
    found = {generation_of(bytes(octets)): number for octets, number in connection.execute(query)}
    others = select(func.count()).where(where.column.is_not(None), ~numbered).select_from(where.table)
    first = found.pop(FIRST, 0) + connection.execute(others).scalar_one()
    return {FIRST: first, **found} if first else found


def _header(where: SealedColumn) -> Any:
    return func.substr(where.column, 1, HEADER_OCTETS, type_=LargeBinary)


def total(values: Mapping[str, Mapping[int, int]]) -> Mapping[int, int]:
    """Return the counts of all columns together, by generation."""
    summed: dict[int, int] = {}
    for counted in values.values():
        for number, many in counted.items():
            summed[number] = summed.get(number, 0) + many
    return summed
