"""A vault's account: registered by a department's code, its inbox listed, claimed and watched.

Only here does the service learn whose a call is; what is presented goes over other channels and says nothing
of the account.
"""

import datetime as dt
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import grpc

import tlog
from disclosure import (
    AccountLink,
    DisclosureError,
    LocalizedText,
    OfferLink,
    SchemaName,
)
from disclosure.account import AccountKey, code_hash
from disclosure.event import EventKind
from prover.accounts import Account, SubjectKind
from prover.client import HolderClient, sessions
from prover.client.calls import Way, checked, final, raised
from prover.client.claims import Agree
from prover.client.events import outgoing
from prover.composite.offers import is_base
from prover.composite.records import Held
from prover.errors import VaultError
from prover.events import Call, Event
from prover.history import check_event_receipt
from prover.notes import EventNote
from prover.vault import Vault, utc_now
from wire.client import Endpoint, ServiceError, call, stream
from wire.convert import moment_of
from wire.sessions import Session
from zkproto.v1 import account_pb2, account_pb2_grpc

PAGE: Final = 100
_WANTING: Final = {"NOTHING_FITS", "REQUIRED_MISMATCH"}
_KINDS: Final = {"person": account_pb2.Subject.KIND_PERSON, "company": account_pb2.Subject.KIND_COMPANY}
_TITLE: Final = LocalizedText("登记账户", "Account registered")


class ArrivalKind(StrEnum):
    """What can come; OTHER is what a later service tells of."""

    OFFER = "offer"
    APPLICATION = "application"
    APPOINTMENT = "appointment"
    CODE = "code"
    """A department made a code for the vault's owner: another vault can take the account over with it."""
    KEY = "key"
    """A vault has taken the account over."""
    OTHER = "other"


_ARRIVALS: Final = {
    account_pb2.Arrival.KIND_OFFER: ArrivalKind.OFFER,
    account_pb2.Arrival.KIND_APPLICATION: ArrivalKind.APPLICATION,
    account_pb2.Arrival.KIND_APPOINTMENT: ArrivalKind.APPOINTMENT,
    account_pb2.Arrival.KIND_CODE: ArrivalKind.CODE,
    account_pb2.Arrival.KIND_KEY: ArrivalKind.KEY,
}


@dataclass(frozen=True)
class Waiting:
    """An offer in the inbox. `replaces` is the name of the offer whose credential it replaces, or ""."""

    link: OfferLink = field(repr=False)
    schema: SchemaName
    expires: dt.datetime
    replaces: str


@dataclass(frozen=True)
class Claimed:
    """What became of an offer of the inbox: a held credential, or the error why there is none."""

    offer: Waiting
    held: Held | None
    error: Exception | None = None


@dataclass(frozen=True)
class Arrived:
    """Something that has come: of which kind, and its resource name."""

    kind: ArrivalKind
    about: str
    time: dt.datetime


def subject_to(kind: SubjectKind, number: str) -> account_pb2.Subject:
    """Return the message that says whom a number means."""
    return account_pb2.Subject(kind=_KINDS[kind], number=number)


