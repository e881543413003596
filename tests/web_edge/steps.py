"""The printed steps of the pages' demo as tests read them: what they quote stands in a page."""

import re
from typing import Final

from zk.messages import TABLES, Language

PROGRAM: Final = ".venv/bin/zk"
_QUOTED: Final = {"en": re.compile(r"(?<!\w)'(.+?)'(?!\w)"), "zh": re.compile("“([^”]+)”")}


def labels(language: Language, step: str) -> list[str]:
    """Return what a step quotes of the pages, in its order; what is quoted for a shell is not of a page."""
    lines = TABLES[language][step].splitlines()
    return [each for line in lines if PROGRAM not in line for each in _QUOTED[language].findall(line)]
