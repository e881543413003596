"""Whom the vault lets an identity be escrowed to: the holder's own list, which no request can add to."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from disclosure.composite import Regulator
from disclosure.names import RegulatorName
from prover.composite.vault import CompositeVault
from zk.commands.vault.common import GROUP, PassphraseFile, VaultFile, opened
from zk.exits import CommandError, Exit
from zk.run import Answer, Run, confirmed
from zk.service import Service


@GROUP.command("trust-regulator", remote=True)
def trust_regulator(
    run: Run,
    regulator: Annotated[str | None, typer.Argument(metavar="ID", help="help.vault.regulator")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="help.vault.remove_regulator")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="help.vault.yes_regulator")] = False,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """List the regulators that are trusted with an identity, add one, or take one out with all its keys."""
    with opened(run, file, passphrase_file) as vault:
        if regulator is not None:
            name, held = RegulatorName(regulator), vault.composite
            known = [each.regulator for each in held.regulators() if each.regulator.name == name]
            if remove:
                _remove(held, known, name)
            else:
                held.trust(_asked(run, name, yes))
        trusted = [each.regulator for each in vault.composite.regulators()]
    lines = [_line(run, each) for each in trusted] or [run.text("vault.trusts_nobody")]
    return Answer({"trusted": [_data(run, each) for each in trusted]}, lines)


def _remove(held: CompositeVault, known: Sequence[Regulator], name: RegulatorName) -> None:
    if not known:
        raise CommandError(Exit.USAGE, "REGULATOR_NOT_FOUND", "error.regulator_untrusted", name=name)
    for each in known:
        held.distrust(each.key.digest)


def _asked(run: Run, name: RegulatorName, yes: bool) -> Regulator:
    """Return the regulator as the ledger has it, once a person who saw its key has agreed."""
    with Service(run.endpoint) as service:
        found = service.reader(run.log_verifier()).regulator_named(name)
    run.err.print(_line(run, found), soft_wrap=True)
    if not yes and not confirmed(run, "vault.ask_trust"):
        raise CommandError(Exit.DECLINED, "DECLINED", "error.not_trusted")
    return found


def _line(run: Run, regulator: Regulator) -> str:
    name, digest = run.local(regulator.display_name), regulator.key.digest.hex()
    return run.text("vault.trusts", name=name, regulator=regulator.name, digest=digest)


def _data(run: Run, regulator: Regulator) -> dict[str, Any]:
    return {
        "regulator": str(regulator.name),
        "display_name": run.local(regulator.display_name),
        "digest": regulator.key.digest.hex(),
    }
