"""The numbers of other holders that a branch counts, against the presentations that they come from.

A commitment is a number that a department signed because a verified presentation says so, and for no other
reason. So whoever verifies a sum across holders has the verified presentations of all of them.
"""

from collections.abc import Iterator, Mapping, Sequence

from disclosure.composite.compiler import check_composite_request
from disclosure.composite.directory import CompositeDirectory
from disclosure.composite.foreign import Compared, ForeignNumber
from disclosure.composite.predicates import invalid
from disclosure.composite.request import CompositeRequest
from disclosure.composite.rules import BranchRules
from disclosure.composite.verified import VerifiedComposite
from disclosure.errors import Reason, RefusedError


def check_joint_request(
    request: CompositeRequest, directory: CompositeDirectory, others: Sequence[VerifiedComposite]
) -> None:
    """Raise unless each branch can be compiled, and counts numbers of these verified presentations only.

    What a verifier calls before it sends the second request. Raises what `check_composite_request` and
    `check_counterparts` do.
    """
    check_composite_request(request, directory)
    for index, branch in enumerate(request.branches):
        check_counterparts(BranchRules(request, branch, f"branches[{index}]", directory), others)


def check_counterparts(rules: BranchRules, others: Sequence[VerifiedComposite]) -> None:
    """Raise unless every foreign number of a branch is as a verified presentation gave it.

    Those of two presentations are of two holders, where the branch tells holders apart: one holder who shows
    one credential twice would be counted twice. Raises RefusedError COMMITMENT_INVALID; MalformedError
    PREDICATE_INVALID (there is no such pseudonym to compare with, or it is of another scope).
    """
    scopes = {each.id: each.scope_digest(rules.request.verifier) for each in rules.branch.pseudonyms}
    holders = dict[bytes, bytes]()
    for foreign, other, place in _counterparts(rules, others):
        for compared, field in _comparisons(foreign, place):
            if other.scopes.get(compared.there) != scopes[compared.here]:
                raise invalid("the number's presentation has no such pseudonym in this scope", field)
        if isinstance(foreign.holder, Compared):
            pseudonym = other.pseudonyms[foreign.holder.there]
            if holders.setdefault(pseudonym, other.digest) != other.digest:
                detail = "the numbers of two presentations are of one holder"
                raise RefusedError(Reason.COMMITMENT_INVALID, detail, field=f"{place}.holder")


def check_compared(
    rules: BranchRules, others: Sequence[VerifiedComposite], pseudonyms: Mapping[str, bytes]
) -> None:
    """Raise RefusedError UNSATISFIED unless a proof's pseudonyms are to others' what the branch says.

    Of numbers that have passed `check_counterparts`.
    """
    for foreign, other, place in _counterparts(rules, others):
        for compared, field in _comparisons(foreign, place):
            same = pseudonyms[compared.here] == other.pseudonyms[compared.there]
            if compared is foreign.holder and same:
                detail = "the holder is the one whose number it counts"
                raise RefusedError(Reason.UNSATISFIED, detail, field=field)
            if compared is not foreign.holder and not same:
                raise RefusedError(Reason.UNSATISFIED, "the subjects are not the same", field=field)


def _counterparts(
    rules: BranchRules, others: Sequence[VerifiedComposite]
) -> Iterator[tuple[ForeignNumber, VerifiedComposite, str]]:
    """Find the presentation of each foreign number, and its place in the request."""
    for index, foreign in enumerate(rules.branch.foreign):
        place = f"{rules.place}.foreign[{index}]"
        number = foreign.number
        other = next((each for each in others if each.commitments.get(number.id) == number), None)
        if other is None:
            detail = "no verified presentation has committed to this number"
            raise RefusedError(Reason.COMMITMENT_INVALID, detail, field=f"{place}.number")
        yield foreign, other, place


def _comparisons(foreign: ForeignNumber, place: str) -> Iterator[tuple[Compared, str]]:
    if isinstance(foreign.holder, Compared):
        yield foreign.holder, f"{place}.holder"
    for index, subject in enumerate(foreign.subjects):
        yield subject, f"{place}.subjects[{index}]"
