"""Refusals of the errand service: nothing is accepted by halves, and nobody reaches what is another's."""

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

from tests.zkservice.errands import PARTS, Errands, Started, handed_in, newborn
from tests.zkservice.refusing import Case, Refusable, Town, add
from tests.zkservice.sessions import opened
from tests.zkservice.support import City, Issued, new_id
from zkproto.v1 import errand_pb2 as pb

CASES: list[Case] = []
BAD, STATE, GONE = "INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND"
NOTE = bytes(1024)
PROVEN = "answers[1].presentation"
_known: dict[int, Errands] = {}


async def errands_of(town: City, issued: Issued) -> Errands:
    """Return the city's bundle and its counters, made once."""
    if id(town) not in _known:
        _known[id(town)] = await Errands.of(town, issued)
    return _known[id(town)]


async def seeds(town: City, number: int) -> dict[str, tuple[Any, str | None]]:
    """Return for each method a message that is answered with OK, with the session that its call takes."""
    if id(town) not in _known:
        await errands_of(town, await town.claim(await town.issue()))
    errands = _known[id(town)]
    for each in errands.bundle.counters:
        errands.tokens[each.part] = await opened(town, str(each.verifier), errands.key(each.part))
    own, bundle = errands.tokens["birth"], str(errands.bundle.name)
    fresh, ready, gone = [await errands.start() for _ in range(3)]
    refusable = await errands.start()
    await ready.ask()
    await refusable.ask("birth")
    told, rejected = await handed_in(errands), await handed_in(errands)
    await rejected.tell("birth", pb.ERRAND_PART_STATE_REJECTED, message={"zh": "否", "en": "no"})
    retry = pb.RetryErrandPartRequest(**rejected.own, part=rejected.names["birth"])
    done = told.telling(
        "birth", pb.ERRAND_PART_STATE_DONE, message={"zh": "好", "en": "good"}, document="1",
        offer_link="zk://offer?server=localhost%3A8443&id=a&secret=b",
    )  # fmt: skip
    return {
        "CreateErrandBundle": (Errands(town, newborn(100_000 + number), errands.issued).registering(), None),
        "GetErrandBundle": (pb.GetErrandBundleRequest(name=bundle), None),
        "ListErrandBundles": (pb.ListErrandBundlesRequest(page_size=1), None),
        "StartErrand": (pb.StartErrandRequest(bundle=bundle, request_id=new_id()), None),
        "GetErrand": (pb.GetErrandRequest(**fresh.own), None),
        "WatchErrand": (pb.WatchErrandRequest(**fresh.own), None),
        "SubmitErrand": (await ready.submission(), None),
        "RetryErrandPart": (retry, None),
        "AbandonErrand": (pb.AbandonErrandRequest(**gone.own, holder_note=NOTE, request_id=new_id()), None),
        "RefuseErrandPart": (await refusable.refusing(), None),
        "WatchErrandParts": (pb.WatchErrandPartsRequest(bundle=bundle), own),
        "AskErrandPart": (errands.asking("birth", fresh.names["birth"]), own),
        "UpdateErrandPart": (done, own),
    }


Alter = Callable[[Started, pb.SubmitErrandRequest], Awaitable[None] | None]


def submitting(
    code: str, reason: str, *fields: str, name: str, ask: tuple[str, ...] = PARTS
) -> Callable[[Alter], Alter]:
    """A submission of all that was asked, changed by what is decorated."""

    def note(alter: Alter) -> Alter:
        async def scenario(town: Town) -> Refusable:
            errands = await errands_of(town.city, town.issued)
            started = await errands.start()
            await started.ask(*ask)
            message = await started.submission()
            changed = alter(started, message)
            if changed is not None:
                await changed
            return lambda: errands.stub.SubmitErrand(message)

        add(CASES, code, reason, *fields, name=f"SubmitErrand {name}")(scenario)
        return alter

    return note


@submitting(STATE, "ERRAND_INCOMPLETE", "answers", name="a subset")
def _subset(_: Started, message: pb.SubmitErrandRequest) -> None:
    del message.answers[1]


