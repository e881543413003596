"""Refusals of presentations: of what they show, of proofs, of notes, and of everything seen before."""

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from disclosure import CredentialPresentation, ExpiryRule, Presentation
from tests.zkservice.refusing import OLD, Case, Refusable, Submission, Town, add, put
from tests.zkservice.support import new_id, present
from wire.convert import date_to, presentation_to
from zkproto.v1 import presentation_pb2

CASES: list[Case] = []
BAD, MISSING, FAILED = "INVALID_ARGUMENT", "FIELD_MISSING", "FAILED_PRECONDITION"
SIGNED, HOUR = "signed_request", dt.timedelta(hours=1)


@add(CASES, FAILED, "REQUEST_EXPIRED")
async def submitted_too_late(town: Town) -> Refusable:
    return town.at(HOUR, await town.submitting())


def submitting(
    code: str,
    reason: str,
    *fields: str,
    name: str,
    alter: Callable[[Submission], object] = lambda _: None,
    **options: Any,
) -> None:
    async def scenario(town: Town) -> Refusable:
        chosen = {
            key: value(town) if key in {"request", "issued"} else value for key, value in options.items()
        }
        return await town.submitting(alter, **chosen)

    add(CASES, code, reason, *fields, name=f"submit: {name}")(scenario)


def first(message: Submission) -> presentation_pb2.CredentialPresentation:
    return message.presentation.credentials[0]


def part(field: str, value: Any) -> Callable[[Submission], object]:
    return lambda each: setattr(first(each), field, value)


def flip_last_bit(message: Submission) -> None:
    proof = first(message).proof
    first(message).proof = proof[:-1] + bytes([proof[-1] ^ 1])


PART = "presentation.credentials[0]"
PROOF = f"{PART}.proof"
submitting(BAD, MISSING, "request_id", name="no request_id", alter=lambda each: each.ClearField("request_id"))
submitting(
    BAD, "FIELD_INVALID", "request_id", name="no uuid", alter=lambda each: setattr(each, "request_id", "1")
)
submitting(BAD, MISSING, "presentation", name="nothing", alter=lambda each: each.ClearField("presentation"))
submitting(
    BAD, "PRESENTATION_INVALID", "presentation.credentials", name="empty",
    alter=lambda each: each.presentation.ClearField("credentials"),
)  # fmt: skip
for field, octets in (("usage_tag", 47), ("note_hash", 31), ("request_digest", 0)):
    submitting(
        BAD, "PRESENTATION_INVALID", f"presentation.{field}", name=f"short {field}",
        alter=put(f"presentation.{field}", bytes(octets)),
    )  # fmt: skip
for field in ("schema", "issuer_key"):
    submitting(
        BAD, "NAME_INVALID", f"{PART}.{field}", name=f"no {field}",
        alter=part(field, ""),
    )  # fmt: skip
submitting(
    BAD, "PRESENTATION_INVALID", PROOF, name="no proof", alter=lambda each: first(each).ClearField("proof")
)
submitting(
    BAD, "PRESENTATION_INVALID", PROOF, name="proof cut",
    alter=lambda each: setattr(first(each), "proof", first(each).proof[:-1]),
)  # fmt: skip
submitting(
    BAD, "PROOF_INVALID", PROOF, name="proof for one message less",
    alter=lambda each: setattr(first(each), "proof", first(each).proof[:-32]),
)  # fmt: skip
submitting(
    BAD, "PROOF_INVALID", PROOF, name="proof of zeros",
    alter=lambda each: setattr(first(each), "proof", bytes(len(first(each).proof))),
)  # fmt: skip
submitting(
    BAD, "PROOF_INVALID", PROOF, name="last bit of the proof",
    alter=flip_last_bit,
)  # fmt: skip
submitting(
    BAD, "PROOF_INVALID", PROOF, name="changed value",
    alter=lambda each: setattr(first(each).values[0].value, "code", "370103"),
)  # fmt: skip
submitting(
    BAD, "PROOF_INVALID", PROOF, name="later expiry",
    alter=lambda each: setattr(first(each).expiry, "year", first(each).expiry.year + 1),
)  # fmt: skip
submitting(
    BAD, "PROOF_INVALID", PROOF, name="another usage tag",
    alter=lambda each: setattr(each.presentation, "usage_tag", bytes(48)),
)  # fmt: skip
submitting(
    BAD, "VALUE_INVALID", f"{PART}.expiry", name="no such day",
    alter=lambda each: setattr(first(each).expiry, "day", 32),
)  # fmt: skip
submitting(
    BAD, "VALUE_INVALID", f"{PART}.values.district", name="value of another type",
    alter=lambda each: setattr(first(each).values[0].value, "integer", 370102),
)  # fmt: skip
submitting(
    BAD, "ATTRIBUTE_MISSING", f"{PART}.values.district", name="value left out",
    alter=lambda each: first(each).values[0].ClearField("value"),
)  # fmt: skip
submitting(
    BAD, "VALUE_INVALID", f"{PART}.values[1].attribute", name="value twice",
    alter=lambda each: first(each).values.add(attribute="district"),
)  # fmt: skip
for title, field, change in (
    ("attribute less", "values", lambda each: first(each).ClearField("values")),
    ("attribute more", "values", lambda each: first(each).values.add(attribute="fee")),
    ("attribute renamed", "values", lambda each: setattr(first(each).values[0], "attribute", "code")),
    ("expiry hidden", "expiry", lambda each: first(each).ClearField("expiry")),
):
    submitting(BAD, "QUERY_MISMATCH", f"{PART}.{field}", name=title, alter=change)
