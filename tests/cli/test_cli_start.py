"""A command loads what it runs and nothing else, and a process that runs many builds the program once.

What is loaded is counted: times of a busy machine say little.
"""

import json
import subprocess
import sys

import pytest
import typer

import verifier
from zk.cli import ALONE, COMMANDS, build, outline

LOADED = """
import json, sys
import zk.cli
if sys.argv[1:]:
    zk.cli.build("en", sys.argv[1])
else:
    zk.cli.outline("en")
print(json.dumps(sorted(sys.modules)))
"""


def loaded(*command: str) -> set[str]:
    """Return the modules that are there when a new process has built a command."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *command], capture_output=True, text=True, check=True, timeout=120
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("command", "without", "most"),
    [
        ((), ("sqlalchemy", "prover", "zkservice", "httpx", "zk.commands"), 700),
        (("vault",), ("zkservice", "alembic", "httpx", "starlette", "uvicorn"), 1100),
        (("issuer",), ("zkservice", "alembic", "httpx", "starlette", "uvicorn"), 1050),
        (("verifier",), ("zkservice", "alembic", "httpx", "starlette", "uvicorn"), 1100),
        (("serve",), ("prover", "zk.demo", "zk.bench"), 1700),
    ],
    ids=["none", "vault", "issuer", "verifier", "serve"],
)
def test_a_command_loads_what_it_runs(command: tuple[str, ...], without: tuple[str, ...], most: int) -> None:
    found = loaded(*command)
    assert not found & set(without)
    assert len(found) <= most


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_outline_says_of_each_command_what_the_whole_program_says(language: str) -> None:
    lang = "zh" if language == "zh" else "en"
    whole, short = build(lang), outline(lang)
    assert list(short.commands) == list(whole.commands)
    assert sorted(short.commands) == sorted(COMMANDS)
    for name, command in whole.commands.items():
        assert short.commands[name].help == command.help
        assert hasattr(command, "commands") == (name not in ALONE)
    shown = [each.get_help(typer.Context(each, info_name="zk")) for each in (whole, short)]
    assert shown[0] == shown[1]


@pytest.mark.parametrize("group", [name for name in COMMANDS if name not in ALONE])
def test_a_group_that_is_built_again_has_no_more_than_before(group: str) -> None:
    first, second = (build.__wrapped__("en", group).commands[group] for _ in range(2))

    def parts(command: object) -> list[object]:
        below = getattr(command, "commands", {})
        return [(name, parts(each)) for name, each in below.items()]

    assert parts(first) == parts(second)
    names = [each.typer_instance for each in _groups(group)]
    assert len(names) == len({id(each) for each in names})


def _groups(group: str) -> list[typer.models.TyperInfo]:
    app = typer.Typer()
    for _ in range(2):
        module = __import__(f"zk.commands.{group}", fromlist=["add_to"])
        module.add_to(app)
    made = app.registered_groups[-1].typer_instance
    assert made is not None
    return list(made.registered_groups)


def test_what_the_verifier_hands_out_is_what_its_modules_have() -> None:
    assert sorted(verifier.__all__) == sorted(verifier._MODULES)
    for name in verifier.__all__:
        value = getattr(verifier, name)
        assert value is getattr(sys.modules[verifier._MODULES[name]], name)
    with pytest.raises(AttributeError):
        verifier.nothing  # noqa: B018
