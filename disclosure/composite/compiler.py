"""One function compiles what an answer must prove.

Holder and verifier both call it, on what each knows itself: the request, the holder's checked choices and
shown values, and the directory. Out come the engine's statement, the context that the proof is bound to, and
the layout.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from bbs import BbsError
from bbs.engine import Context, Statement, proof_octets
from disclosure import canonical
from disclosure.canonical import Item
from disclosure.composite import scalars
from disclosure.composite.choices import Chosen, checked_choices
from disclosure.composite.composer import Composer, Layout
from disclosure.composite.directory import CompositeDirectory
from disclosure.composite.parts import (
    add_commitment,
    add_distinct,
    add_escrow,
    add_foreign,
    add_issuance,
    add_life,
    add_predicate,
    add_presence,
    add_pseudonym,
)
from disclosure.composite.predicates import InList, invalid
from disclosure.composite.presentation import MAX_PROOF_OCTETS, Answer
from disclosure.composite.query import CompositeQuery, ExpiryShown, OldestEpoch
from disclosure.composite.request import CompositeRequest
from disclosure.composite.rules import BranchRules

_CHOICES_LABEL: Final = "zk-disclosure/composite-choices/v1"
_CREDENTIAL_LABEL: Final = "zk-disclosure/composite-credential-context/v1"
_TABLES_LABEL: Final = "zk-disclosure/composite-tables/v1"
_SHOWN_LABEL: Final = "zk-disclosure/composite-shown/v1"


@dataclass(frozen=True)
class Compiled:
    """A statement, what its proof is bound to, the rules and choices behind it, and which gadget is what."""

    statement: Statement
    context: Context = field(repr=False)
    rules: BranchRules = field(repr=False)
    chosen: tuple[Chosen, ...] = field(repr=False)
    layout: Layout


def compile_answer(
    request: CompositeRequest, answer: Answer, directory: CompositeDirectory, now: dt.datetime
) -> Compiled:
    """Compile what the proof of an answer must prove; raises what `checked_choices` does."""
    rules, chosen = checked_choices(request, answer, directory, now)
    statement, layout = _state(rules, chosen)
    return Compiled(statement, _context(request, answer, rules, chosen), rules, chosen, layout)


def check_composite_request(request: CompositeRequest, directory: CompositeDirectory) -> None:
    """Raise, with the place in the request, unless each of its branches can be compiled, proven and sent.

    Each branch is compiled for the largest of its schemas. Raises what
    `BranchRules.check` and `check_keys` do.
    """
    for index, branch in enumerate(request.branches):
        rules = BranchRules(request, branch, f"branches[{index}]", directory)
        rules.check()
        rules.check_keys()
        statement, _ = _state(rules, [_largest(rules, query) for query in branch.queries])
        if proof_octets(statement) > MAX_PROOF_OCTETS:
            raise invalid(f"its proof has more than {MAX_PROOF_OCTETS} octets", rules.place)


def _state(rules: BranchRules, chosen: Sequence[Chosen]) -> tuple[Statement, Layout]:
    """State a branch; what the rules did not foresee, a key that is no point, is refused all the same."""
    try:
        return _stated(rules, chosen)
    except BbsError as error:
        raise invalid(error.detail, rules.place) from None


def _stated(rules: BranchRules, chosen: Sequence[Chosen]) -> tuple[Statement, Layout]:
    """State everything that a branch asks, in the order in which the branch has it."""
    composer, branch, place = Composer(rules, chosen), rules.branch, rules.place
    for index, each in enumerate(chosen):
        add_life(composer, each, f"life {index}", f"{place}.queries[{index}]")
    add_distinct(composer)
    for index, foreign in enumerate(branch.foreign):
        with _refused_at(f"{place}.foreign[{index}]") as field:
            add_foreign(composer, foreign, f"foreign {index}", field)
    for index, predicate in enumerate(branch.predicates):
        with _refused_at(f"{place}.predicates[{index}]") as field:
            add_predicate(composer, predicate, f"predicate {index}", field)
    add_presence(composer)
    pseudonyms = {
        each.id: add_pseudonym(composer, each, f"pseudonym {index}", f"{place}.pseudonyms[{index}]")
        for index, each in enumerate(branch.pseudonyms)
    }
    escrows = {
        each.id: add_escrow(composer, each, f"escrow {index}", f"{place}.escrows[{index}]")
        for index, each in enumerate(branch.escrows)
    }
    commitments = {
        each.id: add_commitment(composer, each, f"commitment {index}", f"{place}.commitments[{index}]")
        for index, each in enumerate(branch.commitments)
    }
    layout = Layout(composer.parts, pseudonyms, escrows, commitments, add_issuance(composer))
    return composer.builder.build(), layout


@contextmanager
def _refused_at(place: str) -> Iterator[str]:
    """Give the place in the request to what the engine refuses."""
    try:
        yield place
    except BbsError as error:
        raise invalid(error.detail, place) from None


def _largest(rules: BranchRules, query: CompositeQuery) -> Chosen:
    """Choose what makes the longest proof. Shown scalars do not matter here: any will do."""
    directory = rules.directory
    schema = max((directory.schema(name) for name in query.schemas), key=lambda each: len(each.attributes))
    candidates = [each for each in query.issuers if each.key.department == schema.name.department]
    issuer = next((each for each in candidates if each.accumulator is not None), candidates[0])
    epoch = None
    if isinstance(issuer.revocation, OldestEpoch):
        epoch = directory.accumulator(issuer.revocation.accumulator, field=rules.place).latest
    shown = {scalars.slot(schema, name): 1 for name in query.shown}
    if isinstance(query.expiry, ExpiryShown):
        shown[scalars.EXPIRY] = 1
    return Chosen(query, schema, directory.issuer_key(issuer.key), issuer, epoch, shown)


def _context(
    request: CompositeRequest, answer: Answer, rules: BranchRules, chosen: Sequence[Chosen]
) -> Context:
    """Put together everything that a proof is bound to besides its statement."""
    choices: list[Item] = [
        [each.query.id, str(each.schema.name), str(each.key.name), each.issuer.accumulator,
         each.epoch.number if each.epoch else None]
        for each in chosen
    ]  # fmt: skip
    lists = [each.code_list for each in rules.branch.predicates if isinstance(each, InList)]
    tables: list[Item] = [rules.branch.digits, [each.issuer.digits for each in chosen], list(lists)]
    shown: list[Item] = [each.shown.items() for each in answer.credentials]
    return [
        ("request", request.canonical),
        ("choices", canonical.encode(_CHOICES_LABEL, answer.branch, choices)),
        *((f"credential {each.query.id}", _credential_context(each)) for each in chosen),
        ("tables", canonical.encode(_TABLES_LABEL, *tables)),
        ("shown", canonical.encode(_SHOWN_LABEL, *shown)),
        ("usage-tag", answer.usage_tag),
        ("note-hash", answer.note_hash),
    ]


def _credential_context(chosen: Chosen) -> bytes:
    """Return what a credential is of: schema, key, and the epoch with its number, value and key."""
    return canonical.encode(
        _CREDENTIAL_LABEL, str(chosen.schema.name), chosen.schema.digest, chosen.key.suite,
        chosen.key.public_key, chosen.epoch.octets if chosen.epoch else None,
    )  # fmt: skip
