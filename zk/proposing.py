"""`--propose`: a command that takes two persons proposes what it would have sent, instead of sending it.

It is done where all calls of a command leave: the first one that carries a token, so that something would be
done with it, is not sent. It ends the command, and what it would have sent is proposed with the same token.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import grpc

_BEARER: Final = "Bearer "


class ProposalError(Exception):
    """A call to be proposed: its method, as `zkproto.v1.CatalogService/CreateVerifier`, and its octets.

    `waiting` is the file of a new secret that counts once the call was made.
    """

    def __init__(self, method: str, request: bytes, token: str) -> None:
        super().__init__(method)
        self.method, self.request, self.token = method, request, token
        self.waiting: Path | None = None


class Proposing(grpc.UnaryUnaryClientInterceptor):
    """Raises ProposalError at the first call that carries a token; what only reads goes on."""

    def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        """Let a call without a token pass."""
        said = dict(client_call_details.metadata or ()).get("authorization", "")
        if not said:
            return continuation(client_call_details, request)
        octets = request.SerializeToString(deterministic=True)
        method = client_call_details.method
        name = method.decode() if isinstance(method, bytes) else method
        raise ProposalError(name.removeprefix("/"), octets, said.removeprefix(_BEARER))
