"""Numbers of other holders in a policy, and the answers that they come from.

    foreign:
      - id: spouse                      # by which sums count it: {foreign: spouse}
        of: first.income                # the commitment `income` of the answer that is given as `first`
        holders: {here: me, there: me}  # pseudonyms that have to differ; or waived, in so many words
        subjects:                       # pseudonyms that have to be the same; may be left out
          - {here: home, there: home}

Which answer `first` is, is said when the request is made: a number counts because its presentation was
verified, so an answer is given with its record.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import tlog
from disclosure.composite import CommittedNumber, Compared, ForeignNumber, HolderWaiver, VerifiedComposite
from disclosure.names import check_attribute_id, check_id
from verifier.composite.nodes import Node, check_once
from verifier.composite.rechecking import recheck_composite
from verifier.composite.record import CompositeRecord


@dataclass(frozen=True)
class Counterpart:
    """Another holder's answer that was verified, with its record."""

    verified: VerifiedComposite
    record: CompositeRecord

    @classmethod
    def of(cls, record: CompositeRecord, log_verifier: tlog.Verifier) -> "Counterpart":
        """Verify a record, and return what it holds; raises what `recheck_composite` does."""
        return cls(recheck_composite(record, log_verifier=log_verifier).verified, record)


Counterparts = Mapping[str, Counterpart]
"""Answers by the names that a policy has for them."""


@dataclass(frozen=True)
class ForeignRule:
    """A number that another holder has committed to, in the answer of a name."""

    node: Node
    id: str
    answer: str
    commitment: str
    holder: Compared | HolderWaiver
    subjects: tuple[Compared, ...]

    @classmethod
    def read(cls, node: Node) -> "ForeignRule":
        """Read it; PolicyError."""
        fields = node.fields(("id", "of", "holders"), ("subjects",))
        answer, commitment = fields["of"].read(_answer_and_commitment)
        holders, subjects = fields["holders"], fields.get("subjects", Node([])).items()
        compared = tuple(map(_compared, subjects))
        check_once(subjects, compared, "the comparison")
        return cls(
            node,
            fields["id"].read(check_attribute_id),
            answer,
            commitment,
            HolderWaiver.OTHER_HOLDER if holders.value == "waived" else _compared(holders),
            compared,
        )

    def number(self, counterparts: Counterparts) -> CommittedNumber:
        """Return the number that an answer has committed to; PolicyError."""
        place, given = Node(None, f"{self.node.place}.of"), counterparts.get(self.answer)
        if given is None:
            raise place.refuse(f"no answer is given as {self.answer}")
        if given.record.counterparts:
            raise place.refuse("that answer counts numbers of others itself: ask for each number by itself")
        number = given.verified.commitments.get(self.commitment)
        if number is None:
            raise place.refuse(f"the answer has no commitment {self.commitment}")
        return number

    def make(self, counterparts: Counterparts) -> ForeignNumber:
        """Return what the request's branch has; PolicyError."""
        return ForeignNumber(self.id, self.number(counterparts), self.holder, self.subjects)


def _answer_and_commitment(written: str) -> tuple[str, str]:
    """Read `answer.commitment`; MalformedError NAME_INVALID."""
    answer, _, commitment = written.partition(".")
    return check_id(answer, "an answer's name"), check_attribute_id(commitment)


def _compared(node: Node) -> Compared:
    fields = node.fields(("here", "there"))
    return Compared(*(fields[name].read(check_attribute_id) for name in ("here", "there")))
