"""What calls cost, in units: a plain read costs one, and about as many milliseconds of a core go into ten.

A method that is not named here is charged by the first word of its name, as a read or as a write. What a
message asks beyond one thing is charged when the message has been read (`tenants.spend`), and what an answer
weighs when it is there (`tenants.owe`): nobody knows before how much a listing will return.
"""

from typing import Final

READ: Final = 1.0
LISTING: Final = 3.0
WRITE: Final = 5.0
VERIFICATION: Final = 10.0
MEMBER: Final = 4.0
"""Each presentation of a batch after the first: they are verified together."""
FREE_OCTETS: Final = 16 << 10
"""So much of an answer is paid with its call."""
OCTETS_OF_A_UNIT: Final = 4 << 10
"""What is read, encoded and sent of a page beyond that in about the time of a unit."""

_OWN: Final = "/zkproto.v1."
_BY_FIRST_WORD: Final = (
    ("Get", READ),
    ("Fetch", READ),
    ("Watch", READ),
    ("Count", READ),
    ("List", LISTING),
    ("Search", LISTING),
    ("Read", LISTING),
    ("Export", WRITE),
)
_NAMED: Final = {
    "PresentationService/CreateExchange": VERIFICATION,  # a large request takes a judge some time
    "PresentationService/SubmitPresentation": VERIFICATION + WRITE,
    "PresentationService/VerifyPresentation": VERIFICATION,
    "PresentationService/BatchVerifyPresentations": VERIFICATION,
    "ErrandService/SubmitErrand": 2 * VERIFICATION + WRITE,
    "ErrandService/AskErrandPart": VERIFICATION,
    "ErrandService/RetryErrandPart": VERIFICATION,
    "IssuanceService/IssueCredential": VERIFICATION,
    "IssuanceService/ClaimCredential": VERIFICATION,
    "IssuanceService/ClaimW3cCredential": 4 * VERIFICATION,  # JSON-LD takes longer than the signature
    "IssuanceService/ClaimCompositeCredential": 4 * VERIFICATION,  # judged, verified once more, signed
    "PublicationService/RecordOpening": 4 * VERIFICATION,
    "RevocationService/CreateAccumulator": 4 * VERIFICATION,
    "RevocationService/RevokeCredentials": 4 * VERIFICATION,
    "CatalogService/CreateIssuerKey": VERIFICATION,
    "StatisticsService/CountApplications": 4 * VERIFICATION,  # counted anew, a month of decisions with it
    "PublicationService/CreateTable": 4 * VERIFICATION,
}

_OF_CHECKS: Final = {
    "KeyedCheckService/CheckKeyedPresentation": VERIFICATION,
    "KeyedCheckService/BatchCheckKeyedPresentations": VERIFICATION,
    "KeyedCheckService/IssueKeyedCredential": VERIFICATION,
}
"""Of the check service, which is a process of its own."""


def cost_of(method: str) -> float:
    """Return what opening a call costs; `method` is its full path."""
    if not method.startswith(_OWN):
        return READ
    path = method.removeprefix(_OWN)
    if path in _NAMED or path in _OF_CHECKS:
        return _NAMED.get(path) or _OF_CHECKS[path]
    name = path.rpartition("/")[2]
    return next((cost for word, cost in _BY_FIRST_WORD if name.startswith(word)), WRITE)


def cost_of_answer(octets: int) -> float:
    """Return what an answer of so many octets costs besides its call."""
    return max(0, octets - FREE_OCTETS) / OCTETS_OF_A_UNIT


DEAREST: Final = max((*_NAMED.values(), *_OF_CHECKS.values()))
"""What opening the dearest call costs."""
NAMED: Final = frozenset(_NAMED)
"""The methods that have a cost of their own, as Service/Method."""
