"""Opening what was escrowed, by two officers, and checking it: from the presentation, and never from points.

Each officer and whoever checks them is given the presentation with its request, verifies all of it, and binds
what it does to the digest that it computed of it. So an opening says of which presentation it is, as the
ledger names that, and none is filed under another one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bbs import BbsError, DecodingError
from bbs.engine import Verified, verify
from bbs.gadgets.escrow import Escrow
from bbs.gadgets.escrow_shares import EscrowShare, OpeningCase, PartialOpening, combine, verify_part
from disclosure.composite.verify import CompositeClaim, compile_claim, proven_pseudonyms, refusal
from disclosure.errors import MalformedError, Reason, RefusedError


def open_part(share: EscrowShare, claim: CompositeClaim, escrow: str, reference: str) -> PartialOpening:
    """Make one officer's part of opening an escrow of a presentation, by its identifier in the request.

    `claim` has the time and the directory of when it was presented; `reference`, of the regulator's case, has
    1 to 256 characters. A part is an entry of the ledger before the other officer is given it: so one honest
    officer is enough for an opening to be known of. Raises what `verify_composite` does; MalformedError
    MALFORMED (reference), RefusedError QUERY_MISMATCH (no such escrow), REGULATOR_UNKNOWN (it is escrowed to
    a key that this is no share of).
    """
    asked = _Asked.of(claim, escrow, reference)
    try:
        return share.open(asked.verified, asked.gadget, asked.officers, asked.case)
    except BbsError:
        detail = "the identifier is not escrowed to a key of this share"
        raise RefusedError(Reason.REGULATOR_UNKNOWN, detail, field="escrow") from None


def verify_opening_part(part: PartialOpening, claim: CompositeClaim, escrow: str, reference: str) -> bytes:
    """Return an officer's public key, 48 octets, if a part is its own, of this presentation in this case.

    Raises what `verify_composite` does; MalformedError MALFORMED (part or reference), RefusedError
    QUERY_MISMATCH (no such escrow), PROOF_INVALID (another presentation, case, escrow or officer).
    """
    asked = _Asked.of(claim, escrow, reference)
    try:
        verify_part(asked.verified, asked.gadget, asked.officers, asked.case, part)
    except BbsError as error:
        raise _refusal(error) from None
    return part.share


def combine_opening(
    parts: Sequence[PartialOpening], claim: CompositeClaim, escrow: str, reference: str
) -> bytes:
    """Return the identity, 48 octets, that the parts of both officers open, in the order of the key's shares.

    Who sees it can try identifiers: it goes to those whom the case concerns, once the opening is on the
    ledger. Raises as `verify_opening_part` does: a part that is missing is PROOF_INVALID too.
    """
    asked = _Asked.of(claim, escrow, reference)
    try:
        return combine(asked.verified, asked.gadget, asked.officers, asked.case, parts)
    except BbsError as error:
        raise _refusal(error) from None


@dataclass(frozen=True)
class _Asked:
    """What is opened: what a presentation has proven, one of its escrows, whose it is, and the case."""

    verified: Verified
    gadget: Escrow
    officers: tuple[bytes, ...]
    case: OpeningCase

    @classmethod
    def of(cls, claim: CompositeClaim, escrow: str, reference: str) -> "_Asked":
        """Verify the presentation, and find one of its escrows."""
        compiled = compile_claim(claim)
        try:
            verified = verify(compiled.statement, compiled.context, claim.presentation.proof)
        except BbsError as error:
            raise refusal(error) from None
        proven_pseudonyms(claim, compiled, verified)
        if escrow not in compiled.layout.escrows:
            raise RefusedError(Reason.QUERY_MISMATCH, "the branch has no such escrow", field="escrow")
        _, branch = claim.request.branch(claim.presentation.answer.branch)
        regulator = next(each.regulator for each in branch.escrows if each.id == escrow)
        key = claim.directory.regulator(regulator, field="escrow")
        case = _case(reference, claim.presentation.digest, escrow)
        return cls(verified, compiled.layout.escrows[escrow], key.officers, case)


def _case(reference: str, presentation: bytes, escrow: str) -> OpeningCase:
    try:
        return OpeningCase(reference, presentation, escrow)
    except BbsError as error:
        raise MalformedError(Reason.MALFORMED, error.detail, field="reference") from None


def _refusal(error: BbsError) -> MalformedError | RefusedError:
    if isinstance(error, DecodingError):
        return MalformedError(Reason.MALFORMED, "the octets are no part of an opening", field="parts")
    return RefusedError(Reason.PROOF_INVALID, "the opening does not hold", field="parts")
