"""Asking over HTTP: a verifier's edge for OpenID for Verifiable Presentations."""

from pathlib import Path
from typing import Annotated, Final

import typer

from zk.commands.verifier.common import GROUP, As, loaded_policy, name_of
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.run import Answer, Run

OPENID: Final = Group(
    f"{GROUP.name}.openid",
    typer.Typer(name="openid", help=f"help.{GROUP.name}.openid", no_args_is_help=True),
)

Chain = Annotated[Path | None, typer.Option("--key-certificate", help="help.verifier.openid.chain")]
Pem = Annotated[Path | None, typer.Option("--certificate", help="help.witness.certificate")]
Key = Annotated[Path | None, typer.Option("--private-key", help="help.witness.private_key")]


@OPENID.command("serve", remote=True)
def serve(
    run: Run,
    policies: Annotated[list[Path], typer.Argument(help="help.verifier.openid.policies")],
    url: Annotated[str, typer.Option("--url", help="help.verifier.openid.url")],
    verifier: As = None,
    page: Annotated[str, typer.Option("--page", help="help.verifier.openid.page")] = "",
    by_host: Annotated[
        bool, typer.Option("--by-host/--by-hash", help="help.verifier.openid.by_host")
    ] = False,
    chain: Annotated[
        Path | None, typer.Option("--key-certificate", help="help.verifier.openid.chain")
    ] = None,
    host: Annotated[str, typer.Option("--host", help="help.witness.host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="help.witness.port")] = 8461,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", help="help.witness.certificate")
    ] = None,
    private_key: Annotated[
        Path | None, typer.Option("--private-key", help="help.witness.private_key")
    ] = None,
) -> Answer:
    """Answer wallets and browsers by OpenID4VP until told to end; each answer that holds is kept.

    With --json it prints one line when it is ready and one when it has ended.
    """
    from consortium.witness.process import Address  # noqa: PLC0415, servers are loaded by who serves
    from zk.openid_edge import Shown, run_edge  # noqa: PLC0415

    asked, name = [loaded_policy(each) for each in policies], name_of(run, verifier)

    def ready(bound: int, client_id: str) -> None:
        at = f"{host}:{bound}"
        run.document({"event": "ready", "address": at, "url": url, "client_id": client_id})
        run.say(run.text("verifier.openid_ready", address=at, url=url, client=client_id))

    try:
        run_edge(
            run, asked, name, Shown(url, page, by_host, chain),
            Address(host, port, certificate, private_key), ready,
        )  # fmt: skip
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=detail) from None
    return Answer({"event": "stopped"}, [run.text("verifier.openid_stopped")])
