"""What every command has in common: documents that any program reads, files that have an end."""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path

from tests.cli.running import zk
from zk.exits import Exit
from zk.home import Home
from zk.run import Run


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
