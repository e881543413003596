"""The observer's eyes: everything that nine logs and ten witnesses show over HTTP, as octets, and verified.

Nothing else comes in here: no key but the public ones, no opening, no database.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field

import httpx

from consortium.origins import origin_hash
from consortium.source import notes_path
from tests.observer.seeing import Seen
from tlog import (
    BlockHeader,
    Checkpoint,
    Cosignature,
    Follower,
    Policy,
    ReceiptEntry,
    RecordEntry,
    TileId,
    open_by_policy,
    parse_entry,
)
from tlog.block import GENESIS_PREVIOUS
from tlog.note import parse_unverified
from tlog.tiles import TILE_WIDTH, entries_path, parse_entry_bundle, parse_tile, tile_path, tile_width


@dataclass
class PublicLog:
    """One log, read whole: what came, by path, and what it says."""

    origin: str
    answers: dict[str, bytes]
    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]
    entries: list[bytes] = field(default_factory=list)
    notes: list[bytes] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    headers: list[bytes] = field(default_factory=list)

    def uses(self) -> list[Seen]:
        """Return all leaves of uses and events, with where and when each stands."""
        found, first, waiting = list[Seen](), 0, list[int]()
        for index, entry in enumerate(self.entries):
            match parse_entry(entry):
                case ReceiptEntry():
                    waiting.append(index)
                case BlockHeader(height=height, time_ms=time):
                    found += [
                        Seen(self.entries[at], self.notes[at], at, height, time, at - first, self.origin)
                        for at in waiting
                    ]
                    first, waiting = index + 1, []
        return found

    def records(self) -> list[RecordEntry]:
        """Return the public records."""
        return [each for each in map(parse_entry, self.entries) if isinstance(each, RecordEntry)]

    def random(self, leaves: Container[int]) -> Iterator[tuple[str, bytes]]:
        """Give what should be random: all but records, counts, times, and the formats' own words.

        Of leaves and notes those at the given indexes, and the hashes of all.
        """
        for each in self.uses():
            if each.index in leaves:
                yield from ((f"{self.origin} {each.index}", part) for part in each.parts)
        for index, entry in enumerate(map(parse_entry, self.entries)):
            if isinstance(entry, BlockHeader):
                if entry.previous != GENESIS_PREVIOUS:
                    yield f"{self.origin} header {index}", entry.previous
                yield f"{self.origin} header {index}", entry.root
        yield from ((f"{self.origin} tile", each) for each in self.hashes)
        yield from signed(self.origin, self.answers["checkpoint"])


def signed(where: str, note: bytes) -> Iterator[tuple[str, bytes]]:
    """Give the root that a note states and its signatures, without key ids and times, which are public."""
    if not note:
        return
    parsed = parse_unverified(note)
    yield f"{where} root", Checkpoint.parse(parsed.text).root
    for each in parsed.lines:
        yield f"{where} signature", each.signature[-64:]


def read_log(client: httpx.Client, url: str, policy: Policy) -> PublicLog:
    """Read a log whole, as a mirror does, and check it as a mirror does."""
    answers, headers = dict[str, bytes](), list[bytes]()

    def get(path: str) -> bytes:
        answer = client.get(f"{url}/{path}")
        assert answer.status_code == 200, path
        headers.append(b"\r\n".join(name + b": " + value for name, value in answer.headers.raw))
        answers[path] = answer.content
        return answer.content

    checkpoint, cosignatures = open_by_policy(get("checkpoint"), policy)
    made = PublicLog(policy.logs[0].verifier.name, answers, checkpoint, cosignatures, headers=headers)
    follower = Follower()
    for index in range(-(-checkpoint.size // TILE_WIDTH)):
        width = tile_width(TileId(0, index), checkpoint.size)
        entries = parse_entry_bundle(get(entries_path(index, width)), width)
        notes = parse_entry_bundle(get(notes_path(index, width)), width)
        for entry, note in zip(entries, notes, strict=True):
            follower.append(entry, note or None)
        made.entries += entries
        made.notes += notes
    follower.check(checkpoint)
    for level in range(64):
        index = 0
        while width := tile_width(TileId(level, index), checkpoint.size):
            made.hashes += parse_tile(get(tile_path(level, index, width)), width)
            index += 1
        if not index:
            return made
    raise AssertionError("no log is so high")


def read_witness(client: httpx.Client, url: str, origins: Mapping[str, Policy]) -> dict[str, bytes]:
    """Read what a witness shows of each log: the newest note, and what it refused."""
    shown = dict[str, bytes]()
    for origin in origins:
        for kind in ("checkpoint", "refused"):
            answer = client.get(f"{url}/{origin_hash(origin)}/{kind}")
            assert answer.status_code in (200, 404)
            shown[f"{origin} {kind}"] = answer.content if answer.status_code == 200 else b""
    return shown
