"""A server, and for each method of the contract a message that it answers with OK, for tests that change it.

The RPCs come from the descriptors, so that a new one is covered without a change here.
"""

import datetime as dt
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import Message

from disclosure.w3c import commit
from tests.zkservice.holding import BASE, Holder, code, identified, offer, requiring
from tests.zkservice.publishing import POLICE, new_regulator, publish, register, table
from tests.zkservice.pushes import answers
from tests.zkservice.revoking import Office, new_handles
from tests.zkservice.seeding import SEEDERS, Seed, Seeder
from tests.zkservice.stored import Rows
from tests.zkservice.support import PERMIT, TEXT, City, Issued, aio_error, city, new_id
from tests.zkservice.wiring import Method, filled, methods
from wire.convert import presentation_to, schema_to, text_to
from zkproto.v1 import (
    catalog_pb2,
    issuance_pb2,
    ledger_pb2,
    presentation_pb2,
    publication_pb2,
    revocation_pb2,
)
from zkservice.status import CODES

METHODS: Final = methods()
OF_DEPARTMENTS: Final = {
    "IssueCredential", "GetIssuance", "CreateTable", "CreateAccumulator", "RevokeCredentials"
}  # fmt: skip
MAX: Final = 256 << 10
each_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
_count = itertools.count()


@dataclass
class Target:
    """A server, and for each method a message that it answers with OK."""

    city: City
    issued: Issued
    rows: Rows
    seeds: dict[str, Message] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    before: dict[str, Callable[[], Message]] = field(default_factory=dict)
    seeders: dict[str, Seeder] = field(default_factory=dict)
    """What makes the message of a method, with those of its kind."""

    async def fill(self, *seeders: Seeder) -> None:
        """Make messages that nothing has used up, in place of those that stand here."""
        for seeder in seeders:
            for name, made in (await seeder(self.city, next(_count))).items():
                self.seeds[name], self.seeders[name] = made.message, seeder
                self.tokens.pop(name, None)
                self.before.pop(name, None)
                if made.token is not None:
                    self.tokens[name] = made.token
                if made.before is not None:
                    self.before[name] = made.before

    async def refill(self, method: Method) -> None:
        """Make the message of one method anew; one that is answered however often needs none."""
        if method.name in self.seeders:
            await self.fill(self.seeders[method.name])

    def token(self, method: Method) -> str:
        if method.name in self.tokens:
            return self.tokens[method.name]
        return self.city.department_token if method.name in OF_DEPARTMENTS else self.city.admin

    def seed(self, method: Method) -> bytes:
        return self.seeds.get(method.name, filled(method.request)).SerializeToString()

    async def call(self, method: Method, octets: bytes, **options: Any) -> Any:
        """Send octets; return the first answer."""
        channel: Any = self.city.channel
        if method.part:
            return await self._stream(method, octets, **options)
        make = channel.unary_stream if method.streams else channel.unary_unary
        call = make(method.path, request_serializer=bytes, response_deserializer=bytes)(
            octets, metadata=self.city.bearer(self.token(method)), timeout=20, **options
        )
        if not method.streams:
            return await call
        try:
            answer = await call.read()
        finally:
            call.cancel()
        return answer

    async def _stream(self, method: Method, octets: bytes, **options: Any) -> Any:
        """Send octets as one message of a stream, behind those that come before it; return the answers."""
        messages = [self.before[method.name]().SerializeToString()] if method.name in self.before else []

        async def sent() -> AsyncIterator[bytes]:
            for each in (*messages, octets):
                yield each

        make = self.city.channel.stream_stream(
            method.path, request_serializer=bytes, response_deserializer=bytes
        )
        bearer = self.city.bearer(self.token(method))
        return await answers(lambda: make(sent(), metadata=bearer, timeout=20, **options))

    async def send(self, method: Method, octets: bytes) -> str:
        """Send octets that may be anything; return the reason. Refused means: with a reason, unchanged."""
        before = self.rows()
        try:
            await self.call(method, octets)
        except grpc.aio.AioRpcError as error:
            refused, trailer = aio_error(error), dict(error.trailing_metadata() or ())
        else:
            return "OK"
        assert refused.code not in {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}, refused
        assert "grpc-status-details-bin" in trailer, f"no reason: {refused}"
        assert CODES[refused.reason] == refused.code, refused
        assert self.rows() == before, "a refused call changed something"
        return refused.reason


