"""OpenID in the vault: answering verifiers that ask by it, claiming what departments offer by it."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import typer

from prover.client import Brought, HolderClient
from prover.errors import PresentingError, VaultReason
from prover.history import check_usage
from prover.usages import Usage
from prover.vault import utc_now
from zk.commands.vault.common import GROUP, PassphraseFile, VaultFile, opened
from zk.commands.vault.credentials import agrees as agrees_to_claim
from zk.commands.vault.credentials import claimed
from zk.commands.vault.present import agrees, choose, choosing_composite, lacking_told
from zk.commands.vault.uses import use_data
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file
from zk.run import Answer, Run, confirmed

OPENID: Final = Group(
    f"{GROUP.name}.openid",
    typer.Typer(name="openid", help=f"help.{GROUP.name}.openid", no_args_is_help=True),
)
Uri = Annotated[str, typer.Argument(help="help.vault.openid.uri")]
WebRoot = Annotated[Path | None, typer.Option("--web-root", help="help.vault.openid.web_root")]
Local = Annotated[bool, typer.Option("--dev", help="help.vault.openid.dev")]


@OPENID.command("open", remote=True)
def open_uri(
    run: Run,
    uri: Uri,
    use: Annotated[list[str] | None, typer.Option("--use", metavar="ID", help="help.vault.use")] = None,
    branch: Annotated[str | None, typer.Option("--branch", help="help.vault.branch")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="help.vault.yes")] = False,
    web_root: WebRoot = None,
    dev: Local = False,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Fetch what a verifier asks by OpenID4VP, see it, consent, prove, post; the receipt is checked.

    An answer that was posted and not answered is sent to the service by `zk vault resume`.
    """
    from openid.response import Submission  # noqa: PLC0415, HTTP is loaded by who asks over it
    from openid.wallet.presenting import Invitation, fetch_object, post_answer, post_no  # noqa: PLC0415

    fetcher, log = fetcher_of(web_root, dev), run.log_verifier()
    invitation = Invitation.parse(written(uri))
    leads = list[str]()
    with opened(run, file, passphrase_file) as vault, lacking_told(run):
        asked = fetch_object(fetcher, invitation, utc_now())

        def send(usage: Usage) -> bytes:
            sent = Submission(usage.presentation, usage.holder_note, usage.request_id)
            receipt, redirect = post_answer(fetcher, asked, sent)
            leads.extend([redirect] if redirect else [])
            return receipt

        try:
            usage = HolderClient(run.endpoint).answer(
                asked.object.link, vault, log, lambda consent: agrees(run, consent, yes),
                choose=choose(run, vault, use),
                choose_composite=choosing_composite(run, vault, use, branch, yes),
                brought=Brought(asked.object.signed, asked.signer, send),
            )  # fmt: skip
        except PresentingError as error:
            if error.reason == VaultReason.DECLINED:
                post_no(fetcher, asked)
            raise
    receipt = check_usage(usage, log)
    lines = [run.text("vault.presented", index=receipt.index, size=receipt.checkpoint.size)]
    lines += [run.text("vault.openid_on", address=each) for each in leads]
    data = {**use_data(run, usage), "entry_index": receipt.index, "tree_size": receipt.checkpoint.size}
    return Answer(data | ({"redirect_uri": leads[0]} if leads else {}), lines)


@OPENID.command("claim", remote=True)
def claim(
    run: Run,
    uri: Uri,
    tx_code: Annotated[str | None, typer.Option("--tx-code", help="help.vault.openid.tx_code")] = None,
    wait: Annotated[float, typer.Option("--wait", min=0, help="help.vault.openid.wait")] = 0,
    yes: Annotated[bool, typer.Option("--yes", help="help.vault.yes")] = False,
    web_root: WebRoot = None,
    dev: Local = False,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Claim what a department offers by OpenID4VCI.

    A claim that broke off after the code was taken is gone on with by `zk vault resume`.
    """
    from openid.wallet.claiming import begin, read_offered  # noqa: PLC0415, HTTP is loaded by who asks over it

    fetcher, log = fetcher_of(web_root, dev), run.log_verifier()
    with opened(run, file, passphrase_file) as vault:
        offered = read_offered(fetcher, written(uri))
        taken = begin(fetcher, offered, utc_now, lambda offer: _typed(run, offer, tx_code, yes))
        link = taken.ready(wait)
        if link is None:
            raise CommandError(Exit.UNREACHABLE, "ISSUANCE_DEFERRED", "error.issuance_deferred")
        held = HolderClient(run.endpoint).claim(
            link, vault, log, lambda asked: agrees_to_claim(run, asked, yes), send=taken.send
        )
        taken.accepted()
    return claimed(run, held)


def _typed(run: Run, offer: Any, given: str | None, yes: bool) -> str:
    """Return the code that came another way: as it was given, or typed; a script has to give it.

    Where it goes is shown, and a person says yes to it first: a link of another's may be after the code.
    """
    person = sys.stdin.isatty()
    if given is None and not person:
        raise CommandError(Exit.USAGE, "TX_CODE_MISSING", "error.tx_code_missing")
    host = urlsplit(offer.issuer).netloc
    run.err.print(run.text("vault.tx_code_to", host=host, credential=offer.configuration), soft_wrap=True)
    if person and not yes and not confirmed(run, "vault.ask_tx_code_to"):
        raise PresentingError(VaultReason.DECLINED, "the person said no; the code was not sent")
    if given is not None:
        return given
    run.err.print(run.text("vault.ask_tx_code"), end=" ", soft_wrap=True)
    return sys.stdin.readline().strip()


def written(uri: str) -> str:
    """Return an address, read from standard input for "-": others on the machine can read arguments."""
    return sys.stdin.readline().strip() if uri == "-" else uri


def fetcher_of(web_root: Path | None, dev: bool) -> Any:
    """Return what asks addresses from outside; with `dev` this machine may be one of them."""
    from openid.wallet.fetching import Fetcher  # noqa: PLC0415, HTTP is loaded by who asks over it

    return Fetcher(root=read_file(web_root) if web_root else None, local=dev)
