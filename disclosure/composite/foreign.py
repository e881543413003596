"""Numbers of other holders: one holder commits to a number, and another one's sum counts it.

The first presentation has a commitment K = m*G + u*H to an attribute (`CommitmentQuery`). Its verifier then
knows a `CommittedNumber`: K, and what the schemas of its own first request say of the number. It puts that
into a second request (`ForeignNumber`), which the other holder answers with the opening that the first one's
vault handed over (`disclosure.composite.handover`). Nothing of a number comes from a prover but K.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from disclosure.attributes import AttributeDefinition, AttributeType, LocalizedText
from disclosure.canonical import Item
from disclosure.composite.kinds import Kind
from disclosure.composite.predicates import Operand, check_digest, invalid
from disclosure.credential import SUITES
from disclosure.errors import MalformedError, Reason
from disclosure.names import DepartmentName, VerifierName, check_attribute_id

K_OCTETS: Final = 48


def _invalid(detail: str, field: str) -> MalformedError:
    return MalformedError(Reason.REQUEST_INVALID, detail, field=field)


@dataclass(frozen=True)
class CommitmentQuery:
    """A commitment that is asked for, to an integer attribute that stays hidden.

    By itself it tells nothing. Who answers may hand its opening to one other holder, and need not.
    """

    id: str
    operand: Operand

    def __post_init__(self) -> None:
        check_attribute_id(self.id, field="id")

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.id, self.operand.items()]

    @classmethod
    def from_items(cls, item: Item) -> "CommitmentQuery":
        """Decode what `items` gives; MalformedError."""
        match item:
            case [str(identifier), operand]:
                return cls(identifier, Operand.from_items(operand))
        raise _invalid("the octets hold no commitment", "commitments")


@dataclass(frozen=True)
class CommittedNumber:
    """A number that a verified presentation has committed to, as its verifier knows it.

    Which commitment of which presentation it is, K in 48 octets, and what follows from the first request: who
    asked, unit and scale, the widest bounds of the accepted schemas, and the departments that could have
    signed it or what it was proven equal to. Raises MalformedError PREDICATE_INVALID, NAME_INVALID.
    """

    verifier: VerifierName
    request: bytes
    presentation: bytes
    id: str
    suite: str
    K: bytes = field(repr=False)
    unit: str
    scale: int
    minimum: int
    maximum: int
    departments: tuple[DepartmentName, ...]

    def __post_init__(self) -> None:
        check_digest(self.request, "request")
        check_digest(self.presentation, "presentation")
        check_attribute_id(self.id, field="id")
        if self.suite not in SUITES or len(self.K) != K_OCTETS:
            raise invalid(f"a commitment has a suite and {K_OCTETS} octets", "K")
        if not self.departments or list(self.departments) != sorted(set(self.departments), key=str):
            raise invalid("departments stand in the order of their names, each once", "departments")
        try:
            self.kind  # noqa: B018 - checks unit, scale and bounds as those of a schema
        except MalformedError as error:
            raise invalid(error.detail, error.field) from None

    @cached_property
    def kind(self) -> Kind:
        """What it is in a sum: an attribute like the holder's own ones."""
        text = LocalizedText(self.id, self.id)
        return Kind(
            (
                AttributeDefinition(
                    self.id, text, AttributeType.INTEGER, unit=self.unit, scale=self.scale,
                    minimum=self.minimum, maximum=self.maximum,
                ),
            )
        )  # fmt: skip

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [
            str(self.verifier), self.request, self.presentation, self.id, self.suite, self.K,
            self.unit, self.scale, self.minimum, self.maximum, [str(each) for each in self.departments],
        ]  # fmt: skip

    @classmethod
    def from_items(cls, item: Item) -> "CommittedNumber":
        """Decode what `items` gives; MalformedError."""
        match item:
            case [
                str(verifier), bytes(request), bytes(presentation), str(identifier), str(suite), bytes(point),
                str(unit), int(scale), int(minimum), int(maximum), list(departments),
            ]:  # fmt: skip
                names = tuple(DepartmentName.parse(each) for each in departments if isinstance(each, str))
                if len(names) == len(departments):
                    return cls(
                        VerifierName.parse(verifier), request, presentation, identifier, suite, point, unit,
                        scale, minimum, maximum, names,
                    )  # fmt: skip
        raise _invalid("the octets hold no committed number", "number")


class HolderWaiver(StrEnum):
    """What a request gives up in so many words: that the number is another holder's."""

    OTHER_HOLDER = "other-holder-waived"


@dataclass(frozen=True)
class Compared:
    """Two pseudonyms of one scope: that of this branch, and that of the number's presentation, by identifier.

    Who answers learns neither; the verifier has both and compares.
    """

    here: str
    there: str

    def __post_init__(self) -> None:
        check_attribute_id(self.here, field="here")
        check_attribute_id(self.there, field="there")

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        return [self.here, self.there]

    @classmethod
    def from_items(cls, item: Item) -> "Compared":
        """Decode what `items` gives; MalformedError."""
        match item:
            case [str(here), str(there)]:
                return cls(here, there)
        raise _invalid("the octets hold no pseudonyms to compare", "holder")


@dataclass(frozen=True)
class ForeignNumber:
    """A number of another holder's that sums of this branch count, by its identifier in the branch.

    `holder` names pseudonyms of the two holders, which have to differ; `subjects` those of subjects, which
    have to be the same: a marriage or a household that both credentials name. Without `holder` one person may
    stand on both sides, so to give it up takes a waiver.
    """

    id: str
    number: CommittedNumber
    holder: Compared | HolderWaiver
    subjects: tuple[Compared, ...] = ()

    def __post_init__(self) -> None:
        check_attribute_id(self.id, field="id")
        if len(set(self.subjects)) != len(self.subjects):
            raise _invalid("pseudonyms are compared twice", "subjects")

    def items(self) -> list[Item]:
        """Return it for canonical encoding."""
        holder: Item = self.holder.value if isinstance(self.holder, HolderWaiver) else self.holder.items()
        return [self.id, self.number.items(), holder, [each.items() for each in self.subjects]]

    @classmethod
    def from_items(cls, item: Item) -> "ForeignNumber":
        """Decode what `items` gives; MalformedError."""
        match item:
            case [str(identifier), number, holder, list(subjects)]:
                return cls(
                    identifier,
                    CommittedNumber.from_items(number),
                    _holder_from(holder),
                    tuple(map(Compared.from_items, subjects)),
                )
        raise _invalid("the octets hold no number of another holder's", "foreign")


def _holder_from(item: Item) -> Compared | HolderWaiver:
    if isinstance(item, str) and item in set(HolderWaiver):
        return HolderWaiver(item)
    return Compared.from_items(item)
