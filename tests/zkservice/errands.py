"""An errand over the generated stubs: counters with their sessions, a holder with its ticket."""

import datetime as dt
import itertools
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from disclosure import LocalizedText, PolicyName, Request, SignedRequest, VerifierName, sign_request
from disclosure.errand import (
    Counter,
    ErrandBundle,
    ErrandBundleName,
    FieldType,
    Form,
    FormField,
    FormKey,
    PartAsk,
    PartName,
    seal_form,
)
from tests.zkservice.allowing import any_policy
from tests.zkservice.sessions import opened
from tests.zkservice.support import PERMIT, TEXT, City, Issued, new_id, present
from tlog.entry import HOLDER_NOTE_OCTETS
from wire.convert import presentation_to, signed_request_of, signed_request_to
from wire.errand import bundle_to
from zkproto.v1 import errand_pb2 as pb
from zkproto.v1.errand_pb2_grpc import ErrandServiceStub

PARTS: Final = ("birth", "household", "insurance")
PHONE: Final = FormField("phone", LocalizedText("联系电话", "Telephone"), FieldType.TEXT, max_length=20)
BORN: Final = FormField("born", LocalizedText("出生日期", "Day of birth"), FieldType.DATE)
WEIGHT: Final = FormField(
    "weight", LocalizedText("体重（克）", "Weight in grams"), FieldType.NUMBER, optional=True
)
VALUES: Final[dict[str, Any]] = {"phone": "13800000000", "born": dt.date(2026, 11, 1), "weight": 3200}
_numbers = itertools.count()


def newborn(number: int = 0, verifiers: Sequence[str] = PARTS, policy: str = "any") -> ErrandBundle:
    """The bundle of a newborn: birth first, with a form; insurance last, with a form; fourteen days each."""
    first, second, third = (VerifierName(f"{each}-counter") for each in verifiers)
    return ErrandBundle(
        ErrandBundleName("newborn", number + 1),
        LocalizedText("新生儿", "A newborn"),
        LocalizedText("出生登记、落户、参保", "Birth registration, household, insurance"),
        (
            Counter(PARTS[0], TEXT, first, _policy(first, policy), (BORN, WEIGHT), (), 14),
            Counter(PARTS[1], TEXT, second, _policy(second, policy), (), (PARTS[0],), 14),
            Counter(PARTS[2], TEXT, third, _policy(third, policy), (PHONE,), (PARTS[0], PARTS[1]), 14),
        ),
    )


def _policy(verifier: VerifierName, policy: str) -> PolicyName:
    return any_policy(verifier) if policy == "any" else PolicyName(verifier.verifier, policy, 1)


@dataclass
class Errands:
    """A furnished city with the counters of a bundle, each with a session of its own."""

    town: City
    bundle: ErrandBundle
    issued: Issued
    tokens: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stub: Any = ErrandServiceStub(self.town.channel)

    @classmethod
    async def of(cls, town: City, issued: Issued, bundle: ErrandBundle | None = None) -> "Errands":
        """Register the counters that are not registered yet, then the bundle."""
        bundle = bundle or newborn(next(_numbers))
        for each in bundle.counters:
            if each.verifier.verifier not in town.verifier_keys:
                await town.add_verifier(each.verifier.verifier)
        made = cls(town, bundle, issued)
        await made.stub.CreateErrandBundle(made.registering(), metadata=town.bearer(town.admin))
        for each in bundle.counters:
            made.tokens[each.part] = await opened(town, str(each.verifier), made.key(each.part))
        return made

    def registering(self) -> pb.CreateErrandBundleRequest:
        name = f"{self.bundle.name.bundle}@{self.bundle.name.version}"
        message = bundle_to(self.bundle)
        message.ClearField("name")
        return pb.CreateErrandBundleRequest(errand_bundle_id=name, errand_bundle=message)

    def key(self, part: str) -> Any:
        return self.town.verifier_keys[self.bundle.counter(part).verifier.verifier]

    def session(self, part: str) -> tuple[tuple[str, str], ...]:
        return self.town.bearer(self.tokens[part])

    async def start(self, request_id: str | None = None) -> "Started":
        """Begin an errand; its parts by their identifiers in the bundle."""
        message = pb.StartErrandRequest(bundle=str(self.bundle.name), request_id=request_id or new_id())
        answer = await self.stub.StartErrand(message)
        started = Started(self, answer.errand, answer.ticket)
        started.names = {each.part: each.name for each in (await started.get()).parts}
        return started

    def asking(
        self, part: str, name: str, request: Request | None = None, instead: Mapping[str, Any] | None = None
    ) -> pb.AskErrandPartRequest:
        """Return a counter's ask for its part; `instead` has other fields of what it signs besides."""
        counter, key = self.bundle.counter(part), self.key(part)
        request = request or self.town.request(counter.verifier.verifier)
        form_key = FormKey.of(key, PartName.parse(name)).public if counter.fields else b""
        said = {
            "part": PartName.parse(name),
            "bundle": self.bundle.name,
            "counter": part,
            "request_digest": request.digest,
            "form_key": form_key,
        }
        tie = PartAsk(**{**said, **(instead or {})})
        ask = pb.ErrandAsk(
            signed_request=signed_request_to(sign_request(request, key)),
            form_key=form_key,
            ask_signature=tie.sign(key.sign),
        )
        return pb.AskErrandPartRequest(part=name, ask=ask, request_id=new_id())


