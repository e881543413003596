"""How a verifier of a home serves a counter of errands: which part it is, the request, the record."""

from pathlib import Path

from disclosure import Request, VerifierName
from disclosure.composite import CompositeRequest
from disclosure.errand import ErrandBundle
from ordering.light.verifying import OrderError
from verifier import CompositePolicy
from verifier.client import Answered, CompositeAnswered, VerifierClient
from verifier.client.errand_desk import Clerk
from verifier.errors import NotNowError, ReservedError
from zk.commands.verifier.asking import checked_request, keep
from zk.commands.verifier.common import AnyPolicy
from zk.exits import CommandError, Exit
from zk.run import Run


def own_part(bundle: ErrandBundle, name: VerifierName, said: str | None) -> str:
    """Return which part of a bundle a verifier has: the one that was said, or its only one.

    Raises CommandError USAGE.
    """
    own = [each.part for each in bundle.counters if each.verifier == name and said in (None, each.part)]
    if len(own) != 1:
        raise CommandError(Exit.USAGE, "PART_UNCLEAR", "error.part_unclear", parts=", ".join(own) or "-")
    return own[0]


class HomeClerk(Clerk):
    """Asks by a policy of a home's verifier, and keeps what comes there as every record of it."""

    def __init__(self, run: Run, client: VerifierClient, policy: AnyPolicy, name: VerifierName) -> None:
        self._run, self._client, self._policy, self._name = run, client, policy, name

    @property
    def claims(self) -> bool:
        """Tell whether the policy has what may come once in all cities."""
        return isinstance(self._policy, CompositePolicy) and bool(self._policy.across)

    def request(self) -> Request | CompositeRequest:
        """Return a request by the policy, checked with what is published today."""
        return checked_request(self._client, self._policy, self._name, {})

    def keep(self, answered: Answered | CompositeAnswered, path: Path) -> None:
        """Save a record; what may come once is noted first.

        Where the consortium's node is away, or shows an order that does not hold, that is the node's fault
        and no holder's, and another node, or this one later, may show one that does: NotNowError. So it is
        while another answer with the same pseudonym is being claimed.
        """
        try:
            keep(self._run, answered, self._policy, path)
        except (OrderError, ReservedError) as error:
            raise NotNowError(error.reason) from None
        except CommandError as error:
            if error.exit_code is not Exit.UNREACHABLE:
                raise
            raise NotNowError(error.reason) from None
