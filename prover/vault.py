"""The vault: what a person holds, encrypted at rest, opened by a passphrase.

State rules: every method that changes something is one transaction, durable when it returns and without any
effect when it raises. Two orders make a crash harmless. A claim's request_id is stored before the claim is
sent, and the claim is forgotten only after the credential is stored and acknowledged. A use is stored, with
the very bytes that go out, before they go out; sent again they give the receipt that the service keeps.

Several threads may use a vault, and several processes have the same one open: each call is a transaction of
its own. Nothing here talks to anybody; see prover.client.
"""

import datetime as dt
import hmac
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from disclosure import (
    Credential,
    IssuerKey,
    LocalizedText,
    OfferLink,
    Schema,
    SignedRequest,
    VerifierName,
    check_credential,
)
from prover.accounts import Accounts
from prover.anchoring import Anchoring
from prover.composite.presenting import Prepared
from prover.composite.records import Held
from prover.composite.vault import CompositeVault, held_in
from prover.deliveries import Deliveries
from prover.errands.vault import Errands, put_usage
from prover.errors import ContentError, VaultReason
from prover.events import Event, MakeCall, begin_event, events_in, finish_event
from prover.finding import one_of
from prover.notes import EventNote, Note, open_note
from prover.orders import Orders
from prover.readings import Readings
from prover.records import Claim, FetchedRequest, HeldCredential, Kind, claim_of, held_credential_of
from prover.sealing import Cost, RandomOctets, VaultKeys
from prover.shelf import Records, Shelf
from prover.standing import Consents
from prover.store import PATIENCE, Store
from prover.usages import Usage, UsageLink, UsageState, answer_of, usage_of
from prover.w3c import W3cDocuments


def utc_now() -> dt.datetime:
    """Return the time by the system's clock."""
    return dt.datetime.now(dt.UTC)


