"""The process of a person who types one command after the other: each is a line of JSON with its arguments.

Each is answered by a line with how it ended and what it printed. For the demo, where the program would be
loaded for each of some dozens of commands (zk/demo/command.py).
"""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout

from zk.cli import main


def serve() -> None:
    """Run the commands of standard input until it ends."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_ended(json.loads(line))) + "\n")
        sys.stdout.flush()


def _ended(arguments: list[str]) -> tuple[int, str, str]:
    """Run a command; return its exit code, and what it wrote to standard output and to standard error."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return code, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    serve()
