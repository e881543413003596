"""What a check service must not forget: which requests were answered, and how many MACs its key has made.

Both are files of records of one length, only ever appended to, synced before anybody is answered. A crash in
the middle of a record leaves a tail that is cut off at the next start: nobody was answered for it.
"""

import datetime as dt
import os
from pathlib import Path
from typing import Final

from disclosure import Reason, RefusedError
from zkservice.errors import ServiceError, ServiceReason
from zkservice.keys import write_private

MAX_MACS: Final = 1 << 20
"""A key is replaced before it has made so many (docs/keyed.md)."""
MADE_FILE: Final = "made.journal"
"""Where it stands, from the first start on: a folder that has it had a key."""
_DIGEST_OCTETS: Final = 32
_TIME_OCTETS: Final = 8
_SLACK: Final = 4096
"""How many records may be added, besides as many as count, before it is looked what has expired."""


class Journal:
    """A file of records of one length. Belongs to one thread, and its folder to one process."""

    def __init__(self, path: Path, octets: int) -> None:
        self._path, self._octets = path, octets
        self._open()

    def __len__(self) -> int:
        return self._size // self._octets

    def records(self) -> list[bytes]:
        """Return all records, in their order."""
        whole = self._path.read_bytes()[: self._size]
        return [whole[at : at + self._octets] for at in range(0, len(whole), self._octets)]

    def append(self, *records: bytes) -> None:
        """Make records durable, all or none; ServiceError STORAGE_UNAVAILABLE."""
        octets = b"".join(records)
        try:
            if os.write(self._file, octets) != len(octets):
                raise OSError("the disk is full")
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise ServiceError(ServiceReason.STORAGE_UNAVAILABLE, "nothing can be stored") from None
        self._size += len(octets)

    def rewrite(self, records: list[bytes]) -> None:
        """Put other records in the place of all."""
        write_private(self._path, b"".join(records))
        self.close()
        self._open()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _open(self) -> None:
        if not self._path.exists():
            write_private(self._path, b"")
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        size = os.fstat(self._file).st_size
        self._size = size - size % self._octets
        os.ftruncate(self._file, self._size)


class Answered:
    """Which presentation answered each request that has not ended yet: a request is answered once."""

    def __init__(self, folder: Path, now: dt.datetime) -> None:
        self._journal = Journal(folder / "answered.journal", _TIME_OCTETS + 2 * _DIGEST_OCTETS)
        self._answers: dict[bytes, tuple[int, bytes]] = {}
        for record in self._journal.records():
            ends, request = int.from_bytes(record[:_TIME_OCTETS]), record[_TIME_OCTETS:-_DIGEST_OCTETS]
            self._answers[request] = ends, record[-_DIGEST_OCTETS:]
        self._new: list[bytes] = []
        self._forget(now)

    def take(self, request: bytes, presentation: bytes, expires: dt.datetime) -> None:
        """Take a presentation as the answer of a request, both by digest; `keep` makes it durable.

        Raises ServiceError EXCHANGE_ANSWERED if another presentation is that.
        """
        known = self._answers.get(request)
        if known is None:
            ends = int(expires.timestamp())
            self._answers[request] = ends, presentation
            self._new.append(ends.to_bytes(_TIME_OCTETS) + request + presentation)
        elif known[1] != presentation:
            detail = "another presentation has answered the request"
            raise ServiceError(ServiceReason.EXCHANGE_ANSWERED, detail)

    def keep(self, now: dt.datetime) -> None:
        """Make durable what was taken, before anybody is told; ServiceError STORAGE_UNAVAILABLE."""
        new, self._new = self._new, []
        if not new:
            return
        try:
            self._journal.append(*new)
        except ServiceError:
            for record in new:
                del self._answers[record[_TIME_OCTETS:-_DIGEST_OCTETS]]
            raise
        if len(self._journal) > self._most:
            self._forget(now)

    def close(self) -> None:
        """Let go of the file."""
        self._journal.close()

    def _forget(self, now: dt.datetime) -> None:
        """Forget requests that have ended: those are refused by their time."""
        moment = int(now.timestamp())
        self._answers = {each: known for each, known in self._answers.items() if known[0] > moment}
        self._most = 2 * len(self._answers) + _SLACK
        if len(self._answers) < len(self._journal):
            self._journal.rewrite(
                [
                    ends.to_bytes(_TIME_OCTETS) + each + answer
                    for each, (ends, answer) in self._answers.items()
                ]
            )


class Made:
    """How many MACs the key has made: an upper bound, since each is counted before it is made."""

    def __init__(self, folder: Path, most: int = MAX_MACS) -> None:
        self._journal, self._most = Journal(folder / MADE_FILE, _DIGEST_OCTETS), most

    def check(self) -> None:
        """Raise RefusedError ISSUER_KEY_RETIRED if the key makes no more."""
        if len(self._journal) >= self._most:
            detail = f"the key has made {self._most} MACs; begin a check service with a new one"
            raise RefusedError(Reason.ISSUER_KEY_RETIRED, detail)

    def count(self, nonce: bytes) -> None:
        """Count one, by the nonce of its terms; as `check`, and ServiceError STORAGE_UNAVAILABLE."""
        self.check()
        self._journal.append(nonce)

    def close(self) -> None:
        """Let go of the file."""
        self._journal.close()
