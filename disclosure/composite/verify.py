"""The verifier's side: one presentation or many, each against the verifier's own request and directory."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bbs import BbsError, DecodingError
from bbs.engine import Claim, Verified, verify_batch
from disclosure.composite.compiler import Compiled, compile_answer
from disclosure.composite.directory import CompositeDirectory
from disclosure.composite.issuance import PresentedCommitment
from disclosure.composite.presentation import Answer, CompositePresentation
from disclosure.composite.request import CompositeRequest
from disclosure.errors import DisclosureError, MalformedError, Reason, RefusedError


@dataclass(frozen=True)
class CompositeClaim:
    """A presentation with what its verifier knows: the request it sent, its directory, the time.

    Whoever looks at it later takes time and directory as they were when it was presented.
    """

    request: CompositeRequest
    presentation: CompositePresentation
    directory: CompositeDirectory
    now: dt.datetime


@dataclass(frozen=True)
class VerifiedComposite:
    """What a presentation that holds has shown and proven.

    `digest` is the presentation's. `pseudonyms` has each one that was asked for, 48 octets, by its
    identifier. `commitment` is what the department of the request's issuance terms signs. What is escrowed is
    opened from the presentation itself (`disclosure.composite.opening`).
    """

    answer: Answer
    digest: bytes = field(repr=False)
    pseudonyms: Mapping[str, bytes] = field(repr=False)
    commitment: PresentedCommitment | None


CompositeVerdict = VerifiedComposite | DisclosureError
"""What was verified, or the error that `verify_composite` raises for the claim."""


def verify_composite(
    request: CompositeRequest,
    presentation: CompositePresentation,
    directory: CompositeDirectory,
    now: dt.datetime,
) -> VerifiedComposite:
    """Verify one presentation of a request that was opened, or made, by the caller.

    Raises what `compile_answer` does; MalformedError PRESENTATION_INVALID (a proof that is none),
    RefusedError PROOF_INVALID.
    """
    (verdict,) = verify_composite_batch([CompositeClaim(request, presentation, directory, now)])
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
        return compile_answer(claim.request, claim.presentation.answer, claim.directory, claim.now)
    except DisclosureError as error:
        return error


def _verdict(claim: CompositeClaim, compiled: Compiled, outcome: Verified | BbsError) -> CompositeVerdict:
    if isinstance(outcome, BbsError):
        return refusal(outcome)
    digest = claim.presentation.digest
    layout, terms = compiled.layout, claim.request.issuance
    commitment = None
    if layout.commitment is not None and terms is not None:
        commitment = PresentedCommitment(terms, outcome.octets[layout.commitment.C], digest)
    pseudonyms = {name: outcome.octets[each.N] for name, each in layout.pseudonyms.items()}
    return VerifiedComposite(claim.presentation.answer, digest, pseudonyms, commitment)


def refusal(error: BbsError) -> DisclosureError:
    """Return what is wrong with a presentation whose proof the engine refuses."""
    if isinstance(error, DecodingError):
        return MalformedError(Reason.PRESENTATION_INVALID, "the proof is malformed", field="proof")
    return RefusedError(Reason.PROOF_INVALID, "the proof does not hold", field="proof")
