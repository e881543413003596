"""A sum across two holders, between their devices: a key for the number, the number itself, taken over.

second: zk vault handover-key LINK          shows a key, for the first one's device
first:  zk vault hand-over USE --to KEY     shows what it tells, and seals the number to that key
second: zk vault take-over NUMBER           and then answers: zk vault present LINK
"""

import sys
from typing import Annotated

import typer

from disclosure import ExchangeLink
from prover.client import HolderClient
from prover.composite.handing import AskedOpening, SealedNumber
from prover.composite.joint import HandoverConsent, handover_lines
from prover.consent import show_moment
from zk.commands.vault.common import GROUP, PassphraseFile, VaultFile, opened, parsed, print_screen
from zk.run import Answer, Run, confirmed


@GROUP.command("handover-key", remote=True)
def handover_key(
    run: Run,
    link: Annotated[str, typer.Argument(help="help.vault.link")],
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Show the key that another holder hands a number over to, which the link's request counts."""
    exchange, log = parsed(ExchangeLink, link), run.log_verifier()
    with opened(run, file, passphrase_file) as vault:
        asked = HolderClient(run.endpoint).handover_key(exchange, vault, log)
    return Answer({"key": str(asked)}, [run.text("vault.handover_key"), str(asked)])


@GROUP.command("hand-over", remote=True)
def hand_over(
    run: Run,
    use: Annotated[str, typer.Argument(metavar="USE", help="help.vault.handed_use")],
    to: Annotated[str, typer.Option("--to", metavar="KEY", help="help.vault.handover_to")],
    yes: Annotated[bool, typer.Option("--yes", help="help.vault.yes_handover")] = False,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Tell another holder a number of one's own: see what that means, consent, seal it to the other's key."""
    asked, log = AskedOpening.parse(_text(to)), run.log_verifier()
    with opened(run, file, passphrase_file) as vault:
        sealed = HolderClient(run.endpoint).hand_over(
            use, asked, vault, log, lambda consent: _agrees(run, consent, yes)
        )
    return Answer({"number": str(sealed)}, [run.text("vault.handed_over"), str(sealed)])


@GROUP.command("take-over")
def take_over(
    run: Run,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="help.vault.handed_number")],
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Keep a number that another holder has handed over, for the request that it is for."""
    sealed = SealedNumber.parse(_text(number))
    with opened(run, file, passphrase_file) as vault:
        request = vault.composite.handovers.take_over(sealed)
    data = {
        "verifier": str(request.verifier),
        "purpose": run.local(request.purpose),
        "numbers": sorted({each.number for each in sealed.parts}),
        "expires": request.expires.isoformat(timespec="seconds"),
    }
    ends = show_moment(request.expires, run.lang)
    return Answer(data, [run.text("vault.taken_over", purpose=data["purpose"], expires=ends)])


def _text(written: str) -> str:
    """Return what was given, read from standard input for "-"."""
    return sys.stdin.readline().strip() if written == "-" else written


def _agrees(run: Run, consent: HandoverConsent, yes: bool) -> bool:
    """Show what handing over tells, the number itself too, and ask; with --yes a script has consented."""
    print_screen(run.err if run.as_json else run.out, handover_lines(consent, run.lang))
    return yes or confirmed(run, "vault.ask_handover")
