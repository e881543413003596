"""Openings of escrows over a real server: recorded if they hold, once, and refused with a reason if not."""

import asyncio
import datetime as dt
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Final

import pytest
import pytest_asyncio

from bbs.gadgets.escrow import identity_octets
from bbs.gadgets.escrow_shares import EscrowShare
from disclosure import RefusedError, sign_request
from disclosure.composite import (
    OpeningRecord,
    combine_opening,
    open_part,
    opened_escrow,
)
from disclosure.composite.scalars import scalar
from tests.disclosure.composite.world import PAIRING, PERMIT, SUITE, VALUES
from tests.zkservice.auditing import archive_of
from tests.zkservice.cases_composite import flipped
from tests.zkservice.composite_city import CompositeCity, composite_city
from tests.zkservice.opening import REFERENCE, Case
from tests.zkservice.stored import change, dump
from tests.zkservice.support import refusal
from tlog.archive import verify_archive
from tlog.checkpoint import open_checkpoint, sign_checkpoint
from tlog.entry import RecordEntry, parse_entry
from tlog.note import Signer, Verifier
from tlog.proof_file import ProofFile
from wire.composite import part_to
from wire.convert import signed_request_to
from zkproto.v1 import publication_pb2 as pb
from zkproto.v1 import publication_pb2_grpc

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[0, 1], ids=["threads", "processes"])
async def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[CompositeCity]:
    async with composite_city(tmp_path_factory.mktemp("town"), processes=request.param) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def case(town: CompositeCity) -> Case:
    return await Case.presented(town)


def record(town: CompositeCity, asked: pb.RecordOpeningRequest) -> Any:
    stub: Any = publication_pb2_grpc.PublicationServiceStub(town.city.channel)
    return stub.RecordOpening(asked)


async def records_of(town: CompositeCity) -> list[OpeningRecord]:
    """Return the openings that an auditor finds on the whole log, which has to hold."""
    lines = await archive_of(town.city)
    verify_archive(lines, Verifier.from_string(town.city.ready.verifier_key))
    found = []
    for row in dump(town.city.ready.data)["ledger_entry"]:
        entry = parse_entry(row[1])
        if isinstance(entry, RecordEntry) and (each := OpeningRecord.of_entry(entry)) is not None:
            found.append(each)
    return found


async def test_an_opening_stands_on_the_ledger_once_however_often_it_is_sent(
    town: CompositeCity, case: Case
) -> None:
    parts, asked = case.open()
    answer = await record(town, asked)
    digest = case.claim.presentation.digest
    own = OpeningRecord.of(town.regulator_key.digest, digest, "who", REFERENCE, parts)
    assert (own.officers, own.is_opened) == (2, True)
    log = Verifier.from_string(town.city.ready.verifier_key)
    proof = ProofFile.parse(answer.proof)
    proof.verify(own.entry(), log)
    assert proof.index == answer.entry_index
    found = await records_of(town)
    assert own in found
    assert own.escrow == opened_escrow(digest, "who")
    before = dump(town.city.ready.data)
    assert await record(town, asked) == answer
    assert dump(town.city.ready.data) == before


async def test_a_case_does_not_buy_verification_without_end_and_nobody_spends_anothers(
    town: CompositeCity, case: Case
) -> None:
    _, false = case.open(reference="spent")
    false.parts[0].decrypted = town.regulator_key.public_key
    for _ in range(20):
        assert (await refusal(record(town, false))).reason in {"PROOF_INVALID", "MALFORMED"}
    assert (await refusal(record(town, false))).reason == "TOO_MANY_ATTEMPTS"
    _, true = case.open(reference="another case")
    assert (await record(town, true)).proof


async def test_the_same_opening_sent_by_many_at_once_has_one_record(town: CompositeCity, case: Case) -> None:
    before = len(await records_of(town))
    _, asked = case.open(reference="at once")
    answers = await asyncio.gather(*(record(town, asked) for _ in range(6)))
    assert len({each.entry_index for each in answers}) == 1
    assert len(await records_of(town)) == before + 1