class AccountClient:
    """A vault's account at one service. Errors are those of HolderClient; ContentError ACCOUNT_NOT_FOUND."""

    def __init__(self, endpoint: Endpoint, *, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._way, self._holder = Way(endpoint, clock), HolderClient(endpoint, clock=clock)

    def register(
        self, link: AccountLink, kind: SubjectKind, number: str, vault: Vault, log: tlog.Verifier
    ) -> Account:
        """Bind a fresh key of the vault's to whoever a department's code was made for.

        Broken off anywhere it is called again with the same link. Where the subject had an account already,
        it keeps its name, and whoever had its key before has it no more.
        """
        self._way.check_server(link.server)
        account = vault.accounts.begin(link, kind, number)
        key = AccountKey(code_hash(link.code), account.public_key, str(log))
        note = EventNote(EventKind.ACCOUNT_REGISTERED, link.department, _TITLE, key.digest, self._way.clock())

        def make(request_id: str, sealed: bytes) -> Call:
            message = account_pb2.RegisterAccountRequest(
                code=link.code,
                department=link.department,
                subject=subject_to(kind, number),
                public_key=key.public_key,
                signature=account.key.sign(key.signed_bytes),
                request_id=request_id,
                holder_note=sealed,
            )
            return outgoing("AccountService", "RegisterAccount", message)

        event = vault.begin_event(link.server, note, make)
        with raised():
            return vault.accounts.finish(account.id, self._registered(vault, account, event, log))

    def _registered(self, vault: Vault, account: Account, event: Event, log: tlog.Verifier) -> str:
        """Send what is stored, however often it was sent before; return the account's name."""
        message = account_pb2.RegisterAccountRequest.FromString(event.call.message)

        def refused(reason: str) -> None:
            vault.finish_event(event.id, reason=reason)
            vault.accounts.forget(account.id)

        with self._way.channel() as channel, final(refused):
            stub = account_pb2_grpc.AccountServiceStub(channel)
            answer = call(stub.RegisterAccount, message)
        with checked():
            check_event_receipt(event, answer.receipt, log)
        vault.finish_event(event.id, receipt=answer.receipt)
        return answer.account

    def offers(self, vault: Vault, log: tlog.Verifier) -> list[Waiting]:
        """Return the open offers that wait for the vault's account."""
        server, found, token = self._way.endpoint.server, list[Waiting](), ""
        with self._way.channel() as channel, checked():
            session = self._session(channel, vault, log)
            stub = account_pb2_grpc.AccountServiceStub(channel)
            while True:
                asked = account_pb2.ListOffersRequest(page_size=PAGE, page_token=token)
                page = session.call(stub.ListOffers, asked)
                found += [
                    Waiting(
                        OfferLink(server, each.name.removeprefix("offers/"), each.claim_code),
                        SchemaName.parse(each.schema),
                        moment_of(each.expire_time, field="expire_time"),
                        each.replaces,
                    )
                    for each in page.offers
                ]
                token = page.next_page_token
                if not token:
                    return found

    def claim_all(self, vault: Vault, log: tlog.Verifier, agree: Agree = is_base) -> list[Claimed]:
        """Claim whatever waits; what cannot be claimed, or is not agreed to, holds up nothing else.

        Base credentials come first: others are claimed by showing them. `agree` is that of
        HolderClient.claim. Raises ServiceError where the service cannot be reached.
        """
        done, left = list[Claimed](), self.offers(vault, log)
        while left:
            tried = [self._claimed(each, vault, log, agree) for each in left]
            done += [each for each in tried if each.held is not None]
            again = [each for each in tried if each.held is None]
            if len(again) == len(left) or not _may_fit_now(again):
                return [*done, *again]
            left = [each.offer for each in again]
        return done

    def _claimed(self, each: Waiting, vault: Vault, log: tlog.Verifier, agree: Agree) -> Claimed:
        try:
            return Claimed(each, self._holder.claim(each.link, vault, log, agree))
        except ServiceError as error:
            if error.code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
                raise
            return Claimed(each, None, error)
        except (DisclosureError, VaultError, tlog.TlogError) as error:
            return Claimed(each, None, error)

    def watch(self, vault: Vault, log: tlog.Verifier) -> Generator[list[Arrived], None, None]:
        """Give what has come since the vault was told last, at once, and then whatever comes.

        Ends with its session: by ServiceError TOKEN_INVALID after a quarter of an hour, ACCOUNT_REPLACED when
        another vault takes the account over.
        """
        account = vault.accounts.at(self._way.endpoint.server)
        with self._way.channel() as channel, checked():
            session = sessions.opened(self._way, channel, vault, account.name, log)
            stub = account_pb2_grpc.AccountServiceStub(channel)
            asked = account_pb2.WatchInboxRequest(after=account.seen)
            for answer in stream(stub.WatchInbox, asked, token=session):
                yield [
                    Arrived(
                        _ARRIVALS.get(each.kind, ArrivalKind.OTHER),
                        each.about,
                        moment_of(each.time, field="time"),
                    )
                    for each in answer.arrivals
                ]
                # Written down once whoever asked has gone on: told twice is better than not told.
                if answer.arrivals:
                    vault.accounts.saw(account.id, answer.arrivals[-1].position)

    def _session(self, channel: grpc.Channel, vault: Vault, log: tlog.Verifier) -> Session:
        account = vault.accounts.at(self._way.endpoint.server)
        return sessions.session(self._way, channel, vault, account.name, log)


def _may_fit_now(tried: list[Claimed]) -> bool:
    """Tell whether something failed for want of a credential, which one that was claimed since may be."""
    return any(getattr(each.error, "reason", "") in _WANTING for each in tried)
