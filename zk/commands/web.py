"""`zk web`: hand out the pages, and pass their calls on to a service."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from disclosure import VerifierName
from tlog import Policy
from verifier.aio import AsyncVerifierClient
from web_edge import Edge, Pages, PagesError
from web_edge.counter import Desk
from web_edge.process import serve as run_edge
from web_edge.watched import Watched
from zk.anchoring import policy_needed
from zk.commands.verifier.common import As, key_of, loaded_policy, name_of, threads_for
from zk.commands.web_board import open_board
from zk.commands.web_centre import made_code, open_centre
from zk.counter import HomeDesk
from zk.demo.site import school_site
from zk.demo.web import SCHOOL, Seeded, seeded
from zk.demo.web_errand import BUNDLE
from zk.demo.web_steps import STEPS, Doors, named
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import Home, read_file
from zk.run import Answer, Remote, Run, terminable

GROUP = Group("web")
DEFAULT_PAGES: Final = Path("build/web")
DEFAULT_PORT: Final = 8480

Pem = Annotated[Path | None, typer.Option("--certificate", help="help.web.certificate")]
Key = Annotated[Path | None, typer.Option("--private-key", help="help.web.private_key")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.add_typer(GROUP.app)


@GROUP.command("serve", remote=True)
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
    purpose: Annotated[list[Path] | None, typer.Option("--purpose", help="help.web.purpose")] = None,
    errand: Annotated[
        str | None, typer.Option("--errand", metavar="BUNDLE@VERSION", help="help.web.errand")
    ] = None,
    errand_policy: Annotated[
        list[Path] | None, typer.Option("--errand-policy", help="help.web.errand_policy")
    ] = None,
    anchored: Annotated[bool, typer.Option("--anchored", help="help.web.anchored")] = False,
    verifier: As = None,
    centre_token: Annotated[Path | None, typer.Option("--centre-token", help="help.web.centre_token")] = None,
    centre_code: Annotated[Path | None, typer.Option("--centre-code", help="help.web.centre_code")] = None,
) -> Answer:
    """Hand out the pages until it is told to end; with a verifier's policies its counter is open too, with an
    errand bundle the counter's board, with a regulator's token the resource centre.

    With --anchored counter and board accept what the pinned policy's witnesses have cosigned. With --json it
    prints one line when it is ready and one when it has ended.
    """
    if (certificate is None) is not (private_key is None):
        raise CommandError(Exit.USAGE, "CERTIFICATE_AND_KEY", "error.web_certificate")
    believed = policy_needed(run) if anchored else None
    board = open_board(run, errand, errand_policy or (), believed)
    at_counter = bool(purpose or board)
    open_desk, code = _counter(run, verifier, purpose or [], believed) if at_counter else (None, "")
    path = code_path(run, name_of(run, verifier)) if at_counter else None
    centre = open_centre(run, centre_token, centre_code)
    edge = Edge(
        run.endpoint,
        _pages(pages),
        host=host,
        port=port,
        names=tuple(name or ()),
        certificate=certificate,
        private_key=private_key,
        behind_tls=behind_tls,
        watched=Watched(Policy.parse(read_file(policy)) if policy else None, monitor),
        desk=open_desk,
        board=board,
        counter_code=code,
        **(centre.given if centre else {}),
    )
    _run(edge, lambda taken: _ready(run, edge, taken, path, centre.code_file if centre else None))
    return Answer({"event": "stopped"}, [run.text("web.stopped")])


@GROUP.command("demo")
def demo(
    run: Run,
    pages: Annotated[Path, typer.Option("--pages", help="help.web.pages")] = DEFAULT_PAGES,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="help.web.port")] = DEFAULT_PORT,
    output: Annotated[Path, typer.Option("--output", help="help.web.output")] = Path("demo-output/web"),
    examples: Annotated[Path, typer.Option("--examples", help="help.web.examples")] = Path("examples"),
) -> Answer:
    """Start a server with people in it and all pages, and print what to do; until it is told to end.

    With --json it prints one line when it is ready and one when it has ended.
    """
    built = _pages(pages)
    run.say(run.text("web.demo_begins"))
    with terminable(), ExitStack() as stack:
        made = stack.enter_context(seeded(output, examples))
        school = replace(run, home=Home(made.school), remote=Remote())
        open_desk, code = _counter(school, SCHOOL, [made.policy])
        hall = replace(run, home=Home(made.hall), remote=Remote())
        centre = open_centre(school, made.regulator_token, None)
        edge = Edge(
            school.endpoint,
            built,
            port=port,
            certificate=made.server.data / "server.pem",
            private_key=made.server.data / "server.key",
            watched=Watched(made.around.policy, made.around.monitor),
            desk=open_desk,
            board=open_board(hall, BUNDLE, made.errand_policies),
            counter_code=code,
            **(centre.given if centre else {}),
        )

        def ready(taken: int) -> None:
            address = _address(edge, taken)
            # It leads to the vault's page, whose address is known by now, and to nobody else yet.
            site = stack.enter_context(school_site(made, output, examples, f"{address}vault/"))
            _steps(run, made, Doors(address, site, edge.counter_code, edge.centre_code))

        _run(edge, ready)
    return Answer({"event": "stopped"}, [run.text("web.stopped")])


def _pages(folder: Path) -> Pages:
    try:
        return Pages(folder)
    except PagesError as error:
        raise CommandError(Exit.NOT_STARTED, "PAGES_MISSING", "error.not_started", detail=error) from None


def _run(edge: Edge, on_ready: Callable[[int], None]) -> None:
    try:
        run_edge(edge, on_ready=on_ready)
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=detail) from None


def _steps(run: Run, made: Seeded, doors: Doors) -> None:
    """Print what to do; for programs also what stands in it, by its names."""
    given = named(made, doors)
    steps = {each: run.text(each, **given) for each in STEPS}
    run.document({"event": "ready", **given, "steps": steps})
    run.say(*steps.values())


def _counter(
    run: Run, said: str | None, paths: list[Path], believed: Policy | None = None
) -> tuple[Callable[[], AbstractAsyncContextManager[Desk]], str]:
    """Return what opens the counter's desk, and the code that its clerks sign in with."""
    name = name_of(run, said)
    key, log, policies = key_of(run, name), run.log_verifier(), [loaded_policy(each) for each in paths]
    zh, en, threads = replace(run, lang="zh"), replace(run, lang="en"), threads_for(run, policies)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Desk]:
        async with AsyncVerifierClient(run.endpoint, name, key, log, threads=threads) as client:
            yield HomeDesk(zh, en, client, name, policies, believed)

    return opened, counter_code(run, name)


def counter_code(run: Run, name: VerifierName) -> str:
    """Return the code of a verifier's counter, which is made once and stands beside its key."""
    return made_code(code_path(run, name))


def code_path(run: Run, name: VerifierName) -> Path:
    """Where the code of a verifier's counter is kept."""
    return run.home.verifier_key(name.verifier).with_suffix(".counter")


def _ready(run: Run, edge: Edge, port: int, path: Path | None, centre: Path | None) -> None:
    address = _address(edge, port)
    run.document({"event": "ready", "address": address, "port": port})
    run.say(run.text("web.ready", address=address))
    if path is not None:
        run.say(run.text("web.counter", path=path))
    if centre is not None:
        run.say(run.text("web.centre", path=centre))


def _address(edge: Edge, port: int) -> str:
    shown = "localhost" if edge.host == "127.0.0.1" else edge.host
    return f"{'http' if edge.certificate is None else 'https'}://{shown}:{port}/"
