"""A department that revokes at a real server, and what follows from its secret, opened as the server does."""

import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from bbs.accumulator import AccumulatorSecret, Epoch, MembershipWitness, Page
from bbs.groups.bls12_381 import r
from disclosure import Accumulator, epoch_entry
from tests.zkservice.support import City, new_id
from tlog.note import Verifier
from tlog.proof_file import ProofFile
from wire.revocation import accumulator_of
from zkproto.v1 import revocation_pb2 as pb
from zkservice.keys import Keys


def new_handles(count: int) -> list[int]:
    return [1 + secrets.randbelow(r - 1) for _ in range(count)]


def octets_of(handles: Iterable[int]) -> list[bytes]:
    return [each.to_bytes(32) for each in handles]


@dataclass
class Office:
    """A department with its token and one accumulator."""

    city: City
    token: str
    accumulator: Accumulator

    @classmethod
    async def open(cls, city: City, department: str, token: str) -> "Office":
        """Have an accumulator made."""
        asked = pb.CreateAccumulatorRequest(parent=f"departments/{department}", request_id=new_id())
        made = await city.revocation.CreateAccumulator(asked, metadata=city.bearer(token))
        return cls(city, token, accumulator_of(made))

    @property
    def name(self) -> str:
        return str(self.accumulator.name)

    def asking(self, handles: Sequence[int], request_id: str | None = None) -> pb.RevokeCredentialsRequest:
        return pb.RevokeCredentialsRequest(
            accumulator=self.name, handles=octets_of(handles), request_id=request_id or new_id()
        )

    def send(self, asked: pb.RevokeCredentialsRequest) -> Any:
        return self.city.revocation.RevokeCredentials(asked, metadata=self.city.bearer(self.token))

    async def revoke(self, *handles: int) -> Epoch:
        return self.checked(await self.send(self.asking(handles)))

    async def epoch(self, number: int | None = None) -> Epoch:
        asked = pb.GetEpochRequest(accumulator=self.name, number=number)
        return self.checked(await self.city.revocation.GetEpoch(asked))

    def checked(self, message: pb.Epoch) -> Epoch:
        """Check an epoch's message: its octets stand on the ledger, and say what its fields say."""
        epoch = Epoch.from_octets(message.octets, key=self.accumulator.key)
        log = Verifier.from_string(self.city.ready.verifier_key)
        ProofFile.parse(message.proof).verify(epoch_entry(epoch), log)
        assert (message.accumulator, message.number, message.revocation_count) == (
            self.name,
            epoch.number,
            epoch.position.count,
        )
        return epoch

    async def page(self, first: int = 0, limit: int = 0) -> Page:
        asked = pb.ListRevocationsRequest(accumulator=self.name, first=first, limit=limit)
        answer = await self.city.revocation.ListRevocations(asked)
        return Page.from_octets(answer.page, key=self.accumulator.key)

    def witness(self, handle: int, epoch: Epoch) -> MembershipWitness:
        """Return the witness that the department gives with a credential of this handle."""
        folder = self.city.ready.data
        with closing(sqlite3.connect(folder / "service.sqlite3")) as connection:
            query = "select sealed_secret from accumulator where name = ?"
            (sealed,) = connection.execute(query, (self.name,)).fetchone()
        octets = Keys.load(folder / "keys", make=False).open(f"accumulator/{self.name}", sealed)
        secret = AccumulatorSecret.from_octets(octets, suite=self.accumulator.suite)
        return secret.witness(handle, epoch.position, set())
