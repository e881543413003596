"""What may be said of who calls, in logs: the kind of what it showed, never whose it is."""

from zkservice.observing.request_ids import Metadata

BEARER = "bearer"
NONE = "none"


def role_of(metadata: Metadata) -> str:
    """Return `bearer` for a call that brings a token, whatever that is worth, else `none`."""
    return BEARER if any(name == "authorization" for name, _ in metadata) else NONE