@submitting(STATE, "ERRAND_INCOMPLETE", "answers", name="before all have asked", ask=PARTS[:2])
def _too_early(_: Started, __: pb.SubmitErrandRequest) -> None:
    pass


@submitting(BAD, "FIELD_INVALID", "answers[1].part", name="a part twice")
def _twice(_: Started, message: pb.SubmitErrandRequest) -> None:
    message.answers[1].CopyFrom(message.answers[0])


@submitting(BAD, "REQUEST_MISMATCH", "answers[0].presentation.request_digest", name="two parts swapped")
def _swapped(_: Started, message: pb.SubmitErrandRequest) -> None:
    first, second = message.answers[0].presentation, message.answers[1].presentation
    kept = type(first).FromString(first.SerializeToString())
    notes = message.answers[0].holder_note, message.answers[1].holder_note
    first.CopyFrom(second)
    second.CopyFrom(kept)
    message.answers[0].holder_note, message.answers[1].holder_note = notes[1], notes[0]


@submitting(GONE, "NOT_FOUND", "answers[2].part", name="a part of another errand")
async def _of_another(started: Started, message: pb.SubmitErrandRequest) -> None:
    other = await started.errands.start()
    await other.ask()
    message.answers[2].CopyFrom((await other.submission()).answers[2])


@submitting(BAD, "REQUEST_MISMATCH", "answers[2].presentation.request_digest", name="another errand's answer")
async def _answer_of_another(started: Started, message: pb.SubmitErrandRequest) -> None:
    other = await started.errands.start()
    await other.ask()
    theirs = (await other.submission()).answers[2]
    theirs.part = message.answers[2].part
    message.answers[2].CopyFrom(theirs)


@submitting(
    BAD, "PROOF_INVALID", "answers[1].presentation.credentials[0].proof", name="one bad proof of three"
)
def _bad_proof(_: Started, message: pb.SubmitErrandRequest) -> None:
    proof = message.answers[1].presentation.credentials[0].proof
    message.answers[1].presentation.credentials[0].proof = proof[:-1] + bytes([proof[-1] ^ 1])


@submitting(
    BAD, "PRESENTATION_INVALID", "answers[0].composite_presentation.credentials", name="in the other form"
)
def _other_form(_: Started, message: pb.SubmitErrandRequest) -> None:
    message.answers[0].composite_presentation.CopyFrom(pb.ErrandAnswer().composite_presentation)


@submitting(BAD, "FIELD_MISSING", "answers[0].sealed_form", name="without its form")
def _no_form(_: Started, message: pb.SubmitErrandRequest) -> None:
    message.answers[0].sealed_form = b""


@submitting(BAD, "MALFORMED", "answers[0].sealed_form", name="with a form that is cut")
def _cut_form(_: Started, message: pb.SubmitErrandRequest) -> None:
    message.answers[0].sealed_form = message.answers[0].sealed_form[:-1]


@submitting(BAD, "FIELD_INVALID", "answers[1].sealed_form", name="with a form that nobody wants")
def _form_too_much(_: Started, message: pb.SubmitErrandRequest) -> None:
    message.answers[1].sealed_form = message.answers[0].sealed_form


@submitting(BAD, "NOTE_MISMATCH", "answers[1].holder_note", name="another note")
def _other_note(_: Started, message: pb.SubmitErrandRequest) -> None:
    message.answers[1].holder_note = NOTE


@submitting(BAD, "NOTE_MISMATCH", "holder_note", name="a short note of the event")
def _short_note(_: Started, message: pb.SubmitErrandRequest) -> None:
    message.holder_note = NOTE[:-1]


@submitting(GONE, "NOT_FOUND", name="another ticket")
def _ticket(_: Started, message: pb.SubmitErrandRequest) -> None:
    message.ticket = message.ticket[:-2] + "xx"


@submitting(BAD, "FIELD_MISSING", "answers", name="nothing")
def _nothing(_: Started, message: pb.SubmitErrandRequest) -> None:
    del message.answers[:]


