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
    Schema,
    SchemaName,
    Value,
    canonical,
)
from disclosure.attributes import date_of, days
from prover.consent import safe, show_moment, show_value
from scripts import web_texts
from scripts.web_vectors import FOLDER
from tests.disclosure.world import definition, text
from tests.web.node import run

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
