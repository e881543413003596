"""The sentences of consents as the vault's page has them: those of Python, as a table in TypeScript.

    python -m scripts.web_texts [--check]

With `--check` it writes nothing, and ends with 1 if the file is not what the packages give. So a sentence is
written once, and a page says what the command says.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from prover import consent
from prover.composite import asking, clauses, joint, lacking, sentences
from prover.errands import screen
from zk.messages import errands_en, errands_zh

FILE: Final = Path(__file__).resolve().parents[1] / "web/pages/src/vault/telling/texts.ts"
_HEADING: Final = """\
// The sentences of consents, by the module of Python that says them; written by python -m scripts.web_texts.

"""
_STATES: Final = (
    "waiting", "asked", "submitted", "received", "in_progress", "done", "rejected", "ended",
    "stage_begun", "stage_submitted", "stage_ended", "all_done",
)  # fmt: skip
_TABLES: Final[Mapping[str, Mapping[str, Mapping[consent.Language, str]]]] = {
    "UNITS": consent._UNITS,
    "CONSENT": consent._TEXTS,
    "SENTENCES": sentences._TEXTS,
    "CLAUSES": clauses._TEXTS,
    "ASKING": asking._TEXTS,
    "LACKING": lacking._TEXTS,
    "JOINT": joint._TEXTS,
    "ERRANDS": screen._TEXTS,
    "ERRAND_STATES": {
        each: {
            "zh": errands_zh.MESSAGES[f"vault.errand_{each}"],
            "en": errands_en.MESSAGES[f"vault.errand_{each}"],
        }
        for each in _STATES
    },
}


def text() -> str:
    """Return the file's text."""
    return _HEADING + "\n".join(_table(*each) for each in _TABLES.items())


def _table(name: str, texts: Mapping[str, Mapping[consent.Language, str]]) -> str:
    lines = [f"  {_quoted(key)}: {{\n{_text(each)}  }},\n" for key, each in texts.items()]
    return f"export const {name} = {{\n{''.join(lines)}}};\n"


def _text(each: Mapping[consent.Language, str]) -> str:
    return "".join(f"    {language}: {_quoted(each[language])},\n" for language in ("zh", "en"))


def _quoted(text: str) -> str:
    return json.dumps(str(text), ensure_ascii=False)


def main() -> int:
    """Write the file, or compare it."""
    made = text()
    if "--check" in sys.argv[1:]:
        same = FILE.exists() and FILE.read_text(encoding="utf-8") == made
        if not same:
            sys.stderr.write(f"{FILE} is not what python -m scripts.web_texts makes\n")
        return int(not same)
    FILE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
