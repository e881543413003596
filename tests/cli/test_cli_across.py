"""What is claimed in all cities, where no node answers: who cannot asks nobody, no answer is lost."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from unittest import mock

import pytest

from openid.app.verifying import Question
from openid.app.waiting import Held
from ordering.errors import StateError
from ordering.light.verifying import OrderError, OrderReason
from ordering.transactions import Claim
from tests.cli.running import Done, Home, refused, zk
from tests.disclosure.composite.world import SCHOOL
from tests.verifier.composite_city import POLICY, joint_scope, policy_of
from tests.verifier.log import LOG
from tests.verifier.test_verifier_unique import kept as answered_by
from verifier import AlreadySeenError, CompositePolicy
from verifier.across import Claims
from verifier.client import CompositeAnswered
from verifier.errors import NotNowError, TakenElsewhereError
from verifier.unique import RESERVED_SECONDS
from web_edge.counter import DeskError, Outcome
from zk import counter, openid_edge, ordered
from zk.commands.verifier import asking
from zk.counter import HomeDesk
from zk.exits import CommandError, Exit
from zk.home import Home as ZkHome
from zk.ordered import Pinned
from zk.run import Run

ACROSS = POLICY + "across: [child]\n"


class Node:
    """Claims at a node that answers or does not, and by which each claim is the first or none is."""

    def __init__(self, *, answers: bool = True, first: bool = True) -> None:
        self.answers, self.first = answers, first

    def is_first(self, _: Claim) -> bool:
        if not self.answers:
            raise StateError("the node does not answer")
        return self.first


def claiming_at(node: Claims) -> AbstractContextManager[Any]:
    @contextmanager
    def claiming(*_: object) -> Iterator[Claims]:
        yield node

    return mock.patch.object(asking, "claiming", claiming)


def written(folder: Path) -> Path:
    (folder / "joint.yaml").write_bytes(joint_scope().to_bytes())
    (folder / "policy.yaml").write_text(ACROSS, "utf-8")
    return folder / "policy.yaml"


def test_an_edge_that_cannot_claim_what_its_policy_claims_asks_nobody(school: Home, tmp_path: Path) -> None:
    policy = written(tmp_path)
    said = school.zk("verifier", "openid", "serve", policy, "--url", "http://localhost:1", "--json")
    refused(said, Exit.KEY_NOT_TRUSTED, "CONSORTIUM_UNKNOWN")


def question(run: Run, policy: CompositePolicy) -> Question:
    made = openid_edge._questions(run, cast(Any, None), [policy], SCHOOL, frozenset(), {})
    return made[policy.id]


def test_an_answer_that_an_edge_tries_again_keeps_its_place(tmp_path: Path) -> None:
    run = Run(as_json=True, lang="en", home=ZkHome(tmp_path))
    run.home.records.mkdir()
    asked, answer = question(run, policy_of(ACROSS, tmp_path)), answered_by()
    for _ in range(3):
        with claiming_at(Node(answers=False)), pytest.raises(StateError):
            asked.accept(Held(answer))
    (waiting,) = run.home.records.iterdir()
    assert waiting.suffix == ".pending"
    with claiming_at(Node()):
        asked.accept(Held(answer))
        asked.accept(Held(answer))
        with pytest.raises(AlreadySeenError):
            asked.accept(Held(answered_by()))
    assert list(run.home.records.iterdir()) == [waiting.with_suffix("")]


def test_an_answer_that_comes_once_the_header_is_too_old_is_left_as_pending(tmp_path: Path) -> None:
    """Nobody is asked under it any more, but who was asked before has disclosed something already."""
    run = Run(as_json=True, lang="en", home=ZkHome(tmp_path))
    run.home.records.mkdir()
    unknown = "CLAIM_HEADER_UNKNOWN"
    service = mock.Mock()
    service.is_first.side_effect = CommandError(Exit.REFUSED, unknown, "error.claims_refused", reason=unknown)
    old = Pinned(cast(Any, mock.Mock(seconds=0)), operator="city", claims="https://localhost")
    asked = question(run, policy_of(ACROSS, tmp_path))
    with (
        mock.patch.object(Pinned, "needed", return_value=old),
        mock.patch.object(ordered, "_remote", return_value=service),
    ):
        with pytest.raises(NotNowError, match="ORDER_TRUST_EXPIRED"):
            asked.make()
        with pytest.raises(NotNowError, match=unknown):
            asked.accept(Held(answered_by()))
    (waiting,) = run.home.records.iterdir()
    assert waiting.suffix == ".pending"


class Order:
    """An order of claims: the first of a tag stands. It can end the process right after a claim."""

    def __init__(self) -> None:
        self.rows, self.crashes = dict[bytes, bytes](), False

    def is_first(self, claim: Claim) -> bool:
        first = self.rows.setdefault(claim.tag, claim.reference) == claim.reference
        if self.crashes:
            raise StateError("the process ends here")
        return first


@pytest.fixture
def verifying(tmp_path: Path) -> Run:
    """A home that has pinned the log's key, and has its policy beside it."""
    run = Run(as_json=True, lang="en", home=ZkHome(tmp_path / "home"))
    run.home.save_profile(replace(run.profile, log_key=LOG))
    run.home.records.mkdir()
    written(tmp_path)
    return run


