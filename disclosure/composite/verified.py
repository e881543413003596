"""What a composite presentation that holds has shown and proven."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from disclosure.composite.foreign import CommittedNumber
from disclosure.composite.issuance import PresentedCommitment
from disclosure.composite.presentation import Answer


@dataclass(frozen=True)
class VerifiedComposite:
    """The result of verification, which nothing else makes.

    `digest` is the presentation's, `suite` that of the keys its credentials are signed with. `pseudonyms` has
    each one that was asked for, 48 octets, by its identifier, `scopes` the digest of what each is a pseudonym
    in: in each suite another. `commitments` has the numbers that another holder's sum may count. `commitment`
    is what the department of the request's issuance terms signs. What is escrowed is opened from the
    presentation itself (`disclosure.composite.opening`).
    """

    answer: Answer
    digest: bytes = field(repr=False)
    suite: str
    pseudonyms: Mapping[str, bytes] = field(repr=False)
    scopes: Mapping[str, bytes] = field(repr=False)
    commitments: Mapping[str, CommittedNumber]
    commitment: PresentedCommitment | None
