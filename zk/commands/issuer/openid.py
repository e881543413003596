"""Issuing over the web: a department's edge for OpenID for Verifiable Credential Issuance, and its offers."""

import secrets
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from zk.commands.issuer.common import GROUP, OfDepartment, chosen_department, registered_schema
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file, read_secret, write_private
from zk.qr import qr_lines
from zk.run import Answer, Run
from zk.service import Service

OPENID: Final = Group(
    f"{GROUP.name}.openid",
    typer.Typer(name="openid", help=f"help.{GROUP.name}.openid", no_args_is_help=True),
)
Pem = Annotated[Path | None, typer.Option("--certificate", help="help.witness.certificate")]
Key = Annotated[Path | None, typer.Option("--private-key", help="help.witness.private_key")]
SecretFile = Annotated[Path | None, typer.Option("--secret-file", help="help.issuer.openid.secret_file")]
Url = Annotated[str, typer.Option("--url", help="help.issuer.openid.url")]
Link = Annotated[str | None, typer.Option("--link", help="help.issuer.openid.link")]
WebRoot = Annotated[Path | None, typer.Option("--web-root", help="help.vault.openid.web_root")]
Local = Annotated[bool, typer.Option("--dev", help="help.vault.openid.dev")]
_OCTETS: Final = 32


@OPENID.command("serve", remote=True)
def serve(
    run: Run,
    items: Annotated[list[str], typer.Argument(help="help.issuer.openid.items")],
    url: Url,
    department: OfDepartment = None,
    secret_file: SecretFile = None,
    host: Annotated[str, typer.Option("--host", help="help.witness.host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="help.witness.port")] = 8462,
    certificate: Pem = None,
    private_key: Key = None,
) -> Answer:
    """Hand the department's offers to wallets by OpenID4VCI until told to end.

    With --json it prints one line when it is ready and one when it has ended. The secret by which offers are
    handed in is made if it is not there.
    """
    from consortium.witness.process import Address  # noqa: PLC0415, servers are loaded by who serves
    from zk.openid_edge import run_issuer  # noqa: PLC0415

    with Service(run.endpoint) as service:
        schemas = [registered_schema(run, service, each, department) for each in items]
    path = _secret_path(run, department, secret_file)
    if not path.exists():
        write_private(path, secrets.token_urlsafe(_OCTETS).encode() + b"\n")

    def ready(bound: int) -> None:
        at = f"{host}:{bound}"
        run.document({"event": "ready", "address": at, "url": url, "secret_file": str(path)})
        run.say(run.text("issuer.openid_ready", address=at, url=url, path=path))

    try:
        address = Address(host, port, certificate, private_key)
        run_issuer(run, url.rstrip("/"), schemas, read_secret(path), address, ready)
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=detail) from None
    return Answer({"event": "stopped"}, [run.text("verifier.openid_stopped")])


@OPENID.command("offer", remote=True)
def offer(
    run: Run,
    item: Annotated[str, typer.Argument(help="help.issuer.item")],
    url: Url,
    link: Link = None,
    tx_code: Annotated[bool, typer.Option("--tx-code", help="help.issuer.openid.tx_code")] = False,
    department: OfDepartment = None,
    secret_file: SecretFile = None,
    web_root: WebRoot = None,
    dev: Local = False,
    qr: Annotated[bool, typer.Option("--qr/--no-qr", help="help.option.qr")] = True,
) -> Answer:
    """Hand an offer to the edge, and print what a wallet scans; without a link it is deferred."""
    with Service(run.endpoint) as service:
        schema = registered_schema(run, service, item, department)
    body: dict[str, Any] = {"schema": str(schema.name), "tx_code": tx_code}
    secret = read_secret(_secret_path(run, department, secret_file))
    made = _handed(web_root, dev, "POST", f"{url.rstrip('/')}/offers", secret, _linked(body, link), 201)
    lines = [*(qr_lines(made["uri_by_reference"]) if qr else ()), made["uri_by_reference"], made["uri"]]
    if "tx_code" in made:
        lines.append(run.text("issuer.openid_tx_code", code=made["tx_code"]))
    if link is None:
        lines.append(run.text("issuer.openid_deferred", handle=made["offer"]))
    return Answer(made, lines)


@OPENID.command("issued", remote=True)
def issued(
    run: Run,
    handle: Annotated[str, typer.Argument(help="help.issuer.openid.handle")],
    url: Url,
    link: Annotated[str, typer.Option("--link", help="help.issuer.openid.link")],
    department: OfDepartment = None,
    secret_file: SecretFile = None,
    web_root: WebRoot = None,
    dev: Local = False,
) -> Answer:
    """Hand in the link of an offer that was deferred: it has been issued now."""
    address = f"{url.rstrip('/')}/offers/{handle}"
    secret = read_secret(_secret_path(run, department, secret_file))
    _handed(web_root, dev, "PUT", address, secret, _linked({}, link), 204)
    return Answer({"offer": handle}, [run.text("issuer.openid_issued")])


def _linked(body: dict[str, Any], link: str | None) -> dict[str, Any]:
    from zk.commands.vault.openid import written  # noqa: PLC0415

    return body if link is None else body | {"link": written(link)}


def _handed(
    web_root: Path | None,
    dev: bool,
    method: str,
    address: str,
    secret: str,
    body: dict[str, Any],
    status: int,
) -> dict[str, Any]:
    from openid.errors import OpenIdReason  # noqa: PLC0415, HTTP is loaded by who asks over it
    from openid.strict_json import dumps, loads  # noqa: PLC0415
    from openid.wallet.fetching import Fetcher  # noqa: PLC0415
    from openid.wallet.refusing import refused  # noqa: PLC0415

    fetcher = Fetcher(root=read_file(web_root) if web_root else None, local=dev, inside=True)
    kind, headers = "application/json", {"Authorization": f"Bearer {secret}"}
    answer = fetcher.post(address, dumps(body), kind, 1 << 16, kind, headers, method=method)
    if answer.status != status:
        raise refused(answer)
    return loads(answer.body, OpenIdReason.EDGE_ANSWER_INVALID) if answer.body else {}


def _secret_path(run: Run, department: str | None, said: Path | None) -> Path:
    return said or run.home.path / "openid" / f"{chosen_department(run, department).department}.secret"
