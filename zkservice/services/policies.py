"""PolicyService: what verifiers may ask, registered by the administrator, on the ledger, open to all."""

from typing import Any, Final

from disclosure import PolicyName, VerifierName
from wire.convert import moment_to, within
from wire.policy import policy_of, policy_to
from zkproto.v1 import policy_pb2 as pb
from zkproto.v1.policy_pb2_grpc import PolicyServiceServicer
from zkservice.context import Context
from zkservice.fields import required
from zkservice.listing import listed
from zkservice.storage import policies
from zkservice.storage.policies import StoredPolicy

_ALL: Final = "verifiers/-"


class PolicyService(PolicyServiceServicer):
    """Reading is open to everybody; registering and ending take the administrator's token."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def CreatePolicy(self, request: pb.CreatePolicyRequest, context: Any) -> Any:
        """Register one version of a policy; answered once its record stands on the ledger."""
        await self._context.access.admin(context)
        parent = VerifierName.parse(request.parent, field="parent")
        required(request.HasField("policy"), "policy")
        name = PolicyName.parse(f"{parent}/policies/{request.policy_id}", field="policy_id")
        with within("policy"):
            policy = policy_of(request.policy, name)
        stored = await self._context.database.write(
            lambda connection: policies.add(connection, policy, self._context.now())
        )
        return await self._proven(stored)

    async def GetPolicy(self, request: pb.GetPolicyRequest, context: Any) -> Any:
        """One version of a policy."""
        name = str(PolicyName.parse(request.name, field="name"))
        return await self._proven(await self._context.database.read(lambda each: policies.get(each, name)))

    async def ListPolicies(self, request: pb.ListPoliciesRequest, context: Any) -> Any:
        """A page of the policies of one verifier, or of all."""
        parent = None if request.parent == _ALL else str(VerifierName.parse(request.parent, field="parent"))
        page, token = await listed(
            self._context,
            request,
            f"policies of {request.parent}",
            lambda connection, after, limit: policies.listed(connection, parent, after, limit),
            _policy,
        )
        return pb.ListPoliciesResponse(policies=page, next_page_token=token)

    async def DeprecatePolicy(self, request: pb.DeprecatePolicyRequest, context: Any) -> Any:
        """End a policy, however often it is said."""
        await self._context.access.admin(context)
        name = str(PolicyName.parse(request.name, field="name"))
        stored = await self._context.database.write(lambda each: policies.deprecate(each, name))
        return await self._proven(stored)

    async def _proven(self, stored: StoredPolicy) -> pb.Policy:
        """Return the message once the record stands on the ledger: nobody is shown one that does not."""
        message = _policy(stored)
        message.proof = await self._context.proofs.of(stored.outbox)
        return message


def _policy(stored: StoredPolicy) -> pb.Policy:
    message = policy_to(stored.policy)
    message.state = pb.Policy.STATE_DEPRECATED if stored.deprecated else pb.Policy.STATE_ACTIVE
    message.create_time.CopyFrom(moment_to(stored.created))
    return message
