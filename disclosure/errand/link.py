"""The link with which a counter's page lets somebody's vault begin an errand."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from disclosure.errand.bundle import ErrandBundleName
from disclosure.errors import MalformedError, Reason
from disclosure.links import MAX_LENGTH, check_server

_BEGINS: Final = "zk://begin?"
_COLLECTION: Final = "errandBundles/"


@dataclass(frozen=True)
class BundleLink:
    """`zk://begin?...`: a service, and a bundle that is registered there. MalformedError LINK_INVALID.

    It is no secret and names nobody: which errand comes of it, and that errand's ticket, only the vault knows
    that begins it.
    """

    server: str
    bundle: ErrandBundleName

    def __post_init__(self) -> None:
        check_server(self.server)

    def __str__(self) -> str:
        said = {"server": self.server, "bundle": str(self.bundle).removeprefix(_COLLECTION)}
        return f"{_BEGINS}{urlencode(said)}"

    @staticmethod
    def begins(written: str) -> bool:
        """Tell whether something is meant as such a link."""
        return written.startswith(_BEGINS)

    @classmethod
    def parse(cls, link: str) -> "BundleLink":
        """Parse it; MalformedError LINK_INVALID."""
        try:
            said = dict(parse_qsl(urlsplit(link if len(link) <= MAX_LENGTH else "").query))
            parsed = cls(said["server"], ErrandBundleName.parse(f"{_COLLECTION}{said['bundle']}"))
        except (ValueError, KeyError, MalformedError):
            raise _invalid() from None
        if str(parsed) != link:
            raise _invalid()
        return parsed


def _invalid() -> MalformedError:
    detail = f"such a link begins with {_BEGINS} and names a server and a bundle"
    return MalformedError(Reason.LINK_INVALID, detail)
