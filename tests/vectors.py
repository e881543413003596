"""Where the published test vectors are.

They are data of others, read in place and not copied into the project: the folder named by ZK_VECTORS, else
`shared/vectors` beside the repository.
"""

import os
from pathlib import Path

import pytest


def vectors_dir() -> Path:
    """Return the folder of the vectors, whether or not it exists."""
    named = os.environ.get("ZK_VECTORS")
    return Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "vectors"


def require_vectors(*parts: str) -> Path:
    """Return a path under `vectors_dir()`; when it is absent skip the test, or fail it where CI is set."""
    folder = vectors_dir().joinpath(*parts)
    if not folder.exists():
        reason = f"no test vectors at {folder} (set ZK_VECTORS)"
        if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
            pytest.fail(reason)
        pytest.skip(reason, allow_module_level=True)
    return folder
