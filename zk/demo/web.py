"""A server with people in it for the pages: two departments, a citizen with two credentials, a school.

Around it are the witnesses of the other cities, and a monitor (zk/demo/web_city.py).

Everything is made by the commands that a person would type, each as a process with a home of its own, as in
the README's tour; nothing is put into a database behind the service.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from zk.demo.command import run_zk
from zk.demo.web_city import Around, surrounded
from zk.exits import CommandError, Exit
from zk.local_server import LocalServer, running_server

PASSPHRASE: Final = "a vault for the demo"  # noqa: S105
"""Of a vault that holds nobody's data; it is printed, and is good for nothing else."""
SCHOOL: Final = "school-3"
_ISSUED: Final = {"public-security": "residence_permit", "hrss": "social_insurance"}
_PROXIED: Final = {"ZK_TRUSTED_PROXIES": "127.0.0.1/32,::1/128"}


@dataclass(frozen=True)
class Seeded:
    """The server, and the homes of its citizen and its school."""

    server: LocalServer
    citizen: Path
    school: Path
    policy: Path
    around: Around


@contextmanager
def seeded(folder: Path, examples: Path) -> Iterator[Seeded]:
    """Start a server in an empty folder and furnish it; CommandError USAGE, NOT_STARTED."""
    if folder.exists() and any(folder.iterdir()):
        raise CommandError(Exit.USAGE, "FOLDER_IN_USE", "error.web_folder", path=folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with ExitStack() as stack:
        around = stack.enter_context(surrounded(folder, folder / "server"))
        settings = _PROXIED | around.settings
        server = stack.enter_context(
            running_server(folder / "server", folder / "server.log", settings=settings)
        )
        policy = examples / "policies" / "school.yaml"
        made = Seeded(server, folder / "citizen", folder / SCHOOL, policy, around)
        _furnish(made, folder / "departments", examples)
        stack.enter_context(around.monitored(server))
        yield made


def _furnish(made: Seeded, departments: Path, examples: Path) -> None:
    for home in (departments, made.citizen, made.school):
        _zk(made, home, "ledger", "trust", made.server.log_key, "--server", made.server.address,
            "--root", made.server.root)  # fmt: skip
    _zk(made, made.citizen, "vault", "create")
    for department, item in _ISSUED.items():
        values = examples / "values" / f"{item}.yaml"
        _zk(made, departments, "issuer", "register", department)
        _zk(made, departments, "issuer", "schema", f"{item}@1")
        _zk(made, departments, "issuer", "key", "--department", department)
        offer = _zk(made, departments, "issuer", "issue", f"{item}@1", "--values", values)
        _zk(made, made.citizen, "vault", "claim", offer["link"])
    names = ("--name-zh", "历下区第三小学", "--name-en", "Lixia No. 3 School")
    _zk(made, made.school, "verifier", "register", SCHOOL, *names)
    _zk(made, made.school, "verifier", "policy", "register", made.policy)


def _zk(made: Seeded, home: Path, *arguments: object) -> dict[str, Any]:
    return run_zk(made.server, home, *arguments, passphrase=PASSPHRASE)
