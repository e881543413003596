"""Standing consents in the vault: what was granted, what was answered under it, and when it ended.

The vault holds a verifier to the terms by itself: what the service lets through beyond them is refused here.
State rules: a consent is stored with the event that tells of it, in one transaction and before that is sent;
an answer under it is counted in the transaction that stores the answer, before that is sent. What was read of
the ledger counts from the transaction in which it is believed: a vault that was put back from an older copy
of its file neither goes on with what was withdrawn since, nor answers where it has lost count.

Each consent has a key of its own, derived from the log's key that it was granted under, from its name and its
terms. What the log's key is in there for: a service chooses names and can hand on another one's terms, so
without it two services could have one consent granted twice, and see by the key that both are of one vault.
The origin would not do, since anybody can call a log so; under another's key nobody can sign.

When the log goes over to another key, the service knows the consent by the key that it was granted with. So a
consent remembers which log's key that was, and its own key stays. That is sound, because nothing is signed by
it at a log whose key is not proven to have taken the place of that one (`disclosure.log_key_change`), which
takes the signature of the key it was granted under. A log of the same origin, with a key that the person was
made to pin, sees no signature of it. And it links nothing: before and after it is one consent of one name.
What is signed names the log by the key that is pinned now, as everything else does.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import tlog
from disclosure import ConsentLink, LocalizedText, Reason, RefusedError
from disclosure.canonical import Item
from disclosure.composite import CompositeRequest
from disclosure.event import EventKind
from disclosure.request import CLOCK_TOLERANCE, Request
from disclosure.standing import SignedTerms, StandingTerms
from prover.errors import ContentError, PresentingError, VaultReason
from prover.events import Call, Event, EventState, MakeCall, begin_event, events_in
from prover.finding import one_of
from prover.notes import EventNote, NoteSummary, detail_of
from prover.reading import Found
from prover.records import Kind, head_of, malformed, milliseconds, moment_of, pack, unpack
from prover.sealing import VaultKeys
from prover.shelf import Records, Shelf
from prover.usages import usages_of

MakeGrant = Callable[[bytes, str, bytes], Call]
"""Gets the public key, 32 octets, that a consent is granted with; then what a MakeCall gets."""
Sign = Callable[[bytes], bytes]
"""Gives the signature, 64 octets, of what it is given."""


class GrantState(StrEnum):
    """Granted; withdrawn by the holder; or given back by the ledger, so that its answers are not all counted
    here."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    RECOVERED = "recovered"


