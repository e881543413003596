"""One table: which role may call which method, and on whose resources.

A row for every method of every service, health and reflection among them; a server does not start without,
and nothing is reached that has none. `zkservice/guard.py` enforces it before a method runs; what a row
cannot say, since it stands in the database, the methods find out themselves, and the row says how they
refuse. docs/roles.md is written from it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from zkservice.errors import ServiceReason


class Role(StrEnum):
    """What a caller may be. Whoever shows nothing has no role."""

    ADMINISTRATOR = "administrator"
    """Of the resource centre: registers parties, policies, purposes and bundles."""
    DEPARTMENT = "department"
    VERIFIER = "verifier"
    HOLDER = "holder"
    """Whoever has an account, by its key. Presenting takes no role."""
    CONSENT = "consent"
    """A holder by the key of one standing consent, which says nothing of who it is."""
    REGULATOR = "regulator"
    WITNESS = "witness"
    """Reads the log, as everybody may, and is known by name where it has a certificate."""
    OPERATOR = "operator"
    """Runs the service: reads how it is, and has no say in what it is about."""


COLLECTIONS: Final[Mapping[str, Role]] = {
    "administrators": Role.ADMINISTRATOR,
    "departments": Role.DEPARTMENT,
    "verifiers": Role.VERIFIER,
    "accounts": Role.HOLDER,
    "consents": Role.CONSENT,
    "regulators": Role.REGULATOR,
    "witnesses": Role.WITNESS,
    "operators": Role.OPERATOR,
}
"""What a caller's name begins with says its role."""


WITH_SECRETS: Final = (Role.ADMINISTRATOR, Role.DEPARTMENT, Role.REGULATOR, Role.OPERATOR)
"""Those that are given a secret for long; the others show a key that they have made themselves."""


class Shown(StrEnum):
    """What a method that everybody may call is shown instead of a role, and checks itself."""

    NOTHING = "nothing"
    TICKET = "a ticket or token of the one thing it is about"
    CODE = "a code that was given to whom it is about"
    SIGNATURE = "a signature of whoever it is about"


@dataclass(frozen=True)
class Whose:
    """On whose resources a role may call a method.

    `path` is the field of the request that names the owner, or something of the owner's, whose name begins
    with the owner's. With `collection` it must be of that, of whomever; otherwise it must be the caller.
    `stored`: the field names something of which the database alone knows whose it is; the method refuses
    what is another's with this reason. Without a path the method is about the caller alone, or, with
    `anybodys`, about whatever it says.
    """

    path: str = ""
    collection: str = ""
    stored: ServiceReason | None = None
    anybodys: bool = False

    def __str__(self) -> str:
        if self.anybodys:
            return "anybody's"
        if self.collection:
            return f"any of {self.collection}, named by `{self.path}`"
        if self.stored is not None:
            return f"its own, known by `{self.path}`; another's is {self.stored}"
        return f"its own, named by `{self.path}`" if self.path else "its own"


@dataclass(frozen=True)
class Row:
    """Who may call a method. With no roles everybody may, and `shown` says what the method asks for.

    `secret_only`: a token that was made of a secret does not do, nor a certificate: the secret itself is
    shown. `own_secret` is the role of which the method replaces the secret of whomever `name` names: whoever
    replaces its own shows the one that it has, or what ends soon would be turned into what does not end.
    """

    roles: Mapping[Role, Whose] = field(default_factory=dict)
    shown: Shown = Shown.NOTHING
    secret_only: bool = False
    own_secret: Role | None = None

    @property
    def takes_secrets(self) -> bool:
        """Whether a secret itself is taken, also where every other method takes only tokens."""
        return self.secret_only or self.own_secret is not None

    def shows_secret(self, role: Role) -> bool:
        """Tell whether a role is always about itself here, so that it never comes with a token."""
        return self.secret_only or (role is self.own_secret and not self.roles[role].anybodys)


ANYBODYS: Final = Whose(anybodys=True)
ITSELF: Final = Whose()


def _own(path: str) -> Whose:
    return Whose(path)


def _stored(path: str, reason: ServiceReason = ServiceReason.NOT_FOUND) -> Whose:
    return Whose(path, stored=reason)


EVERYBODY: Final = Row()
TICKET: Final = Row(shown=Shown.TICKET)
CODE: Final = Row(shown=Shown.CODE)
SIGNED: Final = Row(shown=Shown.SIGNATURE)
ADMINISTRATOR: Final = Row({Role.ADMINISTRATOR: ANYBODYS})
HOLDER: Final = Row({Role.HOLDER: ITSELF})
RECIPIENT: Final = Row({Role.VERIFIER: ITSELF, Role.HOLDER: ITSELF})
DEPARTMENT: Final = Row({Role.DEPARTMENT: ITSELF})
OVERSEER: Final = Row({Role.ADMINISTRATOR: ANYBODYS, Role.REGULATOR: ANYBODYS})


def _departments(path: str) -> Row:
    return Row({Role.DEPARTMENT: _own(path)})


