"""Making evidence of what was found: the lines that matter under each note, and every part in its order.

The notes are ones that `open_note` has verified with the keys that are given here. Whoever makes evidence
verifies it once more before it leaves: what a third party would refuse is worth nothing.
"""

from collections.abc import Callable, Sequence

from tlog.evidence import Evidence
from tlog.finding import Kind
from tlog.judging import Beginning, Included
from tlog.keys import TIME_OCTETS, Signer, Verifier
from tlog.note import parse_unverified
from tlog.observation import Observation
from tlog.statement import Checkpoint


def contradiction(
    first: bytes,
    second: bytes,
    log: Sequence[Verifier],
    witnesses: Sequence[Verifier],
    beginning: Beginning | None = None,
) -> list[Evidence]:
    """Return the evidence of two trees that cannot both be: against the log, and against who cosigned both.

    `beginning` is that of the larger tree at the size of the smaller; None for trees of one size.
    """
    first, second = sorted((first, second), key=_place)
    found = list[Evidence]()
    if keys := _one_log(first, second, log):
        found.append(_of_two(Kind.SPLIT_VIEW, first, second, keys, beginning))
    if cosigners := [key for key in witnesses if _signed(first, key) and _signed(second, key)]:
        found.append(_of_two(Kind.DOUBLE_COSIGNED, first, second, cosigners, beginning))
    return found


def rolled_back(one: bytes, other: bytes, witnesses: Sequence[Verifier]) -> list[Evidence]:
    """Return the evidence against each witness whose times under two notes go back."""
    smaller, larger = sorted((one, other), key=_place)
    found = list[Evidence]()
    for key in witnesses:
        times, before = _times(smaller, key), [each for each in _times(larger, key) if each]
        if times and before and max(times) > min(before) and _size(smaller) < _size(larger):
            notes = (_cut(smaller, [key], max), _cut(larger, [key], _earliest))
            found.append(Evidence(Kind.ROLLED_BACK, (key,), notes))
    return found


def broken_chain(
    note: bytes, log: Sequence[Verifier], entries: Sequence[Included], beginning: Beginning | None = None
) -> Evidence:
    """Return the evidence of entries that no honest ledger has where a signed tree has them."""
    keys = _sorted([key for key in log if _signed(note, key)])
    return Evidence(Kind.BROKEN_CHAIN, tuple(keys), (_cut(note, keys),), tuple(entries), beginning)


def late(
    without: bytes, tree: bytes, log: Sequence[Verifier], witnesses: Sequence[Verifier], header: Included
) -> Evidence | None:
    """Return that witnesses stated a tree without a header as the latest; None where none of them did."""
    cosigners = [key for key in witnesses if _signed(without, key)]
    own = _one_log(without, tree, log)
    if not cosigners or not own:
        return None
    keys = _sorted([*own, *cosigners])
    notes = (_cut(without, keys, max), _cut(tree, _sorted(own)))
    return Evidence(Kind.LATE, tuple(keys), notes, (header,))


def observed(observation: Observation, monitor: Signer) -> Evidence:
    """Return a monitor's own word as evidence, which says that it is no more than that."""
    return Evidence(Kind.OBSERVATION, (monitor.verifier,), (observation.signed(monitor),))


def _of_two(
    kind: Kind, first: bytes, second: bytes, keys: Sequence[Verifier], beginning: Beginning | None
) -> Evidence:
    keys = _sorted(keys)
    return Evidence(kind, tuple(keys), (_cut(first, keys), _cut(second, keys)), (), beginning)


def _one_log(first: bytes, second: bytes, log: Sequence[Verifier]) -> list[Verifier]:
    """Return the keys that signed both; where there are none, one of each, which only a policy relates."""
    both = [key for key in log if _signed(first, key) and _signed(second, key)]
    if both:
        return both
    either = [[key for key in log if _signed(note, key)] for note in (first, second)]
    return [keys[0] for keys in either] if all(either) else []


def _cut(note: bytes, keys: Sequence[Verifier], choose: Callable[[list[int]], int] = max) -> bytes:
    """Return a note with one line of each of these keys that signed it; of a cosigner's times, the chosen."""
    opened = parse_unverified(note)
    lines = list[bytes]()
    for key in keys:
        own = [line for line in opened.lines if line.is_by(key)]
        if own and key.key_type.cosigns:
            time = choose([int.from_bytes(line.signature[:TIME_OCTETS]) for line in own])
            own = [line for line in own if int.from_bytes(line.signature[:TIME_OCTETS]) == time]
        lines += [line.to_bytes() for line in own[:1]]
    return opened.text.encode() + b"\n" + b"".join(lines)


def _earliest(times: list[int]) -> int:
    return min(each for each in times if each)


def _times(note: bytes, key: Verifier) -> list[int]:
    lines = parse_unverified(note).lines
    return [int.from_bytes(line.signature[:TIME_OCTETS]) for line in lines if line.is_by(key)]


def _signed(note: bytes, key: Verifier) -> bool:
    return any(line.is_by(key) for line in parse_unverified(note).lines)


def _place(note: bytes) -> tuple[int, bytes]:
    checkpoint = Checkpoint.parse(parse_unverified(note).text)
    return checkpoint.size, checkpoint.root


def _size(note: bytes) -> int:
    return _place(note)[0]


def _sorted(keys: Sequence[Verifier]) -> list[Verifier]:
    return sorted(keys, key=str)
