"""What every command has in common: documents that any program reads, files that have an end."""

import io
import json
import signal
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.cli.running import zk
from zk.exits import Exit
from zk.home import Home
from zk.run import Run, terminable

UNREAD = """
import os, sys
from pathlib import Path
from zk.home import Home
from zk.run import Run, terminable

if sys.argv[1] == "gone":
    reader, writer = os.pipe()
    os.close(reader)
else:
    writer = os.open("/dev/full", os.O_WRONLY)
os.dup2(writer, 2)
run = Run(as_json=True, lang="en", home=Home(Path(sys.argv[2])))
for _ in range(3):
    run.warn("verifier.kept_pending", path="record")
run.document({"ends": "in order"})
"""


@pytest.mark.parametrize("errors", ["gone", "full"])
def test_a_warning_that_nobody_can_read_ends_nothing(errors: str, tmp_path: Path) -> None:
    """A pipe whose reader is gone, and a disk that is full: what is told on standard output is told."""
    done = subprocess.run(
        [sys.executable, "-c", UNREAD, errors, str(tmp_path)],
        stdout=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert json.loads(done.stdout) == {"ends": "in order"}


def test_a_document_is_utf_8_whatever_octets_a_name_has(tmp_path: Path) -> None:
    name = b"witness-\xff-\xe5\xb8\x82".decode("utf-8", "surrogateescape")
    with redirect_stdout(io.StringIO()) as printed:
        Run(True, "en", Home(tmp_path)).document({"witness": name})
    octets = printed.getvalue().encode()
    assert json.loads(octets) == {"witness": name}
    assert "市".encode() in octets, "what is text stays readable"


def test_a_file_without_an_end_is_refused(tmp_path: Path) -> None:
    done = zk("ledger", "check-receipt", "x", "--policy", "/dev/zero", "--json", "--home", tmp_path)
    assert (done.code, done.reason) == (Exit.USAGE, "FILE_TOO_LARGE")


def test_a_command_that_ctrl_c_does_not_reach_is_ended_all_the_same() -> None:
    """A shell has its jobs in the background ignore SIGINT, and what ends them is SIGTERM."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt), terminable():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGINT, before)
