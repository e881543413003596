"""The vault: what a person holds, encrypted at rest, opened by a passphrase.

State rules: every method that changes something is one transaction, durable when it returns and without any
effect when it raises. Two orders make a crash harmless. A claim's request_id is stored before the claim is
sent, and the claim is forgotten only after the credential is stored and acknowledged. A use is stored, with
the very bytes that go out, before they go out; sent again they give the receipt that the service keeps.

A vault is used by one thread at a time; several processes may have the same one open. Nothing here talks to
anybody; see prover.client.
"""

import datetime as dt
import hmac
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self, TypeVar

from disclosure import (
    Credential,
    IssuerKey,
    MalformedError,
    OfferLink,
    Schema,
    VerifierName,
    check_credential,
)
from prover import records
from prover.errors import ContentError, VaultFileError, VaultReason
from prover.notes import NoteSummary, open_note
from prover.present import PreparedPresentation
from prover.records import Claim, FetchedRequest, HeldCredential, Kind, Record, Usage, UsageState
from prover.sealing import Cost, RandomOctets, VaultKeys
from prover.store import PATIENCE, RECORD_ID_OCTETS, Store, Transaction

_REQUEST_ID_OCTETS: Final = 16


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


_Item = TypeVar("_Item", bound=_Identified)
_Decoded = TypeVar("_Decoded", bound=Record)


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
        self._store, self.keys, self._clock, self._rng = store, keys, clock, rng

    @classmethod
    def create(
        cls,
        path: Path | str,
        passphrase: str,
        *,
        cost: Cost | None = None,
        clock: Callable[[], dt.datetime] = utc_now,
        rng: RandomOctets = secrets.token_bytes,
        patience: dt.timedelta = PATIENCE,
    ) -> "Vault":
        """Make an empty vault where there is no file yet.

        `cost` is what guessing the passphrase costs, `patience` how long to wait for another process. Raises
        VaultFileError VAULT_EXISTS; PassphraseError PASSPHRASE_TOO_SHORT, PASSPHRASE_TOO_LONG; OSError.
        """
        keys = VaultKeys.generate(rng)
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
        """Close the file. Idempotent."""
        self._store.close()

    def change_passphrase(self, passphrase: str, *, cost: Cost | None = None) -> None:
        """Let another passphrase open the vault, and the old one no more.

        An older copy of the file still opens with the old one. Raises PassphraseError PASSPHRASE_TOO_SHORT,
        PASSPHRASE_TOO_LONG.
        """
        header = self.keys.wrap(passphrase, cost, rng=self._rng)
        with self._store.writing() as transaction:
            transaction.put_header(header)
        self._store.forget_replaced()

    # Credentials

    def credentials(self) -> list[HeldCredential]:
        """Return all credentials."""
        with self._store.reading() as transaction:
            return self._held(transaction)

    def credential(self, credential_id: str) -> HeldCredential:
        """Return one credential; ContentError CREDENTIAL_NOT_FOUND, ID_AMBIGUOUS."""
        return _find(self.credentials(), credential_id, VaultReason.CREDENTIAL_NOT_FOUND)

    def add(self, credential: Credential, schema: Schema, issuer_key: IssuerKey) -> HeldCredential:
        """Keep a credential whose signature holds; one that is held already is kept once.

        Raises what `check_credential` raises; ContentError SCHEMA_CHANGED if the vault knows another schema
        under this name, which never happens with an honest service.
        """
        check_credential(credential, schema, issuer_key)
        with self._store.writing() as transaction:
            return self._add(transaction, credential, schema, issuer_key)

    def remove(self, credential_id: str) -> None:
        """Forget a credential for good; ContentError CREDENTIAL_NOT_FOUND, ID_AMBIGUOUS."""
        with self._store.writing() as transaction:
            held = _find(self._held(transaction), credential_id, VaultReason.CREDENTIAL_NOT_FOUND)
            transaction.delete(bytes.fromhex(held.id))

    # Claims

    def pending_claims(self) -> list[Claim]:
        """Return the claims that are not yet acknowledged."""
        with self._store.reading() as transaction:
            return self._claims(transaction)

    def begin_claim(self, link: OfferLink) -> Claim:
        """Store a claim before it is sent; the one that is under way for the same offer is gone on with."""
        with self._store.writing() as transaction:
            claim = Claim(self._new_id(), link, self._new_request_id(), self._now())
            for each in self._claims(transaction):
                if (each.link.server, each.link.id) == (link.server, link.id):
                    claim = replace(each, link=link)
            self._put(transaction, claim)
        return claim

    def finish_claim(
        self, claim_id: str, credential: Credential, schema: Schema, issuer_key: IssuerKey
    ) -> HeldCredential:
        """Keep the credential that was claimed, and remember that the claim is to be acknowledged.

        Raises as `add` does; ContentError CLAIM_NOT_FOUND, ID_AMBIGUOUS.
        """
        check_credential(credential, schema, issuer_key)
        with self._store.writing() as transaction:
            claim = _find(self._claims(transaction), claim_id, VaultReason.CLAIM_NOT_FOUND)
            held = self._add(transaction, credential, schema, issuer_key)
            self._put(transaction, replace(claim, credential=held.id))
        return held

    def end_claim(self, claim_id: str) -> None:
        """Forget a claim that was acknowledged, or refused for good; what is not there stays so."""
        with self._store.writing() as transaction:
            transaction.delete(bytes.fromhex(claim_id))

    # Uses

    def usages(self) -> list[Usage]:
        """Return all uses."""
        with self._store.reading() as transaction:
            return self._uses(transaction)

    def usage(self, usage_id: str) -> Usage:
        """Return one use; ContentError USAGE_NOT_FOUND, ID_AMBIGUOUS."""
        return _find(self.usages(), usage_id, VaultReason.USAGE_NOT_FOUND)

    def begin_usage(self, fetched: FetchedRequest, prepared: PreparedPresentation) -> Usage:
        """Store a use with the very bytes that are to be sent, before they are sent.

        Raises ContentError USAGE_MISMATCH if the presentation answers another request or carries a tag that
        is not this vault's.
        """
        usage = Usage(
            id=self._new_id(),
            state=UsageState.SENT,
            time=self._now(),
            link=fetched.link,
            request_id=prepared.request_id,
            verifier_display_name=fetched.verifier_display_name,
            signed_request=fetched.signed_request,
            presentation=prepared.presentation,
            schemas=prepared.schemas,
            holder_note=prepared.holder_note,
            own_tag=self.recognises(prepared.presentation.usage_tag),
        )
        if not usage.own_tag or fetched.request.digest != prepared.presentation.request_digest:
            detail = "the presentation is for another request, or was made with another vault"
            raise ContentError(VaultReason.USAGE_MISMATCH, detail)
        stored = records.usage_of(usage.id, usage.octets(), self.recognises)
        with self._store.writing() as transaction:
            self._put(transaction, stored)
        return stored

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
        with self._store.writing() as transaction:
            usage = self._use(transaction, usage_id)
            if usage.state is not UsageState.ANSWERED:
                usage = replace(usage, state=state, receipt=receipt, reason=reason)
                self._put(transaction, usage)
        return usage

    def verifier_counts(self) -> Mapping[VerifierName, int]:
        """Return how many uses were answered for each verifier."""
        return Counter(each.verifier for each in self.usages() if each.state is UsageState.ANSWERED)

    def recognises(self, usage_tag: bytes) -> bool:
        """Tell whether a usage tag is this vault's."""
        return self.keys.recognises(usage_tag)

    def open_note(self, note: bytes) -> NoteSummary | None:
        """Return what a holder's note says, or None if this vault did not write it."""
        return open_note(self.keys, note)

    def _held(self, transaction: Transaction) -> list[HeldCredential]:
        found = self._decoded(transaction, Kind.CREDENTIAL, records.held_credential_of)
        return sorted(found, key=lambda each: (each.received, each.id))

    def _claims(self, transaction: Transaction) -> list[Claim]:
        found = self._decoded(transaction, Kind.CLAIM, records.claim_of)
        return sorted(found, key=lambda each: (each.begun, each.id))

    def _uses(self, transaction: Transaction) -> list[Usage]:
        found = self._decoded(
            transaction, Kind.USAGE, lambda name, octets: records.usage_of(name, octets, self.recognises)
        )
        return sorted(found, key=lambda each: (each.time, each.id))

    def _use(self, transaction: Transaction, usage_id: str) -> Usage:
        record_id = bytes.fromhex(usage_id)
        sealed = transaction.record(record_id)
        octets = None if sealed is None else self.keys.open_record(record_id, sealed)
        with _authentic():
            if octets is None or records.kind_of(octets) is not Kind.USAGE:
                raise ContentError(VaultReason.USAGE_NOT_FOUND, "the vault holds no such use")
            return records.usage_of(usage_id, octets, self.recognises)

    def _decoded(
        self, transaction: Transaction, kind: Kind, decode: Callable[[str, bytes], _Decoded]
    ) -> Iterator[_Decoded]:
        """Open all records, since nothing outside tells their kinds, and decode those of one kind."""
        for record_id, sealed in transaction.records():
            octets = self.keys.open_record(record_id, sealed)
            with _authentic():
                if records.kind_of(octets) is kind:
                    yield decode(record_id.hex(), octets)

    def _add(
        self, transaction: Transaction, credential: Credential, schema: Schema, issuer_key: IssuerKey
    ) -> HeldCredential:
        octets = credential.to_bytes(schema)
        for each in self._held(transaction):
            if each.schema.name == schema.name and each.schema != schema:
                detail = f"the vault knows another schema as {schema.name}"
                raise ContentError(VaultReason.SCHEMA_CHANGED, detail)
            if hmac.compare_digest(each.credential.to_bytes(each.schema), octets):
                return each
        held = HeldCredential(self._new_id(), credential, schema, issuer_key, self._now())
        self._put(transaction, held)
        return held

    def _put(self, transaction: Transaction, record: Record) -> None:
        record_id = bytes.fromhex(record.id)
        transaction.put(record_id, self.keys.seal_record(record_id, record.octets(), self._rng))

    def _now(self) -> dt.datetime:
        """Return the time to the millisecond, as records keep it."""
        return records.moment_of(records.milliseconds(self._clock()))

    def _new_id(self) -> str:
        return self._rng(RECORD_ID_OCTETS).hex()

    def _new_request_id(self) -> str:
        return records.new_request_id(self._rng(_REQUEST_ID_OCTETS))


@contextmanager
def _authentic() -> Iterator[None]:
    """Name the fault of a record that the vault itself sealed and yet cannot read."""
    try:
        yield
    except MalformedError:
        detail = "a record was written by another version of this program"
        raise VaultFileError(VaultReason.VERSION_UNKNOWN, detail) from None


def _find(items: Iterable[_Item], wanted: str, missing: VaultReason) -> _Item:
    found = [each for each in items if wanted and each.id.startswith(wanted)]
    if not found:
        raise ContentError(missing, "the vault holds nothing under this identifier")
    if len(found) > 1:
        raise ContentError(VaultReason.ID_AMBIGUOUS, "several identifiers begin like this; give more of it")
    return found[0]
