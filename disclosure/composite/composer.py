"""A statement in the making: the credentials of one holder, and the parts that are stated about them.

What is left when the statement is done is the layout: which gadget proves what. The holder gives its secrets
through it, the verifier reads the points that it asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bbs import PreparedCredential
from bbs.accumulator import MembershipWitness
from bbs.engine import Builder, PairingSuite, Scope, Values, Witness
from bbs.gadgets import Commitment, Credential, Opened, Pseudonym
from bbs.gadgets.escrow import Escrow
from disclosure.composite import scalars
from disclosure.composite.choices import Chosen
from disclosure.composite.credential import domain_of
from disclosure.composite.handover import CommitmentOpening
from disclosure.composite.issuance import HolderCommitment
from disclosure.composite.kinds import Kind
from disclosure.composite.predicates import Foreign, Operand
from disclosure.composite.rules import BranchRules


@dataclass(frozen=True, repr=False)
class Held:
    """A holder's secrets for one answer, by query; a witness where the query asks for revocation.

    `openings` are what other holders handed over, by the numbers' identifiers.
    """

    secret: int
    credentials: Mapping[str, PreparedCredential]
    witnesses: Mapping[str, MembershipWitness]
    openings: Mapping[str, CommitmentOpening]

    def message(self, query: str, slot: int) -> int:
        """Return the scalar of a credential's slot."""
        return self.credentials[query].messages[slot]


Assign = Callable[[Values, Held], None]
"""Gives one gadget its secret values."""


@dataclass(frozen=True)
class Part:
    """One part of what is proven: where it stands in the request, and how the holder gives its secrets."""

    place: str
    assign: Assign = field(repr=False)


@dataclass(frozen=True)
class CommittedPart:
    """A commitment that another holder's sum may count. Its opening is the holder's to keep, so no `Part`."""

    place: str
    gadget: Commitment
    value: Callable[[Held], int] = field(repr=False)


@dataclass(frozen=True)
class Layout:
    """The parts of a statement in their order, and the gadgets whose points the verifier reads."""

    parts: tuple[Part, ...]
    pseudonyms: Mapping[str, Pseudonym]
    escrows: Mapping[str, Escrow]
    commitments: Mapping[str, CommittedPart]
    commitment: HolderCommitment | None


class Composer:
    """Puts the statement of one branch together, over the credentials that were chosen for its queries."""

    def __init__(self, rules: BranchRules, chosen: Sequence[Chosen]) -> None:
        """Begin with the credentials: one holder's secret in all, one witness for equal attributes."""
        self.rules = rules
        self.chosen = {each.query.id: each for each in chosen}
        self.builder = Builder(PairingSuite(rules.suite))
        self.secret = self.builder.scope("holder").witness("secret")
        self.equal = rules.equal
        self._shared = self._equality_witnesses()
        self._parts: list[Part] = []
        self._opened: dict[str, Opened] = {}
        self._credentials = {
            each.query.id: self._credential(index, each) for index, each in enumerate(chosen)
        }

    def scope(self, name: str) -> Scope:
        """Return a part's own scope."""
        return self.builder.scope(name)

    def add(self, place: str, assign: Assign) -> None:
        """Keep a part's way to give its secrets."""
        self._parts.append(Part(place, assign))

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts so far."""
        return tuple(self._parts)

    def slot(self, operand: Operand) -> int:
        """Return an attribute's slot in the credential that was chosen."""
        return scalars.slot(self.chosen[operand.query].schema, operand.attribute)

    def witness(self, query: str, slot: int) -> Witness:
        """Return the witness of a credential's hidden slot."""
        return self._credentials[query].messages[slot]

    def open(self, foreign: str, opened: Opened) -> None:
        """Keep the gadget that opens another holder's commitment."""
        self._opened[foreign] = opened

    def operand(self, operand: Operand | Foreign) -> Witness:
        """Return the witness of a hidden attribute, or of another holder's number."""
        if isinstance(operand, Foreign):
            return self._opened[operand.id].m
        return self.witness(operand.query, self.slot(operand))

    def value(self, operand: Operand | Foreign) -> Callable[[Held], int]:
        """Return how the holder finds the scalar of an attribute, or of another holder's number."""
        if isinstance(operand, Foreign):
            number = operand.id
            return lambda held: held.openings[number].m
        query, slot = operand.query, self.slot(operand)
        return lambda held: held.message(query, slot)

    def kind(self, operand: Operand | Foreign) -> Kind:
        """Return what an operand is in all accepted schemas: the same whatever was chosen."""
        return self.rules.kind(operand, self.rules.place)

    def _equality_witnesses(self) -> dict[Operand, Witness]:
        scope = self.scope("equal")
        roots = dict.fromkeys(self.equal.values())
        witnesses = {root: scope.witness(f"m{index}") for index, root in enumerate(roots)}
        return {operand: witnesses[root] for operand, root in self.equal.items()}

    def _credential(self, index: int, chosen: Chosen) -> Credential:
        query = chosen.query.id
        shared = {scalars.HOLDER_SECRET: self.secret} | {
            self.slot(operand): witness for operand, witness in self._shared.items() if operand.query == query
        }
        gadget = Credential.add_to(
            self.scope(f"credential {index}"),
            chosen.key.public_key,
            scalars.generators(chosen.schema, self.rules.suite),
            domain_of(chosen.schema, chosen.key),
            chosen.shown,
            shared,
        )
        self.add(
            f"{self.rules.place}.queries[{index}]",
            lambda values, held: gadget.assign(values, held.credentials[query]),
        )
        return gadget
