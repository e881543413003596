"""What holder and verifier must agree on: schemas, credentials, requests, presentations and receipts.

No I/O and no clock; randomness only for a request's nonce. Values of this package are frozen and checked in
their constructors: a value that exists is valid. Bytes that are hashed or signed are canonical
(disclosure.canonical).
"""

from disclosure.attributes import AttributeDefinition, AttributeType, Code, LocalizedText, Value
from disclosure.credential import (
    Credential,
    IssuerKey,
    KeyState,
    check_credential,
    check_lifetime,
    civil_date,
    issue,
    issue_bytes,
    issuer_key_name,
)
from disclosure.errors import DisclosureError, MalformedError, Reason, RefusedError, Violation
from disclosure.issuing import Issuing
from disclosure.links import AccountLink, ConsentLink, ErrandLink, ExchangeLink, OfferLink, SendLink
from disclosure.names import (
    AccumulatorName,
    DepartmentName,
    IssuerKeyName,
    PolicyName,
    SchemaName,
    VerifierName,
)
from disclosure.presentation import (
    CredentialPresentation,
    Directory,
    Presentation,
    Shown,
    Statement,
    check_request,
    statements_of,
)
from disclosure.receipt import ReceiptBody
from disclosure.request import ExpiryRule, Query, Request, SignedRequest, open_request, sign_request
from disclosure.revocation import Accumulator, epoch_entry
from disclosure.schema import CredentialForm, Schema

__all__ = [
    "AccountLink",
    "Accumulator",
    "AccumulatorName",
    "AttributeDefinition",
    "AttributeType",
    "Code",
    "ConsentLink",
    "Credential",
    "CredentialForm",
    "CredentialPresentation",
    "DepartmentName",
    "Directory",
    "DisclosureError",
    "ErrandLink",
    "ExchangeLink",
    "ExpiryRule",
    "IssuerKey",
    "IssuerKeyName",
    "Issuing",
    "KeyState",
    "LocalizedText",
    "MalformedError",
    "OfferLink",
    "PolicyName",
    "Presentation",
    "Query",
    "Reason",
    "ReceiptBody",
    "RefusedError",
    "Request",
    "Schema",
    "SchemaName",
    "SendLink",
    "Shown",
    "SignedRequest",
    "Statement",
    "Value",
    "VerifierName",
    "Violation",
    "check_credential",
    "check_lifetime",
    "check_request",
    "civil_date",
    "epoch_entry",
    "issue",
    "issue_bytes",
    "issuer_key_name",
    "open_request",
    "sign_request",
    "statements_of",
]
