"""The recovery secret's words, and the history that a new phone reads from the ledger with them."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from prover.client import HolderClient
from prover.notes import EventNote
from prover.recovery import keys_of, words_of
from prover.vault import Vault
from zk.commands.vault.common import GROUP, PassphraseFile, VaultFile, opened
from zk.home import private_folder, read_secret
from zk.progress import progress
from zk.run import Answer, Run, passphrase

_A_LINE = 6


def word_lines(run: Run, vault: Vault) -> list[Any]:
    """Return the words as a person writes them down: numbered, some a line."""
    words = [f"{number:2} {word}" for number, word in enumerate(words_of(vault.keys, run.lang), 1)]
    rows = [words[at : at + _A_LINE] for at in range(0, len(words), _A_LINE)]
    width = max(map(len, words)) + 2
    return [
        run.text("vault.words"),
        *(Text("".join(each.ljust(width) for each in row).rstrip()) for row in rows),
        run.text("vault.words_keep"),
    ]


@GROUP.command("recovery")
def recovery(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """Show the words again."""
    with opened(run, file, passphrase_file) as vault:
        return Answer({"words": " ".join(words_of(vault.keys, run.lang))}, word_lines(run, vault))


@GROUP.command("recover", remote=True)
def recover(
    run: Run,
    words_file: Annotated[Path | None, typer.Option("--words-file", help="help.vault.words_file")] = None,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Make a vault anew from its words, unless it is there; read its history from the ledger, or go on so."""
    path, log = file or run.home.vault, run.log_verifier()
    if not path.exists():
        keys = keys_of(_words(run, words_file))
        private_folder(path.parent)
        Vault.create(path, passphrase(run, passphrase_file, confirm=True), keys=keys).close()
    with opened(run, path, passphrase_file) as vault:
        with progress(run, run.text("vault.reading"), None) as advance:
            rebuilt = HolderClient(run.endpoint).rebuild(vault, log, lambda read, _: advance(read))
        found = [each for each in rebuilt.found if each.copy_of is None]
    events = sum(isinstance(each.note, EventNote) for each in found)
    counts = {
        "entries": rebuilt.size,
        "uses": len(found) - events,
        "events": events,
        "copies": len(rebuilt.found) - len(found),
    }
    return Answer(counts, [run.text("vault.recovered", **counts), run.text("vault.recovered_limits")])


def _words(run: Run, file: Path | None) -> str:
    """Return the words: from a file's first line, asked for, or from standard input; never an argument."""
    if file is not None:
        return read_secret(file)
    if sys.stdin.isatty():
        answer: str = typer.prompt(run.text("vault.ask_words"), hide_input=True, err=True)
        return answer
    return sys.stdin.readline()
