"""All rows, each shown as soon as it is measured."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from enum import StrEnum
from typing import Final

from bbs.groups.protocol import Group
from zk.bench.composite import composite
from zk.bench.flow import flow
from zk.bench.measure import quiet
from zk.bench.parallel import parallel
from zk.bench.rows import UNWATCHED, Row, Scale, Watch
from zk.bench.scheme import scheme
from zk.bench.service import service


class Part(StrEnum):
    """What can be measured by itself: operations, composite presentations, threads, the service, a flow."""

    SCHEME = "scheme"
    COMPOSITE = "composite"
    PARALLEL = "parallel"
    SERVICE = "service"
    FLOW = "flow"


_ROWS: Final[Mapping[Part, Callable[[Group, Scale, Watch], Iterator[Row]]]] = {
    Part.SCHEME: scheme,
    Part.COMPOSITE: composite,
    Part.PARALLEL: parallel,
    Part.SERVICE: service,
    Part.FLOW: flow,
}


def run(
    group: Group,
    scale: Scale,
    show: Callable[[Row], object],
    *,
    parts: Iterable[Part] = tuple(Part),
    watch: Watch = UNWATCHED,
) -> None:
    """Measure the rows of some parts; `show` gets each. Broken off, it leaves no process behind."""
    with quiet():
        for part in parts:
            with closing(_ROWS[part](group, scale, watch)) as rows:  # type: ignore[type-var]
                for row in rows:
                    show(row)
