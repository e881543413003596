"""What pages may call: everything else does not exist here.

Only what some page calls stands here, and only what anybody may call without the secret of a department, an
administrator or an operator: whoever has one of those has no use for a browser that runs others' scripts.
"""

from enum import Enum
from typing import Final


class Kind(Enum):
    """How a method answers."""

    UNARY = "unary"
    STREAM = "stream"


_LEDGER: Final = {
    "GetCheckpoint": Kind.UNARY,
    "GetInclusionProof": Kind.UNARY,
    "GetConsistencyProof": Kind.UNARY,
    "ListEntries": Kind.UNARY,
    "ReadTiles": Kind.UNARY,
    "ListAnchoredCheckpoints": Kind.UNARY,
    "ListLogKeys": Kind.UNARY,
    "WatchCheckpoints": Kind.STREAM,
}

# What is published is the same for everybody, and a vault believes it by its proof.
_CATALOG: Final = dict.fromkeys(
    ("GetSchema", "GetIssuerKey", "GetDepartment", "GetVerifier", "ListDepartments", "ListSchemas"),
    Kind.UNARY,
)
_POLICY: Final = {"GetPolicy": Kind.UNARY}
_PUBLICATION: Final = dict.fromkeys(("GetTable", "GetRegulator", "ListRegulators", "ReadStates"), Kind.UNARY)
_REVOCATION: Final = dict.fromkeys(
    ("GetAccumulator", "ListAccumulators", "GetEpoch", "ListRevocations"), Kind.UNARY
)
# What the ticket of an exchange allows, which is in the person's link: a holder is never authenticated.
_PRESENTATION: Final = dict.fromkeys(("FetchRequest", "SubmitPresentation", "DeclineExchange"), Kind.UNARY)
# What an offer's claim code allows, which is in the link or the inbox of whoever it was made for.
_ISSUANCE: Final = dict.fromkeys(
    ("GetOffer", "ClaimCredential", "ClaimCompositeCredential", "AcknowledgeCredential"), Kind.UNARY
)
# What a holder's own account, or one consent, takes: a session that its key opens, in its vault alone.
_SESSION: Final = dict.fromkeys(("GetChallenge", "OpenSession"), Kind.UNARY)
_ACCOUNT: Final = dict.fromkeys(("RegisterAccount", "ListOffers"), Kind.UNARY)
_APPLICATION: Final = dict.fromkeys(("Apply", "CancelApplication", "ListMyApplications"), Kind.UNARY)
# What the ticket of a consent's link allows, and what a session of the consent's own key does.
_CONSENT: Final = dict.fromkeys(
    ("FetchConsent", "GrantConsent", "DeclineConsent", "ListConsentExchanges", "WithdrawConsent"), Kind.UNARY
)
# Whom a company appoints: the session of its account, as for applications.
_APPOINTMENT: Final = dict.fromkeys(("AppointAgent", "ListAppointments", "EndAppointment"), Kind.UNARY)
# What an errand's ticket allows, which the vault that began it has, and reading what can be begun.
_ERRAND: Final = {
    **dict.fromkeys(
        ("ListErrandBundles", "GetErrandBundle", "StartErrand", "GetErrand", "SubmitErrand"), Kind.UNARY
    ),
    **dict.fromkeys(("RetryErrandPart", "AbandonErrand", "RefuseErrandPart"), Kind.UNARY),
    "WatchErrand": Kind.STREAM,
}

_SERVICES: Final = {
    "LedgerService": _LEDGER,
    "CatalogService": _CATALOG,
    "PolicyService": _POLICY,
    "PublicationService": _PUBLICATION,
    "RevocationService": _REVOCATION,
    "PresentationService": _PRESENTATION,
    "IssuanceService": _ISSUANCE,
    "SessionService": _SESSION,
    "AccountService": _ACCOUNT,
    "ApplicationService": _APPLICATION,
    "ConsentService": _CONSENT,
    "AppointmentService": _APPOINTMENT,
    "ErrandService": _ERRAND,
}

ALLOWED: Final = {
    f"zkproto.v1.{service}/{name}": kind
    for service, methods in _SERVICES.items()
    for name, kind in methods.items()
}
"""Each method by its full name, without the leading slash."""
