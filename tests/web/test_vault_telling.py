"""The vault's page says of requests and values what the package says, word for word in both languages."""

import datetime as dt
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from disclosure import (
    AttributeDefinition,
    AttributeType,
    Code,
    CredentialForm,
    DepartmentName,
    Schema,
    SchemaName,
    Value,
    canonical,
)
from disclosure.attributes import date_of, days
from disclosure.errand import FieldType
from prover.consent import consent_lines, safe, show_moment, show_value
from prover.errands.planning import ErrandConsent, PartConsent
from prover.errands.screen import errand_lines
from prover.present import Consent, ConsentCredential, Revealed
from scripts import web_texts
from scripts.web_vectors import FOLDER
from scripts.web_vectors_telling import both
from tests.disclosure.world import definition, text
from tests.web.node import run
from tests.web.test_vault_errands import bundle as errand_bundle
from tests.web.test_vault_errands import values as form_values

PAGES: Final = Path(__file__).parents[2] / "web" / "pages"
TELLING: Final = PAGES / "test" / "telling"
TSC: Final = PAGES.parent / "node_modules" / ".bin" / "tsc"
needs_pages: Final = pytest.mark.skipif(not TSC.exists(), reason="not installed: scripts/web.sh does it")

CODES: Final = (Code("370102", text("历下区")), Code("x", text("a name")))
ATTRIBUTES: Final = (
    definition("name", AttributeType.TEXT, max_length=60),
    definition("base", AttributeType.INTEGER, unit="CNY", scale=2, minimum=-(1 << 63), maximum=(1 << 63) - 1),
    definition("months", AttributeType.INTEGER, unit="months", minimum=-5, maximum=600),
    definition("weight", AttributeType.INTEGER, unit="kg", scale=18, minimum=-(1 << 63), maximum=1 << 62),
    definition("trap", AttributeType.INTEGER, unit="constructor", minimum=0, maximum=9),
    definition("plain", AttributeType.INTEGER, minimum=0, maximum=1 << 62),
    definition("born", AttributeType.DATE, minimum=days(dt.date.min), maximum=days(dt.date.max)),
    definition("employed", AttributeType.BOOLEAN),
    definition("district", AttributeType.CODE, code_system="GB/T 2260", codes=CODES),
    definition("seal", AttributeType.HASH),
    definition("secret", AttributeType.SECRET),
)
SCHEMA: Final = Schema(
    SchemaName("hrss", "everything", 1),
    text("everything"),
    CredentialForm.COMPOSITE,
    ATTRIBUTES,
    validity_days=9,
)


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Compile what tells of requests for Node, beside the packages that it imports; return where it lies."""
    made = PAGES / "dist" / tmp_path_factory.mktemp("telling").name
    subprocess.run([TSC, "--project", TELLING / "tsconfig.json", "--outDir", made], check=True, timeout=240)
    (made / "package.json").write_text('{"type": "module"}')
    yield made
    shutil.rmtree(made)


def item(attribute: AttributeDefinition, value: Value | None) -> str | None:
    """A value as it stands in a credential."""
    if value is None:
        return None
    known = days(value) if attribute.type is AttributeType.DATE and isinstance(value, dt.date) else value
    return canonical.encode("x", known).hex()  # type: ignore[arg-type]


def some_value(rng: Random, attribute: AttributeDefinition) -> Value:
    low, high = attribute.minimum or 0, attribute.maximum or 0
    number = rng.choice([low, high, rng.randint(low, high), max(low, min(high, rng.randint(-120, 120)))])
    match attribute.type:
        case AttributeType.TEXT:
            return rng.choice(["王小明", "O'Brien {name} %s $&", "a" * 60, "𠮷 ʼn", "<b>"])
        case AttributeType.INTEGER:
            return number
        case AttributeType.DATE:
            return date_of(number)
        case AttributeType.BOOLEAN:
            return rng.random() < 0.5
        case AttributeType.CODE:
            return rng.choice(CODES).code
        case _:
            return rng.randbytes(32)


def test_the_sentences_of_the_page_are_those_of_the_package() -> None:
    assert web_texts.FILE.read_text(encoding="utf-8") == web_texts.text(), "python -m scripts.web_texts"


@needs_pages
async def test_values_and_moments_are_said_alike(telling: Path) -> None:
    rng = Random(5)
    values: list[tuple[int, Value | None]] = [
        (place, rng.choice([some_value(rng, each)] * 9 + [None]))
        for place, each in enumerate(ATTRIBUTES)
        for _ in range(60)
    ]
    moments = [rng.randint(-60_000_000_000, 250_000_000_000) for _ in range(200)]
    texts = ["\x1b[2J", "a\u202eb", "\u2028\u2029\x00\x85\xad\ue000", "\U000e0001", "\ufffe", "好 é"]
    given = {
        "schema": SCHEMA.canonical.hex(),
        "values": [(place, item(ATTRIBUTES[place], value)) for place, value in values],
        "moments": moments,
        "texts": texts,
    }
    told: dict[str, Any] = json.loads(await run(str(TELLING / "values.mjs"), str(telling), given=given))
    for (place, value), said in zip(values, told["values"], strict=True):
        for language in ("zh", "en"):
            assert said[language] == show_value(ATTRIBUTES[place], value, language)
    for seconds, said in zip(moments, told["moments"], strict=True):
        moment = dt.datetime.fromtimestamp(seconds, dt.UTC)
        assert said == {"zh": show_moment(moment, "zh"), "en": show_moment(moment, "en")}
    assert told["texts"] == [safe(each) for each in texts]


@needs_pages
async def test_consents_say_what_the_command_says(telling: Path) -> None:
    vectors: dict[str, Any] = json.loads((FOLDER / "telling.json").read_text(encoding="utf-8"))
    told: dict[str, Any] = json.loads(await run(str(TELLING / "consents.mjs"), str(telling), given=vectors))
    for case, one in zip(vectors["cases"], told["cases"], strict=True):
        assert one["lines"] == case["lines"], case["name"]
        check_way(one["way"], case["lines"])
    for case, one in zip(vectors["lacking"], told["lacking"], strict=True):
        assert [[each["zh"], each["en"]] for each in one["missing"]] == [each[1:] for each in case["lines"]]
    for case, one in zip(vectors["plain"], told["plain"], strict=True):
        assert one["lines"] == case["lines"]
        check_way(one["way"], case["lines"])


def check_way(way: dict[str, Any], lines: list[list[str]]) -> None:
    """A way for the screens has every line that says what happens to something, and none of its own.

    How much is shown in all is told of an issuance too.
    """
    kinds = {
        "revealed": "shown", "proven": "proven", "escrowed": "escrowed", "pseudonym": "linked",
        "hidden": "hidden", "fact": "fact",
    }  # fmt: skip
    counts, *lines_of_all = way["lines"]
    assert counts["text"]["en"].startswith("In all: ")
    own = [line for credential in way["credentials"] for line in credential["lines"]] + lines_of_all
    told = {whole(each) for each in own}
    theirs = {(kinds[style], zh, en) for style, zh, en in lines if style in kinds}
    assert told <= theirs
    assert {each for each in theirs if each[0] != "fact"} <= told
    assert not way["missing"]


def whole(line: dict[str, Any]) -> tuple[str, str, str]:
    """A line's kind, and its text with the value that it has."""
    text, value = line["text"], line["value"]
    if value is None:
        return line["kind"], text["zh"], text["en"]
    return line["kind"], f"{text['zh']}：{value['zh']}", f"{text['en']}: {value['en']}"


