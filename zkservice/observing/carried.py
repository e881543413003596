"""Of which methods a caller's trace context and request id are taken over: those that only institutions call.

A trace context says that two calls are one caller's, and goes on for as long as the caller likes. A vault's
calls must not be linked, so its methods take none, whoever calls them; a method that is not named here takes
none either. What comes is one `traceparent` (W3C); a `tracestate` may hold anything, and is passed over.
"""

from typing import Final

TRACEPARENT: Final = "traceparent"

_CARRYING: Final = {
    "AccountService": ("CreateRegistration",),
    "ApplicationService": ("DecideApplication", "GetApplication", "ListApplications"),
    "CatalogService": (
        "CreateCodeList", "CreateDepartment", "CreateIssuerKey", "CreateItem", "CreatePurpose",
        "CreateSchema", "CreateVerifier", "DeprecateItem", "UpdateDepartment", "UpdateIssuerKeyState",
        "UpdateItem", "UpdateVerifier",
    ),
    "ConsentService": ("CreateConsent", "WatchConsent"),
    "ErrandService": ("AskErrandPart", "CreateErrandBundle", "UpdateErrandPart", "WatchErrandParts"),
    "IssuanceService": ("GetIssuance", "IssueCredential"),
    "PolicyService": ("CreatePolicy", "DeprecatePolicy"),
    "PresentationService": (
        "BatchVerifyPresentations", "CreateExchange", "VerifyPresentation", "WatchExchange",
    ),
    "PublicationService": ("CreateRegulator", "CreateTable", "RecordOpening"),
    "RecordService": (
        "CountRecords", "FinishPush", "GetPush", "GetRecord", "PushRecords", "WithdrawRecords",
    ),
    "RevocationService": ("CreateAccumulator", "RevokeCredentials"),
    "StatisticsService": ("CountApplications", "CreateRegulatorAccess", "ListPushes", "ListStatistics"),
}  # fmt: skip

CARRYING: Final = frozenset(
    f"/zkproto.v1.{service}/{method}" for service, methods in _CARRYING.items() for method in methods
)
"""The full names of these methods."""
