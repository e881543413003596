"""What LedgerService tells of the log's keys, which everybody may see."""

from typing import Final

from sqlalchemy import Connection

from zkproto.v1 import ledger_pb2 as pb
from zkservice.key_change import change_proof
from zkservice.storage import secrets
from zkservice.storage.secrets import LogKeyState

_STATES: Final = {
    LogKeyState.SIGNING: pb.LogKey.STATE_SIGNING,
    LogKeyState.NEXT: pb.LogKey.STATE_NEXT,
    LogKeyState.RETIRED: pb.LogKey.STATE_RETIRED,
}


def listed(connection: Connection) -> pb.ListLogKeysResponse:
    """Return the keys, oldest first, each with the proof that it follows the one before it."""
    stored = secrets.log_keys(connection)
    answer = pb.ListLogKeysResponse()
    for before, each in zip((None, *stored), stored, strict=False):
        proof = change_proof(connection, before, each) if before is not None else None
        answer.log_keys.append(
            pb.LogKey(verifier_key=str(each.verifier), state=_STATES[each.state], change_proof=proof or b"")
        )
    return answer
