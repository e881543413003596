"""Progress of work that takes a while, for a person at a terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from zk.run import Run

_PAUSE_SECONDS: Final = 0.2


@contextmanager
def progress(
    run: Run, label: str, total: int | None, *, by_itself: bool = True
) -> Iterator[Callable[[int], None]]:
    """Show progress on standard error, if that is a terminal; give what is called with the count so far.

    Not `by_itself`, no thread moves it between the calls: a thread would disturb what is measured meanwhile.
    """
    counted = (MofNCompleteColumn(), TimeRemainingColumn()) if total or by_itself else ()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *counted,
        console=run.err,
        transient=True,
        auto_refresh=by_itself,
        disable=run.as_json or not run.err.is_terminal,
    )
    with bar:
        task = bar.add_task(label, total=total)
        bar.refresh()
        shown = time.monotonic()

        def advance(count: int) -> None:
            nonlocal shown
            stale = not by_itself and time.monotonic() - shown > _PAUSE_SECONDS
            bar.update(task, completed=count, refresh=stale)
            shown = time.monotonic() if stale else shown

        yield advance
