"""A witness against a model of it: whatever is asked, in any order, all that left it is of one history."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from consortium.errors import FolderError
from consortium.witness import load_keys, make_keys, opened_store
from consortium.witness.store import connect
from tests.consortium.making import ORIGIN, MemoryLog
from tests.consortium.witness_process import Faulty
from tests.consortium.witnesses import KNOWN, NAME, verified
from tlog import AddCheckpoint, Checkpoint

Leaves = tuple[bytes, ...]


class Witnessing(RuleBasedStateMachine):
    """The model: the leaves of the last checkpoint that was stored. Two at most after a call that failed."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        make_keys(self.folder, NAME)
        self.running = ExitStack()
        self.views = [MemoryLog().grow(1)]
        self.known: Leaves = ()
        self.left = list[Leaves]()
        self.times = list[int]()
        self.now = 100
        self.start()

    def start(self, call: int = 0, when: str = "") -> None:
        def opened(path: Path) -> Any:
            return Faulty(connect(path), self.folder, call, when, "fails") if call else connect(path)

        keys = load_keys(self.folder)
        self.store = self.running.enter_context(opened_store(self.folder, KNOWN, keys, opened))

    @rule(view=st.integers(0, 9), count=st.integers(1, 3))
    def grow(self, view: int, count: int) -> None:
        self.views[view % len(self.views)].grow(count)

    @precondition(lambda self: len(self.views) < 4)
    @rule(view=st.integers(0, 9))
    def fork(self, view: int) -> None:
        number = 1000 * len(self.views)
        self.views.append(self.views[view % len(self.views)].fork(number).grow(1))

    @rule(now=st.integers(0, 300))
    def turn_the_clock(self, now: int) -> None:
        self.now = now

    @rule(call=st.integers(0, 8), when=st.sampled_from(["before", "after"]))
    def restart(self, call: int, when: str) -> None:
        self.running.close()
        self.start(call, when)

    @rule(
        view=st.integers(0, 9), at=st.integers(0, 50), old=st.integers(0, 50),
        right=st.booleans(), proves=st.sampled_from([True, True, True, False]),
    )  # fmt: skip
    def ask(self, view: int, at: int, old: int, right: bool, proves: bool) -> None:
        log = self.views[view % len(self.views)]
        sizes = sorted(log.notes_at)
        size = sizes[at % len(sizes)]
        old = len(self.known) if right else old % (size + 2)
        leaves = tuple(entry for entry, _ in log.pairs[:size])
        proof = list[bytes]() if old > size else asyncio.run(log.prove(old, size))
        if not proves:
            proof = [bytes(32), *proof][: len(proof) or 1]
        body = AddCheckpoint(old, tuple(proof), log.notes_at[size]).to_bytes()
        try:
            decision, lines = self.store.add(body, self.now)
        except FolderError:
            self.settle(leaves)
            return
        assert decision.status == self.expected(old, leaves, proves)
        if decision.status != 200:
            return
        self.known = leaves
        checkpoint, time = verified(self.folder, log.notes_at[size], lines)
        assert checkpoint.size == size
        self.left.append(leaves)
        self.times.append(time)

    def expected(self, old: int, leaves: Leaves, proves: bool) -> int:
        size, known = len(leaves), len(self.known)
        if old > size:
            return 400
        if old != known:
            return 409
        if size == known and leaves != self.known and proves:
            return 409
        return 200 if leaves[:known] == self.known and proves else 422

    def settle(self, leaves: Leaves) -> None:
        """After a failure it has what it had, or what it was asked to store."""
        found = self.stored()
        possible = {self.size_and_root(each): each for each in (self.known, leaves)}
        assert found in possible
        self.known = possible[found]

    def size_and_root(self, leaves: Leaves) -> tuple[int, bytes]:
        for log in self.views:
            if leaves and tuple(entry for entry, _ in log.pairs[: len(leaves)]) == leaves:
                text = log.notes_at[len(leaves)].decode().rpartition("\n\n")[0]
                return len(leaves), Checkpoint.parse(f"{text}\n").root
        return 0, b""

    def stored(self) -> tuple[int, bytes]:
        while True:
            try:
                found = self.store.cosigned(ORIGIN)
            except FolderError:
                continue  # the fault, which comes once
            return (found.checkpoint.size, found.checkpoint.root) if found else (0, b"")

    @invariant()
    def it_has_what_the_model_has(self) -> None:
        assert self.stored() == self.size_and_root(self.known)

    @invariant()
    def all_that_left_is_of_one_history_in_order(self) -> None:
        for before, after in self.pairs():
            assert after[: len(before)] == before
        assert self.times == sorted(self.times)
        assert not self.left or self.known[: len(self.left[-1])] == self.left[-1]

    def pairs(self) -> Iterator[tuple[Leaves, Leaves]]:
        return zip(self.left, self.left[1:], strict=False)

    def teardown(self) -> None:
        self.running.close()
        shutil.rmtree(self.folder)


TestWitnessing = Witnessing.TestCase
TestWitnessing.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
