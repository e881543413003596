"""The `zk` command: puts the groups together, in one language, and hands out the exit code."""

import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any, Final, NoReturn

import typer

from zk.exits import Exit
from zk.failure import Failure, explain
from zk.group import common_options
from zk.home import Home
from zk.messages import TABLES, Language, clean, language, text
from zk.run import Run

COMMANDS: Final = (
    "serve",
    "demo",
    "admin",
    "catalogue",
    "issuer",
    "vault",
    "verifier",
    "errands",
    "regulator",
    "tokens",
    "ledger",
    "keys",
    "witness",
    "consortium",
    "keyed",
    "web",
    "doctor",
    "bench",
)
ALONE: Final = frozenset({"serve", "demo", "doctor", "bench"})
"""Those that are one command; the others are groups."""


@cache
def build(lang: Language, only: str | None = None) -> Any:
    """Return the program with its help in one language; with `only` a part of it.

    A part loads only what it needs: the server's libraries would cost every other command a second. In one
    process it is made once.
    """
    app = _empty()
    for name in (only,) if only else COMMANDS:
        import_module(f"zk.commands.{name}").add_to(app)
    return _finished(app, lang)


@cache
def outline(lang: Language) -> Any:
    """Return the program with the names of all commands and none of their parts, which are not loaded.

    It is what answers where no command is named: with the list of them, or that there is none such.
    """
    app = _empty()
    for name in COMMANDS:
        if name in ALONE:
            app.command(name, help=f"help.{name}")(_nothing)
        else:
            app.add_typer(typer.Typer(name=name, help=f"help.{name}"))
    return _finished(app, lang)


def _nothing() -> None:
    """Stand for a command in the outline."""


def _empty() -> typer.Typer:
    app = typer.Typer(
        name="zk", help="help.zk", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False
    )
    app.callback()(common_options)
    return app


def _finished(app: typer.Typer, lang: Language) -> Any:
    command = typer.main.get_command(app)
    _localise(command, lang)
    return command


def _localise(command: Any, lang: Language) -> None:
    """Replace the keys that stand as help texts by the texts, in a command and all below it."""
    if command.help in TABLES[lang]:
        command.help = text(lang, command.help)
    for parameter in command.params:
        if getattr(parameter, "help", None) in TABLES[lang]:
            parameter.help = text(lang, parameter.help)
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    asks_for_help = command.get_help_option(typer.Context(command))
    asks_for_help.metavar, asks_for_help.help = "", text(lang, "option.help")
    for each in getattr(command, "commands", {}).values():
        _localise(each, lang)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and end the process with its exit code (zk.exits)."""
    # gRPC's own core writes to stderr what the command tells in the person's language.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    given = list(sys.argv[1:] if arguments is None else arguments)
    lang = _language_of(given)
    try:
        only = _command_of(given)
        program = build(lang, only) if only else outline(lang)
        code = program(given, prog_name="zk", standalone_mode=False)
    except typer.TyperException as error:
        # Where a group was given nothing, its help was printed and there is nothing else to say.
        code = _refuse(given, lang, _usage(error, lang)) if error.format_message().strip() else Exit.USAGE
    except typer.Abort as error:
        code = _refuse(given, lang, explain(error, lang))
    sys.exit(int(code or 0))


def _usage(error: typer.TyperException, lang: Language) -> Failure:
    detail = clean(error.format_message().splitlines()[0] if error.format_message() else "")
    return Failure(Exit.USAGE, "USAGE", text(lang, "error.usage", detail=detail))


def _refuse(arguments: Sequence[str], lang: Language, failure: Failure) -> Exit:
    """Tell a failure that came up before there was a command to tell it."""
    run = Run(as_json="--json" in arguments, lang=lang, home=Home.default())
    run.document(failure.data())
    run.err.print(f"zk: {failure.sentence()}", soft_wrap=True)
    return failure.exit_code


def _command_of(arguments: Sequence[str]) -> str | None:
    """Return the command that the arguments name, None if that takes all of them to tell."""
    before = ""
    for each in arguments:
        if not each.startswith("-") and before not in {"--lang", "--home"}:
            return each if each in COMMANDS else None
        before = each
    return None


def _language_of(arguments: Sequence[str]) -> Language:
    """Return the language that the arguments choose, before they are parsed: help needs it."""
    for index, each in enumerate(arguments):
        if each.startswith("--lang="):
            return language(each.partition("=")[2])
        if each == "--lang":
            return language("".join(arguments[index + 1 : index + 2]))
    return language()


if __name__ == "__main__":
    main()
