"""What the service checks of a signed request before it is opened: nobody is asked in vain, or too much.

A request keeps to the policy that it names (`disclosure.allowance`). That the policy is still in use is
checked in the transaction that opens the exchange (`storage.policies.check_active`).
"""

import asyncio
import datetime as dt

from disclosure import Reason, RefusedError, Request, SignedRequest, VerifierName, check_request, open_request
from disclosure.allowance import check_allowed, excess, policy_of
from disclosure.composite import CompositeRequest, composite_digest, is_composite
from verifier.verify import schema_names
from wire.convert import signed_request_to, within
from zkservice.composite_judging import OpenedRequest, departments_of
from zkservice.context import Context
from zkservice.desk import Desk
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import placed
from zkservice.judging import Judgement
from zkservice.services.batch import request_judgement
from zkservice.signatures import Signatures
from zkservice.storage import exchanges, registered, statistics
from zkservice.storage.statistics import Concerned


class Asking:
    """Opens requests of both forms. `desk` has judges for those of the composite form."""

    def __init__(self, context: Context, desk: Desk[Judgement]) -> None:
        self._context, self._desk = context, desk
        self._signatures = Signatures(context.database, context.apart)

    async def opened(self, signed: SignedRequest, now: dt.datetime) -> OpenedRequest:
        """Return a request that its verifier signed, that can be answered and asks no more than it may.

        One that asks more is counted as such, once. Raises MalformedError; RefusedError
        REQUEST_SIGNATURE_INVALID, REQUEST_EXPIRED, REQUEST_NOT_YET_VALID, POLICY_UNKNOWN, OVER_ASKING, and
        what `check_request` or `check_joint_request` do; ServiceError VERIFIER_UNKNOWN.
        """
        try:
            return await (self._composite if is_composite(signed) else self._plain)(signed, now)
        except RefusedError as error:
            if error.reason == Reason.OVER_ASKING:
                request = await asyncio.to_thread(request_in, signed)
                await count_over_asking(self._context, request, request.digest, request.expires, now)
            raise

    async def _plain(self, signed: SignedRequest, now: dt.datetime) -> OpenedRequest:
        """Open a request of the plain form."""
        await self._signatures.check(signed)
        with within("signed_request"):
            name = signed.request.verifier
            public_key = await public_key_of(self._context, name)
            request = open_request(signed, lambda _: public_key)
        request.check_time(now)
        with placed("signed_request"):
            check_request(request, await self._context.directories.load(schema_names(request)))
            policy = policy_of(request)
            check_allowed(request, await self._context.directories.policy(policy))
        return OpenedRequest(name, request.digest, request.expires, _departments(request), policy)

    async def _composite(self, signed: SignedRequest, now: dt.datetime) -> OpenedRequest:
        """Open a request of the composite form that can be compiled: a large one takes a judge some time.

        One that was opened before takes none, whoever sends it again. Its signature counts all the same: the
        verifier that repeats its call is answered with the exchange's tokens.
        """
        digest = composite_digest(signed)
        earlier = await self._context.database.read(lambda each: exchanges.of_request(each, digest))
        if earlier is None:
            await self._signatures.check(signed)
            done = await self._desk.one(request_judgement(signed_request_to(signed), now))
            return OpenedRequest.from_bytes(done.octets)
        name = VerifierName.parse(earlier.verifier)
        public_key = await public_key_of(self._context, name)
        with within("signed_request"):
            signed.check(name, lambda _: public_key)
        earlier.check_time(now)
        return OpenedRequest(name, digest, earlier.expires, ())


async def public_key_of(context: Context, name: VerifierName, field: str = "signed_request") -> bytes:
    """Return a registered verifier's key; ServiceError VERIFIER_UNKNOWN, placed at `field`."""
    try:
        row = await context.database.read(lambda each: registered.verifier(each, str(name)))
    except ServiceError as error:
        if error.reason != ServiceReason.NOT_FOUND:
            raise
        detail = f"{name} is not registered"
        raise ServiceError(ServiceReason.VERIFIER_UNKNOWN, detail, field=field) from None
    return row.public_key


def request_in(signed: SignedRequest) -> Request | CompositeRequest:
    """Decode what was signed, of either form: a large one takes some time."""
    return CompositeRequest.from_bytes(signed.payload) if is_composite(signed) else signed.request


async def count_over_asking(
    context: Context,
    request: Request | CompositeRequest,
    digest: bytes,
    until: dt.datetime,
    now: dt.datetime,
) -> None:
    """Count what a verifier has signed and what asks too much: once, however often it is sent.

    `digest` is that of what was signed, which is not accepted after `until`.
    """
    policy = "" if request.policy is None else str(request.policy)
    concerned = Concerned(str(request.verifier), policy, _departments(request))
    await context.database.write(
        lambda each: statistics.count_over_asking(each, digest, until, concerned, now)
    )


async def asks_too_much(context: Context, signed: SignedRequest) -> bool:
    """Tell whether a request that was opened asks more than its policy allows.

    A holder is nobody in particular: the word alone of one, that it does, counts against no verifier.
    """
    request = await asyncio.to_thread(request_in, signed)
    if request.policy is None:
        return False
    policy = await context.directories.policy(request.policy)
    return bool(await asyncio.to_thread(excess, request, policy))


def _departments(request: Request | CompositeRequest) -> tuple[str, ...]:
    if isinstance(request, Request):
        return departments_of(each.schema for each in request.queries)
    return departments_of(
        name for branch in request.branches for each in branch.queries for name in each.schemas
    )
