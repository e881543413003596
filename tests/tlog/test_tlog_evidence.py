"""Evidence: each fault of a cheating log convinces by its file alone, and nothing accuses an honest one."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.tlog import cheating
from tests.tlog.cheating import ALL, KEYS, MONITOR, PROVEN, SECOND, WITNESS_KEYS, Tree, cosigned, view
from tests.tlog.making import LOG, ORIGIN, WITNESSES, flip, record, refused
from tlog import (
    Beginning,
    Checkpoint,
    Evidence,
    Fault,
    Finding,
    Grade,
    KeyType,
    Kind,
    MalformedError,
    Observation,
    Signer,
    TlogError,
    VerificationError,
    What,
    accusing,
    sign_checkpoint,
)
from tlog.cosignature import MldsaCosignatureSigner
from tlog.note import sign

Make = Callable[[], Evidence]
WITNESS = WITNESS_KEYS[0]


def of_file(evidence: Evidence, known: list[Any] | None = None) -> Finding:
    """Verify as a stranger does: from the octets alone."""
    return Evidence.parse(evidence.to_bytes()).verify(known or ())


@pytest.mark.parametrize("name", PROVEN)
def test_a_proven_fault_convinces_by_its_file_alone(name: str) -> None:
    found = of_file(PROVEN[name]())
    assert found.grade is Grade.PROVEN
    assert found.origin == ORIGIN
    witness = found.kind in (Kind.DOUBLE_COSIGNED, Kind.ROLLED_BACK)
    assert found.accused == ((WITNESS,) if witness else (LOG.verifier,))
    assert (found.word_of, found.concerned) == ((), ())
    if name in Fault.__members__:
        assert found.fault.value == name


def test_a_late_block_convicts_nobody() -> None:
    found = of_file(cheating.late())
    assert (found.kind, found.grade, found.accused) == (Kind.LATE, Grade.STATED, ())
    assert found.concerned == (LOG.verifier,)
    assert set(found.word_of) == set(WITNESS_KEYS[:2])
    assert found.parts["seconds"] == 68, "of several witnesses the earliest time counts"


def test_an_observation_is_its_monitors_word() -> None:
    found = of_file(cheating.observation())
    assert (found.kind, found.grade, found.accused) == (Kind.OBSERVATION, Grade.OBSERVED, ())
    assert found.word_of == (MONITOR.verifier,)
    assert found.concerned == (LOG.verifier,)
    assert found.parts["what"] == "BEHIND"


@pytest.mark.parametrize("name", ALL)
def test_no_octet_of_a_file_can_change(name: str) -> None:
    octets = ALL[name]().to_bytes()
    for at in range(len(octets)):
        for bit in (0, 5):
            with pytest.raises((MalformedError, VerificationError)):
                Evidence.parse(flip(octets, 8 * at + bit)).verify()


def changes(value: Any) -> list[Any]:
    """Return values near one of a JSON document, each another value."""
    match value:
        case bool() | None:
            return []
        case int():
            return [value + 1, value - 1, str(value), float(value), -value - 1, None]
        case str():
            return [value[:-1], value + "A", value.swapcase(), "", 1, None, [value]]
        case list():
            inner = [
                [*value[:at], each, *value[at + 1 :]]
                for at in range(len(value))
                for each in changes(value[at])
            ]
            fewer = [[*value[:at], *value[at + 1 :]] for at in range(len(value))]
            twice = [[*value, *value]] if value else [["A"]]
            return [*inner, *fewer, *twice, *([value[::-1]] if value != value[::-1] else []), None, {}]
        case dict():
            inner_objects = [{**value, name: each} for name in value for each in changes(value[name])]
            less = [{k: v for k, v in value.items() if k != name} for name in value]
            return [*inner_objects, *less, {**value, "more": 1}, []]
    raise AssertionError(value)


@pytest.mark.parametrize("name", ALL)
def test_no_field_of_a_file_can_change(name: str) -> None:
    document = json.loads(ALL[name]().to_bytes())
    changed = changes(document)
    changed += [{**document, "kind": kind.value} for kind in Kind if kind.value != document["kind"]]
    assert len(changed) > 50
    for each in changed:
        octets = json.dumps(each, ensure_ascii=False, indent=1).encode() + b"\n"
        with pytest.raises((MalformedError, VerificationError)):
            Evidence.parse(octets).verify(KEYS)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("other", ALL)
def test_no_part_of_other_evidence_fits(name: str, other: str) -> None:
    evidence, given = ALL[name](), ALL[other]()
    for each in (
        replace(evidence, entries=given.entries),
        replace(evidence, beginning=given.beginning),
        replace(evidence, notes=given.notes),
        replace(evidence, keys=given.keys),
        replace(evidence, entries=given.entries, beginning=given.beginning),
    ):
        if each not in (evidence, given):
            with pytest.raises((MalformedError, VerificationError)):
                of_file(each)


def test_the_file_has_one_encoding_and_a_bound() -> None:
    octets = cheating.split_beginning().to_bytes()
    document = json.loads(octets)
    spaced = json.dumps(document, ensure_ascii=False).encode()
    escaped = json.dumps(document, indent=1).encode() + b"\n"
    twice = octets.replace(b'"beginning"', b'"kind": "SPLIT_VIEW",\n "beginning"')
    for each in (
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff",
        b"null\n",
        spaced,
        escaped,
        twice,
        octets + b"\n",
        b" " + octets,
    ):
        refused("EVIDENCE_MALFORMED", Evidence.parse, each)
    refused("EVIDENCE_MALFORMED", Evidence.parse, octets + bytes(5 << 20))
    lone = octets.replace(b"log.example", b"\\ud800.example", 1)
    with pytest.raises(MalformedError):
        Evidence.parse(lone)


def test_the_longest_checkpoints_that_a_log_can_sign_fit() -> None:
    """A log does not escape by signing so much that no file of evidence could hold it."""
    extension = '"\\' * 499_900
    notes = [sign_checkpoint(Checkpoint(ORIGIN, 7, bytes([n]) * 32, (extension,)), LOG) for n in range(2)]
    assert of_file(accusing.contradiction(notes[0], notes[1], KEYS, [])[0]).accused == (LOG.verifier,)


@pytest.mark.parametrize("first", range(3, 11))
def test_a_split_is_shown_at_any_size(first: int) -> None:
    """Powers of two among them, where the smaller root is itself the first hash of a proof."""
    one, other = Tree([record(n) for n in range(11)]), Tree([record(n) for n in (0, 7, *range(2, 11))])
    notes = (one.note(first), other.note())
    evidence = accusing.contradiction(notes[0], notes[1], KEYS, [], other.beginning(first))[0]
    assert of_file(evidence).fault is Fault.OTHER_BEGINNING
    assert evidence.beginning is not None
    honest = replace(evidence, notes=(other.note(first), other.note()))
    refused("EVIDENCE_INVALID", of_file, honest)
    # The signed root itself as the beginning: the proof of it would have to be forged.
    forged = replace(evidence, beginning=replace(evidence.beginning, root=one.checkpoint(first).root))
    refused("EVIDENCE_INVALID", of_file, forged)
    random = replace(evidence, beginning=replace(evidence.beginning, root=bytes(32)))
    refused("CONSISTENCY_INVALID", of_file, random)


def test_the_empty_tree_begins_every_tree() -> None:
    tree = view(1)
    for root in (bytes(32), tree.checkpoint(0).root):
        first = sign_checkpoint(Checkpoint(ORIGIN, 0, root), LOG)
        evidence = accusing.contradiction(first, tree.note(), KEYS, [], Beginning(bytes([1]) * 32, ()))[0]
        refused("CONSISTENCY_INVALID", of_file, evidence)
    refused("EVIDENCE_INVALID", of_file, replace(cheating.empty_tree(), notes=(tree.note(0),)))


def test_keys_of_one_name_are_one_log_only_to_whoever_knows_so() -> None:
    """Anybody makes a second key of a log's name, and signs another tree with it."""
    notes = (view(1).note(None, LOG), view(2).note(None, SECOND))
    evidence = accusing.contradiction(notes[0], notes[1], KEYS, [])[0]
    refused("KEYS_UNRELATED", of_file, evidence)
    refused("KEYS_UNRELATED", of_file, evidence, [LOG.verifier])
    assert set(of_file(evidence, KEYS).accused) == set(KEYS)


