"""SessionService: a party shows its key and gets a token."""

from typing import Any

from wire.convert import moment_of, moment_to
from zkproto.v1 import session_pb2 as pb
from zkproto.v1.session_pb2_grpc import SessionServiceServicer
from zkservice.context import Context
from zkservice.fields import required


class SessionService(SessionServiceServicer):
    """The signature is the whole authentication: nothing secret comes in."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def GetChallenge(self, request: pb.GetChallengeRequest, context: Any) -> Any:
        """Give a nonce to sign."""
        nonce, ends = self._context.sessions.challenge(self._context.now())
        return pb.GetChallengeResponse(nonce=nonce, expire_time=moment_to(ends))

    async def OpenSession(self, request: pb.OpenSessionRequest, context: Any) -> Any:
        """Open a session for whoever signs with the party's key."""
        required(bool(request.party), "party")
        required(request.HasField("time"), "time")
        time = moment_of(request.time, field="time")
        token, ends = await self._context.sessions.open(
            request.party, time, request.nonce, request.signature, self._context.now()
        )
        return pb.OpenSessionResponse(token=token, expire_time=moment_to(ends))