def cut_short(run: Run, order: Order, path: Path) -> Path:
    """Crash between an answer's claim and its record; return what lies there."""
    order.crashes = True
    policy = policy_of(ACROSS, path.parent)
    with claiming_at(order), pytest.raises(StateError):
        asking.keep(run, answered_by(), policy, path)
    order.crashes = False
    assert not path.exists()
    return path.with_name(f"{path.name}.pending")


def keeping(run: Run, order: Order, pending: Path, policy: Path) -> Done:
    with claiming_at(order):
        return zk("verifier", "keep", pending, policy, "--home", run.home.path, "--json")


def test_an_answer_whose_claim_was_made_before_a_crash_is_kept_by_a_command(
    verifying: Run, tmp_path: Path
) -> None:
    order, policy, path = Order(), tmp_path / "policy.yaml", tmp_path / "record.json"
    pending = cut_short(verifying, order, path)
    octets = pending.read_bytes()
    later = mock.patch("verifier.unique.time.time", return_value=time.time() + RESERVED_SECONDS + 1)
    with later, claiming_at(order), pytest.raises(TakenElsewhereError):  # asked again there is no way in
        asking.keep(verifying, answered_by(), policy_of(ACROSS, tmp_path), tmp_path / "again.json")
    done = keeping(verifying, order, pending, policy)
    assert (done.code, done.json["record"]) == (Exit.OK, str(path)), done
    assert (path.read_bytes(), pending.exists()) == (octets, False)
    pending.write_bytes(octets)  # a crash before it was removed
    assert keeping(verifying, order, pending, policy).code == Exit.OK
    assert not pending.exists()
    with claiming_at(order), pytest.raises(AlreadySeenError):
        asking.keep(verifying, answered_by(), policy_of(ACROSS, tmp_path), tmp_path / "again.json")


def test_it_is_said_where_an_answer_waits_that_no_node_took(verifying: Run, tmp_path: Path) -> None:
    away = CommandError(Exit.UNREACHABLE, "NODE_UNREACHABLE", "error.consortium_node", detail="")
    path, policy = tmp_path / "record.json", policy_of(ACROSS, tmp_path)
    with (
        mock.patch.object(Node, "is_first", side_effect=away),
        mock.patch.object(Run, "warn") as warned,
        claiming_at(Node()),
        pytest.raises(CommandError),
    ):
        asking.keep(verifying, answered_by(), policy, path)
    warned.assert_called_once_with("verifier.kept_pending", path=Path(f"{path}.pending"))
    assert keeping(verifying, Order(), Path(f"{path}.pending"), tmp_path / "policy.yaml").code == Exit.OK


