"""An errand before it is submitted: what its counters ask, how each would be answered, who gets what.

All of it are values: nothing is stored and nothing is sent.
"""

import datetime as dt
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from disclosure import AttributeDefinition, LocalizedText, MalformedError, Schema, SignedRequest
from disclosure.errand import Counter, ErrandBundle, Form, FormValue, PartAsk
from disclosure.policy import RegisteredPolicy
from prover.composite.planning import CompositePlan
from prover.composite.presenting import Prepared, present_plan
from prover.composite.telling import CompositeConsent, Treatment
from prover.errors import PresentingError, VaultReason
from prover.present import Consent, Plan, present
from prover.records import AnyRequest, request_of
from prover.sealing import VaultKeys


@dataclass(frozen=True)
class AskedPart:
    """What one counter asks: opened under its registered key, tied to this part, within its policy."""

    counter: Counter
    tie: PartAsk
    signed_request: SignedRequest = field(repr=False)
    verifier_display_name: LocalizedText
    policy: RegisteredPolicy

    @property
    def request(self) -> AnyRequest:
        """The request, of the form that its label selects."""
        return request_of(self.signed_request)


@dataclass(frozen=True)
class PlannedPart:
    """How one part would be answered, and what would be declared with it."""

    asked: AskedPart
    plan: Plan | CompositePlan
    values: Mapping[str, FormValue] = field(default_factory=dict, repr=False)

    def prove(self, keys: VaultKeys, now: dt.datetime) -> tuple[Prepared, Form | None]:
        """Prove it, by itself: with a usage tag and a note of its own, and a form that is bound to them.

        Raises as `present` and `present_plan` do.
        """
        form = Form(self.values) if self.asked.counter.fields else None
        tag = None if form is None else keys.tag_of(form.tag_nonce)
        if isinstance(self.plan, CompositePlan):
            return present_plan(self.plan, keys, now, tag=tag), form
        return present(self.plan, keys, now, tag=tag), form


def check_values(counter: Counter, values: Mapping[str, FormValue]) -> None:
    """Raise PresentingError FORM_INCOMPLETE, which names the field, unless these may be declared."""
    try:
        counter.check(values)
    except MalformedError as error:
        detail = f"{counter.part}: {error.field}: {error.detail}"
        raise PresentingError(VaultReason.FORM_INCOMPLETE, detail) from None


@dataclass(frozen=True)
class PartConsent:
    """What one counter would get: what it is shown and proven, and what is declared to it."""

    counter: Counter
    consent: Consent | CompositeConsent
    values: Mapping[str, FormValue] = field(repr=False)

    def seen(self) -> Iterator[tuple[Hashable, "Seen"]]:
        """Give what it would see, each with what makes it the same for another counter: an attribute, or the
        last day, of one credential; or what is declared, by its value.
        """
        if isinstance(self.consent, Consent):
            for plain in self.consent.credentials:
                shown = [each.attribute for each in plain.revealed]
                yield from _of_credential(plain.credential, plain.schema, shown, plain.expiry_shown)
        else:
            for told in self.consent.credentials:
                shown = [each.attribute for each in told.attributes if each.treatment is Treatment.SHOWN]
                yield from _of_credential(told.credential, told.schema, shown, told.expiry is not None)
        for each in self.counter.fields:
            if (value := self.values.get(each.id)) is not None:
                yield (type(value), value), Seen(each.display_name, None)


@dataclass(frozen=True)
class Seen:
    """Something that a counter sees: an attribute of a credential, its last day (no name), or what is
    declared (of no schema).
    """

    name: LocalizedText | None
    schema: Schema | None


def _of_credential(
    credential: str | None, schema: Schema, shown: Iterable[AttributeDefinition], expiry: bool
) -> Iterator[tuple[Hashable, Seen]]:
    for each in shown:
        yield (credential, schema.name, each.id), Seen(each.display_name, schema)
    if expiry:
        yield (credential, schema.name), Seen(None, schema)


@dataclass(frozen=True)
class SharedAnswer:
    """What several counters would see, by their parts."""

    seen: Seen
    parts: tuple[str, ...]


@dataclass(frozen=True)
class ErrandConsent:
    """Everything that a person has to know before an errand is submitted; see prover.errands.screen."""

    bundle: ErrandBundle
    parts: tuple[PartConsent, ...]

    @property
    def shared(self) -> tuple[SharedAnswer, ...]:
        """What more than one counter would see: by it they could find out that they serve one person."""
        found = dict[Hashable, SharedAnswer]()
        for part in self.parts:
            for same, seen in part.seen():
                before = found.get(same, SharedAnswer(seen, ()))
                parts = dict.fromkeys((*before.parts, part.counter.part))
                found[same] = replace(before, parts=tuple(parts))
        return tuple(each for each in found.values() if len(each.parts) > 1)

    @property
    def ends(self) -> dt.datetime:
        """Until when all of it can be answered."""
        return min(each.consent.ends for each in self.parts)
