"""Scopes that several verifiers share, in a file that goes round among them until everyone has signed.

    label: enrolment-2026
    purpose: {zh: 入学登记查重, en: One enrolment for each child}
    members: [verifiers/school-3, verifiers/school-4]
    suite: BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_    # that of the departments' keys
    signatures:
      verifiers/school-3: 64 octets in hexadecimal digits
      verifiers/school-4: ...

What is signed is the scope's canonical bytes, so a change of anything above makes the signatures void.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import LocalizedText, VerifierName
from disclosure.composite import JointScope, SignedJointScope
from verifier import files, strict_yaml
from verifier.composite.nodes import Node, at, check_once
from verifier.errors import PolicyError

MAX_SCOPE_OCTETS: Final = 1 << 16


@dataclass(frozen=True)
class JointScopeFile:
    """A joint scope with the signatures that it has so far, by its members."""

    scope: JointScope
    signatures: Mapping[VerifierName, bytes]

    def signed_by(self, member: VerifierName, key: Ed25519PrivateKey) -> "JointScopeFile":
        """Return it with a member's signature; PolicyError if the verifier is no member."""
        if member not in self.scope.members:
            raise PolicyError(f"{member} is no member of the scope", field="members")
        return replace(self, signatures={**self.signatures, member: self.scope.sign(key)})

    def complete(self) -> SignedJointScope:
        """Return the scope that all members have signed; PolicyError names the first who has not."""
        for each in self.scope.members:
            if each not in self.signatures:
                raise PolicyError(f"{each} has not signed the scope yet", field="signatures")
        with at("signatures"):
            return SignedJointScope(self.scope, tuple(self.signatures[each] for each in self.scope.members))

    def to_bytes(self) -> bytes:
        """Return the file."""
        return yaml.safe_dump(
            {
                "label": self.scope.label,
                "purpose": {"zh": self.scope.purpose.zh, "en": self.scope.purpose.en},
                "members": [str(each) for each in self.scope.members],
                "suite": self.scope.suite,
                "signatures": {
                    str(each): self.signatures[each].hex()
                    for each in self.scope.members
                    if each in self.signatures
                },
            },
            allow_unicode=True,
            sort_keys=False,
        ).encode()

    @classmethod
    def parse(cls, octets: bytes) -> "JointScopeFile":
        """Read the file's octets; PolicyError."""
        try:
            root = Node(strict_yaml.parse(octets, text_only=True))
        except strict_yaml.YamlError as error:
            raise PolicyError(str(error)) from None
        fields = root.fields(("label", "purpose", "members", "suite"), ("signatures",))
        members = fields["members"].items()
        names = [each.read(VerifierName.parse) for each in members]
        check_once(members, names, "a member")
        with at("", inner=True):
            purpose, ordered = purpose_of(fields["purpose"]), tuple(sorted(names, key=str))
            scope = JointScope(fields["label"].text(), purpose, ordered, fields["suite"].text())
        signatures = (
            fields["signatures"].fields((), [str(each) for each in names]) if "signatures" in fields else {}
        )
        return cls(scope, {VerifierName.parse(name): _octets(each) for name, each in signatures.items()})

    @classmethod
    def load(cls, path: Path) -> "JointScopeFile":
        """Read a file; PolicyError, also for one that cannot be read."""
        try:
            return cls.parse(files.read(path, MAX_SCOPE_OCTETS))
        except OSError as error:
            raise PolicyError(f"the file cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise PolicyError(str(error)) from None


def purpose_of(node: Node) -> LocalizedText:
    """Read a purpose in two languages; PolicyError."""
    fields = node.fields(("zh", "en"))
    with at(node.place, inner=True):
        return LocalizedText(fields["zh"].text(), fields["en"].text())


def _octets(node: Node) -> bytes:
    try:
        octets = bytes.fromhex(node.text())
    except ValueError:
        octets = b""
    if octets.hex() != node.value or len(octets) != 64:
        raise node.refuse("a signature has 128 hexadecimal digits")
    return octets
