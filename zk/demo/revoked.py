"""A credential is revoked on the way: what the holder's vault says then, and what a liar meets."""

from dataclasses import dataclass, field, replace
from typing import Final

from disclosure.composite import CompositeRequest, HolderSecret, ProvenEpoch
from prover.composite.planning import plan_composite
from prover.composite.vault import Contents
from verifier import CompositePolicy
from verifier.client import CompositeExchange
from zk.demo.people import INSURANCE, SCHOOL
from zk.demo.refusals import INVALID, VAULT, refused
from zk.demo.result import Refusal
from zk.demo.rogue import Forger, Submission, with_oldest
from zk.demo.stage import Stage, utc_now
from zk.service import Service

_BRANCH: Final = "permit"
_QUERY: Final = "insurance"


@dataclass(frozen=True)
class Before:
    """What a dishonest holder keeps: the vault's contents, and the epoch, from before the revocation."""

    contents: Contents
    secret: HolderSecret = field(repr=False)
    epoch: ProvenEpoch


def keep(stage: Stage) -> Before:
    """Look into the second parent's vault while everything in it is still good."""
    contents = stage.father.vault.composite.contents()
    name = stage.city.schemas[INSURANCE].name
    standing = next(each.standing for each in contents.credentials if each.schema.name == name)
    if standing is None or contents.secret is None:
        raise TypeError("the department revokes, and who has credentials has a secret")
    epoch = ProvenEpoch(standing.accumulator.key.octets, standing.epoch.number)
    return Before(contents, contents.secret, epoch)


def revoked(stage: Stage, policy: CompositePolicy, before: Before) -> list[Refusal]:
    """Revoke the insurance; then the honest vault says so, and the dishonest one is refused by the service.

    The school asks for the newest epoch, as a policy does whose epochs may not be older than the revocation.
    """
    with Service(stage.endpoint) as service:
        stage.city.revoke(service, INSURANCE, stage.father.person)
    number = before.epoch.number
    opened, request = _ask_for_newest(stage, policy, number + 1)
    fetched = stage.client.fetch(opened.link, stage.log)
    forged = _with_old_witness(stage, with_oldest(request, _QUERY, number), before)
    forged = forged.for_request(request.digest)
    renumbered = forged.at_epoch(_QUERY, number + 1)
    return [
        refused(
            "demo.refused.old_witness",
            ("FAILED_PRECONDITION", "EPOCH_STALE"),
            lambda: forged.submit(stage.endpoint, opened.link),
        ),
        refused(
            "demo.refused.old_witness_renumbered",
            (INVALID, "PROOF_INVALID"),
            lambda: renumbered.submit(stage.endpoint, opened.link),
        ),
        refused(
            "demo.refused.revoked",
            (VAULT, "NOTHING_FITS"),
            lambda: stage.ready(stage.father, stage.planned(stage.father, fetched, _BRANCH)).answers(),
        ),
    ]


def _ask_for_newest(
    stage: Stage, policy: CompositePolicy, epoch: int
) -> tuple[CompositeExchange, CompositeRequest]:
    with stage.verifier(SCHOOL) as client:
        request = with_oldest(policy.request(SCHOOL.name, utc_now(), client.reader), _QUERY, epoch)
        return client.ask(request), request


def _with_old_witness(stage: Stage, request: CompositeRequest, before: Before) -> Submission:
    """Prove with what was good before, for a request that would accept it."""
    contents, now = before.contents, utc_now()
    with Service(stage.endpoint) as service:
        directory = service.reader(stage.log).directory(request, [before.epoch])
    old = directory.accumulators[before.epoch.accumulator]
    epochs = {number: each for number, each in old.epochs.items() if number <= before.epoch.number}
    past = {**directory.accumulators, before.epoch.accumulator: replace(old, epochs=epochs)}
    knowing = replace(directory, accumulators=past)
    planned = plan_composite(request, contents, knowing, now, _BRANCH)
    return Forger(before.secret, planned.holdings, knowing).answer(request, _BRANCH, now)
