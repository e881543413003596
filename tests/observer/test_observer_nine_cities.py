"""An observer reads everything that nine logs, their witnesses and mirrors show, and links nothing.

What could be found is found in `test_observer_games` by the same searches. Of all searches here together the
probability of a false alarm is below 2^-20 (`telling`, `linking`).
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator
from itertools import combinations

import pytest

from tests.observer.linking import shared
from tests.observer.observing import GAMES, USES, Observed, observed
from tests.observer.reading import signed
from tests.observer.seeing import LEAF_OCTETS, misshapen
from tests.observer.telling import findings
from tlog import HOLDER_NOTE_OCTETS, leaf_hash
from tlog.tiles import TILE_WIDTH, parse_entry_bundle


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Observed:
    return observed(tmp_path_factory.mktemp("nine"))


def random_parts(seen: Observed) -> Iterator[tuple[str, bytes]]:
    """Give what the formats say is random, of logs and of witnesses; the games' leaves are told of apart."""
    for log in seen.logs.values():
        yield from log.random(seen.leaves[log.origin])
    for name, shown in seen.shown.items():
        for what, note in shown.items():
            if what.endswith("checkpoint"):
                yield from signed(f"{name} {what}", note)


def test_every_use_and_event_stands_on_its_log_and_nothing_else_does(seen: Observed) -> None:
    """So that what follows is about something: the leaves are the receipts of two vaults, in nine cities."""
    assert len(seen.logs) == 9
    for letter, log in seen.logs.items():
        mine = seen.leaves[log.origin]
        assert len(mine) >= 2
        assert {each: leaf_hash(log.entries[each]) for each in mine} == mine
        games = USES if letter in GAMES.values() else 0
        assert len(log.uses()) == len(mine) + games
    assert len(seen.of_story()) > 50


def test_all_leaves_have_one_form_and_all_notes_one_length(seen: Observed) -> None:
    leaves = list(seen.all_leaves())
    assert list(misshapen(leaves)) == []
    assert {(len(each.entry), len(each.note)) for each in leaves} == {(LEAF_OCTETS, HOLDER_NOTE_OCTETS)}
    # A bundle of notes tells no more than which entries are uses and events.
    for log in seen.logs.values():
        uses = {each.index for each in log.uses()}
        for path, octets in log.answers.items():
            if path.startswith("notes/") and ".p/" not in path:
                notes = parse_entry_bundle(octets, TILE_WIDTH)
                first = TILE_WIDTH * int(path.removeprefix("notes/"))
                lengths = [HOLDER_NOTE_OCTETS * (first + at in uses) for at in range(TILE_WIDTH)]
                assert [len(each) for each in notes] == lengths


def test_no_two_uses_have_eight_octets_in_common(seen: Observed) -> None:
    """In one city or in two, of one holder or not, of one credential or of several, uses and events."""
    pairs = list(combinations(seen.of_story(), 2))
    assert min(Counter(one.log == two.log for one, two in pairs).values()) > 100
    assert shared(seen.of_story()) == []


@pytest.mark.parametrize("game", GAMES)
def test_no_two_leaves_of_a_game_have_eight_octets_in_common(seen: Observed, game: str) -> None:
    assert shared(seen.games[game].uses) == []


def test_nothing_of_a_holder_credential_or_question_is_in_any_log(seen: Observed) -> None:
    """Not in eight octets in a row, nor hashed, of all that the holders keep and the public names besides."""
    assert seen.story.secret.count > 100_000
    assert seen.story.named.within(random_parts(seen)) == []


def test_no_secret_is_in_any_answer_record_or_header(seen: Observed) -> None:
    answers = [(log.origin, each) for log in seen.logs.values() for each in log.answers.values()]
    answers += [(log.origin, each) for log in seen.logs.values() for each in log.headers]
    answers += [(name, note) for name, shown in seen.shown.items() for note in shown.values()]
    assert seen.story.secret.whole_within(answers) == []


