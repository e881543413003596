"""The part of a vault that keeps errands; `Vault.errands` gives it.

State rules are the vault's: every method that changes something is one transaction. Two orders make a crash
harmless. The request_id is stored before an errand is begun, so that the same errand is found again. All uses
of a submission, the values that were declared in it, and the very call that goes out are stored in one
transaction before it goes: sent again it gets the receipts that the service keeps, or the same refusal.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from disclosure import ErrandLink, LocalizedText, SignedRequest
from disclosure.errand import Counter, ErrandBundle, FormValue
from prover.composite.handover_records import KeptNumber
from prover.composite.presenting import Prepared
from prover.errands.records import Declared, HeldErrand, PartUse, Stage, declared_of, errand_of
from prover.errors import ContentError, PresentingError, VaultReason
from prover.events import Event, EventState, MakeCall, begin_event, events_in
from prover.finding import one_of
from prover.notes import EventNote
from prover.records import Kind, request_of
from prover.shelf import Records, Shelf
from prover.usages import Usage, UsageLink, UsageState, usages_of

MakeUsage = Callable[[UsageLink, SignedRequest, LocalizedText, Prepared], Usage]


@dataclass(frozen=True)
class ProvenPart:
    """What goes to one counter: what it asked, the proof, and what was declared to it."""

    counter: Counter
    signed_request: SignedRequest = field(repr=False)
    verifier_display_name: LocalizedText
    prepared: Prepared = field(repr=False)
    values: Mapping[str, FormValue] = field(repr=False)


def put_usage(shelf: Shelf, records: Records, usage: Usage, prepared: Prepared) -> None:
    """Write a use, and the openings of its presentation's commitments."""
    records.put(usage)
    for each in prepared.kept:
        records.put(KeptNumber(shelf.new_id(), usage.id, each))


