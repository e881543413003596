"""The tables, one module a use case.

Times are UTC milliseconds, octets are octets, personal data and secrets are sealed (`keys`). A change here
comes with a migration (`migrations/versions`), and a test compares the two.
"""

from zkservice.storage.tables.accounts import (
    account,
    application,
    appointment,
    appointment_part,
    arrival,
    delivery,
    former_key,
    registration,
)
from zkservice.storage.tables.administration import (
    admin_action,
    admin_action_record,
    administrator,
    given_token,
)
from zkservice.storage.tables.base import log_key, metadata, service_secret
from zkservice.storage.tables.catalog import department, issuer_key, schema, verifier
from zkservice.storage.tables.centre import code_list, item, purpose
from zkservice.storage.tables.consents import consent, consent_exchange, ended_exchange
from zkservice.storage.tables.deliveries import receiving_card, unasked_delivery
from zkservice.storage.tables.errands import (
    errand,
    errand_ask,
    errand_bundle,
    errand_part,
    errand_update,
)
from zkservice.storage.tables.events import event
from zkservice.storage.tables.issuance import composite_offer, due_revocation, holder, offer
from zkservice.storage.tables.ledger import (
    ledger_anchor,
    ledger_block,
    ledger_entry,
    ledger_lease,
    ledger_mark,
    ledger_staged,
    ledger_state,
    ledger_tile,
    outbox,
    outbox_content,
)
from zkservice.storage.tables.master_keys import master_key, server_keys
from zkservice.storage.tables.policies import policy
from zkservice.storage.tables.presentation import answer, exchange, pairing, seen
from zkservice.storage.tables.publication import opening, published_table, regulator
from zkservice.storage.tables.records import push, push_rejection, record
from zkservice.storage.tables.revocation import accumulator, epoch, revocation
from zkservice.storage.tables.running import running_server, schema_rule
from zkservice.storage.tables.sessions import false_answer, session_statement
from zkservice.storage.tables.statistics import open_exchange, over_asking, regulator_access, statistic
from zkservice.storage.tables.tokens import spent_challenge, token_key

__all__ = [
    "account",
    "accumulator",
    "admin_action",
    "admin_action_record",
    "administrator",
    "answer",
    "application",
    "appointment",
    "appointment_part",
    "arrival",
    "code_list",
    "composite_offer",
    "consent",
    "consent_exchange",
    "delivery",
    "department",
    "due_revocation",
    "ended_exchange",
    "epoch",
    "errand",
    "errand_ask",
    "errand_bundle",
    "errand_part",
    "errand_update",
    "event",
    "exchange",
    "false_answer",
    "former_key",
    "given_token",
    "holder",
    "issuer_key",
    "item",
    "ledger_anchor",
    "ledger_block",
    "ledger_entry",
    "ledger_lease",
    "ledger_mark",
    "ledger_staged",
    "ledger_state",
    "ledger_tile",
    "log_key",
    "master_key",
    "metadata",
    "offer",
    "open_exchange",
    "opening",
    "outbox",
    "outbox_content",
    "over_asking",
    "pairing",
    "policy",
    "published_table",
    "purpose",
    "push",
    "push_rejection",
    "receiving_card",
    "record",
    "registration",
    "regulator",
    "regulator_access",
    "revocation",
    "running_server",
    "schema",
    "schema_rule",
    "seen",
    "server_keys",
    "service_secret",
    "session_statement",
    "spent_challenge",
    "statistic",
    "token_key",
    "unasked_delivery",
    "verifier",
]
