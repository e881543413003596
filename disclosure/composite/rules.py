"""Whether what a branch asks can be proven of the schemas that it accepts: checked before anybody answers.

Predicates compare scalars, so the attributes of a predicate have one type, unit, scale and code system in all
accepted schemas; bounds lie within those of the schemas, so that nothing wraps around the group order and
numbers of digits follow from the request alone. Every refusal has the place in the request.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Final

from bbs.ciphersuite import Ciphersuite, resolve
from disclosure.attributes import AttributeDefinition, AttributeType
from disclosure.composite.credential import require_composite
from disclosure.composite.directory import CompositeDirectory
from disclosure.composite.equality import equality_classes
from disclosure.composite.foreign import CommitmentQuery, CommittedNumber, Compared, ForeignNumber
from disclosure.composite.kinds import Kind, meaning
from disclosure.composite.outputs import EscrowQuery, PseudonymQuery, SignedJointScope
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
    invalid,
    operands_of,
    out_of_bounds,
)
from disclosure.composite.query import AcceptedIssuer, CompositeQuery, OldestEpoch, ValidOn
from disclosure.composite.request import Branch, CompositeRequest
from disclosure.composite.scalars import NUMBERS
from disclosure.credential import KeyState, civil_date
from disclosure.errors import MalformedError, Reason, RefusedError
from disclosure.names import DepartmentName, SchemaName
from disclosure.request import MAX_LIFETIME

MAX_SPAN: Final = 1 << 80
"""How far a sum may lie from its bound: far below the group order, and ten digits."""

IDENTIFIERS: Final = frozenset({AttributeType.TEXT, AttributeType.HASH})
"""What is escrowed. A secret never is, and the scalar of a number may be 0, which nobody can look up."""


@dataclass(frozen=True)
class BranchRules:
    """A branch of a request with the directory that it is read with; `place` is where it stands."""

    request: CompositeRequest
    branch: Branch
    place: str
    directory: CompositeDirectory

    def check(self) -> None:
        """Raise unless the branch can be proven.

        That a key was retired since the request was made matters only to whoever chooses it. Reasons:
        SCHEMA_UNKNOWN, FORM_NOT_SUPPORTED, ISSUER_KEY_UNKNOWN, ATTRIBUTE_UNKNOWN, TABLE_UNKNOWN,
        EPOCH_UNKNOWN, REGULATOR_UNKNOWN, REQUEST_SIGNATURE_INVALID (a scope), PREDICATE_INVALID,
        BOUND_INVALID.
        """
        for index, query in enumerate(self.branch.queries):
            self._check_query(query, f"{self.place}.queries[{index}]")
        for index, predicate in enumerate(self.branch.predicates):
            self._check_predicate(predicate, f"{self.place}.predicates[{index}]")
        for index, pseudonym in enumerate(self.branch.pseudonyms):
            self._check_pseudonym(pseudonym, f"{self.place}.pseudonyms[{index}]")
        for index, escrow in enumerate(self.branch.escrows):
            self._check_escrow(escrow, f"{self.place}.escrows[{index}]")
        for index, commitment in enumerate(self.branch.commitments):
            self._check_commitment(commitment, f"{self.place}.commitments[{index}]")
        for index, number in enumerate(self.branch.foreign):
            self._check_foreign(number, f"{self.place}.foreign[{index}]")
        self._check_issuance()

    def check_keys(self) -> None:
        """Raise RefusedError ISSUER_KEY_RETIRED if an accepted key is out of use."""
        for index, query in enumerate(self.branch.queries):
            for position, issuer in enumerate(query.issuers):
                field = f"{self.place}.queries[{index}].issuers[{position}].key"
                if self.directory.issuer_key(issuer.key, field=field).state is KeyState.RETIRED:
                    raise RefusedError(Reason.ISSUER_KEY_RETIRED, "the key was retired", field=field)

    @cached_property
    def queries(self) -> Mapping[str, CompositeQuery]:
        """The queries by their identifiers."""
        return {each.id: each for each in self.branch.queries}

    @cached_property
    def foreign(self) -> Mapping[str, ForeignNumber]:
        """The numbers of other holders by their identifiers."""
        return {each.id: each for each in self.branch.foreign}

    @cached_property
    def may_be_one(self) -> tuple[tuple[CompositeQuery, CompositeQuery, str], ...]:
        """The pairs of queries that one credential could answer, versions of a schema aside; and the place.

        Every version counts: a query may accept another one tomorrow, and a pair is no less safe for it.
        """
        pairs = combinations(enumerate(self.branch.queries), 2)
        return tuple(
            (first, second, f"{self.place}.queries[{index}]")
            for (_, first), (index, second) in pairs
            if not _unversioned(first).isdisjoint(_unversioned(second))
        )

    def spans_departments(self, operand: Operand) -> bool:
        """Tell whether an operand is proven equal to another query's attribute, of more than one department.

        Its digits are then nobody's own: who kept the key of its table would sign digits for the holder, and
        so bound what the other department has signed.
        """
        return len(self._class_queries(operand)) > 1 and len(self._class_departments(operand)) > 1

    @cached_property
    def equal(self) -> Mapping[Operand, Operand]:
        """What stands for each operand of an equality: the same for all that are proven equal."""
        return equality_classes(each for each in self.branch.predicates if isinstance(each, Equal))

    @cached_property
    def suite(self) -> Ciphersuite:
        """The suite of the first accepted key, and so of everything: a presentation is of one."""
        first = self.branch.queries[0].issuers[0].key
        return resolve(
            self.directory.issuer_key(first, field=f"{self.place}.queries[0].issuers[0].key").suite
        )

    def committed(self, query: CommitmentQuery, presentation: bytes, point: bytes) -> CommittedNumber:
        """Return what a commitment of an answer holds, of which this request says everything but the point K.

        Holder and verifier both make it, so the holder's vault knows a false one when it sees it.
        """
        kind = self.kind(query.operand, self.place)
        _, unit, scale, _ = kind.meaning
        departments = sorted(self._class_departments(query.operand))
        return CommittedNumber(
            self.request.verifier, self.request.digest, presentation, query.id, str(self.suite), point,
            unit, scale, kind.minimum, kind.maximum, tuple(map(DepartmentName.parse, departments)),
        )  # fmt: skip

    def kind(self, operand: Operand | Foreign, field: str) -> Kind:
        """Return what an operand is; MalformedError PREDICATE_INVALID, ATTRIBUTE_UNKNOWN."""
        if isinstance(operand, Operand) and self.is_shown(operand):
            raise invalid(f"{operand} is shown: nothing is left to prove of it", field)
        return self._about(operand, field)

    def is_shown(self, operand: Operand) -> bool:
        """Tell whether an operand is shown: a list it has to be in is then looked up, not proven."""
        return operand.query in self.queries and operand.attribute in self.queries[operand.query].shown

    def _about(self, operand: Operand | Foreign, field: str) -> Kind:
        """Return what an operand is, shown or not."""
        if isinstance(operand, Foreign):
            if operand.id not in self.foreign:
                raise invalid(f"there is no number {operand.id} of another holder's", field)
            return self.foreign[operand.id].number.kind
        if operand.query not in self.queries:
            raise invalid(f"there is no query {operand.query}", field)
        query = self.queries[operand.query]
        kind = Kind(tuple(self._definition(name, operand.attribute, field) for name in query.schemas))
        if len({meaning(each) for each in kind.definitions}) > 1:
            raise invalid(f"{operand} does not mean the same in all accepted schemas", field)
        return kind

    def validity_span(self, query: CompositeQuery, day: dt.date, field: str) -> int:
        """Return the span of days that a hidden expiry is proven within; MalformedError BOUND_INVALID.

        From the day to the last that a credential can have that is issued while the request lives. The day
        is not before the last of that life: one that is fixed when the request is made would let in whose
        credential ends before the answer comes.
        """
        validity = max(self.directory.schema(name, field=field).validity_days for name in query.schemas)
        latest = civil_date(self.request.created) + MAX_LIFETIME + dt.timedelta(days=validity + 1)
        if day < civil_date(self.request.expires):
            raise out_of_bounds("who is valid as long as the request lives is asked for", field)
        if day > latest:
            raise out_of_bounds("no credential is valid for so long", field)
        return (latest - day).days

    def _definition(self, name: SchemaName, attribute: str, field: str) -> AttributeDefinition:
        schema = self.directory.schema(name, field=field)
        if attribute not in schema:
            detail = f"{name} has no attribute {attribute}"
            raise MalformedError(Reason.ATTRIBUTE_UNKNOWN, detail, field=field)
        return schema.attribute(attribute)

    def _check_query(self, query: CompositeQuery, place: str) -> None:
        for index, name in enumerate(query.schemas):
            require_composite(
                self.directory.schema(name, field=f"{place}.schemas[{index}]"),
                field=f"{place}.schemas[{index}]",
            )
            for position, attribute in enumerate(query.shown):
                field = f"{place}.shown[{position}]"
                if self._definition(name, attribute, field).type is AttributeType.SECRET:
                    raise invalid(f"{attribute} is a secret, which is never shown", field)
        for index, issuer in enumerate(query.issuers):
            self._check_issuer(query, issuer, f"{place}.issuers[{index}]")
        if isinstance(query.expiry, ValidOn):
            self.validity_span(query, query.expiry.day, f"{place}.expiry")

    def _check_issuer(self, query: CompositeQuery, issuer: AcceptedIssuer, place: str) -> None:
        key = self.directory.issuer_key(issuer.key, field=f"{place}.key")
        self._check_suite(key.suite.encode(), f"{place}.key")
        owner = str(DepartmentName(issuer.key.department))
        if self._needs_digits(query):
            if issuer.digits is None:
                raise invalid("the issuer's table of digits is not named", f"{place}.digits")
            if self._digits_owner(issuer.digits, f"{place}.digits") != owner:
                raise invalid("the table of digits is not the issuer's own", f"{place}.digits")
        if isinstance(issuer.revocation, OldestEpoch):
            accumulator = self.directory.accumulator(
                issuer.revocation.accumulator, field=f"{place}.revocation"
            )
            self._check_suite(accumulator.key.suite.ciphersuite_id, f"{place}.revocation")
            if accumulator.owner != owner:
                raise invalid("the accumulator is not the issuer's own", f"{place}.revocation")
            if issuer.revocation.number > accumulator.latest.number:
                detail = "no such epoch is published yet"
                raise RefusedError(Reason.EPOCH_UNKNOWN, detail, field=f"{place}.revocation")

    def _needs_digits(self, query: CompositeQuery) -> bool:
        ranged = [each.operand for each in self.branch.predicates if isinstance(each, Range)]
        return isinstance(query.expiry, ValidOn) or any(
            each.query == query.id and not self.spans_departments(each) for each in ranged
        )

    def _check_predicate(self, predicate: Predicate, place: str) -> None:
        look = self._about if isinstance(predicate, InList) else self.kind
        kinds = [look(operand, place) for operand in operands_of(predicate)]
        if not isinstance(predicate, Equal) and any(each.type is AttributeType.SECRET for each in kinds):
            raise invalid("of a secret only equality and a pseudonym are proven", place)
        if len({each.meaning for each in kinds}) > 1:
            raise invalid("the attributes do not have one type, unit, scale and code system", place)
        match predicate:
            case Range():
                _check_range(predicate, kinds[0], place)
                if self.spans_departments(predicate.operand):
                    self._check_digits(predicate)
            case InList():
                self._check_list(predicate, kinds[0], place)
            case OneOf():
                for index, value in enumerate(predicate.values):
                    kinds[0].definition_of(value, f"{place}.values[{index}]")
            case NotEqual():
                kinds[0].definition_of(predicate.value, f"{place}.value")
            case Sum():
                self._check_sum(predicate, kinds, place)

    def _check_list(self, predicate: InList, kind: Kind, place: str) -> None:
        code_list = self.directory.code_list(predicate.code_list, field=f"{place}.code_list")
        self._check_suite(code_list.table.suite.identifier, f"{place}.code_list")
        if kind.type is not AttributeType.CODE or kind.meaning[-1] != code_list.code_system:
            raise invalid("the attribute has no code of the list's code system", place)
        listed = frozenset(code_list.codes)
        known = [sum(each.code in listed for each in one.codes) for one in kind.definitions]
        if 1 in known or not any(known):
            detail = "of the list's codes the accepted schemas have fewer than two: nothing would stay hidden"
            raise invalid(detail, f"{place}.code_list")

    def _check_sum(self, predicate: Sum, kinds: Iterable[Kind], place: str) -> None:
        classes = [self.equal.get(each, each) for each in predicate.operands]
        if len(set(classes)) != len(classes):
            raise invalid("two terms are proven equal: one is enough, with the sum of their factors", place)
        low = high = 0
        for index, (term, kind) in enumerate(zip(predicate.terms, kinds, strict=True)):
            if kind.type is not AttributeType.INTEGER:
                raise invalid("integers only are added up", place)
            kind.check_bound(term.cap, f"{place}.terms[{index}].cap")
            ends = (
                term.factor * kind.minimum,
                term.factor * (kind.maximum if term.cap is None else term.cap),
            )
            low, high = low + min(ends), high + max(ends)
        for field, bound in (("minimum", predicate.minimum), ("maximum", predicate.maximum)):
            if bound is not None and not low <= bound <= high:
                raise out_of_bounds(f"the sum lies between {low} and {high}", f"{place}.{field}")
        if high - low >= MAX_SPAN:
            raise out_of_bounds("the sum is larger than what is computed with", place)
        self._check_digits(predicate)

    def _check_digits(self, predicate: Range | Sum) -> None:
        """Raise unless the branch names a table of nobody whose attributes are bounded with it."""
        if self.branch.digits is None:
            raise invalid("it needs a table of digits that is named", f"{self.place}.digits")
        owners = set[str]().union(*map(self._class_departments, predicate.operands))
        if isinstance(predicate, Sum):
            numbers = (self.foreign[each.id].number for each in predicate.foreign)
            owners |= {str(name) for number in numbers for name in number.departments}
        if self._digits_owner(self.branch.digits, f"{self.place}.digits") in owners:
            raise invalid("the table of digits is that of one of the issuers", f"{self.place}.digits")

    def _digits_owner(self, digest: bytes, field: str) -> str:
        published = self.directory.digit_table(digest, field=field)
        self._check_suite(published.table.suite.identifier, field)
        return published.owner

    def _check_suite(self, identifier: bytes, field: str) -> None:
        if identifier != self.suite.ciphersuite_id:
            raise invalid("it is of another suite than the accepted keys", field)

    def _class_queries(self, operand: Operand) -> set[str]:
        """Return the queries of all attributes that an operand is proven equal to, its own among them."""
        root = self.equal.get(operand)
        return {operand.query} | {each.query for each, own in self.equal.items() if own == root}

    def _class_departments(self, operand: Operand) -> set[str]:
        among = self._class_queries(operand)
        issuers = (each for query in self.branch.queries if query.id in among for each in query.issuers)
        return {str(DepartmentName(each.key.department)) for each in issuers}

    def _check_pseudonym(self, pseudonym: PseudonymQuery, place: str) -> None:
        try:
            pseudonym.scope.octets(self.request.verifier)
            if isinstance(pseudonym.scope, SignedJointScope):
                pseudonym.scope.check(self.directory.verifier_key)
        except RefusedError as error:
            raise RefusedError(Reason(error.reason), error.detail, field=f"{place}.scope") from None
        if isinstance(pseudonym.scope, SignedJointScope):
            self._check_suite(pseudonym.scope.scope.suite.encode(), f"{place}.scope")
        if pseudonym.subject is not None:
            kind = self.kind(pseudonym.subject, f"{place}.subject")
            if kind.type is not AttributeType.SECRET:
                raise invalid(
                    "whoever guesses it knows its pseudonyms: only a secret has any", f"{place}.subject"
                )

    def _check_escrow(self, escrow: EscrowQuery, place: str) -> None:
        if self.kind(escrow.operand, place).type not in IDENTIFIERS:
            raise invalid("a regulator looks up identifiers, which are texts or hashes", place)
        regulator = self.directory.regulator(escrow.regulator, field=f"{place}.regulator")
        self._check_suite(regulator.suite.encode(), f"{place}.regulator")

    def _check_commitment(self, commitment: CommitmentQuery, place: str) -> None:
        if self.kind(commitment.operand, place).type is not AttributeType.INTEGER:
            raise invalid("integers only are added up", place)
        numbers = {each: self.equal.get(each.operand, each.operand) for each in self.branch.commitments}
        if next(each for each, same in numbers.items() if same == numbers[commitment]) != commitment:
            raise invalid("another commitment has the same number: a sum could count it twice", place)

    def _check_foreign(self, foreign: ForeignNumber, place: str) -> None:
        """Raise unless a number was committed to for this verifier, is counted, and compared as it can be."""
        if foreign.number.verifier != self.request.verifier:
            raise invalid("the number was committed to for another verifier", f"{place}.number.verifier")
        self._check_suite(foreign.number.suite.encode(), f"{place}.number.suite")
        sums = (each for each in self.branch.predicates if isinstance(each, Sum))
        if not any(Foreign(foreign.id) in each.foreign for each in sums):
            raise invalid("no sum counts the number", place)
        if isinstance(foreign.holder, Compared):
            self._check_compared(foreign.holder, False, f"{place}.holder")
            compared = (each.holder for each in self.branch.foreign if isinstance(each.holder, Compared))
            if any(each.here != foreign.holder.here for each in compared):
                raise invalid("holders are told apart in one scope", f"{place}.holder")
        for index, subject in enumerate(foreign.subjects):
            self._check_compared(subject, True, f"{place}.subjects[{index}]")

    def _check_compared(self, compared: Compared, of_subject: bool, place: str) -> None:
        """Raise unless the branch asks for the pseudonym: of the holder, or of a subject."""
        for each in self.branch.pseudonyms:
            if each.id == compared.here and (each.subject is not None) is of_subject:
                return
        raise invalid("the branch has no such pseudonym", place)

    def _check_issuance(self) -> None:
        terms = self.request.issuance
        if terms is not None:
            require_composite(
                self.directory.schema(terms.schema, field="issuance.schema"), field="issuance.schema"
            )
            key = self.directory.issuer_key(terms.issuer_key, field="issuance.issuer_key")
            self._check_suite(key.suite.encode(), "issuance.issuer_key")


def _unversioned(query: CompositeQuery) -> set[tuple[str, str]]:
    return {(each.department, each.item) for each in query.schemas}


def _check_range(predicate: Range, kind: Kind, place: str) -> None:
    if kind.type not in NUMBERS:
        raise invalid("integers and dates only have bounds", place)
    kind.check_bound(predicate.minimum, f"{place}.minimum")
    kind.check_bound(predicate.maximum, f"{place}.maximum")
