"""Words, notes and ledgers as the page's vault reads them are what Python's vault makes of them."""

import datetime as dt
import itertools
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from disclosure import LocalizedText, VerifierName
from disclosure.event import EventKind
from prover.errors import PassphraseError
from prover.notes import EventNote, NoteSummary, open_note, seal_event, seal_note
from prover.reading import LedgerReader, Place
from prover.records import milliseconds
from prover.recovery import keys_of, words_of
from prover.sealing import VaultKeys
from tests.tlog.making import Log, digest, flip, holder_note, receipt, record
from tests.web.showing import needs_pages, run_showing
from tlog import ReceiptEntry, TlogError, leaf_hash, note_hash
from tlog.proving import ProvingFrontier
from zk.messages import history_en, history_zh

pytestmark = needs_pages
NOW: Final = dt.datetime(2026, 11, 27, 8, tzinfo=dt.UTC)
TITLE: Final = LocalizedText("申请居住证", "Applied for a permit")
SECRET: Final = bytes(range(32))
KEYS: Final = VaultKeys(SECRET)


async def asked(built: Path, *given: tuple[str, Any]) -> list[Any]:
    said: list[Any] = json.loads(await run_showing(built, "recovery.mjs", list(given)))
    return said


async def test_words_are_pythons_and_give_the_same_key(built: Path) -> None:
    drawn = random.Random(5)
    secrets = [bytes(32), bytes([255]) * 32, *(drawn.randbytes(32) for _ in range(40))]
    wanted = [(secret, lang) for secret in secrets for lang in ("en", "zh")]
    words = await asked(built, *(("words", {"secret": each.hex(), "lang": lang}) for each, lang in wanted))
    assert words == [" ".join(words_of(VaultKeys(each), lang)) for each, lang in wanted]  # type: ignore[arg-type]
    typed = [
        drawn.choice((each, each.upper(), each.replace(" ", "\n  "), f"\u3000{each} ")) for each in words
    ]
    assert await asked(built, *(("key", {"words": each}) for each in typed)) == [
        each.hex() for each, _ in wanted
    ]
    for each, (secret, _) in zip(typed, wanted, strict=True):
        assert keys_of(each).recovery_secret() == secret
    together = [each.replace(" ", "") for each, (_, lang) in zip(words, wanted, strict=True) if lang == "zh"]
    said = await asked(built, *(("key", {"words": each}) for each in together))
    assert said == [each.hex() for each in secrets], "signs may stand without spaces between"


async def test_a_mistake_is_noticed_where_python_notices_it_and_not_repeated(built: Path) -> None:
    good, chinese = words_of(KEYS), words_of(KEYS, "zh")
    wrong = [
        "",
        "abandon",
        " ".join(good[:-1]),
        " ".join([*good, "abandon"]),
        " ".join([*good[:-1], "abandon"]),
        " ".join([good[1], good[0], *good[2:]]),
        " ".join(["nosuchword", *good[1:]]),
        " ".join([chinese[0], *good[1:]]),
        "abandon " * 11 + "about",
        "的" * 24,
    ]
    for each in wrong:
        with pytest.raises(PassphraseError):
            keys_of(each)
    for each, said in zip(
        wrong, await asked(built, *(("key", {"words": each}) for each in wrong)), strict=True
    ):
        assert said["refused"] == "WORDS_INVALID"
        assert not any(word in said["said"] for word in each.split() if len(word) > 1)


def notes() -> list[EventNote | NoteSummary]:
    events = [
        EventNote(kind, "accounts/abc", TITLE, bytes([at]) * 32, NOW, "" if at % 2 else "detail")
        for at, kind in enumerate(EventKind)
    ]
    shown = {"permit": ("name", "district"), "insurance": ("months",)}
    uses = [NoteSummary(VerifierName("school"), TITLE, NOW, bytes(32), each) for each in (shown, {})]
    long = {f"query_{at}": tuple(f"attribute_{n}_{'x' * 40}" for n in range(9)) for at in range(8)}
    return [*events, *uses, NoteSummary(VerifierName("school"), TITLE, NOW, bytes(range(32)), long)]


