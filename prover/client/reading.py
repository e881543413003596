"""Reading the ledger: page after page from its beginning, the same for every vault, whatever is its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import grpc

import tlog
from prover.client.calls import Way, checked
from prover.reading import Found, LedgerReader, Reading
from prover.vault import Vault
from wire.client import call
from zkproto.v1 import ledger_pb2, ledger_pb2_grpc

_PAGE: Final = 1000
_KEPT_EVERY: Final = 10_000
"""What is read again at most after it was broken off."""

Progress = Callable[[int, int], object]
"""Gets how many entries were read, and of how many; may raise to break off."""


@dataclass(frozen=True)
class Rebuilt:
    """A history that was read to the end: how many entries, and what of them is the vault's own."""

    size: int
    found: tuple[Found, ...]


def rebuild(way: Way, vault: Vault, log: tlog.Verifier, progress: Progress) -> Rebuilt:
    """Read the ledger on, up to its newest checkpoint; see HolderClient.rebuild."""
    with way.channel() as channel, checked():
        stub = ledger_pb2_grpc.LedgerServiceStub(channel)
        signed = call(stub.GetCheckpoint, ledger_pb2.GetCheckpointRequest()).checkpoint
        checkpoint = tlog.open_checkpoint(signed, log)
        reading, reader = vault.readings.begin(str(log), checkpoint.size)
        try:
            reading = _read(channel, vault, reading, reader, checkpoint.size, progress)
            reader.check_end(checkpoint)
        except tlog.TlogError:
            vault.readings.drop()
            raise
        vault.readings.verify(reading, signed)
    return Rebuilt(checkpoint.size, tuple(vault.readings.found()))


def _read(
    channel: grpc.Channel, vault: Vault, reading: Reading, reader: LedgerReader, size: int, progress: Progress
) -> Reading:
    progress(reader.size, size)
    for page in _pages(channel, reader.size, size):
        for each in page:
            if reader.take(each.index, each.entry, each.holder_note) and (
                reader.size - reading.read.size >= _KEPT_EVERY or reader.size == size
            ):
                reading = vault.readings.keep(reading, *reader.place())
        progress(reader.size, size)
    return reading


def _pages(channel: grpc.Channel, start: int, size: int) -> Iterator[list[Any]]:
    """Give the entries of a range; the next page is on its way while one is looked at.

    A page that is empty or goes beyond what was asked ends in an error where the entries are looked at.
    """
    method = ledger_pb2_grpc.LedgerServiceStub(channel).ListEntries

    def fetch(at: int) -> list[Any]:
        asked = ledger_pb2.ListEntriesRequest(start_index=at, page_size=min(_PAGE, size - at))
        return list(call(method, asked).entries)[: size - at]

    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(fetch, start) if start < size else None
        while coming is not None:
            page = coming.result()
            start += len(page)
            coming = ahead.submit(fetch, start) if page and start < size else None
            yield page
