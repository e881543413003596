"""The service's register of policies, for administrators and for everybody who reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from disclosure import MalformedError, PolicyName, Reason, VerifierName
from disclosure.centre import Purpose
from disclosure.names import PurposeName
from disclosure.policy import RegisteredPolicy
from tlog import ProofFile, Verifier
from wire.centre import purpose_to
from wire.client import Endpoint, ServiceError, call
from wire.policy import policy_of, policy_to
from zkproto.v1 import catalog_pb2_grpc, centre_pb2, policy_pb2, policy_pb2_grpc

_PAGE: Final = 100


@dataclass(frozen=True)
class Listed:
    """A policy with its state."""

    policy: RegisteredPolicy
    deprecated: bool


class Policies:
    """Over one channel, which leaving the context closes.

    Raises wire.client.ServiceError, MalformedError, tlog.TlogError.
    """

    def __init__(self, endpoint: Endpoint, log: Verifier) -> None:
        self._channel, self._log = endpoint.channel(), log
        self._policies = policy_pb2_grpc.PolicyServiceStub(self._channel)
        self._catalog = catalog_pb2_grpc.CatalogServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()

    def create(self, policy: RegisteredPolicy, token: str) -> None:
        """Register a policy, which then stands on the ledger; takes the administrator's token.

        A purpose that nobody has registered yet is registered as the policy says it.
        """
        self._register_purpose(policy, token)
        message, name = policy_to(policy), policy.name
        message.ClearField("name")
        request = policy_pb2.CreatePolicyRequest(
            parent=str(policy.verifier), policy_id=f"{name.policy}@{name.version}", policy=message
        )
        answer = call(self._policies.CreatePolicy, request, token=token)
        if self._checked(answer).policy != policy:
            raise MalformedError(Reason.MALFORMED, "the service registered another policy", field="policy")

    def _register_purpose(self, policy: RegisteredPolicy, token: str) -> None:
        name = PurposeName.parse(policy.purpose)
        try:
            call(self._catalog.GetPurpose, centre_pb2.GetPurposeRequest(name=str(name)))
        except ServiceError as error:
            if error.reason != "NOT_FOUND":
                raise
            made = purpose_to(Purpose(name, policy.purpose_text, policy.legal_basis))
            request = centre_pb2.CreatePurposeRequest(purpose_id=name.purpose, purpose=made)
            call(self._catalog.CreatePurpose, request, token=token)

    def get(self, name: PolicyName) -> Listed:
        """Return a policy, its record checked."""
        return self._checked(call(self._policies.GetPolicy, policy_pb2.GetPolicyRequest(name=str(name))))

    def deprecate(self, name: PolicyName, token: str) -> Listed:
        """End a policy; takes the administrator's token."""
        request = policy_pb2.DeprecatePolicyRequest(name=str(name))
        return self._checked(call(self._policies.DeprecatePolicy, request, token=token))

    def of(self, verifier: VerifierName) -> Iterator[Listed]:
        """The policies of a verifier, in order of name, as the service lists them: without proofs."""
        page_token = ""
        while True:
            request = policy_pb2.ListPoliciesRequest(
                parent=str(verifier), page_size=_PAGE, page_token=page_token
            )
            page = call(self._policies.ListPolicies, request)
            yield from map(_listed, page.policies)
            if not (page_token := page.next_page_token):
                return

    def _checked(self, message: policy_pb2.Policy) -> Listed:
        listed = _listed(message)
        ProofFile.parse(message.proof).verify(listed.policy.entry(), self._log)
        return listed


def _listed(message: policy_pb2.Policy) -> Listed:
    return Listed(policy_of(message), message.state == policy_pb2.Policy.STATE_DEPRECATED)
