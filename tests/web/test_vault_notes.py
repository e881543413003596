"""The notes that the vault's page seals are those of Python, octet for octet, however they are cut."""

import json
import random
from pathlib import Path
from typing import Any, Final

import pytest

from disclosure import LocalizedText, MalformedError, VerifierName, canonical
from disclosure.event import EventKind
from prover.notes import EventNote, NoteSummary
from prover.records import moment_of
from tests.web.showing import needs_pages, run_showing
from tlog import note_hash

pytestmark = needs_pages
LETTERS: Final = ("a", "é", "学", "🎒")


def text(drawn: random.Random, most: int) -> str:
    return "".join(drawn.choice(LETTERS) for _ in range(drawn.randrange(1, most)))


def both(drawn: random.Random, most: int) -> LocalizedText:
    return LocalizedText(text(drawn, most), text(drawn, most))


def summary(seed: int) -> NoteSummary:
    drawn = random.Random(seed)
    shown = {
        "q" * drawn.randrange(1, 63) + str(at): tuple(
            chr(ord("a") + place) * drawn.choice((1, 5, 22, 23, 24, 25, 63))
            for place in range(drawn.randrange(26))
        )
        for at in range(drawn.randrange(1, 9))
    }
    return NoteSummary(
        VerifierName("v" * drawn.randrange(1, 60)), both(drawn, drawn.choice((10, 45, 125, 240))),
        moment_of(drawn.randrange(1 << 42)), drawn.randbytes(32), shown,
    )  # fmt: skip


def event(seed: int) -> EventNote:
    drawn = random.Random(seed)
    return EventNote(
        drawn.choice(list(EventKind)), "p" * drawn.randrange(1, 301), both(drawn, 240), drawn.randbytes(32),
        moment_of(drawn.randrange(1 << 42)), "d" * drawn.randrange(241),
    )  # fmt: skip


def of_use(note: NoteSummary) -> dict[str, Any]:
    return {
        "verifier": str(note.verifier), "purpose": {"zh": note.purpose.zh, "en": note.purpose.en},
        "time": round(note.time.timestamp() * 1000), "digest": note.request_digest.hex(),
        "shown": [[query, names] for query, names in note.shown.items()],
    }  # fmt: skip


def of_event(note: EventNote, title: LocalizedText) -> dict[str, Any]:
    return {
        "kind": note.kind.value, "party": note.party, "title": {"zh": title.zh, "en": title.en},
        "digest": note.digest.hex(), "time": round(note.time.timestamp() * 1000), "detail": note.detail,
    }  # fmt: skip


async def test_notes_are_pythons_octet_for_octet(built: Path) -> None:
    uses = [summary(seed) for seed in range(300)]
    events = [event(seed) for seed in range(200)]
    titles = [both(random.Random(seed), 240) for seed in range(len(events))]
    notes = [
        EventNote(one.kind, one.party, title, one.digest, one.time, one.detail)
        for one, title in zip(events, titles, strict=True)
    ]
    good = {"kind": "declined", "party": "verifiers/v", "title": {"zh": "a", "en": "b"}, "digest": "00" * 32,
            "time": 1, "detail": ""}  # fmt: skip
    bad = [
        {**good, "party": "é" * 151}, {**good, "detail": "d" * 241}, {**good, "digest": "00" * 31},
    ]  # fmt: skip
    label = "zk-disclosure/event-note/v1"
    stored = [
        notes[0].octets()[:-1],
        notes[0].octets() + b"\x00",
        canonical.encode(label, "nothing", "p", ["a", "b"], bytes(32), 1, ""),
        canonical.encode(label, "declined", "p", ["a"], bytes(32), 1, ""),
        canonical.encode(label, "declined", "p", ["a", "b"], bytes(32), 1, "", 1),
        canonical.encode(label, "declined", "p", ["a", "b"], bytes(31), 1, ""),
    ]
    sealed = random.Random(0).randbytes(1024)
    given = [
        *(["use", of_use(each)] for each in uses),
        *(["event", of_event(each, title)] for each, title in zip(notes, titles, strict=True)),
        *(["event", each] for each in bad),
        *(["stored", each.hex()] for each in stored),
        ["hash", sealed.hex()],
    ]
    said = json.loads(await run_showing(built, "notes.mjs", given))
    assert said[: len(uses)] == [each.fitted().hex() for each in uses]
    said = said[len(uses) :]
    assert said[: len(notes)] == [each.fitted().hex() for each in notes]
    said = said[len(notes) :]
    assert said[: len(bad)] == ["VALUE_INVALID"] * len(bad)
    for each, reason in zip(stored, said[len(bad) : -1], strict=True):
        with pytest.raises(MalformedError) as mine:
            EventNote.from_octets(each)
        assert reason == mine.value.reason
    assert said[-1] == note_hash(sealed).hex()
    cut = [len(each._octets()) > 994 for each in uses]
    assert 50 < sum(cut) < 250, "some are cut and some are not"
