"""Holders of the composite form at a real server, who check everything that they are given."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import grpc

from bbs.accumulator import MembershipWitness
from disclosure import (
    AccumulatorName,
    CredentialForm,
    DepartmentName,
    IssuerKey,
    IssuerKeyName,
    Schema,
    SchemaName,
    Value,
)
from disclosure.composite import (
    CompositeCredential,
    CompositeRequest,
    HolderSecret,
    Holding,
    IssuanceTerms,
    PendingCredential,
    PublishedAccumulator,
    accept_credential,
    ask_for_credential,
    prepare,
    present_composite,
)
from tests.zkservice.support import PERMIT, VALUES, City, city, new_id
from tlog.note import Verifier
from wire.composite import composite_presentation_to, issued_of, witness_of
from wire.convert import issuer_key_of, values_to
from wire.published import Reader
from wire.revocation import accumulator_of
from zkproto.v1 import catalog_pb2, issuance_pb2, revocation_pb2
from zkservice.offering import BRANCH

BASE = replace(PERMIT, name=SchemaName("police", "resident", 1), form=CredentialForm.COMPOSITE)
"""The schema of a base credential."""
RECORD = replace(PERMIT, name=SchemaName("health", "record", 1), form=CredentialForm.COMPOSITE)
"""The schema of what another department issues to whoever shows a base credential."""
PERSON = b"370102-0001"
_Read = TypeVar("_Read")


def identified(
    values: Mapping[str, Value] = VALUES, person: bytes = PERSON, schema: Schema = BASE, **more: Any
) -> issuance_pb2.IssueCredentialRequest:
    """Ask for a base credential."""
    return issuance_pb2.IssueCredentialRequest(
        schema=str(schema.name),
        values=values_to(schema, values.items()),
        person=person,
        **({"request_id": new_id()} | more),
    )


def requiring(
    shown: Mapping[str, Value], schema: Schema = RECORD, base: Schema = BASE
) -> issuance_pb2.IssueCredentialRequest:
    """Ask for a credential of whoever shows a base credential that says this."""
    return issuance_pb2.IssueCredentialRequest(
        schema=str(schema.name),
        values=values_to(schema, VALUES.items()),
        required=issuance_pb2.RequiredCredential(
            schema=str(base.name), values=values_to(base, shown.items())
        ),
        request_id=new_id(),
    )


async def offer(
    city: City, asked: issuance_pb2.IssueCredentialRequest, token: str | None = None
) -> issuance_pb2.IssueCredentialResponse:
    made: issuance_pb2.IssueCredentialResponse = await city.issuance.IssueCredential(
        asked, metadata=city.bearer(token or city.department_token)
    )
    return made


def code(made: issuance_pb2.IssueCredentialResponse) -> dict[str, Any]:
    return {"offer": made.offer, "claim_code": made.claim_code}


async def get_offer(city: City, made: issuance_pb2.IssueCredentialResponse) -> issuance_pb2.Offer:
    got: issuance_pb2.Offer = await city.issuance.GetOffer(issuance_pb2.GetOfferRequest(**code(made)))
    return got


@dataclass
class Claiming:
    """A claim that is ready to be sent, with what the holder keeps for its answer."""

    message: issuance_pb2.ClaimCompositeCredentialRequest
    pending: PendingCredential = field(repr=False)
    schema: Schema
    key: IssuerKey

    async def send(self, city: City) -> issuance_pb2.ClaimCompositeCredentialResponse:
        answer: issuance_pb2.ClaimCompositeCredentialResponse = await city.issuance.ClaimCompositeCredential(
            self.message
        )
        return answer

    @property
    def acknowledging(self) -> issuance_pb2.AcknowledgeCredentialRequest:
        return issuance_pb2.AcknowledgeCredentialRequest(
            offer=self.message.offer, claim_code=self.message.claim_code, request_id=self.message.request_id
        )


@dataclass
class Holder:
    """A person with one secret, who reads what is published and checks everything."""

    city: City
    secret: HolderSecret = field(default_factory=HolderSecret.generate, repr=False)

    async def read(self, act: Callable[[Reader], _Read]) -> _Read:
        """Read over a channel of one's own, in a thread: the reader waits."""
        root = grpc.ssl_channel_credentials((self.city.ready.data / "ca.pem").read_bytes())

        def run() -> _Read:
            with closing(grpc.secure_channel(self.city.ready.address, root)) as channel:
                return act(Reader(channel, Verifier.from_string(self.city.ready.verifier_key)))

        return await asyncio.to_thread(run)

    async def commit(self, made: issuance_pb2.IssueCredentialResponse, schema: Schema = BASE) -> Claiming:
        """Answer the terms of a base credential."""
        terms = IssuanceTerms.from_bytes((await get_offer(self.city, made)).terms)
        key = await self._key(terms.issuer_key)
        commitment, pending = ask_for_credential(terms, self.secret, schema, key)
        return Claiming(self._message(made, commitment=commitment), pending, schema, key)

    async def show(
        self,
        made: issuance_pb2.IssueCredentialResponse,
        holding: Holding,
        schema: Schema = RECORD,
        base: Schema = BASE,
    ) -> Claiming:
        """Answer an offer's request with a credential that is held."""
        got = await get_offer(self.city, made)
        request = CompositeRequest.from_bytes(got.request)
        directory = await self.read(lambda reader: reader.directory(request))
        presented = await asyncio.to_thread(
            present_composite,
            request,
            BRANCH,
            {BRANCH: holding},
            self.secret,
            directory,
            self.city.clock(),
            usage_tag=secrets.token_bytes(48),
            note_hash=secrets.token_bytes(32),
            trusted_regulators=frozenset(),
        )
        assert presented.pending is not None
        message = composite_presentation_to(presented.presentation, directory.schema)
        key = await self._key(presented.pending.terms.issuer_key)
        assert presented.pending.terms.canonical == got.terms
        return Claiming(self._message(made, presentation=message), presented.pending, schema, key)

    async def accept(
        self, claiming: Claiming, answer: issuance_pb2.ClaimCompositeCredentialResponse
    ) -> Holding:
        """Check everything about a credential that came, and hold it."""
        accumulator, witness = await self._witness(answer)
        credential: CompositeCredential = accept_credential(
            claiming.pending, issued_of(answer), self.secret, claiming.schema, claiming.key,
            accumulator, witness,
        )  # fmt: skip
        prepared = prepare(credential, self.secret, claiming.schema, claiming.key)
        return Holding(credential, prepared, witness)

    async def receive(self, asked: issuance_pb2.IssueCredentialRequest) -> Holding:
        """Be offered a base credential, claim it, check it, and say so."""
        claiming = await self.commit(await offer(self.city, asked))
        holding = await self.accept(claiming, await claiming.send(self.city))
        await self.city.issuance.AcknowledgeCredential(claiming.acknowledging)
        return holding

    def _message(
        self, made: issuance_pb2.IssueCredentialResponse, **answer: Any
    ) -> issuance_pb2.ClaimCompositeCredentialRequest:
        return issuance_pb2.ClaimCompositeCredentialRequest(**code(made), request_id=new_id(), **answer)

    async def _key(self, name: IssuerKeyName) -> IssuerKey:
        asked = catalog_pb2.GetIssuerKeyRequest(name=str(name))
        return issuer_key_of(await self.city.catalog.GetIssuerKey(asked))

    async def _witness(
        self, answer: issuance_pb2.ClaimCompositeCredentialResponse
    ) -> tuple[PublishedAccumulator | None, MembershipWitness | None]:
        if not answer.accumulator:
            assert not answer.witness
            return None, None
        asked = revocation_pb2.GetAccumulatorRequest(name=answer.accumulator)
        made = accumulator_of(await self.city.revocation.GetAccumulator(asked))
        name = AccumulatorName.parse(answer.accumulator)
        epoch = await self.read(lambda reader: reader.epoch(name, made.key, answer.epoch))
        owner = str(DepartmentName(name.department))
        published = PublishedAccumulator(owner, made.key, {epoch.number: epoch})
        return published, witness_of(answer, made)


@asynccontextmanager
async def town(folder: Path, **settings: Any) -> AsyncIterator[City]:
    """Start a server whose department issues base credentials."""
    async with city(folder, **settings) as opened:
        await opened.add_schema(BASE)
        yield opened


@asynccontextmanager
async def two_departments(folder: Path, **settings: Any) -> AsyncIterator[tuple[City, str]]:
    """Start one with a second department, which issues to whoever shows a base credential."""
    async with town(folder, **settings) as opened:
        token = await opened.add_department("health")
        await opened.add_schema(RECORD)
        await opened.add_key("health")
        yield opened, token
