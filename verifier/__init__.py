"""The relying party: asks by a policy, verifies the answer, keeps a record that can be checked for years.

`verify` judges a presentation; the service uses it too. `policy`, `keys`, `record` and `audit` know files and
no network. Only `client` talks gRPC, and is imported by its own name.
"""

from verifier.audit import audit_receipt, receipt_body
from verifier.errors import (
    AnswerError,
    ExpiredError,
    KeyFileError,
    PolicyError,
    RecordError,
    TimedOutError,
    VerifierError,
    VerifierReason,
)
from verifier.policy import Policy, check_policy
from verifier.record import Rechecked, Record, recheck
from verifier.verify import (
    Claim,
    VerifiedCredential,
    VerifiedPresentation,
    required_names,
    schema_names,
    verify_presentation,
    verify_presentations,
)

__all__ = [
    "AnswerError",
    "Claim",
    "ExpiredError",
    "KeyFileError",
    "Policy",
    "PolicyError",
    "Rechecked",
    "Record",
    "RecordError",
    "TimedOutError",
    "VerifiedCredential",
    "VerifiedPresentation",
    "VerifierError",
    "VerifierReason",
    "audit_receipt",
    "check_policy",
    "receipt_body",
    "recheck",
    "required_names",
    "schema_names",
    "verify_presentation",
    "verify_presentations",
]
