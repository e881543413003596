"""`zk demo`: the whole main job on a real server, and what must fail failing."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import typer

from zk.demo import DemoResult, run_demo
from zk.demo.show import tables
from zk.exits import Exit
from zk.group import Group
from zk.run import Answer, Run, terminable


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    Group("", app).command("demo")(demo)


def demo(
    run: Run,
    output: Annotated[Path, typer.Option("--output", help="help.demo.output")] = Path("demo-output"),
) -> Answer:
    """Play the demo; exit 0 only if everything succeeded that must, and failed that must."""
    with terminable():
        result = run_demo(output, run.lang, lambda step: run.say(run.text(step)))
    exit_code = Exit.OK if result.went_as_it_must else Exit.UNHEALTHY
    return Answer(_data(result), list(tables(result, run.lang)), exit_code)


def _data(result: DemoResult) -> dict[str, Any]:
    data = dataclasses.asdict(result)
    data["ledger"] |= {"path": str(result.ledger.path), "root": result.ledger.root.hex()}
    data["refusals"] = [
        {**dataclasses.asdict(each), "as_it_must": each.as_it_must} for each in result.refusals
    ]
    return {**data, "went_as_it_must": result.went_as_it_must}
