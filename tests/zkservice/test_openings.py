"""Openings of escrows over a real server: recorded if they hold, once, and refused with a reason if not."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
import pytest_asyncio

from bbs.gadgets.escrow import EscrowKey, Opening, identity_octets
from disclosure import ReceiptBody, RefusedError, sign_request
from disclosure.composite import (
    CompositeClaim,
    CompositeRequest,
    EscrowQuery,
    OpeningRecord,
    open_escrow,
    opened_escrow,
)
from disclosure.composite.scalars import scalar
from tests.disclosure.composite.policy import op
from tests.disclosure.composite.world import PAIRING, PERMIT, SUITE, VALUES
from tests.zkservice.auditing import archive_of
from tests.zkservice.cases_composite import flipped
from tests.zkservice.composite_city import CompositeCity, composite_city
from tests.zkservice.support import change, dump, refusal
from tlog.archive import verify_archive
from tlog.checkpoint import open_checkpoint, sign_checkpoint
from tlog.entry import RecordEntry, parse_entry
from tlog.note import Signer, Verifier
from tlog.proof_file import ProofFile
from tlog.receipt import verify_receipt
from wire.composite import composite_presentation_of
from wire.convert import signed_request_to
from zkproto.v1 import publication_pb2 as pb
from zkproto.v1 import publication_pb2_grpc

pytestmark = pytest.mark.asyncio(loop_scope="module")
REFERENCE: Final = "案 2026-17"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[0, 1], ids=["threads", "processes"])
async def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[CompositeCity]:
    async with composite_city(tmp_path_factory.mktemp("town"), processes=request.param) as opened:
        yield opened


@dataclass
class Case:
    """A presentation that was accepted, with its receipt, and what its regulator makes of it."""

    town: CompositeCity
    request: CompositeRequest
    claim: CompositeClaim
    message: pb.RecordOpeningRequest

    @classmethod
    async def presented(cls, town: CompositeCity) -> "Case":
        """Have a presentation accepted that escrows one identifier twice, to one regulator."""
        escrows = tuple(
            EscrowQuery(name, op("permit.number"), town.regulator_key.digest) for name in ("who", "again")
        )
        request = town.request(town.small(escrows=escrows))
        submission = await town.submitting(request)
        receipt = (await town.city.presentation.SubmitPresentation(submission)).receipt
        log = Verifier.from_string(town.city.ready.verifier_key)
        body = ReceiptBody.from_bytes(verify_receipt(receipt, log).opening.body)
        presentation = composite_presentation_of(submission.composite_presentation)
        claim = CompositeClaim(request, presentation, town.directory(), body.verified)
        message = pb.RecordOpeningRequest(
            signed_request=signed_request_to(town.sign(request)),
            presentation=submission.composite_presentation,
            receipt=receipt,
        )
        return cls(town, request, claim, message)

    def open(
        self, escrow: str = "who", reference: str = REFERENCE
    ) -> tuple[Opening, pb.RecordOpeningRequest]:
        """Open an escrow as its regulator does, and return the call that has it recorded."""
        opening = open_escrow(self.town.regulator, self.claim, escrow, reference)
        asked = pb.RecordOpeningRequest()
        asked.CopyFrom(self.message)
        asked.escrow, asked.reference = escrow, reference
        asked.identity, asked.decryption_proof = opening.identity, opening.proof
        return opening, asked


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
    opening, asked = case.open()
    answer = await record(town, asked)
    digest = case.claim.presentation.digest
    own = OpeningRecord.of(town.regulator_key.digest, digest, "who", REFERENCE, opening)
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
    false.identity = town.regulator_key.public_key
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
    opening, _ = case.open()
    number = scalar(PERMIT.attribute("number"), VALUES[PERMIT.name]["number"], SUITE)
    assert opening.identity == identity_octets(PAIRING, number)


async def test_each_case_and_each_escrow_has_a_record_of_its_own(town: CompositeCity, case: Case) -> None:
    before = len(await records_of(town))
    calls = [case.open(escrow, reference)[1] for escrow in ("who", "again") for reference in ("1", "x" * 256)]
    answers = [await record(town, each) for each in calls]
    assert len({each.entry_index for each in answers}) == 4
    assert len(await records_of(town)) == before + 4


async def test_the_ledger_does_not_say_whose_identity_was_opened(town: CompositeCity, case: Case) -> None:
    opening, asked = case.open()
    await record(town, asked)
    rows = repr(dump(town.city.ready.data))
    for secret in (opening.identity, opening.proof, REFERENCE.encode()):
        assert repr(secret)[2:-1] not in rows
    assert REFERENCE not in rows
    assert repr(case.claim.presentation.digest)[2:-1] not in rows


def put(name: str, value: Any) -> Callable[[pb.RecordOpeningRequest], object]:
    return lambda each: setattr(each, name, value)


def changed(name: str, place: int = -1) -> Callable[[pb.RecordOpeningRequest], object]:
    return lambda each: setattr(each, name, flipped(getattr(each, name), place))


FALSE: Final[dict[str, tuple[str, str, Callable[[pb.RecordOpeningRequest], object]]]] = {
    "no request": ("FIELD_MISSING", "signed_request", lambda each: each.ClearField("signed_request")),
    "no presentation": ("FIELD_MISSING", "presentation", lambda each: each.ClearField("presentation")),
    **{
        f"no {name}": ("FIELD_MISSING", name, put(name, type_()))
        for name, type_ in (
            ("receipt", bytes), ("escrow", str), ("reference", str), ("identity", bytes),
            ("decryption_proof", bytes),
        )
    },
    "another case": ("PROOF_INVALID", "decryption_proof", put("reference", "another")),
    "a long reference": ("MALFORMED", "reference", put("reference", "x" * 257)),
    "another escrow of the same": ("PROOF_INVALID", "decryption_proof", put("escrow", "again")),
    "no such escrow": ("QUERY_MISMATCH", "escrow", put("escrow", "nothing")),
    "another identity": ("PROOF_INVALID", "decryption_proof", put("identity", identity_octets(PAIRING, 7))),
    "an identity that is no point": ("MALFORMED", "decryption_proof", put("identity", b"\xff" * 48)),
    "the identity of nobody": ("MALFORMED", "decryption_proof", put("identity", b"\xc0" + bytes(47))),
    "another proof": ("PROOF_INVALID", "decryption_proof", changed("decryption_proof")),
    "a proof that is cut": (
        "MALFORMED", "decryption_proof",
        lambda each: setattr(each, "decryption_proof", each.decryption_proof[:-1]),
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
    for name in ("escrow", "reference", "identity", "decryption_proof"):
        setattr(swapped, name, getattr(asked, name))
    error = await refusal(record(town, swapped))
    assert (error.reason, error.violations[0].field) == ("PROOF_INVALID", "decryption_proof")
    mixed = pb.RecordOpeningRequest()
    mixed.CopyFrom(asked)
    mixed.receipt = other.message.receipt
    error = await refusal(record(town, mixed))
    assert (error.reason, error.violations[0].field) == ("RECEIPT_MISMATCH", "receipt")


async def test_nobody_else_makes_an_opening(town: CompositeCity, case: Case) -> None:
    thief = EscrowKey.generate(PAIRING)
    with pytest.raises(RefusedError, match="REGULATOR_UNKNOWN"):
        open_escrow(thief, case.claim, "who", REFERENCE)
    thief.public_key = town.regulator.public_key  # says that it is the regulator's
    with pytest.raises(RefusedError, match="REGULATOR_UNKNOWN"):
        open_escrow(thief, case.claim, "who", REFERENCE)


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
