"""A city of the composite form at a real server: everything that a request names is published over gRPC.

Credentials are issued here with the departments' own keys, opened as the server does, so that the tests of
presentations do not hang on those of issuance.
"""

import datetime as dt
import secrets
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

import bbs
from bbs import SHA_256
from bbs.accumulator import AccumulatorSecret, Epoch
from bbs.gadgets.tables import new_digits
from disclosure import Schema, SignedRequest, Value, VerifierName, civil_date, sign_request
from disclosure.composite import (
    Branch,
    CompositeDirectory,
    CompositePresentation,
    CompositeRequest,
    Equal,
    EscrowQuery,
    ExpiryShown,
    HolderSecret,
    Holding,
    InList,
    JointScope,
    NotEqual,
    OneOf,
    Presented,
    PseudonymQuery,
    Published,
    PublishedCodeList,
    PublishedDigits,
    Regulator,
    RegulatorKey,
    SignedJointScope,
    Sum,
    Term,
    ValidOn,
    VerifierScope,
    at_least,
    between,
    prepare,
    present_composite,
    publish_codes,
)
from disclosure.names import RegulatorName
from tests.disclosure.composite.officers import Officers, new_officers, shared_by
from tests.disclosure.composite.policy import op
from tests.disclosure.composite.world import (
    ALICE,
    HOUSEHOLD,
    INSURANCE,
    PERMIT,
    PERMIT_2,
    PURPOSE,
    SCHEMAS,
    Department,
    accepted,
    issued,
    query,
)
from tests.zkservice.allowing import allowed, any_policy, scopes_of
from tests.zkservice.revoking import Office, new_handles
from tests.zkservice.support import TEXT, City, city, new_id
from tlog.entry import HOLDER_NOTE_OCTETS, note_hash
from wire.client import ServiceError
from wire.composite import composite_presentation_to, published_to, regulator_to
from wire.convert import issuer_key_of, signed_request_to
from zkproto.v1 import presentation_pb2 as pb
from zkproto.v1 import publication_pb2, publication_pb2_grpc
from zkservice.keys import Keys, accumulator_label, secret_label

SCHOOL, OTHER_SCHOOL = "school", "bank"
"""The city's two verifiers."""
SCOPES = ("enrol-2026", "enrol-2027", "enrolment-2026", "label", "support", "support-2026", "x")
"""Scopes of pseudonyms that each of them may ask for by itself."""
BOB = HolderSecret(7654321)

REQUEST_LIFE = dt.timedelta(hours=1)


