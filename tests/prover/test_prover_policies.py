"""The vault holds each request to its policy, whatever the service lets through, and tells of who asks."""

from dataclasses import replace
from typing import Any

import pytest

from disclosure import ExchangeLink, PolicyName, RefusedError, sign_request
from disclosure.event import EventKind
from disclosure.policy import RegisteredPolicy
from prover import Vault
from prover.client import HolderClient
from prover.consent import consent_lines
from prover.errors import ClientError, PresentingError
from prover.events import EventState
from tests.prover.composite_town import CompositeTown
from tests.prover.making import refused
from tests.prover.proxy import Proxy
from tests.prover.test_prover_composite_dishonest import proxy, through
from tests.prover.town import Town
from tests.zkservice.allowing import allowed
from tests.zkservice.cases_policies import wrong_code
from tests.zkservice.composite_city import SCHOOL
from tests.zkservice.stored import change
from tests.zkservice.support import PERMIT, TEXT, new_id
from tlog import ReceiptState, VerificationError
from wire.client import ServiceError
from wire.convert import signed_request_to
from wire.policy import policy_to
from zkproto.v1 import policy_pb2, presentation_pb2

__all__ = ["proxy"]
Fetched = presentation_pb2.FetchRequestResponse


@pytest.fixture
def stocked(town: Town, vault: Vault) -> Vault:
    town.client().claim(town.offer(), vault, town.log)
    return vault


def little(town: Town) -> RegisteredPolicy:
    """A policy that allows the district and nothing else."""
    only = replace(PERMIT, attributes=PERMIT.attributes[2:3])
    policy = allowed(PolicyName(SCHOOL, f"little-{new_id()}", 1), [only], TEXT)
    town.run(town.city.add_policy(policy))
    return policy


def let_through(composite: CompositeTown, link: ExchangeLink, asked: Any) -> None:
    """Have the service hold an exchange for what the verifier signed, though it asks more than it may."""
    signed = sign_request(asked, composite.town.city.verifier_keys[SCHOOL])
    change(
        composite.town.city.ready.data,
        "UPDATE exchange SET payload = ?, signature = ?, request_digest = ? WHERE id = ?",
        signed.payload, signed.signature, asked.digest, link.id,
    )  # fmt: skip


def nobody(consent: Any) -> bool:
    """Be asked for consent, which must not be."""
    raise AssertionError(f"the person was asked: {type(consent).__name__}")


@pytest.mark.parametrize("form", ["plain", "composite"])
def test_a_service_that_lets_over_asking_through_is_found_out(
    composite: CompositeTown, proxy: Proxy, vault: Vault, form: str
) -> None:
    policy = little(composite.town)
    if form == "plain":
        asked: Any = replace(composite.town.city.request(shown=("district", "name")), policy=policy.name)
        expected = ["queries[0].shown[1]"]
        _, link = composite.town.ask()
    else:
        asked, link = composite.ask(composite.small())
        asked = replace(asked, policy=policy.name)
        expected = ["purpose", "branches[0].queries[0].schemas[0]"]
    let_through(composite, link, asked)
    client = proxy.client(composite)
    for act in (client.fetch, lambda link, log: client.answer(link, vault, log, nobody)):
        error = refused(RefusedError, "OVER_ASKING", act, through(link, proxy), composite.log)
        assert isinstance(error, RefusedError)
        assert [each.field for each in error.violations] == expected
    assert vault.usages() == []
    (event,) = vault.events()
    assert (event.note.kind, event.note.party) == (EventKind.OVER_ASKED, f"verifiers/{SCHOOL}")
    assert event.state is EventState.RECORDED, "it stands on the ledger, for the holder alone to read"


def test_a_service_that_swaps_the_request_does_not_hide_that_it_asked_too_much(
    composite: CompositeTown, proxy: Proxy, vault: Vault
) -> None:
    """Its receipt is for something else then, which is told when the event is sent again."""
    asked = replace(
        composite.town.city.request(shown=("district", "name")), policy=little(composite.town).name
    )
    _, link = composite.town.ask()
    signed = signed_request_to(sign_request(asked, composite.town.city.verifier_keys[SCHOOL]))
    proxy.change("FetchRequest", Fetched, lambda message: message.signed_request.CopyFrom(signed))
    client = proxy.client(composite)
    refused(RefusedError, "OVER_ASKING", client.answer, through(link, proxy), vault, composite.log, nobody)
    (event,) = vault.events()
    assert event.state is EventState.SENT
    refused(RefusedError, "RECEIPT_MISMATCH", client.resume, vault, composite.log)


