"""What every process of the service does alike: it holds its files alone, and bounds its connections."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import structlog

from zkservice.errors import StartError

MAX_METADATA_OCTETS: Final = 16_384
"""Octets of a call's metadata, each entry with 32 more (RFC 9113, section 6.5.2)."""
CONNECTION: Final = (
    ("grpc.max_concurrent_streams", 64),
    # What a connection holds ends with it at the latest; clients open another one. Jitter is gRPC's own.
    ("grpc.max_connection_age_ms", 600_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
    ("grpc.max_connection_idle_ms", 300_000),
    ("grpc.server_handshake_timeout_ms", 3_000),
    # Whether the other side still lives, and how often it may ask the same of us.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 300_000),
    ("grpc.http2.max_ping_strikes", 2),
    # Calls that have arrived and that the event loop has not come to yet. Of more than the first number gRPC
    # ends some as CANCELLED, of more than the second all; each has its headers and nothing else.
    ("grpc.server.max_pending_requests", 16_384),
    ("grpc.server.max_pending_requests_hard_limit", 20_480),
    ("grpc.server_max_unrequested_time_in_server", 60),
    ("grpc.max_metadata_size", 8_192),
    ("grpc.absolute_max_metadata_size", MAX_METADATA_OCTETS),
)
"""What one connection may take, and how many calls may wait for their turn (limits.md)."""
SPARE_CALLS: Final = 256
HEADERS_OCTETS: Final = 50 << 20
"""What hostile header blocks may take of memory by one connection (limits.md)."""
_LEAST: Final = 16
_MOST: Final = 2048
"""Connections to a port where nothing says how many: for a few clients, and more than one loop serves."""
_GROUPS: Final = Path("/sys/fs/cgroup")
_OWN: Final = Path("/proc/self/cgroup")


def memory_octets(groups: Path = _GROUPS, own: Path = _OWN) -> int:
    """Return how many octets of memory there are: the machine's, or fewer where a control group bounds it.

    That is one of either version; in the first the controller of memory has a tree of its own, and a number
    larger than any machine's where nothing is bounded.
    """
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")]
    with suppress(OSError):
        for line in own.read_text().splitlines():
            number, _, rest = line.partition(":")
            controllers, _, path = rest.partition(":")
            if (number, controllers) == ("0", ""):
                found += _bounds(groups, path, "memory.max")
            elif "memory" in controllers.split(","):
                found += _bounds(groups / "memory", path, "memory.limit_in_bytes")
    return min(found)


def _bounds(root: Path, path: str, file: str) -> Iterator[int]:
    """Give the bounds of a control group and those around it. In a container its own may be the root."""
    group = root / path.lstrip("/")
    for each in (group, *group.parents):
        if each.is_relative_to(root):
            with suppress(OSError, ValueError):
                yield int((each / file).read_text())


def connections_of(wanted: int | None, ports: int) -> int:
    """Return how many connections each port takes: what is wanted, or what half of the memory allows.

    `ports` are those of all processes that share the memory.
    """
    if wanted is not None:
        return wanted
    return max(_LEAST, min(_MOST, memory_octets() // 2 // HEADERS_OCTETS // ports))


def bound(connections: int) -> tuple[str, int]:
    """Return gRPC's option for so many connections to each port; further ones are closed at once."""
    return "grpc.max_allowed_incoming_connections", connections


def warn_of_memory(connections: int) -> None:
    """Log a warning if header blocks of so many connections may take more memory than there is."""
    memory = memory_octets()
    if connections * HEADERS_OCTETS > memory:
        structlog.get_logger().warning(
            "connections may take more than the memory",
            connections=connections,
            would_fit=memory // HEADERS_OCTETS,
        )


@contextmanager
def only_process(folder: Path) -> Iterator[int]:
    """Hold a folder's lock; the operating system frees it when the process ends, however it ends.

    Gives the lock's descriptor: a process that inherits it holds the lock too. Raises StartError if another
    process holds it.
    """
    with _locked(folder / "server.lock", f"another server is running on {folder}") as lock:
        yield lock


_used = set[tuple[int, int]]()
"""Device and inode of each database file that this process holds.

The file of one that is held is never opened a second time here: whoever closes any descriptor of a file loses
all locks that SQLite has on it in this process.
"""


@contextmanager
def only_user(database: Path | None) -> Iterator[None]:
    """Hold a database's file alone, which servers of several folders may name; None holds nothing.

    SQLite would let two of them write in turns, and each would sequence. The lock beside the file follows the
    name, that on the file itself whatever name or mount leads to it; a file of two names is refused, since
    SQLite keeps its log beside a name. Enter before the database is opened, leave after it is closed. Raises
    StartError.
    """
    if database is None:
        yield
        return
    if not database.parent.is_dir():
        raise StartError(f"the folder of the database {database} is not there")
    taken = f"another server is running on {database}"
    with _locked(_beside(database), taken), _held(database, taken):
        yield


def in_use(database: Path) -> bool:
    """Tell whether a process holds a database's file as `only_user` does, by the lock beside it."""
    beside = _beside(database)
    if not beside.exists():
        return False
    try:
        with _locked(beside, ""):
            return False
    except StartError:
        return True


def _beside(database: Path) -> Path:
    return database.with_name(f"{database.name}.lock")


@contextmanager
def _held(database: Path, taken: str) -> Iterator[None]:
    """Lock the file itself, which is made if it is not there: an empty one is a database of no tables."""
    with _refused(database):
        if database.exists() and _inode(database.stat()) in _used:
            raise StartError(taken)
        descriptor = os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(taken) from None
        with _refused(database):
            locked, named = os.fstat(descriptor), database.stat()
        if locked.st_nlink != 1:
            raise StartError(f"the database {database} has another name (a hard link): remove that one")
        inode = _inode(locked)
        if inode != _inode(named):
            raise StartError(f"the database {database} was replaced just now: start again")
        _used.add(inode)
        try:
            yield
        finally:
            _used.discard(inode)
    finally:
        os.close(descriptor)


def _inode(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


@contextmanager
def _refused(database: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StartError(f"the database {database} cannot be opened: {error.strerror}") from None


@contextmanager
def _locked(path: Path, taken: str) -> Iterator[int]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(taken) from None
        yield file.fileno()
