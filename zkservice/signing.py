"""Signing credentials, by the one worker that holds the departments' secret keys.

A secret key lives in its group's own object and is wiped when that goes: of each department the one that
signed last, and no other. What the worker reads was decoded and checked by the server before; nothing that
comes from outside is decoded where the keys are.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import bbs
from disclosure import DisclosureError, IssuerKey, IssuerKeyName, Schema, issue
from disclosure.attributes import from_item
from disclosure.canonical import Item
from zkservice.kept import Kept
from zkservice.tasks import Done, Missing, Names, Outcome, Supplies

_KEPT_SCHEMAS: Final = 4 << 20


@dataclass(frozen=True)
class Draft:
    """A credential to be signed: names of schema and key, values as of `to_item`, the day of issue."""

    schema: str
    issuer_key: str
    values: Mapping[str, Item] = field(repr=False)
    today: dt.date

    def items(self) -> list[Any]:
        """Return what travels to a process."""
        return [self.schema, self.issuer_key, dict(self.values), self.today.toordinal()]

    @classmethod
    def of(cls, schema: str, issuer_key: str, values: dict[str, Item], today: int) -> "Draft":
        """Return what `items` gave."""
        return cls(schema, issuer_key, values, dt.date.fromordinal(today))


@dataclass(frozen=True)
class _Opened:
    key: IssuerKey
    secret: bbs.SecretKey = field(repr=False)


class Signer:
    """Belongs to one thread; keeps schemas and the opened keys."""

    def __init__(self) -> None:
        self._schemas: Kept[Schema] = Kept(_KEPT_SCHEMAS)
        self._opened: dict[str, _Opened] = {}

    def work(self, jobs: Sequence[Draft], supplies: Supplies) -> list[Outcome]:
        """Return the credential's canonical bytes for each job, or why there is none."""
        schemas = {name: Schema.from_bytes(octets) for name, octets in supplies.schemas.items() if octets}
        for name, schema in schemas.items():
            self._schemas.keep(name, schema, len(schema.canonical))
        keys = {name: self._open(key, supplies.secrets[name]) for name, key in _given(supplies).items()}
        return [self._outcome(job, schemas, keys) for job in jobs]

    def _open(self, key: IssuerKey, octets: bytes) -> _Opened:
        opened = _Opened(key, bbs.SecretKey.from_octets(octets, suite=key.suite))
        self._opened[key.name.department] = opened
        return opened

    def _outcome(self, job: Draft, schemas: Mapping[str, Schema], keys: Mapping[str, _Opened]) -> Outcome:
        try:
            schema = schemas.get(job.schema) or self._schemas.get(job.schema)
            opened = keys.get(job.issuer_key) or self._kept(job.issuer_key)
            if schema is None:
                return Missing(Names(schemas=frozenset({job.schema})))
            if opened is None:
                return Missing(Names(issuer_keys=frozenset({job.issuer_key})))
            values = {name: from_item(schema.attribute(name), item) for name, item in job.values.items()}
            return Done(issue(schema, opened.key, opened.secret, values, job.today).to_bytes(schema))
        except DisclosureError as error:
            return error

    def _kept(self, name: str) -> _Opened | None:
        opened = self._opened.get(IssuerKeyName.parse(name).department)
        return opened if opened is not None and str(opened.key.name) == name else None


def _given(supplies: Supplies) -> dict[str, IssuerKey]:
    return {name: key for name, key in supplies.issuer_keys.items() if key and name in supplies.secrets}