async def test_what_was_opened_is_the_identifier_of_the_holder(case: Case) -> None:
    parts, _ = case.open()
    number = scalar(PERMIT.attribute("number"), VALUES[PERMIT.name]["number"], SUITE)
    assert combine_opening(parts, case.claim, "who", REFERENCE) == identity_octets(PAIRING, number)


async def test_each_officer_s_part_stands_on_the_ledger_before_the_opening(
    town: CompositeCity, case: Case
) -> None:
    """One officer is enough for everybody to see that something is opened, and not enough to open it."""
    before = await records_of(town)
    parts, both = case.open(reference="one after the other")
    opened = await opened_so_far(town)
    for at, part in enumerate(parts):
        asked = pb.RecordOpeningRequest()
        asked.CopyFrom(both)
        del asked.parts[:]
        asked.parts.append(part_to(part))
        assert (await record(town, asked)).entry_index > 0
        own = (await records_of(town))[-1]
        assert (own.officers, own.is_opened) == (1, False)
        assert len(await records_of(town)) == len(before) + at + 1
    assert await opened_so_far(town) == opened, "parts are no openings, and are counted as none"
    await record(town, both)
    *single, together = (await records_of(town))[len(before) :]
    assert together.parts == tuple(each.parts[0] for each in single), "everybody sees that these came before"
    assert together.escrow == single[0].escrow
    assert await opened_so_far(town) == opened + 1


async def opened_so_far(town: CompositeCity) -> int:
    """Return how many openings the statistics know of."""
    rows = dump(town.city.ready.data)["statistic"]
    return sum(row[5] for row in rows if row[1] == "opened" and not row[4])


async def test_each_case_and_each_escrow_has_a_record_of_its_own(town: CompositeCity, case: Case) -> None:
    before = len(await records_of(town))
    calls = [case.open(escrow, reference)[1] for escrow in ("who", "again") for reference in ("1", "x" * 256)]
    answers = [await record(town, each) for each in calls]
    assert len({each.entry_index for each in answers}) == 4
    assert len(await records_of(town)) == before + 4


async def test_the_ledger_does_not_say_whose_identity_was_opened(town: CompositeCity, case: Case) -> None:
    parts, asked = case.open()
    await record(town, asked)
    rows = repr(dump(town.city.ready.data))
    identity = combine_opening(parts, case.claim, "who", REFERENCE)
    for secret in (identity, parts[0].decrypted, parts[1].proof, REFERENCE.encode()):
        assert repr(secret)[2:-1] not in rows
    assert REFERENCE not in rows
    assert repr(case.claim.presentation.digest)[2:-1] not in rows


def put(name: str, value: Any) -> Callable[[pb.RecordOpeningRequest], object]:
    return lambda each: setattr(each, name, value)


def part(place: int, name: str, value: bytes) -> Callable[[pb.RecordOpeningRequest], object]:
    return lambda each: setattr(each.parts[place], name, value)


def spoil(each: pb.PartialOpening) -> pb.PartialOpening:
    each.proof = flipped(each.proof, -1)
    return each


def cut(each: pb.PartialOpening) -> None:
    each.proof = each.proof[:-1]


