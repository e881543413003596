"""What a vault keeps of errands: each one's ticket, its uses and its events; and what its holder declared."""

import datetime as dt
from dataclasses import dataclass, field, replace
from enum import StrEnum

from disclosure import ErrandLink
from disclosure.canonical import Item
from disclosure.errand import ErrandBundle, FormValue
from prover.records import Kind, head_of, malformed, milliseconds, moment_of, pack, unpack


class Stage(StrEnum):
    """How far an errand has come in the vault: begun, submitted, or over and done with."""

    BEGUN = "begun"
    SUBMITTED = "submitted"
    ENDED = "ended"


@dataclass(frozen=True)
class PartUse:
    """A use that answered one part: the part's identifier in the bundle, and the use's."""

    part: str
    usage: str


@dataclass(frozen=True)
class HeldErrand:
    """One errand.

    `request_id` is the one that it was begun with, stored before it was sent; `link` has the ticket, once the
    service has answered. `submissions` are the identifiers of events, each of which is the very call that
    went out. `told` is the last that the service has told of it, in its own octets.
    """

    id: str
    server: str
    request_id: str = field(repr=False)
    bundle: ErrandBundle
    begun: dt.datetime
    stage: Stage = Stage.BEGUN
    link: ErrandLink | None = field(default=None, repr=False)
    uses: tuple[PartUse, ...] = ()
    submissions: tuple[str, ...] = ()
    told: bytes = field(default=b"", repr=False)

    def submitted(self, uses: tuple[PartUse, ...], submission: str) -> "HeldErrand":
        """Return it with what is about to be sent."""
        return replace(
            self,
            stage=Stage.SUBMITTED,
            uses=(*self.uses, *uses),
            submissions=tuple(dict.fromkeys((*self.submissions, submission))),
        )

    def octets(self) -> bytes:
        """Return what is sealed."""
        head: list[Item] = [
            Kind.ERRAND.value, self.server, self.request_id, milliseconds(self.begun), self.stage.value,
            None if self.link is None else str(self.link), [[each.part, each.usage] for each in self.uses],
            list(self.submissions),
        ]  # fmt: skip
        return pack(head, self.bundle.canonical, self.told)


def errand_of(record_id: str, octets: bytes) -> HeldErrand:
    """Decode an errand's record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [
            [Kind.ERRAND, str(server), str(request_id), int(begun), str(stage), (str() | None) as link,
             list(uses), list(submissions)],
            [bundle, told],
        ] if stage in set(Stage):  # fmt: skip
            return HeldErrand(
                record_id, server, request_id, ErrandBundle.from_bytes(bundle), moment_of(begun),
                Stage(stage), None if link is None else ErrandLink.parse(link), tuple(map(_use, uses)),
                tuple(str(each) for each in submissions), told,
            )  # fmt: skip
    raise malformed()


def _use(item: Item) -> PartUse:
    match item:
        case [str(part), str(usage)]:
            return PartUse(part, usage)
    raise malformed()


@dataclass(frozen=True)
class Declared:
    """What a holder declared last for a field: the default of every form that asks the same thing."""

    id: str
    field_digest: bytes
    value: FormValue = field(repr=False)
    time: dt.datetime

    def octets(self) -> bytes:
        """Return what is sealed."""
        value: Item = self.value.isoformat() if isinstance(self.value, dt.date) else self.value
        is_date = isinstance(self.value, dt.date)
        return pack([Kind.DECLARED.value, self.field_digest, milliseconds(self.time), is_date, value])


def declared_of(record_id: str, octets: bytes) -> Declared:
    """Decode a declared value's record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [[Kind.DECLARED, bytes(digest), int(time), bool(is_date), (str() | int()) as value], []]:
            moment = moment_of(time)
            if not is_date:
                return Declared(record_id, digest, value, moment)
            try:
                return Declared(record_id, digest, dt.date.fromisoformat(str(value)), moment)
            except ValueError:
                raise malformed() from None
    raise malformed()