def test_records_are_of_the_public_kinds_and_uses_add_none(seen: Observed) -> None:
    kinds = {each.kind for log in seen.logs.values() for each in log.records()}
    assert kinds <= {
        "schema", "issuer-key", "verifier", "policy", "errand-bundle", "accumulator", "revocation-epoch",
        "table", "regulator", "purpose",
    }  # fmt: skip
    assert {"schema", "verifier", "policy", "revocation-epoch"} <= kinds
    # Cities that were furnished alike have as many records, whether two leaves stand there or hundreds.
    assert len({len(seen.logs[letter].records()) for letter in "bcdefghi"}) == 1


@pytest.mark.parametrize("game", GAMES)
def test_the_game_is_lost_by_the_observer(seen: Observed, game: str) -> None:
    trial = seen.games[game]
    assert len(trial.uses) == USES
    assert findings(trial) == []


def test_what_is_planted_in_one_note_is_found_by_the_same_search(seen: Observed) -> None:
    """One of the secrets, in one form or another; or a name."""
    leaf = seen.of_story()[0]
    opening = seen.story.openings[0]
    salt, body = opening.salt, opening.body
    planted = {
        "octets": salt[3:12],
        "hexadecimal": salt.hex()[5:14].encode(),
        "hash": hashlib.sha256(b"zk-disclosure/usage-tag/v1\x00" + salt).digest()[:8],
        "what the receipt says": body[40:48],
        "the verifier": b"school-of-b",
    }
    for name, octets in planted.items():
        note = leaf.note[:600] + octets + leaf.note[600 + len(octets) :]
        assert seen.story.named.within([(name, note)]), name
        assert not seen.story.named.within([(name, leaf.note)])
    for octets in (salt, salt.hex().encode(), base64.b64encode(b"xy" + salt)):
        assert seen.story.secret.whole_within([("answer", b"HTTP" + octets + b"x")])


def test_witnesses_and_the_monitor_keep_no_secret_and_print_none(seen: Observed) -> None:
    assert {name.split("/")[0] for name in seen.stores} == {*"abcdefghi", "regulator", "monitor"}
    assert b"b.example/log" in b"".join(seen.stores.values())
    assert seen.story.secret.whole_within(seen.stores.items()) == []
    assert {"server", "regulator", "monitor", "mirror"} < set(seen.printed)
    assert b"SubmitPresentation" in seen.printed["server"]
    assert seen.story.secret.whole_within(seen.printed.items()) == []


def test_a_witness_is_told_no_leaf_and_no_name(seen: Observed) -> None:
    """It gets checkpoints and proofs: hashes of subtrees, of which one may be a leaf's, and no entry."""
    stores = [(name, octets) for name, octets in seen.stores.items() if not name.startswith("monitor/")]
    assert len(stores) >= 10
    parts = {part for each in seen.of_story() for part in each.parts}
    assert not [name for name, octets in stores for part in parts if part[:32] in octets]
    assert seen.story.named.whole_within(stores) == []


def test_a_mirror_holds_what_the_log_shows_and_nothing_else(seen: Observed) -> None:
    for letter, files in seen.mirrored.items():
        log = seen.logs[letter]
        held = {path: octets for path, octets in files.items() if not path.startswith(".")}
        assert set(held) == set(log.answers)
        for path, octets in held.items():
            assert path == "checkpoint" or octets == log.answers[path]
        hidden = [(path, octets) for path, octets in files.items() if path.startswith(".")]
        assert seen.story.named.whole_within(hidden) == []


def test_what_is_not_hidden_is_how_many_and_when(seen: Observed) -> None:
    begun, ended = seen.moments
    for each in seen.of_story():
        assert begun - 1 <= each.time_ms / 1000 <= ended + 5
    counts = {letter: len(seen.leaves[log.origin]) for letter, log in seen.logs.items()}
    assert counts["a"] > counts["b"] > counts["c"] == counts["i"]
