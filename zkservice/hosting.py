"""What every process of the service does alike: it holds its files alone, and bounds its connections."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from zkservice.errors import StartError

CONNECTION: Final = (
    ("grpc.max_concurrent_streams", 64),
    # What a connection holds ends with it at the latest; clients open another one. Jitter is gRPC's own.
    ("grpc.max_connection_age_ms", 600_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
    ("grpc.max_connection_idle_ms", 300_000),
    ("grpc.server_handshake_timeout_ms", 10_000),
    # Whether the other side still lives, and how often it may ask the same of us.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 300_000),
    ("grpc.http2.max_ping_strikes", 2),
)
"""What one connection may take. What many may take only a proxy in front can limit (operations.md)."""


@contextmanager
def only_process(folder: Path) -> Iterator[None]:
    """Hold a folder's lock; the operating system frees it when the process ends, however it ends.

    Raises StartError if another process holds it.
    """
    with _locked(folder / "server.lock", f"another server is running on {folder}"):
        yield


@contextmanager
def only_user(database: Path | None) -> Iterator[None]:
    """Hold the lock beside a database's file, which servers of several folders may name; None holds nothing.

    SQLite would let two of them write in turns, and each would sequence. Raises StartError.
    """
    if database is None:
        yield
        return
    if not database.parent.is_dir():
        raise StartError(f"the folder of the database {database} is not there")
    with _locked(database.with_name(f"{database.name}.lock"), f"another server is running on {database}"):
        yield


@contextmanager
def _locked(path: Path, taken: str) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(taken) from None
        yield
