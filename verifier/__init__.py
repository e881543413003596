"""The relying party: asks by a policy, verifies the answer, keeps a record that can be checked for years.

`verify` judges a presentation; the service uses it too. `policy`, `keys`, `record` and `audit` know files and
no network; `composite` has policies and records of the composite form, `forms` reads files of either,
`unique` notes pseudonyms that may come once. Only `client` talks gRPC, and is imported by its own name.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from verifier.anchoring import AnyRecord, Kept, anchored_kept, is_anchored, recheck_kept
    from verifier.audit import audit_receipt, receipt_body
    from verifier.composite.checking import check_composite_policy
    from verifier.composite.foreign import Counterpart
    from verifier.composite.joint import JointScopeFile
    from verifier.composite.policy import CompositePolicy
    from verifier.composite.rechecking import CompositeRechecked, recheck_composite
    from verifier.composite.record import CompositeRecord
    from verifier.errors import (
        AlreadySeenError,
        AnswerError,
        DeclinedError,
        ExpiredError,
        KeyFileError,
        PairingFailedError,
        PolicyError,
        RecordError,
        RegisterError,
        TimedOutError,
        VerifierError,
        VerifierReason,
        WithdrawnError,
    )
    from verifier.forms import load_kept, load_policy, load_record, parse_kept, parse_policy, parse_record
    from verifier.policy import Policy, check_policy
    from verifier.record import Rechecked, Record, recheck
    from verifier.registering import registered_policy
    from verifier.unique import PseudonymRegister
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
    "AlreadySeenError",
    "AnswerError",
    "AnyRecord",
    "Claim",
    "CompositePolicy",
    "CompositeRechecked",
    "CompositeRecord",
    "Counterpart",
    "DeclinedError",
    "ExpiredError",
    "JointScopeFile",
    "Kept",
    "KeyFileError",
    "PairingFailedError",
    "Policy",
    "PolicyError",
    "PseudonymRegister",
    "Rechecked",
    "Record",
    "RecordError",
    "RegisterError",
    "TimedOutError",
    "VerifiedCredential",
    "VerifiedPresentation",
    "VerifierError",
    "VerifierReason",
    "WithdrawnError",
    "anchored_kept",
    "audit_receipt",
    "check_composite_policy",
    "check_policy",
    "is_anchored",
    "load_kept",
    "load_policy",
    "load_record",
    "parse_kept",
    "parse_policy",
    "parse_record",
    "receipt_body",
    "recheck",
    "recheck_composite",
    "recheck_kept",
    "registered_policy",
    "required_names",
    "schema_names",
    "verify_presentation",
    "verify_presentations",
]

_WHERE: Final = {
    "verifier.anchoring": ("AnyRecord", "Kept", "anchored_kept", "is_anchored", "recheck_kept"),
    "verifier.audit": ("audit_receipt", "receipt_body"),
    "verifier.composite.checking": ("check_composite_policy",),
    "verifier.composite.foreign": ("Counterpart",),
    "verifier.composite.joint": ("JointScopeFile",),
    "verifier.composite.policy": ("CompositePolicy",),
    "verifier.composite.rechecking": ("CompositeRechecked", "recheck_composite"),
    "verifier.composite.record": ("CompositeRecord",),
    "verifier.errors": (
        "AlreadySeenError",
        "AnswerError",
        "DeclinedError",
        "ExpiredError",
        "KeyFileError",
        "PairingFailedError",
        "PolicyError",
        "RecordError",
        "RegisterError",
        "TimedOutError",
        "VerifierError",
        "VerifierReason",
        "WithdrawnError",
    ),
    "verifier.forms": (
        "load_kept",
        "load_policy",
        "load_record",
        "parse_kept",
        "parse_policy",
        "parse_record",
    ),
    "verifier.policy": ("Policy", "check_policy"),
    "verifier.record": ("Rechecked", "Record", "recheck"),
    "verifier.registering": ("registered_policy",),
    "verifier.unique": ("PseudonymRegister",),
    "verifier.verify": (
        "Claim",
        "VerifiedCredential",
        "VerifiedPresentation",
        "required_names",
        "schema_names",
        "verify_presentation",
        "verify_presentations",
    ),
}
"""Which module has which names. It is loaded when one of them is asked for: most need one part."""
_MODULES: Final = {name: module for module, names in _WHERE.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load what is asked for; AttributeError if there is no such name."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value
