"""docs/roles.md, written from the table of roles: `python -m zkservice.roles_page`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from zkservice.roles import COLLECTIONS, TABLE, Role, Row

PAGE: Final = Path(__file__).parents[1] / "docs" / "roles.md"
_HEAD: Final = """\
# Roles: who may call what

Written from the table in `zkservice/roles.py` by `python -m zkservice.roles_page`; never edited. How a
caller shows who it is stands in [identity.md](identity.md).

The guard enforces a row before its method runs. A caller without the role, and one who names what is
another's, is answered TOKEN_INVALID, whoever shows nothing TOKEN_MISSING; nothing is changed. "Everybody"
takes no credential, and one that is sent is not looked at.

## The roles

| role | names | may call, besides what everybody may |
| --- | --- | --- |
"""
_COLUMNS: Final = "| method | who | on whose resources, or shown instead |\n| --- | --- | --- |\n"


def page() -> str:
    """Return the page."""
    roles = (
        f"| {role} | `{collection}/...` | {_count(role)} |\n" for collection, role in COLLECTIONS.items()
    )
    return _HEAD + "".join(roles) + "".join(_services())


def _count(role: Role) -> str:
    count = sum(role in row.roles for row in TABLE.values())
    return f"{count} methods" if count != 1 else "1 method"


def _services() -> Iterator[str]:
    last = ""
    for path, row in TABLE.items():
        service, method = path[1:].split("/")
        if service != last:
            yield f"\n## {service}\n\n{_COLUMNS}"
        last = service
        yield from _lines(method, row)


def _lines(method: str, row: Row) -> Iterator[str]:
    if not row.roles:
        yield f"| {method} | everybody | {row.shown} |\n"
    for role, whose in row.roles.items():
        alone = "; shows the secret itself" if row.shows_secret(role) else ""
        if role is row.own_secret and not alone:
            alone = "; of its own, named by `name`, shows the secret itself"
        yield f"| {method} | {role} | {whose}{alone} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
