"""What a verifier of a home demands of receipts: what its policies do, and what a command says beside that.

A command can say more than the registered policy, and nothing takes away what that demands. Whoever cannot
show it here is told so before anybody is asked: a holder would have disclosed something for nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from disclosure import VerifierName
from disclosure.policy import RegisteredPolicy
from ordering.light.verifying import OrderError
from tlog import Policy, ReceiptState
from verifier import CompositeRecord
from verifier.anchoring import AnyRecord, Kept
from verifier.client import VerifierClient
from verifier.errors import NotNowError
from zk.anchoring import policy_needed
from zk.commands.ordered import check_trusting, demanded
from zk.commands.verifier.common import AnyPolicy, across_of
from zk.exits import CommandError
from zk.ordered import check_claiming
from zk.run import Run

States = frozenset[ReceiptState]


@dataclass(frozen=True)
class Demands:
    """What has to be shown before an answer is accepted: whose cosignatures, and what brings its order."""

    quorum: Policy | None = None
    order: Callable[[Kept], bytes] | None = None

    def beside(self, believed: Policy | None) -> "Demands":
        """Demand this policy's witnesses too, where none are demanded yet."""
        return replace(self, quorum=self.quorum or believed)

    @property
    def states(self) -> States:
        """What receipts have to be."""
        shown = {ReceiptState.ANCHORED: self.quorum, ReceiptState.ORDERED: self.order}
        return frozenset(state for state, each in shown.items() if each is not None)


NOTHING: Final = Demands()


def said(*, anchored: bool, ordered: bool) -> States:
    """Return what a command's options demand."""
    options = {ReceiptState.ANCHORED: anchored, ReceiptState.ORDERED: ordered}
    return frozenset(state for state, each in options.items() if each)


def by_policy(client: VerifierClient, policy: AnyPolicy, name: VerifierName) -> States:
    """Return what a policy demands, as it is registered and as its file says.

    Raises what `VerifierClient.demands` does, RefusedError POLICY_UNKNOWN for one that is not registered:
    what it demands nobody can tell then, and the service opens no exchange by it.
    """
    return client.demands(policy.registered.name(name)) | policy.registered.demands


def demands_of(run: Run, states: States) -> Demands:
    """Return what shows these states; CommandError unless this home believes somebody for each of them."""
    return Demands(
        policy_needed(run) if ReceiptState.ANCHORED in states else None,
        demanded(run) if ReceiptState.ORDERED in states else None,
    )


def check_now(run: Run, policy: AnyPolicy, demands: Demands) -> None:
    """Raise NotNowError unless an answer could be claimed, and its order shown, under the home's header.

    Looked at for each question of whoever asks for long: the header may be too old by now.
    """
    try:
        check_claiming(run, across_of(policy))
        if demands.order is not None:
            check_trusting(run)
    except (OrderError, CommandError) as error:
        raise NotNowError(error.reason) from None


def in_record(record: AnyRecord) -> States:
    """Return what the registered policy in a record demands; one of the plain form has none in it."""
    return record.demands if isinstance(record, CompositeRecord) else frozenset()


def receipt_line(run: Run, policy: RegisteredPolicy) -> list[str]:
    """Tell in which state a policy demands receipts, if it says so."""
    return [] if policy.receipt is None else [run.text(f"verifier.policy_receipt.{policy.receipt.value}")]
