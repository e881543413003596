"""What opens the board of an errand bundle beside a counter of `zk web`: this home's keys, and policies."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from disclosure import VerifierName
from disclosure.errand import ErrandBundleName
from tlog import Policy
from verifier import CompositePolicy
from web_edge.board import Board
from zk.board import home_board
from zk.board_work import Served
from zk.commands.verifier.common import key_of, loaded_policy
from zk.exits import CommandError, Exit
from zk.ordered import check_claiming
from zk.run import Run

OpenBoard = Callable[[], AbstractAsyncContextManager[Board]]


def open_board(
    run: Run, bundle: str | None, policies: Sequence[Path], believed: Policy | None = None
) -> OpenBoard | None:
    """Return what opens a board, None where no bundle was named; CommandError USAGE.

    Which steps of the bundle are served follows once the service is heard: those of which the verifier's key
    stands in this home, and the policy among these. With `believed` parts are accepted once its witnesses
    have cosigned.
    """
    if (bundle is None) is not (not policies):
        raise CommandError(Exit.USAGE, "ERRAND_AND_POLICY", "error.web_errand")
    if bundle is None:
        return None
    name = ErrandBundleName.parse(f"errandBundles/{bundle}")
    loaded = {each.id: each for each in map(loaded_policy, policies)}
    if len(loaded) != len(policies):
        raise CommandError(Exit.USAGE, "POLICY_TWICE", "error.web_policy_twice")
    for each in loaded.values():
        if isinstance(each, CompositePolicy):
            check_claiming(run, each.across)
    names = [VerifierName(each) for each in run.home.verifiers()]
    if not names:
        raise CommandError(Exit.USAGE, "VERIFIER_UNCLEAR", "error.verifier_none")
    keys = {each: key_of(run, each) for each in names}
    served = Served(run.endpoint, run.log_verifier(), name, keys, loaded, believed)
    return lambda: home_board(run, served)
