"""The log as an auditor fetches it: one checkpoint, and the entries that it covers."""

from tests.zkservice.support import City
from tlog.archive import AuditReport, verify_archive, write
from tlog.checkpoint import open_checkpoint
from tlog.note import Verifier
from zkproto.v1 import ledger_pb2


async def archive_of(town: City) -> list[bytes]:
    """Return the lines of an archive; the log may grow while it is fetched."""
    head = await town.ledger.GetCheckpoint(ledger_pb2.GetCheckpointRequest())
    key = Verifier.from_string(head.verifier_key)
    size = open_checkpoint(head.checkpoint, key).size
    entries: list[ledger_pb2.LedgerEntry] = []
    asked = ledger_pb2.ListEntriesRequest(page_size=3)
    while len(entries) < size:
        page = await town.ledger.ListEntries(asked)
        entries += page.entries
        asked.page_token = page.next_page_token
        assert asked.page_token or len(entries) >= size
    rows = ((each.entry, each.holder_note or None) for each in entries[:size])
    return b"".join(write(key, rows, head.checkpoint)).splitlines(True)


async def audit(town: City) -> AuditReport:
    """Recompute the whole log under the key that the server printed when it started."""
    return verify_archive(await archive_of(town), Verifier.from_string(town.ready.verifier_key))
