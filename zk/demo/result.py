"""What the demo found, as values: a test asserts them, zk.demo.show prints them."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class View:
    """What one party saw: each label with its value, and what stayed hidden from it."""

    party: str
    learnt: tuple[tuple[str, str], ...]
    hidden: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where a receipt stands, checked by its holder: entry, block, size of the tree that proves it."""

    party: str
    index: int
    block: int
    size: int
    octets: int


@dataclass(frozen=True)
class Refusal:
    """Something that must fail, and how it did: the refuser's own status and reason beside the expected ones.

    For what the service refuses the status is that of gRPC; for what a vault or a verifier refuses it is the
    one or the other; for the ledger file it is the exit code.
    """

    name: str
    expected: tuple[str, str]
    status: str
    reason: str
    detail: str

    @property
    def as_it_must(self) -> bool:
        """Whether it failed, and for the right reason."""
        return (self.status, self.reason) == self.expected


@dataclass(frozen=True)
class Opened:
    """An escrowed identity that the regulator has opened, for one case.

    `index` is the entry of the ledger that recorded it first. `found` tells whether it is who it has to be,
    `seen_by_holder` whether the holder's vault, and no other, recognised its use on the ledger.
    """

    case: str
    index: int
    found: bool
    seen_by_holder: bool


@dataclass(frozen=True)
class Size:
    """How large something is, in octets."""

    name: str
    octets: int


@dataclass(frozen=True)
class Time:
    """How long something took, in milliseconds, and in multiples of one pairing check."""

    name: str
    milliseconds: float
    pairing_checks: float


@dataclass(frozen=True)
class Ledger:
    """The exported ledger: where it lies and what its audit found."""

    path: Path
    size: int
    blocks: int
    receipts: int
    records: int
    root: bytes


@dataclass(frozen=True)
class DemoResult:
    """Everything that the demo found."""

    server: str
    group: str
    pairing_check_ms: float
    views: tuple[View, ...]
    places: tuple[Place, ...]
    refusals: tuple[Refusal, ...]
    sizes: tuple[Size, ...]
    times: tuple[Time, ...]
    ledger: Ledger
    leaks: tuple[str, ...]
    """Where a name, a number or a secret was found in clear, which must be nowhere."""
    opened: Opened
    """What the regulator opened."""
    repeated_receipt_same: bool
    """Whether the same submission, sent again, gave the stored receipt."""
    accepted_after_refusal: bool
    """Whether an exchange that refused a forgery still took the true answer."""
    bank_output: str
    """What examples/bank.py printed at the end."""
    seconds: float

    @property
    def went_as_it_must(self) -> bool:
        """Whether everything succeeded that must, and failed that must."""
        return (
            all(each.as_it_must for each in self.refusals)
            and not self.leaks
            and self.opened.found
            and self.opened.seen_by_holder
            and self.repeated_receipt_same
            and self.accepted_after_refusal
        )
