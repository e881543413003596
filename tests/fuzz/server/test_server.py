"""A whole server, given programs: what is kept, what is drawn from it, and proof that a fault would be seen.

`make fuzz` runs the same under atheris, guided by coverage, for as long as it is given.
"""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

import grpc
import pytest
import pytest_asyncio

from tests.fuzz.server.editing import changed, place
from tests.fuzz.server.kept import kept
from tests.fuzz.server.mutating import Mutator
from tests.fuzz.server.programs import Call, Edit, Program, ProgramError
from tests.fuzz.server.world import OK, QUIET, FindingError, World, world
from tests.zkservice.stored import change
from zkproto.v1 import presentation_pb2
from zkservice.status import CODES
from zkservice.storage import exchanges, ledger

pytestmark = pytest.mark.asyncio(loop_scope="module")
_DRAWN: Final = 250
_SEED: Final = 20260501


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with world(tmp_path_factory.mktemp("world")) as running:
        yield running


def call(method: str, *edits: Edit, **more: Any) -> Program:
    return Program((Call(method, edits=edits, **more),))


async def test_what_is_kept_ends_as_it_may(made: World) -> None:
    """Each program is a line of the file; together they end in most of the ways that there are."""
    seen = Counter[str]()
    programs = kept()
    for program in programs:
        seen.update(await made.run(program, fresh=False))
    await made.check_alive()
    assert len({each.method for program in programs for each in program.calls}) == len(made.contract.methods)
    assert len(seen) > 20, seen
    assert seen[OK] > len(programs) / 4, seen


async def test_what_is_drawn_from_it_ends_as_it_may(made: World) -> None:
    """The numbers are the same in each run; what is alive is not."""
    random = Random(_SEED)
    mutator, programs, seen = Mutator(made.contract, random), kept(), Counter[str]()
    for _ in range(_DRAWN):
        program = mutator.mutated(mutator.crossed(random.choice(programs), random.choice(programs)))
        assert Program.from_bytes(program.to_bytes()) == program
        seen.update(await made.run(program, fresh=False))
    await made.check_alive()
    assert len(seen) > 15, seen


async def test_calls_in_a_row_reach_what_the_answers_name(made: World) -> None:
    """What an answer holds gets the next call past every door, and a token of nobody's does not."""
    ticket = [Edit("take", each, f"#0:{each}") for each in ("exchange", "ticket")]
    opened, fetched = Call("CreateExchange"), Call("FetchRequest", edits=tuple(ticket))
    assert await made.run(Program((opened, fetched))) == [OK, OK]
    forged = Call("FetchRequest", edits=(*ticket, Edit("damage", "ticket", b"?", 500, 1)))
    assert await made.run(Program((opened, forged))) == [OK, "NOT_FOUND"]
    late = Call("FetchRequest", edits=tuple(ticket), wait=24 * 60)
    assert await made.run(Program((opened, late))) == [OK, "REQUEST_EXPIRED"]
    assert await made.run(call("ListAdministrators", caller="nobody")) == ["TOKEN_MISSING"]
    assert await made.run(call("RecordOpening")) == [OK]
    assert await made.run(call("WatchDeliveries")) in ([OK], [QUIET])


async def test_what_is_changed_in_a_request_is_signed_anew_by_its_verifier(made: World) -> None:
    """So the checks behind the signature are reached; what is damaged otherwise does not get past it."""
    payload = "signed_request.payload"
    told = [await made.run(call("CreateExchange", Edit("item", payload, 7, each))) for each in range(12)]
    reasons = {each for (each,) in told}
    assert "REQUEST_SIGNATURE_INVALID" not in reasons
    assert reasons & {"REQUEST_INVALID", "NAME_INVALID", "MALFORMED"}, reasons
    other = await made.run(call("CreateExchange", Edit("set", "signed_request.signature", bytes(64))))
    assert other == ["REQUEST_SIGNATURE_INVALID"]
    told = [await made.run(call("CreateConsent", Edit("item", "signed_terms.payload", 7, 2)))]
    assert told != [["REQUEST_SIGNATURE_INVALID"]]


FETCH: Final = call("FetchRequest")


async def test_a_fault_is_a_finding_and_is_logged_without_its_text(made: World) -> None:
    with (
        patch.object(exchanges, "get", side_effect=KeyError("what a person sent")),
        pytest.raises(FindingError, match="INTERNAL"),
    ):
        await made.run(FETCH)
    (told,) = made.faults
    assert "KeyError" in told
    assert "what a person sent" not in told
    made.faults.clear()
    assert await made.run(FETCH) == [OK]


