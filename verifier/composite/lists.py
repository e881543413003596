"""Lists of codes as policies name them: by what they say, or as whatever their owner has published last.

    in_list: {owner: departments/education, code_system: GB/T 2260, digest: 5f0c...}   # this very list
    in_list: {owner: departments/big-data, code_system: GB/T 2260}                     # the newest one

An owner publishes many lists of one code system: each school's catchment is one. So a policy that means one
of them says which: `digest` is that of its owner, code system and codes (`disclosure.composite.contents_of`),
64 hexadecimal digits, which `zk issuer codes` tells. Either way the registered policy holds the digest of the
published table itself, and a request that names another is refused as OVER_ASKING.
"""

import re
from dataclasses import dataclass
from typing import Final, Protocol

from disclosure import DepartmentName, MalformedError, Reason, VerifierName
from disclosure.composite import PublishedCodeList
from verifier.composite.nodes import Node, at

_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class ListReader(Protocol):
    """What reads published lists."""

    def newest_list(self, owner: str, code_system: str) -> PublishedCodeList | None:
        """Return an owner's newest list of a code system."""
        ...

    def first_list(self, owner: str, code_system: str, contents: bytes) -> PublishedCodeList | None:
        """Return an owner's list of these contents, the first that was published."""
        ...


@dataclass(frozen=True)
class NamedList:
    """A list that a policy names: whose, of which code system, and its contents by digest if it says so."""

    owner: str
    code_system: str
    contents: bytes | None = None

    @classmethod
    def read(cls, node: Node) -> "NamedList":
        """Read it; PolicyError."""
        fields = node.fields(("owner", "code_system"), ("digest",))
        contents = fields["digest"].read(_digest) if "digest" in fields else None
        return cls(fields["owner"].read(read_owner), fields["code_system"].text(), contents)

    def find(self, reader: ListReader, node: Node) -> PublishedCodeList:
        """Return the published list that is named at a node; PolicyError if there is none."""
        with at(node.place):
            if self.contents is None:
                found = reader.newest_list(self.owner, self.code_system)
            else:
                found = reader.first_list(self.owner, self.code_system, self.contents)
        if found is None:
            which = "no list" if self.contents is None else "no list of these contents"
            raise node.refuse(f"{self.owner} has published {which} of {self.code_system}")
        return found


def read_owner(written: str) -> str:
    """Read whose a table or a list is: `departments/...` or `verifiers/...`; MalformedError NAME_INVALID."""
    kind = VerifierName if written.startswith("verifiers/") else DepartmentName
    return str(kind.parse(written))


def _digest(written: str) -> bytes:
    if not _DIGEST.fullmatch(written):
        raise MalformedError(Reason.VALUE_INVALID, "the digest of a list's contents has 64 digits 0-9a-f")
    return bytes.fromhex(written)