class Vault:
    """An opened vault; use `create` or `open`, and as a context manager.

    Identifiers of credentials, claims and uses are 32 hexadecimal digits; where one is asked for, the
    beginning of it will do as long as it is the only one. Lists are in the order in which things came. Every
    method may raise VaultFileError VAULT_BUSY, VAULT_DAMAGED, VAULT_UNAVAILABLE.
    """

    def __init__(
        self,
        store: Store,
        keys: VaultKeys,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
        rng: RandomOctets = secrets.token_bytes,
    ) -> None:
        self._store, self.keys = store, keys
        self._shelf = Shelf(store, keys, clock, rng)

    @cached_property
    def composite(self) -> CompositeVault:
        """What it holds of the composite form."""
        return CompositeVault(self._shelf)

    @cached_property
    def errands(self) -> Errands:
        """Its errands, and what was declared in them."""
        return Errands(self._shelf, self._made)

    @cached_property
    def accounts(self) -> Accounts:
        """Its accounts at services."""
        return Accounts(self._shelf)

    @cached_property
    def consents(self) -> Consents:
        """The standing consents."""
        return Consents(self._shelf)

    @cached_property
    def deliveries(self) -> Deliveries:
        """What was sent and received unasked."""
        return Deliveries(self._shelf)

    @cached_property
    def w3c(self) -> W3cDocuments:
        """Credentials as W3C documents."""
        return W3cDocuments(self._shelf, self.keys)

    @cached_property
    def anchoring(self) -> Anchoring:
        """Its receipts, on their way from pending to anchored."""
        return Anchoring(self._shelf, self._usage_of)

    @cached_property
    def orders(self) -> Orders:
        """What shows its receipts to be in the consortium's order."""
        return Orders(self._shelf)

    @cached_property
    def readings(self) -> Readings:
        """What was read from the ledger, and found to be its own."""
        return Readings(self._shelf)

    @classmethod
    def create(
        cls,
        path: Path | str,
        passphrase: str,
        *,
        keys: VaultKeys | None = None,
        cost: Cost | None = None,
        clock: Callable[[], dt.datetime] = utc_now,
        rng: RandomOctets = secrets.token_bytes,
        patience: dt.timedelta = PATIENCE,
    ) -> "Vault":
        """Make an empty vault where there is no file yet.

        `keys` are those of a lost one (`prover.recovery`), else new ones; `cost` is what guessing the
        passphrase costs, `patience` how long to wait for another process. Raises
        VaultFileError VAULT_EXISTS; PassphraseError PASSPHRASE_TOO_SHORT, PASSPHRASE_TOO_LONG; OSError.
        """
        keys = keys or VaultKeys.generate(rng)
        header = keys.wrap(passphrase, cost, rng=rng)
        return cls(Store.create(Path(path), header, patience=patience), keys, clock=clock, rng=rng)

    @classmethod
    def open(
        cls,
        path: Path | str,
        passphrase: str,
        *,
        clock: Callable[[], dt.datetime] = utc_now,
        rng: RandomOctets = secrets.token_bytes,
        patience: dt.timedelta = PATIENCE,
    ) -> "Vault":
        """Open a vault.

        Raises VaultFileError VAULT_NOT_FOUND, VERSION_UNKNOWN; PassphraseError PASSPHRASE_WRONG, also if the
        header was changed.
        """
        store = Store.open(Path(path), patience=patience)
        try:
            with store.reading() as transaction:
                header = transaction.header()
            keys = VaultKeys.unwrap(header, passphrase)
        except BaseException:
            store.close()
            raise
        return cls(store, keys, clock=clock, rng=rng)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, and forget what was read of it. Idempotent."""
        self._shelf.opened.clear()
        self.composite.close()
        self._store.close()

    def change_passphrase(self, passphrase: str, *, cost: Cost | None = None) -> None:
        """Let another passphrase open the vault, and the old one no more.

        An older copy of the file still opens with the old one. Raises PassphraseError PASSPHRASE_TOO_SHORT,
        PASSPHRASE_TOO_LONG.
        """
        header = self.keys.wrap(passphrase, cost, rng=self._shelf.rng)
        with self._shelf.writing() as records:
            records.put_header(header)
        self._store.forget_replaced()

    # Credentials

    def credentials(self) -> list[HeldCredential]:
        """Return all credentials of the plain form; `composite.credentials` gives the others."""
        with self._shelf.reading() as records:
            return _held(records)

    def credential(self, credential_id: str) -> Held:
        """Return one credential of either form; ContentError CREDENTIAL_NOT_FOUND, ID_AMBIGUOUS."""
        with self._shelf.reading() as records:
            return one_of(_every(records), credential_id, VaultReason.CREDENTIAL_NOT_FOUND)

    def add(self, credential: Credential, schema: Schema, issuer_key: IssuerKey) -> HeldCredential:
        """Keep a credential whose signature holds; one that is held already is kept once.

        Raises what `check_credential` raises; ContentError SCHEMA_CHANGED if the vault knows another schema
        under this name, which never happens with an honest service.
        """
        check_credential(credential, schema, issuer_key)
        with self._shelf.writing() as records:
            return self._add(records, credential, schema, issuer_key)

    def remove(self, credential_id: str) -> None:
        """Forget a credential of either form for good; ContentError CREDENTIAL_NOT_FOUND, ID_AMBIGUOUS."""
        with self._shelf.writing() as records:
            held = one_of(_every(records), credential_id, VaultReason.CREDENTIAL_NOT_FOUND)
            records.delete(held.id)

    # Claims

    def pending_claims(self) -> list[Claim]:
        """Return the plain form's claims that are not yet acknowledged; `composite.claims` the others."""
        with self._shelf.reading() as records:
            return _claims(records)

    def begin_claim(self, link: OfferLink) -> Claim:
        """Store a claim before it is sent; the one that is under way for the same offer is gone on with."""
        with self._shelf.writing() as records:
            claim = Claim(self._shelf.new_id(), link, self._shelf.new_request_id(), self._shelf.now())
            for each in _claims(records):
                if (each.link.server, each.link.id) == (link.server, link.id):
                    claim = replace(each, link=link)
            records.put(claim)
        return claim

    def finish_claim(
        self, claim_id: str, credential: Credential, schema: Schema, issuer_key: IssuerKey
    ) -> HeldCredential:
        """Keep the credential that was claimed, and remember that the claim is to be acknowledged.

        Raises as `add` does; ContentError CLAIM_NOT_FOUND, ID_AMBIGUOUS.
        """
        check_credential(credential, schema, issuer_key)
        with self._shelf.writing() as records:
            claim = one_of(_claims(records), claim_id, VaultReason.CLAIM_NOT_FOUND)
            held = self._add(records, credential, schema, issuer_key)
            records.put(replace(claim, credential=held.id))
        return held

    def end_claim(self, claim_id: str) -> None:
        """Forget a claim that was acknowledged, or refused for good; what is not there stays so."""
        with self._shelf.writing() as records:
            records.delete(claim_id)

    # Uses

    def usages(self) -> list[Usage]:
        """Return all uses."""
        with self._shelf.reading() as records:
            found = records.all(Kind.USAGE, self._usage_of)
            return sorted(found, key=lambda each: (each.time, each.id))

    def usage(self, usage_id: str) -> Usage:
        """Return one use; ContentError USAGE_NOT_FOUND, ID_AMBIGUOUS."""
        return one_of(self.usages(), usage_id, VaultReason.USAGE_NOT_FOUND)

    def begin_usage(
        self, fetched: FetchedRequest, prepared: Prepared, *, consent: str | None = None
    ) -> Usage:
        """Store a use with the very bytes that are to be sent, and the openings of its commitments, before
        they are sent.

        One that nobody was asked about is counted for the standing consent that allows it; PresentingError
        CONSENT_BEYOND if that does not. Raises ContentError USAGE_MISMATCH if the presentation answers
        another request or carries a tag that is not this vault's.
        """
        usage = self._made(fetched.link, fetched.signed_request, fetched.verifier_display_name, prepared)
        with self._shelf.writing() as records:
            if consent is not None:
                self.consents.count(records, consent, usage.request)
            put_usage(self._shelf, records, usage, prepared)
        return usage

    def _made(
        self, link: UsageLink, signed: SignedRequest, verifier_display_name: LocalizedText, prepared: Prepared
    ) -> Usage:
        """Return a use as it is read again once it is stored; ContentError USAGE_MISMATCH."""
        usage = Usage(
            id=self._shelf.new_id(),
            state=UsageState.SENT,
            time=self._shelf.now(),
            link=link,
            request_id=prepared.request_id,
            verifier_display_name=verifier_display_name,
            signed_request=signed,
            presentation=prepared.presentation,
            schemas=prepared.schemas,
            holder_note=prepared.holder_note,
            own_tag=self.recognises(answer_of(prepared.presentation).usage_tag),
            facts=prepared.facts,
        )
        if not usage.own_tag or usage.request.digest != usage.answer.request_digest:
            detail = "the presentation is for another request, or was made with another vault"
            raise ContentError(VaultReason.USAGE_MISMATCH, detail)
        return self._usage_of(usage.id, usage.octets())

    def finish_usage(
        self, usage_id: str, *, receipt: bytes | None = None, reason: str | None = None
    ) -> Usage:
        """Write down how a use ended: with a receipt that was checked, or refused for a reason.

        The identifier is a whole one, and exactly one of receipt and reason is given. A receipt that is
        stored stays, whatever comes after; it also takes the place of a refusal. Raises ContentError
        USAGE_NOT_FOUND; ValueError.
        """
        if (receipt is None) == (reason is None):
            raise ValueError("a use ends with a receipt or with a reason")
        state = UsageState.REFUSED if receipt is None else UsageState.ANSWERED
        with self._shelf.writing() as records:
            usage = records.one(usage_id, Kind.USAGE, self._usage_of, VaultReason.USAGE_NOT_FOUND)
            if usage.state is not UsageState.ANSWERED:
                usage = replace(usage, state=state, receipt=receipt, reason=reason)
                records.put(usage)
        return usage

    def verifier_counts(self) -> Mapping[VerifierName, int]:
        """Return how many uses were answered for each verifier."""
        return Counter(each.verifier for each in self.usages() if each.state is UsageState.ANSWERED)

    def recognises(self, usage_tag: bytes) -> bool:
        """Tell whether a usage tag is this vault's."""
        return self.keys.recognises(usage_tag)

    def open_note(self, note: bytes) -> Note | None:
        """Return what a note says, of a use or of an event, or None if this vault did not write it."""
        return open_note(self.keys, note)

    # Events

    def events(self) -> list[Event]:
        """Return what happened besides uses: refusals, consents, withdrawals, things sent."""
        with self._shelf.reading() as records:
            return events_in(records)

    def begin_event(self, server: str, note: EventNote, make: MakeCall) -> Event:
        """Store an event with the very call that is to be sent, before it is sent.

        `make` is given a request_id and the sealed note of 1,024 octets. One that is under way, or was
        recorded, for the same kind, party and digest is returned as it is, and is not made anew.
        """
        with self._shelf.writing() as records:
            return begin_event(self._shelf, records, server, note, make)

    def finish_event(
        self, event_id: str, *, receipt: bytes | None = None, reason: str | None = None
    ) -> Event:
        """Write down how an event ended: with a receipt that was checked, or refused for a reason.

        The identifier is a whole one. A receipt that is stored stays. Raises ContentError EVENT_NOT_FOUND;
        ValueError.
        """
        with self._shelf.writing() as records:
            return finish_event(records, event_id, receipt, reason)

    def _usage_of(self, usage_id: str, octets: bytes) -> Usage:
        return usage_of(usage_id, octets, self.recognises)

    def _add(
        self, records: Records, credential: Credential, schema: Schema, issuer_key: IssuerKey
    ) -> HeldCredential:
        octets = credential.to_bytes(schema)
        for each in _held(records):
            if each.schema.name == schema.name and each.schema != schema:
                detail = f"the vault knows another schema as {schema.name}"
                raise ContentError(VaultReason.SCHEMA_CHANGED, detail)
            if hmac.compare_digest(each.credential.to_bytes(each.schema), octets):
                return each
        held = HeldCredential(self._shelf.new_id(), credential, schema, issuer_key, self._shelf.now())
        records.put(held)
        return held


def _held(records: Records) -> list[HeldCredential]:
    found = records.all(Kind.CREDENTIAL, held_credential_of)
    return sorted(found, key=lambda each: (each.received, each.id))


def _every(records: Records) -> list[Held]:
    return [*_held(records), *held_in(records)]


def _claims(records: Records) -> list[Claim]:
    found = records.all(Kind.CLAIM, claim_of)
    return sorted(found, key=lambda each: (each.begun, each.id))
