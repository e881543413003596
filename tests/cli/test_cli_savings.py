"""Counting what was saved: from the uses that there were, and from nothing else."""

from disclosure import SchemaName
from zk.demo.savings import MINUTES_A_COPY, MINUTES_A_VISIT, Saved, Use, saved


def use(*documents: str) -> Use:
    return Use("verifiers/bank", tuple(SchemaName.parse(f"departments/{each}@1") for each in documents))


def test_without_uses_nothing_was_saved() -> None:
    assert saved(()) == Saved(0, 0, 0, 0)
    assert saved(()).minutes == 0


def test_documents_of_one_department_take_one_visit() -> None:
    counted = saved([use("tax/schemas/tax_paid", "tax/schemas/income_tax", "hrss/schemas/social_insurance")])
    assert counted == Saved(uses=1, documents=3, visits=2, copies=3)
    assert counted.minutes == 2 * MINUTES_A_VISIT + 3 * MINUTES_A_COPY


def test_the_next_use_takes_the_same_visits_again() -> None:
    one = use("tax/schemas/tax_paid", "hrss/schemas/social_insurance")
    assert saved([one, one]) == Saved(uses=2, documents=4, visits=4, copies=4)


def test_the_same_document_of_two_children_is_two() -> None:
    counted = saved([use("health/schemas/birth_cert", "health/schemas/birth_cert")])
    assert (counted.documents, counted.visits) == (2, 1)
