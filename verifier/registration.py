"""How a policy's file says which registered policy its requests name, and what there is to register.

    policy: enrolment-2026@1           # by default the file's own id, and @1
    register:
      purpose: purposes/school-enrolment
      legal_basis: {zh: 义务教育法第十二条, en: "Compulsory Education Law, article 12"}
      retention_days: 30               # how long what is shown is kept; 0: not at all
      standing: {times: 12, interval_days: 28, days: 366}   # where holders may agree beforehand
      receipt: ordered                 # or anchored, or pending: in which state receipts are demanded

Both may be left out: without `register` the policy is registered in another way. What may be asked is not
said here again: it follows from the queries (`verifier.registering`). Without `receipt` the policy demands no
state, and whoever asks says for each question whether it waits for one.
"""

from dataclasses import dataclass

from disclosure import LocalizedText, PolicyName, VerifierName
from disclosure.policy import StandingLimits, receipt_state, states_beyond
from tlog import ReceiptState
from verifier.composite.nodes import Node, at


@dataclass(frozen=True)
class Registration:
    """What the administrator is told of a policy beside what it asks."""

    purpose: str
    legal_basis: LocalizedText
    retention_days: int
    standing: StandingLimits | None = None
    receipt: ReceiptState | None = None

    @classmethod
    def read(cls, node: Node) -> "Registration":
        """Read it; PolicyError."""
        fields = node.fields(("purpose", "legal_basis", "retention_days"), ("standing", "receipt"))
        basis = fields["legal_basis"].fields(("zh", "en"))
        with at(fields["legal_basis"].place, inner=True):
            legal_basis = LocalizedText(basis["zh"].text(), basis["en"].text())
        standing = _standing(fields["standing"]) if "standing" in fields else None
        receipt = fields["receipt"].read(receipt_state) if "receipt" in fields else None
        days = fields["retention_days"].whole()
        return cls(fields["purpose"].text(), legal_basis, days, standing, receipt)


@dataclass(frozen=True)
class Registered:
    """The registered policy that a file's requests name, by the last part of its name."""

    policy: str
    registration: Registration | None = None

    def __post_init__(self) -> None:
        self.name(VerifierName("sample"))

    @classmethod
    def read(cls, identifier: str, fields: dict[str, Node]) -> "Registered":
        """Read the fields `policy` and `register` of a file with an identifier; PolicyError."""
        named, register = fields.get("policy", Node(f"{identifier}@1", "id")), fields.get("register")
        registration = None if register is None else Registration.read(register)
        return named.read(lambda text: cls(text, registration))

    @property
    def demands(self) -> frozenset[ReceiptState]:
        """What receipts have to be by the file, before an answer is accepted."""
        return frozenset() if self.registration is None else states_beyond(self.registration.receipt)

    def name(self, verifier: VerifierName) -> PolicyName:
        """Return its name; MalformedError NAME_INVALID."""
        return PolicyName.parse(f"{verifier}/policies/{self.policy}", field="policy")


def _standing(node: Node) -> StandingLimits:
    names = ("times", "interval_days", "days")
    fields = node.fields(names)
    with at(node.place, inner=True):
        return StandingLimits(*(fields[each].whole() for each in names))