def _departments_or_administrators(path: str) -> Row:
    return Row({Role.ADMINISTRATOR: ANYBODYS, Role.DEPARTMENT: _own(path)})


def _found(role: Role, path: str, reason: ServiceReason = ServiceReason.NOT_FOUND) -> Row:
    return Row({role: _stored(path, reason)})


_INVALID: Final = ServiceReason.TOKEN_INVALID
PROPOSER: Final = Row({Role.ADMINISTRATOR: ANYBODYS, Role.DEPARTMENT: _stored("request", _INVALID)})
"""Of a department the method lets through only what is done to its own issuer keys."""
PROPOSER_OF: Final = Row({Role.ADMINISTRATOR: ANYBODYS, Role.DEPARTMENT: _stored("name")})

_OWN_SERVICES: Final[dict[str, dict[str, Row]]] = {
    "AccountService": {
        "CreateRegistration": DEPARTMENT,
        "RegisterAccount": CODE,
        "ListOffers": HOLDER,
        "WatchInbox": HOLDER,
    },
    "AdministrationService": {
        "CreateAdministrator": ADMINISTRATOR,
        "RemoveAdministrator": ADMINISTRATOR,
        "SetAdministratorSecret": Row({Role.ADMINISTRATOR: ANYBODYS}, own_secret=Role.ADMINISTRATOR),
        "GetAdministrator": ADMINISTRATOR,
        "ListAdministrators": ADMINISTRATOR,
        "UpdateAdministrator": ADMINISTRATOR,
        "CreateAction": PROPOSER,
        "GetAction": PROPOSER_OF,
        "ListActions": ADMINISTRATOR,
        "ApproveAction": ADMINISTRATOR,
        "RejectAction": PROPOSER_OF,
    },
    "ApplicationService": {
        "Apply": HOLDER,
        "ListMyApplications": HOLDER,
        "CancelApplication": _found(Role.HOLDER, "name"),
        "ListApplications": _departments("parent"),
        "GetApplication": _found(Role.DEPARTMENT, "name", _INVALID),
        "DecideApplication": _found(Role.DEPARTMENT, "name", _INVALID),
    },
    "AppointmentService": {
        "AppointAgent": HOLDER,
        "ListAppointments": HOLDER,
        "EndAppointment": _found(Role.HOLDER, "name"),
    },
    "CatalogService": {
        "CreateDepartment": ADMINISTRATOR,
        "GetDepartment": EVERYBODY,
        "ListDepartments": EVERYBODY,
        "UpdateDepartment": _departments_or_administrators("department.name"),
        "CreateSchema": _departments_or_administrators("parent"),
        "GetSchema": EVERYBODY,
        "ListSchemas": EVERYBODY,
        "CreateIssuerKey": _departments_or_administrators("parent"),
        "GetIssuerKey": EVERYBODY,
        "ListIssuerKeys": EVERYBODY,
        "UpdateIssuerKeyState": _departments_or_administrators("name"),
        "CreateVerifier": ADMINISTRATOR,
        "GetVerifier": EVERYBODY,
        "ListVerifiers": EVERYBODY,
        "UpdateVerifier": ADMINISTRATOR,
        "CreateItem": _departments_or_administrators("parent"),
        "GetItem": EVERYBODY,
        "ListItems": EVERYBODY,
        "UpdateItem": _departments_or_administrators("item.name"),
        "DeprecateItem": _departments_or_administrators("name"),
        "SearchItems": EVERYBODY,
        "CreateCodeList": _departments_or_administrators("code_list.owner"),
        "GetCodeList": EVERYBODY,
        "ListCodeLists": EVERYBODY,
        "CreatePurpose": ADMINISTRATOR,
        "GetPurpose": EVERYBODY,
        "ListPurposes": EVERYBODY,
        "ExportCatalogue": EVERYBODY,
    },
    "ConsentService": {
        "CreateConsent": SIGNED,
        "FetchConsent": TICKET,
        "GrantConsent": TICKET,
        "DeclineConsent": TICKET,
        "WatchConsent": TICKET,
        "ListConsentExchanges": _found(Role.CONSENT, "consent"),
        "WithdrawConsent": _found(Role.CONSENT, "consent"),
    },
    "DeliveryService": {
        "PublishReceivingCard": RECIPIENT,
        "CloseReceiving": RECIPIENT,
        "GetReceivingCard": EVERYBODY,
        "ListRecipients": EVERYBODY,
        "SendDelivery": EVERYBODY,
        "ListDeliveries": RECIPIENT,
        "FetchDelivery": Row(dict.fromkeys((Role.VERIFIER, Role.HOLDER), _stored("delivery"))),
        "AcknowledgeDelivery": Row(dict.fromkeys((Role.VERIFIER, Role.HOLDER), _stored("delivery"))),
        "WatchDeliveries": RECIPIENT,
    },
    "ErrandService": {
        "CreateErrandBundle": ADMINISTRATOR,
        "GetErrandBundle": EVERYBODY,
        "ListErrandBundles": EVERYBODY,
        "StartErrand": EVERYBODY,
        "GetErrand": TICKET,
        "WatchErrand": TICKET,
        "SubmitErrand": TICKET,
        "RetryErrandPart": TICKET,
        "AbandonErrand": TICKET,
        "RefuseErrandPart": TICKET,
        "WatchErrandParts": Row({Role.VERIFIER: ITSELF}),
        "AskErrandPart": _found(Role.VERIFIER, "part"),
        "UpdateErrandPart": _found(Role.VERIFIER, "part"),
    },
    "IssuanceService": {
        "IssueCredential": _departments("schema"),
        "GetOffer": CODE,
        "ClaimCredential": CODE,
        "ClaimW3cCredential": CODE,
        "ClaimCompositeCredential": CODE,
        "AcknowledgeCredential": CODE,
        "GetIssuance": _found(Role.DEPARTMENT, "offer", _INVALID),
    },
    "LedgerService": dict.fromkeys(
        (
            "GetCheckpoint",
            "GetInclusionProof",
            "GetConsistencyProof",
            "ListEntries",
            "ReadTiles",
            "ListAnchoredCheckpoints",
            "ListLogKeys",
            "WatchCheckpoints",
        ),
        EVERYBODY,
    ),
    "OperationService": {"GetStatus": Row({Role.OPERATOR: ANYBODYS})},
    "PolicyService": {
        "CreatePolicy": ADMINISTRATOR,
        "GetPolicy": EVERYBODY,
        "ListPolicies": EVERYBODY,
        "DeprecatePolicy": ADMINISTRATOR,
    },
    "PresentationService": {
        "CreateExchange": SIGNED,
        "FetchRequest": TICKET,
        "SubmitPresentation": TICKET,
        "DeclineExchange": TICKET,
        "WatchExchange": TICKET,
        "VerifyPresentation": SIGNED,
        "BatchVerifyPresentations": SIGNED,
    },
    "PublicationService": {
        "CreateTable": Row(
            {
                Role.DEPARTMENT: _own("table.owner"),
                Role.ADMINISTRATOR: Whose("table.owner", collection="verifiers"),
            }
        ),
        "GetTable": EVERYBODY,
        "ListTables": EVERYBODY,
        "CreateRegulator": ADMINISTRATOR,
        "GetRegulator": EVERYBODY,
        "ListRegulators": EVERYBODY,
        "RecordOpening": SIGNED,
        "ReadStates": EVERYBODY,
    },
    "RecordService": {
        "PushRecords": _departments("start.schema"),
        "GetPush": _found(Role.DEPARTMENT, "push"),
        "FinishPush": _found(Role.DEPARTMENT, "push"),
        "WithdrawRecords": _departments("schema"),
        "GetRecord": _departments("schema"),
        "CountRecords": _departments("schema"),
    },
    "RevocationService": {
        "CreateAccumulator": _departments("parent"),
        "GetAccumulator": EVERYBODY,
        "ListAccumulators": EVERYBODY,
        "RevokeCredentials": _departments("accumulator"),
        "GetEpoch": EVERYBODY,
        "ListRevocations": EVERYBODY,
        "WatchEpochs": EVERYBODY,
    },
    "SessionService": {"OpenSession": SIGNED, "GetChallenge": EVERYBODY},
    "StatisticsService": {
        "CreateRegulatorAccess": ADMINISTRATOR,
        "ListStatistics": Row({Role.REGULATOR: ANYBODYS}),
        "GetPublishedStatistics": EVERYBODY,
        "CountApplications": OVERSEER,
        "ListPushes": OVERSEER,
    },
    "TokenService": {
        "CreateToken": Row(dict.fromkeys(WITH_SECRETS, ITSELF), secret_only=True),
        "ListTokenKeys": EVERYBODY,
        "RotateTokenKeys": Row({Role.OPERATOR: ANYBODYS, Role.ADMINISTRATOR: ANYBODYS}),
        "ReplaceSecret": Row(
            {Role.ADMINISTRATOR: ANYBODYS, Role.DEPARTMENT: _own("name")}, own_secret=Role.DEPARTMENT
        ),
    },
}
_OTHERS: Final[dict[str, tuple[str, ...]]] = {
    "grpc.health.v1.Health": ("Check", "List", "Watch"),
    "grpc.reflection.v1alpha.ServerReflection": ("ServerReflectionInfo",),
}

TABLE: Final[Mapping[str, Row]] = {
    f"/{service}/{method}": row
    for service, rows in (
        *((f"zkproto.v1.{name}", rows) for name, rows in _OWN_SERVICES.items()),
        *((name, dict.fromkeys(methods, EVERYBODY)) for name, methods in _OTHERS.items()),
    )
    for method, row in rows.items()
}
"""A row for each method, by its path in HTTP/2: `/package.Service/Method`."""


def check_complete(methods: Iterable[str]) -> None:
    """Raise LookupError unless the table has a row for each of these methods, by their paths, and no
    other."""
    served = set(methods)
    if odd := sorted(served ^ set(TABLE)):
        raise LookupError(f"the table of roles and what is served differ in {', '.join(odd)}")
