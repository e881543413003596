"""The keyed form: credentials with a MAC, which the department that issued them checks itself.

    department: keys = publish_keys(...)      of secret keys that only its check service has
    holder:     asked, pending = ask_for_keyed(terms, secret, schema, keys)
    department: issued = issue_keyed(check_keyed_commitment(...), ...)      a MAC and the proof that it is one
    holder:     holding = accept_keyed(pending, issued, secret, schema, keys)
    counter:    request = KeyedRequest(...)              asks the holder, and later the check service
    holder:     presented = present_keyed(request, holdings, secret, keys, schemas, now)
    service:    verdicts = verify_keyed_batch([KeyedClaim(...)], verifying)  holds x; everybody else cannot

What a verdict says holds for the department alone: whoever has its key could have made the presentation up.
That stands in the bytes of request and verdict. Predicates, slots and values are those of the composite form;
what is missing beside it stands in docs/keyed.md. Wants the extra `keyed` (petlib).
"""

from disclosure.keyed.credential import KeyedHolding, KeyedSecret
from disclosure.keyed.issuance import (
    IssuedKeyed,
    PendingKeyed,
    accept_keyed,
    ask_for_keyed,
    check_keyed_commitment,
    issue_keyed,
)
from disclosure.keyed.keys import CURVES, CheckKeys, publish_keys
from disclosure.keyed.present import present_keyed
from disclosure.keyed.presentation import KeyedPresentation
from disclosure.keyed.request import KeyedQuery, KeyedRequest
from disclosure.keyed.verify import KeyedClaim, KeyedVerdict, verify_keyed_batch

__all__ = [
    "CURVES",
    "CheckKeys",
    "IssuedKeyed",
    "KeyedClaim",
    "KeyedHolding",
    "KeyedPresentation",
    "KeyedQuery",
    "KeyedRequest",
    "KeyedSecret",
    "KeyedVerdict",
    "PendingKeyed",
    "accept_keyed",
    "ask_for_keyed",
    "check_keyed_commitment",
    "issue_keyed",
    "present_keyed",
    "publish_keys",
    "verify_keyed_batch",
]
