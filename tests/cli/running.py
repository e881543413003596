"""Running the `zk` command in tests: in this process, or as a process of its own."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from zk.cli import main
from zk.exits import Exit
from zk.local_server import LocalServer

PASSPHRASE = "correct horse battery staple"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
VALUES = EXAMPLES / "values"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one document that was printed."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed

    @property
    def reason(self) -> str:
        reason: str = self.json["error"]["reason"]
        return reason


def environment(extra: Mapping[str, str | None] | None = None) -> dict[str, str]:
    """The environment without anything that would steer the command, in English; None takes a name out."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ZK_", "LC_"))}
    wanted = {**kept, "LANG": "en_US.UTF-8", "ZK_PASSPHRASE": PASSPHRASE, **(extra or {})}
    return {name: value for name, value in wanted.items() if value is not None}


def zk(*arguments: object, env: Mapping[str, str | None] | None = None, stdin: str = "") -> Done:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        mock.patch.dict(os.environ, environment(env), clear=True),
        mock.patch.object(sys, "stdin", io.StringIO(stdin)),
    ):
        try:
            main([str(each) for each in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


def start(
    *arguments: object, env: Mapping[str, str | None] | None = None, **options: Any
) -> "subprocess.Popen[str]":
    """Start a command as a process."""
    return subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment(env),
        **{"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE, **options},
    )


def command(*arguments: object) -> Sequence[str]:
    """The command line of a process."""
    return [sys.executable, "-m", "zk.cli", *map(str, arguments)]


@dataclass(frozen=True)
class Home:
    """One home at one server."""

    path: Path
    server: LocalServer

    def zk(self, *arguments: object, env: Mapping[str, str | None] | None = None, stdin: str = "") -> Done:
        """Run a command in this home."""
        return zk(*arguments, "--home", self.path, env=env, stdin=stdin)

    def json(
        self, *arguments: object, env: Mapping[str, str | None] | None = None, code: int = 0
    ) -> dict[str, Any]:
        """Run a command in this home with --json; it must end with `code`."""
        done = self.zk(*arguments, "--json", env=env)
        assert done.code == code, (arguments, done)
        return done.json

    def trusting(self) -> "Home":
        """Pin the server's log key, address and root in this home."""
        trusted = self.json(
            "ledger",
            "trust",
            self.server.log_key,
            "--server",
            self.server.address,
            "--root",
            self.server.root,
        )
        assert trusted["server"] == self.server.address
        return self

    @property
    def admin(self) -> dict[str, str | None]:
        """The environment with the administrator's token."""
        return {"ZK_ADMIN_TOKEN_FILE": str(self.server.admin_token)}

    def issue(self, item: str, *more: object) -> str:
        """Issue one of the example credentials; return its link."""
        link: str = self.json("issuer", "issue", item, "--values", VALUES / f"{item}.yaml", *more)["link"]
        return link

    def ask(self, policy: str, *more: object, code: int) -> tuple[dict[str, Any], Done]:
        """Ask without an answer; return the line that said so, and how it ended."""
        done = self.zk("verifier", "ask", EXAMPLES / "policies" / f"{policy}.yaml", "--json", *more)
        assert done.code == code, done
        first, *rest = done.out.splitlines()
        return json.loads(first), Done(done.code, "\n".join(rest), done.err)


def register_issuers(home: Home) -> None:
    """Register two departments, each with a schema of the plain form and a key."""
    for department, item in (("public-security", "residence_permit@1"), ("hrss", "social_insurance@1")):
        home.json("issuer", "register", department, env=home.admin)
        home.json("issuer", "schema", item)
        home.json("issuer", "key", "--department", department)


def refused(done: Done, code: Exit, reason: str) -> Done:
    """A failure: its exit code, its reason in document and sentence, and no traceback."""
    assert done.code == code, done
    assert done.reason == reason
    assert done.json["error"]["exit_code"] == code
    assert reason in done.err
    assert "Traceback" not in done.err
    return done
