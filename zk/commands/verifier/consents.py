"""Standing consents of a verifier: asked for by a policy, watched, used; each kept in a file of the home."""

import datetime as dt
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from disclosure import VerifierName, civil_date
from disclosure.request import MAX_LIFETIME
from disclosure.standing import StandingTerms, template_of
from prover.consent import show_moment
from tlog import bounded_json
from verifier.client import VerifierClient
from verifier.client.consents import AskedConsent, VerifierConsents
from verifier.files import place
from zk.commands.ordered import with_order
from zk.commands.verifier.asking import checked_request, keeping_pending
from zk.commands.verifier.common import GROUP, As, PolicyFile, key_of, loaded_policy, name_of, shown_log
from zk.commands.verifier.demanding import by_policy, demands_of, said
from zk.commands.verifier.records import answered as told_answer
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import private_folder
from zk.ordered import ORDER_SECONDS
from zk.qr import qr_lines
from zk.run import Answer, Run

CONSENTS: Final = Group(
    f"{GROUP.name}.consents",
    typer.Typer(name="consent", help=f"help.{GROUP.name}.consents", no_args_is_help=True),
)
ConsentId = Annotated[str, typer.Argument(help="help.verifier.consent")]


@dataclass(frozen=True)
class KeptConsent:
    """What a verifier keeps of a consent: its terms, and the secret that watches and uses it."""

    consent: str
    result_token: str = field(repr=False)
    terms: StandingTerms

    @classmethod
    def of(cls, asked: AskedConsent) -> "KeptConsent":
        """Keep what was asked for."""
        return cls(asked.consent, asked.result_token, asked.signed.terms)

    def to_bytes(self) -> bytes:
        """Return the file."""
        values = {
            "consent": self.consent,
            "result_token": self.result_token,
            "terms": self.terms.canonical.hex(),
        }
        return json.dumps(values, indent=2).encode() + b"\n"

    @classmethod
    def from_bytes(cls, octets: bytes) -> "KeptConsent":
        """Read the file; ValueError, MalformedError."""
        match bounded_json.loads(octets):
            case {"consent": str(consent), "result_token": str(token), "terms": str(terms)}:
                return cls(consent, token, StandingTerms.from_bytes(bytes.fromhex(terms)))
        raise ValueError("the file is no consent that is kept")


@CONSENTS.command("ask", remote=True)
def ask(
    run: Run,
    policy: PolicyFile,
    times: Annotated[int, typer.Option("--times", min=1, help="help.verifier.consent_times")],
    until: Annotated[dt.datetime, typer.Option("--until", formats=["%Y-%m-%d"], help="help.verifier.until")],
    every: Annotated[int, typer.Option("--every", min=0, help="help.verifier.consent_every")] = 0,
    verifier: As = None,
    qr: Annotated[bool, typer.Option("--qr/--no-qr", help="help.option.qr")] = True,
) -> Answer:
    """Ask for the consent to ask the same again; the holder answers by the link."""
    loaded, name = loaded_policy(policy), name_of(run, verifier)
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    with VerifierClient(run.endpoint, name, key_of(run, name), shown_log(run)) as client:
        demands_of(run, by_policy(client, loaded, name))  # who cannot use it asks for none
        request = checked_request(client, loaded, name, {})
    terms = StandingTerms(template_of(request), times, every, until.date(), now, now + MAX_LIFETIME)
    with _consents(run, name) as client_of:
        asked = client_of.ask(terms)
    path = _path(run, asked.consent.removeprefix("consents/"))
    private_folder(path.parent)
    place(path, KeptConsent.of(asked).to_bytes())
    data = {"consent": asked.consent, "link": str(asked.link), "expires": asked.expires.isoformat()}
    ends = show_moment(asked.expires, run.lang)
    lines: list[Any] = [run.text("verifier.consent_asked", id=asked.link.id, expires=ends)]
    return Answer(data, [*lines, *(qr_lines(str(asked.link)) if qr else ()), str(asked.link)])


@CONSENTS.command("status", remote=True)
def status(run: Run, consent: ConsentId, verifier: As = None) -> Answer:
    """Tell whether a consent was granted, and how often it was used."""
    kept = _kept(run, consent)
    with _consents(run, name_of(run, verifier)) as client:
        found = client.status(kept.consent, kept.result_token)
    data = {"consent": kept.consent, "state": found.state.value, "used": found.used}
    told = run.text(f"verifier.consent.{found.state.value}")
    used = run.text("verifier.consent_used", used=found.used, times=kept.terms.times)
    return Answer(data, [told, used])


@CONSENTS.command("use", remote=True)
def use(
    run: Run,
    consent: ConsentId,
    policy: PolicyFile,
    verifier: As = None,
    timeout: Annotated[float | None, typer.Option("--timeout", min=0.1, help="help.verifier.timeout")] = None,
    record: Annotated[Path | None, typer.Option("--record", help="help.verifier.record")] = None,
    anchored: Annotated[bool, typer.Option("--anchored", help="help.verifier.ask_anchored")] = False,
    ordered: Annotated[bool, typer.Option("--ordered", help="help.verifier.ask_ordered")] = False,
) -> Answer:
    """Ask under a consent, by the policy that it was asked for with, verify the answer here and keep it.

    With --anchored or --ordered, or where the registered policy demands it, it is accepted as by `zk verifier
    ask`.
    """
    options = said(anchored=anchored, ordered=ordered)
    demands_of(run, options)
    kept, loaded, name = _kept(run, consent), loaded_policy(policy), name_of(run, verifier)
    now = dt.datetime.now(dt.UTC)
    path = record or run.home.records / f"{consent}-{civil_date(now):%Y%m%d}-{now:%H%M%S}.json"
    if path.exists():
        raise CommandError(Exit.USAGE, "RECORD_EXISTS", "error.record_exists", path=path)
    private_folder(path.parent)
    wait = dt.timedelta(seconds=timeout) if timeout else loaded.lifetime + dt.timedelta(seconds=5)
    with (
        _consents(run, name) as asking,
        VerifierClient(run.endpoint, name, key_of(run, name), shown_log(run)) as client,
    ):
        demands = demands_of(run, options | by_policy(client, loaded, name))
        request = checked_request(client, loaded, name, {})
        opened = asking.use(kept.consent, kept.result_token, request)
        with keeping_pending(path, lambda pending: pending.record.save(path)):
            answered = client.wait(opened, wait, (), demands.quorum, demands.states)
    answered.record.save(path)
    told = told_answer(run, answered.record, path)
    if demands.order is None:
        return told
    return with_order(run, told, answered.record, path, timeout or ORDER_SECONDS)


def _consents(run: Run, name: VerifierName) -> VerifierConsents:
    return VerifierConsents(run.endpoint, name, key_of(run, name), time.sleep)


def _path(run: Run, consent_id: str) -> Path:
    return run.home.path / "consents" / f"{consent_id}.json"


def _kept(run: Run, consent_id: str) -> KeptConsent:
    try:
        return KeptConsent.from_bytes(_path(run, Path(consent_id).name).read_bytes())
    except (OSError, ValueError, KeyError, TypeError):
        raise CommandError(
            Exit.USAGE, "CONSENT_NOT_HERE", "error.consent_not_here", consent=consent_id
        ) from None
