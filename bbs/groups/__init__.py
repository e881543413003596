"""The groups that can carry the scheme, by name.

Each is a module here with one constant, GROUP. The first in the list that can be imported is the default;
choosing another is an explicit argument (`Ciphersuite.with_group`), never the environment. The pure Python
and the arkworks group are for reference and portability: they are not constant-time.
"""

import sys
from functools import cache
from importlib import import_module
from typing import cast

from bbs.errors import InputError, Reason
from bbs.groups.protocol import Group

_PREFERENCE = ("blst", "arkworks", "py_ecc")


@cache
def _load(name: str) -> Group | None:
    # py_ecc raises the interpreter's recursion limit for the whole process when it is imported, so far that
    # deep recursion anywhere would overrun the stack instead of raising.
    limit = sys.getrecursionlimit()
    try:
        return cast(Group, import_module(f"bbs.groups.{name}").GROUP)
    except ModuleNotFoundError:
        return None
    finally:
        sys.setrecursionlimit(limit)


def available() -> tuple[str, ...]:
    """Return the names of the groups whose requirements are installed, the preferred one first."""
    return tuple(name for name in _PREFERENCE if _load(name) is not None)


def by_name(name: str) -> Group:
    """Return a group by its name; InputError UNKNOWN_GROUP if there is none or it is not installed."""
    group = _load(name) if name in _PREFERENCE else None
    if group is None:
        raise InputError(Reason.UNKNOWN_GROUP, f"no group {name!r}; available: {', '.join(available())}")
    return group


def default() -> Group:
    """Return the preferred group of those available."""
    for name in _PREFERENCE:
        if (group := _load(name)) is not None:
            return group
    return by_name("none")
