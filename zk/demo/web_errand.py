"""An errand at two counters for the pages' demo: a company's insurance, and the hall with both counters."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

BUNDLE: Final = "company-insurance@1"
_MARKET: Final = "market-regulation"
_ITEM: Final = "business_licence"
_COUNTERS: Final = {
    "hrss-counter": ("open-social-insurance", "社会保险登记窗口", "Counter for social insurance"),
    "medical-counter": ("open-medical-insurance", "医疗保险登记窗口", "Counter for medical insurance"),
}
Zk = Callable[..., dict[str, Any]]
"""A command in a home, with what it printed."""


def policies(examples: Path) -> list[Path]:
    """Return the policies by which the hall's counters ask."""
    return [examples / "errands/policies" / f"{policy}.yaml" for policy, _, _ in _COUNTERS.values()]


def furnish(zk: Zk, departments: Path, hall: Path, examples: Path) -> str:
    """Register what the errand needs; return the link by which somebody takes a company's licence."""
    zk(departments, "issuer", "register", _MARKET)
    zk(departments, "issuer", "schema", f"{_ITEM}@1")
    zk(departments, "issuer", "key", "--department", _MARKET)
    for (name, (_, zh, en)), policy in zip(_COUNTERS.items(), policies(examples), strict=True):
        zk(hall, "verifier", "register", name, "--name-zh", zh, "--name-en", en)
        zk(hall, "verifier", "policy", "register", policy, "--as", name)
    zk(hall, "errands", "register", examples / "errands" / f"{BUNDLE.partition('@')[0]}.yaml")
    values = examples / "values" / f"{_ITEM}.yaml"
    link: str = zk(departments, "issuer", "issue", f"{_ITEM}@1", "--values", values)["link"]
    return link
