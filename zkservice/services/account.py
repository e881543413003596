"""AccountService: departments say whose a code is, vaults bind their keys to it and see what has come."""

import asyncio
import datetime as dt
import hmac
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection

from disclosure.account import AccountKey, code_hash, new_code
from disclosure.errors import RefusedError
from disclosure.event import EventKind
from wire.convert import moment_to
from zkproto.v1 import account_pb2 as pb
from zkproto.v1.account_pb2_grpc import AccountServiceServicer
from zkservice.context import Context
from zkservice.errors import ServiceError, ServiceReason
from zkservice.events import Happening, receipt
from zkservice.fields import check_request_id, required
from zkservice.inbox import bell, ring
from zkservice.listing import listed
from zkservice.moments import whole_ms
from zkservice.storage import accounts
from zkservice.storage.accounts import Arrival, ArrivalKind, Delivered, Registration
from zkservice.storage.events import Event
from zkservice.subjects import subject_of

_POLL: Final = dt.timedelta(seconds=5)
_AT_ONCE: Final = 200
"""So many arrivals are told in one message."""
_KINDS: Final = {
    ArrivalKind.OFFER: pb.Arrival.KIND_OFFER,
    ArrivalKind.APPLICATION: pb.Arrival.KIND_APPLICATION,
    ArrivalKind.APPOINTMENT: pb.Arrival.KIND_APPOINTMENT,
    ArrivalKind.CODE: pb.Arrival.KIND_CODE,
    ArrivalKind.KEY: pb.Arrival.KIND_KEY,
}


class AccountService(AccountServiceServicer):
    """Codes and numbers come in and are hashed at once; neither is stored or logged."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def CreateRegistration(self, request: pb.CreateRegistrationRequest, context: Any) -> Any:
        """Make a code for a subject; an open one from before is void when this is answered, and the account
        that the code would take over is told."""
        department = await self._context.access.any_department(context)
        subject = subject_of(request.subject, field="subject")
        now, code = whole_ms(self._context.now()), new_code()
        expires = now + dt.timedelta(days=self._context.settings.registration_days)
        mark = subject.mark(self._context.keys)
        made = Registration(code_hash(code), department, mark, subject.kind, now, expires)
        account = await self._context.database.write(lambda each: accounts.add_registration(each, made))
        if account is not None:
            ring(self._context, account)
        return pb.CreateRegistrationResponse(code=code, expire_time=moment_to(expires))

    async def RegisterAccount(self, request: pb.RegisterAccountRequest, context: Any) -> Any:
        """Bind a key to the subject of a code; durable, and on the ledger, when answered."""
        required(bool(request.code), "code")
        hashed = code_hash(request.code)
        subject = subject_of(request.subject, field="subject")
        key = self._signed_key(hashed, request)
        request_id = check_request_id(request.request_id)
        made = await self._context.database.read(
            lambda each: accounts.registration(each, hashed, request.department)
        )
        if not hmac.compare_digest(made.mark, subject.mark(self._context.keys)):
            await self._context.database.write(lambda each: accounts.wrong_subject(each, hashed))
            detail = "the code was given to another subject"
            raise ServiceError(ServiceReason.SUBJECT_MISMATCH, detail, field="subject")
        fresh = f"accounts/{secrets.token_urlsafe(16)}"
        kept, name = await self._context.database.write(
            lambda each: self._registered(each, made, key, fresh, request_id, request.holder_note)
        )
        ring(self._context, name)
        _, file = await receipt(self._context, kept)
        return pb.RegisterAccountResponse(account=name, receipt=file)

    def _signed_key(self, hashed: bytes, request: pb.RegisterAccountRequest) -> AccountKey:
        """Return the key as it was signed: for this service, by any key that its log has had.

        Raises MalformedError; RefusedError REQUEST_SIGNATURE_INVALID.
        """
        *earlier, newest = (
            AccountKey(hashed, request.public_key, str(each)) for each in self._context.log_keys.known
        )
        for key in earlier:
            with suppress(RefusedError):
                key.check(request.signature)
                return key
        newest.check(request.signature)
        return newest

    def _registered(
        self,
        connection: Connection,
        before: Registration,
        key: AccountKey,
        fresh: str,
        request_id: str,
        note: bytes,
    ) -> tuple[Event, str]:
        made = accounts.registration(connection, before.code_hash, before.department)
        name = made.account or accounts.account_of(connection, made.mark) or fresh
        happening = Happening.of(
            self._context,
            EventKind.ACCOUNT_REGISTERED,
            made.department,
            key.digest,
            f"registration/{made.code_hash.hex()}",
            request_id,
            note,
        )
        existing = happening.earlier(connection)
        if existing is not None:
            return existing, name
        accounts.register(connection, made, name, key.public_key, self._context.now())
        return happening.keep(connection, self._context), name

    async def ListOffers(self, request: pb.ListOffersRequest, context: Any) -> Any:
        """A page of the offers that wait for the session's account."""
        account = await self._account(context)
        now = self._context.now()
        page, token = await listed(
            self._context,
            request,
            f"offers of {account}",
            lambda each, after, limit: accounts.delivered(
                each, account, after.removeprefix("offers/"), limit, now
            ),
            self._offer_to,
        )
        return pb.ListOffersResponse(offers=page, next_page_token=token)

    def _offer_to(self, each: Delivered) -> pb.DeliveredOffer:
        return pb.DeliveredOffer(
            name=f"offers/{each.offer}",
            claim_code=self._context.keys.token("claim", each.offer),
            schema=each.schema,
            department=each.department,
            expire_time=moment_to(each.expires),
            replaces=f"offers/{each.replaces}" if each.replaces else "",
        )

    async def WatchInbox(
        self, request: pb.WatchInboxRequest, context: Any
    ) -> AsyncIterator[pb.WatchInboxResponse]:
        """Stream what has come and what comes. Each time whose session it is is looked up again: it ends with
        its token, and with the key that opened it."""
        account = await self._account(context)
        after = request.after
        if after < 0:
            detail = "a position is not negative"
            raise ServiceError(ServiceReason.FIELD_INVALID, detail, field="after")
        watching, first = self._context.watching, True
        with watching.stream("inboxes"), watching.bell(bell(account)) as rung:
            while True:
                rung.clear()
                await self._account(context)
                found = await self._arrivals(account, after)
                if found or first:
                    yield pb.WatchInboxResponse(arrivals=map(_arrival_to, found))
                if found:
                    after, first = found[-1].id, False
                    continue
                first = False
                watching.check()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_POLL.total_seconds()):
                        await rung.wait()

    async def _arrivals(self, account: str, after: int) -> list[Arrival]:
        return await self._context.database.read(
            lambda each: accounts.arrivals(each, account, after, _AT_ONCE)
        )

    async def _account(self, context: Any) -> str:
        return await self._context.access.party(context, "accounts")


def _arrival_to(arrival: Arrival) -> pb.Arrival:
    return pb.Arrival(
        position=arrival.id,
        kind=_KINDS[ArrivalKind(arrival.kind)],
        about=arrival.about,
        time=moment_to(arrival.time),
    )
