"""How a verifier of a home serves a counter of errands: which part it is, the request, the record."""

from pathlib import Path

from disclosure import Request, VerifierName
from disclosure.composite import CompositeRequest
from disclosure.errand import ErrandBundle
from verifier.client import Answered, CompositeAnswered, VerifierClient
from verifier.client.errand_desk import Clerk
from zk.commands.verifier.asking import checked_request, keep_if_now
from zk.commands.verifier.common import AnyPolicy, across_of
from zk.commands.verifier.demanding import NOTHING, Demands, check_now
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

    def __init__(
        self,
        run: Run,
        client: VerifierClient,
        policy: AnyPolicy,
        name: VerifierName,
        demands: Demands = NOTHING,
    ) -> None:
        self._run, self._client, self._policy, self._name = run, client, policy, name
        self._demands = demands

    @property
    def claims(self) -> bool:
        """Tell whether the policy has what may come once in all cities."""
        return bool(across_of(self._policy))

    def request(self) -> Request | CompositeRequest:
        """Return a request by the policy, checked with what is published today.

        NotNowError where its answer could not be accepted now; what `checked_request` raises.
        """
        check_now(self._run, self._policy, self._demands)
        return checked_request(self._client, self._policy, self._name, {})

    def keep(self, answered: Answered | CompositeAnswered, path: Path) -> None:
        """Save a record; what may come once is noted first. Raises as `keep_if_now` does."""
        keep_if_now(self._run, answered, self._policy, path)
