"""A standing consent of the composite form: proven anew each time, by the newest epoch, weeks later."""

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from disclosure import VerifierName, civil_date
from disclosure.composite import CompositeRequest
from disclosure.event import EventKind
from disclosure.standing import StandingTerms, template_of
from prover import Vault
from prover.client.consents import ConsentClient, StandingConsent
from prover.composite.telling import CompositeConsent
from tests.disclosure.composite.world import PERMIT
from tests.prover.composite_town import CompositeTown
from tests.prover.making import PASSPHRASE, refused
from tests.prover.town import running
from tests.zkservice.composite_city import furnished
from tests.zkservice.revoking import new_handles
from verifier.client import CompositeAnswered, CompositeExchange, VerifierClient
from verifier.client.consents import AskedConsent, VerifierConsents
from wire.client import ServiceError

SCHOOL = VerifierName("school")


@pytest.fixture(scope="module")
def the_composite_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CompositeTown]:
    """A server of its own: epochs of days to come would make those of other tests look new."""
    with running(tmp_path_factory.mktemp("consents")) as started:
        yield CompositeTown(started, started.run(furnished(started.city)))


@pytest.fixture
def vault(composite: CompositeTown, tmp_path: Path) -> Iterator[Vault]:
    with Vault.create(tmp_path / "vault", PASSPHRASE, clock=composite.town.city.clock) as made:
        yield composite.stock(made)


@pytest.fixture
def school(composite: CompositeTown) -> Iterator[VerifierConsents]:
    key = composite.town.city.verifier_keys["school"]
    with VerifierConsents(composite.town.endpoint, SCHOOL, key, time.sleep) as made:
        yield made


def asked(composite: CompositeTown, school: VerifierConsents) -> tuple[CompositeRequest, AskedConsent]:
    request = composite.city.request(composite.small())
    created = composite.town.city.clock().replace(microsecond=0)
    until, ends = civil_date(created) + dt.timedelta(days=30), created + dt.timedelta(days=1)
    return request, school.ask(StandingTerms(template_of(request), 2, 0, until, created, ends))


def later(composite: CompositeTown) -> CompositeRequest:
    """Ask the same on the next day: another end, a later day of validity, and a newer epoch."""
    composite.town.city.clock.ahead += dt.timedelta(days=1)
    composite.town.run(composite.office(PERMIT).revoke(*new_handles(1)))
    return composite.city.request(composite.small())


def test_each_answer_is_proven_anew(composite: CompositeTown, vault: Vault, school: VerifierConsents) -> None:
    holder = ConsentClient(composite.town.endpoint, clock=composite.town.city.clock)
    first, consent = asked(composite, school)
    told: list[StandingConsent] = []

    def agrees(each: StandingConsent) -> bool:
        told.append(each)
        return True

    holder.answer(consent.link, vault, composite.log, agrees)
    assert isinstance(told[0].each, CompositeConsent)
    key = composite.town.city.verifier_keys["school"]
    proofs = set[bytes]()
    for day in range(2):
        request = later(composite) if day else first
        assert template_of(request) == template_of(first)
        exchange = school.use(consent.consent, consent.result_token, request)
        assert isinstance(exchange, CompositeExchange)
        (attended,) = holder.attend(vault, composite.log)
        assert attended.usage is not None, attended.reason
        clock = composite.town.city.clock
        with VerifierClient(composite.town.endpoint, SCHOOL, key, composite.log, clock=clock) as client:
            answered = client.wait(exchange, dt.timedelta(seconds=20))
        assert isinstance(answered, CompositeAnswered)
        proofs.add(answered.record.presentation.proof)
    assert len(proofs) == 2
    assert request != first
    third = later(composite)
    refused(ServiceError, "CONSENT_EXHAUSTED", school.use, consent.consent, consent.result_token, third)
    assert [each.note.kind for each in vault.events()] == [EventKind.CONSENT_GRANTED]


def test_one_branch_more_is_another_question(
    composite: CompositeTown, vault: Vault, school: VerifierConsents
) -> None:
    holder = ConsentClient(composite.town.endpoint, clock=composite.town.city.clock)
    _, consent = asked(composite, school)
    holder.answer(consent.link, vault, composite.log, lambda _: True)
    more = composite.city.request(composite.small(), composite.small(id="other"))
    refused(ServiceError, "CONSENT_MISMATCH", school.use, consent.consent, consent.result_token, more)
