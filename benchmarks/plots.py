"""The report's pictures, as SVG: `python -m benchmarks.plots` draws them from results/latest.json.

matplotlib is needed here only and is no requirement of the project; benchmarks/requirements.txt pins it.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from benchmarks.ledger.page import TIMES, fits
from benchmarks.ledger.published import PUBLISHED
from benchmarks.results import FOLDER, Results, Row, load

_BLUE, _ORANGE, _GREEN, _PURPLE, _RED, _GREY = (
    "#0072b2", "#d55e00", "#009e73", "#8a5aa8", "#b0304a", "#8c8c8c",
)  # fmt: skip
OPERATIONS: Final = {
    "sign": _BLUE,
    "verify": _ORANGE,
    "proof_gen": _GREEN,
    "proof_gen_prepared": _PURPLE,
    "proof_verify": _RED,
}
_KINDS: Final = {
    "multiplication": _BLUE,
    "pairing": _ORANGE,
    "decoding": _GREEN,
    "hashing": _PURPLE,
    "secret key": _RED,
    "encoding": "#56b4e9",
    "preparing": "#c9a227",
}
_STYLE: Final = {
    "svg.hashsalt": "zk-disclosure",
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "figure.constrained_layout.use": True,
}


@contextmanager
def _figure(path: Path, *, columns: int = 1, width: float = 6.4) -> Iterator[Any]:
    """Hand out the axes of a picture and write it; the same figures give the same file."""
    library: Any = import_module("matplotlib")
    library.use("svg")
    plot: Any = import_module("matplotlib.pyplot")
    with plot.rc_context(_STYLE):
        figure, axes = plot.subplots(1, columns, figsize=(5.2 * columns if columns > 1 else width, 3.9))
        yield axes
        figure.savefig(path, format="svg", metadata={"Date": None})
        plot.close(figure)


def _labels(axes: Any, title: str, x: str, y: str) -> None:
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _plain(*all_axes: Any) -> None:
    """Label what is logarithmic by numbers, not by powers."""
    ticker: Any = import_module("matplotlib.ticker")
    for axes in all_axes:
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() == "log":
                axis.set_major_formatter(ticker.LogFormatter(labelOnlyBase=False))
                axis.set_minor_formatter(ticker.LogFormatter(labelOnlyBase=False, minor_thresholds=(1, 0.4)))


def _line(axes: Any, rows: list[Row], x: str, y: str, **style: Any) -> None:
    points = sorted((row[x], row[y]) for row in rows)
    axes.plot([each for each, _ in points], [each for _, each in points], marker="o", **style)


def cost(rows: list[Row], path: Path) -> None:
    """Cost against L: the operations on the first group, and one operation on every group."""
    ours = [row for row in rows if row.get("suite") == "SHA-256" and row["operation"] in OPERATIONS]
    ours = [row for row in ours if "shown" not in row or row["shown"] == min(3, row["L"])]
    found = dict.fromkeys(row["group"] for row in ours)
    with _figure(path, columns=2) as (left, right):
        for operation, color in OPERATIONS.items():
            mine = [
                row for row in ours if row["operation"] == operation and row["group"] == next(iter(found))
            ]
            _line(left, mine, "L", "ratio", color=color, label=operation)
        for group, color in zip(found, OPERATIONS.values(), strict=False):
            mine = [row for row in ours if row["operation"] == "proof_verify" and row["group"] == group]
            _line(right, mine, "L", "ratio", color=color, label=group)
        _labels(left, f"Operations, group {next(iter(found))}, 3 shown", "messages L", "cost in P")
        _labels(right, "proof_verify by group, 3 shown", "messages L", "cost in P")
        for axes in (left, right):
            axes.set(xscale="log", yscale="log")
            axes.legend()
        _plain(left, right)


def parts(rows: list[Row], path: Path) -> None:
    """Stacked cost of each operation by group operation, L=10, with what is left over."""
    ours = [row for row in rows if row.get("parts") and row["group"] == rows[0]["group"] and row["L"] == 10]
    names = [row["operation"].removeprefix("parts of ") for row in ours]
    with _figure(path) as axes:
        start = [0.0] * len(ours)
        rest = [max(0.0, row["over"] - 1) * row["sum"] for row in ours]
        stacks = [
            (kind, color, [row["parts"].get(kind, 0.0) for row in ours]) for kind, color in _KINDS.items()
        ]
        for kind, color, seconds in [*stacks, ("everything else", _GREY, rest)]:
            widths = [each / row["unit_seconds"] for each, row in zip(seconds, ours, strict=True)]
            axes.barh(names, widths, left=start, color=color, label=kind, height=0.6)
            start = [before + width for before, width in zip(start, widths, strict=True)]
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        _labels(axes, "What an operation is made of, L=10, 3 shown", "cost in P", "")
        axes.legend(fontsize=8.5)


def batch(rows: list[Row], path: Path) -> None:
    """Proofs verified each second against the size of the batch."""
    ours = [row | {"rate": 1 / row["seconds"]} for row in rows if row["operation"] == "proof_verify_batch"]
    with _figure(path) as axes:
        _line(axes, ours, "batch", "rate", color=_BLUE)
        axes.set(xscale="log", ylim=(0, None))
        _plain(axes)
        _labels(
            axes, "Batch verification, one thread, L=10, 3 shown", "proofs in a batch", "proofs per second"
        )


def entries(rows: list[Row], path: Path) -> None:
    """Durable log entries each second against the size of the batch."""
    ours = [row | {"rate": 1 / row["seconds"]} for row in rows if row["operation"] == "log entry"]
    with _figure(path) as axes:
        _line(axes, ours, "batch", "rate", color=_BLUE)
        axes.set(xscale="log", yscale="log")
        _plain(axes)
        _labels(axes, "Entries on the log, durable on SQLite", "entries in a batch", "entries per second")


def latency(rows: list[Row], path: Path) -> None:
    """Latency against load: the median and the 99th percentile of each method."""
    ours = [row | row["latency"] for row in rows if row["rate"]]
    with _figure(path) as axes:
        for method, color in zip(
            dict.fromkeys(row["method"] for row in ours), OPERATIONS.values(), strict=False
        ):
            mine = [row for row in ours if row["method"] == method]
            _line(axes, mine, "rate", "p50", color=color, label=f"{method}, median")
            _line(axes, mine, "rate", "p99", color=color, linestyle=":", label=f"{method}, 99th percentile")
        axes.set(yscale="log", xlim=(0, None))
        _plain(axes)
        _labels(axes, "Latency from when a call was due", "calls per second", "milliseconds")
        axes.legend(fontsize=8.5)


def durable(rows: list[Row], path: Path) -> None:
    """Entries a second of ours, what has been promised, and what others have published of theirs."""
    ours = [(f"this, {row['database']}", row["per_second"], _BLUE) for row in rows]
    theirs = [(f"{each.name} ({each.machine})", each.per_second, _GREY) for each in PUBLISHED]
    names, rates, colors = zip(*ours, *theirs, strict=True)
    with _figure(path, width=9.0) as axes:
        axes.barh(range(len(names)), rates, color=colors, height=0.6)
        axes.set_yticks(range(len(names)), names, fontsize=8)
        for place, row in enumerate(rows):
            axes.plot([row["target"]] * 2, [place - 0.4, place + 0.4], color=_RED)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        _labels(axes, "Entries on a log, ours with what was promised (red)", "entries per second", "")


def anchored(rows: list[Row], path: Path) -> None:
    """The part of submissions that is anchored by when."""
    (row,) = rows
    seconds = sorted(row["seconds"])
    with _figure(path) as axes:
        axes.step(seconds, [(place + 1) / len(seconds) for place in range(len(seconds))], where="post")
        axes.axvline(row["median"], color=_ORANGE, linestyle=":", label=f"median {row['median']:.2f} s")
        axes.set(xlim=(0, None), ylim=(0, 1.02))
        axes.legend()
        _labels(axes, "From submission to anchored, nine witnesses", "seconds", "part of submissions")


def proofs(rows: list[Row], path: Path) -> None:
    """Octets and time of proofs against the size of the log, on a logarithmic axis, with the fitted lines."""
    grown, sizes = fits(rows), [row["size"] for row in rows]
    times = list(zip(TIMES.items(), OPERATIONS.values(), strict=True))
    makes = [each for each in times if not each[0][0].startswith("verify")]
    with _figure(path, columns=3) as (octets, making, verifying):
        octets.plot(sizes, [row["octets"] for row in rows], "o", color=_BLUE)
        octets.plot(sizes, [grown["octets"].at(each) for each in sizes], color=_BLUE, linewidth=1)
        for axes, shown in ((making, makes), (verifying, [each for each in times if each not in makes])):
            for (name, label), color in shown:
                axes.plot(sizes, [1e6 * row[name]["seconds"] for row in rows], "o", color=color, label=label)
                axes.plot(sizes, [grown[name].at(each) for each in sizes], color=color, linewidth=1)
            axes.legend(fontsize=8.5, loc="lower right")
        step = grown["octets"].step
        _labels(octets, f"Inclusion proof: {step:.0f} octets for each doubling", "entries", "octets")
        _labels(making, "Making, with a + b log2(size)", "entries", "microseconds")
        _labels(verifying, "Verifying, with a + b log2(size)", "entries", "microseconds")
        for axes in (octets, making, verifying):
            axes.set(xscale="log", ylim=(0, None))


def memory(rows: list[Row], path: Path) -> None:
    """Resident memory at most against the size of the log."""
    with _figure(path) as axes:
        for operation, color in (("sequencer", _BLUE), ("fsck", _ORANGE)):
            ours = [row | {"megabytes": row["peak_octets"] / 1e6} for row in rows]
            mine = [row for row in ours if row["operation"] == operation]
            _line(axes, mine, "size", "megabytes", color=color, label=operation)
        axes.set(xscale="log", ylim=(0, None))
        axes.legend()
        _labels(axes, "Resident memory at most, whole process", "entries", "MB")


_LEDGER: Final[dict[str, tuple[Callable[[list[Row], Path], None], tuple[str, ...]]]] = {
    "durable": (durable, ("durable receipts",)),
    "anchored": (anchored, ("anchored",)),
    "proofs": (proofs, ("proofs",)),
    "memory": (memory, ("sequencer", "fsck")),
}
_SUITE: Final[dict[str, tuple[Callable[[list[Row], Path], None], str]]] = {
    "cost": (cost, "proof_verify"),
    "parts": (parts, "parts of sign"),
    "batch": (batch, "proof_verify_batch"),
    "entries": (entries, "log entry"),
}


def draw(results: Results, folder: Path) -> list[str]:
    """Draw every picture that there are figures for; return their names."""
    drawn = []
    measured = {row["operation"] for row in results["suite"] if "ratio" in row}
    for name, (picture, needed) in _SUITE.items():
        if needed in measured:
            rows = [row for row in results["suite"] if "ratio" in row]
            picture(rows, folder / f"{name}.svg")
            drawn.append(name)
    for name, (picture, operations) in _LEDGER.items():
        if rows := [row for row in results.get("ledger", []) if row["operation"] in operations]:
            picture(rows, folder / f"ledger_{name}.svg")
            drawn.append(f"ledger_{name}")
    if any(row["rate"] for row in results["load"]):
        latency(results["load"], folder / "latency.svg")
        drawn.append("latency")
    return drawn


if __name__ == "__main__":
    sys.stdout.write(f"drawn: {', '.join(draw(load(), FOLDER))}\n")
