"""`python -m benchmarks.bulk [--records N]`: a push of so many records, as JSON; a million takes minutes."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from zk.bench.load.bulk import bulk
from zk.local_server import running_server


def main() -> int:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--records", type=int, default=100_000, help="default 100,000")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_server(folder / "server", folder / "server.log", log_level="error") as server:
            made = bulk(server, given.records)
    sys.stdout.write(json.dumps(made.document(), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
