"""`zk witness`: cosign other operators' logs, never two checkpoints that do not go together."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from consortium.errors import FolderError
from consortium.witness import load_keys, make_keys, opened_store
from consortium.witness.keys import drop_key
from consortium.witness.process import Address, Ready, known_logs
from consortium.witness.process import serve as run_witness
from tlog import InputError, Policy
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file
from zk.run import Answer, Run

GROUP = Group("witness")

Data = Annotated[Path, typer.Option("--data", help="help.witness.data")]
Pem = Annotated[Path | None, typer.Option("--certificate", help="help.witness.certificate")]
Key = Annotated[Path | None, typer.Option("--private-key", help="help.witness.private_key")]
Policies = Annotated[list[Path], typer.Option("--policy", help="help.witness.policy")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)


@GROUP.command("init")
def init(
    run: Run,
    name: Annotated[str, typer.Argument(help="help.witness.name")],
    data: Data,
) -> Answer:
    """Make the folder of a witness with its first key; in a folder that has one, a further key."""
    try:
        key = make_keys(data, name).verifier
    except InputError as error:
        raise CommandError(Exit.USAGE, error.reason, "error.usage", detail=error.detail) from None
    lines = [run.text("witness.made", path=data), run.text("witness.key", key=key)]
    return Answer({"data": str(data), "key": str(key)}, lines)


@GROUP.command("retire")
def retire(
    run: Run,
    key_id: Annotated[str, typer.Argument(help="help.witness.key_id")],
    data: Data,
) -> Answer:
    """Forget a key that nobody's policy names any more. The last one stays."""
    drop_key(data, key_id)
    return Answer({"data": str(data), "retired": key_id}, [run.text("witness.retired", key=key_id)])


@GROUP.command("serve")
def serve(
    run: Run,
    data: Data,
    policy: Policies,
    host: Annotated[str, typer.Option("--host", help="help.witness.host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="help.witness.port")] = 8451,
    certificate: Pem = None,
    private_key: Key = None,
) -> Answer:
    """Run the witness until it is told to end.

    With --json it prints one line when it is ready and one when it has ended.
    """
    address = Address(host, port, certificate, private_key)
    try:
        run_witness(data, _policies(policy), address, on_ready=lambda ready: _ready(run, host, ready))
    except FolderError as error:
        raise CommandError(Exit.NOT_STARTED, error.reason, "error.not_started", detail=error.detail) from None
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=detail) from None
    return Answer({"event": "stopped"}, [run.text("witness.stopped")])


@GROUP.command("show")
def show(run: Run, data: Data, policy: Policies) -> Answer:
    """Show what a stopped witness has cosigned of each log, and what it refused that the log had signed."""
    signers, logs = load_keys(data), known_logs(_policies(policy))
    rows = list[dict[str, Any]]()
    with opened_store(data, logs, signers) as store:
        for origin in logs:
            found = store.cosigned(origin)
            rows.append(
                {
                    "origin": origin,
                    "size": found.checkpoint.size if found else None,
                    "root": found.checkpoint.root.hex() if found else None,
                    "time": _moment(found.time) if found else None,
                    "refused": len(store.refused(origin)),
                }
            )
    lines = [run.text("witness.key", key=each.verifier) for each in signers]
    lines += [run.text("witness.row" if row["time"] else "witness.row_none", **row) for row in rows]
    return Answer({"keys": [str(each.verifier) for each in signers], "logs": rows}, lines)


def _moment(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")


def _policies(paths: list[Path]) -> list[Policy]:
    return [Policy.parse(read_file(path)) for path in paths]


def _ready(run: Run, host: str, ready: Ready) -> None:
    run.document(
        {
            "event": "ready",
            "address": f"{host}:{ready.port}",
            "keys": list(map(str, ready.keys)),
            "logs": list(ready.logs),
        }
    )
    run.say(
        run.text("witness.ready", address=f"{host}:{ready.port}", count=len(ready.logs)),
        *(run.text("witness.key", key=key) for key in ready.keys),
    )
