"""An errand whose counters ask in both forms: what one is proven, the other is not even shown."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest

from disclosure import VerifierName
from disclosure.errand import Counter, ErrandBundle, ErrandBundleName
from prover import CompositeConsent, Consent, PresentingError, UsageState, Vault, check_usage
from prover.errands.planning import ErrandConsent
from prover.errands.screen import errand_lines
from tests.prover.composite_town import CompositeTown
from tests.prover.errand_making import AnyRequest, Desk, agree, begun, client_of, desks, fill_in
from tests.prover.making import refused
from tests.zkservice.allowing import any_policy
from tests.zkservice.composite_city import SCHOOL
from tests.zkservice.errands import PHONE, VALUES, Errands
from tests.zkservice.support import TEXT
from verifier.client import Answered, CompositeAnswered
from wire.client import ServiceError
from zkproto.v1 import errand_pb2 as pb

BUNDLE = ErrandBundle(
    ErrandBundleName("both-forms", 1),
    TEXT,
    TEXT,
    (
        Counter("school", TEXT, VerifierName(SCHOOL), any_policy(VerifierName(SCHOOL), 2), (PHONE,)),
        Counter("bank", TEXT, VerifierName("bank"), any_policy(VerifierName("bank"))),
    ),
)


@pytest.fixture(scope="module")
def bureau(the_composite_town: CompositeTown) -> Iterator[tuple[Errands, dict[str, Desk]]]:
    town = the_composite_town.town

    async def made() -> Errands:
        return await Errands.of(town.city, await town.city.claim(await town.city.issue()), BUNDLE)

    errands = town.run(made())
    with desks(town, errands) as opened:
        opened["school"].request = lambda: asked(the_composite_town)
        yield errands, opened


def asked(composite: CompositeTown) -> AnyRequest:
    return composite.city.request(composite.branch(), composite.small())


@pytest.fixture
def stocked(composite: CompositeTown, vault: Vault) -> Vault:
    composite.stock(vault)
    vault.composite.trust(composite.regulator)
    composite.client().claim(composite.town.offer(), vault, composite.log)
    return vault


def test_both_forms_in_one_submission(
    composite: CompositeTown, bureau: tuple[Errands, dict[str, Desk]], stocked: Vault
) -> None:
    (errands, counters), town = bureau, composite.town
    errand = begun(town, errands, counters, stocked)
    seen: list[ErrandConsent] = []

    def agrees(consent: ErrandConsent) -> bool:
        seen.append(consent)
        return True

    uses = client_of(town).submit(errand.id, stocked, town.log, agrees, declare=fill_in)
    first, second = seen[0].parts
    assert isinstance(first.consent, CompositeConsent)
    assert isinstance(second.consent, Consent)
    assert not seen[0].shared
    assert "Nothing is seen by more than one counter" in str(errand_lines(seen[0], "en", {}))
    for each in uses:
        check_usage(each, town.log)
    names = {each.part: str(each.name) for each in client_of(town).look(errand.id, stocked).parts}
    _, school = counters["school"].receive(names["school"])
    _, bank = counters["bank"].receive(names["bank"])
    assert isinstance(school.answered, CompositeAnswered)
    assert isinstance(bank.answered, Answered)
    assert school.values == {"phone": VALUES["phone"]}
    assert school.answered.record.presentation.answer.usage_tag != bank.answered.record.presentation.usage_tag


def test_what_is_revoked_meanwhile_sends_nothing_to_anybody(
    composite: CompositeTown, bureau: tuple[Errands, dict[str, Desk]], stocked: Vault
) -> None:
    (errands, counters), town = bureau, composite.town
    errand = begun(town, errands, counters, stocked)

    def agrees(_: ErrandConsent) -> bool:
        composite.revoke(stocked.composite.credentials()[0])
        town.city.clock.ahead += dt.timedelta(seconds=6)
        return True

    submit = client_of(town).submit
    refused(
        PresentingError, "NOTHING_FITS",
        lambda: submit(errand.id, stocked, town.log, agrees, declare=fill_in),
    )  # fmt: skip
    assert stocked.usages() == []


def test_an_answer_of_two_branches_mixed_takes_the_whole_errand_with_it(
    composite: CompositeTown,
    bureau: tuple[Errands, dict[str, Desk]],
    stocked: Vault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The proof of one branch under another one's name: refused, and the good part is not accepted either."""
    (errands, counters), town = bureau, composite.town
    errand = begun(town, errands, counters, stocked)
    real = client_of(town).__class__._send

    def mixed(self: object, held: object, event: object, vault: object, log: object) -> object:
        message = pb.SubmitErrandRequest.FromString(event.call.message)  # type: ignore[attr-defined]
        small = composite.small()
        message.answers[0].composite_presentation.branch = small.id
        call = replace(event.call, message=message.SerializeToString())  # type: ignore[attr-defined]
        return real(self, held, replace(event, call=call), vault, log)  # type: ignore[type-var,arg-type]

    monkeypatch.setattr("prover.client.errands.ErrandClient._send", mixed)
    with pytest.raises(ServiceError) as caught:
        client_of(town).submit(errand.id, stocked, town.log, agree, declare=fill_in)
    assert caught.value.violations[0].field.startswith("answers[0].")
    assert {each.state for each in stocked.usages()} == {UsageState.REFUSED}
    assert [each.state.value for each in client_of(town).look(errand.id, stocked).parts] == ["asked", "asked"]
