"""Each rule, predicate and output as a part of a statement: one function for each.

A function states a gadget about witnesses of the credentials and leaves how the holder gives its secrets.
Plugging in another gadget takes a class in `disclosure.composite.predicates`, a rule in
`disclosure.composite.rules` and a function here.
"""

from bbs.engine import Values, Witness
from bbs.gadgets import Commitment, NonRevocation
from bbs.gadgets.escrow import Escrow
from bbs.gadgets.membership import Membership
from bbs.gadgets.pseudonym import Pseudonym, Purpose
from bbs.gadgets.ranges import Quantity
from bbs.gadgets.ranges import Range as InRange
from bbs.gadgets.small_set import Different, NoneOf
from bbs.gadgets.small_set import OneOf as OneOfFew
from bbs.gadgets.sums import Capped, Opened
from bbs.gadgets.tables import Table
from disclosure.attributes import Value
from disclosure.composite import scalars
from disclosure.composite.choices import Chosen
from disclosure.composite.composer import Assign, CommittedPart, Composer, Held
from disclosure.composite.foreign import CommitmentQuery, ForeignNumber
from disclosure.composite.issuance import HolderCommitment
from disclosure.composite.outputs import EscrowQuery, PseudonymQuery
from disclosure.composite.predicates import (
    Equal,
    Foreign,
    InList,
    NotEqual,
    OneOf,
    Operand,
    Predicate,
    Range,
    Sum,
)
from disclosure.composite.query import ValidOn
from disclosure.composite.scalars import OFFSET


def add_life(composer: Composer, chosen: Chosen, name: str, place: str) -> None:
    """State that a credential is valid and not revoked, as far as that is to be proven."""
    query, epoch, scope = chosen.query, chosen.epoch, composer.scope(name)
    if isinstance(query.expiry, ValidOn):
        day, witness = scalars.number(query.expiry.day), composer.witness(query.id, scalars.EXPIRY)
        latest = day + composer.rules.validity_span(query, query.expiry.day, f"{place}.expiry")
        expiry, table = Quantity.attribute(witness, 0, latest), _issuers_digits(composer, query.id)
        valid = InRange.add_to(scope.scope("valid"), expiry, table, minimum=day)
        composer.add(
            f"{place}.expiry",
            lambda values, held: valid.assign(values, {witness: held.message(query.id, scalars.EXPIRY)}),
        )
    if epoch is not None:
        handle = composer.witness(query.id, scalars.HANDLE)
        member = NonRevocation.add_to(scope.scope("not revoked"), handle, epoch)
        composer.add(f"{place}.issuers", lambda values, held: member.assign(values, held.witnesses[query.id]))


def add_distinct(composer: Composer) -> None:
    """State that no credential answers two queries: that the handles of two that could be one differ.

    Which queries these are follows from the request, whatever was chosen. Else one credential would be
    counted twice in a sum, or be two witnesses of one thing.
    """
    for number, (first, second, place) in enumerate(composer.rules.may_be_one):
        handles = [composer.witness(each.id, scalars.HANDLE) for each in (first, second)]
        gadget = Different.add_to(composer.scope(f"distinct {number}"), *handles)
        composer.add(place, _assign_distinct(gadget, first.id, second.id))


def _assign_distinct(gadget: Different, first: str, second: str) -> Assign:
    return lambda values, held: gadget.assign(
        values, held.message(first, scalars.HANDLE), held.message(second, scalars.HANDLE)
    )


def add_foreign(composer: Composer, foreign: ForeignNumber, name: str, place: str) -> None:
    """State that the holder has the opening of another one's commitment, for all sums that count it."""
    gadget = Opened.add_to(composer.scope(name), foreign.number.K)
    composer.open(foreign.id, gadget)

    def assign(values: Values, held: Held) -> None:
        opening = held.openings[foreign.id]
        gadget.assign(values, opening.m, opening.u)

    composer.add(place, assign)


