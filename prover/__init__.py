"""The holder: a vault for credentials, consent in plain words, proofs of no more than was asked, a history.

A person's walk: `Vault.open`, `plan` a request, `consent_of` the plan, ask the person, `present`, store the
use with `Vault.begin_usage`, send it, and `check_usage` the receipt, now and whenever wanted, offline. Only
`client` talks gRPC and is imported by its own name; `client.HolderClient.answer` is the whole walk.
"""

from prover.consent import ConsentLine, Language, Style, consent_lines, show_value
from prover.errors import (
    ClientError,
    ContentError,
    PassphraseError,
    PresentingError,
    VaultError,
    VaultFileError,
    VaultReason,
)
from prover.history import check_usage
from prover.notes import NoteSummary
from prover.present import (
    Consent,
    ConsentCredential,
    Lack,
    Missing,
    Option,
    Plan,
    PreparedPresentation,
    Revealed,
    consent_of,
    plan,
    present,
)
from prover.records import Claim, FetchedRequest, HeldCredential, Usage, UsageState
from prover.sealing import MIN_PASSPHRASE, Cost, VaultKeys
from prover.vault import Vault

__all__ = [
    "MIN_PASSPHRASE",
    "Claim",
    "ClientError",
    "Consent",
    "ConsentCredential",
    "ConsentLine",
    "ContentError",
    "Cost",
    "FetchedRequest",
    "HeldCredential",
    "Lack",
    "Language",
    "Missing",
    "NoteSummary",
    "Option",
    "PassphraseError",
    "Plan",
    "PreparedPresentation",
    "PresentingError",
    "Revealed",
    "Style",
    "Usage",
    "UsageState",
    "Vault",
    "VaultError",
    "VaultFileError",
    "VaultKeys",
    "VaultReason",
    "check_usage",
    "consent_lines",
    "consent_of",
    "plan",
    "present",
    "show_value",
]
