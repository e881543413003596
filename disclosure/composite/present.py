"""The holder's side: answer one branch of a request with credentials that are held.

Which branch and which credentials is the vault's planner to say; here everything is checked again before a
proof is made, so that what cannot be proven is told by its place in the request.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from bbs import InputError
from bbs.engine import Values, prove
from disclosure.composite.compiler import compile_answer
from disclosure.composite.composer import Held
from disclosure.composite.credential import HolderSecret
from disclosure.composite.directory import CompositeDirectory
from disclosure.composite.holding import Holding, Missing, missing_in, usable
from disclosure.composite.issuance import PendingCredential
from disclosure.composite.presentation import Answer, CompositePresentation, CredentialAnswer
from disclosure.composite.query import CompositeQuery, ExpiryShown
from disclosure.composite.request import Branch, CompositeRequest
from disclosure.composite.rules import BranchRules
from disclosure.errors import Reason, RefusedError
from disclosure.presentation import Shown


@dataclass(frozen=True)
class Presented:
    """A presentation, and what the holder keeps if it is for an issuance."""

    presentation: CompositePresentation
    pending: PendingCredential | None = field(default=None, repr=False)


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
) -> Presented:
    """Answer a branch with a credential for each of its queries, by the queries' identifiers.

    `trusted_regulators` is the vault's own list of digests; a request adds nothing to it. Raises RefusedError
    UNSATISFIED with the place of the first query or predicate that these credentials do not satisfy
    (`missing_in` gives all), EPOCH_STALE (catch up first), REGULATOR_UNKNOWN; and what `compile_answer` does.
    """
    index, asked = request.branch(branch)
    place = f"branches[{index}]"
    _check_regulators(asked, place, trusted_regulators)
    BranchRules(request, asked, place, directory).check()
    answer = _answer(request, asked, place, holdings, directory, now, usage_tag, note_hash)
    compiled = compile_answer(request, answer, directory, now)
    values = Values(compiled.statement)
    held = Held(
        secret.scalar,
        {query: each.prepared for query, each in holdings.items()},
        {query: each.witness for query, each in holdings.items() if each.witness is not None},
    )
    pending = None
    try:
        for part in compiled.layout.parts:
            place = part.place
            part.assign(values, held)
        if compiled.layout.commitment is not None and request.issuance is not None:
            blind = compiled.layout.commitment.assign(values, secret.scalar)
            pending = PendingCredential(request.issuance, blind)
        proof = prove(compiled.statement, compiled.context, values)
    except InputError:
        detail = "the credentials do not fit together: they are of two holders, or not what they say"
        raise RefusedError(Reason.UNSATISFIED, detail, field=place) from None
    return Presented(CompositePresentation(answer, proof), pending)


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
    for each in missing_in(branch, place, holdings, directory, now):
        raise RefusedError(each.reason, each.detail, field=each.place)
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
