"""`zk serve`: run the service in this process until it is told to end."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated, Any

import pydantic
import typer

from zk.exits import CommandError, Exit
from zk.group import Group
from zk.run import Answer, Run
from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.server import Ready
from zkservice.server import serve as run_one
from zkservice.supervising import supervise


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    Group("", app).command("serve")(serve)


def serve(
    run: Run,
    dev: Annotated[bool, typer.Option("--dev", help="help.serve.dev")] = False,
    data: Annotated[Path | None, typer.Option("--data", help="help.serve.data")] = None,
    host: Annotated[str | None, typer.Option("--host", help="help.serve.host")] = None,
    port: Annotated[int | None, typer.Option("--port", help="help.serve.port")] = None,
    public_host: Annotated[str | None, typer.Option("--public-host", help="help.serve.public_host")] = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="help.serve.policy")] = None,
    http_port: Annotated[int | None, typer.Option("--http-port", help="help.serve.http_port")] = None,
    log_level: Annotated[str | None, typer.Option("--log-level", help="help.serve.log_level")] = None,
    upgrade: Annotated[bool, typer.Option("--upgrade", help="help.serve.upgrade")] = False,
) -> Answer:
    """Run the service; what is not said on the command line comes from the environment and `zk.toml`.

    With --json it prints one line when it is ready and one when it has ended.
    """
    given: dict[str, Any] = {
        "data": data,
        "dev": dev or None,
        "host": host,
        "port": port,
        "public_host": public_host,
        "policy": policy,
        "http_port": http_port,
        "log_level": log_level,
    }
    settings = settings_of({name: value for name, value in given.items() if value is not None})
    if not run.as_json and "log_level" not in settings.model_fields_set:
        # A person at a terminal is told what matters; whoever wants every call in the log says so.
        settings = settings.model_copy(update={"log_level": "warning"})
    run_server = run_one if settings.servers == 1 else supervise
    try:
        run_server(settings, upgrade=upgrade, on_ready=lambda ready: _ready(run, ready))
    except StartError as error:
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=error) from None
    return Answer({"event": "stopped"}, [run.text("serve.stopped")])


def settings_of(given: dict[str, Any]) -> Settings:
    """Return the settings: what is given, else the environment's and `zk.toml`'s; CommandError USAGE."""
    try:
        return Settings(**given)
    except pydantic.ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(map(str, fault["loc"]))
        raise CommandError(
            Exit.USAGE, "SETTING_INVALID", "error.setting_invalid", name=name, detail=fault["msg"]
        ) from None


def _tell_when_ending(run: Run) -> None:
    """Say at once that the service is ending, which takes as long as the calls in flight.

    The event loop, in which this runs, has its own handlers for both signals and is woken through its file
    descriptor: a handler beside it changes nothing of how the server ends.
    """
    loop, told = asyncio.get_running_loop(), list[int]()

    def tell(number: int, _: object) -> None:
        if not told:
            told.append(number)
            loop.call_soon_threadsafe(lambda: run.say(run.text("serve.ending")))

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, tell)


def _ready(run: Run, ready: Ready) -> None:
    _tell_when_ending(run)
    run.document(
        {
            "event": "ready",
            "address": ready.address,
            "log_key": ready.verifier_key,
            "data": str(ready.data),
            "http_port": ready.http_port,
            **({} if ready.client_address is None else {"client_address": ready.client_address}),
            "metrics_port": ready.metrics_port,
        }
    )
    edge = [] if ready.http_port is None else [run.text("serve.http", port=ready.http_port)]
    address = ready.client_address
    certified = [] if address is None else [run.text("serve.certified", address=address)]
    run.say(
        run.text("serve.ready", address=ready.address),
        *edge,
        *certified,
        run.text("serve.log_key", key=ready.verifier_key),
        run.text("serve.files", data=ready.data),
    )
