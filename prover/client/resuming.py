"""Going on with everything that broke off at one service: claims, uses, events."""

from dataclasses import dataclass

import tlog
from disclosure import ExchangeLink
from prover.client import answers, claims, events
from prover.client.calls import Way, apart
from prover.client.claims import AnyClaim
from prover.composite.records import Held
from prover.events import Event, EventState
from prover.usages import Usage, UsageState
from prover.vault import Vault


@dataclass(frozen=True)
class Resumed:
    """What `resume` went on with: credentials that came in, uses and events as they stand now."""

    credentials: tuple[Held, ...]
    usages: tuple[Usage, ...]
    events: tuple[Event, ...]


def resume(way: Way, vault: Vault, log: tlog.Verifier) -> Resumed:
    """Go on with all that was broken off; see HolderClient.resume."""
    server = way.endpoint.server
    failures, claimed, settled, sent = list[Exception](), list[str](), set[str](), set[str]()
    under_way: list[AnyClaim] = [*vault.pending_claims(), *vault.composite.claims()]
    for claim in under_way:
        if claim.link.server == server:
            with apart(failures):
                claimed.append(claims.finished(way, claim, vault, log))
    for usage in vault.usages():
        alone = isinstance(usage.link, ExchangeLink)
        if alone and usage.state is UsageState.SENT and usage.link.server == server:
            settled.add(usage.id)
            with apart(failures):
                answers.submit(way, usage, vault, log)
    for event in vault.events():
        if event.state is EventState.SENT and event.server == server:
            sent.add(event.id)
            with apart(failures):
                events.send(way, vault, event, log)
    if failures:
        raise failures[0]
    held: list[Held] = [*vault.credentials(), *vault.composite.credentials()]
    return Resumed(
        tuple(each for each in held if each.id in claimed),
        tuple(each for each in vault.usages() if each.id in settled),
        tuple(each for each in vault.events() if each.id in sent),
    )
