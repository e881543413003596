"""Schemas, which never change, so that the last used stay in memory; and what a judge has to be told.

A large schema takes tens of milliseconds to decode. That is done on no thread that others wait for (event
loop, readers, crypto), for one call after the other, and is finished and kept even if its caller goes away:
many who ask at once, and again and again, cost no more than one of them.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeVar

from sqlalchemy import Connection

from disclosure import Directory, PolicyName, Schema, SchemaName
from disclosure.composite import is_composite
from disclosure.policy import RegisteredPolicy
from wire.convert import schema_to
from zkservice.counterparts import session_name
from zkservice.kept import Kept
from zkservice.keys import Keys, presentation_label
from zkservice.knowledge import epoch_name, epoch_of_name
from zkservice.storage import catalog, exchanges, policies, publication, registered, revocation
from zkservice.storage.catalog import StoredSchema
from zkservice.storage.database import Database
from zkservice.storage.publication import StoredTable
from zkservice.tasks import EpochSupply, Names, SessionSupply, Supplies, TableSupply

_KEPT_OCTETS: Final = 4 << 20
"""Canonical octets of the schemas that stay decoded, which takes some thirty times as much memory."""
_KEPT_POLICIES: Final = 1 << 20
_KEPT_MESSAGES: Final = 32 << 20
"""Octets of the schemas that stay encoded as messages."""
_Thing = TypeVar("_Thing")


class Directories:
    """Loads what a request and its presentation are read with; what is not registered is left out."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._database, self._keys = database, keys
        self._schemas: Kept[Schema] = Kept(_KEPT_OCTETS)
        self._messages: Kept[bytes] = Kept(_KEPT_MESSAGES)
        self._policies: Kept[RegisteredPolicy] = Kept(_KEPT_POLICIES)
        self._decoding, self._encoding = asyncio.Lock(), asyncio.Lock()

    async def load(self, schemas: Iterable[SchemaName]) -> Directory:
        """Return the directory of these schemas."""
        names = {str(each) for each in schemas}
        known = self._schemas.of(names)
        if names - known.keys():
            known |= await asyncio.shield(self._decode(names - known.keys()))
        return Directory({each.name: each for each in known.values()}, {})

    async def policy(self, name: PolicyName) -> RegisteredPolicy:
        """Return a policy, ended or not; RefusedError POLICY_UNKNOWN."""
        kept = self._policies.get(str(name))
        if kept is not None:
            return kept
        octets = (await self._database.read(lambda each: policies.canonicals(each, [str(name)]))).get(
            str(name)
        )
        if octets is None:
            raise policies.unknown_policy(name)
        policy = RegisteredPolicy.from_bytes(octets)
        self._policies.keep(str(name), policy, len(octets))
        return policy

    async def supplies(self, names: Names) -> Supplies:
        """Return what the catalogue has under these names, and what of sessions was accepted, for a judge."""
        return await self._database.read(lambda connection: _supplies(connection, names, self._keys))

    async def messages(self, names: Sequence[str], octets: int) -> list[bytes]:
        """Return the encoded Schema messages of these names, in their order: one, and more while they have no
        more than so many octets together. What is not registered is left out.
        """
        known = self._messages.of(names)
        if len(known) < len(names):
            known |= await asyncio.shield(self._encode(names, known, octets))
        return _first((known[each] for each in names if each in known), octets)

    async def _decode(self, names: set[str]) -> dict[str, Schema]:
        async with self._decoding:
            known = self._schemas.of(names)  # whoever was here before may have decoded the same
            rows = await self._rows(names - known.keys())
            known |= await asyncio.to_thread(_decoded, rows)
            for name, row in rows.items():
                self._schemas.keep(name, known[name], len(row.canonical))
            return known

    async def _encode(self, names: Sequence[str], before: dict[str, bytes], octets: int) -> dict[str, bytes]:
        async with self._encoding:
            known = before | self._messages.of(names)
            rows = await self._rows(each for each in names if each not in known)
            made = await asyncio.to_thread(_encoded, names, known, rows, octets)
            for name, message in made.items():
                self._messages.keep(name, message, len(message))
            return known | made

    async def _rows(self, names: Iterable[str]) -> dict[str, StoredSchema]:
        missing = list(names)
        return (
            await self._database.read(lambda connection: catalog.schemas(connection, missing))
            if missing
            else {}
        )