def said_of(plain: bytes) -> dict[str, Any]:
    """Tell what a note says as the page tells it, by Python's own reading."""
    note = open_note(KEYS, KEYS.seal_note(plain))
    assert note is not None
    time = milliseconds(note.time)
    if isinstance(note, EventNote):
        return {
            "kind": note.kind.value, "party": note.party, "title": {"zh": note.title.zh, "en": note.title.en},
            "time": time, "detail": note.detail, "digest": note.digest.hex(),
        }  # fmt: skip
    return {
        "verifier": str(note.verifier), "purpose": {"zh": note.purpose.zh, "en": note.purpose.en},
        "time": time, "shown": [[query, list(names)] for query, names in note.shown.items()],
        "whole": note.whole, "digest": note.request_digest.hex(),
    }  # fmt: skip


async def test_notes_say_what_python_reads_in_them(built: Path) -> None:
    plains = [each.fitted() for each in notes()]
    said = await asked(built, *(("said", {"plain": each.hex()}) for each in plains))
    assert said == [said_of(each) for each in plains]
    assert any(each.get("whole") is False for each in said)
    later = bytes([0, 30]) + b"\x81\x6czk/later/v9xx".ljust(994, b"\0")
    assert await asked(built, ("said", {"plain": later.hex()})) == [None]


async def test_what_happened_is_said_in_the_words_of_the_command(built: Path) -> None:
    (told,) = await asked(built, ("happened", None))
    for kind in EventKind:
        key = f"vault.event.{kind.value}"
        assert told[kind.value] == {"zh": history_zh.MESSAGES[key], "en": history_en.MESSAGES[key]}
    assert len(told) == len(EventKind)


async def test_the_tree_that_grows_with_its_proofs_is_pythons(built: Path) -> None:
    given, expected = [], []
    for size in (*range(1, 40), 255, 256, 257, 700):
        drawn = random.Random(size)
        keep = sorted(drawn.sample(range(size), min(size, 9)))
        tree = ProvingFrontier()
        for index in range(size):
            tree.append(digest(index), keep=index in keep)
        proofs = [[each.hex() for each in tree.proof(index)] for index in keep]
        hashes = [each.hex() for each in tree.hashes]
        leaves = [digest(each).hex() for each in range(size)]
        given.append(("tree", {"leaves": leaves, "keep": keep, "apart": drawn.randrange(size)}))
        expected.append({"hashes": hashes, "root": tree.root().hex(), "proofs": proofs})
    assert await asked(built, *given) == expected


def ledger(blocks: int, own: Sequence[bytes]) -> Log:
    """A log of blocks of different sizes, in which a vault's notes stand here and there, one twice."""
    log, drawn, notes = Log(), random.Random(blocks), iter([*own, own[0]])
    for height in range(blocks):
        entries, beside = list[bytes](), list[bytes | None]()
        for _ in range(drawn.randrange(1, 9)):
            number = log.size + len(entries)
            note = next(notes, None) if drawn.random() < 0.4 else None
            if note is not None:
                entries.append(ReceiptEntry(digest(number), note_hash(note)).to_bytes())
                beside.append(note)
            elif drawn.random() < 0.8:
                entries.append(receipt(number))
                beside.append(holder_note(number))
            else:
                entries.append(record(number))
                beside.append(None)
        log.add(entries, beside, 1000 + height)
    return log


def own_notes() -> list[bytes]:
    return [
        seal_event(KEYS, each) if isinstance(each, EventNote) else seal_note(KEYS, each) for each in notes()
    ]


def written(log: Log, start: int = 0, end: int | None = None) -> list[tuple[int, str, str]]:
    chosen = enumerate(log.entries[start:end], start)
    return [(index, entry.hex(), (note or b"").hex()) for index, (entry, note) in chosen]