def test_a_log_that_signs_with_both_keys_is_accused_by_the_one_that_signed_both() -> None:
    notes = (view(1).note(None, LOG, SECOND), view(2).note(None, SECOND))
    evidence = accusing.contradiction(notes[0], notes[1], KEYS, [])[0]
    assert of_file(evidence).accused == (SECOND.verifier,)
    both = accusing.contradiction(view(1).note(None, *_both()), view(2).note(None, *_both()), KEYS, [])[0]
    assert set(of_file(both).accused) == set(KEYS)


def _both() -> tuple[Signer, Signer]:
    return LOG, SECOND


def test_a_witness_is_accused_whoever_signed_beneath() -> None:
    """A log's two keys, or a log that nobody knows: a witness that cosigns both trees has failed."""
    notes = [
        cosigned(view(salt).note(None, signer), (WITNESSES[0], 5), (WITNESSES[salt], 6))
        for salt, signer in ((1, LOG), (2, SECOND))
    ]
    split, double = accusing.contradiction(notes[0], notes[1], KEYS, WITNESS_KEYS)
    assert split.kind is Kind.SPLIT_VIEW
    assert of_file(double).accused == (WITNESS,)


def test_what_an_honest_witness_signs_is_no_rollback() -> None:
    tree = view(1)
    for smaller, larger in ((60, 60), (60, 70), (0, 0), (70, 0)):
        notes = (
            cosigned(tree.note(6), (WITNESSES[0], smaller)),
            cosigned(tree.note(), (WITNESSES[0], larger)),
        )
        assert not accusing.rolled_back(notes[0], notes[1], WITNESS_KEYS)
        good = cheating.rolled_back()
        parts = [note.partition(b"\n\n")[0] + b"\n\n" + note.splitlines(keepends=True)[-1] for note in notes]
        with pytest.raises(VerificationError):
            of_file(replace(good, notes=tuple(parts)))


