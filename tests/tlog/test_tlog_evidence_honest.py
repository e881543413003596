"""No evidence verifies against an honest log or witness: replays, prefixes, rotated keys, any proofs."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tlog import cheating
from tests.tlog.cheating import KEYS, SECOND, WITNESS_KEYS, cosigned
from tests.tlog.making import LOG, WITNESSES, Log, record, refused
from tlog import (
    Beginning,
    Evidence,
    Finding,
    Included,
    Kind,
    MalformedError,
    VerificationError,
    accusing,
    consistency_proof,
    inclusion_proof,
)


def of_file(evidence: Evidence, known: list[Any] | None = None) -> Finding:
    """Verify as a stranger does: from the octets alone."""
    return Evidence.parse(evidence.to_bytes()).verify(known or ())


SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=5)


class Honest:
    """An honest log with all that it ever signed, by either key or both, and what honest witnesses did."""

    def __init__(self, blocks: list[int], draw: st.DataObject) -> None:
        log = Log()
        sizes, now = [0], 10
        for height, count in enumerate(blocks):
            now += draw.draw(st.integers(0, 3))
            log.add([record(100 * height + n) for n in range(count)], [None] * count, now * 1000)
            sizes.append(log.size)
        self.tree, self.sizes = cheating.tree_of(log), sizes
        self.notes = [self._note(size, at, draw) for at, size in enumerate(sizes)]

    def _note(self, size: int, at: int, draw: st.DataObject) -> bytes:
        signers = draw.draw(st.sampled_from([(LOG,), (SECOND,), (LOG, SECOND)]))
        note = self.tree.note(size, *signers)
        witnesses = draw.draw(st.lists(st.sampled_from(WITNESSES), unique_by=lambda each: each.name))
        # A clock that never goes back: as late as it likes.
        return cosigned(note, *((each, 10 + 20 * at + draw.draw(st.integers(0, 20))) for each in witnesses))

    def proof(self, draw: st.DataObject) -> tuple[bytes, ...]:
        size = len(self.tree.entries)
        second = draw.draw(st.integers(1, size))
        kind = draw.draw(st.sampled_from(["consistency", "inclusion", "random", "none"]))
        if kind == "consistency":
            return tuple(consistency_proof(draw.draw(st.integers(0, second)), second, self.tree.node))
        if kind == "inclusion":
            return tuple(inclusion_proof(draw.draw(st.integers(0, second - 1)), second, self.tree.node))
        return (
            tuple(draw.draw(st.lists(st.binary(min_size=32, max_size=32), max_size=5)))
            if kind == "random"
            else ()
        )

    def root(self, draw: st.DataObject) -> bytes:
        size = draw.draw(st.integers(0, len(self.tree.entries)))
        return draw.draw(st.sampled_from([self.tree.checkpoint(size).root, bytes(32)]))

    def included(self, draw: st.DataObject) -> Included:
        size = draw.draw(st.sampled_from(self.sizes[1:]))
        index = draw.draw(st.integers(0, size - 1))
        right = self.tree.included(index, size)
        if draw.draw(st.booleans()):
            return right
        entry = draw.draw(st.sampled_from([*self.tree.entries, b"something"]))
        return Included(
            draw.draw(st.integers(0, size)),
            entry,
            draw.draw(st.sampled_from([right.proof, self.proof(draw)])),
        )


@settings(max_examples=400, deadline=None)
@given(SIZES, st.data())
def test_nothing_accuses_an_honest_log_or_witness(blocks: list[int], draw: st.DataObject) -> None:
    """Replays, prefixes and rotated keys, with true proofs, proofs of other sizes and random ones."""
    honest = Honest(blocks, draw)
    notes = draw.draw(st.lists(st.sampled_from(honest.notes), min_size=2, max_size=2))
    choice = draw.draw(st.integers(0, 3))
    sizes = [int(each.split(b"\n")[1]) for each in notes]
    right = honest.tree.beginning(min(sizes), max(sizes)) if min(sizes) else None
    given_beginning = draw.draw(
        st.sampled_from([right, Beginning(honest.root(draw), honest.proof(draw)), None])
    )
    made = list[Evidence]()
    if choice == 0:
        made += accusing.contradiction(notes[0], notes[1], KEYS, WITNESS_KEYS, given_beginning)
    elif choice == 1:
        made += accusing.rolled_back(notes[0], notes[1], WITNESS_KEYS)
    elif choice == 2:
        entries = [honest.included(draw) for _ in range(draw.draw(st.integers(0, 2)))]
        made.append(accusing.broken_chain(notes[1], KEYS, entries, given_beginning))
    else:
        late = accusing.late(notes[0], notes[1], KEYS, WITNESS_KEYS, honest.included(draw))
        made += [late] if late else []
    for evidence in made:
        try:
            found = of_file(evidence, KEYS)
        except (MalformedError, VerificationError):
            continue
        assert found.accused == ()
        assert found.kind is Kind.LATE


@settings(max_examples=100, deadline=None)
@given(SIZES, st.data())
def test_right_proofs_of_an_honest_log_show_no_fault(blocks: list[int], draw: st.DataObject) -> None:
    """The attempts that come closest: everything is true, and only the accusation is not."""
    honest = Honest(blocks, draw)
    size = len(honest.tree.entries)
    for first in honest.sizes[1:-1]:
        notes = (honest.tree.note(first), honest.tree.note())
        for evidence in accusing.contradiction(notes[0], notes[1], KEYS, [], honest.tree.beginning(first)):
            refused("EVIDENCE_INVALID", of_file, evidence)
    for index in range(size):
        included = honest.tree.included(index)
        pairs = [[included], *([honest.tree.included(other), included] for other in range(index))]
        for entries in pairs:
            refused("EVIDENCE_INVALID", of_file, accusing.broken_chain(honest.tree.note(), KEYS, entries))
        if index:
            evidence = accusing.broken_chain(
                honest.tree.note(), KEYS, [included], honest.tree.beginning(index)
            )
            refused("EVIDENCE_INVALID", of_file, evidence)
