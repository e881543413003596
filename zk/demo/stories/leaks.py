"""Looking for people's numbers in all that others keep: service, verifiers, ledger, receipts, logs."""

import re
from collections.abc import Container
from pathlib import Path
from typing import Final

_NUMBER: Final = re.compile(rb"(?=([0-9]{17}[0-9X]))")
"""Overlapping, so that a number is found in a longer row of digits as well."""
RECORDS: Final = "enrolled-"
"""How the school's own records begin, in which the numbers stand that it was shown."""


def leaks(output: Path, people: Container[str], shown: Container[str]) -> tuple[str, ...]:
    """Return the files in which somebody's number stands in clear, with how many.

    Vaults are the holders' own and are encrypted. `shown` are the numbers that were shown to the school.
    """
    found = []
    for path in sorted(output.rglob("*")):
        if not path.is_file() or path.name.startswith("vault."):
            continue
        numbers = {each.decode() for each in _NUMBER.findall(path.read_bytes())}
        mine = {each for each in numbers if each in people}
        if path.name.startswith(RECORDS):
            mine = {each for each in mine if each not in shown}
        if mine:
            found.append(f"{path.relative_to(output)}: {len(mine)}")
    return tuple(found)
