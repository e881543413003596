"""Sessions of the parties whose keys a vault has: opened for one call, named by the log that they are for.

A consent has the key that it was granted with, also where the log has gone over to another key since. That
it has is proven by what the service lists, before anything is signed with a key from before. Where the vault
does not know under which of them a consent was granted, it tries one after the other: each is nobody's but
this consent's, so the service learns by that no more than that one of them is right.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

import grpc

import tlog
from disclosure.log_key_change import predecessors
from disclosure.session import SessionStatement
from prover.client.calls import Way, checked
from prover.errors import ContentError, VaultReason
from prover.records import milliseconds, moment_of
from prover.standing import Sign
from prover.vault import Vault
from wire import convert
from wire.challenges import nonce_of
from wire.client import ServiceError, call
from wire.convert import moment_to
from wire.sessions import Session
from zkproto.v1 import ledger_pb2, ledger_pb2_grpc, session_pb2, session_pb2_grpc

_WRONG_KEY: Final = "REQUEST_SIGNATURE_INVALID"


def opened(way: Way, channel: grpc.Channel, vault: Vault, party: str, log: tlog.Verifier) -> str:
    """Open a session of a party; return its token.

    Raises ServiceError; ContentError KEY_NOT_FOUND, CONSENT_NOT_FOUND, ACCOUNT_NOT_FOUND; RefusedError
    LOG_KEY_NOT_FOLLOWED (a consent of another log, which this one is not proven to be); tlog.TlogError.
    """
    return _opened_by_any(way, channel, vault, party, log)[0]


def session(way: Way, channel: grpc.Channel, vault: Vault, party: str, log: tlog.Verifier) -> Session:
    """Return the session of an operation of several calls, which opens itself; its calls raise what `opened`
    does."""
    return Session(lambda _: _opened_by_any(way, channel, vault, party, log), way.clock)


def _opened_by_any(
    way: Way, channel: grpc.Channel, vault: Vault, party: str, log: tlog.Verifier
) -> tuple[str, dt.datetime]:
    refused: ServiceError | None = None
    for sign in _signers(way, channel, vault, party, log):
        try:
            return _opened(way, channel, party, log, sign)
        except ServiceError as error:
            if error.reason != _WRONG_KEY:
                raise
            refused = error
    raise refused or ContentError(VaultReason.KEY_NOT_FOUND, f"the vault has no key of {party}")


def _opened(
    way: Way, channel: grpc.Channel, party: str, log: tlog.Verifier, sign: Sign
) -> tuple[str, dt.datetime]:
    moment = moment_of(milliseconds(way.clock()))
    statement = SessionStatement(party, str(log), moment, nonce_of(channel))
    message = session_pb2.OpenSessionRequest(
        party=party,
        time=moment_to(statement.time),
        nonce=statement.nonce,
        signature=statement.sign(sign),
    )
    answer = call(session_pb2_grpc.SessionServiceStub(channel).OpenSession, message)
    with checked():
        return answer.token, convert.moment_of(answer.expire_time, field="expire_time")


def _signers(way: Way, channel: grpc.Channel, vault: Vault, party: str, log: tlog.Verifier) -> Iterable[Sign]:
    if party.startswith("consents/"):
        return vault.consents.signers(way.endpoint.server, party, log, lambda: _before(channel, log))
    if party.startswith("accounts/"):
        return [vault.accounts.signer(party)]
    return ()


def _before(channel: grpc.Channel, log: tlog.Verifier) -> Sequence[tlog.Verifier]:
    """Read whose place the log's key is proven to have taken."""
    with checked():
        stub = ledger_pb2_grpc.LedgerServiceStub(channel)
        answer = call(stub.ListLogKeys, ledger_pb2.ListLogKeysRequest())
        return predecessors((each.change_proof for each in answer.log_keys if each.change_proof), log)
