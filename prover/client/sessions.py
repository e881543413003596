"""Sessions of the parties whose keys a vault has: opened for one call, named by the log that they are for."""

from collections.abc import Callable

import grpc

import tlog
from disclosure.session import SessionStatement
from prover.client.calls import Way
from prover.errors import ContentError, VaultReason
from prover.records import milliseconds, moment_of
from prover.vault import Vault
from wire.client import call
from wire.convert import moment_to
from zkproto.v1 import session_pb2, session_pb2_grpc


def opened(way: Way, channel: grpc.Channel, vault: Vault, party: str, log: tlog.Verifier) -> str:
    """Open a session of a party; return its token.

    Raises ServiceError; ContentError KEY_NOT_FOUND, CONSENT_NOT_FOUND, ACCOUNT_NOT_FOUND.
    """
    statement = SessionStatement(party, str(log), moment_of(milliseconds(way.clock())))
    message = session_pb2.OpenSessionRequest(
        party=party,
        time=moment_to(statement.time),
        nonce=statement.nonce,
        signature=statement.sign(_signer(way, vault, party, log)),
    )
    return call(session_pb2_grpc.SessionServiceStub(channel).OpenSession, message).token


def _signer(way: Way, vault: Vault, party: str, log: tlog.Verifier) -> Callable[[bytes], bytes]:
    if party.startswith("consents/"):
        return vault.consents.signer(way.endpoint.server, party, log)
    if party.startswith("accounts/"):
        return vault.accounts.signer(party)
    raise ContentError(VaultReason.KEY_NOT_FOUND, f"the vault has no key of {party}")
