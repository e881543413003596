"""Which licences what is installed may have, and what each package says that it has.

A package states an SPDX expression, or in older metadata a name or a classifier, which `_NAMES` turns into
one. What is stated in another way is no licence here until somebody has read it and written it down.
"""

import re
from collections.abc import Mapping
from importlib import metadata
from typing import Any, Final

from license_expression import ExpressionError, get_spdx_licensing

ALLOWED: Final = frozenset(
    {
        "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT",
        "MIT-0", "PSF-2.0", "Unicode-3.0", "Unlicense", "Zlib",
    }
)  # fmt: skip
"""What may stand in a product without more than naming it."""
EXCEPTIONS: Final[Mapping[str, str]] = {
    "certifi": "MPL-2.0",  # a list of certificates, unchanged, replaceable by itself
    "psycopg": "LGPL-3.0-only",  # imported, unchanged, replaceable by itself
    "psycopg-binary": "LGPL-3.0-only",
    "frozendict": "LGPL-3.0-only",  # asked for by pyld; as psycopg
}
"""Packages that may have one further licence, each looked at by itself."""
_NAMES: Final[Mapping[str, str]] = {
    "3-Clause BSD License": "BSD-3-Clause",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "BSD 3-Clause license": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
_LICENSING: Final = get_spdx_licensing()


def stated(name: str) -> str:
    """Return the licence that an installed package states, an SPDX expression where it can be made one.

    Raises importlib.metadata.PackageNotFoundError if it is not installed.
    """
    found = metadata.metadata(name)
    classifiers = [
        each.rsplit(" :: ", 1)[1] for each in found.get_all("Classifier", []) if "License ::" in each
    ]
    for each in (*found.get_all("License-Expression", []), *found.get_all("License", []), *classifiers):
        line = each.strip()
        if line and "\n" not in line and line != "UNKNOWN":
            return _NAMES.get(line, line)
    return ""


def allowed(name: str, expression: str) -> bool:
    """Tell whether a package of this name may have this licence."""
    # crates.io still has "A/B" of before there were expressions.
    text = re.sub(r"(?<=\w)/(?=\w)", " OR ", expression)
    try:
        tree = _LICENSING.parse(text, validate=True, strict=True)
    except ExpressionError:
        return False
    return tree is not None and _holds(tree, ALLOWED | {EXCEPTIONS.get(name, "MIT")})


def _holds(tree: Any, names: frozenset[str]) -> bool:
    if isinstance(tree, _LICENSING.OR):
        return any(_holds(each, names) for each in tree.args)
    if isinstance(tree, _LICENSING.AND):
        return all(_holds(each, names) for each in tree.args)
    return str(tree) in names
