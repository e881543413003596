"""Addresses to listen on, as they are written on the command line."""

from zk.exits import CommandError, Exit


def listen_address(written: str) -> tuple[str, int]:
    """Return the host and the port of HOST:PORT, where port 0 lets the system choose; CommandError USAGE."""
    host, colon, port = written.rpartition(":")
    if not colon or not port.isascii() or not port.isdecimal() or int(port) > 0xFFFF:
        raise CommandError(Exit.USAGE, "ADDRESS_MALFORMED", "error.listen_address", address=written)
    return host.strip("[]") or "127.0.0.1", int(port)
