"""The bank's part: examples/bank.py, run as a program of its own, as a bank's developer would run it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from disclosure import ExchangeLink
from prover.usages import Usage
from zk.demo.people import BANK
from zk.demo.stage import Stage, example
from zk.exits import CommandError, Exit

WAIT_SECONDS: Final = 60.0
RECORD: Final = "bank-record.json"


def run_bank(stage: Stage) -> tuple[Usage, dict[str, Any], Path]:
    """Start the example, answer its link; return the use, what the bank printed, and its record."""
    record = stage.output / RECORD
    arguments = [
        stage.server.address, str(stage.server.root), str(stage.server.log_key), str(stage.key_file(BANK)),
        BANK.name.verifier, str(record),
    ]  # fmt: skip
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, str(example("bank.py")), *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"}, start_new_session=True,
    )  # fmt: skip
    with process:
        try:
            link = ExchangeLink.parse((process.stdout.readline() if process.stdout else "").strip())
            usage = stage.send(stage.prepare(stage.mother, link))
            output, _ = process.communicate(timeout=WAIT_SECONDS)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise CommandError(Exit.UNHEALTHY, "BANK_FAILED", "error.bank_failed", code=process.returncode)
    printed: dict[str, Any] = json.loads(output)
    return usage, printed, record
