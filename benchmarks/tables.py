"""How the report writes figures: Markdown tables, and numbers in as many digits as are worth reading."""

from collections.abc import Iterable, Sequence
from typing import Final

_TEXTS: Final = frozenset(
    (
        "operation",
        "group",
        "process",
        "method",
        "package",
        "page",
        "database",
        "setting",
        "suite",
        "P, 3 shown",
        "counted",
        "remarks",
        "proves",
        "gadgets",
        "whose",
        "",
    )
)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table; columns are numbers unless they are named as texts."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (head, *rows)]
    rule = "|".join(" --- " if name in _TEXTS else " ---: " for name in head)
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]]) + "\n"


def figure(value: float | None, digits: int = 3) -> str:
    """Return a number in as many digits as are worth reading."""
    if value is None:
        return "-"
    shown = f"{value:,.{digits}g}" if abs(value) < 1000 else f"{value:,.0f}"
    return shown if "e" not in shown else f"{value:.{digits}g}"
