"""What monitors tell one another, and what people tell a monitor: signed notes, and nothing else.

    GET gossip   the notes that this monitor has of each log, each after a line with its length
    POST gossip  one note; it is taken if a log that is followed has signed it

Who hands a note in is not asked and not kept. Whoever has a receipt hands in the checkpoint in it and never
the receipt: the checkpoint is the same for everybody in its block, unless the log cheats.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consortium.errors import ConsortiumError, Reason, SourceError
from consortium.fetching import Fetcher
from consortium.serving import BodyError, application, body_of, plain
from consortium.witness.app import MOST_NOTES, split_refused
from tlog import ProofFile, TlogError
from tlog.errors import Reason as TlogReason
from tlog.note import MAX_NOTE_OCTETS
from tlog.witness import TEXT_TYPE

MAX_GOSSIP_OCTETS: Final = 8 << 20
_ANSWER_OCTETS: Final = 4096
_FRESH: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def gossip_app(notes: Callable[[], Iterable[bytes]], take: Callable[[bytes], None]) -> Starlette:
    """Return the application; `take` raises TlogError for what is no note of a followed log, ConsortiumError
    for what it could not keep: that is answered with 503, since it may be kept another time."""

    async def give(_: Request) -> Response:
        return Response(framed(notes()), 200, _FRESH, TEXT_TYPE)

    async def hear(request: Request) -> Response:
        try:
            take(await body_of(request, MAX_NOTE_OCTETS))
        except BodyError as error:
            return plain(error.status, "the note is too long, or too slow")
        except ConsortiumError as error:
            return plain(503, error.detail)
        except TlogError as error:
            unknown = error.reason == TlogReason.ORIGIN_UNKNOWN
            unsigned = error.reason == TlogReason.NOTE_UNSIGNED
            return plain(404 if unknown else 403 if unsigned else 400, error.detail)
        return plain(200, "taken")

    return application([Route("/gossip", give, methods=["GET"]), Route("/gossip", hear, methods=["POST"])])


def framed(notes: Iterable[bytes]) -> bytes:
    """Return notes one after the other, as many as the bounds take."""
    body = bytearray()
    for each in islice(notes, MOST_NOTES):
        piece = b"%d\n%s" % (len(each), each)
        if len(body) + len(piece) > MAX_GOSSIP_OCTETS:
            break
        body += piece
    return bytes(body)


async def hear_from(url: str, fetcher: Fetcher) -> list[bytes]:
    """Return the notes that another monitor has; SourceError."""
    return split_refused(await fetcher.get(f"{url.rstrip('/')}/gossip", MAX_GOSSIP_OCTETS))


async def hand_in(receipt: bytes, url: str, fetcher: Fetcher) -> None:
    """Tell a monitor the checkpoint in a receipt, and nothing else of it.

    Raises MalformedError PROOF_MALFORMED, NOTE_MALFORMED, CHECKPOINT_MALFORMED; SourceError STATUS_UNEXPECTED
    (the monitor does not take it) and what `Fetcher.post` raises.
    """
    note = ProofFile.parse(receipt).checkpoint
    status, _ = await fetcher.post(f"{url.rstrip('/')}/gossip", note, _ANSWER_OCTETS)
    if status != 200:
        raise SourceError(Reason.STATUS_UNEXPECTED, f"the monitor answered {status}")
