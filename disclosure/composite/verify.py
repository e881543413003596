"""The verifier's side: one presentation or many, each against the verifier's own request and directory."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bbs import BbsError, DecodingError
from bbs.engine import Claim, Verified, verify_batch
from disclosure.composite.compiler import Compiled, compile_answer
from disclosure.composite.counterparts import check_compared, check_counterparts
from disclosure.composite.directory import CompositeDirectory
from disclosure.composite.issuance import PresentedCommitment
from disclosure.composite.presentation import CompositePresentation
from disclosure.composite.request import CompositeRequest
from disclosure.composite.verified import VerifiedComposite
from disclosure.errors import DisclosureError, MalformedError, Reason, RefusedError


@dataclass(frozen=True)
class CompositeClaim:
    """A presentation with what its verifier knows: the request it sent, its directory, the time.

    Whoever looks at it later takes time and directory as they were when it was presented. `others` are the
    verified presentations of other holders whose numbers the branch counts: without them it is refused, since
    a commitment that nobody verified is a number that nobody signed.
    """

    request: CompositeRequest
    presentation: CompositePresentation
    directory: CompositeDirectory
    now: dt.datetime
    others: tuple[VerifiedComposite, ...] = ()


CompositeVerdict = VerifiedComposite | DisclosureError
"""What was verified, or the error that `verify_composite` raises for the claim."""


def verify_composite(
    request: CompositeRequest,
    presentation: CompositePresentation,
    directory: CompositeDirectory,
    now: dt.datetime,
    others: tuple[VerifiedComposite, ...] = (),
) -> VerifiedComposite:
    """Verify one presentation of a request that was opened, or made, by the caller.

    Raises what `compile_answer` does; MalformedError PRESENTATION_INVALID (a proof that is none),
    RefusedError PROOF_INVALID; COMMITMENT_INVALID (a number of none of `others`, or the numbers of one holder
    for those of two), UNSATISFIED (holders or subjects are not who they have to be to each other).
    """
    (verdict,) = verify_composite_batch([CompositeClaim(request, presentation, directory, now, others)])
    if isinstance(verdict, DisclosureError):
        raise verdict
    return verdict


def verify_composite_batch(claims: Sequence[CompositeClaim]) -> list[CompositeVerdict]:
    """Verify presentations of any requests together; a verdict for each, in order, that it gets alone too.

    Those of the plain form have a batch of their own: their proofs are the draft's.
    """
    compiled = [_compiled(claim) for claim in claims]
    proofs = [
        Claim(each.statement, each.context, claim.presentation.proof)
        for claim, each in zip(claims, compiled, strict=True)
        if isinstance(each, Compiled)
    ]
    outcomes = iter(verify_batch(proofs))
    return [
        _verdict(claim, each, next(outcomes)) if isinstance(each, Compiled) else each
        for claim, each in zip(claims, compiled, strict=True)
    ]


def _compiled(claim: CompositeClaim) -> Compiled | DisclosureError:
    try:
        return compile_claim(claim)
    except DisclosureError as error:
        return error


def compile_claim(claim: CompositeClaim) -> Compiled:
    """Compile what a claim's proof must prove, whose foreign numbers were all verified.

    Raises what `compile_answer` and `check_counterparts` do.
    """
    compiled = compile_answer(claim.request, claim.presentation.answer, claim.directory, claim.now)
    check_counterparts(compiled.rules, claim.others)
    return compiled


def proven_pseudonyms(claim: CompositeClaim, compiled: Compiled, verified: Verified) -> Mapping[str, bytes]:
    """Return the pseudonyms of a proof that holds, which are to others' what the branch says.

    Raises RefusedError UNSATISFIED.
    """
    pseudonyms = {name: verified.octets[each.N] for name, each in compiled.layout.pseudonyms.items()}
    check_compared(compiled.rules, claim.others, pseudonyms)
    return pseudonyms


def _verdict(claim: CompositeClaim, compiled: Compiled, outcome: Verified | BbsError) -> CompositeVerdict:
    if isinstance(outcome, BbsError):
        return refusal(outcome)
    try:
        pseudonyms = proven_pseudonyms(claim, compiled, outcome)
    except DisclosureError as error:
        return error
    digest, layout = claim.presentation.digest, compiled.layout
    commitments = {
        each.id: compiled.rules.committed(each, digest, outcome.octets[layout.commitments[each.id].gadget.K])
        for each in compiled.rules.branch.commitments
    }
    scopes = {each.id: each.scope_digest(claim.request.verifier) for each in compiled.rules.branch.pseudonyms}
    commitment, terms = None, claim.request.issuance
    if layout.commitment is not None and terms is not None:
        commitment = PresentedCommitment(terms, outcome.octets[layout.commitment.C], digest)
    suite = str(compiled.rules.suite)
    return VerifiedComposite(
        claim.presentation.answer, digest, suite, pseudonyms, scopes, commitments, commitment
    )


def refusal(error: BbsError) -> DisclosureError:
    """Return what is wrong with a presentation whose proof the engine refuses."""
    if isinstance(error, DecodingError):
        return MalformedError(Reason.PRESENTATION_INVALID, "the proof is malformed", field="proof")
    return RefusedError(Reason.PROOF_INVALID, "the proof does not hold", field="proof")
