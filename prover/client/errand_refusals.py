"""What a vault says about an errand instead of an answer: it is given up, or a counter asks too much.

Both are events: stored before they are said, said again by `resume` if that broke off, with receipts.
"""

import tlog
from disclosure import ErrandLink
from disclosure.errand import abandonment_digest
from disclosure.event import EventKind
from prover.client import events
from prover.client.calls import Way
from prover.errands.planning import AskedPart
from prover.errands.records import HeldErrand
from prover.events import Call, Event
from prover.notes import EventNote, detail_of
from prover.vault import Vault
from zkproto.v1 import errand_pb2 as pb

_SERVICE = "ErrandService"


def errand_note(way: Way, kind: EventKind, errand: HeldErrand, link: ErrandLink, about: bytes) -> EventNote:
    """Return an event's note: its detail is the errand's link, by which a new phone follows it on."""
    party, title = str(errand.bundle.name), errand.bundle.display_name
    return EventNote(kind, party, title, about, way.clock(), detail_of(link))


def abandoned(way: Way, vault: Vault, errand: HeldErrand, link: ErrandLink, log: tlog.Verifier) -> Event:
    """Write down that an errand is given up, and say so if the service can be reached."""
    note = errand_note(way, EventKind.DECLINED, errand, link, abandonment_digest(link.errand))

    def make(request_id: str, sealed: bytes) -> Call:
        message = pb.AbandonErrandRequest(
            errand=link.errand, ticket=link.ticket, holder_note=sealed, request_id=request_id
        )
        return events.outgoing(_SERVICE, "AbandonErrand", message)

    return events.tried(way, vault, vault.errands.abandon(errand.id, note, make), log)


def over_asked(
    way: Way, vault: Vault, errand: HeldErrand, link: ErrandLink, asked: AskedPart, log: tlog.Verifier
) -> Event:
    """Write down that a counter asks more than its policy allows, and say so if the service can be reached.

    An errand that was not submitted ends with it: what that counter may not ask it is not given, and nothing
    goes out in part. Of one that was, the part is rejected that was asked anew.
    """
    request = asked.request
    note = EventNote(
        EventKind.OVER_ASKED, str(request.verifier), request.purpose, request.digest, way.clock()
    )

    def make(request_id: str, sealed: bytes) -> Call:
        message = pb.RefuseErrandPartRequest(
            errand=link.errand,
            ticket=link.ticket,
            part=str(asked.tie.part),
            request_digest=request.digest,
            holder_note=sealed,
            request_id=request_id,
        )
        return events.outgoing(_SERVICE, "RefuseErrandPart", message)

    return events.tried(way, vault, vault.errands.refuse(errand.id, note, make), log)
