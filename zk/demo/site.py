"""The school's own site beside the pages: the example as a process, with the key of the demo's school."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from zk.demo.web import SCHOOL, Seeded
from zk.exits import CommandError, Exit
from zk.home import Home

_PACKAGE: Final = "enrolment_site"
_END_SECONDS: Final = 10


@contextmanager
def school_site(made: Seeded, folder: Path, examples: Path, vault: str) -> Iterator[str]:
    """Run the school's enrolment site, which keeps its files in `folder`; give its address.

    Its button leads to the vault's page, whose address `vault` is.

    Raises CommandError NOT_STARTED.
    """
    given = {
        "server": made.server.address,
        "root": made.server.root,
        "log-key": made.server.log_key,
        "key": Home(made.school).verifier_key(SCHOOL),
        "verifier": SCHOOL,
        "policy": made.policy,
        "folder": folder / "enrolments",
        "vault": vault,
        "port": 0,
    }
    options = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    path = os.pathsep.join(filter(None, (str(examples.resolve()), os.environ.get("PYTHONPATH"))))
    with (
        (folder / "site.log").open("wb") as log,
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", _PACKAGE, *options],
            env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE, stderr=log, text=True,
            start_new_session=True,
        ) as process,
    ):  # fmt: skip
        try:
            address = process.stdout.readline().strip() if process.stdout is not None else ""
            if not address:
                detail = f"the school's site has ended: {folder / 'site.log'}"
                raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=detail)
            yield address
        finally:
            _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