for field, value in (("query", "other"), ("schema", str(replace(OLD.name, department="police", version=2)))):
    submitting(
        BAD, "QUERY_MISMATCH", PART, name=f"another {field}",
        alter=part(field, value),
    )  # fmt: skip
submitting(
    BAD, "QUERY_MISMATCH", f"{PART}.expiry", name="expiry shown unasked",
    request=lambda town: town.city.request(expiry=ExpiryRule.WAIVED),
    alter=lambda each: first(each).expiry.MergeFrom(date_to(dt.date(2030, 1, 1))),
)  # fmt: skip
submitting(
    BAD, "QUERY_MISMATCH", "presentation.credentials", name="one answer too many",
    tamper=lambda each: replace(each, credentials=each.credentials * 2),
)  # fmt: skip
submitting(
    FAILED, "ISSUER_KEY_UNKNOWN", f"{PART}.issuer_key", name="unknown key",
    alter=lambda each: setattr(first(each), "issuer_key", f"departments/police/issuerKeys/{'0' * 32}"),
)  # fmt: skip
submitting(
    FAILED, "ISSUER_KEY_RETIRED", f"{PART}.issuer_key", name="retired key",
    request=lambda town: town.city.request(schema=OLD.name), issued=lambda town: town.retired,
)  # fmt: skip
submitting(
    BAD, "NOTE_MISMATCH", "holder_note", name="no note", alter=lambda each: each.ClearField("holder_note")
)
submitting(
    BAD, "NOTE_MISMATCH", "holder_note", name="long note",
    alter=lambda each: setattr(each, "holder_note", each.holder_note + b"\0"),
)  # fmt: skip
submitting(
    BAD, "NOTE_MISMATCH", "holder_note", name="another note",
    alter=lambda each: setattr(each, "holder_note", bytes(1024)),
)  # fmt: skip


@add(CASES, FAILED, "ISSUER_KEY_UNKNOWN", f"{PART}.issuer_key")
async def key_of_another_department(town: Town) -> Refusable:
    foreign = str(town.retired.key.name)
    return await town.submitting(lambda each: setattr(first(each), "issuer_key", foreign))


@add(CASES, FAILED, "CREDENTIAL_EXPIRED", f"{PART}.expiry")
async def credential_that_has_ended(town: Town) -> Refusable:
    now, later = town.city.clock(), dt.timedelta(days=367)
    town.city.clock.ahead = later
    request = town.city.request()
    exchange = await town.city.ask(request)
    submission = town.city.submission(exchange, *present(request, town.issued, now))
    return town.at(later, lambda: town.city.presentation.SubmitPresentation(submission))


@add(CASES, BAD, "REQUEST_MISMATCH", "presentation.request_digest")
async def presentation_for_another_verifier(town: Town) -> Refusable:
    presentation, note = town.city.present(town.city.request("bank"), town.issued)
    submission = town.city.submission(await town.city.ask(town.city.request("school")), presentation, note)
    return lambda: town.city.presentation.SubmitPresentation(submission)


@add(CASES, BAD, "PROOF_INVALID", PROOF)
async def presentation_for_another_verifier_rewritten(town: Town) -> Refusable:
    request = town.city.request("school")
    presentation, note = town.city.present(town.city.request("bank"), town.issued)
    presentation = replace(presentation, request_digest=request.digest)
    submission = town.city.submission(await town.city.ask(request), presentation, note)
    return lambda: town.city.presentation.SubmitPresentation(submission)


def swapped(presentation: Presentation) -> Presentation:
    one, two = presentation.credentials
    parts = CredentialPresentation(one.shown, two.proof), CredentialPresentation(two.shown, one.proof)
    return replace(presentation, credentials=parts)


submitting(
    BAD, "PROOF_INVALID", PROOF, name="proofs swapped", tamper=swapped,
    request=lambda town: town.city.request(queries=("one", "two")),
)  # fmt: skip


def replaying(name: str) -> Callable[[Callable[[Town, Submission], Awaitable[Any]]], object]:
    """Write down a submission that holds something of `town.answered`, which was accepted."""

    def note(alter: Callable[[Town, Submission], Awaitable[Any]]) -> object:
        async def scenario(town: Town) -> Refusable:
            submission = Submission()
            submission.CopyFrom(town.answered[1])
            await alter(town, submission)
            return lambda: town.city.presentation.SubmitPresentation(submission)

        return add(CASES, "ALREADY_EXISTS", "REPLAYED", name=name)(scenario)

    return note


