"""`zk consortium`: one order for what all cities share (docs/ordering.md)."""

import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ordering import state
from ordering.client import Client
from ordering.engine.running import RunningNode
from ordering.engine.trial import Trial, name
from ordering.errors import StateError
from zk.commands import consortium_claims, consortium_follow, consortium_members, consortium_node, ordered
from zk.commands.consortium_members import open_proposals, proposal_line
from zk.commands.consortium_parts import GROUP, PORT, Engine, engine_path, problems
from zk.exits import CommandError, Exit
from zk.run import Answer, Run

_LOOK_SECONDS: Final = 1.0
for _part in (consortium_node, consortium_members, consortium_follow, ordered):
    _part.add_to(GROUP)
GROUP.app.add_typer(consortium_claims.CLAIMS.app)


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)


@GROUP.command("up")
def up(
    run: Run,
    data: Annotated[Path, typer.Option("--data", help="help.consortium.data")],
    nodes: Annotated[int, typer.Option("--nodes", min=1, max=100, help="help.consortium.nodes")] = 9,
    port: Annotated[int, typer.Option("--port", min=1024, max=65_000, help="help.consortium.port")] = PORT,
    engine: Engine = "",
) -> Answer:
    """Run a consortium on this machine until it is told to end; a process that ends is started again.

    With --json it prints one line when all nodes have a block and one when all have ended.
    """
    program = engine_path(engine)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with problems(Exit.NOT_STARTED, "NOT_STARTED"):
        trial = Trial.opened(data.absolute(), nodes, port, program)
        trial.configure()
        running = trial.running(program)
        try:
            for each in running:
                each.start()
            trial.wait(running)
            _ready(run, trial)
            _watch(running, ended)
        finally:
            for each in running:
                each.stop()
    return Answer({"event": "stopped"}, [run.text("consortium.stopped")])


def _ready(run: Run, trial: Trial) -> None:
    nodes = [{"city": name(each), "url": trial.url(each)} for each in range(trial.count)]
    run.document({"event": "ready", "chain": trial.genesis.chain, "nodes": nodes})
    run.say(
        run.text("consortium.ready", count=trial.count, path=trial.folder),
        *(run.text("consortium.node", **each) for each in nodes),
    )


def _watch(running: Sequence[RunningNode], ended: threading.Event) -> None:
    """Start again what ended, both of a node's processes: an engine without its application is of no use."""
    while not ended.wait(_LOOK_SECONDS):
        for each in running:
            if not each.runs:
                each.kill()
                each.start()


@GROUP.command("status")
def status(
    run: Run, node: Annotated[str, typer.Option("--node", help="help.consortium.node")] = ""
) -> Answer:
    """Ask a node for the newest block, the operators, and the newest ordered checkpoint of each log."""
    url = node or f"http://127.0.0.1:{PORT + 9}"
    try:
        with Client(url) as client:
            told = client.ask("status")
            operators = _operators(client)
            logs = [found for each in operators if (found := _log(client, each)) is not None]
            proposals = open_proposals(client, operators)
    except StateError as error:
        raise CommandError(Exit.UNREACHABLE, "NODE_UNREACHABLE", "error.usage", detail=str(error)) from None
    data = {
        "chain": told["node_info"]["network"],
        "height": int(told["sync_info"]["latest_block_height"]),
        "app_hash": told["sync_info"]["latest_app_hash"].lower(),
        "block_hash": told["sync_info"]["latest_block_hash"].lower(),
        "catching_up": bool(told["sync_info"]["catching_up"]),
        "operators": operators,
        "logs": logs,
        "proposals": proposals,
    }
    lines = [
        run.text("consortium.block", **data),
        run.text("consortium.newest", **data),
        run.text("consortium.operators", names=", ".join(operators)),
    ]
    lines += [run.text("consortium.log", **each) for each in logs]
    lines += [proposal_line(run, each) for each in proposals]
    return Answer(data, lines)


def _operators(client: Client) -> list[str]:
    value = client.read(state.OPERATORS).value
    return list(state.read_names(value)) if value else []


def _log(client: Client, operator: str) -> dict[str, Any] | None:
    row = client.read(state.operator_key(operator)).value
    if row is None:
        return None
    origin = state.read_operator(row).log.name
    value = client.read(state.checkpoint_key(origin)).value
    if value is None:
        return None
    found = state.Ordered.parse(value)
    return {"origin": origin, "size": found.size, "root": found.root.hex(), "height": found.height}
