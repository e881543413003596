"""The calls of a check service. State is the event loop's; what takes long is done by one thread.

Presentations that arrive together are checked together: their points are summed first, and the key multiplies
one sum. A counter is told yes only after its answer is durable, so one request never has two answers.
"""

import asyncio
import datetime as dt
import hmac
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, Final

from disclosure import DepartmentName, DisclosureError, VerifierName, civil_date
from disclosure.keyed import check_keyed_commitment, issue_keyed
from disclosure.schema import Schema
from wire.batch import MAX_MEMBERS
from wire.convert import date_to, present_values_of, values_to
from zkproto.v1 import keyed_pb2 as pb
from zkproto.v1.keyed_pb2_grpc import KeyedCheckServiceServicer
from zkservice import tenants
from zkservice.callers import bearer
from zkservice.costs import MEMBER
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import placed, required
from zkservice.gathering import Gathering
from zkservice.keyed.checking import Check, Checked, Outcome, check_all
from zkservice.keyed.counters import counter_of
from zkservice.keyed.issuing import Begun, Issuances
from zkservice.keyed.journal import Answered, Made
from zkservice.keyed.secret import CheckSecrets
from zkservice.status import status_of

_ONE_THREAD: Final = 1
_STAFF: Final = "staff"
"""Whom the staff's calls are charged to."""


class KeyedCheck(KeyedCheckServiceServicer):
    """The service of one department."""

    def __init__(
        self,
        data: Path,
        secrets: CheckSecrets,
        staff_token: str,
        answered: Answered,
        made: Made,
        crypto: Executor,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._data, self._secrets, self._staff = data, secrets, staff_token.encode()
        self._answered, self._made, self._crypto, self._clock = answered, made, crypto, clock
        self._issuances = Issuances(secrets.published)
        self._gathering: Gathering[Check, Outcome] = Gathering(self._check, _ONE_THREAD)

    async def GetCheckKeys(self, request: pb.GetCheckKeysRequest, context: Any) -> Any:
        """The public keys."""
        keys = self._secrets.published
        return pb.CheckKeys(
            department=str(DepartmentName(keys.department)),
            curve=keys.curve.name,
            issuer_key=str(keys.name),
            public_key=keys.public_key,
            digits=keys.digits.octets,
            digits_proof=keys.digits_proof,
        )

    async def BeginKeyedIssuance(self, request: pb.BeginKeyedIssuanceRequest, context: Any) -> Any:
        """Terms for one issuance."""
        self._require_staff(context)
        required(bool(request.schema), "schema")
        with placed("schema"):
            schema = Schema.from_bytes(request.schema)
        self._made.check()
        return pb.BeginKeyedIssuanceResponse(terms=self._issuances.begin(schema, self._clock()).canonical)

    async def IssueKeyedCredential(self, request: pb.IssueKeyedCredentialRequest, context: Any) -> Any:
        """A MAC, counted before it is made."""
        self._require_staff(context)
        for name in ("terms", "commitment", "values"):
            required(bool(getattr(request, name)), name)
        begun = self._issuances.take(request.terms, self._clock())
        self._made.count(begun.terms.nonce)
        return await self._in_crypto(self._issue, begun, request)

    async def CheckKeyedPresentation(self, request: pb.CheckKeyedPresentationRequest, context: Any) -> Any:
        """A verdict."""
        check = Check(self._counter(context), request)
        outcome = await self._gathering.one(check)
        if not isinstance(outcome, Checked):
            raise outcome
        return _response(outcome)

    async def BatchCheckKeyedPresentations(
        self, request: pb.BatchCheckKeyedPresentationsRequest, context: Any
    ) -> Any:
        """A verdict, or the status, for each member."""
        counter = self._counter(context)
        required(len(request.requests) > 0, "requests")
        if len(request.requests) > MAX_MEMBERS:
            detail = f"a batch has at most {MAX_MEMBERS} members"
            raise ServiceError(ServiceReason.BATCH_TOO_LARGE, detail, field="requests")
        tenants.spend((len(request.requests) - 1) * MEMBER)
        with self._gathering.room(len(request.requests)):
            outcomes = await self._gathering.many([Check(counter, each) for each in request.requests])
        return pb.BatchCheckKeyedPresentationsResponse(verdicts=map(_verdict, outcomes))

    async def _check(self, checks: Sequence[Check]) -> list[Outcome]:
        """Check what was gathered, and make durable which answers count before anybody is told."""
        now = self._clock()
        outcomes = await self._in_crypto(check_all, self._secrets, checks, now)
        settled = [self._settled(each) for each in outcomes]
        self._answered.keep(now)
        return settled

    def _settled(self, outcome: Outcome) -> Outcome:
        if isinstance(outcome, Checked):
            verdict = outcome.verdict
            try:
                self._answered.take(verdict.request_digest, verdict.presentation_digest, outcome.expires)
            except ServiceError as error:
                return error
        return outcome

    def _issue(
        self, begun: Begun, request: pb.IssueKeyedCredentialRequest
    ) -> pb.IssueKeyedCredentialResponse:
        published, schema = self._secrets.published, begun.schema
        commitment = check_keyed_commitment(begun.terms, request.commitment, schema, published)
        values, now = present_values_of(request.values), self._clock()
        issued = issue_keyed(commitment, schema, published, self._secrets.key, values, civil_date(now))
        return pb.IssueKeyedCredentialResponse(
            issued=issued.to_bytes(schema), holder_pseudonym=commitment.pseudonym
        )

    def _require_staff(self, context: Any) -> None:
        if not hmac.compare_digest(bearer(context).encode(), self._staff):
            raise ServiceError(ServiceReason.TOKEN_INVALID, "the token is not that of the department's staff")
        tenants.proven(_STAFF)

    def _counter(self, context: Any) -> VerifierName:
        """Return whose token a call came with: it is charged to that counter from now on."""
        counter = counter_of(self._data, context)
        tenants.proven(str(counter))
        return counter

    async def _in_crypto(self, act: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._crypto, act, *args)


def _response(checked: Checked) -> pb.CheckKeyedPresentationResponse:
    verdict = checked.verdict
    return pb.CheckKeyedPresentationResponse(
        verdict=verdict.canonical,
        designated_verifier=verdict.designated_verifier,
        shown=[
            pb.KeyedShown(
                query=each.query,
                schema=str(each.schema),
                expiry=None if each.expiry is None else date_to(each.expiry),
                values=values_to(checked.schemas[each.schema], each.values.items()),
            )
            for each in verdict.shown
        ],
    )


def _verdict(outcome: Outcome) -> pb.KeyedPresentationVerdict:
    if isinstance(outcome, DisclosureError | ServiceError):
        return pb.KeyedPresentationVerdict(refused=status_of(outcome))
    return pb.KeyedPresentationVerdict(checked=_response(outcome))
