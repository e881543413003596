"""The check service's side: one presentation or many, and the verdict that says whom it convinces."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from bbs import BbsError
from bbs.engine import Claim, Verified, verify_batch
from bbs.keyed import KeyedSuite
from disclosure import canonical
from disclosure.composite.verify import refusal
from disclosure.errors import DisclosureError, MalformedError, Reason, RefusedError
from disclosure.keyed.compiler import CompiledKeyed, compile_keyed
from disclosure.keyed.keys import CheckKeys
from disclosure.keyed.presentation import KeyedPresentation, shown_of
from disclosure.keyed.request import DESIGNATED_VERIFIER, KeyedRequest, Schemas
from disclosure.names import VerifierName
from disclosure.presentation import DIGEST_OCTETS, Shown
from disclosure.request import moment_of

_LABEL: Final = "zk-disclosure/keyed-verdict/v1"


@dataclass(frozen=True)
class KeyedClaim:
    """A presentation with the request that it is to answer, and what both are read with."""

    request: KeyedRequest
    presentation: KeyedPresentation
    keys: CheckKeys
    schemas: Schemas
    now: dt.datetime


@dataclass(frozen=True)
class KeyedVerdict:
    """That a presentation holds, what it shows, for whom and when it was checked.

    It says "designated verifier" and cannot say anything else: whoever has the department's key could have
    made presentation and verdict up, so it convinces the department, and those who trust its word, and nobody
    else.
    """

    verifier: VerifierName
    request_digest: bytes = field(repr=False)
    presentation_digest: bytes = field(repr=False)
    checked: dt.datetime
    shown: tuple[Shown, ...]

    def __post_init__(self) -> None:
        for name, octets in (
            ("request_digest", self.request_digest),
            ("presentation_digest", self.presentation_digest),
        ):
            if len(octets) != DIGEST_OCTETS:
                raise MalformedError(Reason.MALFORMED, f"a digest has {DIGEST_OCTETS} octets", field=name)

    @property
    def designated_verifier(self) -> bool:
        """True, of every verdict of this form."""
        return True

    @cached_property
    def canonical(self) -> bytes:
        """The verdict's canonical bytes."""
        return canonical.encode(
            _LABEL, DESIGNATED_VERIFIER, str(self.verifier), self.request_digest, self.presentation_digest,
            int(self.checked.timestamp()), [each.items() for each in self.shown],
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, octets: bytes, schemas: Schemas) -> "KeyedVerdict":
        """Decode canonical bytes with the schemas of what is shown; MalformedError MALFORMED."""
        match canonical.decode(_LABEL, octets):
            case [
                str(says), str(verifier), bytes(request), bytes(presentation), int(checked), list(shown),
            ] if says == DESIGNATED_VERIFIER:  # fmt: skip
                parsed = cls(
                    VerifierName.parse(verifier), request, presentation, moment_of(checked),
                    tuple(shown_of(each, schemas) for each in shown),
                )  # fmt: skip
                if parsed.canonical == octets:
                    return parsed
        raise MalformedError(Reason.MALFORMED, "the octets are no verdict of these schemas")


def verify_keyed_batch(
    claims: Sequence[KeyedClaim], suite: KeyedSuite
) -> list[KeyedVerdict | DisclosureError]:
    """Verify presentations together; a verdict or an error for each, in order, that it gets alone too.

    `suite` has the keyring: only whoever holds the key can do this. All points of all presentations are
    summed first, and each sum is multiplied by its secret key once. Errors: RefusedError REQUEST_MISMATCH,
    PROOF_INVALID, MalformedError PRESENTATION_INVALID, and what `compile_keyed` raises.
    """
    compiled = [_compiled(claim, suite) for claim in claims]
    outcomes = iter(verify_batch([
        Claim(each.statement, each.context, claim.presentation.proof)
        for claim, each in zip(claims, compiled, strict=True)
        if isinstance(each, CompiledKeyed)
    ]))  # fmt: skip
    return [
        _verdict(claim, next(outcomes)) if isinstance(each, CompiledKeyed) else each
        for claim, each in zip(claims, compiled, strict=True)
    ]


def _compiled(claim: KeyedClaim, suite: KeyedSuite) -> CompiledKeyed | DisclosureError:
    try:
        if claim.presentation.request_digest != claim.request.digest:
            raise RefusedError(Reason.REQUEST_MISMATCH, "the presentation answers another request")
        return compile_keyed(
            claim.request, claim.presentation.shown, claim.keys, claim.schemas, suite, claim.now
        )
    except DisclosureError as error:
        return error


def _verdict(claim: KeyedClaim, outcome: Verified | BbsError) -> KeyedVerdict | DisclosureError:
    if isinstance(outcome, BbsError):
        return refusal(outcome)
    request, presentation = claim.request, claim.presentation
    checked = claim.now.replace(microsecond=0)
    return KeyedVerdict(request.verifier, request.digest, presentation.digest, checked, presentation.shown)
