"""`zk consortium claims serve`: a city's service that claims for its verifiers, beside its node."""

import ipaddress
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from consortium.witness.process import Address
from disclosure import VerifierName
from ordering.submitting import Submitter
from verifier.client.published import PublishedReader
from zk.claims.desk import KEY_SECONDS, ClaimsDesk, Rates
from zk.claims.reasons import ClaimRefusedError
from zk.claims.serving import serve as run_service
from zk.commands.consortium_parts import GROUP, Data, Nodes, submitter
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file
from zk.run import Answer, Run

CLAIMS: Final = Group(
    f"{GROUP.name}.claims",
    typer.Typer(name="claims", help=f"help.{GROUP.name}.claims", no_args_is_help=True),
)
PORT: Final = 8453
_TOLD_SECONDS: Final = 60.0


@CLAIMS.command("serve", remote=True)
def serve(
    run: Run,
    data: Data,
    verifiers: Annotated[Path, typer.Option("--verifiers", metavar="FILE", help="help.claims.verifiers")],
    host: Annotated[str, typer.Option("--host", help="help.claims.host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="help.claims.port")] = PORT,
    certificate: Annotated[Path | None, typer.Option("--certificate", help="help.claims.certificate")] = None,
    private_key: Annotated[Path | None, typer.Option("--private-key", help="help.claims.private_key")] = None,
    per_minute: Annotated[
        int, typer.Option("--per-minute", min=1, max=10_000, help="help.claims.per_minute")
    ] = 120,
    node: Nodes = None,
) -> Answer:
    """Claim for the verifiers of a list, until it is told to end. It alone holds the operator's key.

    With --json it prints a line when it is ready, one for claims of a verifier's that were not made, of each
    reason once a minute, and one when it has ended. It keeps nothing, and may be ended at any moment.
    """
    listed = read_list(verifiers)
    if (certificate is None) != (private_key is None) or (certificate is None and not _is_own(host)):
        raise CommandError(Exit.USAGE, "CERTIFICATE_MISSING", "error.claims_certificate")
    submits = submitter(data, node)
    with run.endpoint.channel() as channel:
        reader = PublishedReader(channel, run.log_verifier())
        desk = ClaimsDesk(
            submits, listed, lambda name: reader.verifier_key(name, KEY_SECONDS), Rates(per_minute)
        )
        try:
            run_service(
                desk,
                Address(host, port, certificate, private_key),
                lambda found: _ready(run, submits, f"{host}:{found}", len(listed)),
                Telling(run),
            )
        except OSError as error:
            detail = error.strerror or type(error).__name__
            raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=detail) from None
    return Answer({"event": "stopped"}, [run.text("claims.stopped")])


def read_list(path: Path) -> frozenset[VerifierName]:
    """Read a list of verifiers: a name on each line, and what follows a `#` is for people.

    Raises CommandError; MalformedError NAME_INVALID for what is no name.
    """
    try:
        text = read_file(path).decode()
    except UnicodeDecodeError:
        raise CommandError(Exit.USAGE, "FILE_UNREADABLE", "error.file_unreadable", path=path) from None
    written = (line.partition("#")[0].strip() for line in text.splitlines())
    listed = frozenset(VerifierName.parse(each, field="verifiers") for each in written if each)
    if not listed:
        raise CommandError(Exit.USAGE, "VERIFIERS_MISSING", "error.claims_verifiers", path=path)
    return listed


def _is_own(host: str) -> bool:
    """Tell whether nobody but this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _ready(run: Run, submits: Submitter, address: str, count: int) -> None:
    values = {"address": address, "operator": submits.name, "chain": submits.chain, "verifiers": count}
    run.document({"event": "ready", **values})
    run.say(run.text("claims.ready", **values))


class Telling:
    """Tells what was not claimed, and why, if it is known who asked, and of each the same once a minute.

    Neither strangers nor the hasty fill a disk.
    """

    def __init__(self, run: Run, clock: Callable[[], float] = time.monotonic) -> None:
        self._run, self._clock, self._told = run, clock, dict[tuple[str, str], float]()

    def __call__(self, error: ClaimRefusedError) -> None:
        """Tell it, or not."""
        key, now = (error.verifier, error.reason.value), self._clock()
        if not error.verifier or now < self._told.get(key, now - _TOLD_SECONDS) + _TOLD_SECONDS:
            return
        self._told[key] = now
        values = {"verifier": key[0], "reason": key[1], "detail": error.detail}
        self._run.document({"event": "refused", **values})
        if not self._run.as_json:
            self._run.warn("claims.refused", **values)
