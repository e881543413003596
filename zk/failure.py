"""From every error to an exit code, a stable reason and one sentence; never a secret, never a traceback."""

import os
import sys
import traceback
from dataclasses import dataclass
from typing import Final

import typer

import bbs
import disclosure
import tlog
from consortium.errors import FolderError, SourceError
from disclosure.written import ValueFormError
from openid.errors import OpenIdError, OpenIdReason
from ordering.light.verifying import OrderError
from verifier.errors import (
    AnswerError,
    DeclinedError,
    ExpiredError,
    FinalError,
    PairingFailedError,
    RecordError,
    TimedOutError,
    VerifierError,
    WithdrawnError,
)
from verifier.strict_yaml import YamlError
from wire.client import ServiceError
from wire.failures import UNTRUSTED
from zk import messages
from zk.catalogue import CatalogueError
from zk.exits import NOT_VERIFIED_REASONS, CommandError, Exit
from zk.messages import Language

_UNREACHABLE: Final = {"UNAVAILABLE": "error.unreachable", "DEADLINE_EXCEEDED": "error.timed_out"}
_SHOWN_CODES: Final = 12
_DECLINED: Final = "DECLINED"
_VAULT_EXITS: Final = {
    _DECLINED: Exit.DECLINED,
    "ANSWER_INVALID": Exit.NOT_VERIFIED,
    "OWN_PROOF_INVALID": Exit.NOT_VERIFIED,
}
"""By `prover.errors.VaultReason`, whose package only the commands of a vault load."""


_OPENID_EXITS: Final = {
    OpenIdReason.EDGE_UNREACHABLE.value: Exit.UNREACHABLE,
    OpenIdReason.DCQL_INVALID.value: Exit.NOT_VERIFIED,
    OpenIdReason.REQUEST_OBJECT_INVALID.value: Exit.NOT_VERIFIED,
    OpenIdReason.CLIENT_NOT_TRUSTED.value: Exit.NOT_VERIFIED,
    OpenIdReason.METADATA_INVALID.value: Exit.NOT_VERIFIED,
    OpenIdReason.EDGE_ANSWER_INVALID.value: Exit.NOT_VERIFIED,
    OpenIdReason.OPENID_URI_INVALID.value: Exit.USAGE,
    OpenIdReason.OFFER_INVALID.value: Exit.USAGE,
}


_EXITS: Final[tuple[tuple[tuple[type[Exception], ...], Exit], ...]] = (
    ((ExpiredError, TimedOutError), Exit.UNREACHABLE),
    ((DeclinedError, WithdrawnError), Exit.REFUSED),
    ((FinalError, PairingFailedError), Exit.REFUSED),
    ((RecordError, AnswerError), Exit.NOT_VERIFIED),
    ((disclosure.MalformedError, CatalogueError, YamlError, VerifierError), Exit.USAGE),
    ((SourceError,), Exit.UNREACHABLE),
    ((FolderError,), Exit.USAGE),
    ((tlog.MalformedError, tlog.VerificationError, OrderError), Exit.NOT_VERIFIED),
    ((bbs.VerificationError, bbs.DecodingError), Exit.NOT_VERIFIED),
)
"""The first that fits counts."""


@dataclass(frozen=True)
class Failure:
    """Why a command failed. `status` is the service's own, where the service refused."""

    exit_code: Exit
    reason: str
    message: str
    status: str = ""
    violations: tuple[tuple[str, str], ...] = ()

    def data(self) -> dict[str, object]:
        """Return the JSON document."""
        return {
            "error": {
                "exit_code": int(self.exit_code),
                "reason": self.reason,
                "status": self.status,
                "message": self.message,
                "fields": [{"field": name, "description": text} for name, text in self.violations],
            }
        }

    def sentence(self) -> str:
        """Return the sentence that a person reads."""
        label = f"{self.status} {self.reason}" if self.status not in {"", self.reason} else self.reason
        fields = "".join(f"\n  {name}: {text}" for name, text in self.violations)
        return f"{self.message} [{label}]{fields}"


@dataclass(frozen=True)
class Way:
    """Where the service was looked for, and whether anybody ever said where it is."""

    server: str = "-"
    configured: bool = True


def explain(error: BaseException, lang: Language, *, way: Way = Way(), full: bool = False) -> Failure:
    """Return what to say of an error. `full` adds the English detail, for scripts, in Chinese too."""
    full = full or _debugging()
    match error:
        case CommandError():
            sentence = messages.text(lang, error.key, **error.values)
            return Failure(error.exit_code, error.reason, sentence)
        case KeyboardInterrupt() | typer.Abort():
            return Failure(Exit.INTERRUPTED, "INTERRUPTED", messages.text(lang, "error.interrupted"))
        case ServiceError():
            return _of_service(error, lang, way, full)
        case ValueFormError():
            return _of_value(error, lang)
        case OSError():
            return _of_system(error, lang)
    return _of_packages(error, lang, full)


