"""The engine's own messages, generated from its version's .proto files (scripts/cometbft.sh), not kept here.

They are looked for in the folder that ZK_COMETBFT names, else in the clone's build/cometbft.
"""

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

from ordering.errors import StateError

ENVIRONMENT: Final = "ZK_COMETBFT"
_CLONE: Final = Path(__file__).resolve().parents[2] / "build" / "cometbft"


def load(name: str) -> ModuleType:
    """Import a generated module, such as tendermint.abci.types_pb2; StateError if they are not there."""
    folder = os.environ.get(ENVIRONMENT) or str(_CLONE)
    if folder not in sys.path:
        sys.path.append(folder)
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise StateError(
            f"the engine's messages are not in {folder} ({error.name}): run scripts/cometbft.sh, or name "
            f"their folder in {ENVIRONMENT}"
        ) from None
