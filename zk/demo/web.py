"""A server with people in it for the pages: departments, a citizen, a school, a hall with two counters.

Around it are the witnesses of the other cities, and a monitor (zk/demo/web_city.py).

Everything is made by the commands that a person would type, each as a process with a home of its own, as in
the README's tour; nothing is put into a database behind the service.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from zk.demo import web_errand
from zk.demo.command import run_zk
from zk.demo.web_city import Around, surrounded
from zk.exits import CommandError, Exit
from zk.home import Home
from zk.local_server import LocalServer, running_server

PASSPHRASE: Final = "a vault for the demo"  # noqa: S105
"""Of a vault that holds nobody's data; it is printed, and is good for nothing else."""
SCHOOL: Final = "school-3"
HALL: Final = "hall"
REGULATOR: Final = "data-office"
NUMBER: Final = "37010219900101000X"
"""Of nobody."""
_ISSUED: Final = {"public-security": "residence_permit", "hrss": "social_insurance"}
_PROXIED: Final = {"ZK_TRUSTED_PROXIES": "127.0.0.1/32,::1/128"}


@dataclass(frozen=True)
class Seeded:
    """The server, the homes of its citizen, its school and its hall of counters, a regulator's token.

    `offers` are links that somebody may claim in a vault of the browser's, `account` one that binds such a
    vault to the person of NUMBER, `deliver` the command that puts an offer into that account's inbox, `begin`
    the one with which the citizen begins the hall's errand.
    """

    server: LocalServer
    citizen: Path
    school: Path
    hall: Path
    policy: Path
    regulator_token: Path
    around: Around
    offers: list[str] = field(default_factory=list, repr=False)
    account: list[str] = field(default_factory=list, repr=False)
    deliver: list[str] = field(default_factory=list)
    begin: list[str] = field(default_factory=list)
    errand_policies: list[Path] = field(default_factory=list)


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
        office = Home(folder / REGULATOR)
        token = office.regulator_token(REGULATOR)
        made = Seeded(server, folder / "citizen", folder / SCHOOL, folder / HALL, policy, token, around)
        _furnish(made, folder / "departments", examples)
        _regulate(made, office.path)
        stack.enter_context(around.monitored(server))
        yield made


def _furnish(made: Seeded, departments: Path, examples: Path) -> None:
    for home in (departments, made.citizen, made.school, made.hall):
        _zk(made, home, "ledger", "trust", made.server.log_key, "--server", made.server.address,
            "--root", made.server.root)  # fmt: skip
    _zk(made, made.citizen, "vault", "create")
    for department, item in _ISSUED.items():
        values = examples / "values" / f"{item}.yaml"
        _zk(made, departments, "issuer", "register", department)
        _zk(made, departments, "issuer", "schema", f"{item}@1")
        _zk(made, departments, "issuer", "key", "--department", department)
        for_citizen, for_browser = (
            _zk(made, departments, "issuer", "issue", f"{item}@1", "--values", values)["link"]
            for _ in range(2)
        )
        _zk(made, made.citizen, "vault", "claim", for_citizen)
        made.offers.append(for_browser)
    base, *_ = _ISSUED
    identified = _zk(
        made, departments, "issuer", "identify", "--person", NUMBER, "--department", base, "--no-qr"
    )
    made.account.append(identified["link"])
    made.deliver.extend([
        f"ZK_HOME={departments}", ".venv/bin/zk", "issuer", "issue", f"{_ISSUED[base]}@1",
        "--values", str(examples / "values" / f"{_ISSUED[base]}.yaml"), "--to-person", NUMBER,
    ])  # fmt: skip
    names = ("--name-zh", "历下区第三小学", "--name-en", "Lixia No. 3 School")
    _zk(made, made.school, "verifier", "register", SCHOOL, *names)
    _zk(made, made.school, "verifier", "policy", "register", made.policy)
    errand = partial(_zk, made)
    made.begin.extend(web_errand.furnish(errand, departments, made.hall, made.citizen, examples))
    made.errand_policies.extend(web_errand.policies(examples))


def _regulate(made: Seeded, home: Path) -> None:
    """Register a regulator with two officers, and let it read."""
    officers = [home.with_name(f"{REGULATOR}-{each}") for each in ("first", "second")]
    shares = [_zk(made, each, "regulator", "share", "new", REGULATOR)["public_file"] for each in officers]
    trusted = (made.server.log_key, "--server", made.server.address, "--root", made.server.root)
    _zk(made, home, "ledger", "trust", *trusted)
    _zk(made, home, "regulator", "combine-keys", REGULATOR, *shares)
    names = ("--name-zh", "数据管理局", "--name-en", "Data Office")
    _zk(made, home, "regulator", "register", REGULATOR, *names)
    _zk(made, home, "regulator", "access", REGULATOR)


def _zk(made: Seeded, home: Path, *arguments: object) -> dict[str, Any]:
    return run_zk(made.server, home, *arguments, passphrase=PASSPHRASE)