def test_a_policy_that_the_service_widens_is_not_the_one_on_the_ledger(
    composite: CompositeTown, proxy: Proxy
) -> None:
    policy = little(composite.town)
    asked = replace(composite.town.city.request(shown=("district", "name")), policy=policy.name)
    _, link = composite.town.ask()
    let_through(composite, link, asked)
    wide = allowed(policy.name, [PERMIT], TEXT)

    def widened(message: policy_pb2.Policy) -> None:
        proof = message.proof
        message.CopyFrom(policy_to(wide))
        message.proof = proof

    proxy.change("GetPolicy", policy_pb2.Policy, widened)
    client = proxy.client(composite)
    refused(VerificationError, "INCLUSION_INVALID", client.fetch, through(link, proxy), composite.log)


def test_another_policy_than_the_named_one_is_not_taken(composite: CompositeTown, proxy: Proxy) -> None:
    """That one stands on the ledger as well, and allows more."""
    policy = little(composite.town)
    asked = replace(composite.town.city.request(shown=("district", "name")), policy=policy.name)
    _, link = composite.town.ask()
    let_through(composite, link, asked)
    other = composite.town.call(
        composite.town.city.policies.GetPolicy,
        policy_pb2.GetPolicyRequest(name=f"verifiers/{SCHOOL}/policies/any@1"),
    )
    proxy.instead["GetPolicy"] = lambda _: other.SerializeToString()
    client = proxy.client(composite)
    refused(ClientError, "ANSWER_INVALID", client.fetch, through(link, proxy), composite.log)


@pytest.mark.parametrize("policy", [None, PolicyName(SCHOOL, "nobody-s", 1)], ids=["none", "unregistered"])
def test_a_request_without_a_registered_policy_is_not_shown(
    composite: CompositeTown, proxy: Proxy, policy: PolicyName | None
) -> None:
    asked = replace(composite.town.city.request(), policy=policy)
    _, link = composite.town.ask()
    let_through(composite, link, asked)
    client = proxy.client(composite)
    refused(RefusedError, "POLICY_UNKNOWN", client.fetch, through(link, proxy), composite.log)


class Screens:
    """Consent screens as they were shown, and what the person said to each."""

    def __init__(self) -> None:
        self.shown: list[Any] = []

    def say(self, agreed: bool) -> Any:
        def agrees(consent: Any) -> bool:
            self.shown.append(consent)
            return agreed

        return agrees

    def texts(self, language: Any) -> str:
        return "\n".join(line.text for line in consent_lines(self.shown[-1], language))


def test_the_screen_tells_who_asks_by_which_right_and_with_which_record(town: Town, stocked: Vault) -> None:
    screens, client = Screens(), town.client()
    client.answer(town.ask()[1], stocked, town.log, screens.say(True))
    first = screens.texts("en")
    assert "By the registered policy verifiers/school/policies/any@1" in first
    assert "Signed are verifiers/school and all that it asks; what it is called here is this service" in first
    assert "Legal basis: Rules of testing, article 1" in first
    assert "Kept for 30 days" in first
    assert "In all: 2 shown, 0 more proven about without being shown" in first
    assert "has never asked you on this device before" in first
    client.answer(town.ask()[1], stocked, town.log, screens.say(True))
    second = screens.texts("en")
    assert "you answered 1 times and said no 0 times" in second
    assert "Last answered: " in second
    assert "never asked" not in second
    refused(PresentingError, "DECLINED", client.answer, town.ask()[1], stocked, town.log, screens.say(False))
    refused(PresentingError, "DECLINED", client.answer, town.ask()[1], stocked, town.log, screens.say(False))
    assert "you answered 2 times and said no 1 times" in screens.texts("en")
    assert "您答复过 2 次，拒绝过 1 次" in screens.texts("zh")
    assert "法律依据：测试办法第一条" in screens.texts("zh")
    assert "显示的名称由本服务所写，未经签名" in screens.texts("zh")
    _, link = town.ask(verifier="bank")
    client.answer(link, stocked, town.log, screens.say(True))
    assert "has never asked you on this device before" in screens.texts("en"), "the bank is another one"


