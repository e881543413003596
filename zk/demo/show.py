"""The demo's result as tables that a newcomer understands."""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from zk.demo.result import DemoResult, Refusal, View
from zk.failure import added_detail
from zk.messages import Language, clean, reason_text, text


def tables(result: DemoResult, lang: Language) -> Iterator[RenderableType]:
    """Give what is printed, from top to bottom."""
    yield _views(result.views, lang)
    yield _places(result, lang)
    yield _refusals(result.refusals, lang)
    yield _sizes(result, lang)
    yield _times(result, lang)
    yield from _conclusion(result, lang)


def _table(lang: Language, name: str, columns: int) -> Table:
    table = Table(
        title=text(lang, f"demo.{name}.title"), title_justify="left", title_style="bold", show_lines=False
    )
    for index in range(columns):
        table.add_column(text(lang, f"demo.{name}.{index}"), overflow="fold")
    return table


def _views(views: Sequence[View], lang: Language) -> Table:
    table = _table(lang, "views", 3)
    for view in views:
        learnt = "\n".join(f"{label}: {value}" if value else label for label, value in view.learnt)
        table.add_row(view.party, learnt, Text(", ".join(view.hidden), style="green"), end_section=True)
    return table


def _places(result: DemoResult, lang: Language) -> Table:
    table = _table(lang, "places", 5)
    for each in result.places:
        table.add_row(each.party, str(each.index), str(each.block), str(each.size), text(lang, "demo.holds"))
    return table


def _refusals(refusals: Sequence[Refusal], lang: Language) -> Table:
    table = _table(lang, "refusals", 3)
    for each in refusals:
        verdict = Text(text(lang, "demo.refused" if each.as_it_must else "demo.not_as_it_must"))
        verdict.stylize("green" if each.as_it_must else "bold red")
        meaning = reason_text(lang, each.reason, "")
        detail = clean(added_detail(lang, each.reason, each.detail)) if meaning else clean(each.detail)
        told = "\n".join(part for part in (f"{each.status} {each.reason}", meaning, detail) if part)
        table.add_row(text(lang, each.name), told, verdict, end_section=True)
    return table


def _sizes(result: DemoResult, lang: Language) -> Table:
    table = _table(lang, "sizes", 2)
    for each in result.sizes:
        table.add_row(text(lang, each.name), str(each.octets))
    return table


def _times(result: DemoResult, lang: Language) -> Table:
    """Show the median where something was done several times."""
    table = _table(lang, "times", 3)
    for name in dict.fromkeys(each.name for each in result.times):
        times = [each for each in result.times if each.name == name]
        milliseconds = median(each.milliseconds for each in times)
        ratio = median(each.pairing_checks for each in times)
        table.add_row(text(lang, name), f"{milliseconds:.1f}", f"{ratio:.1f}")
    table.add_row(text(lang, "demo.time.pairing_check"), f"{result.pairing_check_ms:.2f}", "1")
    return table


def _conclusion(result: DemoResult, lang: Language) -> Iterator[str]:
    ledger = result.ledger
    yield text(
        lang, "demo.ledger", path=ledger.path, size=ledger.size, receipts=ledger.receipts,
        blocks=ledger.blocks, root=ledger.root.hex(),
    )  # fmt: skip
    yield text(lang, "demo.try", zk=_command(), path=ledger.path, folder=ledger.path.parent)
    yield text(lang, "demo.no_leak" if not result.leaks else "demo.leak", where=", ".join(result.leaks))
    opened = result.opened
    well = opened.found and opened.seen_by_holder
    yield text(lang, "demo.opened" if well else "demo.not_opened", index=opened.index)
    yield text(lang, "demo.same_receipt" if result.repeated_receipt_same else "demo.other_receipt")
    yield text(lang, "demo.well" if result.went_as_it_must else "demo.ill", seconds=f"{result.seconds:.1f}")


def _command() -> str:
    """Return what a reader types for `zk`, who may have done no more than `make demo`."""
    return "zk" if shutil.which("zk") else os.path.relpath(Path(sys.executable).with_name("zk"))