@asynccontextmanager
async def fuzzed(folder: Path) -> AsyncIterator[Target]:
    """Start a server on an empty folder, and furnish it with everything that calls are about."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zkservice.server._TIDY_SECONDS", 3600.0)
        async with city(folder, max_message_octets=MAX) as town:
            issued = await town.claim(await town.issue())
            await town.answered(issued)
            await town.add_schema(BASE)
            with closing(Rows(town.ready.data)) as rows:
                yield await filled_target(town, issued, rows)


async def filled_target(town: City, issued: Issued, rows: Rows) -> Target:
    target = Target(town, issued, rows)
    await target.fill(*plain_seeders(issued), *SEEDERS)
    return target


def plain_seeders(issued: Issued) -> tuple[Seeder, ...]:
    """Return what makes the messages that are no service's own function of `seeding`."""

    async def basic(town: City, number: int) -> dict[str, Seed]:
        return _plain(await _basic_seeds(town, issued, number))

    return basic, _composite_seeds, _publication_seeds, _revocation_seeds


def _plain(messages: dict[str, Message]) -> dict[str, Seed]:
    return {name: Seed(each) for name, each in messages.items()}


async def _basic_seeds(town: City, issued: Issued, number: int) -> dict[str, Message]:
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    offers = [await town.issue() for _ in range(2)]
    claim, acknowledge = (
        {"offer": each.offer, "claim_code": each.claim_code, "request_id": new_id()} for each in offers
    )
    await town.issuance.ClaimCredential(issuance_pb2.ClaimCredentialRequest(**acknowledge))
    request = town.request(shown=("name", "number", "district", "since", "student"))
    exchange = await town.ask(request)
    submission = town.submission(exchange, *town.present(request, issued))
    asked = {"exchange": exchange.exchange}
    everywhere: dict[str, Any] = {"parent": "departments/-", "page_size": 2}
    schema = schema_to(PERMIT)
    schema.ClearField("digest")
    display = text_to(TEXT)
    catalog: dict[str, Message] = {
        "CreateDepartment": catalog_pb2.CreateDepartmentRequest(
            department_id=f"d-{number}", department=catalog_pb2.Department(display_name=display)
        ),
        "GetDepartment": catalog_pb2.GetDepartmentRequest(name="departments/police"),
        "ListDepartments": catalog_pb2.ListDepartmentsRequest(page_size=1),
        "CreateSchema": catalog_pb2.CreateSchemaRequest(
            parent="departments/police", schema_id=f"permit@{number + 1}", schema=schema
        ),
        "GetSchema": catalog_pb2.GetSchemaRequest(name=str(PERMIT.name)),
        "ListSchemas": catalog_pb2.ListSchemasRequest(**everywhere),
        "CreateIssuerKey": catalog_pb2.CreateIssuerKeyRequest(
            parent="departments/police", request_id=new_id()
        ),
        "GetIssuerKey": catalog_pb2.GetIssuerKeyRequest(name=str(issued.key.name)),
        "ListIssuerKeys": catalog_pb2.ListIssuerKeysRequest(**everywhere),
        "CreateVerifier": catalog_pb2.CreateVerifierRequest(
            verifier_id=f"v-{number}", verifier=catalog_pb2.Verifier(display_name=display, public_key=key)
        ),
        "GetVerifier": catalog_pb2.GetVerifierRequest(name="verifiers/school"),
        "ListVerifiers": catalog_pb2.ListVerifiersRequest(page_size=1),
    }
    verifying = presentation_pb2.VerifyPresentationRequest(
        signed_request=town.create_exchange(request).signed_request,
        presentation=presentation_to(town.present(request, issued)[0], lambda _: PERMIT),
    )
    verifying.verify_time.FromDatetime(town.clock() + dt.timedelta(seconds=1))
    return catalog | {
        "IssueCredential": requiring({"name": "王小明", "district": "370102"}, BASE),
        "ClaimCredential": issuance_pb2.ClaimCredentialRequest(**claim),
        "ClaimW3cCredential": issuance_pb2.ClaimW3cCredentialRequest(**claim, commitment=commit(b"seed")[0]),
        "AcknowledgeCredential": issuance_pb2.AcknowledgeCredentialRequest(**acknowledge),
        "CreateExchange": town.create_exchange(town.request()),
        "FetchRequest": presentation_pb2.FetchRequestRequest(ticket=exchange.ticket, **asked),
        "SubmitPresentation": submission,
        "WatchExchange": presentation_pb2.WatchExchangeRequest(result_token=exchange.result_token, **asked),
        "VerifyPresentation": verifying,
        "BatchVerifyPresentations": presentation_pb2.BatchVerifyPresentationsRequest(requests=[verifying]),
        "GetCheckpoint": ledger_pb2.GetCheckpointRequest(),
        "GetInclusionProof": ledger_pb2.GetInclusionProofRequest(entry_index=1, tree_size=2),
        "GetConsistencyProof": ledger_pb2.GetConsistencyProofRequest(first_size=1, second_size=2),
        "ListEntries": ledger_pb2.ListEntriesRequest(start_index=1, page_size=2),
        "ReadTiles": ledger_pb2.ReadTilesRequest(tiles=[ledger_pb2.Tile(width=2)], tree_size=2),
        "ListAnchoredCheckpoints": ledger_pb2.ListAnchoredCheckpointsRequest(start_size=1, page_size=2),
        "ListLogKeys": ledger_pb2.ListLogKeysRequest(),
        "WatchCheckpoints": ledger_pb2.WatchCheckpointsRequest(),
    }