@pytest.mark.skipif(not KeyType.MLDSA_COSIGNATURE.is_supported, reason="the library has no ML-DSA")
def test_a_witness_of_the_other_type_is_accused_alike() -> None:
    witness = MldsaCosignatureSigner.from_secret("witness.example.org/new", bytes(32))
    larger = view(2)
    notes = (cosigned(view(1).note(6), (witness, 50)), cosigned(larger.note(), (witness, 40)))
    double = accusing.contradiction(notes[0], notes[1], [], [witness.verifier], larger.beginning(6))[0]
    assert of_file(double).accused == (witness.verifier,)
    assert of_file(accusing.rolled_back(notes[0], notes[1], [witness.verifier])[0]).kind is Kind.ROLLED_BACK
    # A time of 0 vouches for no more than that the tree is consistent; a contradiction stays one.
    timeless = cosigned(view(1).note(6), (witness, 0)), cosigned(larger.note(), (witness, 0))
    double = accusing.contradiction(timeless[0], timeless[1], [], [witness.verifier], larger.beginning(6))[0]
    assert of_file(double).accused == (witness.verifier,)
    assert not accusing.rolled_back(timeless[0], notes[1], [witness.verifier])


def test_two_logs_are_not_compared() -> None:
    other = Signer.generate("other.example.org")
    note = sign_checkpoint(Checkpoint("other.example.org", 12, bytes(32)), other)
    evidence = cheating.split_same_size()
    keys = tuple(sorted([LOG.verifier, other.verifier], key=str))
    with pytest.raises(VerificationError):
        of_file(replace(evidence, keys=keys, notes=(evidence.notes[0], note)), [*keys])


def test_one_party_under_two_names_is_refused() -> None:
    evidence = cheating.double_cosigned()
    alias = replace(WITNESS, name="witness.example.org/another")
    refused("KEY_AMBIGUOUS", replace, evidence, keys=tuple(sorted([WITNESS, alias], key=str)))


def test_a_line_of_another_key_is_refused() -> None:
    evidence = cheating.split_same_size()
    more = cosigned(evidence.notes[1], (WITNESSES[0], 3))
    refused("EVIDENCE_MALFORMED", of_file, replace(evidence, notes=(evidence.notes[0], more)))


@pytest.mark.parametrize(
    "changed", [{"height": 0}, {"previous": bytes(32)}, {"first_index": 4, "count": 1}, {"time_ms": 1}]
)
def test_a_header_that_does_not_follow_is_shown(changed: dict[str, int | bytes]) -> None:
    if "first_index" not in changed:
        assert of_file(cheating.header_unlinked(**changed)).fault is Fault.HEADER_UNLINKED
        return
    # A gap: what stands before the block that it states is no header.
    entries = view(1).entries
    header = replace(cheating.header_of(entries[5]), first_index=4, count=1)
    tree = Tree([*entries[:5], header.to_bytes(), *entries[6:]])
    evidence = accusing.broken_chain(tree.note(), KEYS, [tree.included(3), tree.included(5)])
    assert of_file(evidence).fault is Fault.HEADER_UNLINKED


def test_what_a_monitor_signs_is_never_a_checkpoint() -> None:
    text = Observation(What.LATE, LOG.verifier, 5, "https://log.example.org", "block 3").text()
    refused("CHECKPOINT_MALFORMED", Checkpoint.parse, text)
    assert Observation.parse(text).text() == text
    for broken in (
        text[:-1],
        text + "\n",
        text.replace("what LATE", "what NEVER"),
        text.replace("time 5", "time 05"),
    ):
        with pytest.raises(MalformedError):
            Observation.parse(broken)
    for line in ("two\nlines", "x" * 501):
        with pytest.raises(TlogError):
            Observation(What.LATE, LOG.verifier, 5, "somewhere", line)
    checkpoint = sign("monitor.example.org\n5\n" + "A" * 43 + "=\n", MONITOR)
    refused("OBSERVATION_MALFORMED", of_file, replace(cheating.observation(), notes=(checkpoint,)))
