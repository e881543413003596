"""A log of these tests' own, with a key of its own, that hands out receipts."""

import datetime as dt

import tlog
from disclosure import Presentation, ReceiptBody, Request
from disclosure.composite import CompositePresentation, CompositeRequest
from tests.disclosure.world import NOW

SIGNER = tlog.Signer.from_secret("log.example/tests", bytes(range(7, 39)))
LOG = SIGNER.verifier
SALT = bytes(range(50, 82))
MOMENT = NOW + dt.timedelta(seconds=30)


def receipt_for(
    request: Request | CompositeRequest,
    presentation: Presentation | CompositePresentation,
    *,
    verified: dt.datetime = MOMENT,
    note_hash: bytes | None = None,
    body: bytes | None = None,
    before: int = 3,
    after: int = 2,
    signer: tlog.Signer = SIGNER,
) -> bytes:
    """Put an answer's receipt on a log between other entries, and return the receipt's file."""
    said = ReceiptBody(request.verifier, request.digest, presentation.digest, verified).to_bytes()
    own = presentation.answer if isinstance(presentation, CompositePresentation) else presentation
    opening = tlog.ReceiptOpening(
        SALT, said if body is None else body, own.note_hash if note_hash is None else note_hash
    )
    others = [tlog.ReceiptEntry(bytes([n] * 32), bytes(32)).to_bytes() for n in range(before + after)]
    entries = [*others[:before], opening.entry().to_bytes(), *others[before:]]
    leaves = [tlog.leaf_hash(entry) for entry in entries]
    size = len(leaves)

    def node(level: int, index: int) -> bytes:
        return tlog.root_of(leaves[index << level : (index + 1) << level])

    note = tlog.sign_checkpoint(tlog.Checkpoint(signer.name, size, tlog.root_of(leaves)), signer)
    return tlog.receipt_file(opening, before, tlog.inclusion_proof(before, size, node), note)
