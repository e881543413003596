"""The figures of docs/scale.md, made of results/scale.json: what stands between two marks of the page."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.tables import figure, table

PAGE: Final = Path(__file__).parents[2] / "docs" / "scale.md"
_BLOCK: Final = re.compile(r"(<!-- figures: [^\n]*-->\n).*(<!-- end of figures -->)", re.DOTALL)
_UNITS: Final = ((1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "KB"))
Results = Mapping[str, Any]


def written(text: str, results: Results) -> str:
    """Return the page's text with the figures of these results; ValueError if it has no place for them."""
    found, count = _BLOCK.subn(lambda match: match[1] + render(results) + match[2], text)
    if count != 1:
        raise ValueError("the page has not exactly one place for figures")
    return found


def render(results: Results) -> str:
    """Return the Markdown of all figures."""
    return "\n".join(
        [
            "",
            _machine(results),
            "### Measured\n",
            table(
                ("", "processor, ms", "of it the main process", "messages", "kept", "log entries"),
                _actions(results),
            ),
            _others(results["measured"]),
            "### Computed\n",
            table(("", "uses of one", "uses of three"), _costs(results["costs"])),
            "### Simulated\n",
            table(("", "computed", "simulated", "ratio", "may differ by", "holds"), _checks(results)),
            "",
        ]
    )


def _machine(results: Results) -> str:
    about = results["machine"]
    memory = f"{about['memory_octets'] / 2**30:.0f} GiB"
    return (
        f"Measured on {results['measured_on']} in {results['minutes']:.0f} minutes: {about['processor']},"
        f" {about['cores']} cores, {memory}, {about['system']}, Python {about['python']}.\n"
    )


def _actions(results: Results) -> Iterable[tuple[str, ...]]:
    measured = results["measured"]
    named = (
        ("a use of one credential", measured["uses"]["one"]),
        ("a use of three credentials", measured["uses"]["three"]),
        ("a credential", measured["credential"]),
    )
    for name, each in named:
        yield (
            name,
            figure(1e3 * each["seconds"]),
            figure(1e3 * each["main_seconds"]),
            octets(each["message_octets"]),
            octets(each["kept_octets"]),
            figure(each["entries"]),
        )


def _others(measured: Mapping[str, Any]) -> str:
    log, revocation = measured["log"], measured["revocation"]
    first = (
        f"An entry takes {figure(log['entry_octets'], 4)} octets of the log's tables, a block"
        f" {figure(log['block_octets'])} more; a log takes in {figure(log['entries_a_second'])} entries"
        f" a second in full blocks; a block of one entry takes {figure(1e3 * log['block_seconds'])} ms."
    )
    second = (
        f"A revocation takes {figure(1e6 * revocation['seconds'])} µs of the server's processors and"
        f" {figure(revocation['kept_octets'])} octets of its tables,"
        f" and {figure(1e6 * revocation['vault_seconds'])} µs and {figure(revocation['vault_octets'])} octets"
        " of each vault that catches up with it."
    )
    return f"{first} {second}\n"


def _costs(costs: Mapping[str, Mapping[str, float]]) -> Iterable[tuple[str, str, str]]:
    def row(name: str, show: Any, field: str, factor: float = 1) -> tuple[str, str, str]:
        return name, show(factor * costs["one"][field]), show(factor * costs["three"][field])

    yield row("uses a second at the peak", figure, "peak_uses_a_second")
    yield row("credentials issued a second at the peak", figure, "peak_issues_a_second")
    yield row("cores busy at the peak", figure, "peak_cores")
    yield row("**cores to have**", figure, "cores")
    yield row("servers that they are spread over, about", figure, "servers")
    yield row("**network at the peak, Gbit/s**", figure, "peak_bits_a_second", 1e-9)
    yield row("messages in a year", octets, "messages")
    yield row("**kept of a year's uses**", octets, "uses_kept")
    yield row("**kept of a year's credentials**", octets, "credentials_kept")
    yield row("log entries in a year, millions", figure, "entries", 1e-6)
    yield row("entries a block in the mean", figure, "entries_a_block")
    yield row("**ledger of a year**", octets, "ledger")
    yield row("the same in all cities that mirror it", octets, "mirrored")
    yield row("logs at the peak, of this machine's speed", figure, "logs")
    yield row("revocations of one list in a year, millions", figure, "revocations_of_a_list", 1e-6)
    yield row("a vault that follows one list reads in a year", octets, "vault_octets")
    yield row("and computes, minutes a year", figure, "vault_seconds", 1 / 60)


def _checks(results: Results) -> Iterable[tuple[str, ...]]:
    for each in results["checks"]:
        yield (
            each["name"],
            figure(each["predicted"]),
            figure(each["simulated"]),
            f"{each['ratio']:.3f}",
            f"{each['tolerance']:.0%}",
            "yes" if each["holds"] else "**no**",
        )


def octets(count: float) -> str:
    """Return a number of octets in the unit that suits it; units are powers of a thousand."""
    for unit, name in _UNITS:
        if count >= unit:
            return f"{figure(count / unit)} {name}"
    return f"{count:.0f}"