def reading(log: Log, **changes: Any) -> tuple[str, dict[str, Any]]:
    own = [at for at, (_, note) in enumerate(log.entries) if note and KEYS.open_note(note)]
    fields = {
        "entries": written(log), "own": own, "first": [], "place": None,
        "checkpoint": {"size": log.size, "root": log.root.hex()},
    }  # fmt: skip
    return "read", fields | changes


def read_by_python(log: Log) -> tuple[Place, list[Any]]:
    ids = itertools.count()
    reader = LedgerReader(KEYS, Place(), {}, lambda: str(next(ids)))
    for index, (entry, note) in enumerate(log.entries):
        reader.take(index, entry, note or b"")
    return reader.place()


async def test_a_ledger_is_read_as_python_reads_it_whole_or_in_parts(built: Path) -> None:
    log = ledger(60, own_notes())
    place, found = read_by_python(log)
    assert len(found) > 10
    assert [each.copy_of for each in found if each.copy_of is not None]
    (whole,) = await asked(built, reading(log))
    expected = [
        {
            "index": each.index, "height": each.height, "time": milliseconds(each.time),
            "copyOf": each.copy_of,
        }
        for each in found
    ]  # fmt: skip
    assert whole["found"] == expected
    assert whole["ends"] == 60
    assert whole["place"]["hashes"] == [each.hex() for each in place.hashes]
    assert dict(whole["place"]["paths"]) == {
        index: [each.hex() for each in path]
        for index, path in place.paths.items()
        if index not in {each.index for each in found if each.copy_of is not None}
    }, "copies have no proofs"
    assert whole["place"]["header"] == place.header.hex()
    headers = [at + 1 for at, (entry, _) in enumerate(log.entries) if b"zk-disclosure/block" in entry]
    end = headers[30]
    (first,) = await asked(built, reading(log, entries=written(log, 0, end), checkpoint=None))
    known = [(log.entries[each["index"]][1].hex(), each["index"]) for each in first["found"]]
    then = reading(log, entries=written(log, end), place=first["place"], first=list(reversed(known)))
    (second,) = await asked(built, then)
    assert first["found"] + second["found"] == expected
    assert second["place"] == whole["place"]


def lies(log: Log) -> dict[str, list[tuple[int, str, str]]]:
    true = written(log)
    at = next(index for index, _, note in true if note and index > 10)
    other = next(index for index, _, note in true if note and index > at)
    swapped = list(true)
    swapped[at] = (at, true[other][1], true[other][2])
    swapped[other] = (other, true[at][1], true[at][2])
    made = ReceiptEntry(bytes(32), note_hash(bytes(1024))).to_bytes().hex()
    return {
        "left out": [*true[:at], *true[at + 1 :]],
        "left out and renumbered": [
            *true[:at], *((index - 1, entry, note) for index, entry, note in true[at + 1 :])
        ],
        "replaced": [*true[:at], (at, made, bytes(1024).hex()), *true[at + 1 :]],
        "without its note": [*true[:at], (at, true[at][1], ""), *true[at + 1 :]],
        "with a note cut off": [*true[:at], (at, true[at][1], true[at][2][:-2]), *true[at + 1 :]],
        "with another's note": [*true[:at], (at, true[at][1], true[other][2]), *true[at + 1 :]],
        "swapped": swapped,
        "the end cut off": true[:-3],
        "twice": [*true[: at + 1], true[at], *true[at + 1 :]],
        "nothing": [],
    }  # fmt: skip


def read_to_its_end(log: Log, entries: list[tuple[int, str, str]]) -> None:
    reader = LedgerReader(KEYS, Place(), {}, lambda: "")
    for index, entry, note in entries:
        reader.take(index, bytes.fromhex(entry), bytes.fromhex(note))
    reader.check_end(log)  # type: ignore[arg-type] # it has size and root


async def test_what_is_not_what_the_log_signed_is_refused_as_python_refuses_it(built: Path) -> None:
    log = ledger(20, own_notes()[:4])
    told = lies(log)
    said = await asked(built, *(reading(log, entries=each) for each in told.values()))
    for (name, entries), answer in zip(told.items(), said, strict=True):
        with pytest.raises(TlogError) as caught:
            read_to_its_end(log, entries)
        # A note of another length is one reason here, and the entry's own in Python.
        wanted = {caught.value.reason, "HOLDER_NOTE_INVALID"} if "note" in name else {caught.value.reason}
        assert answer["refused"] in wanted, name


