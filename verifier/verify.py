"""Verifying a presentation against the request that it answers.

Everything cheap comes before everything costly: the binding to the request, the times, what was asked against
what is shown, the lengths of all proofs; only then the proofs themselves. What a proof must prove is compiled
from the verifier's own request, never from what the proof says of itself. No state, no I/O, no clock.
"""

import datetime as dt
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import bbs
from disclosure import (
    DepartmentName,
    Directory,
    DisclosureError,
    IssuerKeyName,
    Presentation,
    Reason,
    RefusedError,
    Request,
    SchemaName,
    Shown,
    Statement,
    Value,
    statements_of,
)


@dataclass(frozen=True)
class VerifiedCredential:
    """What was shown of one credential, and who signed it.

    `values` holds exactly what the query asked for, None for an absent optional attribute; `expiry` is the
    last day of validity where the query wanted it shown.
    """

    query: str
    department: DepartmentName
    schema: SchemaName
    issuer_key: IssuerKeyName
    values: Mapping[str, Value | None] = field(repr=False)
    expiry: dt.date | None = None


@dataclass(frozen=True)
class VerifiedPresentation:
    """A presentation whose every proof held; only this module makes one.

    `presentation_digest` has 32 octets and is what the receipt commits to; the credentials are in the order
    of the request's queries.
    """

    request: Request
    presentation_digest: bytes
    credentials: tuple[VerifiedCredential, ...]

    def credential(self, query: str) -> VerifiedCredential:
        """Return the answer to one query; KeyError if the request has no such query."""
        for each in self.credentials:
            if each.query == query:
                return each
        raise KeyError(query)


def verify_presentation(
    request: Request,
    presentation: Presentation,
    directory: Directory,
    now: dt.datetime,
    *,
    at: dt.datetime | None = None,
) -> VerifiedPresentation:
    """Return what a presentation shows once everything about it holds.

    `request` is the verifier's own (or one whose signature was verified); times have a zone. To check again a
    presentation that was verified before, give as `at` the moment that its receipt records: request and
    credentials are then judged as of that moment.

    Raises RefusedError REQUEST_MISMATCH, REQUEST_EXPIRED, REQUEST_NOT_YET_VALID, QUERY_MISMATCH,
    SCHEMA_UNKNOWN, FORM_NOT_SUPPORTED, ISSUER_KEY_UNKNOWN, ISSUER_KEY_RETIRED, CREDENTIAL_EXPIRED,
    PROOF_INVALID; MalformedError VALUE_INVALID, ATTRIBUTE_MISSING, ATTRIBUTE_UNKNOWN.
    """
    claim = Claim(request, presentation, directory, now if at is None else at)
    (verdict,) = verify_presentations([claim])
    if isinstance(verdict, DisclosureError):
        raise verdict
    return verdict


@dataclass(frozen=True)
class Claim:
    """One presentation of a batch, in the terms of `verify_presentation`."""

    request: Request
    presentation: Presentation
    directory: Directory
    moment: dt.datetime


def verify_presentations(claims: Sequence[Claim]) -> tuple[VerifiedPresentation | DisclosureError, ...]:
    """Verify presentations of any requests and issuers together; one verdict for each, as it gets alone.

    Much cheaper than one after the other (see `bbs.batch`). A presentation of several proofs holds if all do;
    of several false proofs the first is named.
    """
    verdicts: list[VerifiedPresentation | DisclosureError] = []
    groups: dict[int, list[bbs.ProofClaim]] = {}
    for place, claim in enumerate(claims):
        try:
            statements = _compile(claim.request, claim.presentation, claim.directory, claim.moment)
        except DisclosureError as error:
            verdicts.append(error)
            continue
        verdicts.append(_verified(claim.request, claim.presentation))
        proofs = (each.proof for each in claim.presentation.credentials)
        groups[place] = list(map(_proof_claim, statements, proofs))
    for place, false in zip(groups, bbs.proof_verify_groups(groups.values()), strict=True):
        if false is not None:
            verdicts[place] = _refused(false.index, f"the proof does not hold ({false.error.reason})")
    return tuple(verdicts)


def _compile(
    request: Request, presentation: Presentation, directory: Directory, moment: dt.datetime
) -> tuple[Statement, ...]:
    """Check all that costs no curve arithmetic; return what each proof must prove."""
    check_binding(request, presentation)
    request.check_time(moment)
    shown = tuple(each.shown for each in presentation.credentials)
    statements = statements_of(
        request, shown, presentation.usage_tag, presentation.note_hash, directory, moment
    )
    for index, (statement, each) in enumerate(zip(statements, presentation.credentials, strict=True)):
        _check_length(statement, each.proof, index)
    return statements


def check_binding(request: Request, presentation: Presentation) -> None:
    """Raise RefusedError unless a presentation says that it answers this request, query for query.

    Reasons: REQUEST_MISMATCH (another request), QUERY_MISMATCH (another number of answers).
    """
    if not hmac.compare_digest(presentation.request_digest, request.digest):
        detail = "the presentation answers another request"
        raise RefusedError(Reason.REQUEST_MISMATCH, detail, field="request_digest")
    if len(presentation.credentials) != len(request.queries):
        detail = "not what was asked: one answer for each query"
        raise RefusedError(Reason.QUERY_MISMATCH, detail, field="credentials")


def required_names(
    request: Request, presentation: Presentation
) -> tuple[tuple[SchemaName, ...], tuple[IssuerKeyName, ...]]:
    """Return the schemas and issuer keys that a Directory needs for `verify_presentation`, each once.

    Raises as `check_binding` does, so that no presentation makes its reader load more names than the request
    has queries.
    """
    check_binding(request, presentation)
    return schema_names(request), _once(each.shown.issuer_key for each in presentation.credentials)


def schema_names(request: Request) -> tuple[SchemaName, ...]:
    """Return the schemas that a request asks for, each once, in its order."""
    return tuple(dict.fromkeys(each.schema for each in request.queries))


def _once(names: Iterable[IssuerKeyName]) -> tuple[IssuerKeyName, ...]:
    return tuple(dict.fromkeys(names))


def _refused(index: int, detail: str) -> RefusedError:
    return RefusedError(Reason.PROOF_INVALID, detail, field=f"credentials[{index}].proof")


def _check_length(statement: Statement, proof: bytes, index: int) -> None:
    if len(proof) != statement.proof_octets:
        raise _refused(index, f"a proof of this statement has {statement.proof_octets} octets")


def _proof_claim(statement: Statement, proof: bytes) -> bbs.ProofClaim:
    return bbs.ProofClaim(
        statement.public_key,
        proof,
        statement.header,
        statement.presentation_header,
        statement.disclosed_messages,
        statement.disclosed_indexes,
        statement.suite,
    )


def _verified(request: Request, presentation: Presentation) -> VerifiedPresentation:
    """Read what is shown; it counts as verified once every proof has held."""
    shown = (each.shown for each in presentation.credentials)
    return VerifiedPresentation(request, presentation.digest, tuple(map(_credential, shown)))


def _credential(shown: Shown) -> VerifiedCredential:
    return VerifiedCredential(
        query=shown.query,
        department=DepartmentName(shown.schema.department),
        schema=shown.schema,
        issuer_key=shown.issuer_key,
        values=dict(shown.values),
        expiry=shown.expiry,
    )
