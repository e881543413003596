"""Administrators who propose and approve over a real server."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from disclosure.administration import ActionOpening, action_digest, new_secret, secret_hash
from tests.zkservice.support import TEXT, City, new_id, reopened
from tlog import ProofFile, Verifier
from wire.convert import text_to
from zkproto.v1 import administration_pb2 as pb
from zkproto.v1 import catalog_pb2, token_pb2
from zkproto.v1.administration_pb2_grpc import AdministrationServiceStub
from zkproto.v1.catalog_pb2_grpc import CatalogServiceStub

PACKAGE = "zkproto.v1"
CREATE_VERIFIER = f"{PACKAGE}.CatalogService/CreateVerifier"
CREATE_DEPARTMENT = f"{PACKAGE}.CatalogService/CreateDepartment"
CREATE_KEY = f"{PACKAGE}.CatalogService/CreateIssuerKey"
REPLACE_SECRET = f"{PACKAGE}.TokenService/ReplaceSecret"
SET_SECRET = f"{PACKAGE}.AdministrationService/SetAdministratorSecret"
CREATE_ADMINISTRATOR = f"{PACKAGE}.AdministrationService/CreateAdministrator"
State = pb.Action.State
_KEY = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
"""The public key of RFC 8032's first test."""


@dataclass(frozen=True)
class Person:
    """Somebody with a token: an administrator, or a department."""

    town: City
    name: str
    token: str

    @property
    def stub(self) -> Any:
        return AdministrationServiceStub(self.town.channel)

    @property
    def catalog(self) -> Any:
        return CatalogServiceStub(self.town.channel)

    @property
    def said(self) -> Any:
        return self.town.bearer(self.token)

    async def propose(self, method: str, request: Message, request_id: str | None = None) -> pb.Action:
        return await self.send(method, request.SerializeToString(deterministic=True), request_id)

    async def send(self, method: str, octets: bytes, request_id: str | None = None) -> pb.Action:
        message = pb.CreateActionRequest(method=method, request=octets, request_id=request_id or new_id())
        made: pb.Action = await self.stub.CreateAction(message, metadata=self.said)
        return made

    async def approve(self, action: pb.Action, digest: bytes | None = None) -> pb.Action:
        seen = action_digest(action.name, action.proposer, action.method, action.request)
        message = pb.ApproveActionRequest(name=action.name, digest=digest or seen)
        decided: pb.Action = await self.stub.ApproveAction(message, metadata=self.said)
        return decided

    async def reject(self, action: pb.Action) -> pb.Action:
        message = pb.RejectActionRequest(name=action.name)
        decided: pb.Action = await self.stub.RejectAction(message, metadata=self.said)
        return decided

    async def get(self, action: pb.Action) -> pb.Action:
        found: pb.Action = await self.stub.GetAction(
            pb.GetActionRequest(name=action.name), metadata=self.said
        )
        return found

    async def actions(self, **asked: Any) -> list[pb.Action]:
        answer = await self.stub.ListActions(pb.ListActionsRequest(**asked), metadata=self.said)
        return list(answer.actions)


def root(town: City) -> Person:
    return Person(town, "administrators/root", town.admin)


def creating_administrator(name: str, secret: str) -> pb.CreateAdministratorRequest:
    return pb.CreateAdministratorRequest(
        administrator_id=name,
        administrator=pb.Administrator(display_name=text_to(TEXT)),
        secret_hash=secret_hash(secret),
    )


def creating_verifier(name: str) -> catalog_pb2.CreateVerifierRequest:
    return catalog_pb2.CreateVerifierRequest(
        verifier_id=name, verifier=catalog_pb2.Verifier(display_name=text_to(TEXT), public_key=_KEY)
    )


def creating_department(name: str, token: str) -> catalog_pb2.CreateDepartmentRequest:
    return catalog_pb2.CreateDepartmentRequest(
        department_id=name,
        department=catalog_pb2.Department(display_name=text_to(TEXT)),
        access_token_hash=secret_hash(token),
    )


def creating_key(department: str) -> catalog_pb2.CreateIssuerKeyRequest:
    return catalog_pb2.CreateIssuerKeyRequest(parent=f"departments/{department}", request_id=new_id())


def replacing(department: str, token: str) -> token_pb2.ReplaceSecretRequest:
    return token_pb2.ReplaceSecretRequest(
        name=f"departments/{department}", access_token_hash=secret_hash(token)
    )


def setting(person: Person, token: str) -> pb.SetAdministratorSecretRequest:
    return pb.SetAdministratorSecretRequest(name=person.name, secret_hash=secret_hash(token))


async def first(town: City, name: str = "ann") -> Person:
    """Have root make the first administrator."""
    person = Person(town, f"administrators/{name}", new_secret())
    request = creating_administrator(name, person.token)
    await root(town).stub.CreateAdministrator(request, metadata=root(town).said)
    return person


async def another(proposer: Person, approver: Person, name: str) -> Person:
    """Have two persons make an administrator."""
    person = Person(proposer.town, f"administrators/{name}", new_secret())
    request = creating_administrator(name, person.token)
    done = await approver.approve(await proposer.propose(CREATE_ADMINISTRATOR, request))
    assert done.state == State.STATE_DONE, done
    return person


async def department(proposer: Person, approver: Person, name: str) -> Person:
    """Have two persons register a department; the first is given its token."""
    person = Person(proposer.town, f"departments/{name}", new_secret())
    request = creating_department(name, person.token)
    done = await approver.approve(await proposer.propose(CREATE_DEPARTMENT, request))
    assert done.state == State.STATE_DONE, done
    return person


def proven(action: pb.Action, key: str) -> list[ActionOpening]:
    """Return the openings of an action's records, each proven to stand on the ledger under a log's key."""
    return list(_proven(action, Verifier.from_string(key)))


def _proven(action: pb.Action, log: Verifier) -> Iterable[ActionOpening]:
    for each in action.records:
        opening = ActionOpening.from_bytes(each.opening)
        ProofFile.parse(each.proof).verify(opening.entry(), log)
        yield opening


class Office:
    """A server that demands two persons, with root, two administrators and a department."""

    def __init__(self, town: City, ann: Person, bob: Person, police: Person) -> None:
        self.town, self.root, self.ann, self.bob, self.police = town, root(town), ann, bob, police
        self._count = 0

    def fresh(self) -> str:
        """Return an identifier that no other test has."""
        self._count += 1
        return f"v-{self._count}"

    async def waiting(self) -> pb.Action:
        """Have Ann propose something."""
        return await self.ann.propose(CREATE_VERIFIER, creating_verifier(self.fresh()))


@asynccontextmanager
async def opened(folder: Path, **settings: Any) -> AsyncIterator[Office]:
    """Start a server that demands two persons."""
    async with reopened(folder, two_persons=True, **settings) as town:
        ann = await first(town)
        bob = await another(ann, root(town), "bob")
        yield Office(town, ann, bob, await department(ann, bob, "police"))
