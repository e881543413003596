"""Asking over HTTP: a verifier's edge for OpenID for Verifiable Presentations."""

import secrets
from pathlib import Path
from typing import Annotated, Final

import typer

from zk.commands.verifier.common import GROUP, As, loaded_policy, name_of
from zk.commands.verifier.demanding import demands_of, said
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_secret, write_private
from zk.run import Answer, Run

OPENID: Final = Group(
    f"{GROUP.name}.openid",
    typer.Typer(name="openid", help=f"help.{GROUP.name}.openid", no_args_is_help=True),
)

_OCTETS: Final = 32
Chain = Annotated[Path | None, typer.Option("--key-certificate", help="help.verifier.openid.chain")]
Pem = Annotated[Path | None, typer.Option("--certificate", help="help.witness.certificate")]
Key = Annotated[Path | None, typer.Option("--private-key", help="help.witness.private_key")]


@OPENID.command("serve", remote=True)
def serve(
    run: Run,
    policies: Annotated[list[Path], typer.Argument(help="help.verifier.openid.policies")],
    url: Annotated[str, typer.Option("--url", help="help.verifier.openid.url")],
    verifier: As = None,
    cross: Annotated[
        list[str] | None, typer.Option("--cross", metavar="POLICY", help="help.verifier.openid.cross")
    ] = None,
    secret_file: Annotated[
        Path | None, typer.Option("--secret-file", help="help.verifier.openid.secret_file")
    ] = None,
    page: Annotated[str, typer.Option("--page", help="help.verifier.openid.page")] = "",
    by_host: Annotated[
        bool, typer.Option("--by-host/--by-hash", help="help.verifier.openid.by_host")
    ] = False,
    chain: Annotated[
        Path | None, typer.Option("--key-certificate", help="help.verifier.openid.chain")
    ] = None,
    anchored: Annotated[bool, typer.Option("--anchored", help="help.verifier.openid.anchored")] = False,
    encrypted: Annotated[bool, typer.Option("--encrypted", help="help.verifier.openid.encrypted")] = False,
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

    A policy is asked on the browser's own device; those that --cross names are asked on another device too,
    by who shows the counter's secret, which is made if it is not there. With --anchored an answer is accepted
    once the pinned policy's witnesses have cosigned; if they have not in ten minutes, it is refused and left
    as `.pending`, which `zk verifier keep` decides. What the registered policy demands of receipts is
    demanded without it; one that demands the consortium's order has its answers wait likewise. With --json
    it prints one line when it is ready and one when it has ended.
    """
    from consortium.witness.process import Address  # noqa: PLC0415, servers are loaded by who serves
    from zk.openid_edge import Shown, run_edge  # noqa: PLC0415

    demands_of(run, said(anchored=anchored, ordered=False))
    asked, name = [loaded_policy(each) for each in policies], name_of(run, verifier)

    also = frozenset(cross or ())
    if unknown := also - {each.id for each in asked}:
        raise CommandError(Exit.USAGE, "USAGE", "error.openid_cross", policy=min(unknown))
    path = (secret_file or run.home.path / "openid" / f"{name}.counter.secret") if also else None
    if path is not None and not path.exists():
        write_private(path, secrets.token_urlsafe(_OCTETS).encode() + b"\n")
    secret = None if path is None else read_secret(path)

    def ready(bound: int, client_id: str) -> None:
        at = f"{host}:{bound}"
        kept = {} if path is None else {"secret_file": str(path)}
        run.document({"event": "ready", "address": at, "url": url, "client_id": client_id, **kept})
        run.say(run.text("verifier.openid_ready", address=at, url=url, client=client_id))
        if path is not None:
            run.say(run.text("verifier.openid_counter", path=path))

    try:
        run_edge(
            run, asked, name, Shown(url, page, by_host, chain, also, secret, anchored, encrypted),
            Address(host, port, certificate, private_key), ready,
        )  # fmt: skip
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=detail) from None
    return Answer({"event": "stopped"}, [run.text("verifier.openid_stopped")])
