"""From every error to an exit code, a stable reason and one sentence; never a secret, never a traceback."""

import os
import traceback
from dataclasses import dataclass
from typing import Final

import typer

import bbs
import disclosure
import tlog
from prover.errors import VaultError, VaultReason
from verifier.errors import AnswerError, ExpiredError, RecordError, TimedOutError, VerifierError
from verifier.strict_yaml import YamlError
from wire.client import ServiceError
from zk import messages
from zk.catalogue import CatalogueError
from zk.exits import NOT_VERIFIED_REASONS, CommandError, Exit
from zk.messages import Language

_UNREACHABLE: Final = {"UNAVAILABLE": "error.unreachable", "DEADLINE_EXCEEDED": "error.timed_out"}
_VAULT_EXITS: Final = {
    VaultReason.DECLINED.value: Exit.DECLINED,
    VaultReason.ANSWER_INVALID.value: Exit.NOT_VERIFIED,
    VaultReason.OWN_PROOF_INVALID.value: Exit.NOT_VERIFIED,
}


_EXITS: Final[tuple[tuple[tuple[type[Exception], ...], Exit], ...]] = (
    ((ExpiredError, TimedOutError), Exit.UNREACHABLE),
    ((RecordError, AnswerError), Exit.NOT_VERIFIED),
    ((disclosure.MalformedError, CatalogueError, YamlError, VerifierError), Exit.USAGE),
    ((tlog.MalformedError, tlog.VerificationError), Exit.NOT_VERIFIED),
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


def explain(error: BaseException, lang: Language) -> Failure:
    """Return what to say of an error."""
    match error:
        case CommandError():
            sentence = messages.text(lang, error.key, **error.values)
            return Failure(error.exit_code, error.reason, sentence)
        case ServiceError():
            return _of_service(error, lang)
        case KeyboardInterrupt() | typer.Abort():
            return Failure(Exit.INTERRUPTED, "INTERRUPTED", messages.text(lang, "error.interrupted"))
        case OSError():
            return _of_system(error, lang)
    exit_code = _exit_code(error)
    reason, detail = getattr(error, "reason", ""), getattr(error, "detail", str(error))
    if exit_code is None:
        if os.environ.get("ZK_DEBUG") == "1":
            traceback.print_exception(error)
        kind = type(error).__name__
        return Failure(Exit.UNEXPECTED, "UNEXPECTED", messages.text(lang, "error.unexpected", kind=kind))
    field = getattr(error, "field", "")
    return Failure(exit_code, reason or "INPUT_INVALID", _sentence(lang, reason, detail, field))


def _sentence(lang: Language, reason: str, detail: str, field: str = "") -> str:
    meaning = messages.reason_text(lang, reason, detail)
    detail = f"{field}: {detail}" if field else detail
    return meaning if meaning == messages.clean(detail) else f"{meaning} ({messages.clean(detail)})"


def _exit_code(error: BaseException) -> Exit | None:
    """Return the exit code of an error that the project's own packages raise, None for any other."""
    if isinstance(error, VaultError):
        return _VAULT_EXITS.get(error.reason, Exit.REFUSED)
    if isinstance(error, disclosure.RefusedError):
        return Exit.NOT_VERIFIED if error.reason in NOT_VERIFIED_REASONS else Exit.REFUSED
    return next((code for kinds, code in _EXITS if isinstance(error, kinds)), None)


def _of_service(error: ServiceError, lang: Language) -> Failure:
    status = error.code.name
    violations = tuple((messages.clean(v.field), messages.clean(v.description)) for v in error.violations)
    if error.reason in _UNREACHABLE:
        sentence = messages.text(lang, _UNREACHABLE[error.reason])
    else:
        sentence = _sentence(lang, error.reason, error.detail)
    exit_code = Exit.UNREACHABLE if status in _UNREACHABLE else Exit.REFUSED
    return Failure(exit_code, error.reason, sentence, status, violations)


def _of_system(error: OSError, lang: Language) -> Failure:
    sentence = messages.text(
        lang, "error.system", path=error.filename or "-", problem=error.strerror or type(error).__name__
    )
    return Failure(Exit.USAGE, "FILE_UNUSABLE", sentence)
