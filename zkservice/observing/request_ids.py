"""The id of a call, by which its log lines, its answer and a complaint of its caller are found together.

Taken from the caller where it is one and only institutions call the method (`carried`), so that what they
call with has the same id in their own logs; else made. A vault's calls have none but what is made here: one
id on two of them, or one that holds a name, would say whose they are. It is random, stands for one call, and
no client of this project keeps it.
"""

import contextvars
import re
import secrets
from collections.abc import Iterable
from typing import Final

import structlog

from zkservice.observing.carried import CARRYING

REQUEST_ID: Final = "x-request-id"
_FORM: Final = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_OCTETS: Final = 12
Metadata = Iterable[tuple[str, str | bytes]]

_CURRENT: Final = contextvars.ContextVar[str]("request_id", default="")


def request_id(metadata: Metadata) -> str:
    """Return the id that a call brings, if it brings exactly one and it is well formed, else a new one."""
    given = [value for name, value in metadata if name == REQUEST_ID]
    if len(given) == 1 and isinstance(given[0], str) and _FORM.fullmatch(given[0]):
        return given[0]
    return secrets.token_hex(_OCTETS)


def begin(metadata: Metadata, role: str, method: str) -> None:
    """Give the call that begins here its id: each of its log lines has that, and the role of its caller.

    `method` is the full name, /package.Service/Method. What comes with a method that is not among
    `carried.CARRYING` is passed over.
    """
    chosen = request_id(metadata if method in CARRYING else ())
    _CURRENT.set(chosen)
    structlog.contextvars.bind_contextvars(request_id=chosen, role=role)


def trailer() -> tuple[tuple[str, str], ...]:
    """Return the trailing metadata that tell a caller the id of its call; none outside a call."""
    current = _CURRENT.get()
    return ((REQUEST_ID, current),) if current else ()