FALSE: Final[dict[str, tuple[str, str, Callable[[pb.RecordOpeningRequest], object]]]] = {
    "no request": ("FIELD_MISSING", "signed_request", lambda each: each.ClearField("signed_request")),
    "no presentation": ("FIELD_MISSING", "presentation", lambda each: each.ClearField("presentation")),
    **{
        f"no {name}": ("FIELD_MISSING", name, put(name, type_()))
        for name, type_ in (
            ("receipt", bytes), ("escrow", str), ("reference", str),
        )
    },
    "no parts": ("FIELD_MISSING", "parts", lambda each: each.ClearField("parts")),
    "another case": ("PROOF_INVALID", "parts", put("reference", "another")),
    "a long reference": ("MALFORMED", "reference", put("reference", "x" * 257)),
    "another escrow of the same": ("PROOF_INVALID", "parts", put("escrow", "again")),
    "no such escrow": ("QUERY_MISMATCH", "escrow", put("escrow", "nothing")),
    "another point": ("PROOF_INVALID", "parts", part(0, "decrypted", identity_octets(PAIRING, 7))),
    "a point that is none": ("MALFORMED", "parts", part(1, "decrypted", b"\xff" * 48)),
    "the identity": ("MALFORMED", "parts", part(0, "decrypted", b"\xc0" + bytes(47))),
    "another proof": ("PROOF_INVALID", "parts", lambda each: spoil(each.parts[1])),
    "a proof that is cut": ("MALFORMED", "parts", lambda each: cut(each.parts[0])),
    "no proof": ("MALFORMED", "parts", part(0, "proof", b"")),
    "an officer of nobody": ("PROOF_INVALID", "parts", part(0, "share", bytes(48))),
    "one officer's part twice": (
        "PROOF_INVALID", "parts", lambda each: each.parts[1].CopyFrom(each.parts[0])
    ),
    "one officer's part for the other's": (
        "PROOF_INVALID", "parts", lambda each: setattr(each.parts[0], "share", each.parts[1].share)
    ),
    "the officers in another order": (
        "PROOF_INVALID", "parts", lambda each: each.parts.append(each.parts.pop(0))
    ),
    "three parts": ("PROOF_INVALID", "parts", lambda each: each.parts.append(each.parts[0])),
    "one part that is false": (
        "PROOF_INVALID", "parts", lambda each: (each.parts.pop(), spoil(each.parts[0]))
    ),
    "no receipt at all": ("MALFORMED", "receipt", put("receipt", b"none")),
    "a receipt without an opening": (
        "MALFORMED", "receipt",
        lambda each: setattr(each, "receipt", replace(ProofFile.parse(each.receipt), extra=None).to_bytes()),
    ),
    "a receipt of another place": (
        "RECEIPT_MISMATCH", "receipt",
        lambda each: setattr(each, "receipt", replace(ProofFile.parse(each.receipt), index=0).to_bytes()),
    ),
    "a request that its verifier did not sign": (
        "REQUEST_SIGNATURE_INVALID", "", lambda each: setattr(each.signed_request, "signature", bytes(64))
    ),
    "a signature that is cut": (
        "REQUEST_INVALID", "signed_request.signature",
        lambda each: setattr(each.signed_request, "signature", b"short"),
    ),
    "another presentation": (
        "RECEIPT_MISMATCH", "receipt", lambda each: setattr(each.presentation, "usage_tag", bytes(48))
    ),
    "a presentation for another request": (
        "REQUEST_MISMATCH", "presentation.request_digest",
        lambda each: setattr(each.presentation, "request_digest", bytes(32)),
    ),
    "a presentation that is none": (
        "PRESENTATION_INVALID", "presentation.proof", lambda each: each.presentation.ClearField("proof")
    ),
}  # fmt: skip


@pytest.mark.parametrize("false", FALSE.values(), ids=FALSE.keys())
async def test_what_does_not_hold_is_not_recorded(town: CompositeCity, case: Case, false: Any) -> None:
    reason, field, alter = false
    _, asked = case.open()
    alter(asked)
    before = dump(town.city.ready.data)
    error = await refusal(record(town, asked))
    assert (error.reason, ",".join(each.field for each in error.violations)) == (reason, field)
    assert error.detail
    assert dump(town.city.ready.data) == before


