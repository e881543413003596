"""A holder's wallet as `zk vault openid open` is one: fetch, open, ask the person, post."""

from collections.abc import Callable
from typing import Any

from openid.request_object import OpenedObject
from openid.response import Submission
from openid.wallet.fetching import Fetcher
from openid.wallet.presenting import Invitation, fetch_object, post_answer
from prover import Usage, Vault
from prover.client import Brought, HolderClient
from tests.openid.edges import fetcher
from tests.prover.town import Town


def yes(_: Any) -> bool:
    return True


def submission_of(usage: Usage) -> Submission:
    return Submission(usage.presentation, usage.holder_note, usage.request_id)


def fetched(town: Town, invitation: str, by: Fetcher | None = None) -> OpenedObject:
    return fetch_object(by or fetcher(), Invitation.parse(invitation), town.city.clock())


def answer(
    town: Town,
    vault: Vault,
    opened: OpenedObject,
    *,
    agrees: Callable[[Any], bool] = yes,
    send: Callable[[Usage], bytes] | None = None,
    client: HolderClient | None = None,
) -> tuple[Usage, str | None]:
    """Answer an opened object; return the use with its receipt, and where the browser goes on."""
    leads: list[str | None] = [None]

    def posted(usage: Usage) -> bytes:
        receipt, leads[0] = post_answer(fetcher(), opened, submission_of(usage))
        return receipt

    brought = Brought(opened.object.signed, opened.signer, send or posted)
    usage = (client or town.client()).answer(opened.object.link, vault, town.log, agrees, brought=brought)
    return usage, leads[0]
