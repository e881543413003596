"""The tables, one module a use case.

Times are UTC milliseconds, octets are octets, personal data and secrets are sealed (`keys`). A change here
comes with a migration (`migrations/versions`), and a test compares the two.
"""

from zkservice.storage.tables.base import metadata, service_secret
from zkservice.storage.tables.catalog import department, issuer_key, schema, verifier
from zkservice.storage.tables.events import event
from zkservice.storage.tables.issuance import composite_offer, due_revocation, holder, offer
from zkservice.storage.tables.ledger import (
    ledger_block,
    ledger_entry,
    ledger_staged,
    ledger_state,
    ledger_tile,
    outbox,
)
from zkservice.storage.tables.presentation import answer, exchange, seen
from zkservice.storage.tables.publication import opening, published_table, regulator
from zkservice.storage.tables.revocation import accumulator, epoch, revocation

__all__ = [
    "accumulator",
    "answer",
    "composite_offer",
    "department",
    "due_revocation",
    "epoch",
    "event",
    "exchange",
    "holder",
    "issuer_key",
    "ledger_block",
    "ledger_entry",
    "ledger_staged",
    "ledger_state",
    "ledger_tile",
    "metadata",
    "offer",
    "opening",
    "outbox",
    "published_table",
    "regulator",
    "revocation",
    "schema",
    "seen",
    "service_secret",
    "verifier",
]