@replaying("the same with another request_id")
async def another_request_id(town: Town, submission: Submission) -> None:
    submission.request_id = new_id()


@replaying("the same with another note")
async def another_note(town: Town, submission: Submission) -> None:
    submission.holder_note = bytes(1024)


@replaying("the same for another exchange")
async def another_exchange(town: Town, submission: Submission) -> None:
    other = await town.city.ask(town.city.request())
    submission.exchange, submission.ticket = other.exchange, other.ticket


@replaying("a new presentation for an answered exchange")
async def answered_again(town: Town, submission: Submission) -> None:
    request = town.city.request()
    presentation, note = town.city.present(request, town.issued)
    submission.presentation.CopyFrom(presentation_to(presentation, lambda _: town.issued.schema))
    submission.holder_note, submission.request_id = note, new_id()


@replaying("its usage tag in another presentation")
async def used_tag(town: Town, submission: Submission) -> None:
    request = town.city.request()
    other = await town.city.ask(request)
    tag = submission.presentation.usage_tag
    presentation, note = present(request, town.issued, town.city.clock(), tag)
    submission.CopyFrom(town.city.submission(other, presentation, note))


@replaying("its proof in another presentation")
async def used_proof(town: Town, submission: Submission) -> None:
    request = town.city.request()
    other = await town.city.ask(request)
    proof = submission.presentation.credentials[0].proof
    submission.CopyFrom(town.city.submission(other, *town.city.present(request, town.issued)))
    submission.presentation.credentials[0].proof = proof


Verifying = presentation_pb2.VerifyPresentationRequest


def verifying(
    code: str,
    reason: str,
    *fields: str,
    name: str,
    alter: Callable[[Verifying], object],
    ahead: dt.timedelta = dt.timedelta(),
) -> None:
    async def scenario(town: Town) -> Refusable:
        request = town.city.request()
        signed = town.city.create_exchange(request).signed_request
        presentation, _ = town.city.present(request, town.issued)
        message = Verifying(
            signed_request=signed, presentation=presentation_to(presentation, lambda _: town.issued.schema)
        )
        alter(message)
        return town.at(ahead, lambda: town.city.presentation.VerifyPresentation(message))

    add(CASES, code, reason, *fields, name=f"verify: {name}")(scenario)


verifying(BAD, MISSING, SIGNED, name="no request", alter=lambda each: each.ClearField("signed_request"))
verifying(BAD, MISSING, "presentation", name="nothing", alter=lambda each: each.ClearField("presentation"))
verifying(
    "UNAUTHENTICATED", "REQUEST_SIGNATURE_INVALID", name="signature",
    alter=lambda each: setattr(each.signed_request, "signature", bytes(64)),
)  # fmt: skip
verifying(
    BAD, "REQUEST_MISMATCH", "presentation.request_digest", name="another request",
    alter=lambda each: setattr(each.presentation, "request_digest", bytes(32)),
)  # fmt: skip
verifying(
    BAD, "PROOF_INVALID", PROOF, name="changed value",
    alter=lambda each: setattr(each.presentation.credentials[0].values[0].value, "code", "370103"),
)  # fmt: skip
verifying(FAILED, "REQUEST_EXPIRED", name="now is too late", alter=lambda _: None, ahead=HOUR)
verifying(
    FAILED, "REQUEST_EXPIRED", name="the last moment there is",
    alter=lambda each: setattr(each.verify_time, "seconds", 253_402_300_799),
)  # fmt: skip
verifying(
    FAILED, "REQUEST_NOT_YET_VALID", name="the first moment there is",
    alter=lambda each: setattr(each.verify_time, "seconds", -62_135_596_800),
)  # fmt: skip
for field, number in (
    ("seconds", 253_402_300_800),
    ("seconds", -(1 << 63)),
    ("nanos", -1),
    ("nanos", 1 << 30),
):
    verifying(
        BAD, "VALUE_INVALID", "verify_time", name=f"no moment: {field} {number}",
        alter=put(f"verify_time.{field}", number),
    )  # fmt: skip


Batch = presentation_pb2.BatchVerifyPresentationsRequest


def batching(code: str, reason: str, *fields: str, name: str, members: int) -> None:
    async def scenario(town: Town) -> Refusable:
        message = Batch(requests=[Verifying()] * members)
        return lambda: town.city.presentation.BatchVerifyPresentations(message)

    add(CASES, code, reason, *fields, name=f"batch: {name}")(scenario)


batching(BAD, MISSING, "requests", name="empty", members=0)
batching(BAD, "BATCH_TOO_LARGE", "requests", name="one member too many", members=257)
batching(BAD, "BATCH_TOO_LARGE", "requests", name="as many as fit", members=120_000)
