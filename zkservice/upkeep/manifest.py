"""What a backup says of itself: which log, up to where, of which schema, and what its files hash to.

log.vkey            the log's key, for whoever checks it
service.sqlite3     the database, or
service.pgdump      what pg_dump wrote of it
manifest.json       this
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from zkservice.upkeep.faults import UpkeepError, UpkeepReason

NAME: Final = "manifest.json"
SQLITE: Final = "service.sqlite3"
POSTGRESQL: Final = "service.pgdump"
KEY: Final = "log.vkey"
_FORMAT: Final = "zk-disclosure/ledger-backup/v1"
_MOST_OCTETS: Final = 1 << 16
_PIECE: Final = 1 << 20
_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """`files` are the SHA-256 of each file by its name; `made` is an RFC 3339 time; the oldest program is the
    one that `schema` tolerates, not said before 0022. Raises UpkeepError BACKUP_MALFORMED.
    """

    origin: str
    log_key: str
    schema: str
    size: int
    root: str
    checkpoint: str
    made: str
    checked: bool
    files: dict[str, str]
    oldest_program: str = ""

    def __post_init__(self) -> None:
        schema = self.schema, self.oldest_program
        texts = (self.origin, self.log_key, *schema, self.root, self.checkpoint, self.made)
        sound = (
            all(isinstance(each, str) and len(each) <= _MOST_OCTETS for each in texts)
            and type(self.size) is int
            and 0 <= self.size < 1 << 63
            and type(self.checked) is bool
            and isinstance(self.files, dict)
            and set(self.files) in ({KEY, SQLITE}, {KEY, POSTGRESQL})
            and all(isinstance(each, str) and _HASH.fullmatch(each) for each in self.files.values())
        )
        if not sound:
            raise _malformed("the manifest lacks something, or says something else")

    @property
    def database(self) -> str:
        """The name of the file that the database is in."""
        return SQLITE if SQLITE in self.files else POSTGRESQL

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        text = json.dumps({"format": _FORMAT, **asdict(self)}, indent=2, ensure_ascii=False)
        (folder / NAME).write_text(text + "\n", "utf-8")

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Read a folder's manifest; UpkeepError BACKUP_MALFORMED."""
        try:
            with (folder / NAME).open("rb") as file:
                octets = file.read(_MOST_OCTETS + 1)
            found: Any = json.loads(octets.decode("utf-8")) if len(octets) <= _MOST_OCTETS else None
        except OSError as error:
            raise _malformed(f"{folder / NAME} cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError):
            raise _malformed("the manifest is no JSON document") from None
        if not isinstance(found, dict) or found.pop("format", None) != _FORMAT:
            raise _malformed("the manifest is of another form")
        if set(found) | {"oldest_program"} != set(cls.__dataclass_fields__):
            raise _malformed("the manifest lacks something, or says something else")
        return cls(**found)

    def check_files(self, folder: Path) -> None:
        """Compare the files of a folder with their hashes; UpkeepError BACKUP_CHANGED, _MALFORMED."""
        for name, digest in self.files.items():
            try:
                found = file_hash(folder / name)
            except OSError as error:
                raise _malformed(f"{name} cannot be read: {error.strerror}") from None
            if found != digest:
                raise UpkeepError(UpkeepReason.BACKUP_CHANGED, f"{name} is not what was backed up")


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file; OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _malformed(detail: str) -> UpkeepError:
    return UpkeepError(UpkeepReason.BACKUP_MALFORMED, detail)
