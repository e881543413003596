"""What one administrator alone does not do: the one table of it, and its enforcement around the services.

Where two persons are demanded (`Settings.demands_two_persons`) these methods are refused when they are
called directly, before they do anything; an administrator or, for its issuer keys, a department proposes
them, another person approves, and they are carried out (`services/acting.py`). A method that an administrator
may call and that is not here stands among HARMLESS with the reason; a test compares both with the services.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from google.protobuf.descriptor import ServiceDescriptor

from disclosure import DepartmentName, DisclosureError, IssuerKeyName
from zkservice.callers import Approved
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.storage import administrators
from zkservice.storage.administrators import ROOT

_PACKAGE: Final = "zkproto.v1"


class Alone(Enum):
    """Who calls a method directly all the same."""

    NOBODY = 0
    DEPARTMENT = 1
    """The department, for what the method lets it do to itself."""
    FIRST = 2
    """Root, while there has been no administrator: nobody could approve the first one."""
    OWN = 3
    """The administrator whom it is about."""


@dataclass(frozen=True)
class Harmful:
    """A method that takes two persons: what it could do in one person's hands.

    `of_whom` gives the administrator whom a request is about, for those who may do it to themselves.
    `of_department` gives the department whose own a request is, which then may call the method or, if nobody
    may alone, propose it. `said_hash` is the field that has to be said in a proposal, since the service
    would answer with a secret otherwise.
    """

    why: str
    alone: Alone = Alone.NOBODY
    of_department: Callable[[Any], str] | None = None
    said_hash: str = ""
    of_whom: Callable[[Any], str] = lambda request: str(request.name)

    @property
    def by_departments(self) -> bool:
        """Whether a department proposes it."""
        return self.of_department is not None and self.alone is Alone.NOBODY


def _of_key(request: Any) -> str:
    """Return the department that a key's name names; an empty text for no such name."""
    try:
        return str(DepartmentName(IssuerKeyName.parse(request.name).department))
    except DisclosureError:
        return ""


HARMFUL: Final[Mapping[str, Harmful]] = {
    f"{_PACKAGE}.{method}": harmful
    for method, harmful in {
        "CatalogService/CreateDepartment": Harmful(
            "who registers a department issues in its name", said_hash="access_token_hash"
        ),
        "CatalogService/UpdateDepartment": Harmful(
            "whom a department identifies decides whose an account is",
            Alone.DEPARTMENT,
            lambda request: str(request.department.name),
        ),
        "CatalogService/CreateVerifier": Harmful("who registers a verifier asks people in its name"),
        "CatalogService/UpdateVerifier": Harmful("people decide by what a verifier is called"),
        "CatalogService/CreateIssuerKey": Harmful(
            "everything that is issued from then on is signed with it",
            of_department=lambda request: str(request.parent),
        ),
        "CatalogService/UpdateIssuerKeyState": Harmful(
            "a retired key makes everybody's credentials void, and no key goes back", of_department=_of_key
        ),
        "PublicationService/CreateRegulator": Harmful("identities are sealed to its key from then on"),
        "StatisticsService/CreateRegulatorAccess": Harmful(
            "it reads all figures, and the token before it ends", said_hash="access_token_hash"
        ),
        "TokenService/ReplaceSecret": Harmful(
            "whoever replaces a department's secret acts in its name",
            Alone.DEPARTMENT,
            lambda request: str(request.name),
            said_hash="access_token_hash",
        ),
        "AdministrationService/CreateAdministrator": Harmful(
            "whoever makes administrators alone is two persons", Alone.FIRST
        ),
        "AdministrationService/UpdateAdministrator": Harmful(
            "whoever is called like another is taken for that one",
            Alone.OWN,
            of_whom=lambda request: str(request.administrator.name),
        ),
        "AdministrationService/SetAdministratorSecret": Harmful(
            "whoever replaces another's secret acts as that person", Alone.OWN
        ),
        "AdministrationService/RemoveAdministrator": Harmful("it takes away who could object"),
    }.items()
}