@dataclass
class CompositeCity:
    """Two departments that issue, and what else requests name; holders have credentials of all schemas."""

    city: City
    police: Department
    police_2: Department
    hrss: Department
    offices: Mapping[str, Office]
    digits: PublishedDigits
    districts: PublishedCodeList
    officers: Officers
    regulator_key: RegulatorKey
    _held: dict[Any, Holding] = field(default_factory=dict)

    @property
    def now(self) -> dt.datetime:
        return self.city.clock()

    @property
    def today(self) -> dt.date:
        return civil_date(self.now)

    @property
    def last_day(self) -> dt.date:
        """The last day of a request that is made now."""
        return civil_date(self.now + REQUEST_LIFE)

    @property
    def departments(self) -> tuple[Department, ...]:
        return (self.police, self.police_2, self.hrss)

    def directory(self, **changes: Any) -> CompositeDirectory:
        """What everybody could read of this city."""
        digits = (self.digits, self.police.digits, self.hrss.digits)
        keys = {name: each.public_key() for name, each in self.city.verifier_keys.items()}
        fields: dict[str, Any] = {
            "schemas": {each.name: each for each in SCHEMAS},
            "issuer_keys": {each.key.name: each.key for each in self.departments},
            "accumulators": {each.accumulator.key.octets: each.published for each in self.departments},
            "digits": {each.table.digest: each for each in digits},
            "code_lists": {self.districts.table.digest: self.districts},
            "regulators": {self.regulator_key.digest: self.regulator_key},
            "verifiers": {VerifierName(name): key.public_bytes_raw() for name, key in keys.items()},
        }
        return CompositeDirectory(**(fields | changes))

    def query(self, identifier: str, schema: Schema, **changes: Any) -> Any:
        by = self.hrss if schema.name.department == "hrss" else self.police
        return query(
            identifier, schema, **({"issuers": (accepted(by),), "expiry": ValidOn(self.last_day)} | changes)
        )

    def main(self, **changes: Any) -> Branch:
        """A branch with everything in it."""
        fields: dict[str, Any] = {
            "id": "main",
            "queries": (
                self.query("permit", PERMIT, shown=("name", "remark"), schemas=(PERMIT.name, PERMIT_2.name),
                           issuers=(accepted(self.police), accepted(self.police_2))),
                self.query("insurance", INSURANCE, shown=("employed",)),
                self.query("household", HOUSEHOLD, expiry=ExpiryShown()),
            ),
            "predicates": (
                at_least(op("permit.months"), 12),
                between(op("permit.since"), dt.date(2010, 1, 1), dt.date(2024, 1, 1)),
                InList(op("permit.district"), self.districts.table.digest),
                OneOf(op("insurance.district"), ("370103", "370104")),
                NotEqual(op("insurance.base"), 1),
                Equal((op("permit.number"), op("insurance.number"))),
                Sum((Term(op("permit.months"), 1, 60), Term(op("insurance.months"))), minimum=100),
            ),
            "pseudonyms": (
                PseudonymQuery("me", VerifierScope("enrol-2026")),
                PseudonymQuery("child", self.joint(SCHOOL, OTHER_SCHOOL), op("household.child_secret")),
            ),
            "escrows": (EscrowQuery("who", op("permit.number"), self.regulator_key.digest),),
            "digits": self.digits.table.digest,
        }  # fmt: skip
        return Branch(**(fields | changes))

    def small(self, **changes: Any) -> Branch:
        """A branch of one credential."""
        fields: dict[str, Any] = {
            "id": "small",
            "queries": (self.query("permit", PERMIT, shown=("name",)),),
            "predicates": (at_least(op("permit.months"), 12),),
        }
        return Branch(**(fields | changes))

    def joint(self, *members: str) -> SignedJointScope:
        scope = JointScope(
            "enrolment-2026", PURPOSE, tuple(map(VerifierName, sorted(members))), self.regulator_key.suite
        )
        keys = (self.city.verifier_keys[each.verifier] for each in scope.members)
        return SignedJointScope(scope, tuple(map(scope.sign, keys)))

    def request(self, *branches: Branch, **changes: Any) -> CompositeRequest:
        created = self.now.replace(microsecond=0)
        fields: dict[str, Any] = {
            "verifier": VerifierName(SCHOOL),
            "purpose": PURPOSE,
            "branches": branches or (self.main(), self.small()),
            "created": created,
            "expires": created + REQUEST_LIFE,
            "policy": any_policy(changes.get("verifier", VerifierName(SCHOOL)), 2),
        }
        return CompositeRequest(**(fields | changes))

    def sign(self, request: CompositeRequest) -> SignedRequest:
        return sign_request(request, self.city.verifier_keys[request.verifier.verifier])

    def held(
        self,
        schema: Schema = PERMIT,
        secret: HolderSecret = ALICE,
        *,
        by: Department | None = None,
        expiry: dt.date | None = None,
        **changes: Value | None,
    ) -> Holding:
        """A holder's credential with the true witness for the newest epoch; the same one each time."""
        by = by or (self.hrss if schema.name.department == "hrss" else self.police)
        expiry = expiry or self.today + dt.timedelta(days=30)
        wanted = (schema.name, id(by), id(secret), expiry, tuple(sorted(changes.items())))
        if wanted not in self._held:
            credential = issued(schema, by, secret, expiry, tuple(sorted(changes.items())))
            witness = by.accumulator.witness(credential.handle, by.published.latest.position, ())
            self._held[wanted] = Holding(credential, prepare(credential, secret, schema, by.key), witness)
        return self._held[wanted]

    def holdings(self, secret: HolderSecret = ALICE, **others: Holding) -> dict[str, Holding]:
        held = {"permit": PERMIT, "insurance": INSURANCE, "household": HOUSEHOLD}
        return {name: self.held(schema, secret) for name, schema in held.items()} | others

    def presented(
        self,
        request: CompositeRequest,
        branch: str = "",
        holdings: Mapping[str, Holding] | None = None,
        secret: HolderSecret = ALICE,
        **options: Any,
    ) -> tuple[Presented, bytes]:
        """Answer a request, its first branch if none is named, as a vault does; return the note too."""
        _, asked = request.branch(branch or request.branches[0].id)
        held = holdings or self.holdings(secret)
        note = secrets.token_bytes(HOLDER_NOTE_OCTETS)
        answer = present_composite(
            request, asked.id, {each.id: held[each.id] for each in asked.queries}, secret,
            options.get("directory") or self.directory(), options.get("now") or self.now,
            usage_tag=secrets.token_bytes(48), note_hash=note_hash(note),
            trusted_regulators={self.regulator_key.digest}, openings=options.get("openings") or {},
        )  # fmt: skip
        return answer, note

    def message(self, presentation: CompositePresentation) -> pb.CompositePresentation:
        by_name = {each.name: each for each in SCHEMAS}
        return composite_presentation_to(presentation, by_name.__getitem__)

    def member(
        self, request: CompositeRequest, presentation: CompositePresentation
    ) -> pb.VerifyPresentationRequest:
        return pb.VerifyPresentationRequest(
            signed_request=signed_request_to(self.sign(request)),
            composite_presentation=self.message(presentation),
        )

    def good(self, branch: str = "", **changes: Any) -> pb.VerifyPresentationRequest:
        """A member of a batch that holds."""
        request = self.request(**changes)
        return self.member(request, self.presented(request, branch)[0].presentation)

    def asking(self, request: CompositeRequest, request_id: str = "") -> pb.CreateExchangeRequest:
        return pb.CreateExchangeRequest(
            signed_request=signed_request_to(self.sign(request)), request_id=request_id or new_id()
        )

    async def verified(self, member: pb.VerifyPresentationRequest) -> pb.VerifyPresentationResponse:
        """Have a presentation verified without state."""
        answer: pb.VerifyPresentationResponse = await self.city.presentation.VerifyPresentation(member)
        return answer

    async def batch(self, *members: pb.VerifyPresentationRequest) -> list[pb.PresentationVerdict]:
        """Have many verified in one call."""
        asked = pb.BatchVerifyPresentationsRequest(requests=members)
        answer = await self.city.presentation.BatchVerifyPresentations(asked)
        return list(answer.verdicts)

    async def ask(self, request: CompositeRequest) -> pb.CreateExchangeResponse:
        answer: pb.CreateExchangeResponse = await self.city.presentation.CreateExchange(self.asking(request))
        return answer

    def submission(
        self, exchange: pb.CreateExchangeResponse, presentation: CompositePresentation, note: bytes
    ) -> pb.SubmitPresentationRequest:
        return pb.SubmitPresentationRequest(
            exchange=exchange.exchange,
            ticket=exchange.ticket,
            composite_presentation=self.message(presentation),
            holder_note=note,
            request_id=new_id(),
        )

    async def submitting(
        self, request: CompositeRequest | None = None, branch: str = ""
    ) -> pb.SubmitPresentationRequest:
        """Ask, and answer: everything but sending it."""
        request = request or self.request()
        answer, note = self.presented(request, branch)
        return self.submission(await self.ask(request), answer.presentation, note)

    async def publish(self, published: Published, token: str) -> Any:
        stub: Any = publication_pb2_grpc.PublicationServiceStub(self.city.channel)
        return await publish(stub, self.city, published, token)