class Errands:
    """A vault's errands, in the order in which they were begun."""

    def __init__(self, shelf: Shelf, make_usage: MakeUsage) -> None:
        self._shelf, self._make_usage = shelf, make_usage

    def all(self) -> list[HeldErrand]:
        """Return all errands."""
        with self._shelf.reading() as records:
            return _all(records)

    def one(self, errand_id: str) -> HeldErrand:
        """Return the errand whose identifier begins so; ContentError ERRAND_NOT_FOUND, ID_AMBIGUOUS."""
        return one_of(self.all(), errand_id, VaultReason.ERRAND_NOT_FOUND)

    def begin(self, server: str, bundle: ErrandBundle) -> HeldErrand:
        """Store an errand before it is begun; one of the bundle that never was answered is gone on with."""
        with self._shelf.writing() as records:
            for each in _all(records):
                if each.link is None and (each.server, each.bundle) == (server, bundle):
                    return each
            made = HeldErrand(
                self._shelf.new_id(), server, self._shelf.new_request_id(), bundle, self._shelf.now()
            )
            records.put(made)
            return made

    def begun(self, errand_id: str, link: ErrandLink) -> HeldErrand:
        """Write down the ticket that the service has given."""
        return self._change(errand_id, lambda errand: replace(errand, link=link))

    def remember(self, errand_id: str, told: bytes, stage: Stage) -> HeldErrand:
        """Keep what the service has told of an errand last, and how far that says it has come.

        A vault that was put back from a copy may not know that an errand was submitted; of one that it does
        know to be nobody makes it open again.
        """

        def newer(errand: HeldErrand) -> HeldErrand:
            return replace(errand, told=told, stage=errand.stage if stage is Stage.BEGUN else stage)

        return self._change(errand_id, newer)

    def submit(
        self, errand_id: str, proven: Sequence[ProvenPart], note: EventNote, make: MakeCall
    ) -> tuple[HeldErrand, Event]:
        """Store what is about to be submitted: every use, what was declared, and the call itself.

        Raises ContentError ERRAND_NOT_FOUND, USAGE_MISMATCH; PresentingError ERRAND_CLOSED,
        EXCHANGE_ANSWERED.
        """
        with self._shelf.writing() as records:
            errand = self._one(records, errand_id)
            self._check_open(records, errand, proven)
            if errand.link is None:
                raise ContentError(VaultReason.ERRAND_NOT_FOUND, "the errand was not begun")
            event = begin_event(self._shelf, records, errand.server, note, make)
            uses = []
            for each in proven:
                prepared = replace(each.prepared, request_id=event.request_id)
                usage = self._make_usage(
                    errand.link, each.signed_request, each.verifier_display_name, prepared
                )
                put_usage(self._shelf, records, usage, prepared)
                uses.append(PartUse(each.counter.part, usage.id))
                self._declare(records, each.counter, each.values)
            errand = errand.submitted(tuple(uses), event.id)
            records.put(errand)
            return errand, event

    def _check_open(self, records: Records, errand: HeldErrand, proven: Sequence[ProvenPart]) -> None:
        """Refuse what is over, or on its way and nobody knows how that ends; and a second answer to a
        request, in whichever errand the first was: a service may hand one part out in two."""
        waiting = {each.id for each in events_in(records) if each.state is EventState.SENT}
        if errand.stage is Stage.ENDED or waiting & set(errand.submissions):
            raise PresentingError(VaultReason.ERRAND_CLOSED, "the errand is over, or is being submitted")
        uses = records.all(Kind.USAGE, usages_of(self._shelf.keys))
        answered = {each.request.digest for each in uses if each.state is not UsageState.REFUSED}
        if any(request_of(each.signed_request).digest in answered for each in proven):
            raise PresentingError(VaultReason.EXCHANGE_ANSWERED, "the vault has answered this request")

    def refused(self, errand_id: str, *, answered: bool) -> HeldErrand:
        """Write down that a submission was refused for good; `answered` tells that an earlier one was not."""
        stage = Stage.SUBMITTED if answered else Stage.BEGUN
        return self._change(errand_id, lambda errand: replace(errand, stage=stage))

    def abandon(self, errand_id: str, note: EventNote, make: MakeCall) -> Event:
        """Store that an errand is given up, with the call that says so, before it is sent.

        Raises PresentingError ERRAND_CLOSED for one that was submitted, or is over.
        """
        with self._shelf.writing() as records:
            errand = self._one(records, errand_id)
            if errand.stage is not Stage.BEGUN:
                raise PresentingError(VaultReason.ERRAND_CLOSED, "the errand was submitted, or is over")
            records.put(replace(errand, stage=Stage.ENDED))
            return begin_event(self._shelf, records, errand.server, note, make)

    def refuse(self, errand_id: str, note: EventNote, make: MakeCall) -> Event:
        """Store that what a counter asks is refused, before it is said; what was not submitted ends."""
        with self._shelf.writing() as records:
            errand = self._one(records, errand_id)
            if errand.stage is Stage.BEGUN:
                records.put(replace(errand, stage=Stage.ENDED))
            return begin_event(self._shelf, records, errand.server, note, make)

    def defaults(self, counter: Counter) -> dict[str, FormValue]:
        """Return what was declared last for the fields of a form, in whichever errand that was."""
        with self._shelf.reading() as records:
            known = {each.field_digest: each.value for each in records.all(Kind.DECLARED, declared_of)}
        found = {each.id: known.get(each.same_everywhere) for each in counter.fields}
        return {name: value for name, value in found.items() if value is not None}

    def _declare(self, records: Records, counter: Counter, values: Mapping[str, FormValue]) -> None:
        before = {each.field_digest: each.id for each in records.all(Kind.DECLARED, declared_of)}
        for each in counter.fields:
            if each.id in values:
                record_id = before.get(each.same_everywhere) or self._shelf.new_id()
                records.put(Declared(record_id, each.same_everywhere, values[each.id], self._shelf.now()))

    def _change(self, errand_id: str, change: Callable[[HeldErrand], HeldErrand]) -> HeldErrand:
        with self._shelf.writing() as records:
            changed = change(self._one(records, errand_id))
            records.put(changed)
            return changed

    @staticmethod
    def _one(records: Records, errand_id: str) -> HeldErrand:
        return records.one(errand_id, Kind.ERRAND, errand_of, VaultReason.ERRAND_NOT_FOUND)


def _all(records: Records) -> list[HeldErrand]:
    return sorted(records.all(Kind.ERRAND, errand_of), key=lambda each: (each.begun, each.id))
