"""Commands with what every command has: --json, --lang, --home, one way of answering and of failing.

A command is a function that takes a Run and its own options and returns an Answer. Its help and that of its
options are keys of zk.messages, which the program turns into sentences of one language when it starts.
"""

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import typer

from zk.failure import explain
from zk.home import Home
from zk.messages import language
from zk.proposing import ProposalError
from zk.run import Answer, Remote, Run

Function = TypeVar("Function", bound=Callable[..., Answer])

Json = Annotated[bool, typer.Option("--json", help="help.option.json")]
Lang = Annotated[Literal["zh", "en"] | None, typer.Option("--lang", metavar="zh|en", help="help.option.lang")]
HomeFolder = Annotated[Path | None, typer.Option("--home", envvar="ZK_HOME", help="help.option.home")]

_COMMON: Final = {
    "as_json": (Json, False),
    "lang": (Lang, None),
    "home": (HomeFolder, None),
}
_REMOTE: Final = {
    "server": (
        Annotated[str | None, typer.Option("--server", envvar="ZK_SERVER", help="help.option.server")],
        None,
    ),
    "root": (
        Annotated[Path | None, typer.Option("--root", envvar="ZK_ROOT", help="help.option.root")],
        None,
    ),
    "log_key": (
        Annotated[str | None, typer.Option("--log-key", envvar="ZK_LOG_KEY", help="help.option.log_key")],
        None,
    ),
}
_CERTIFIED: Final = {
    "client_certificate": (
        Annotated[
            Path | None,
            typer.Option(
                "--client-certificate", envvar="ZK_CLIENT_CERTIFICATE", help="help.option.client_certificate"
            ),
        ],
        None,
    ),
    "client_key": (
        Annotated[
            Path | None,
            typer.Option("--client-key", envvar="ZK_CLIENT_KEY", help="help.option.client_key"),
        ],
        None,
    ),
}
_KNOWN: Final = frozenset({"issuer", "catalogue", "verifier", "regulator", "tokens"})
"""The groups of those whom the service knows by name. A vault has no certificate to show, whatever the
environment says: it would name its holder at each use."""


_PROPOSE: Final = {
    "propose": (Annotated[bool, typer.Option("--propose", help="help.option.propose")], False),
}

_POSITIONAL: Final = inspect.Parameter.POSITIONAL_OR_KEYWORD


def common_options(
    context: typer.Context,
    as_json: Json = False,
    lang: Lang = None,
    home: HomeFolder = None,
) -> None:
    """Take what may also stand before the name of a command; a command's own options come first."""
    context.obj = {"as_json": as_json, "lang": lang, "home": home}


class Group:
    """A group of commands, or the program itself for those that stand alone (`name` is then empty)."""

    def __init__(self, name: str, app: typer.Typer | None = None) -> None:
        self.name = name
        self.app = app or typer.Typer(name=name, help=f"help.{name}", no_args_is_help=True)

    def command(
        self, name: str, *, remote: bool = False, proposable: bool = False
    ) -> Callable[[Function], Function]:
        """Register a command; with `remote` it also takes --server, --root and --log-key, with `proposable`
        --propose: it may take two persons.

        In the groups of those who are known by name it takes a certificate besides.
        """
        key = ".".join(part for part in ("help", self.name, name) if part)
        certified = remote and self.name.partition(".")[0] in _KNOWN
        said = {**(_PROPOSE if proposable else {}), **(_REMOTE if remote else {})}
        common = {**said, **(_CERTIFIED if certified else {}), **_COMMON}

        def register(function: Function) -> Function:
            own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
            extra = [_parameter(each, annotation, default) for each, (annotation, default) in common.items()]
            parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own] + extra

            def invoke(context: typer.Context, **given: Any) -> None:
                values = {each.name: given.pop(each.name) for each in own}
                before = context.obj or {}
                _run(function, values, {name: each or before.get(name) for name, each in given.items()})

            parameters.insert(0, inspect.Parameter("context", _POSITIONAL, annotation=typer.Context))
            invoke.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
            invoke.__annotations__ = {each.name: each.annotation for each in parameters}
            self.app.command(name, help=key)(invoke)
            return function

        return register


def _propose(run: Run, proposal: ProposalError) -> Answer:
    """Propose what a command would have sent."""
    from zk.actions import propose  # noqa: PLC0415, no other command needs it

    return propose(run, proposal)


def _take_up(run: Run, path: Path, name: str) -> None:
    """Put a new secret in its place if the service has taken it."""
    from zk.fresh import take_up  # noqa: PLC0415, no other command needs it

    take_up(replace(run, remote=replace(run.remote, propose=False)).endpoint, path, name)


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, annotation=annotation, default=default)


def _run(function: Callable[..., Answer], own: dict[str, Any], common: dict[str, Any]) -> None:
    """Run a command; its exit code leaves as typer.Exit."""
    home = Home(common["home"].expanduser()) if common["home"] else Home.default()
    run = Run(
        as_json=common["as_json"],
        lang=language(common["lang"]),
        home=replace(home, certified=common.get("client_certificate") is not None),
        remote=Remote(
            **{name: common.get(name) for name in (*_REMOTE, *_CERTIFIED)},
            propose=bool(common.get("propose")),
        ),
    )
    run = replace(run, home=replace(run.home, take_up=partial(_take_up, run)))
    try:
        try:
            answer = function(run, **own)
        except ProposalError as proposal:
            answer = _propose(run, proposal)
        run.finish(answer)
    except typer.Exit:
        raise
    except BrokenPipeError:
        # The reader went away, as `head` does. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except (Exception, KeyboardInterrupt) as error:
        failure = explain(error, run.lang, way=run.way(), full=run.as_json)
        run.document(failure.data())
        run.err.print(f"zk: {failure.sentence()}", soft_wrap=True)
        raise typer.Exit(int(failure.exit_code)) from None
    raise typer.Exit(int(answer.exit_code))
