"""The scale that is asked about, and what is assumed of it beside its own numbers."""

from dataclasses import dataclass

SECONDS_A_YEAR = 365 * 86_400
PART = 1_000
"""The simulations do one part in so many."""


@dataclass(frozen=True)
class Seed:
    """A platform's scale. The first four are the seed's own, the others are assumptions that the page names.

    `renewed` is how often a credential is issued anew in a year while it is valid, `changed` which share of
    the credentials is replaced in a year since the record changed: both revoke the old one. `accumulators`
    is in how many lists they are revoked, one for each department; `full` which share of a core's time is
    used at the peak, the rest being left for waiting times and failures; `cities` how many mirror a ledger.
    """

    credentials: int = 290_000_000
    kinds: int = 519
    uses: int = 2_800_000_000
    peak: int = 10
    renewed: float = 1.0
    changed: float = 0.05
    accumulators: int = 20
    full: float = 0.7
    cities: int = 9

    @property
    def issues(self) -> float:
        """Credentials that are issued in a year, of which each takes the place of one that is revoked."""
        return self.credentials * (self.renewed + self.changed)

    @property
    def uses_a_second(self) -> float:
        """Uses a second in the mean of a year."""
        return self.uses / SECONDS_A_YEAR

    @property
    def issues_a_second(self) -> float:
        """Credentials a second in the mean of a year."""
        return self.issues / SECONDS_A_YEAR


SEED = Seed()
