"""`zk witness`: cosign other operators' logs, never two checkpoints that do not go together."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from consortium.errors import FolderError
from consortium.witness import Cosigned, load_keys, make_keys, read_store
from consortium.witness.keys import KEY_FILE, drop_key
from consortium.witness.process import Address, Ready
from consortium.witness.process import serve as run_witness
from tlog import CosignatureSigner, InputError, MldsaCosignatureSigner, Policy
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file
from zk.moments import iso_moment
from zk.run import Answer, Run

GROUP = Group("witness")

Data = Annotated[Path, typer.Option("--data", help="help.witness.data")]
Pem = Annotated[Path | None, typer.Option("--certificate", help="help.witness.certificate")]
Key = Annotated[Path | None, typer.Option("--private-key", help="help.witness.private_key")]
MlDsa = Annotated[bool, typer.Option("--ml-dsa", help="help.witness.ml_dsa")]
Policies = Annotated[list[Path], typer.Option("--policy", help="help.witness.policy")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)


@GROUP.command("init")
def init(
    run: Run,
    name: Annotated[str, typer.Argument(help="help.witness.name")],
    data: Data,
    ml_dsa: MlDsa = False,
) -> Answer:
    """Make the folder of a witness with its key, which is of Ed25519; one of ML-DSA-44 beside it if asked."""
    if (data / KEY_FILE).exists():
        raise CommandError(Exit.USAGE, "WITNESS_EXISTS", "error.witness_exists", path=data)
    return _made(run, data, name, (CosignatureSigner, MldsaCosignatureSigner)[: 1 + ml_dsa])


@GROUP.command("rotate")
def rotate(run: Run, data: Data, ml_dsa: MlDsa = False) -> Answer:
    """Add a key under the same name, in force from the next start. The others go on until they retire."""
    kind = MldsaCosignatureSigner if ml_dsa else CosignatureSigner
    return _made(run, data, load_keys(data)[0].name, (kind,))


def _made(run: Run, data: Path, name: str, kinds: Sequence[type[CosignatureSigner]]) -> Answer:
    try:
        keys = [str(make_keys(data, name, kind).verifier) for kind in kinds]
    except InputError as error:
        raise CommandError(Exit.USAGE, error.reason, "error.usage", detail=error.detail) from None
    lines = [run.text("witness.made", path=data), *(run.text("witness.key", key=key) for key in keys)]
    return Answer({"data": str(data), "key": keys[0], "keys": keys}, lines)


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
def show(run: Run, data: Data) -> Answer:
    """Show what a witness has cosigned of each log, and whether it refused anything that the log signed."""
    signers = load_keys(data)
    with read_store(data) as store:
        rows = [_row(found, len(store.refused(found.checkpoint.origin))) for found in store.all()]
    lines = [run.text("witness.key", key=each.verifier) for each in signers]
    lines += [run.text("witness.row", **row) for row in rows] or [run.text("witness.row_none")]
    return Answer({"keys": [str(each.verifier) for each in signers], "logs": rows}, lines)


def _row(found: Cosigned, refused: int) -> dict[str, Any]:
    return {
        "origin": found.checkpoint.origin,
        "size": found.checkpoint.size,
        "root": found.checkpoint.root.hex(),
        "time": iso_moment(found.time),
        "refused": refused,
    }


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
