"""What the report says of composite presentations: without pairings, and beside what others measured."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.results import Row
from benchmarks.tables import figure, table

_KEYED: Final = """## Keyed verification

Where the verifier is the issuer: a MAC in place of the signature, and no pairing (docs/keyed.md). The same
statement, of ten messages three shown, over each suite in one run, in P; with pairings on the preferred
group, without them by petlib on OpenSSL. SM2 is experimental. What is measured is what a check service does
for a presentation, compiling the statement included, without gRPC; batches are of {batch} presentations.

"""
_ISSUANCE: Final = """
Issuance, in P. Without pairings it holds the proof that the MAC is right, which the holder checks; with them
the holder verifies the signature instead, which stands under "Operations", and `accept` is the preparation.

"""
_MISSING: Final = "\n{names}: not measured, the extra `keyed` (petlib) is not installed.\n"
_SUITES: Final = ("BLS12-381", "P-256", "SM2")

_ALTERNATIVES: Final = """## Presentations beside the best known alternatives

In P and octets. Ours are from this run; where a row is "alone", it is the difference of two of them. Those of
others are cited: they were measured by others on a machine of this kind, and no run of ours repeats them.

"""
_OF_THIS_RUN: Final = "this run"
_CITED: Final = "cited"


@dataclass(frozen=True)
class Cost:
    """What a presentation, or a part of one, costs; None for what nobody says. `least` is a lower bound."""

    name: str
    prove: float
    verify: float
    octets: int | None
    least: bool = False

    def line(self, whose: str) -> tuple[str, ...]:
        """Return the row of the table."""
        prove = figure(self.prove) if not self.least else f"at least {figure(self.prove)}"
        octets = "-" if self.octets is None else f"{self.octets:,}"
        return self.name, whose, octets, prove, figure(self.verify)

    def beyond(self, other: "Cost", name: str) -> "Cost":
        """Return what this costs more than another."""
        octets = None if self.octets is None or other.octets is None else self.octets - other.octets
        return Cost(name, self.prove - other.prove, self.verify - other.verify, octets)


OTHERS: Final = (
    Cost("Dock: range by set membership", 110, 229, 2595),
    Cost("Dock: range by Bulletproofs++", 810, 266, 1736),
    Cost("Dock: range by LegoGroth16", 7886, 59, 846),
    Cost("Dock: not revoked, VB accumulator", 75, 81, None),
    Cost("AnonCreds: presentation", 73, 75, 19_200, least=True),
    Cost("AnonCreds: not revoked", 45, 46, None),
)


def keyed(rows: Sequence[Row]) -> str:
    """The suites side by side."""
    proven = [row for row in rows if row["operation"] == "composite prove"]
    found = {(row["operation"], row["suite"], row.get("gadgets")): row for row in rows if "suite" in row}
    operations = ("composite prove", "composite verify", "composite verify in a batch")
    lines = [
        (row["suite"], row["gadgets"], row["octets"], *(
            _ratio(found, each, row["suite"], row["gadgets"]) for each in operations
        ))
        for row in proven
    ]  # fmt: skip
    size = next((row["batch"] for row in rows if row["operation"] == operations[-1]), "-")
    text = _KEYED.format(batch=size) + table(
        ("suite", "gadgets", "octets", "prove", "verify alone", "in a batch, each"), lines
    )
    suites = [each for each in _SUITES if any(row["suite"] == each for row in proven)]
    issued = [
        (each, *(_ratio(found, f"composite {name}", each, None) for name in ("issue", "accept")))
        for each in suites
    ]
    text += _ISSUANCE + table(("suite", "issue", "accept"), issued)
    missing = [each for each in _SUITES if each not in suites]
    return text + (_MISSING.format(names=", ".join(missing)) if missing else "")


def _ratio(
    found: Mapping[tuple[str, str, str | None], Row], operation: str, suite: str, gadgets: str | None
) -> str:
    row = found.get((operation, suite, gadgets))
    return figure(row.get("ratio") if row else None)


def alternatives(rows: Sequence[Row]) -> str:
    """Ours, and what others are known to cost."""
    ours = list(_ours(rows))
    by_name = {each.name: each for each in ours}
    for name, before, alone in (
        ("one credential, 16-bit range", "one credential", "16-bit range alone"),
        ("one credential, 16-bit range, not revoked", "one credential, 16-bit range", "not revoked alone"),
    ):
        if name in by_name and before in by_name:
            ours.append(by_name[name].beyond(by_name[before], alone))
    if not ours:
        return ""
    lines = [each.line(_OF_THIS_RUN) for each in ours] + [each.line(_CITED) for each in OTHERS]
    return _ALTERNATIVES + table(("proves", "whose", "octets", "prove", "verify"), lines)


def _ours(rows: Sequence[Row]) -> Iterator[Cost]:
    """Read composite rows, of which each with a + adds to the one before."""
    measured = {row["name"]: row["measured"] for row in rows}
    whole = ""
    for row in rows:
        match = re.fullmatch(r"(.+): prove, ([0-9]+) octets", row["name"])
        if match and f"{match[1]}: verify" in measured:
            added = match[1].removeprefix("+ ")
            whole = f"{whole}, {added}" if added != match[1] else added
            yield Cost(whole, row["measured"], measured[f"{match[1]}: verify"], int(match[2]))
