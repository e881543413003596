"""People and companies with accounts at a real server, who speak to it through the generated stubs."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure.account import AccountKey, code_hash
from tests.zkservice.sessions import opened
from tests.zkservice.support import PERMIT, City, new_id
from tlog.entry import HOLDER_NOTE_OCTETS
from zkproto.v1 import account_pb2 as pb
from zkproto.v1 import application_pb2, application_pb2_grpc, appointment_pb2_grpc, catalog_pb2
from zkproto.v1.account_pb2_grpc import AccountServiceStub

PERSON, COMPANY = pb.Subject.KIND_PERSON, pb.Subject.KIND_COMPANY
GROUNDS = "I have moved here and need my permit."


def note() -> bytes:
    return secrets.token_bytes(HOLDER_NOTE_OCTETS)


def number() -> str:
    """A subject's number that no other test has."""
    return f"3701021990{secrets.randbelow(10**8):08d}"


def subject(value: str, kind: Any = PERSON) -> pb.Subject:
    return pb.Subject(kind=kind, number=value)


def accounts(town: City) -> Any:
    return AccountServiceStub(town.channel)


def applications(town: City) -> Any:
    return application_pb2_grpc.ApplicationServiceStub(town.channel)


def appointments(town: City) -> Any:
    return appointment_pb2_grpc.AppointmentServiceStub(town.channel)


async def new_code(town: City, who: pb.Subject, token: str | None = None) -> str:
    """Have a department make a code for somebody whom it has identified."""
    asked = pb.CreateRegistrationRequest(subject=who)
    answer = await accounts(town).CreateRegistration(
        asked, metadata=town.bearer(token or town.department_token)
    )
    code: str = answer.code
    return code


async def identifying(town: City, department: str, *kinds: Any) -> None:
    """Have the administrator say whom a department identifies."""
    asked = catalog_pb2.GetDepartmentRequest(name=f"departments/{department}")
    found = await town.catalog.GetDepartment(asked)
    found.identifies[:] = kinds
    await town.catalog.UpdateDepartment(
        catalog_pb2.UpdateDepartmentRequest(department=found), metadata=town.bearer(town.admin)
    )


def registering(
    town: City,
    code: str,
    who: pb.Subject,
    key: Ed25519PrivateKey | None = None,
    *,
    department: str = "departments/police",
    service: str = "",
) -> pb.RegisterAccountRequest:
    """Return what a vault sends to bind its key to whoever the code was made for."""
    key = key or Ed25519PrivateKey.generate()
    bound = AccountKey(
        code_hash(code), key.public_key().public_bytes_raw(), service or town.ready.verifier_key
    )
    return pb.RegisterAccountRequest(
        code=code,
        department=department,
        subject=who,
        public_key=bound.public_key,
        signature=key.sign(bound.signed_bytes),
        request_id=new_id(),
        holder_note=note(),
    )


@dataclass
class Resident:
    """A person or company with an account."""

    town: City
    who: pb.Subject
    account: str
    key: Ed25519PrivateKey = field(repr=False)

    @classmethod
    async def settle(cls, town: City, kind: Any = PERSON, value: str | None = None) -> "Resident":
        """Register an account by a code of the police."""
        who, key = subject(value or number(), kind), Ed25519PrivateKey.generate()
        message = registering(town, await new_code(town, who), who, key)
        answer = await accounts(town).RegisterAccount(message)
        return cls(town, who, answer.account, key)

    async def session(self) -> Any:
        """Open a session; return its metadata."""
        return self.town.bearer(await opened(self.town, self.account, self.key))

    async def offers(self, **asked: Any) -> pb.ListOffersResponse:
        found: pb.ListOffersResponse = await accounts(self.town).ListOffers(
            pb.ListOffersRequest(**asked), metadata=await self.session()
        )
        return found

    def applying(self, schema: str = str(PERMIT.name), **changes: Any) -> application_pb2.ApplyRequest:
        fields: dict[str, Any] = {
            "schema": schema,
            "applicant": self.who,
            "grounds": GROUNDS,
            "nonce": secrets.token_bytes(16),
            "request_id": new_id(),
            "holder_note": note(),
        }
        return application_pb2.ApplyRequest(**(fields | changes))

    async def apply(self, **changes: Any) -> application_pb2.ApplyResponse:
        answer: application_pb2.ApplyResponse = await applications(self.town).Apply(
            self.applying(**changes), metadata=await self.session()
        )
        return answer
