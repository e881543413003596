"""Standing consents in the vault: what was granted, what was answered under it, and when it ended.

The vault holds a verifier to the terms by itself: what the service lets through beyond them is refused here.
State rules: a consent is stored with the event that tells of it, in one transaction and before that is sent;
an answer under it is counted in the transaction that stores the answer, before that is sent.
"""

import datetime as dt
from dataclasses import dataclass, field, replace
from enum import StrEnum

from disclosure import ConsentLink, LocalizedText
from disclosure.canonical import Item
from disclosure.composite import CompositeRequest
from disclosure.event import EventKind
from disclosure.request import CLOCK_TOLERANCE, Request
from disclosure.standing import SignedTerms, StandingTerms
from prover.errors import ContentError, PresentingError, VaultReason
from prover.events import Event, MakeCall, begin_event
from prover.notes import MAX_DETAIL_OCTETS, EventNote
from prover.records import Kind, head_of, malformed, milliseconds, moment_of, pack, unpack
from prover.shelf import Records, Shelf


class GrantState(StrEnum):
    """Granted; withdrawn by the holder; or given back by a recovery, whose answers are not counted here."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    RECOVERED = "recovered"


@dataclass(frozen=True)
class HeldConsent:
    """A standing consent. `uses` are the times of the requests that were answered under it, as they state."""

    id: str
    state: GrantState
    link: ConsentLink = field(repr=False)
    verifier_display_name: LocalizedText
    signed: SignedTerms = field(repr=False)
    uses: tuple[dt.datetime, ...] = ()

    @property
    def terms(self) -> StandingTerms:
        """What it allows."""
        return self.signed.terms

    def octets(self) -> bytes:
        """Return what is sealed."""
        uses: list[Item] = [milliseconds(each) for each in self.uses]
        head: list[Item] = [
            Kind.CONSENT.value, self.state.value, str(self.link), self.verifier_display_name.items(), uses,
        ]  # fmt: skip
        return pack(head, self.signed.payload, self.signed.signature)

    def check(self, request: Request | CompositeRequest, now: dt.datetime) -> None:
        """Raise PresentingError CONSENT_BEYOND unless it allows an answer to this request now.

        The interval is held to by the times that the requests state under the verifier's signature, so that
        what waited for a vault that was away does not make the next one too early.
        """
        terms = self.terms
        earliest = max(self.uses, default=None)
        beyond = {
            "it was withdrawn, or not granted with this vault": self.state is not GrantState.GRANTED,
            "the request asks something else": not terms.is_same(request),
            "its last day is over": terms.is_over(now),
            f"it is for {terms.times} requests": len(self.uses) >= terms.times,
            f"between two requests lie {terms.interval_days} days": earliest is not None
            and request.created < earliest + terms.interval - CLOCK_TOLERANCE,
        }
        for detail, is_so in beyond.items():
            if is_so:
                raise PresentingError(VaultReason.CONSENT_BEYOND, f"beyond the standing consent: {detail}")


def held_consent_of(record_id: str, octets: bytes) -> HeldConsent:
    """Decode a consent's record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [
            [Kind.CONSENT, str(state), str(link), [str(zh), str(en)], list(uses)],
            [payload, signature],
        ] if state in set(GrantState) and all(isinstance(each, int) for each in uses):
            return HeldConsent(
                record_id,
                GrantState(state),
                ConsentLink.parse(link),
                LocalizedText(zh, en),
                SignedTerms(payload, signature),
                tuple(moment_of(each) for each in uses if isinstance(each, int)),
            )
    raise malformed()


class Consents:
    """The part of a vault that holds standing consents; `Vault.consents` gives it."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def all(self) -> list[HeldConsent]:
        """Return all consents, oldest terms first."""
        with self._shelf.reading() as records:
            return _all(records)

    def find(self, wanted: str) -> HeldConsent:
        """Return the one whose identifier begins so; ContentError CONSENT_NOT_FOUND, ID_AMBIGUOUS."""
        found = [each for each in self.all() if wanted and each.id.startswith(wanted)]
        if not found:
            raise ContentError(VaultReason.CONSENT_NOT_FOUND, "the vault holds no such consent")
        if len(found) > 1:
            raise ContentError(VaultReason.ID_AMBIGUOUS, "several identifiers begin like this")
        return found[0]

    def grant(
        self, link: ConsentLink, signed: SignedTerms, verifier_display_name: LocalizedText, make: MakeCall
    ) -> tuple[HeldConsent, Event]:
        """Store a consent and the event that grants it; one that is there already is gone on with."""
        with self._shelf.writing() as records:
            made = HeldConsent(self._shelf.new_id(), GrantState.GRANTED, link, verifier_display_name, signed)
            for each in _all(records):
                if each.terms.digest == made.terms.digest:
                    made = each
            records.put(made)
            return made, self._event(records, EventKind.CONSENT_GRANTED, made, make)

    def adopt(
        self, link: ConsentLink, signed: SignedTerms, verifier_display_name: LocalizedText
    ) -> HeldConsent:
        """Keep a consent that the ledger gave back: it can be withdrawn, and nothing is answered under it."""
        with self._shelf.writing() as records:
            for each in _all(records):
                if each.terms.digest == signed.terms.digest:
                    return each
            made = HeldConsent(
                self._shelf.new_id(), GrantState.RECOVERED, link, verifier_display_name, signed
            )
            records.put(made)
        return made

    def withdraw(self, consent_id: str, make: MakeCall) -> tuple[HeldConsent, Event]:
        """Withdraw a consent and store the event that says so: this vault answers nothing of it any more."""
        with self._shelf.writing() as records:
            held = self._one(records, consent_id)
            withdrawn = replace(held, state=GrantState.WITHDRAWN)
            records.put(withdrawn)
            return withdrawn, self._event(records, EventKind.CONSENT_WITHDRAWN, withdrawn, make)

    def forget(self, consent_id: str) -> None:
        """Forget a consent that the service did not take."""
        with self._shelf.writing() as records:
            records.delete(consent_id)

    def count(self, records: Records, consent_id: str, request: Request | CompositeRequest) -> None:
        """Count an answer, within the transaction that stores it; PresentingError CONSENT_BEYOND."""
        held = self._one(records, consent_id)
        held.check(request, self._shelf.now())
        records.put(replace(held, uses=(*held.uses, request.created)))

    def _event(self, records: Records, kind: EventKind, held: HeldConsent, make: MakeCall) -> Event:
        terms, link = held.terms, str(held.link)
        # A new phone reads from the note where the consent is; a server's name may be too long for it.
        detail = link if len(link.encode()) <= MAX_DETAIL_OCTETS else ""
        note = EventNote(
            kind, str(terms.verifier), terms.asked.purpose, terms.digest, self._shelf.now(), detail
        )
        return begin_event(self._shelf, records, held.link.server, note, make)

    @staticmethod
    def _one(records: Records, consent_id: str) -> HeldConsent:
        return records.one(consent_id, Kind.CONSENT, held_consent_of, VaultReason.CONSENT_NOT_FOUND)


def _all(records: Records) -> list[HeldConsent]:
    found = records.all(Kind.CONSENT, held_consent_of)
    return sorted(found, key=lambda each: (each.terms.created, each.id))
