"""`zk keyed`: a department runs its own check service, and says which counters may ask it."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
import typer

from disclosure import DepartmentName, VerifierName
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import write_private
from zk.run import Answer, Run
from zkservice.errors import StartError
from zkservice.keyed import counters

GROUP = Group("keyed")

Data = Annotated[Path, typer.Option("--data", help="help.keyed.data")]
Counter = Annotated[str, typer.Argument(help="help.keyed.counter")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)


@GROUP.command("serve")
def serve(
    run: Run,
    department: Annotated[str, typer.Argument(help="help.keyed.department")],
    data: Data,
    curve: Annotated[Literal["P-256", "SM2"], typer.Option("--curve", help="help.keyed.curve")] = "P-256",
    dev: Annotated[bool, typer.Option("--dev", help="help.serve.dev")] = False,
    host: Annotated[str | None, typer.Option("--host", help="help.serve.host")] = None,
    port: Annotated[int | None, typer.Option("--port", help="help.serve.port")] = None,
    public_host: Annotated[str | None, typer.Option("--public-host", help="help.serve.public_host")] = None,
    certificate: Annotated[Path | None, typer.Option("--certificate", help="help.keyed.certificate")] = None,
    private_key: Annotated[Path | None, typer.Option("--private-key", help="help.keyed.private_key")] = None,
) -> Answer:
    """Run the check service until it is told to end.

    With --json it prints one line when it is ready and one when it has ended.
    """
    given: dict[str, Any] = {
        "data": data,
        "department": department,
        "curve": curve,
        "dev": dev or None,
        "host": host,
        "port": port,
        "public_host": public_host,
        "certificate": certificate,
        "private_key": private_key,
    }
    _run(run, {name: value for name, value in given.items() if value is not None})
    return Answer({"event": "stopped"}, [run.text("keyed.stopped")])


@GROUP.command("admit")
def admit(
    run: Run,
    counter: Counter,
    token_file: Annotated[Path, typer.Option("--token-file", help="help.keyed.token_file")],
    data: Data,
) -> Answer:
    """Give a counter a token. A running service knows it at once."""
    name = VerifierName(counter)
    write_private(token_file, f"{counters.admit(data, name)}\n".encode())
    lines = [run.text("keyed.admitted", counter=name, path=token_file)]
    return Answer({"counter": str(name), "token_file": str(token_file)}, lines)


@GROUP.command("dismiss")
def dismiss(run: Run, counter: Counter, data: Data) -> Answer:
    """Forget a counter's tokens. A running service refuses them at once."""
    name = VerifierName(counter)
    count = counters.dismiss(data, name)
    lines = [run.text("keyed.dismissed", counter=name, count=count)]
    return Answer({"counter": str(name), "tokens": count}, lines)


def _run(run: Run, given: dict[str, Any]) -> None:
    """Load what needs petlib only now: all other commands work without it."""
    try:
        from zkservice.keyed.process import serve as run_service  # noqa: PLC0415
        from zkservice.keyed.settings import CheckSettings  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("petlib"):
            raise
        raise CommandError(Exit.NOT_STARTED, "KEYED_MISSING", "error.keyed_missing") from None
    try:
        settings = CheckSettings(**given)
        if not run.as_json and "log_level" not in settings.model_fields_set:
            settings = settings.model_copy(update={"log_level": "warning"})
        run_service(settings, on_ready=lambda ready: _ready(run, settings, ready.address, ready.keys))
    except pydantic.ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(map(str, fault["loc"]))
        raise CommandError(
            Exit.USAGE, "SETTING_INVALID", "error.setting_invalid", name=name, detail=fault["msg"]
        ) from None
    except StartError as error:
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=error) from None


def _ready(run: Run, settings: Any, address: str, keys: bytes) -> None:
    department = DepartmentName(settings.department)
    run.document(
        {"event": "ready", "address": address, "department": str(department), "curve": settings.curve,
         "keys": keys.hex()}
    )  # fmt: skip
    run.say(
        run.text("keyed.ready", department=department, address=address, curve=settings.curve),
        run.text("keyed.keys", keys=keys.hex()),
    )