def add_predicate(composer: Composer, predicate: Predicate, name: str, place: str) -> None:
    """State a predicate. An equality is stated by the credentials already, which have one witness for it."""
    match predicate:
        case Range():
            _add_range(composer, predicate, name, place)
        case InList():
            _add_list(composer, predicate, name, place)
        case OneOf():
            _add_one_of(composer, predicate, name, place)
        case NotEqual():
            _add_not_equal(composer, predicate, name, place)
        case Sum():
            _add_sum(composer, predicate, name, place)
        case Equal():
            pass


def add_presence(composer: Composer) -> None:
    """State m != ABSENT, once for a class, where an optional attribute could otherwise be absent.

    Equal absences would be equal, two cancel in a sum, of one's own or another's, and an escrowed one names
    nobody. Everything else
    excludes an absence by what it says: its scalar is no number near any bound, is in no list, and stands
    among the values that an attribute is not.
    """
    branch, place = composer.rules.branch, composer.rules.place
    stated = [each for each in branch.predicates if isinstance(each, Equal | Sum)]
    needing = [operand for each in stated for operand in each.operands]
    classes: dict[Operand, list[Operand]] = {}
    needing += [each.operand for each in branch.escrows]
    needing += [each.operand for each in branch.commitments]
    for operand in dict.fromkeys(needing):
        classes.setdefault(composer.equal.get(operand, operand), []).append(operand)
    absent = scalars.absent(composer.rules.suite)
    for index, operands in enumerate(classes.values()):
        # One that is never absent is enough: all of the class are one witness.
        if all(composer.kind(operand).optional for operand in operands):
            _add_none_of(composer, operands[0], [absent], f"present {index}", place)


def add_pseudonym(composer: Composer, query: PseudonymQuery, name: str, place: str) -> Pseudonym:
    """State a pseudonym of the holder, or of a subject whose secret is signed."""
    octets, scope = query.scope.octets(composer.rules.request.verifier), composer.scope(name)
    if query.subject is None:
        holder = Pseudonym.add_to(scope, composer.secret, octets, Purpose.VERIFIER)
        composer.add(place, lambda values, held: holder.assign(values, held.secret))
        return holder
    secret = composer.value(query.subject)
    subject = Pseudonym.add_to(scope, composer.operand(query.subject), octets, Purpose.SUBJECT)
    composer.add(place, lambda values, held: subject.assign(values, secret(held)))
    return subject


def add_escrow(composer: Composer, query: EscrowQuery, name: str, place: str) -> Escrow:
    """State that a hidden identifier is encrypted to a regulator's key."""
    key = composer.rules.directory.regulator(query.regulator, field=place).public_key
    value = composer.value(query.operand)
    gadget = Escrow.add_to(composer.scope(name), composer.operand(query.operand), key)
    composer.add(place, lambda values, held: gadget.assign(values, value(held)))
    return gadget


def add_commitment(composer: Composer, query: CommitmentQuery, name: str, place: str) -> CommittedPart:
    """State a commitment to a number, for another holder's sum to count."""
    gadget = Commitment.add_to(composer.scope(name), composer.operand(query.operand))
    return CommittedPart(place, gadget, composer.value(query.operand))


def add_issuance(composer: Composer) -> HolderCommitment | None:
    """State the commitment that a department issues on: to the holder's secret of the credentials.

    Its blind is the holder's to keep, so the holder gives its secrets by itself, not as a part.
    """
    if composer.rules.request.issuance is None:
        return None
    return HolderCommitment.add_to(composer.scope("issuance"), composer.rules.suite, composer.secret)


def _add_range(composer: Composer, predicate: Range, name: str, place: str) -> None:
    witness, value = composer.operand(predicate.operand), composer.value(predicate.operand)
    gadget = InRange.add_to(
        composer.scope(name),
        _quantity(composer, predicate.operand),
        _range_digits(composer, predicate.operand),
        minimum=predicate.minimum,
        maximum=predicate.maximum,
    )
    composer.add(place, lambda values, held: gadget.assign(values, {witness: value(held)}))