@dataclass(frozen=True)
class HeldConsent:
    """A standing consent. `uses` are the times of the requests that were answered under it, as they state.

    `log` is the log's key that it was granted under. It is None where nothing here says which one that was:
    the ledger gave the consent back, or it was stored before this was remembered, or it was granted again
    under another one after a refusal.
    """

    id: str
    state: GrantState
    link: ConsentLink = field(repr=False)
    verifier_display_name: LocalizedText
    signed: SignedTerms = field(repr=False)
    uses: tuple[dt.datetime, ...] = ()
    log: tlog.Verifier | None = None

    @property
    def terms(self) -> StandingTerms:
        """What it allows."""
        return self.signed.terms

    def octets(self) -> bytes:
        """Return what is sealed."""
        uses: list[Item] = [milliseconds(each) for each in self.uses]
        head: list[Item] = [
            Kind.CONSENT.value, self.state.value, str(self.link), self.verifier_display_name.items(), uses,
            None if self.log is None else str(self.log),
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
    """Decode a consent's record; MalformedError. One from before keys of the log were remembered has none."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [
            [Kind.CONSENT, str(state), str(link), [str(zh), str(en)], list(uses), *more],
            [payload, signature],
        ] if state in set(GrantState) and all(isinstance(each, int) for each in uses):
            return HeldConsent(
                record_id,
                GrantState(state),
                ConsentLink.parse(link),
                LocalizedText(zh, en),
                SignedTerms(payload, signature),
                tuple(moment_of(each) for each in uses if isinstance(each, int)),
                _log_of(more),
            )
    raise malformed()


def _log_of(items: Sequence[Item]) -> tlog.Verifier | None:
    match items:
        case [] | [None]:
            return None
        case [str(written)]:
            try:
                return tlog.Verifier.from_string(written)
            except tlog.MalformedError:
                pass
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
        return one_of(self.all(), wanted, VaultReason.CONSENT_NOT_FOUND)

    def attended(self, server: str) -> list[HeldConsent]:
        """Return those that were granted here and that the service has given its receipt for.

        Without one it could have something answered and refuse the grant afterwards. Those that are used up
        are among them: what comes then is refused, and written down.
        """
        with self._shelf.reading() as records:
            taken = {
                each.note.digest
                for each in events_in(records)
                if each.state is EventState.RECORDED
                and (each.note.kind, each.server) == (EventKind.CONSENT_GRANTED, server)
            }
            granted = [each for each in _all(records) if each.state is GrantState.GRANTED]
        return [each for each in granted if each.link.server == server and each.terms.digest in taken]

    def signers(
        self,
        server: str,
        consent: str,
        log: tlog.Verifier,
        before: Callable[[], Sequence[tlog.Verifier]] = tuple,
    ) -> Iterator[Sign]:
        """Give what may sign for a consent at a server, by its name: one where it is known, else in turn.

        `log` is the key that the caller believes the service's log by, `before` reads those whose place it is
        proven to have taken, and is called only if they are needed. Raises ContentError CONSENT_NOT_FOUND;
        RefusedError LOG_KEY_NOT_FOLLOWED if it was granted under a key that is none of these.
        """
        held = self._named(server, consent)
        if held.log in (None, log):
            yield self._key(log, held.link, held.signed).sign
        if held.log == log:
            return
        earlier = [each for each in before() if held.log in (None, each)]
        if held.log is not None and not earlier:
            detail = "the consent was granted under another log's key; nothing was signed"
            raise RefusedError(Reason.LOG_KEY_NOT_FOLLOWED, detail, field="consent")
        for each in earlier:
            yield self._key(each, held.link, held.signed).sign

    def _named(self, server: str, consent: str) -> HeldConsent:
        for each in self.all():
            if (each.link.server, each.link.consent) == (server, consent):
                return each
        raise ContentError(VaultReason.CONSENT_NOT_FOUND, "the vault holds no such consent")

    def _key(self, log: tlog.Verifier, link: ConsentLink, signed: SignedTerms) -> Ed25519PrivateKey:
        return self._shelf.keys.consent_key(str(log), link.consent, signed.terms.digest)

    def grant(
        self,
        log: tlog.Verifier,
        link: ConsentLink,
        signed: SignedTerms,
        verifier_display_name: LocalizedText,
        make: MakeGrant,
    ) -> tuple[HeldConsent, Event]:
        """Store a consent and the event that grants it; one that is there already is gone on with.

        Raises RefusedError REQUEST_MISMATCH if the vault holds one of this name with other terms.
        """
        with self._shelf.writing() as records:
            made = _known(records, link, signed) or HeldConsent(
                self._shelf.new_id(), GrantState.GRANTED, link, verifier_display_name, signed, log=log
            )
            records.put(made)

            def keyed(request_id: str, sealed: bytes) -> Call:
                # Called for a first grant, and for one after a refusal: by then it may be under another key.
                if made.log != log:
                    records.put(replace(made, log=None))
                public = self._key(log, link, signed).public_key().public_bytes_raw()
                return make(public, request_id, sealed)

            event = self._event(records, EventKind.CONSENT_GRANTED, made, keyed)
            return self._one(records, made.id), event

    def adopt(
        self, link: ConsentLink, signed: SignedTerms, verifier_display_name: LocalizedText
    ) -> HeldConsent:
        """Keep a consent that the ledger gave back: it can be withdrawn, and nothing is answered under it.

        Raises RefusedError REQUEST_MISMATCH if the vault holds one of this name with other terms.
        """
        with self._shelf.writing() as records:
            made = _known(records, link, signed) or HeldConsent(
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
        """Forget a consent that the service did not take; one that it took before stays."""
        with self._shelf.writing() as records:
            held = self._one(records, consent_id)
            granted = (EventKind.CONSENT_GRANTED, held.terms.digest)
            taken = [
                each
                for each in events_in(records)
                if (each.note.kind, each.note.digest) == granted and each.state is not EventState.REFUSED
            ]
            if held.state is GrantState.GRANTED and not taken:
                records.delete(consent_id)

    def asked(self, consent_id: str, request: Request | CompositeRequest) -> HeldConsent:
        """Return the consent that a request may be under.

        Raises PresentingError CONSENT_BEYOND for another verifier's request, and for one that was answered
        before. Only the service says then that it is under this consent: nothing is held against who signed.
        """
        with self._shelf.reading() as records:
            held = self._one(records, consent_id)
            self._check_open(records, request)
        if request.verifier != held.terms.verifier:
            detail = "beyond the standing consent: another verifier asks than it is for"
            raise PresentingError(VaultReason.CONSENT_BEYOND, detail)
        return held

    def _check_open(self, records: Records, request: Request | CompositeRequest) -> None:
        used = records.all(Kind.USAGE, usages_of(self._shelf.keys))
        if any(each.request.digest == request.digest for each in used):
            detail = "beyond the standing consent: the request was answered before"
            raise PresentingError(VaultReason.CONSENT_BEYOND, detail)

    def count(self, records: Records, consent_id: str, request: Request | CompositeRequest) -> None:
        """Count an answer, within the transaction that stores it; PresentingError CONSENT_BEYOND."""
        held = self._one(records, consent_id)
        self._check_open(records, request)
        held.check(request, self._shelf.now())
        records.put(replace(held, uses=(*held.uses, request.created)))

    def _event(self, records: Records, kind: EventKind, held: HeldConsent, make: MakeCall) -> Event:
        terms, where = held.terms, detail_of(held.link)
        note = EventNote(
            kind, str(terms.verifier), terms.asked.purpose, terms.digest, self._shelf.now(), where
        )
        return begin_event(self._shelf, records, held.link.server, note, make)

    @staticmethod
    def _one(records: Records, consent_id: str) -> HeldConsent:
        return records.one(consent_id, Kind.CONSENT, held_consent_of, VaultReason.CONSENT_NOT_FOUND)


def _all(records: Records) -> list[HeldConsent]:
    found = records.all(Kind.CONSENT, held_consent_of)
    return sorted(found, key=lambda each: (each.terms.created, each.id))


def _known(records: Records, link: ConsentLink, signed: SignedTerms) -> HeldConsent | None:
    """Return the consent of these terms; RefusedError REQUEST_MISMATCH where name and terms do not fit.

    By its name a vault withdraws a consent and asks what waits for it: two of one name cannot be told apart,
    and one of two names would be withdrawn under one of them only.
    """
    held = {each.terms.digest: each for each in _all(records)}
    known = held.get(signed.terms.digest)
    if known is not None and _name(known.link) != _name(link):
        detail = "the vault holds these terms under another name"
        raise RefusedError(Reason.REQUEST_MISMATCH, detail, field="consent")
    if known is None and any(_name(each.link) == _name(link) for each in held.values()):
        detail = "the service gives a consent's name to other terms than those that the vault holds"
        raise RefusedError(Reason.REQUEST_MISMATCH, detail, field="consent")
    return known


def _name(link: ConsentLink) -> tuple[str, str]:
    return link.server, link.consent


def settle(records: Records, keys: VaultKeys, found: Iterable[Found]) -> None:
    """Have the consents be as the ledger says, within the transaction in which its entries are believed.

    A withdrawal that stands there counts, whatever a copy of the vault's file says. So does a use that the
    vault does not hold: it may have been under any consent of that verifier's, so under none of them the
    answers are counted any more.
    """
    own = {each.holder_note for each in records.all(Kind.USAGE, usages_of(keys))}
    read = list(found)
    withdrawn = {
        each.note.digest
        for each in read
        if isinstance(each.note, EventNote) and each.note.kind is EventKind.CONSENT_WITHDRAWN
    }
    missed = [
        each.note for each in read if isinstance(each.note, NoteSummary) and each.holder_note not in own
    ]
    for held in _all(records):
        if held.terms.digest in withdrawn and held.state is not GrantState.WITHDRAWN:
            records.put(replace(held, state=GrantState.WITHDRAWN))
        elif held.state is GrantState.GRANTED and any(_may_be_under(held.terms, each) for each in missed):
            records.put(replace(held, state=GrantState.RECOVERED))


def _may_be_under(terms: StandingTerms, use: NoteSummary) -> bool:
    """Tell whether a use may have been under terms: it is their verifier's, and not from before them."""
    return use.verifier == terms.verifier and use.time >= terms.created - CLOCK_TOLERANCE
