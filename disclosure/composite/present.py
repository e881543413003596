"""The holder's side: answer one branch of a request with credentials that are held.

Which branch and which credentials is the vault's planner to say; here everything is checked again before a
proof is made, so that what cannot be proven is told by its place in the request.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from bbs import BbsError, InputError
from bbs.engine import Values, prove, verify
from bbs.scalars import RandomScalars
from disclosure.composite.compiler import Compiled, compile_answer
from disclosure.composite.composer import Held
from disclosure.composite.credential import HolderSecret
from disclosure.composite.directory import CompositeDirectory
from disclosure.composite.handover import CommitmentOpening, KeptOpening, commitment_octets
from disclosure.composite.holding import Holding, Missing, missing_in, usable
from disclosure.composite.issuance import PendingCredential
from disclosure.composite.presentation import Answer, CompositePresentation, CredentialAnswer
from disclosure.composite.query import CompositeQuery, ExpiryShown
from disclosure.composite.request import Branch, CompositeRequest
from disclosure.composite.rules import BranchRules
from disclosure.composite.verify import refusal
from disclosure.errors import Reason, RefusedError
from disclosure.presentation import Shown


@dataclass(frozen=True)
class Presented:
    """A presentation, and what the holder keeps of it.

    `pending` if it is for an issuance; `kept` has the opening of each commitment, by its identifier, which
    goes to another holder's vault or to nobody.
    """

    presentation: CompositePresentation
    pending: PendingCredential | None = field(default=None, repr=False)
    kept: Mapping[str, KeptOpening] = field(default_factory=dict, repr=False)


def present_composite(
    request: CompositeRequest,
    branch: str,
    holdings: Mapping[str, Holding],
    secret: HolderSecret,
    directory: CompositeDirectory,
    now: dt.datetime,
    *,
    usage_tag: bytes,
    note_hash: bytes,
    trusted_regulators: Collection[bytes],
    openings: Mapping[str, CommitmentOpening] = MappingProxyType({}),
    rng: RandomScalars | None = None,
) -> Presented:
    """Answer a branch with a credential for each of its queries, by the queries' identifiers.

    `trusted_regulators` is the vault's own list of digests; a request adds nothing to it. `openings` are what
    other holders handed over, by the numbers' identifiers in the branch. `rng` gives the proof's randomness,
    which is the system's unless a test vector is made. Raises RefusedError UNSATISFIED with the place of the
    first query or predicate that these credentials do not satisfy (`missing_in` gives all), EPOCH_STALE
    (catch up first), COMMITMENT_INVALID (an opening of another commitment), REGULATOR_UNKNOWN; and what
    `compile_answer` does.
    """
    index, asked = request.branch(branch)
    place = f"branches[{index}]"
    _check_regulators(asked, place, trusted_regulators)
    BranchRules(request, asked, place, directory).check()
    for lack in missing_in(asked, place, holdings, directory, now, openings):
        raise RefusedError(lack.reason, lack.detail, field=lack.place)
    answer = _answer(request, asked, place, holdings, directory, now, usage_tag, note_hash)
    compiled = compile_answer(request, answer, directory, now)
    values = Values(compiled.statement, rng)
    held = Held(
        secret.scalar,
        {query: each.prepared for query, each in holdings.items()},
        {query: each.witness for query, each in holdings.items() if each.witness is not None},
        openings,
    )
    pending, committed = None, dict[str, tuple[int, int]]()
    try:
        for part in compiled.layout.parts:
            place = part.place
            part.assign(values, held)
        for name, each in compiled.layout.commitments.items():
            place, m = each.place, each.value(held)
            committed[name] = (m, each.gadget.assign(values, m))
        if compiled.layout.commitment is not None and request.issuance is not None:
            blind = compiled.layout.commitment.assign(values, secret.scalar)
            pending = PendingCredential(request.issuance, blind)
        proof = prove(compiled.statement, compiled.context, values)
    except InputError:
        detail = "the credentials do not fit together: they are of two holders, or not what they say"
        raise RefusedError(Reason.UNSATISFIED, detail, field=place) from None
    presentation = CompositePresentation(answer, proof)
    return Presented(presentation, pending, _kept(compiled, presentation.digest, committed))


def check_own_proof(
    request: CompositeRequest,
    presentation: CompositePresentation,
    directory: CompositeDirectory,
    now: dt.datetime,
) -> None:
    """Raise unless the proof holds, as a vault makes sure of before it sends its own.

    No verification: a holder has no other holder's presentation, so nothing is said of numbers that come from
    one, nor of who the holders are to each other. Raises what `compile_answer` does; MalformedError
    PRESENTATION_INVALID, RefusedError PROOF_INVALID.
    """
    compiled = compile_answer(request, presentation.answer, directory, now)
    try:
        verify(compiled.statement, compiled.context, presentation.proof)
    except BbsError as error:
        raise refusal(error) from None


def _kept(
    compiled: Compiled, presentation: bytes, committed: Mapping[str, tuple[int, int]]
) -> dict[str, KeptOpening]:
    """Return the opening of each commitment, with all that the verifier will say of the number."""
    kept = {}
    for query in compiled.rules.branch.commitments:
        m, u = committed[query.id]
        suite = str(compiled.rules.suite)
        number = compiled.rules.committed(query, presentation, commitment_octets(suite, m, u))
        kept[query.id] = KeptOpening(number, CommitmentOpening(suite, number.K, m, u))
    return kept


def _check_regulators(branch: Branch, place: str, trusted: Collection[bytes]) -> None:
    for index, escrow in enumerate(branch.escrows):
        if escrow.regulator not in trusted:
            detail = "the request wants an identity escrowed to a key that this vault does not trust"
            raise RefusedError(Reason.REGULATOR_UNKNOWN, detail, field=f"{place}.escrows[{index}].regulator")


def _answer(
    request: CompositeRequest,
    branch: Branch,
    place: str,
    holdings: Mapping[str, Holding],
    directory: CompositeDirectory,
    now: dt.datetime,
    usage_tag: bytes,
    note_hash: bytes,
) -> Answer:
    credentials = tuple(
        _credential(query, holdings[query.id], directory, now, f"{place}.queries[{index}]")
        for index, query in enumerate(branch.queries)
    )
    return Answer(branch.id, credentials, usage_tag, note_hash, request.digest)


def _credential(
    query: CompositeQuery, holding: Holding, directory: CompositeDirectory, now: dt.datetime, place: str
) -> CredentialAnswer:
    outcome = usable(query, holding, directory, now, place)
    if isinstance(outcome, Missing):
        raise RefusedError(outcome.reason, outcome.detail, field=place)
    credential = holding.credential
    shown = Shown(
        query=query.id,
        schema=credential.schema,
        issuer_key=credential.issuer_key,
        values={name: credential.values.get(name) for name in query.shown},
        expiry=credential.expiry if isinstance(query.expiry, ExpiryShown) else None,
    )
    return CredentialAnswer(shown, outcome.epoch)