async def _composite_seeds(town: City, _: int) -> dict[str, Seed]:
    made = await offer(town, identified(person=new_id().encode()))
    claiming = await Holder(town).commit(made)
    return _plain(
        {
            "GetOffer": issuance_pb2.GetOfferRequest(**code(made)),
            "ClaimCompositeCredential": claiming.message,
            "GetIssuance": issuance_pb2.GetIssuanceRequest(offer=made.offer),
        }
    )


async def _publication_seeds(town: City, number: int) -> dict[str, Seed]:
    await publish(town, table(), town.department_token)
    regulator = await register(town, f"of-{number}", new_regulator())
    office = await Office.open(town, "police", town.department_token)
    listed = catalog_pb2.ListIssuerKeysRequest(parent="departments/police")
    key = (await town.catalog.ListIssuerKeys(listed)).issuer_keys[0].name
    return _plain(
        {
            "CreateTable": publication_pb2.CreateTableRequest(table=table(number=number + 1)),
            "GetTable": publication_pb2.GetTableRequest(name=f"{POLICE}/tables/-"),
            "ListTables": publication_pb2.ListTablesRequest(parent=POLICE, page_size=1),
            "CreateRegulator": publication_pb2.CreateRegulatorRequest(
                regulator_id=f"r-{number}", regulator=new_regulator()
            ),
            "GetRegulator": publication_pb2.GetRegulatorRequest(name=regulator.name, digest=regulator.digest),
            "ListRegulators": publication_pb2.ListRegulatorsRequest(page_size=1),
            "ReadStates": publication_pb2.ReadStatesRequest(
                issuer_keys=[key], accumulators=[office.accumulator.key.octets]
            ),
        }
    )


async def _revocation_seeds(town: City, _: int) -> dict[str, Seed]:
    office = await Office.open(town, "police", town.department_token)
    await office.revoke(*new_handles(2))
    return _plain(
        {
            "CreateAccumulator": revocation_pb2.CreateAccumulatorRequest(
                parent="departments/police", request_id=new_id()
            ),
            "ListAccumulators": revocation_pb2.ListAccumulatorsRequest(parent=POLICE, page_size=1),
            "GetAccumulator": revocation_pb2.GetAccumulatorRequest(name=office.name),
            "RevokeCredentials": office.asking(new_handles(2)),
            "GetEpoch": revocation_pb2.GetEpochRequest(accumulator=office.name, number=1),
            "ListRevocations": revocation_pb2.ListRevocationsRequest(
                accumulator=office.name, first=1, limit=1
            ),
            "WatchEpochs": revocation_pb2.WatchEpochsRequest(accumulator=office.name),
        }
    )
