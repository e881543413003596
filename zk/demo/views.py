"""Who learnt what, in the words in which the holders were asked; and whether anything leaked."""

from pathlib import Path
from typing import Final

from prover.composite.sentences import composite_lines
from prover.composite.telling import told_of
from prover.consent import Style
from prover.records import Usage
from zk import catalogue
from zk.demo.people import BANK, REGULATOR_NAME, SCHOOL, Asker, Family
from zk.demo.result import Opened, View
from zk.messages import Language, local, text

_LEARNT: Final = {Style.REVEALED, Style.PROVEN, Style.PSEUDONYM, Style.ESCROWED}


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
    names = {str(each.name): each.display_name for each in catalogue.builtin().departments.values()}
    lines = composite_lines(told_of(usage), lang, names)
    learnt = dict.fromkeys(each.text for each in lines if each.style in _LEARNT)
    hidden = dict.fromkeys(each.text for each in lines if each.style is Style.HIDDEN)
    return View(local(lang, asker.display_name), tuple((each, "") for each in learnt), tuple(hidden))


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
