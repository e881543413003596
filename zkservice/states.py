"""How issuer keys and accumulators stand now, read in one look at the database.

Whoever reads a request anew needs just that: all else that it names never changes. It goes out with the
request and with its answer, which spares both sides a call.

State rules: where only this process changes a key's state or makes an epoch, it says so (`changed`) once it
is durable. Until then what was read counts; what is being read meanwhile is not kept. Where other servers
write to the same database, nothing is.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from sqlalchemy import Connection

from disclosure import IssuerKeyName, SignedRequest
from disclosure.composite import CompositeRequest, Needed, is_composite
from wire.convert import issuer_key_to
from zkproto.v1 import catalog_pb2, revocation_pb2
from zkproto.v1 import publication_pb2 as pb
from zkproto.v1.states_pb2 import States
from zkservice.errors import ServiceError, ServiceReason
from zkservice.kept import Kept
from zkservice.proofs import Proofs
from zkservice.storage import catalog, revocation
from zkservice.storage.catalog import StoredKey
from zkservice.storage.database import Database
from zkservice.storage.revocation import StoredEpoch
from zkservice.tasks import MAX_NAMES

_KEY_OCTETS: Final = 96
_KEPT_OCTETS: Final = 1 << 20
_MOST_READ: Final = 64
_Row = TypeVar("_Row")


@dataclass(frozen=True)
class _Names:
    """Names of issuer keys and public keys of accumulators."""

    keys: tuple[str, ...]
    accumulators: tuple[bytes, ...]

    @classmethod
    def of(cls, request: pb.ReadStatesRequest) -> "_Names":
        """Decode what was asked; MalformedError NAME_INVALID; ServiceError BATCH_TOO_LARGE, FIELD_INVALID."""
        if len(request.issuer_keys) + len(request.accumulators) > MAX_NAMES:
            raise ServiceError(ServiceReason.BATCH_TOO_LARGE, f"a call reads at most {MAX_NAMES} states")
        for place, octets in enumerate(request.accumulators):
            if len(octets) != _KEY_OCTETS:
                detail = f"an accumulator's public key has {_KEY_OCTETS} octets"
                raise ServiceError(ServiceReason.FIELD_INVALID, detail, field=f"accumulators[{place}]")
        names = (
            IssuerKeyName.parse(name, field=f"issuer_keys[{place}]")
            for place, name in enumerate(request.issuer_keys)
        )
        return cls(tuple(map(str, names)), tuple(request.accumulators))

    @classmethod
    def needed(cls, payload: bytes) -> "_Names":
        """Return what a request of the composite form names, which was opened before."""
        needed = Needed.of(CompositeRequest.from_bytes(payload))
        return cls(tuple(map(str, needed.keys)), tuple(needed.accumulators))

    def read(self, connection: Connection) -> "_Read":
        """Return the rows, in the order of the names; ServiceError NOT_FOUND."""
        keys = catalog.issuer_keys_named(connection, self.keys)
        epochs = revocation.newest_epochs(connection, self.accumulators)
        return _Read(
            [_found(keys.get(name), f"issuer_keys[{place}]") for place, name in enumerate(self.keys)],
            [
                _found(epochs.get(key), f"accumulators[{place}]")
                for place, key in enumerate(self.accumulators)
            ],
        )


@dataclass(frozen=True)
class _Read:
    keys: Sequence[StoredKey]
    epochs: Sequence[tuple[str, StoredEpoch]]


class StatesReader:
    """Reads states by name, or those that a request names, which is decoded once.

    Belongs to the event loop.
    """

    def __init__(self, database: Database, proofs: Proofs) -> None:
        self._database, self._proofs = database, proofs
        self._needed: Kept[_Names] = Kept(_KEPT_OCTETS)
        self._read: dict[_Names, States] = {}
        self._changes = 0

    def changed(self) -> None:
        """Forget what was read: a key's state has changed, or there is a new epoch."""
        self._read.clear()
        self._changes += 1

    async def asked(self, request: pb.ReadStatesRequest) -> States:
        """Answer once all of it stands on the ledger; raises as `_Names` does."""
        return await self._states(_Names.of(request))

    async def needed(self, signed: SignedRequest, digest: bytes) -> States | None:
        """Return the states of what an opened request names, None for the plain form."""
        names = await self.prepare(signed, digest)
        return None if names is None else await self._states(names)

    async def prepare(self, signed: SignedRequest, digest: bytes) -> _Names | None:
        """Decode a request, if it was not, on no thread that others wait for."""
        if not is_composite(signed):
            return None
        names = self._needed.get(digest.hex())
        if names is None:
            names = await asyncio.to_thread(_Names.needed, signed.payload)
            self._needed.keep(digest.hex(), names, len(signed.payload))
        return names

    async def _states(self, names: _Names) -> States:
        """Return states; whoever asks a thousand families names the same to all of them."""
        states, changes = self._read.get(names), self._changes
        if states is None:
            found = await self._database.read(names.read)
            states = States(
                issuer_keys=[await issuer_key_proven(self._proofs, each) for each in found.keys],
                epochs=[await epoch_proven(self._proofs, name, each) for name, each in found.epochs],
            )
            unchanged = self._database.alone and changes == self._changes
            if unchanged and len(self._read) < _MOST_READ:
                self._read[names] = states
        return states


async def issuer_key_proven(proofs: Proofs, stored: StoredKey) -> catalog_pb2.IssuerKey:
    """Return a key's message once its records stand on the ledger."""
    message = issuer_key_to(stored.key, stored.created)
    message.proof = await proofs.of(stored.outbox)
    if stored.state_outbox is not None:
        message.state_proof = await proofs.of(stored.state_outbox)
    return message


async def epoch_proven(proofs: Proofs, accumulator: str, stored: StoredEpoch) -> revocation_pb2.Epoch:
    """Return an epoch's message once it stands on the ledger: nobody is shown one that does not."""
    return revocation_pb2.Epoch(
        accumulator=accumulator,
        number=stored.number,
        revocation_count=stored.count,
        octets=stored.octets,
        proof=await proofs.of(stored.outbox),
    )


def _found(row: _Row | None, field: str) -> _Row:
    if row is None:
        raise ServiceError(ServiceReason.NOT_FOUND, "there is no such key", field=field)
    return row
