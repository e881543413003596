"""Structured logs: one JSON object a line on standard error."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from zkservice.tasks import Fault


def configure(level: str) -> None:
    """Set up logging from `level` on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


@contextmanager
def logged(event: str, **which: str) -> Iterator[None]:
    """Log what fails of one of many that are done again later: it holds up none of the others.

    The kind of an error and where it arose; its text may hold what a person sent.
    """
    try:
        yield
    except Exception as error:
        fault = Fault.of(error)
        structlog.get_logger().error(event, kind=fault.kind, at=list(fault.places), **which)
