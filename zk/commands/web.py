"""`zk web`: hand out the pages, and pass their calls on to a service."""

from pathlib import Path
from typing import Annotated, Final

import typer

from tlog import Policy
from web_edge import Edge, Pages, PagesError
from web_edge.process import serve as run_edge
from web_edge.watched import Watched
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file
from zk.run import Answer, Run

GROUP = Group("web")
DEFAULT_PAGES: Final = Path("build/web")
DEFAULT_PORT: Final = 8480

Pem = Annotated[Path | None, typer.Option("--certificate", help="help.web.certificate")]
Key = Annotated[Path | None, typer.Option("--private-key", help="help.web.private_key")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)


@GROUP.command("serve")
def serve(
    run: Run,
    pages: Annotated[Path, typer.Option("--pages", help="help.web.pages")] = DEFAULT_PAGES,
    host: Annotated[str, typer.Option("--host", help="help.web.host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="help.web.port")] = DEFAULT_PORT,
    name: Annotated[list[str] | None, typer.Option("--name", help="help.web.name")] = None,
    certificate: Pem = None,
    private_key: Key = None,
    behind_tls: Annotated[bool, typer.Option("--behind-tls", help="help.web.behind_tls")] = False,
    policy: Annotated[Path | None, typer.Option("--policy", help="help.web.policy")] = None,
    monitor: Annotated[Path | None, typer.Option("--monitor", help="help.web.monitor")] = None,
) -> Answer:
    """Hand out the pages until it is told to end.

    With --json it prints one line when it is ready and one when it has ended.
    """
    if (certificate is None) is not (private_key is None):
        raise CommandError(Exit.USAGE, "CERTIFICATE_AND_KEY", "error.web_certificate")
    try:
        edge = Edge(
            run.endpoint,
            Pages(pages),
            host=host,
            port=port,
            names=tuple(name or ()),
            certificate=certificate,
            private_key=private_key,
            behind_tls=behind_tls,
            watched=Watched(Policy.parse(read_file(policy)) if policy else None, monitor),
        )
        run_edge(edge, on_ready=lambda taken: _ready(run, edge, taken))
    except PagesError as error:
        raise CommandError(Exit.NOT_STARTED, "PAGES_MISSING", "error.not_started", detail=error) from None
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=detail) from None
    return Answer({"event": "stopped"}, [run.text("web.stopped")])


def _ready(run: Run, edge: Edge, port: int) -> None:
    shown = "localhost" if edge.host == "127.0.0.1" else edge.host
    address = f"{'http' if edge.certificate is None else 'https'}://{shown}:{port}/"
    run.document({"event": "ready", "address": address, "port": port})
    run.say(run.text("web.ready", address=address))