def _decoded(rows: dict[str, StoredSchema]) -> dict[str, Schema]:
    return {name: Schema.from_bytes(row.canonical) for name, row in rows.items()}


def _encoded(
    names: Sequence[str], known: dict[str, bytes], rows: dict[str, StoredSchema], octets: int
) -> dict[str, bytes]:
    """Encode those of these schemas that are not known, up to the first that goes beyond so many octets."""
    made: dict[str, bytes] = {}
    for name in names:
        if octets < 0:
            break
        if name in rows:
            row = rows[name]
            made[name] = schema_to(Schema.from_bytes(row.canonical), row.created).SerializeToString()
        octets -= len(made.get(name) or known.get(name, b""))
    return made


def _first(messages: Iterable[bytes], octets: int) -> list[bytes]:
    page: list[bytes] = []
    for message in messages:
        octets -= len(message)
        if page and octets < 0:
            break
        page.append(message)
    return page


def _supplies(connection: Connection, names: Names, sealing: Keys) -> Supplies:
    verifiers = registered.public_keys(connection, names.verifiers)
    schemas = catalog.schemas(connection, names.schemas)
    keys = catalog.issuer_keys_named(connection, names.issuer_keys)
    tables = publication.tables_of(connection, map(bytes.fromhex, names.tables))
    regulators = publication.regulators_of(connection, map(bytes.fromhex, names.regulators))
    epochs = revocation.epochs_of(connection, map(epoch_of_name, names.epochs))
    lengths = publication.lengths_of(connection, map(bytes.fromhex, names.lengths))
    return Supplies(
        _under(names.verifiers, verifiers),
        _under(names.schemas, {name: each.canonical for name, each in schemas.items()}),
        _under(names.issuer_keys, {name: each.key for name, each in keys.items()}),
        tables=_under(names.tables, {each.hex(): _table(stored) for each, stored in tables.items()}),
        regulators=_under(
            names.regulators, {each.hex(): stored.regulator.key for each, stored in regulators.items()}
        ),
        epochs=_under(
            names.epochs,
            {
                epoch_name(*each): EpochSupply(stored.department, stored.suite, stored.octets)
                for each, stored in epochs.items()
            },
        ),
        sessions=_under(names.sessions, _sessions(connection, names.sessions, sealing)),
        lengths=_under(names.lengths, {each.hex(): octets for each, octets in lengths.items()}),
        policies=_under(names.policies, policies.canonicals(connection, names.policies)),
    )


def _sessions(connection: Connection, names: Iterable[str], keys: Keys) -> dict[str, SessionSupply]:
    """Return the answered sessions of the composite form, with the presentations unsealed, each if it is of
    the verifier in its name."""
    wanted = set(names)
    found = exchanges.sessions(connection, (bytes.fromhex(each.rpartition("/")[2]) for each in wanted))
    return {
        name: SessionSupply(
            exchange.signed.payload,
            keys.open(presentation_label(exchange.id), answer.sealed_presentation),
            answer.created,
        )
        for digest, (exchange, answer) in found.items()
        if (name := session_name(exchange.verifier, digest)) in wanted and is_composite(exchange.signed)
    }


def _under(names: Iterable[str], found: Mapping[str, _Thing]) -> dict[str, _Thing | None]:
    """Answer for each name: None for what there is not."""
    return {name: found.get(name) for name in names}


def _table(stored: StoredTable) -> TableSupply:
    return TableSupply(stored.owner, stored.code_system, stored.codes, stored.octets)