@submitting("ALREADY_EXISTS", "REPLAYED", "answers[0]", name="what was seen before")
async def _replayed(started: Started, message: pb.SubmitErrandRequest) -> None:
    """The same octets under another request_id, after they were accepted, in a part that was asked anew."""
    await started.submit(message)
    await started.tell("birth", pb.ERRAND_PART_STATE_REJECTED, message={"zh": "否", "en": "no"})
    retry = pb.RetryErrandPartRequest(**started.own, part=started.names["birth"])
    await started.errands.stub.RetryErrandPart(retry)
    request = started.errands.town.request("birth-counter")
    ask = started.errands.asking("birth", started.names["birth"], request)
    await started.errands.stub.AskErrandPart(ask, metadata=started.errands.session("birth"))
    old = message.answers[0]
    del message.answers[:]
    fresh = (await started.submission("birth")).answers[0]
    fresh.presentation.credentials[0].proof = old.presentation.credentials[0].proof
    message.answers.append(fresh)
    message.request_id = new_id()


@add(CASES, STATE, "ERRAND_ENDED", name="SubmitErrand too late")
async def _late(town: Town) -> Refusable:
    errands = await errands_of(town.city, town.issued)
    started = await errands.start()
    await started.ask(lifetime=dt.timedelta(days=6))
    message = await started.submission()
    return town.at(dt.timedelta(hours=25), lambda: errands.stub.SubmitErrand(message))


@add(CASES, STATE, "ERRAND_INCOMPLETE", "answers[1].part", name="SubmitErrand after a request has ended")
async def _ended(town: Town) -> Refusable:
    errands = await errands_of(town.city, town.issued)
    started = await errands.start()
    await started.ask("birth", "insurance")
    await started.ask("household", lifetime=dt.timedelta(minutes=5))
    message = await started.submission()
    return town.at(dt.timedelta(minutes=6), lambda: errands.stub.SubmitErrand(message))


@add(CASES, STATE, "PART_STATE_INVALID", "answers[0].part", name="SubmitErrand what was submitted")
async def _again(town: Town) -> Refusable:
    errands = await errands_of(town.city, town.issued)
    started = await errands.start()
    await started.ask()
    message = await started.submission()
    await started.submit(message)
    message.request_id = new_id()
    return lambda: errands.stub.SubmitErrand(message)


Call = Callable[[Errands, Started], Any]


def in_errand(
    cases: list[Case], code: str, reason: str, *fields: str, name: str, submitted: bool = False
) -> Callable[[Call], Call]:
    """A call about an errand that was begun, or submitted."""

    def note(call: Call) -> Call:
        async def scenario(town: Town) -> Refusable:
            errands = await errands_of(town.city, town.issued)
            started = await (handed_in(errands) if submitted else errands.start())
            return lambda: call(errands, started)

        add(cases, code, reason, *fields, name=name)(scenario)
        return call

    return note


def with_errand(
    code: str, reason: str, *fields: str, name: str, submitted: bool = False
) -> Callable[[Call], Call]:
    return in_errand(CASES, code, reason, *fields, name=name, submitted=submitted)


@with_errand(GONE, "NOT_FOUND", name="GetErrand of another ticket")
def _look(errands: Errands, started: Started) -> Any:
    return errands.stub.GetErrand(pb.GetErrandRequest(errand=started.errand, ticket="x"))


@with_errand(GONE, "NOT_FOUND", name="WatchErrand of another ticket")
def _watch(errands: Errands, started: Started) -> Any:
    return errands.stub.WatchErrand(pb.WatchErrandRequest(errand=started.errand, ticket="x")).read()


@with_errand(STATE, "ERRAND_ENDED", name="AbandonErrand that was submitted", submitted=True)
def _abandon(errands: Errands, started: Started) -> Any:
    message = pb.AbandonErrandRequest(**started.own, holder_note=NOTE, request_id=new_id())
    return errands.stub.AbandonErrand(message)


