"""Whose keys a service that claims asks for: strangers occupy none of the threads that judge."""

import threading
from unittest import mock

import grpc
import pytest

from disclosure import Reason, RefusedError, VerifierName
from tests.disclosure.composite.world import SCHOOL, SCHOOL_2, find_key
from tests.verifier.log import LOG
from verifier.client.published import PublishedReader
from wire.client import ServiceError
from zk.claims.desk import KEY_SECONDS, _Keys
from zk.claims.reasons import ClaimRefusedError

STRANGER = VerifierName("school-99")


def test_who_is_not_registered_is_asked_for_once_in_a_while_and_holds_up_nobody() -> None:
    now, asked, slow, gone_on = [0.0], list[VerifierName](), threading.Event(), threading.Event()

    def find(name: VerifierName) -> bytes:
        asked.append(name)
        if name == SCHOOL_2:
            slow.set()
            assert gone_on.wait(20)
        if name == STRANGER:
            raise RefusedError(Reason.REQUEST_SIGNATURE_INVALID, "not published")
        return find_key(name)

    keys = _Keys(find, lambda: now[0])
    for _ in range(3):
        with pytest.raises(RefusedError):
            keys.of(STRANGER)
    assert asked == [STRANGER]
    now[0] = 60.0
    with pytest.raises(RefusedError):
        keys.of(STRANGER)
    assert asked == [STRANGER] * 2
    waiting = threading.Thread(target=keys.of, args=(SCHOOL_2,))
    waiting.start()
    assert slow.wait(20)
    assert keys.of(SCHOOL) == find_key(SCHOOL)  # while another one is asked for
    assert waiting.is_alive()
    gone_on.set()
    waiting.join(20)


def test_where_nobody_tells_keys_strangers_wait_for_one_at_most() -> None:
    now, asked, code = [0.0], list[VerifierName](), [grpc.StatusCode.DEADLINE_EXCEEDED]

    def find(name: VerifierName) -> bytes:
        asked.append(name)
        if code:
            raise ServiceError(code[0], "UNREACHABLE", "it does not answer")
        return find_key(name)

    keys = _Keys(find, lambda: now[0])
    for name in (SCHOOL, SCHOOL_2, SCHOOL):
        with pytest.raises(ClaimRefusedError, match="CLAIM_NOT_NOW"):
            keys.of(name)
    assert asked == [SCHOOL]
    now[0] += KEY_SECONDS
    code[0] = grpc.StatusCode.FAILED_PRECONDITION  # says something of this name alone
    for name in (SCHOOL, SCHOOL_2):
        with pytest.raises(ClaimRefusedError, match="CLAIM_NOT_NOW"):
            keys.of(name)
    assert asked == [SCHOOL, SCHOOL, SCHOOL_2]
    code.clear()
    assert keys.of(SCHOOL) == find_key(SCHOOL)


def test_a_key_is_asked_for_with_a_short_deadline() -> None:
    stub, given = mock.Mock(side_effect=RuntimeError), mock.Mock()
    reader = PublishedReader(given, LOG)
    with mock.patch.object(reader, "_catalog", mock.Mock(GetVerifier=stub)), pytest.raises(RuntimeError):
        reader.verifier_key(SCHOOL, KEY_SECONDS)
    assert stub.mock_calls[0].kwargs["timeout"] == 3
