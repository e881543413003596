"""A server with people in it for the pages: departments, a citizen, a school, a hall with two counters.

Around it are the witnesses of the other cities, and a monitor (zk/demo/web_city.py).

Everything is made by the commands that people would type, each person with a home of their own, as in the
README's tour (zk/demo/command.py); nothing is put into a database behind the service.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from zk.demo import web_errand
from zk.demo.command import Terminals
from zk.demo.web_city import Around, surrounded
from zk.demo.web_errand import Zk
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
    vault to the person of NUMBER, `deliver` the command that puts an offer into that account's inbox.
    """

    server: LocalServer
    citizen: Path
    school: Path
    hall: Path
    policy: Path
    regulator_token: Path
    around: Around
    errand_policies: list[Path]
    offers: list[str] = field(default_factory=list, repr=False)
    account: list[str] = field(default_factory=list, repr=False)
    deliver: list[str] = field(default_factory=list)


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
        homes = (folder / "citizen", folder / SCHOOL, folder / HALL)
        made = Seeded(server, *homes, policy, token, around, web_errand.policies(examples))
        with Terminals(server, PASSPHRASE) as terminals:
            _furnish(made, terminals.run, folder / "departments", examples)
            _regulate(made, terminals.run, office.path)
        stack.enter_context(around.monitored(server))
        yield made


def _furnish(made: Seeded, zk: Zk, departments: Path, examples: Path) -> None:
    for home in (departments, made.citizen, made.school, made.hall):
        zk(home, "ledger", "trust", made.server.log_key, "--server", made.server.address,
           "--root", made.server.root)  # fmt: skip
    zk(made.citizen, "vault", "create")
    for department, item in _ISSUED.items():
        values = examples / "values" / f"{item}.yaml"
        zk(departments, "issuer", "register", department)
        zk(departments, "issuer", "schema", f"{item}@1")
        zk(departments, "issuer", "key", "--department", department)
        for_citizen, for_browser = (
            zk(departments, "issuer", "issue", f"{item}@1", "--values", values)["link"] for _ in range(2)
        )
        zk(made.citizen, "vault", "claim", for_citizen)
        made.offers.append(for_browser)
    base, *_ = _ISSUED
    identified = zk(departments, "issuer", "identify", "--person", NUMBER, "--department", base, "--no-qr")
    made.account.append(identified["link"])
    made.deliver.extend([
        f"ZK_HOME={departments}", ".venv/bin/zk", "issuer", "issue", f"{_ISSUED[base]}@1",
        "--values", str(examples / "values" / f"{_ISSUED[base]}.yaml"), "--to-person", NUMBER,
    ])  # fmt: skip
    names = ("--name-zh", "历下区第三小学", "--name-en", "Lixia No. 3 School")
    zk(made.school, "verifier", "register", SCHOOL, *names)
    zk(made.school, "verifier", "policy", "register", made.policy)
    made.offers.append(web_errand.furnish(zk, departments, made.hall, examples))


def _regulate(made: Seeded, zk: Zk, home: Path) -> None:
    """Register a regulator with two officers, and let it read."""
    officers = [home.with_name(f"{REGULATOR}-{each}") for each in ("first", "second")]
    shares = [zk(each, "regulator", "share", "new", REGULATOR)["public_file"] for each in officers]
    trusted = (made.server.log_key, "--server", made.server.address, "--root", made.server.root)
    zk(home, "ledger", "trust", *trusted)
    zk(home, "regulator", "combine-keys", REGULATOR, *shares)
    names = ("--name-zh", "数据管理局", "--name-en", "Data Office")
    zk(home, "regulator", "register", REGULATOR, *names)
    zk(home, "regulator", "access", REGULATOR)