@pytest.mark.parametrize("told", [None, ReceiptState.PENDING, ReceiptState.ANCHORED])
def test_a_demand_that_the_service_hides_or_changes_is_found_out(
    composite: CompositeTown, proxy: Proxy, told: ReceiptState | None
) -> None:
    """So is a vault of before that does not know the field: what is left of the message stands nowhere."""
    only = replace(PERMIT, attributes=PERMIT.attributes[2:3])
    plain = allowed(PolicyName(SCHOOL, f"ordered-{new_id()}", 1), [only], TEXT)
    policy = replace(plain, receipt=ReceiptState.ORDERED)
    composite.town.run(composite.town.city.add_policy(policy))
    asked = replace(composite.town.city.request(shown=("district",)), policy=policy.name)
    _, link = composite.town.ask()
    let_through(composite, link, asked)

    def changed(message: policy_pb2.Policy) -> None:
        message.receipt = policy_to(replace(policy, receipt=told)).receipt

    proxy.change("GetPolicy", policy_pb2.Policy, changed)
    client = proxy.client(composite)
    refused(VerificationError, "INCLUSION_INVALID", client.fetch, through(link, proxy), composite.log)


def test_the_screen_tells_in_which_state_receipts_are_demanded(town: Town, stocked: Vault) -> None:
    screens = Screens()
    town.client().answer(town.ask()[1], stocked, town.log, screens.say(True))
    assert "Your answer is accepted" not in screens.texts("en")
    assert "才予接受" not in screens.texts("zh")
    (before,) = screens.shown
    for state, en, zh in (
        (ReceiptState.PENDING, "as soon as there is a receipt", "一有回执即予接受"),
        (ReceiptState.ANCHORED, "only once witnesses of the ledger have cosigned it", "见证方联署后才予接受"),
        (ReceiptState.ORDERED, "only once it is in the order that all cities share", "共有的次序后才予接受"),
    ):
        policy = replace(before.asker.policy, receipt=state)
        screens.shown.append(replace(before, asker=replace(before.asker, policy=policy)))
        assert f"Your answer is accepted {en}" in screens.texts("en").splitlines()
        assert zh in screens.texts("zh")
        assert len(screens.texts("en").splitlines()) == len(consent_lines(before, "en")) + 1


def test_over_asking_stands_in_the_record(composite: CompositeTown, proxy: Proxy, vault: Vault) -> None:
    town, screens = composite.town, Screens()
    town.client().claim(town.offer(), vault, town.log)
    asked = replace(town.city.request(shown=("district", "name")), policy=little(town).name)
    _, link = town.ask()
    let_through(composite, link, asked)
    client: HolderClient = proxy.client(composite)
    refused(
        RefusedError, "OVER_ASKING", client.answer, through(link, proxy), vault, town.log, screens.say(True)
    )
    town.client().answer(town.ask()[1], vault, town.log, screens.say(True))
    assert "has asked 1 times for more than it may" in screens.texts("en")
    assert "曾 1 次索要超出其登记规则的内容" in screens.texts("zh")


def paired(town: Town) -> tuple[ExchangeLink, str]:
    """Ask with a pairing code; return the link and the code, which is not in it."""
    message = town.city.create_exchange(town.city.request())
    message.pairing = True
    opened = town.call(town.city.presentation.CreateExchange, message)
    link = ExchangeLink(town.server, opened.exchange.removeprefix("exchanges/"), opened.ticket)
    return link, opened.pairing_code


def test_the_code_that_the_verifier_shows_is_typed_where_it_is_asked_for(town: Town, stocked: Vault) -> None:
    link, code = paired(town)
    assert code not in str(link)
    client, screens = town.client(), Screens()
    refused(ServiceError, "PAIRING_REQUIRED", client.fetch, link, town.log)
    wrong = wrong_code(code)
    refused(ServiceError, "PAIRING_WRONG", client.fetch, link, town.log, pair=lambda: wrong)
    usage = client.answer(link, stocked, town.log, screens.say(True), pair=lambda: code)
    assert usage.receipt is not None
    asked: list[str] = []

    def pair() -> str:
        asked.append(code)
        return code

    client.answer(town.ask()[1], stocked, town.log, screens.say(True), pair=pair)
    assert asked == [], "nobody is asked for a code that no exchange takes"