def test_an_answer_that_waited_too_long_is_refused_and_nothing_is_left(
    verifying: Run, tmp_path: Path
) -> None:
    order, path = Order(), tmp_path / "record.json"
    pending = cut_short(verifying, order, path)
    order.rows = dict.fromkeys(order.rows, bytes(32))
    done = keeping(verifying, order, pending, tmp_path / "policy.yaml")
    refused(done, Exit.REFUSED, "PSEUDONYM_TAKEN")
    assert not path.exists()
    assert not pending.exists()


def test_what_is_no_waiting_record_of_the_policy_is_not_kept(verifying: Run, tmp_path: Path) -> None:
    order, policy = Order(), tmp_path / "policy.yaml"
    pending = cut_short(verifying, order, tmp_path / "record.json")
    octets, rows = pending.read_bytes(), dict(order.rows)
    order.rows.clear()
    (tmp_path / "other.yaml").write_text(ACROSS.replace("id: enrolment-2026", "id: other", 1), "utf-8")
    refused(keeping(verifying, order, pending, tmp_path / "other.yaml"), Exit.USAGE, "POLICY_INVALID")
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_bytes(octets)
    refused(keeping(verifying, order, elsewhere, policy), Exit.USAGE, "RECORD_INVALID")
    (tmp_path / "record.json").write_bytes(b"another record")
    refused(keeping(verifying, order, pending, policy), Exit.USAGE, "RECORD_EXISTS")
    (tmp_path / "record.json").unlink()
    pending.write_bytes(octets[:-200] + octets[-199:])
    assert keeping(verifying, order, pending, policy).code != Exit.OK
    assert (order.rows, (tmp_path / "record.json").exists()) == ({}, False)
    pending.write_bytes(octets)
    assert keeping(verifying, order, pending, policy).code == Exit.OK
    assert order.rows == rows


async def test_a_counters_page_asks_nobody_whose_answer_could_not_be_claimed(
    verifying: Run, tmp_path: Path
) -> None:
    """What is trusted may have grown too old since the page was opened."""
    old = OrderError(OrderReason.ORDER_TRUST_EXPIRED, "the header is too old")

    class Client:
        client = None

        async def run(self, act: Callable[[], object]) -> object:
            return act()

    policy = policy_of(ACROSS, tmp_path)
    desk = HomeDesk(replace(verifying, lang="zh"), verifying, cast(Any, Client()), SCHOOL, [policy])
    with mock.patch.object(counter, "check_claiming", side_effect=old), pytest.raises(DeskError) as caught:
        await desk.ask(policy.id, pairing=False)
    assert caught.value.reason == "ORDER_TRUST_EXPIRED"


@pytest.mark.parametrize(
    ("node", "state"),
    [(Node(answers=False), "undecided"), (Node(first=False), "refused")],
    ids=["away", "taken"],
)
async def test_a_counters_page_tells_what_is_refused_from_what_nobody_knows(
    node: Node, state: str, verifying: Run, tmp_path: Path
) -> None:
    """Asked again the person could be refused for ever: the first claim may stand."""
    policy = policy_of(ACROSS, tmp_path)

    class Client:
        async def wait(self, *_: object) -> CompositeAnswered:
            return answered_by()

        async def run(self, act: Callable[[], Outcome]) -> Outcome:
            return act()

    desk = HomeDesk(replace(verifying, lang="zh"), verifying, cast(Any, Client()), SCHOOL, [policy])
    with claiming_at(node):
        outcome = await desk._ended(policy, cast(Any, None))
    assert outcome.state == state
    assert outcome.zh[0] != outcome.en[0]
    assert len(list(verifying.home.records.glob("*.pending"))) == (state == "undecided")
