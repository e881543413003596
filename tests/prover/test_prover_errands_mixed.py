"""A service that mixes up a counter's answers: each is true, and of something else than this very part."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from disclosure import PolicyName, RefusedError, Request, sign_request
from disclosure.errand import ErrandBundleName, FormKey, PartAsk
from prover import Vault
from tests.prover.errand_making import Desk, agree, begun, client_of, desks, fill_in
from tests.prover.making import refused
from tests.prover.town import Town
from tests.zkservice.allowing import allowed
from tests.zkservice.errands import Errands
from tests.zkservice.support import ASKED, TEXT
from verifier.client import VerifierClient
from verifier.client.errands import CounterPart
from wire import convert
from wire.client import stream
from zkproto.v1 import errand_pb2 as pb
from zkproto.v1 import presentation_pb2, presentation_pb2_grpc

FORMLESS, WITH_FORM = "household", "birth"
NOT_ASKED = "REQUEST_SIGNATURE_INVALID"
SOON = dt.timedelta(seconds=10)


@dataclass
class Mixing:
    """Counters, two errands that were submitted to them, and a service that hands over what it likes."""

    town: Town
    errands: Errands
    counters: dict[str, Desk]
    vault: Vault
    parts: tuple[dict[str, CounterPart], ...] = ()

    def part(self, errand: int, part: str = FORMLESS) -> CounterPart:
        return self.parts[errand][part]

    def submit(self) -> dict[str, CounterPart]:
        """Submit an errand; return its parts as the counters are told them by an honest service."""
        client = client_of(self.town)
        errand = begun(self.town, self.errands, self.counters, self.vault)
        client.submit(errand.id, self.vault, self.town.log, agree, declare=fill_in)
        names = {each.part: str(each.name) for each in client.look(errand.id, self.vault).parts}
        return {part: desk.receive(names[part])[0] for part, desk in self.counters.items()}

    def receive(self, part: CounterPart, **said: Any) -> Any:
        """Have the counter receive a part of which the service says something else."""
        message = pb.ErrandPart()
        message.CopyFrom(part.message)
        for field, value in said.items():
            getattr(message, field).CopyFrom(value)
        desk = self.counters[part.part]
        return desk.counter.receive(desk.bundle, replace(part, message=message))

    def answered(self, request: Request) -> tuple[pb.ErrandAsk, presentation_pb2.WatchExchangeResponse]:
        """Have a counter's request answered in an ordinary exchange; return it as a part's ask and answer."""
        town, key = self.town, self.errands.key(FORMLESS)
        with VerifierClient(town.endpoint, request.verifier, key, town.log, clock=town.city.clock) as client:
            opened = client.ask(request)
        town.client().answer(opened.link, self.vault, town.log, lambda _: True)
        watch = presentation_pb2.WatchExchangeRequest(
            exchange=opened.exchange, result_token=opened.result_token
        )
        with town.endpoint.channel() as channel:
            stub = presentation_pb2_grpc.PresentationServiceStub(channel)
            *_, state = stream(stub.WatchExchange, watch, timeout=SOON)
        signed = convert.signed_request_to(opened.signed_request)
        return pb.ErrandAsk(signed_request=signed, ask_signature=bytes(64)), state

    def tie(self, part: CounterPart, request: Request, **said: Any) -> bytes:
        """Sign a tie with the counter's own key."""
        desk = self.counters[part.part]
        made = PartAsk(part.name, desk.bundle.name, part.part, request.digest)
        return replace(made, **said).sign(self.errands.key(part.part).sign)


@pytest.fixture(scope="module")
def bureau(the_town: Town) -> Iterator[tuple[Errands, dict[str, Desk]]]:
    async def made() -> Errands:
        return await Errands.of(the_town.city, await the_town.city.claim(await the_town.city.issue()))

    errands = the_town.run(made())
    with desks(the_town, errands) as opened:
        yield errands, opened


@pytest.fixture
def mixing(town: Town, bureau: tuple[Errands, dict[str, Desk]], vault: Vault) -> Mixing:
    town.client().claim(town.offer(), vault, town.log)
    made = Mixing(town, *bureau, vault)
    made.parts = (made.submit(), made.submit())
    return made


@pytest.mark.parametrize("part", [FORMLESS, WITH_FORM])
def test_the_answer_of_another_errand_is_not_that_of_this_part(mixing: Mixing, part: str) -> None:
    own, other = mixing.part(0, part), mixing.part(1, part)
    assert mixing.receive(own).answered.record != mixing.receive(other).answered.record
    both = {"ask": other.message.ask, "answer": other.message.answer}
    refused(RefusedError, NOT_ASKED, mixing.receive, own, **both)
    # The own ask with the other's answer: the answer is of another request.
    refused(RefusedError, "RECEIPT_MISMATCH", mixing.receive, own, answer=other.message.answer)
    # The other's request under the own tie.
    ask = pb.ErrandAsk()
    ask.CopyFrom(other.message.ask)
    ask.ask_signature = own.message.ask.ask_signature
    refused(RefusedError, NOT_ASKED, mixing.receive, own, ask=ask, answer=other.message.answer)


def test_the_answer_of_an_ordinary_exchange_is_that_of_no_part(mixing: Mixing) -> None:
    ask, answer = mixing.answered(mixing.town.city.request("household-counter"))
    refused(RefusedError, NOT_ASKED, mixing.receive, mixing.part(0), ask=ask, answer=answer)


def test_what_was_asked_by_another_policy_is_refused_whatever_is_signed(mixing: Mixing) -> None:
    """Whoever runs the counter may ask by several policies: only one of them is the bundle's."""
    town = mixing.town
    wider = PolicyName("household-counter", "wider", 1)
    town.run(town.city.add_policy(allowed(wider, ASKED, TEXT)))
    request = replace(town.city.request("household-counter"), policy=wider)
    ask, answer = mixing.answered(request)
    ask.ask_signature = mixing.tie(mixing.part(0), request)
    refused(RefusedError, "REQUEST_MISMATCH", mixing.receive, mixing.part(0), ask=ask, answer=answer)


def test_a_part_of_another_bundle_is_none_of_this(mixing: Mixing) -> None:
    part, desk = mixing.part(0), mixing.counters[FORMLESS]
    other = replace(desk.bundle, name=ErrandBundleName("newborn", 9_999))
    refused(RefusedError, NOT_ASKED, desk.counter.receive, other, part)


@pytest.mark.parametrize("form_key", [b"", bytes(range(32))])
def test_a_form_key_that_is_not_the_counters_own_was_not_asked_with(mixing: Mixing, form_key: bytes) -> None:
    part, request = mixing.part(0, WITH_FORM), mixing.town.city.request("birth-counter")
    own = FormKey.of(mixing.errands.key(WITH_FORM), part.name).public
    signed = convert.signed_request_to(sign_request(request, mixing.errands.key(WITH_FORM)))
    for key, reason in ((form_key, NOT_ASKED), (own, "RECEIPT_MISMATCH")):
        tie = mixing.tie(part, request, form_key=key)
        ask = pb.ErrandAsk(signed_request=signed, form_key=key, ask_signature=tie)
        refused(RefusedError, reason, mixing.receive, part, ask=ask)


def test_a_part_under_another_name_was_not_asked_for(mixing: Mixing) -> None:
    own, other = mixing.part(0), mixing.part(1)
    assert own.name != other.name
    refused(RefusedError, NOT_ASKED, mixing.receive, replace(own, name=other.name))