async def test_an_opening_of_one_presentation_is_none_of_another(town: CompositeCity, case: Case) -> None:
    other = await Case.presented(town)
    _, asked = case.open()
    swapped = pb.RecordOpeningRequest()
    swapped.CopyFrom(other.message)
    swapped.escrow, swapped.reference = asked.escrow, asked.reference
    swapped.parts.extend(asked.parts)
    error = await refusal(record(town, swapped))
    assert (error.reason, error.violations[0].field) == ("PROOF_INVALID", "parts")
    _, own = other.open()
    del swapped.parts[:]
    swapped.parts.extend((own.parts[0], asked.parts[1]))  # the officers' parts of two presentations
    error = await refusal(record(town, swapped))
    assert (error.reason, error.violations[0].field) == ("PROOF_INVALID", "parts")
    mixed = pb.RecordOpeningRequest()
    mixed.CopyFrom(asked)
    mixed.receipt = other.message.receipt
    error = await refusal(record(town, mixed))
    assert (error.reason, error.violations[0].field) == ("RECEIPT_MISMATCH", "receipt")


async def test_nobody_else_makes_an_opening(town: CompositeCity, case: Case) -> None:
    thief = EscrowShare.generate(PAIRING)
    with pytest.raises(RefusedError, match="REGULATOR_UNKNOWN"):
        open_part(thief, case.claim, "who", REFERENCE)
    thief.public_key = town.officers[0].public_key  # says that it is an officer's
    with pytest.raises(RefusedError, match="REGULATOR_UNKNOWN"):
        open_part(thief, case.claim, "who", REFERENCE)


async def test_a_receipt_of_another_log_counts_for_nothing(town: CompositeCity, case: Case) -> None:
    """The same tree, and the same name: only the key is another one."""
    _, asked = case.open()
    file = ProofFile.parse(asked.receipt)
    checkpoint = open_checkpoint(file.checkpoint, Verifier.from_string(town.city.ready.verifier_key))
    foreign = sign_checkpoint(checkpoint, Signer.generate(checkpoint.origin))
    asked.receipt = replace(file, checkpoint=foreign).to_bytes()
    error = await refusal(record(town, asked))
    assert (error.reason, error.violations[0].field) == ("RECEIPT_MISMATCH", "receipt")


async def test_a_receipt_opens_long_after_request_and_key_have_gone(town: CompositeCity, case: Case) -> None:
    _, asked = case.open(reference="later")
    name, folder = str(town.police.key.name), town.city.ready.data
    town.city.clock.ahead = dt.timedelta(days=400)
    change(folder, "update issuer_key set state = 'retired' where name = ?", name)
    try:
        assert (await record(town, asked)).entry_index > 0
    finally:
        change(folder, "update issuer_key set state = 'active' where name = ?", name)
        town.city.clock.ahead = dt.timedelta()


async def test_a_plain_request_has_nothing_to_open(town: CompositeCity, case: Case) -> None:
    _, asked = case.open()
    request = town.city.request()
    asked.signed_request.CopyFrom(
        signed_request_to(sign_request(request, town.city.verifier_keys[request.verifier.verifier]))
    )
    error = await refusal(record(town, asked))
    assert error.violations[0].field == "signed_request"


async def test_octets_changed_at_random_are_refused_with_a_reason(town: CompositeCity, case: Case) -> None:
    """Nothing is recorded that was not sent whole, and nothing is a fault of the service."""
    _, asked = case.open(reference="fuzzed")
    octets, drawn, before = asked.SerializeToString(), random.Random(17), len(await records_of(town))
    call: Any = town.city.channel.unary_unary(
        "/zkproto.v1.PublicationService/RecordOpening",
        response_deserializer=pb.RecordOpeningResponse.FromString,
    )
    for _ in range(80):
        at = drawn.randrange(len(octets))
        spoilt = octets[:at] + drawn.randbytes(drawn.randrange(3)) + octets[at + drawn.randrange(1, 3) :]
        if spoilt != octets:
            error = await refusal(call(spoilt))
            assert error.reason not in {"INTERNAL", "UNKNOWN"}, error
    assert len(await records_of(town)) == before
