"""Serves the machine of a folder: `python -m ordering.engine FOLDER [SNAPSHOT_EVERY]`."""

import asyncio
import logging
import sys
from pathlib import Path

from ordering.engine.process import SNAPSHOT_EVERY, run
from ordering.errors import StateError

if __name__ == "__main__":
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    _, folder, *every = sys.argv
    try:
        asyncio.run(run(Path(folder), int(every[0]) if every else SNAPSHOT_EVERY))
    except StateError as error:
        sys.exit(f"the application ends: {error}")
