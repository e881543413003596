"""The holder: a vault for credentials, consent in plain words, proofs of no more than was asked, a history.

A person's walk: `Vault.open`, `plan` a request, `consent_of` the plan, ask the person, `present`, store the
use with `Vault.begin_usage`, send it, and `check_usage` the receipt, now and whenever wanted, offline. In the
composite form these are `plan_composite`, `composite_consent_of` and `present_plan`; everything else is the
same. Only `client` talks gRPC and is imported by its own name, as is `following`, which keeps witnesses at
the newest epoch; `client.HolderClient.answer` is the whole walk of either form.
"""

from prover.composite.branches import BranchPlan, Lacking
from prover.composite.lacking import lacking_lines
from prover.composite.planning import CompositePlan, NothingFitsError, plan_composite
from prover.composite.presenting import PreparedComposite, present_for_issuance, present_plan
from prover.composite.records import Held, HeldComposite, PendingClaim, Standing, TrustedRegulator
from prover.composite.sentences import claim_lines, composite_lines
from prover.composite.telling import (
    ClaimConsent,
    CompositeConsent,
    ToldAttribute,
    ToldCredential,
    Treatment,
    composite_consent_of,
    told_of,
)
from prover.composite.vault import CompositeVault, Contents
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
from prover.history import OpenedUse, check_usage, opened_uses
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
from prover.records import Claim, FetchedRequest, HeldCredential
from prover.sealing import MIN_PASSPHRASE, Cost, VaultKeys
from prover.usages import Usage, UsageState
from prover.vault import Vault

__all__ = [
    "MIN_PASSPHRASE",
    "BranchPlan",
    "Claim",
    "ClaimConsent",
    "ClientError",
    "CompositeConsent",
    "CompositePlan",
    "CompositeVault",
    "Consent",
    "ConsentCredential",
    "ConsentLine",
    "ContentError",
    "Contents",
    "Cost",
    "FetchedRequest",
    "Held",
    "HeldComposite",
    "HeldCredential",
    "Lack",
    "Lacking",
    "Language",
    "Missing",
    "NoteSummary",
    "NothingFitsError",
    "OpenedUse",
    "Option",
    "PassphraseError",
    "PendingClaim",
    "Plan",
    "PreparedComposite",
    "PreparedPresentation",
    "PresentingError",
    "Revealed",
    "Standing",
    "Style",
    "ToldAttribute",
    "ToldCredential",
    "Treatment",
    "TrustedRegulator",
    "Usage",
    "UsageState",
    "Vault",
    "VaultError",
    "VaultFileError",
    "VaultKeys",
    "VaultReason",
    "check_usage",
    "claim_lines",
    "composite_consent_of",
    "composite_lines",
    "consent_lines",
    "consent_of",
    "lacking_lines",
    "opened_uses",
    "plan",
    "plan_composite",
    "present",
    "present_for_issuance",
    "present_plan",
    "show_value",
    "told_of",
]
