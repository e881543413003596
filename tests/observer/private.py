"""What an observer must not find: collected from the vaults, verifiers and departments after the story.

What is secret must be nowhere. What has a public name, as a department or a verifier that is registered,
stands in its record, and must be nowhere else.
"""

import datetime as dt
import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from disclosure import SchemaName, Value
from disclosure.composite import CompositePresentation
from prover import Usage, Vault
from prover.composite.records import HeldComposite
from prover.events import Event
from tests.observer.linking import Needles
from tlog import ProofFile, ReceiptOpening, Verifier

_PUBLIC = {"holder_note", "note_hash", "receipt", "call", "told", "log"}
"""Fields of what a vault keeps that are on the ledger by nature, or hold such: a note, its hash, proofs; and
the octets of whole calls, whose parts are looked at one by one."""
_LEAST = 1 << 32
"""Smaller numbers are everywhere."""


class Secrets:
    """Two sets of needles: `secret`, and `named`, which has these and the names."""

    def __init__(self) -> None:
        self.secret = Needles()
        self.named = Needles(self.secret)
        self.openings = list[ReceiptOpening]()

    def of_person(self, number: str, values: Mapping[str, Value]) -> None:
        """Look for a person's number, and for all values that are octets or texts."""
        self.secret.add(number, *(each for each in values.values() if isinstance(each, bytes | str)))

    def of_vault(self, vault: Vault, logs: Iterable[Verifier]) -> None:
        """Look for keys, credentials, uses, events, and whatever else the vault holds."""
        keys, secret = vault.keys, vault.composite.contents().secret
        assert secret is not None
        self.secret.add(keys.recovery_secret(), keys._tags, keys._consents, secret.to_octets_secret())
        self.secret.add(*(each.credential.signature for each in vault.credentials()))
        for held in vault.composite.credentials():
            self._of_credential(held)
        for usage in vault.usages():
            self._of_usage(usage)
        for event in vault.events():
            self.secret.add(event.id, event.request_id, event.note.digest)
        for consent in vault.consents.all():
            for log in logs:
                key = keys.consent_key(str(log), f"consents/{consent.link.id}", consent.terms.digest)
                self.secret.add(key.private_bytes_raw(), key.public_key().public_bytes_raw())
        written: list[Usage | Event] = [*vault.usages(), *vault.events()]
        for each in written:
            self._of_leaf(vault, each.holder_note, each.receipt or b"")
        kept = (
            vault.credentials(), vault.composite.credentials(), vault.usages(), vault.events(),
            vault.consents.all(), vault.errands.all(), vault.deliveries.sent(),
        )  # fmt: skip
        self.named.add(*_walk(kept), labelled=False)

    def _of_credential(self, held: HeldComposite) -> None:
        credential, standing = held.credential, held.standing
        self.secret.add(credential.handle.to_bytes(32), credential.blind.to_bytes(32), credential.signature)
        if standing is not None:
            self.secret.add(standing.witness.to_octets_secret())
            self.named.add(standing.epoch.octets, standing.accumulator.record())

    def _of_usage(self, usage: Usage) -> None:
        answer, request, presentation = usage.answer, usage.request, usage.presentation
        self.secret.add(usage.id, usage.request_id, usage.link.id, usage.link.secret)
        self.secret.add(usage.signed_request.signature, request.digest, request.nonce)
        self.secret.add(presentation.digest, answer.usage_tag)
        self.named.add(usage.request_payload)
        if isinstance(presentation, CompositePresentation):
            self.secret.add(presentation.proof)
        else:
            self.secret.add(*(each.proof for each in presentation.credentials))

    def _of_leaf(self, vault: Vault, note: bytes, receipt: bytes) -> None:
        """Look for what a note says, and for what opens a leaf."""
        plain = vault.keys.open_note(note)
        opening = ReceiptOpening.parse(ProofFile.parse(receipt).extra or b"")
        assert plain is not None
        self.secret.add(opening.salt)
        self.named.add(plain.rstrip(b"\x00"), opening.body)
        self.openings.append(opening)

    def of_place(self, keys: Mapping[str, Any], tokens: Mapping[str, str], admin: str) -> None:
        """Look for the verifiers' keys, secret and public, and for tokens."""
        self.secret.add(admin, *tokens.values(), *(each.private_bytes_raw() for each in keys.values()))
        self.named.add(*keys, *(each.public_key().public_bytes_raw() for each in keys.values()))

    def of_names(self, *names: SchemaName | str) -> None:
        """Look for what is called so: departments, items, verifiers."""
        for each in names:
            if isinstance(each, SchemaName):
                self.named.add(str(each), each.department, f"departments/{each.department}", each.item)
            else:
                self.named.add(each, f"verifiers/{each}")


def _walk(thing: Any) -> Iterator[bytes | str | int]:
    """Give all octets, texts and numbers of whatever is kept, but for what is public."""
    match thing:
        case enum.Enum() | bool() | None | b"" | "":
            return
        case bytes() | str():
            yield thing
        case int() if thing >= _LEAST:
            yield thing
        case dt.datetime():
            yield int(thing.timestamp() * 1000)
        case _:
            for each in _within(thing):
                yield from _walk(each)


def _within(thing: Any) -> Iterator[Any]:
    if isinstance(thing, Mapping):
        yield from thing.items()
    elif isinstance(thing, tuple | list | frozenset | set):
        yield from thing
    elif is_dataclass(thing):
        yield from (getattr(thing, each.name) for each in fields(thing) if each.name not in _PUBLIC)
