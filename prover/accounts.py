"""Accounts in the vault: the key that a department's code binds to whoever holds the vault.

State rules: key and code are stored before anything is sent, so that a registration that broke off is gone on
with under the same key. Once it is registered an older account at the same service is forgotten: its key is
nobody's any more. The code, which is good for nothing then, tells that the same is asked again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from disclosure import AccountLink
from disclosure.canonical import Item
from prover.errors import ContentError, VaultReason
from prover.records import Kind, head_of, malformed, pack, unpack
from prover.shelf import Records, Shelf

SubjectKind = Literal["person", "company"]
_KEY_OCTETS: Final = 32


@dataclass(frozen=True)
class Account:
    """An account at a service, by the `link` of a department; `name` is "" until it is registered.

    `number` is the owner's ID number or the company's code, `seen` the position of the last arrival.
    """

    id: str
    kind: SubjectKind
    number: str = field(repr=False)
    seed: bytes = field(repr=False)
    link: AccountLink = field(repr=False)
    name: str = ""
    seen: int = 0

    @property
    def server(self) -> str:
        """The service that it is at."""
        return self.link.server

    @property
    def key(self) -> Ed25519PrivateKey:
        """Its key."""
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @property
    def public_key(self) -> bytes:
        """Its public key: 32 octets."""
        return self.key.public_key().public_bytes_raw()

    def octets(self) -> bytes:
        """Return what is sealed."""
        head: list[Item] = [
            Kind.ACCOUNT.value, self.kind, self.number, str(self.link), self.name, self.seen,
        ]  # fmt: skip
        return pack(head, self.seed)


def account_of(record_id: str, octets: bytes) -> Account:
    """Decode an account's record; MalformedError."""
    head, *parts = unpack(octets)
    match head_of(head), parts:
        case [
            [Kind.ACCOUNT, ("person" | "company") as kind, str(number), str(link), str(name), int(seen)],
            [seed],
        ] if len(seed) == _KEY_OCTETS:
            return Account(record_id, kind, number, seed, AccountLink.parse(link), name, seen)
    raise malformed()


class Accounts:
    """The part of a vault that holds accounts; `Vault.accounts` gives it."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def all(self) -> list[Account]:
        """Return the registered accounts."""
        with self._shelf.reading() as records:
            return [each for each in _all(records) if each.name]

    def at(self, server: str) -> Account:
        """Return the account at a service; ContentError ACCOUNT_NOT_FOUND."""
        for each in self.all():
            if each.server == server:
                return each
        raise ContentError(VaultReason.ACCOUNT_NOT_FOUND, "the vault has no account at this service")

    def signer(self, account: str) -> Callable[[bytes], bytes]:
        """Return what signs for an account, by its resource name; ContentError ACCOUNT_NOT_FOUND."""
        for each in self.all():
            if each.name == account:
                return each.key.sign
        raise ContentError(VaultReason.ACCOUNT_NOT_FOUND, "the vault has no such account")

    def begin(self, link: AccountLink, kind: SubjectKind, number: str) -> Account:
        """Store a fresh key for a code before it is sent; what is under way for the same is gone on with."""
        with self._shelf.writing() as records:
            for each in _all(records):
                if (each.link, each.kind, each.number) == (link, kind, number):
                    return each
            seed = self._shelf.rng(_KEY_OCTETS)
            made = Account(self._shelf.new_id(), kind, number, seed, link)
            records.put(made)
        return made

    def finish(self, account_id: str, name: str) -> Account:
        """Write down an account's name; ContentError ACCOUNT_NOT_FOUND."""
        with self._shelf.writing() as records:
            made = _one(records, account_id)
            for each in _all(records):
                if each.server == made.server and each.id != made.id and each.name:
                    records.delete(each.id)
            registered = replace(made, name=name)
            records.put(registered)
        return registered

    def forget(self, account_id: str) -> None:
        """Forget a key that the service has refused to register; a registered one stays."""
        with self._shelf.writing() as records:
            if not _one(records, account_id).name:
                records.delete(account_id)

    def saw(self, account_id: str, position: int) -> None:
        """Write down how far the inbox was told; ContentError ACCOUNT_NOT_FOUND."""
        with self._shelf.writing() as records:
            account = _one(records, account_id)
            records.put(replace(account, seen=max(account.seen, position)))


def _all(records: Records) -> list[Account]:
    return sorted(records.all(Kind.ACCOUNT, account_of), key=lambda each: each.id)


def _one(records: Records, account_id: str) -> Account:
    return records.one(account_id, Kind.ACCOUNT, account_of, VaultReason.ACCOUNT_NOT_FOUND)
