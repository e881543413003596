"""Opening what was escrowed, and checking an opening: from the presentation, and never from points.

The regulator and whoever checks it are each given the presentation with its request, verify all of it
themselves, and bind the opening to the digest that they computed of it. So an opening says of which
presentation it is, as the ledger names that, and none is filed under another one.
"""

from bbs import BbsError, DecodingError
from bbs.engine import Verified, verify
from bbs.gadgets.escrow import Escrow, EscrowKey, Opening, OpeningCase, verify_opening
from disclosure.composite.verify import CompositeClaim, compile_claim, proven_pseudonyms, refusal
from disclosure.errors import MalformedError, Reason, RefusedError


def open_escrow(key: EscrowKey, claim: CompositeClaim, escrow: str, reference: str) -> Opening:
    """Decrypt one escrow of a presentation, by its identifier in the request, for a case of the regulator's.

    `claim` has the time and the directory of when it was presented; `reference` has 1 to 256 characters. An
    opening is an entry of the ledger before its identity is used. Raises what `verify_composite` does;
    MalformedError MALFORMED (reference), RefusedError QUERY_MISMATCH (no such escrow), REGULATOR_UNKNOWN (it
    is escrowed to another key).
    """
    verified, gadget = _proven(claim, escrow)
    try:
        return key.open(verified, gadget, _case(claim, reference))
    except BbsError:
        detail = "the identifier is not escrowed to this key"
        raise RefusedError(Reason.REGULATOR_UNKNOWN, detail, field="escrow") from None


def verify_escrow_opening(opening: Opening, claim: CompositeClaim, escrow: str, reference: str) -> bytes:
    """Return the identity, 48 octets, if an opening is that of this presentation in this case.

    Raises what `verify_composite` does; MalformedError MALFORMED (opening or reference), RefusedError
    QUERY_MISMATCH (no such escrow), PROOF_INVALID (another presentation, case, escrow or key).
    """
    verified, gadget = _proven(claim, escrow)
    try:
        return verify_opening(verified, gadget, _case(claim, reference), opening)
    except DecodingError:
        raise MalformedError(Reason.MALFORMED, "the octets are no opening", field="opening") from None
    except BbsError:
        raise RefusedError(Reason.PROOF_INVALID, "the opening does not hold", field="opening") from None


def _proven(claim: CompositeClaim, escrow: str) -> tuple[Verified, Escrow]:
    """Verify the presentation, and return what it has proven with the gadget of one of its escrows."""
    compiled = compile_claim(claim)
    try:
        verified = verify(compiled.statement, compiled.context, claim.presentation.proof)
    except BbsError as error:
        raise refusal(error) from None
    proven_pseudonyms(claim, compiled, verified)
    if escrow not in compiled.layout.escrows:
        raise RefusedError(Reason.QUERY_MISMATCH, "the branch has no such escrow", field="escrow")
    return verified, compiled.layout.escrows[escrow]


def _case(claim: CompositeClaim, reference: str) -> OpeningCase:
    try:
        return OpeningCase(reference, claim.presentation.digest)
    except BbsError as error:
        raise MalformedError(Reason.MALFORMED, error.detail, field="reference") from None