def _of_packages(error: BaseException, lang: Language, full: bool) -> Failure:
    """Return what to say of an error that the project's own packages raise, or that nobody foresaw."""
    exit_code = _exit_code(error)
    reason, detail = getattr(error, "reason", ""), getattr(error, "detail", str(error))
    if exit_code is None:
        if _debugging():
            traceback.print_exception(error)
        kind = type(error).__name__
        return Failure(Exit.UNEXPECTED, "UNEXPECTED", messages.text(lang, "error.unexpected", kind=kind))
    field, listed = getattr(error, "field", ""), getattr(error, "violations", ())
    violations = tuple((messages.clean(each.field), messages.clean(each.detail)) for each in listed)
    sentence = _sentence(lang, reason, detail, full, field)
    return Failure(exit_code, reason or "INPUT_INVALID", sentence, violations=violations)


def _debugging() -> bool:
    return os.environ.get("ZK_DEBUG") == "1"


def _sentence(lang: Language, reason: str, detail: str, full: bool, field: str = "") -> str:
    added = messages.clean(added_detail(lang, reason, detail, full))
    if field := messages.clean(field):
        added = f"{field}: {added}" if added else field
    meaning = messages.reason_text(lang, reason, detail)
    if not added:
        return meaning
    return f"{meaning}（{added}）" if lang == "zh" else f"{meaning} ({added})"


def added_detail(lang: Language, reason: str, detail: str, full: bool = False) -> str:
    """Return the detail where it says more than the reason's meaning, and in the language of the reader."""
    meaning = messages.reason_text(lang, reason, detail)
    if reason == _DECLINED:  # to the person who has just said no, the detail is the same again
        return ""
    if _plain(detail) in _plain(meaning) or (lang != "en" and not full):
        return ""
    return detail


def _plain(text: str) -> str:
    return messages.clean(text).casefold().rstrip(".")


def _exit_code(error: BaseException) -> Exit | None:
    """Return the exit code of an error that the project's own packages raise, None for any other."""
    if _is_of_vault(error):
        return _VAULT_EXITS.get(getattr(error, "reason", ""), Exit.REFUSED)
    if isinstance(error, OpenIdError):
        return _OPENID_EXITS.get(error.reason, Exit.REFUSED)
    if isinstance(error, disclosure.RefusedError):
        return Exit.NOT_VERIFIED if error.reason in NOT_VERIFIED_REASONS else Exit.REFUSED
    return next((code for kinds, code in _EXITS if isinstance(error, kinds)), None)


def _is_of_vault(error: BaseException) -> bool:
    """Tell whether the vault raised an error, which it cannot have done where it was never loaded."""
    errors = sys.modules.get("prover.errors")
    return errors is not None and isinstance(error, errors.VaultError)


def _of_service(error: ServiceError, lang: Language, way: Way, full: bool) -> Failure:
    status = error.code.name
    violations = tuple((messages.clean(v.field), messages.clean(v.description)) for v in error.violations)
    if error.reason in _UNREACHABLE:
        sentence = _not_reached(error, lang, way)
    else:
        sentence = _sentence(lang, error.reason, error.detail, full)
    exit_code = Exit.UNREACHABLE if status in _UNREACHABLE else Exit.REFUSED
    return Failure(exit_code, error.reason, sentence, status, violations)


def _not_reached(error: ServiceError, lang: Language, way: Way) -> str:
    key = _UNREACHABLE[error.reason]
    if key == "error.unreachable" and any(each in error.detail for each in UNTRUSTED):
        key = "error.untrusted"
    sentence = messages.text(lang, key, server=way.server)
    hint = "" if way.configured else messages.text(lang, "error.no_server_configured")
    return sentence + hint if lang == "zh" or not hint else f"{sentence} {hint}"


def _of_value(error: ValueFormError, lang: Language) -> Failure:
    definition = error.definition
    name = messages.local(lang, definition.display_name)
    bracketed = "{}（{}）" if lang == "zh" else "{} ({})"
    codes = [
        bracketed.format(each.code, messages.local(lang, each.display_name)) for each in definition.codes
    ]
    if not codes:
        sentence = messages.text(lang, "error.value_form", id=definition.id, name=name, form=error.form)
    else:
        key = "error.value_code" if len(codes) <= _SHOWN_CODES else "error.value_code_of_many"
        shown = ("、" if lang == "zh" else ", ").join(codes[:_SHOWN_CODES])
        sentence = messages.text(
            lang, key, id=definition.id, name=name, codes=shown, system=definition.code_system,
            count=len(codes),
        )  # fmt: skip
    return Failure(Exit.USAGE, error.reason, sentence)


def _of_system(error: OSError, lang: Language) -> Failure:
    sentence = messages.text(
        lang, "error.system", path=error.filename or "-", problem=error.strerror or type(error).__name__
    )
    return Failure(Exit.USAGE, "FILE_UNUSABLE", sentence)