def where(error: ServiceError) -> tuple[str, str]:
    """Return the reason of a refusal and the field that it names."""
    return error.reason, ",".join(each.field for each in error.violations)


async def publish(stub: Any, town: City, published: Published, token: str) -> Any:
    asked = publication_pb2.CreateTableRequest(table=published_to(published))
    asked.table.ClearField("name")
    return await stub.CreateTable(asked, metadata=town.bearer(token))


@asynccontextmanager
async def composite_city(folder: Path, **settings: Any) -> AsyncIterator[CompositeCity]:
    """Start a server on an empty folder, with its plain department too, and furnish it.

    What tidying changes is not what a refused call changed: it happens once.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zkservice.server._TIDY_SECONDS", 3600.0)
        async with city(folder, **settings) as town:
            yield await furnished(town)


async def furnished(town: City) -> CompositeCity:
    """Register departments, keys, accumulators with three epochs, tables, a list, a regulator."""
    publication: Any = publication_pb2_grpc.PublicationServiceStub(town.channel)
    tokens = {name: await town.add_department(name) for name in ("public-security", "hrss")}
    for schema in SCHEMAS:
        await town.add_schema(schema)
    offices = {name: await Office.open(town, name, token) for name, token in tokens.items()}
    departments = {}
    for name, token in tokens.items():
        digits = PublishedDigits(f"departments/{name}", new_digits(SHA_256))
        await publish(publication, town, digits, token)
        departments[name] = await _department(town, name, offices[name], digits)
    police_2 = replace(
        departments["public-security"],
        **dict(zip(("key", "secret"), await _issuer_key(town, "public-security"), strict=True)),
    )
    city_digits = PublishedDigits(f"verifiers/{SCHOOL}", new_digits(SHA_256))
    districts = publish_codes(f"verifiers/{SCHOOL}", "GB/T 2260", ("370102", "370103", "370104"), SHA_256)
    for each in (city_digits, districts):
        await publish(publication, town, each, town.admin)
    officers = new_officers()
    key = shared_by(officers)
    asked = publication_pb2.CreateRegulatorRequest(
        regulator_id="prosecutor",
        regulator=regulator_to(Regulator(RegulatorName("prosecutor"), TEXT, key)),
    )
    asked.regulator.ClearField("name")
    asked.regulator.ClearField("digest")
    await publication.CreateRegulator(asked, metadata=town.bearer(town.admin))
    scopes = scopes_of(SCOPES, ("enrolment-2026", (SCHOOL, OTHER_SCHOOL)))
    for asker in (SCHOOL, OTHER_SCHOOL):
        policy = any_policy(VerifierName(asker), 2)
        lists = [districts.table.digest]
        made = allowed(policy, SCHEMAS, PURPOSE, scopes=scopes, regulators=[key.digest], lists=lists)
        await town.add_policy(made)
    return CompositeCity(
        town, departments["public-security"], police_2, departments["hrss"], offices, city_digits, districts,
        officers, key,
    )  # fmt: skip


async def _department(town: City, name: str, office: Office, digits: PublishedDigits) -> Department:
    key, secret = await _issuer_key(town, name)
    sealed = _one(town, "select sealed_secret from accumulator where name = ?", office.name)
    octets = _keys(town).open(accumulator_label(office.name), sealed)
    accumulator = AccumulatorSecret.from_octets(octets, suite=office.accumulator.suite)
    epochs = [await office.epoch(0)]
    for count in (2, 1):
        epochs.append(await office.revoke(*new_handles(count)))
    numbered: dict[int, Epoch] = {each.number: each for each in epochs}
    return Department(key, secret, accumulator, numbered, digits)


async def _issuer_key(town: City, department: str) -> tuple[Any, bbs.SecretKey]:
    key = issuer_key_of(await town.add_key(department))
    sealed = _one(town, "select sealed_secret from issuer_key where name = ?", str(key.name))
    octets = _keys(town).open(secret_label(str(key.name)), sealed)
    return key, bbs.SecretKey.from_octets(octets, suite=key.suite)


def _keys(town: City) -> Keys:
    return Keys.load(town.ready.data / "keys", make=False)


def _one(town: City, query: str, *values: Any) -> bytes:
    with closing(sqlite3.connect(town.ready.data / "service.sqlite3")) as connection:
        (found,) = connection.execute(query, values).fetchone()
    return bytes(found)
