"""The name under which a log is found at witnesses and mirrors."""

import hashlib


def origin_hash(origin: str) -> str:
    """Return the name under which a log is found at a witness or a mirror."""
    return hashlib.sha256(origin.encode()).hexdigest()
