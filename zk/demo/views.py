"""Who learnt what, by the answers that went out; and whether anything leaked."""

from collections.abc import Iterator
from pathlib import Path

from disclosure import DepartmentName
from disclosure.composite import Equal, Operand, Predicate, Sum
from prover.composite.clauses import clause, exactly, sum_sentence
from prover.composite.settling import settled_values
from prover.composite.telling import CompositeConsent, ToldAttribute, ToldCredential, Treatment, told_of
from prover.consent import show_value
from prover.usages import Usage
from zk import catalogue
from zk.demo.people import BANK, REGULATOR_NAME, SCHOOL, Asker, Family
from zk.demo.result import Opened, View
from zk.messages import Language, local, text


def views(school_use: Usage, bank_use: Usage, opened: Opened, lang: Language) -> tuple[View, ...]:
    """Say what each party saw."""
    regulator = View(
        local(lang, REGULATOR_NAME),
        ((text(lang, "demo.view.regulator_learns", case=opened.case, index=opened.index), ""),),
        (text(lang, "demo.view.regulator_hidden"),),
    )
    others = [
        View(text(lang, f"demo.view.{name}"), ((text(lang, f"demo.view.{name}_learns"), ""),), ())
        for name in ("service", "public", "departments")
    ]
    return (_view(SCHOOL, school_use, lang), _view(BANK, bank_use, lang), regulator, *others)


def _view(asker: Asker, usage: Usage, lang: Language) -> View:
    """Say what a verifier learnt and what stayed hidden, from the very answer that it received."""
    told = told_of(usage)
    learnt = [line for each in told.credentials for line in _of_credential(told, each, lang)]
    learnt += [(each, "") for each in _of_all(told, lang)]
    settled = settled_values(told.branch, told.reading)
    hidden = dict.fromkeys(
        local(lang, each.attribute.display_name)
        for credential in told.credentials
        for each in credential.attributes
        if each.treatment is not Treatment.SHOWN
        and not _proven_alone(each)
        and Operand(credential.query.id, each.attribute.id) not in settled
    )
    return View(local(lang, asker.display_name), tuple(learnt), tuple(hidden))


def _of_credential(
    told: CompositeConsent, credential: ToldCredential, lang: Language
) -> Iterator[tuple[str, str]]:
    """Give what was learnt of one credential: whose it is, that it counts, and its attributes one by one."""
    schema, settled = local(lang, credential.schema.display_name), settled_values(told.branch, told.reading)
    yield schema, text(lang, "demo.learnt.counts", department=_department(credential.department, lang))
    for each in credential.attributes:
        label = f"{schema} / {local(lang, each.attribute.display_name)}"
        if each.treatment is Treatment.SHOWN:
            yield label, show_value(each.attribute, each.value, lang)
        operand = Operand(credential.query.id, each.attribute.id)
        if operand in settled:
            yield label, exactly(each.attribute, settled[operand], lang)
            continue
        for predicate in _proven_alone(each):
            yield label, clause(predicate, operand, told.reading, lang)


def _proven_alone(each: ToldAttribute) -> list[Predicate]:
    """Return what was proven of an attribute by itself; equality is told once, of all that are equal."""
    return [predicate for predicate in each.predicates if not isinstance(predicate, Equal | Sum)]


def _of_all(told: CompositeConsent, lang: Language) -> Iterator[str]:
    """Give what was learnt of the whole answer."""
    settled = settled_values(told.branch, told.reading)
    yield text(lang, "demo.learnt.one_holder")
    for predicate in told.branch.predicates:
        if isinstance(predicate, Equal):
            yield text(lang, "demo.learnt.equal", count=len(predicate.operands))
        elif isinstance(predicate, Sum):
            given_away = not settled.keys().isdisjoint(predicate.operands)
            yield sum_sentence(predicate, told.reading, lang, settled=given_away)
    for pseudonym in told.branch.pseudonyms:
        yield text(lang, "demo.learnt.pseudonym", id=pseudonym.id)
    for escrow in told.branch.escrows:
        regulator = told.facts.regulators[escrow.regulator]
        yield text(lang, "demo.learnt.escrow", regulator=local(lang, regulator.display_name))


def _department(name: DepartmentName, lang: Language) -> str:
    return local(lang, catalogue.builtin().departments[name.department].display_name)


def leaks(output: Path, family: Family) -> tuple[str, ...]:
    """Look for names, numbers and secrets in all that others keep: service, verifiers, ledger, receipts.

    Returns which was found in which file. The vaults are the holders' own and are encrypted.
    """
    files = [each for each in output.rglob("*") if each.is_file() and not each.name.startswith("vault.")]
    found = [
        f"{name}: {path.relative_to(output)}"
        for path in files
        for name, forms in family.secrets().items()
        if any(form in path.read_bytes() for form in forms)
    ]
    return tuple(found)