@with_errand(STATE, "PART_STATE_INVALID", "part", name="RetryErrandPart of what is at work", submitted=True)
def _retry(errands: Errands, started: Started) -> Any:
    return errands.stub.RetryErrandPart(pb.RetryErrandPartRequest(**started.own, part=started.names["birth"]))


@with_errand(GONE, "NOT_FOUND", "part", name="RetryErrandPart of another errand", submitted=True)
def _retry_other(errands: Errands, started: Started) -> Any:
    return errands.stub.RetryErrandPart(
        pb.RetryErrandPartRequest(**started.own, part=f"errandParts/{'x' * 22}")
    )


def registering(code: str, reason: str, *fields: str, name: str, token: bool = True, **changes: Any) -> None:
    """A bundle that is no bundle; `alter` changes the message."""
    alter = changes.pop("alter", lambda _: None)

    async def scenario(town: Town) -> Refusable:
        errands = await errands_of(town.city, town.issued)
        message = Errands(town.city, changes.get("bundle") or newborn(990), town.issued).registering()
        alter(message)
        metadata = town.city.bearer(town.city.admin if token else town.city.department_token)
        return lambda: errands.stub.CreateErrandBundle(message, metadata=metadata)

    add(CASES, code, reason, *fields, name=f"CreateErrandBundle {name}")(scenario)


AT = "errand_bundle.counters"
registering("PERMISSION_DENIED", "TOKEN_INVALID", name="without being the administrator", token=False)
registering(
    BAD, "NAME_INVALID", "errand_bundle_id", name="no name",
    alter=lambda each: setattr(each, "errand_bundle_id", "newborn"),
)  # fmt: skip
registering(
    GONE, "NOT_FOUND", f"{AT}[0].verifier", name="nobody's counter",
    bundle=newborn(991, ("nobody", "household", "insurance")),
)  # fmt: skip
registering(
    STATE, "POLICY_UNKNOWN", f"{AT}[0].policy", name="a policy that is not registered",
    bundle=newborn(992, policy="unknown"),
)  # fmt: skip
registering(
    BAD, "VALUE_INVALID", f"{AT}[0].depends_on", name="a circle",
    alter=lambda each: each.errand_bundle.counters[0].depends_on.append("insurance"),
)  # fmt: skip
registering(
    BAD, "VALUE_INVALID", f"{AT}[1].part", name="two of one part",
    alter=lambda each: setattr(each.errand_bundle.counters[1], "part", "birth"),
)  # fmt: skip
registering(
    BAD, "VALUE_INVALID", f"{AT}[0].fields[0].type", name="a field of no type",
    alter=lambda each: each.errand_bundle.counters[0].fields[0].ClearField("type"),
)  # fmt: skip


@add(
    CASES, "ALREADY_EXISTS", "ALREADY_EXISTS", "errand_bundle_id", name="CreateErrandBundle another of a name"
)
async def _bundle_twice(town: Town) -> Refusable:
    errands = await errands_of(town.city, town.issued)
    message = errands.registering()
    message.errand_bundle.description.en = "something else"
    return lambda: errands.stub.CreateErrandBundle(message, metadata=town.city.bearer(town.city.admin))


@add(CASES, "ALREADY_EXISTS", "REQUEST_ID_REUSED", "request_id", name="StartErrand another bundle")
async def _start_twice(town: Town) -> Refusable:
    errands = await errands_of(town.city, town.issued)
    other = await Errands.of(town.city, town.issued)
    request_id = new_id()
    await errands.start(request_id)
    message = pb.StartErrandRequest(bundle=str(other.bundle.name), request_id=request_id)
    return lambda: errands.stub.StartErrand(message)


@add(CASES, GONE, "NOT_FOUND", "bundle", name="StartErrand of no bundle")
async def _start_nothing(town: Town) -> Refusable:
    errands = await errands_of(town.city, town.issued)
    message = pb.StartErrandRequest(bundle="errandBundles/nothing@1", request_id=new_id())
    return lambda: errands.stub.StartErrand(message)
