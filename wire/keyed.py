"""What a counter, the department's staff and holders ask of a check service.

A counter holds no key: it makes a request, passes on what the holder answered, and is told. What it is told
is compared with what it asked before it counts. Wants the extra `keyed` (petlib).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from disclosure import DepartmentName, MalformedError, Reason, Schema, Value
from disclosure.composite.issuance import IssuanceTerms
from disclosure.keyed import CheckKeys, IssuedKeyed, KeyedPresentation, KeyedRequest, KeyedVerdict
from disclosure.keyed.request import Schemas
from wire.client import Endpoint, ServiceError, call, refusal
from wire.convert import values_to
from zkproto.v1 import keyed_pb2 as pb
from zkproto.v1.keyed_pb2_grpc import KeyedCheckServiceStub


@dataclass(frozen=True)
class Issuance:
    """What staff hands to a holder, and the holder's pseudonym, which stays beside the person."""

    issued: IssuedKeyed
    holder_pseudonym: bytes = field(repr=False)


class CheckService:
    """One department's check service over one channel; use it as a context manager.

    Every call raises wire.client.ServiceError if it is refused or does not get through, and MalformedError if
    the answer is not what the contract says.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._channel = endpoint.channel()
        self._stub = KeyedCheckServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def keys(self, pinned: bytes) -> CheckKeys:
        """Return the public keys if they are those of a pinned digest, and true.

        Raises RefusedError ISSUER_KEY_UNKNOWN, SIGNATURE_INVALID besides.
        """
        answer = call(self._stub.GetCheckKeys, pb.GetCheckKeysRequest())
        department = DepartmentName.parse(answer.department).department
        return CheckKeys.from_octets(
            department, answer.curve, answer.public_key, answer.digits, answer.digits_proof
        ).require(pinned)

    def begin(self, schema: Schema, token: str) -> IssuanceTerms:
        """Begin an issuance; takes the staff's token."""
        request = pb.BeginKeyedIssuanceRequest(schema=schema.canonical)
        return IssuanceTerms.from_bytes(call(self._stub.BeginKeyedIssuance, request, token=token).terms)

    def issue(
        self,
        terms: IssuanceTerms,
        commitment: bytes,
        values: Sequence[tuple[str, Value]],
        schema: Schema,
        token: str,
    ) -> Issuance:
        """Have values MACed with a holder's commitment; takes the staff's token."""
        request = pb.IssueKeyedCredentialRequest(
            terms=terms.canonical, commitment=commitment, values=values_to(schema, values)
        )
        answer = call(self._stub.IssueKeyedCredential, request, token=token)
        return Issuance(IssuedKeyed.from_bytes(answer.issued, schema), answer.holder_pseudonym)

    def check(
        self, request: KeyedRequest, presentation: KeyedPresentation, schemas: Schemas, token: str
    ) -> KeyedVerdict:
        """Return the verdict on a presentation; takes the counter's token."""
        answer = call(self._stub.CheckKeyedPresentation, _asked(request, presentation, schemas), token=token)
        return _told(request, presentation, schemas, answer)

    def check_many(
        self, asked: Sequence[tuple[KeyedRequest, KeyedPresentation]], schemas: Schemas, token: str
    ) -> list[KeyedVerdict | ServiceError]:
        """Return the verdict on each of 1 to 256 presentations, or what it is refused with."""
        message = pb.BatchCheckKeyedPresentationsRequest(
            requests=[_asked(request, presentation, schemas) for request, presentation in asked]
        )
        answer = call(self._stub.BatchCheckKeyedPresentations, message, token=token)
        if len(answer.verdicts) != len(asked):
            raise _not_ours()
        return [
            _told(*each, schemas, verdict.checked)
            if verdict.HasField("checked")
            else refusal(verdict.refused)
            for each, verdict in zip(asked, answer.verdicts, strict=True)
        ]


def _asked(
    request: KeyedRequest, presentation: KeyedPresentation, schemas: Schemas
) -> pb.CheckKeyedPresentationRequest:
    named = dict.fromkeys(each.schema for each in request.queries)
    return pb.CheckKeyedPresentationRequest(
        request=request.canonical,
        schemas=[schemas[name].canonical for name in named],
        presentation=presentation.canonical,
    )


def _told(
    request: KeyedRequest,
    presentation: KeyedPresentation,
    schemas: Schemas,
    answer: pb.CheckKeyedPresentationResponse,
) -> KeyedVerdict:
    """Return a verdict if it is on what was asked, and says whom it convinces."""
    verdict = KeyedVerdict.from_bytes(answer.verdict, schemas)
    of_this = (verdict.verifier, verdict.request_digest, verdict.presentation_digest, verdict.shown) == (
        request.verifier, request.digest, presentation.digest, presentation.shown,
    )  # fmt: skip
    if not of_this or not answer.designated_verifier:
        raise _not_ours()
    return verdict


def _not_ours() -> MalformedError:
    return MalformedError(Reason.MALFORMED, "the verdict is on something else than what was asked")
