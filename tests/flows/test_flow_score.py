"""Points of two parents, each in its own vault: counted up to a cap, together, and seen by nobody."""

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from prover import NothingFitsError, Usage, Vault
from prover.composite.handing import SealedNumber
from tests.flows.people import family, of, paper
from tests.flows.town import SCHOOL, FlowTown, yes
from verifier.client import CompositeAnswered, CompositeExchange
from wire.client import ServiceError
from zk.synthetic.people import Tenure

FIRST, BOTH = "enrolment-score-first", "enrolment-score-both"
WHOLE = (72, 60)
"""Months by permit and of work that count 2 * 72 + 60 = 204 of the 300 half points."""


@dataclass
class Parents:
    """Vaults of two parents of one child, made once for each pair of numbers."""

    flows: FlowTown
    folder: Path
    stack: ExitStack
    made: dict[object, Vault]

    def vault(
        self,
        parent: int,
        months: tuple[int, int],
        business: bool = False,
        child: int = 0,
        until: dt.date = dt.date(2030, 1, 1),
    ) -> Vault:
        """The vault of one of the parents who has so many months by permit, and of work.

        Other months make another vault, of the same parent: a new phone is one.
        """
        key = (parent, months, business, child, until)
        if key not in self.made:
            lives = family(of(Tenure.RENTED, native=False), child)
            who = lives.parents[parent]
            work, name = "social_insurance", "months"
            if business:
                work, name = "business_licence", "licence_months"
            papers = {
                "id_card": paper("id_card", who),
                "birth_cert": paper("birth_cert", who, lives.children[0]),
                "residence_permit": paper(
                    "residence_permit", who, permit_months=months[0], valid_until=until
                ),
                work: paper(work, who, None, **{name: months[1]}),
            }
            path = self.folder / f"{len(self.made)}.vault"
            self.made[key] = self.stack.enter_context(self.flows.vault(path, who, papers))
        return self.made[key]

    def first(self, vault: Vault) -> tuple[Usage, CompositeAnswered]:
        """The first parent commits."""
        exchange = self.flows.ask(FIRST)
        usage = self.flows.answer(exchange.link, vault)
        return usage, self.flows.wait(exchange, SCHOOL)

    def both(
        self, first: Vault, second: Vault, branch: str = "insured"
    ) -> tuple[CompositeAnswered, CompositeAnswered]:
        """The second parent proves the sum; both answers as the school has verified them."""
        usage, answered = self.first(first)
        exchange = self.flows.ask(BOTH, first=answered.counterpart)
        self.hand_over(exchange, usage, first, second)
        self.flows.answer(exchange.link, second, branch)
        return answered, self.flows.wait(exchange, SCHOOL, answered.counterpart)

    def hand_over(self, exchange: CompositeExchange, usage: Usage, first: Vault, second: Vault) -> None:
        client, log = self.flows.client, self.flows.town.log
        asked = client.handover_key(exchange.link, second, log)
        sealed = client.hand_over(usage.id, asked, first, log, yes)
        second.composite.handovers.take_over(SealedNumber.parse(str(sealed)))


@pytest.fixture(scope="module")
def parents(the_flow_town: FlowTown, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parents]:
    with ExitStack() as stack:
        yield Parents(the_flow_town, tmp_path_factory.mktemp("parents"), stack, {})


def test_both_reach_the_points_and_no_number_is_told(parents: Parents) -> None:
    first, both = parents.both(parents.vault(0, WHOLE), parents.vault(1, (36, 24)))
    for each in (first, both):
        assert all(not one.shown.values for one in each.verified.answer.credentials)
    assert first.verified.pseudonyms["child"] == both.verified.pseudonyms["child"]
    assert first.verified.pseudonyms["me"] != both.verified.pseudonyms["me"]
    assert first.verified.pseudonyms["parent"] == both.verified.pseudonyms["other"]


def test_it_is_all_the_same_who_comes_first(parents: Parents) -> None:
    parents.both(parents.vault(1, (36, 24)), parents.vault(0, WHOLE))


def test_half_a_point_less_is_not_enough(parents: Parents) -> None:
    with pytest.raises(NothingFitsError, match=r"predicates\[1\] \(unmet\)"):
        parents.both(parents.vault(0, WHOLE), parents.vault(1, (36, 23)))


def test_two_hundred_months_count_as_seventy_two(parents: Parents) -> None:
    parents.both(parents.vault(0, (200, 60)), parents.vault(1, (36, 24)))
    with pytest.raises(NothingFitsError, match=r"predicates\[1\] \(unmet\)"):
        parents.both(parents.vault(0, (200, 60)), parents.vault(1, (36, 23)))


def test_the_caps_of_work_and_of_the_second_parent_hold_too(parents: Parents) -> None:
    """2 * 72 + 72 = 216 is the most that one parent has: 84 are left for the other."""
    parents.both(parents.vault(0, (300, 300)), parents.vault(1, (12, 60)))
    parents.both(parents.vault(1, (12, 60)), parents.vault(0, (300, 300)))
    for first, second in ((0, (300, 300)), (1, (12, 59))), ((1, (12, 59)), (0, (300, 300))):
        with pytest.raises(NothingFitsError, match=r"predicates\[1\] \(unmet\)"):
            parents.both(parents.vault(*first), parents.vault(*second))


def test_a_licence_counts_like_an_insurance(parents: Parents) -> None:
    _, both = parents.both(
        parents.vault(0, WHOLE), parents.vault(1, (36, 24), business=True), branch="business"
    )
    assert both.verified.answer.branch == "business"


def refused(parents: Parents, first: Vault, second: Vault) -> list[str]:
    with pytest.raises(ServiceError) as caught:
        parents.both(first, second)
    assert caught.value.reason == "UNSATISFIED"
    return [each.field.removeprefix("signed_request.") for each in caught.value.violations]


def test_one_person_does_not_stand_on_both_sides(parents: Parents) -> None:
    alone = parents.vault(0, (300, 300))
    assert refused(parents, alone, alone) == ["branches[0].foreign[0].holder"]


def test_one_parent_is_not_counted_from_two_vaults(parents: Parents) -> None:
    """Its two secrets are two holders to the school, but each parent has one certificate of birth."""
    own, again = parents.vault(0, WHOLE), parents.vault(0, (36, 24))
    assert refused(parents, own, again) == ["branches[0].foreign[0].subjects[1]"]
    assert refused(parents, again, own) == ["branches[0].foreign[0].subjects[1]"]


@pytest.mark.parametrize("late", [0, 1])
def test_a_permit_that_has_ended_counts_no_months(parents: Parents, late: int) -> None:
    untils = [dt.date(2024, 1, 1) if each == late else dt.date(2030, 1, 1) for each in (0, 1)]
    first, second = (parents.vault(each, WHOLE, until=until) for each, until in enumerate(untils))
    with pytest.raises(NothingFitsError, match="unmet"):
        parents.both(first, second)


def test_parents_of_two_children_do_not_add_up(parents: Parents) -> None:
    stranger = parents.vault(1, (300, 300), child=1)
    assert refused(parents, parents.vault(0, WHOLE), stranger) == ["branches[0].foreign[0].subjects[0]"]


def test_without_the_number_that_was_handed_over_nothing_is_answered(parents: Parents) -> None:
    _, answered = parents.first(parents.vault(0, WHOLE))
    exchange = parents.flows.ask(BOTH, first=answered.counterpart)
    with pytest.raises(NothingFitsError, match="other-holder"):
        parents.flows.answer(exchange.link, parents.vault(1, (36, 24)))
