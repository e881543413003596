"""`zk consortium claims serve`: a city's service that claims for its verifiers, beside its node."""

import ipaddress
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Annotated, Final

import typer

from consortium.witness.process import Address
from ordering.city.home import CityHome
from ordering.submitting import Submitter
from verifier.client.published import PublishedReader
from zk.claims.desk import KEY_SECONDS, ClaimsDesk
from zk.claims.listed import Listed, News
from zk.claims.rates import Budget, DayAheadError, Rates
from zk.claims.reasons import ClaimRefusedError
from zk.claims.serving import serve as run_service
from zk.commands.consortium_parts import GROUP, Data, Nodes, problems, submitter
from zk.exits import CommandError, Exit
from zk.failure import explain
from zk.group import Group
from zk.run import Answer, Run

CLAIMS: Final = Group(
    f"{GROUP.name}.claims",
    typer.Typer(name="claims", help=f"help.{GROUP.name}.claims", no_args_is_help=True),
)
PORT: Final = 8453
COUNTED: Final = "claims.day"
"""How much was claimed for whom today, in the city's folder."""
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
    per_day: Annotated[
        int, typer.Option("--per-day", min=1, max=1_000_000, help="help.claims.per_day")
    ] = 2_000,
    node: Nodes = None,
) -> Answer:
    """Claim for the verifiers of a list, until it is told to end. It alone holds the operator's key.

    The list is read again when it has changed; one that is not sound is told, and the one before counts on.
    With --json it prints a line when it is ready, one for each list that was taken or not, one for claims of
    a verifier's that were not made, of each reason once a minute, and one when it has ended. What is wrong
    with the list is told each minute. It keeps how many claims there were today for whom, and nothing else,
    and may be ended at any moment. One service claims by a folder at a time.
    """
    telling = Telling(run)
    listed = Listed(verifiers, telling.listed)
    if (certificate is None) != (private_key is None) or (certificate is None and not _is_own(host)):
        raise CommandError(Exit.USAGE, "CERTIFICATE_MISSING", "error.claims_certificate")
    submits = submitter(data, node)
    alone = CityHome(data.absolute()).claiming()
    with problems(Exit.NOT_STARTED, "NOT_STARTED"), alone, run.endpoint.channel() as channel:
        budget = _budget(per_day, data)
        reader = PublishedReader(channel, run.log_verifier())
        desk = ClaimsDesk(
            submits, listed, lambda name: reader.verifier_key(name, KEY_SECONDS), Rates(per_minute), budget
        )
        try:
            run_service(
                desk,
                listed,
                Address(host, port, certificate, private_key),
                lambda found: _ready(run, submits, f"{host}:{found}", len(listed)),
                telling.refused,
            )
        except OSError as error:
            detail = error.strerror or type(error).__name__
            raise CommandError(Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=detail) from None
    return Answer({"event": "stopped"}, [run.text("claims.stopped")])


def _budget(per_day: int, data: Path) -> Budget:
    """Return the day's budget as far as it is used up; CommandError USAGE if its file is none of now."""
    path = data / COUNTED
    try:
        return Budget(per_day, path)
    except DayAheadError as error:
        values = {"path": path, "day": error.day, "today": error.today}
        raise CommandError(Exit.USAGE, "DAY_AHEAD", "error.claims_day_ahead", **values) from None
    except (OSError, ValueError, TypeError):
        raise CommandError(Exit.USAGE, "FILE_UNREADABLE", "error.file_unreadable", path=path) from None


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
    """Tells what becomes of claims and of the list; whether anybody still reads it matters to neither.

    What was not claimed it tells if it is known who asked, and of each the same once a minute: neither
    strangers nor the hasty fill a disk.
    """

    def __init__(self, run: Run, clock: Callable[[], float] = time.monotonic) -> None:
        self._run, self._clock, self._told = run, clock, dict[tuple[str, str], float]()

    def refused(self, error: ClaimRefusedError) -> None:
        """Tell what was not claimed, and why, or not."""
        key, now = (error.verifier, error.reason.value), self._clock()
        if not error.verifier or now < self._told.get(key, now - _TOLD_SECONDS) + _TOLD_SECONDS:
            return
        self._told[key] = now
        self._warn("refused", "claims.refused", verifier=key[0], reason=key[1], detail=error.detail)

    def listed(self, news: News) -> None:
        """Tell that another list counts, that nobody is on it, or why a changed one does not count."""
        if isinstance(news, Exception):
            failure = explain(news, self._run.lang)
            values = {"reason": failure.reason, "detail": failure.sentence()}
            self._warn("list-refused", "claims.list_refused", **values)
        elif not news:
            self._warn("list-empty", "claims.list_empty", verifiers=news)
        else:
            with _unread():
                self._run.document({"event": "list", "verifiers": news})
                self._run.say(self._run.text("claims.list", verifiers=news))

    def _warn(self, event: str, key: str, **values: object) -> None:
        with _unread():
            self._run.document({"event": event, **values})
        if not self._run.as_json:
            self._run.warn(key, **values)


def _unread() -> AbstractContextManager[None]:
    """Let nobody read what is told: an output whose reader is gone, at which a console ends the program."""
    return suppress(OSError, SystemExit)
