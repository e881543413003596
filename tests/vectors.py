"""Where the published test vectors and the common data are.

They are data of others, read in place and not copied into the project: the folders named by ZK_VECTORS and
ZK_DATA, else `shared/vectors` and `shared/data` beside the repository.
"""

import os
from pathlib import Path

import pytest

_SHARED = Path(__file__).resolve().parents[2] / "shared"


def vectors_dir() -> Path:
    """Return the folder of the vectors, whether or not it exists."""
    return _folder("ZK_VECTORS", "vectors")


def require_vectors(*parts: str) -> Path:
    """Return a path under `vectors_dir()`; when it is absent skip the test, or fail it where CI is set."""
    return _required(vectors_dir().joinpath(*parts), "test vectors", "ZK_VECTORS")


def require_data(*parts: str) -> Path:
    """Return a path under the folder of common data; when it is absent, as `require_vectors` does."""
    return _required(_folder("ZK_DATA", "data").joinpath(*parts), "data", "ZK_DATA")


def _folder(variable: str, beside: str) -> Path:
    named = os.environ.get(variable)
    return Path(named) if named else _SHARED / beside


def _required(path: Path, what: str, variable: str) -> Path:
    if not path.exists():
        reason = f"no {what} at {path} (set {variable})"
        if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
            pytest.fail(reason)
        pytest.skip(reason, allow_module_level=True)
    return path