@needs_pages
async def test_errands_say_what_the_command_says(telling: Path) -> None:
    consents = [errand_consent(seed) for seed in range(40)]
    given = [errand_given(each) for each in consents]
    screens: list[Any] = json.loads(await run(str(TELLING / "errands.mjs"), str(telling), given=given))
    for each, screen in zip(consents, screens, strict=True):
        assert screen == both(errand_lines(each, "zh", {}), errand_lines(each, "en", {}))
    assert {len(each.shared) > 0 for each in consents} == {True, False}


def errand_consent(seed: int) -> ErrandConsent:
    """Draw what counters of a bundle see: of one credential or two, and of what is declared."""
    rng = Random(seed)
    bundle = errand_bundle(seed)
    parts = []
    for counter in rng.sample(bundle.counters, rng.randint(1, len(bundle.counters))):
        credentials = tuple(errand_credential(rng, name) for name in ("one", "other") if rng.random() < 0.6)
        moment = dt.datetime(2026, 11, rng.randint(1, 30), 9, 30, tzinfo=dt.UTC)
        consent = Consent(counter.verifier, text("counter"), text("purpose"), credentials, moment)
        typed: dict[FieldType, Any] = {
            FieldType.TEXT: rng.choice(["林", "<b>&{x}"]), FieldType.NUMBER: rng.choice([0, -7]),
            FieldType.DATE: dt.date(2026, 11, 1),
        }  # fmt: skip
        values = {each.id: typed[each.type] for each in counter.fields if rng.random() < 0.8}
        parts.append(PartConsent(counter, consent, values))
    return ErrandConsent(bundle, tuple(parts))


def errand_credential(rng: Random, name: str) -> ConsentCredential:
    shown = [each for each in SCHEMA.attributes[:4] if rng.random() < 0.4]
    hidden = tuple(each for each in SCHEMA.attributes if each not in shown)
    day, department = dt.date(2027, 3, 1), DepartmentName("hrss")
    revealed = tuple(Revealed(each, None) for each in shown)
    return ConsentCredential("q", name, SCHEMA, department, revealed, hidden, day, rng.random() < 0.4)


def errand_given(consent: ErrandConsent) -> dict[str, Any]:
    return {
        "bundle": consent.bundle.canonical.hex(),
        "ends": consent.ends.timestamp(),
        "parts": [
            {
                "part": each.counter.part,
                "values": form_values(dict(each.values)),
                "seen": [
                    [repr(same), seen.name and seen.name.items(), seen.schema.display_name.items()]
                    for same, seen in each.seen()
                    if seen.schema is not None
                ],
                "asked": both(
                    consent_lines(each.consent, "zh", {}),  # type: ignore[arg-type]
                    consent_lines(each.consent, "en", {}),  # type: ignore[arg-type]
                ),
            }
            for each in consent.parts
        ],
    }
