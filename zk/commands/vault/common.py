"""What the commands of `zk vault` share: the group, options, how the vault is opened and links are read."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from disclosure import (
    AccountLink,
    ConsentLink,
    ExchangeLink,
    LocalizedText,
    MalformedError,
    OfferLink,
    SchemaName,
    SendLink,
)
from prover.consent import ConsentLine, Style
from prover.errors import VaultFileError, VaultReason
from prover.vault import Vault
from zk import catalogue
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.run import Run, passphrase

GROUP = Group("vault")
SHORT_ID = 8

VaultFile = Annotated[
    Path | None, typer.Option("--vault", envvar="ZK_VAULT", help="help.vault.file", show_envvar=True)
]
PassphraseFile = Annotated[Path | None, typer.Option("--passphrase-file", help="help.option.passphrase_file")]
_STYLES: Mapping[Style, str] = {
    Style.HEADING: "bold",
    Style.FACT: "",
    Style.SECTION: "bold",
    Style.REVEALED: "bold yellow",
    Style.PROVEN: "cyan",
    Style.ESCROWED: "bold magenta",
    Style.PSEUDONYM: "yellow",
    Style.HIDDEN: "green",
}
_INDENTED = set(Style) - {Style.HEADING, Style.FACT, Style.SECTION}
_Link = TypeVar("_Link", OfferLink, ExchangeLink, ConsentLink, AccountLink, SendLink)
_BEGINNINGS: Mapping[type, str] = {
    AccountLink: "zk://account?",
    OfferLink: "zk://offer?",
    ExchangeLink: "zk://present?",
    ConsentLink: "zk://consent?",
    SendLink: "zk://send?",
}


@contextmanager
def opened(run: Run, file: Path | None, passphrase_file: Path | None) -> Iterator[Vault]:
    """Open the vault that was named, else that of the home, for as long as a command works with it."""
    path = file or run.home.vault
    if not path.exists():
        # Nobody is asked for the passphrase of a vault that is not there.
        raise VaultFileError(VaultReason.VAULT_NOT_FOUND, "there is no vault")
    with Vault.open(path, passphrase(run, passphrase_file)) as vault:
        yield vault


def parsed(kind: type[_Link], written: str) -> _Link:
    """Return a link, read from standard input for "-": others on the machine can read arguments.

    A shell cuts a link off at its first "&" unless it is in quotes. Raises what `parse` raises, and
    CommandError LINK_INVALID for a link that was cut off or is for the other command.
    """
    link = sys.stdin.readline().strip() if written == "-" else written
    try:
        return kind.parse(link)
    except MalformedError as error:
        key = _what_is_wrong(link)
        if key is None or (key == "error.link_other" and link.startswith(_BEGINNINGS[kind])):
            raise
        raise CommandError(Exit.USAGE, error.reason, key) from None


def _what_is_wrong(link: str) -> str | None:
    if not link.startswith("zk:"):
        return None
    if not all(f"{name}=" in link for name in ("server", "id", "secret")) or link.endswith("="):
        return "error.link_incomplete"
    return "error.link_other"


def department_names() -> dict[str, LocalizedText]:
    """Return what people call the departments of the catalogue, by resource name."""
    return {str(each.name): each.display_name for each in catalogue.builtin().departments.values()}


def print_screen(console: Console, lines: Iterable[ConsentLine]) -> None:
    """Print what a person has to know, each kind of line in its own way; the text alone says everything."""
    for line in lines:
        indent = "    " if line.style in _INDENTED else ""
        console.print(Text(indent + line.text, style=_STYLES[line.style]))


def department_of(run: Run, schema: SchemaName) -> str:
    """Return what people call the department of a schema."""
    known = catalogue.builtin().departments.get(schema.department)
    return run.local(known.display_name) if known else schema.department


def table_of(run: Run, *headings: str) -> Table:
    """Return an empty table with headings, which are keys of messages."""
    table = Table(box=None, pad_edge=False)
    for each in headings:
        table.add_column(run.text(each))
    return table
