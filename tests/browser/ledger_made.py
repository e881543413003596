"""A ledger of many entries that a test makes up, handed out in place of a service's own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from disclosure import LocalizedText, VerifierName
from disclosure.event import EventKind
from prover import VaultKeys
from prover.notes import EventNote, NoteSummary, seal_event, seal_note
from prover.recovery import words_of
from tests.browser.vault_town import World
from tests.prover.making import NOW
from tests.tlog.making import Log, digest, holder_note, record
from tlog import ReceiptEntry, note_hash
from zkproto.v1 import ledger_pb2 as pb

TITLE: Final = LocalizedText("申请居住证", "Applied for a permit")


@dataclass
class Made:
    """A ledger made up for a test, of many entries, with notes of a vault of Python's in it, served."""

    keys: VaultKeys = field(default_factory=VaultKeys.generate)
    log: Log = field(default_factory=Log)
    own: list[int] = field(default_factory=list)
    asked: list[tuple[int, int]] = field(default_factory=list)
    lie: Callable[[pb.ListEntriesResponse], object] = lambda _: None

    @property
    def words(self) -> str:
        return " ".join(words_of(self.keys))

    def grow(self, blocks: int, every: int = 37) -> None:
        """Add blocks of a hundred entries; each so-many-th entry is the vault's."""
        for _ in range(blocks):
            start, notes, entries = self.log.size, list[bytes | None](), list[bytes]()
            for number in range(start, start + 99):
                if number % 10 == 9:
                    notes.append(None)
                    entries.append(record(number))
                    continue
                note = self.note(number) if number % every == 0 else holder_note(number)
                notes.append(note)
                entries.append(ReceiptEntry(digest(number), note_hash(note)).to_bytes())
            self.log.add(entries, notes, 1_800_000_000_000 + start)

    def note(self, number: int) -> bytes:
        self.own.append(number)
        if number % 2:
            event = EventNote(EventKind.APPLIED, "departments/police", TITLE, bytes(32), NOW)
            return seal_event(self.keys, event)
        return seal_note(
            self.keys, NoteSummary(VerifierName("school"), TITLE, NOW, bytes(32), {"q": ("name",)})
        )

    def entries(self, asked: bytes) -> bytes:
        request = pb.ListEntriesRequest.FromString(asked)
        self.asked.append((request.start_index, request.page_size))
        end = min(request.start_index + request.page_size, self.log.size)
        page = pb.ListEntriesResponse()
        for index in range(request.start_index, end):
            entry, note = self.log.entries[index]
            page.entries.add(index=index, entry=entry, holder_note=note or b"")
        self.lie(page)
        return page.SerializeToString()

    def checkpoint(self, _: bytes) -> bytes:
        return pb.GetCheckpointResponse(checkpoint=self.log.signed()).SerializeToString()

    def serve(self, world: World) -> None:
        world.between.answers["ListEntries"] = self.entries
        world.between.answers["GetCheckpoint"] = self.checkpoint
