"""A function in a process of its own: its memory is then its own, and so is how its threads switch."""

import logging
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, ParamSpec, TypeVar

import structlog

_Result = TypeVar("_Result")
_Given = ParamSpec("_Given")


@dataclass(frozen=True)
class Apart(Generic[_Result]):
    """What a function returned, and the resident octets that its process had before it and at most."""

    result: _Result
    before: int
    peak: int


def apart(act: Callable[_Given, _Result], /, *args: _Given.args, **kwargs: _Given.kwargs) -> Apart[_Result]:
    """Run a function of a module in a fresh process; raises what it raises."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(_watched, partial(act, *args, **kwargs)).result()


def _watched(act: Callable[[], _Result]) -> Apart[_Result]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    before = _octets("VmRSS")
    result = act()
    return Apart(result, before, _octets("VmHWM"))


def _octets(name: str) -> int:
    """Read what the kernel says of this process: its peak is that of this program, as rusage's is not."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024
