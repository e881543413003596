"""What the verifier's commands share: files of either form, the name and key of who asks."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import VerifierName
from tlog import Verifier
from verifier import CompositePolicy, CompositeRecord, Counterpart, Policy, keys, load_policy, load_record
from zk.commands.ledger import fetch_checkpoint
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file
from zk.ordered import Pinned, check_claiming
from zk.run import Run
from zk.service import Service

AnyPolicy: TypeAlias = Policy | CompositePolicy
PolicyFile = Annotated[Path, typer.Argument(help="help.verifier.policy")]
As = Annotated[str | None, typer.Option("--as", help="help.verifier.as")]
Counting = Annotated[
    list[str] | None, typer.Option("--with", metavar="NAME=RECORD", help="help.verifier.with")
]
GROUP: Final = Group("verifier")
_THREADS: Final = 4
_WAITING_THREADS: Final = 32


def loaded_policy(path: Path) -> AnyPolicy:
    """Read a policy of either form."""
    read_file(path)  # a file that cannot be read is named, as everywhere
    return load_policy(path)


def across_of(policy: AnyPolicy) -> Sequence[str]:
    """Return what a policy has that comes once in all cities, which is claimed before an answer is kept."""
    return policy.across if isinstance(policy, CompositePolicy) else ()


def name_of(run: Run, said: str | None) -> VerifierName:
    """Return who asks: the one that was said, or the only one of this home."""
    return VerifierName.parse(f"verifiers/{said or _only_verifier(run)}")


def counterparts(run: Run, written: Sequence[str]) -> dict[str, Counterpart]:
    """Return the answers whose numbers are counted, by the policy's names for them, each verified again."""
    given = dict[str, Counterpart]()
    for each in written:
        answer, _, path = each.partition("=")
        if not path or answer in given:
            raise CommandError(Exit.USAGE, "ANSWER_UNCLEAR", "error.answer_unclear", given=each)
        read_file(Path(path))  # a file that cannot be read is named, as everywhere
        record = load_record(Path(path))
        if not isinstance(record, CompositeRecord):
            raise CommandError(Exit.USAGE, "RECORD_PLAIN", "error.answer_plain", path=path)
        given[answer] = Counterpart.of(record, run.log_verifier())
    return given


def threads_for(run: Run, policies: Iterable[AnyPolicy]) -> int:
    """Return how many answers are kept at once: more where a consortium is trusted, as each may wait for it.

    Raises CommandError, OrderError unless one could claim what the policies have under `across`.
    """
    across = [each for policy in policies for each in across_of(policy)]
    check_claiming(run, across)
    return _WAITING_THREADS if across or Pinned.of(run) is not None else _THREADS


def shown_log(run: Run) -> Verifier:
    """Return the log's pinned key, once the service has shown a checkpoint under it.

    Asked before a question is: a holder who has disclosed something to whoever then cannot verify it has
    disclosed it for nothing. Raises CommandError KEY_NOT_TRUSTED.
    """
    pinned = run.log_verifier()
    with Service(run.endpoint) as service:
        fetch_checkpoint(run, service)
    return pinned


def key_of(run: Run, name: VerifierName) -> Ed25519PrivateKey:
    """Return the key that signs a verifier's requests."""
    path = run.home.verifier_key(name.verifier)
    if not path.exists():
        raise CommandError(
            Exit.USAGE, "KEY_FILE_INVALID", "error.verifier_key_missing", path=path, verifier=name.verifier
        )
    return keys.load(path)


def _only_verifier(run: Run) -> str:
    here = run.home.verifiers()
    if not here:
        raise CommandError(Exit.USAGE, "VERIFIER_UNCLEAR", "error.verifier_none")
    if len(here) > 1:
        raise CommandError(Exit.USAGE, "VERIFIER_UNCLEAR", "error.verifier_unclear", here=", ".join(here))
    return here[0]
