"""What is claimed in all cities, where no node answers: who cannot claim asks nobody, and no answer is lost."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, cast
from unittest import mock

import pytest

from ordering.errors import StateError
from ordering.transactions import Claim
from tests.cli.running import Home, refused
from tests.disclosure.composite.world import SCHOOL
from tests.verifier.composite_city import POLICY, joint_scope, policy_of
from tests.verifier.test_verifier_unique import kept as answered_by
from verifier import AlreadySeenError, CompositePolicy
from zk import openid_edge
from zk.commands.verifier import asking
from zk.exits import Exit
from zk.home import Home as ZkHome
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


def claiming_at(node: Node) -> AbstractContextManager[Any]:
    @contextmanager
    def claiming(*_: object) -> Iterator[Node]:
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


def question(run: Run, policy: CompositePolicy) -> openid_edge.Question:
    made = openid_edge._questions(run, cast(Any, None), [policy], SCHOOL, frozenset())
    return made[policy.id]


def test_an_answer_that_an_edge_tries_again_keeps_its_place(tmp_path: Path) -> None:
    run = Run(as_json=True, lang="en", home=ZkHome(tmp_path))
    run.home.records.mkdir()
    asked, answer = question(run, policy_of(ACROSS, tmp_path)), answered_by()
    for _ in range(3):
        with claiming_at(Node(answers=False)), pytest.raises(StateError):
            asked.accept(answer)
    (waiting,) = run.home.records.iterdir()
    assert waiting.suffix == ".pending"
    with claiming_at(Node()):
        asked.accept(answer)
        asked.accept(answer)
        with pytest.raises(AlreadySeenError):
            asked.accept(answered_by())
    assert list(run.home.records.iterdir()) == [waiting.with_suffix("")]