async def test_an_entry_with_any_octet_changed_is_refused(built: Path) -> None:
    log = ledger(4, own_notes()[:2])
    drawn, given = random.Random(3), []
    for at, (entry, note) in enumerate(log.entries):
        for octets, is_note in ((entry, False), *(((note, True),) if note else ())):
            changed = flip(octets, drawn.randrange(8 * len(octets))).hex()
            entries = written(log)
            index, same, beside = entries[at]
            entries[at] = (index, same, changed) if is_note else (index, changed, beside)
            given.append(reading(log, entries=entries))
    said = await asked(built, *given)
    assert all("refused" in each for each in said)
    assert leaf_hash(log.entries[0][0]) != leaf_hash(log.entries[1][0])


async def test_credentials_about_one_child_are_one_group_by_its_number_or_its_secret(built: Path) -> None:
    one, other, secret = b"\1" * 32, b"\2" * 32, b"\3" * 32
    held = [
        {"id": "card", "values": {"id_commit": one.hex()}},
        {"id": "register", "values": {"child_secret": secret.hex()}},
        {"id": "other", "values": {"child_id": other.hex()}},
        {"id": "shots", "values": {"child_id": one.hex()}},
        {
            "id": "birth",
            "values": {"child_id": one.hex(), "child_secret": secret.hex(), "child_name": "王\u202e一"},
        },
    ]
    (told,) = await asked(built, ("children", {"held": held}))
    groups = dict(told)
    name = "王<U+202E>一"
    one_child, other_child = {"id": "1", "name": name}, {"id": "2", "name": None}
    assert groups == dict.fromkeys(("register", "shots", "birth"), one_child) | {"other": other_child}


async def test_no_department_joins_two_children_or_names_anothers(built: Path) -> None:
    one, other, secret = (b"\1" * 32).hex(), (b"\2" * 32).hex(), (b"\3" * 32).hex()
    held = [
        {"id": "birth", "values": {"child_id": one, "child_secret": secret, "child_name": "王一"}},
        {"id": "register", "values": {"child_secret": secret}},
        {"id": "shots", "values": {"child_id": other}},
        {"id": "named", "by": "school", "values": {"child_id": other, "child_name": "李二"}},
        {"id": "forged", "by": "school", "values": {"child_id": other, "child_secret": secret}},
    ]
    both, before = await asked(built, ("children", {"held": held}), ("children", {"held": held[:4]}))
    groups = dict(both)
    assert groups["birth"] == {"id": "1", "name": "王一"}
    assert groups["shots"] == groups["named"] == groups["forged"] == {"id": "3", "name": None}
    assert groups["register"] == {"id": "2", "name": None}, "whose it is cannot be told"
    assert dict(before)["register"] == {"id": "1", "name": "王一"}


async def test_what_a_reading_keeps_has_an_end(built: Path) -> None:
    """Copies of one note, a time that no clock shows, a reading that is too large or none at all."""
    note = own_notes()[0]
    log, late = Log(), Log()
    for height in range(12):
        entries = [ReceiptEntry(digest(100 * height + at), note_hash(note)).to_bytes() for at in range(100)]
        log.add(entries, [note] * 100, 1000 + height)
    late.add([receipt(0)], [holder_note(0)], 2**53)
    kept, refused, small, large, nothing = await asked(
        built, reading(log), reading(late),
        ("kept", {"paths": 1000, "octets": None}), ("kept", {"paths": 40_000, "octets": None}),
        ("kept", {"paths": None, "octets": "00"}),
    )  # fmt: skip
    assert (len(kept["found"]), len(kept["place"]["paths"])) == (1 + 1024, 1)
    assert refused["refused"] == "BLOCK_INVALID"
    assert (small, large["refused"], nothing) == (True, "INCLUSION_INVALID", 0)