@dataclass
class Started:
    """An errand that was begun, as its holder has it."""

    errands: Errands
    errand: str
    ticket: str = field(repr=False)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def own(self) -> dict[str, str]:
        return {"errand": self.errand, "ticket": self.ticket}

    async def get(self) -> pb.Errand:
        answer: pb.Errand = await self.errands.stub.GetErrand(pb.GetErrandRequest(**self.own))
        return answer

    async def ask(self, *parts: str, **wanted: Any) -> dict[str, pb.AskErrandPartResponse]:
        """Have these counters ask, all if none is named."""
        answers = {}
        for part in parts or self.names:
            verifier = self.errands.bundle.counter(part).verifier.verifier
            request = self.errands.town.request(verifier, **wanted)
            message = self.errands.asking(part, self.names[part], request)
            answers[part] = await self.errands.stub.AskErrandPart(
                message, metadata=self.errands.session(part)
            )
        return answers

    async def submission(self, *parts: str, issued: Issued | None = None) -> pb.SubmitErrandRequest:
        """Return a submission of these parts, all that are asked if none is named, as a vault makes it."""
        errand = await self.get()
        answers = [
            self.answer(each, issued or self.errands.issued)
            for each in errand.parts
            if each.HasField("ask") and each.part in (parts or self.names)
        ]
        return pb.SubmitErrandRequest(
            **self.own,
            answers=answers,
            holder_note=secrets.token_bytes(HOLDER_NOTE_OCTETS),
            request_id=new_id(),
        )

    def answer(
        self, status: pb.ErrandPartStatus, issued: Issued, values: Mapping[str, Any] = VALUES
    ) -> pb.ErrandAnswer:
        request = signed_request_of(status.ask.signed_request).request
        form, sealed = self.form(status, values)
        tag = None if form is None else form.tag_nonce + secrets.token_bytes(32)
        presentation, note = present(request, issued, self.errands.town.clock(), tag)
        return pb.ErrandAnswer(
            part=status.name,
            presentation=presentation_to(presentation, lambda _: PERMIT),
            holder_note=note,
            sealed_form=sealed,
        )

    def form(self, status: pb.ErrandPartStatus, values: Mapping[str, Any]) -> tuple[Form | None, bytes]:
        counter = self.errands.bundle.counter(status.part)
        if not counter.fields:
            return None, b""
        form = Form({each.id: values[each.id] for each in counter.fields if each.id in values})
        return form, seal_form(form, self.tie(status.part, status.ask))

    def tie(self, part: str, ask: pb.ErrandAsk) -> PartAsk:
        """Return what a counter's ask says, checked under the counter's key."""
        signed = SignedRequest(ask.signed_request.payload, ask.signed_request.signature)
        tie = PartAsk(
            PartName.parse(self.names[part]),
            self.errands.bundle.name,
            part,
            signed.request.digest,
            ask.form_key,
        )
        tie.check(ask.ask_signature, self.errands.key(part).public_key().public_bytes_raw())
        return tie

    async def submit(self, message: pb.SubmitErrandRequest | None = None) -> pb.SubmitErrandResponse:
        answer: pb.SubmitErrandResponse = await self.errands.stub.SubmitErrand(
            message or await self.submission()
        )
        return answer

    async def refusing(self, part: str = "birth") -> pb.RefuseErrandPartRequest:
        """Return what a vault says when a counter asks too much."""
        status = next(each for each in (await self.get()).parts if each.part == part)
        return self.refusal(part, signed_request_of(status.ask.signed_request).request.digest)

    def refusal(self, part: str, digest: bytes) -> pb.RefuseErrandPartRequest:
        return pb.RefuseErrandPartRequest(
            **self.own,
            part=self.names[part],
            request_digest=digest,
            holder_note=secrets.token_bytes(HOLDER_NOTE_OCTETS),
            request_id=new_id(),
        )

    def telling(self, part: str, state: Any, **told: Any) -> pb.UpdateErrandPartRequest:
        return pb.UpdateErrandPartRequest(part=self.names[part], state=state, request_id=new_id(), **told)

    async def tell(self, part: str, state: Any, **told: Any) -> pb.ErrandPart:
        answer: pb.ErrandPart = await self.errands.stub.UpdateErrandPart(
            self.telling(part, state, **told), metadata=self.errands.session(part)
        )
        return answer

    async def seen_by(self, part: str) -> pb.ErrandPart:
        """Return this errand's part as its counter sees it in its stream."""
        watch = pb.WatchErrandPartsRequest(bundle=str(self.errands.bundle.name))
        stream = self.errands.stub.WatchErrandParts(watch, metadata=self.errands.session(part))
        try:
            async for each in stream:
                if each.name == self.names[part]:
                    found: pb.ErrandPart = each
                    return found
        finally:
            stream.cancel()
        raise AssertionError("the stream ended")


async def handed_in(errands: Errands) -> Started:
    """Return an errand that was submitted."""
    started = await errands.start()
    await started.ask()
    await started.submit()
    return started