def _add_list(composer: Composer, predicate: InList, name: str, place: str) -> None:
    if composer.rules.is_shown(predicate.operand):
        return  # `checked_choices` has looked the shown code up
    table = composer.rules.directory.code_list(predicate.code_list, field=place).table
    value = composer.value(predicate.operand)
    gadget = Membership.add_to(composer.scope(name), composer.operand(predicate.operand), table)
    composer.add(place, lambda values, held: gadget.assign(values, value(held)))


def _add_one_of(composer: Composer, predicate: OneOf, name: str, place: str) -> None:
    few = [_scalar(composer, predicate.operand, each, place) for each in predicate.values]
    value = composer.value(predicate.operand)
    gadget = OneOfFew.add_to(composer.scope(name), composer.operand(predicate.operand), few)
    composer.add(place, lambda values, held: gadget.assign(values, value(held)))


def _add_not_equal(composer: Composer, predicate: NotEqual, name: str, place: str) -> None:
    excluded = [_scalar(composer, predicate.operand, predicate.value, place)]
    if composer.kind(predicate.operand).optional:
        excluded.append(scalars.absent(composer.rules.suite))
    _add_none_of(composer, predicate.operand, excluded, name, place)


def _add_none_of(composer: Composer, operand: Operand, excluded: list[int], name: str, place: str) -> None:
    value = composer.value(operand)
    gadget = NoneOf.add_to(composer.scope(name), composer.operand(operand), excluded)
    composer.add(place, lambda values, held: gadget.assign(values, value(held)))


def _add_sum(composer: Composer, predicate: Sum, name: str, place: str) -> None:
    scope, table = composer.scope(name), _digits(composer, composer.rules.branch.digits)
    quantities, caps = list[tuple[int, Quantity]](), dict[Witness, Capped]()
    for index, term in enumerate(predicate.terms):
        quantity = _quantity(composer, term.operand)
        if term.cap is not None:
            capped = Capped.add_to(scope.scope(f"cap {index}"), quantity, term.cap, table)
            caps[composer.operand(term.operand)], quantity = capped, capped.counted
        quantities.append((term.factor, quantity))
    total = Quantity.total(quantities)
    gadget = InRange.add_to(
        scope.scope("total"), total, table, minimum=predicate.minimum, maximum=predicate.maximum
    )
    terms = {composer.operand(each.operand): composer.value(each.operand) for each in predicate.terms}

    def assign(values: Values, held: Held) -> None:
        known = {witness: value(held) for witness, value in terms.items()}
        for witness, capped in caps.items():
            known |= capped.assign(values, {witness: known[witness]})
        gadget.assign(values, known)

    composer.add(place, assign)


def _quantity(composer: Composer, operand: Operand | Foreign) -> Quantity:
    kind = composer.kind(operand)
    return Quantity.attribute(composer.operand(operand), kind.minimum, kind.maximum, OFFSET)


def _scalar(composer: Composer, operand: Operand, value: Value, place: str) -> int:
    definition = composer.kind(operand).definition_of(value, place)
    return scalars.scalar(definition, value, composer.rules.suite)


def _range_digits(composer: Composer, operand: Operand) -> Table:
    """Return the own table of the chosen issuer, unless another department's attribute is bounded with it."""
    if composer.rules.spans_departments(operand):
        return _digits(composer, composer.rules.branch.digits)
    return _issuers_digits(composer, operand.query)


def _issuers_digits(composer: Composer, query: str) -> Table:
    """Return the own table of the issuer that was chosen."""
    return _digits(composer, composer.chosen[query].issuer.digits)


def _digits(composer: Composer, digest: bytes | None) -> Table:
    """Return a table of digits; that it is named where it is needed is one of the rules."""
    return composer.rules.directory.digit_table(digest or b"", field=composer.rules.place).table
