"""What the commands of `zk consortium` have in common."""

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from ordering.city.card import Card
from ordering.city.home import CityHome
from ordering.errors import RefusedError, StateError
from ordering.home import ENGINE
from ordering.submitting import Submitter
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file

GROUP = Group("consortium")
PORT: Final = 26_800
_BUILT: Final = Path(__file__).resolve().parents[2] / "build" / "tools" / "bin" / ENGINE

Engine = Annotated[str, typer.Option("--engine", envvar="ZK_COMETBFT_PROGRAM", help="help.consortium.engine")]
Data = Annotated[Path, typer.Option("--data", help="help.consortium.city")]
Nodes = Annotated[list[str] | None, typer.Option("--node", help="help.consortium.nodes_too")]


def engine_path(given: str) -> str:
    """Return the engine's program; CommandError ENGINE_MISSING."""
    program = given or shutil.which(ENGINE) or (str(_BUILT) if _BUILT.exists() else "")
    if not program:
        raise CommandError(Exit.NOT_STARTED, "ENGINE_MISSING", "error.engine_missing")
    return program


@contextmanager
def problems(exit_code: Exit, reason: str) -> Iterator[None]:
    """Turn what a folder or a node says into an exit of the command's, and a refusal into REFUSED."""
    try:
        yield
    except RefusedError as error:
        refusal = error.refusal.name
        raise CommandError(Exit.REFUSED, refusal, "error.ordering_refused", detail=error.detail) from None
    except StateError as error:
        keys = {Exit.NOT_STARTED: "error.not_started", Exit.UNREACHABLE: "error.consortium_node"}
        key = keys.get(exit_code, "error.usage")
        raise CommandError(exit_code, reason, key, detail=str(error)) from None


def in_folder() -> AbstractContextManager[None]:
    """What is wrong is wrong with a folder or a file: nothing was done."""
    return problems(Exit.USAGE, "CITY_INVALID")


def at_node() -> AbstractContextManager[None]:
    """What is wrong is that no node answers as it should."""
    return problems(Exit.UNREACHABLE, "NODE_UNREACHABLE")


def read_card(path: Path) -> Card:
    """Read a city's card; CommandError."""
    with in_folder():
        return Card.parse(read_file(path))


def submitter(data: Path, nodes: list[str] | None) -> Submitter:
    """Return who submits for a folder's operator: at its own node, else at those that were named."""
    home = CityHome(data.absolute())
    with in_folder():
        city, chain, url = home.city, home.founding.chain, home.url
        home.operator_keys()
    return Submitter([url, *(nodes or ())], chain, city.name, home.operator_keys)
