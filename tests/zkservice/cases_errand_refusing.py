"""Refusals of a holder's word that a counter asks too much: it is about what that one asks."""

from typing import Any

from tests.zkservice.cases_errands import BAD, GONE, STATE, errands_of, in_errand
from tests.zkservice.errands import Errands, Started
from tests.zkservice.refusing import Case, Refusable, Town, add
from zkproto.v1 import errand_pb2 as pb

CASES: list[Case] = []
UNASKED = bytes(range(32))


def refused(code: str, reason: str, *fields: str, name: str, submitted: bool = False, **said: Any) -> None:
    """A message that is refused; what is said stands in it instead."""

    def call(errands: Errands, started: Started) -> Any:
        message = started.refusal("birth", UNASKED)
        message.MergeFrom(pb.RefuseErrandPartRequest(**said))
        if "request_digest" in said:
            message.request_digest = said["request_digest"]
        return errands.stub.RefuseErrandPart(message)

    in_errand(CASES, code, reason, *fields, name=f"RefuseErrandPart {name}", submitted=submitted)(call)


refused(STATE, "PART_STATE_INVALID", "part", name="that was handed in", submitted=True)
refused(STATE, "PART_STATE_INVALID", "part", name="that was not asked")
refused(BAD, "FIELD_MISSING", "request_digest", name="of nothing", request_digest=b"")
refused(GONE, "NOT_FOUND", "part", name="of another errand", part=f"errandParts/{'x' * 22}")
refused(GONE, "NOT_FOUND", name="of another ticket", ticket="x")
refused(BAD, "NOTE_MISMATCH", "holder_note", name="with a short note", holder_note=bytes(9))
refused(BAD, "FIELD_INVALID", "request_id", name="with no UUID", request_id="1")


@add(CASES, STATE, "PART_STATE_INVALID", "request_digest", name="RefuseErrandPart of what nobody asked")
async def _unasked(town: Town) -> Refusable:
    errands = await errands_of(town.city, town.issued)
    started = await errands.start()
    await started.ask("birth")
    return lambda: errands.stub.RefuseErrandPart(started.refusal("birth", UNASKED))