async def test_a_refusal_that_changes_a_row_is_a_finding(made: World) -> None:
    def refused(*_: Any) -> Any:
        change(made.town.ready.data, "update pairing set wrong = wrong + 1")
        change(made.town.ready.data, "update exchange set expires = expires + 1")
        raise exchanges.unknown_exchange()

    with (
        patch.object(exchanges, "get", side_effect=refused),
        pytest.raises(FindingError, match="refused with NOT_FOUND, and changed exchange"),
    ):
        await made.run(FETCH)


async def test_a_refusal_by_a_reason_that_no_table_has_is_a_finding(made: World) -> None:
    wrong = {**CODES, "NOT_FOUND": grpc.StatusCode.ABORTED}
    with (
        patch("tests.fuzz.server.world.CODES", wrong),
        pytest.raises(FindingError, match="NOT_FOUND ended as"),
    ):
        await made.run(call("FetchRequest", Edit("set", "ticket", "x" * 43)))


async def test_a_call_that_does_not_end_is_a_finding(made: World) -> None:
    with patch("tests.fuzz.server.world.SECONDS", 0.0), pytest.raises(FindingError, match="has not ended"):
        await made.run(call("CreateIssuerKey"))


async def test_a_server_that_is_gone_is_a_finding(tmp_path: Path) -> None:
    async with world(tmp_path) as other:
        await other.check_alive()
        with (
            patch.object(ledger, "enqueue", side_effect=OSError),
            pytest.raises(FindingError, match="no more"),
        ):
            await other.check_alive()


@pytest.mark.parametrize(
    "octets",
    [b"", b"{}", b"[]", b"[" * 100_000, b'{"calls": []}', b'{"calls": [{"method": 1}]}', b'{"calls": [{}]}',
     b'{"calls": [{"method": "x", "wait": -1}]}',
     b'{"calls": [{"method": "x", "edits": [["?", "", 0, 0, 0]]}]}',
     b'{"calls": [{"method": "x", "edits": [["set", "a", {"hex": "0"}, 0, 0]]}]}', b"\xff"],
)  # fmt: skip
async def test_what_is_no_program_is_refused(octets: bytes) -> None:
    with pytest.raises(ProgramError):
        Program.from_bytes(octets)


async def test_a_program_is_read_as_it_was_written() -> None:
    edits = (Edit("set", "a[1].b", b"\0"), Edit("set", "a", float("inf")), Edit("cut", place=10))
    written = Program((Call("M", "nobody", "", edits, (("x-bin", b"\xff"),), 7), Call("N")))
    assert Program.from_bytes(written.to_bytes()) == written


def _request() -> presentation_pb2.SubmitPresentationRequest:
    request = presentation_pb2.SubmitPresentationRequest(exchange="exchanges/x")
    request.presentation.credentials.add(proof=b"abc")
    return request


async def test_edits_do_what_they_say_and_what_cannot_be_is_left_out() -> None:
    proof, nothing = "presentation.credentials[0].proof", Edit("set", "presentation.credentials", b"x")
    source = presentation_pb2.FetchRequestRequest(ticket="t")

    def after(*edits: Edit) -> presentation_pb2.SubmitPresentationRequest:
        octets = changed(_request(), edits, {"Fetch": source}.get)
        return presentation_pb2.SubmitPresentationRequest.FromString(octets)

    assert after(Edit("damage", proof, b"?", 1000)).presentation.credentials[0].proof == b"abc?"
    assert after(Edit("take", "ticket", "Fetch:ticket")).ticket == "t"
    assert not after(Edit("clear", "presentation.credentials[0]")).presentation.credentials
    assert len(after(Edit("add", "presentation.credentials", out=3)).presentation.credentials) == 4
    for each in (
        nothing,
        Edit("set", "exchange", 7),
        Edit("take", "ticket", "Nobody:x"),
        Edit("set", "no.such"),
    ):
        assert after(each) == _request()
    whole = _request().SerializeToString()
    assert changed(_request(), (Edit("cut", place=500),), dict[str, Any]().get) == whole[: len(whole) // 2]
    assert place(_request(), "presentation.credentials[9]") is not None
    assert place(_request(), "presentation.credentials.proof") is None
