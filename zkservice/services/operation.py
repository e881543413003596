"""OperationService: how the server that answers is, for its operator. Nothing of it is about a party."""

from typing import Any

from wire.convert import moment_to
from zkproto.v1 import operation_pb2 as pb
from zkproto.v1.operation_pb2_grpc import OperationServiceServicer
from zkservice.context import Context
from zkservice.observing.metrics import version
from zkservice.roles import Role
from zkservice.storage import ledger


class OperationService(OperationServiceServicer):
    """Reads what the parts of the server count by themselves."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def GetStatus(self, request: pb.GetStatusRequest, context: Any) -> Any:
        """How it is now."""
        await self._context.callers.of(context, {Role.OPERATOR})
        anchored = self._context.anchored.newest
        pending, _, _ = await self._context.database.read(ledger.backlog)
        sequencer = self._context.sequencer
        return pb.GetStatusResponse(
            version=version(),
            time=moment_to(self._context.now()),
            log=pb.LogStatus(
                size=sequencer.published.size,
                anchored_size=0 if anchored is None else anchored.size,
                pending=pending,
                sequences=sequencer.leads,
            ),
            workers=[
                pb.WorkersStatus(kind=kind, alive=each.alive, busy=each.busy, restarts=each.lost)
                for kind, each in (("judge", self._context.judges), ("signer", self._context.signers))
            ],
            limits=self._limits(),
        )

    def _limits(self) -> pb.LimitsStatus:
        settings = self._context.settings
        return pb.LimitsStatus(
            anonymous=pb.LimitStatus(
                rate=settings.rate_anonymous, burst=settings.burst_anonymous, calls=settings.calls_anonymous
            ),
            named=pb.LimitStatus(
                rate=settings.rate_named, burst=settings.burst_named, calls=settings.calls_named
            ),
            max_concurrent_calls=settings.max_concurrent_calls,
            max_message_octets=settings.max_message_octets,
        )