HARMLESS: Final[Mapping[str, str]] = {
    f"{_PACKAGE}.{method}": why
    for method, why in {
        "CatalogService/CreateSchema": "a version is public, on the ledger, changes nothing that was issued, "
        "and credentials of it take an issuer key",
        "CatalogService/CreateItem": "it tells what there is, and nothing is believed because of it",
        "CatalogService/UpdateItem": "it changes what is told of an item; its schemas stay as they are",
        "CatalogService/DeprecateItem": "nothing new is offered of it; what was issued goes on to verify",
        "CatalogService/CreatePurpose": "a text that policies name; people are shown it with each request",
        "CatalogService/CreateCodeList": "it names what signed tables hold, and signs nothing",
        "PolicyService/CreatePolicy": "a version is public and on the ledger, the holder is shown what it "
        "asks and decides, and its verifier takes two persons",
        "PolicyService/DeprecatePolicy": "nobody is asked under it any more; a next version may say the same",
        "PublicationService/CreateTable": "a verifier's own list, named by digest in what the verifier signs",
        "ErrandService/CreateErrandBundle": "it puts registered counters together, and stands on the ledger",
        "StatisticsService/CountApplications": "it reads",
        "StatisticsService/ListPushes": "it reads",
        "TokenService/CreateToken": "it answers whoever has a secret with a token of it",
        "TokenService/RotateTokenKeys": "tokens end with their key; whoever has a secret gets another",
        "AdministrationService/GetAdministrator": "it reads",
        "AdministrationService/ListAdministrators": "it reads",
        "AdministrationService/CreateAction": "it proposes; another person decides",
        "AdministrationService/GetAction": "it reads",
        "AdministrationService/ListActions": "it reads",
        "AdministrationService/ApproveAction": "it is the second person's part",
        "AdministrationService/RejectAction": "it changes nothing, and may be proposed again",
    }.items()
}


def guarded(servicer: Any, service: ServiceDescriptor, context: Context) -> Any:
    """Return a servicer whose harmful methods take two persons, where these are demanded."""
    methods = {each.name for each in service.methods if f"{service.full_name}/{each.name}" in HARMFUL}
    if not methods or not context.settings.demands_two_persons:
        return servicer
    return _Guarded(servicer, service.full_name, methods, context)


class _Guarded:
    """Stands before a servicer; whatever is not harmful goes straight to it."""

    def __init__(self, servicer: Any, service: str, methods: set[str], context: Context) -> None:
        self._servicer, self._context = servicer, context
        self._service, self._methods = service, methods

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._servicer, name)
        if name not in self._methods:
            return act
        harmful = HARMFUL[f"{self._service}/{name}"]

        async def checked(request: Any, context: Any) -> Any:
            await check(harmful, request, context, self._context)
            return await act(request, context)

        return checked


async def check(harmful: Harmful, request: Any, context: Any, service: Context) -> None:
    """Raise ServiceError SECOND_PERSON_REQUIRED for one person who calls a harmful method, TOKEN_... for
    somebody who may not call it at all."""
    if isinstance(context, Approved) or await _may_alone(harmful, request, context, service):
        return
    detail = "one proposes this (--propose), and another approves it (zk admin approve)"
    raise ServiceError(ServiceReason.SECOND_PERSON_REQUIRED, detail)


async def _may_alone(harmful: Harmful, request: Any, context: Any, service: Context) -> bool:
    if harmful.of_department is not None:
        owner = harmful.of_department(request)
        by_admin = await service.access.department(context, owner, or_admin=True)
        return harmful.alone is Alone.DEPARTMENT and not by_admin
    name = f"administrators/{await service.access.admin(context)}"
    if harmful.alone is Alone.OWN:
        return name == harmful.of_whom(request)
    if harmful.alone is Alone.FIRST and name == ROOT:
        return not await service.database.read(administrators.anybody)
    return False
