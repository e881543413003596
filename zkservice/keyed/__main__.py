"""`python -m zkservice.keyed`: run a check service; prints one line, address and digest of its keys, when
ready.

Exit code: 0, 2 for arguments or settings that are wrong, 9 if it cannot start.
"""

import argparse
import sys
from pathlib import Path

import pydantic

from zkservice.errors import StartError


def main() -> int:
    """Run the process until it is told to end."""
    arguments = argparse.ArgumentParser(prog="python -m zkservice.keyed", description=__doc__)
    arguments.add_argument("--data", type=Path, required=True, help="the folder of this service alone")
    arguments.add_argument("--department", required=True, help="whose credentials it issues and checks")
    arguments.add_argument("--curve", choices=("P-256", "SM2"), default="P-256", help="SM2 is experimental")
    arguments.add_argument("--host", default="127.0.0.1")
    arguments.add_argument("--port", type=int, default=None)
    arguments.add_argument("--dev", action="store_true", help="make a local certificate authority")
    given = {name: value for name, value in vars(arguments.parse_args()).items() if value is not None}
    try:
        # Not before: without petlib there is nothing to import, and that is said in a sentence.
        from zkservice.keyed.process import serve  # noqa: PLC0415
        from zkservice.keyed.settings import CheckSettings  # noqa: PLC0415

        serve(CheckSettings(**given), on_ready=lambda ready: _say(f"{ready.address} {ready.keys.hex()}"))
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("petlib"):
            raise
        return _refuse("the extra `keyed` (petlib) is not installed; scripts/keyed.sh builds it", 9)
    except pydantic.ValidationError as error:
        return _refuse(str(error.errors(include_input=False, include_url=False)[0]["msg"]), 2)
    except StartError as error:
        return _refuse(str(error), 9)
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _refuse(sentence: str, code: int) -> int:
    sys.stderr.write(f"check service: {sentence}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
