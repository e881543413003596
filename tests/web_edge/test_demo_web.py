"""The demo of the pages without a browser: its steps' words, its people, and where it does not start.

tests/browser/test_demo_steps.py starts it and follows its steps.
"""

import json
import os
import re
from itertools import chain
from pathlib import Path

import pytest

from tests.cli.running import EXAMPLES, start
from tests.web_edge.standing import some_pages
from tests.web_edge.steps import labels
from zk.demo.command import Terminals
from zk.demo.web_steps import STEPS
from zk.exits import CommandError, Exit
from zk.local_server import LocalServer

SECONDS = 200
PAGES = Path(__file__).parents[2] / "web/pages/src"
KEYED = re.compile(r'^\s*"?([\w.-]+)"?: "((?:[^"\\]|\\.)*)"', re.MULTILINE)
BESIDE = re.compile(r'zh: "?([^",}]+)"?,\s*en: "?([^"}]+)"?')
SITE = re.compile(r'(\w+): "([^"]*)"')


def pairs() -> set[tuple[str, str]]:
    """Return what stands in the pages, in English with its Chinese."""
    tables = [
        (KEYED, (PAGES / folder / "en.ts").read_text("utf-8"), (PAGES / folder / "zh.ts").read_text("utf-8"))
        for folder in ("messages", "counter/texts", "centre/texts", "vault/texts")
    ]
    for path in (PAGES / "vault/texts").glob("*.ts"):
        en, _, zh = path.read_text("utf-8").partition("const zh: Readonly")
        tables.append((KEYED, en, zh))
    site, _, _ = (EXAMPLES / "enrolment_site/static/site.js").read_text("utf-8").partition("\n};")
    zh, _, en = site.partition("en: {")
    tables.append((SITE, en, zh))
    keyed = [(dict(form.findall(en)), dict(form.findall(zh))) for form, en, zh in tables]
    found = {(en[key], zh[key]) for en, zh in keyed for key in en.keys() & zh.keys()}
    spoken = (PAGES / "vault/telling/texts.ts", *(EXAMPLES / "policies").glob("*.yaml"))
    beside = chain.from_iterable(BESIDE.findall(each.read_text("utf-8")) for each in spoken)
    return found | {(en, zh) for zh, en in beside}


@pytest.mark.parametrize("step", STEPS)
def test_what_a_step_quotes_stands_in_the_pages_in_both_languages(step: str) -> None:
    quoted = list(zip(labels("en", step), labels("zh", step), strict=True))
    assert [each for each in quoted if each not in pairs()] == []


def test_steps_quote_at_all() -> None:
    assert sum(len(labels("en", step)) for step in STEPS) > 40


def test_a_person_types_one_command_after_the_other_and_is_told_of_one_that_fails(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with Terminals(LocalServer("localhost:1", tmp_path, 0), "a passphrase of ten") as people:
        people.run(home, "vault", "create")
        with pytest.raises(CommandError) as told:
            people.run(home, "vault", "create")
        assert told.value.reason == "NOT_STARTED"
        assert people.run(home, "vault", "list")["credentials"] == []


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    pages, output = tmp_path / "pages", tmp_path / "out"
    some_pages(pages)
    output.mkdir()
    (output / "mine").write_text("mine")
    told = start("web", "demo", "--pages", pages, "--output", output, "--json")
    out, _ = told.communicate(timeout=SECONDS)
    assert (told.returncode, json.loads(out)["error"]["reason"]) == (Exit.USAGE, "FOLDER_IN_USE")
    assert sorted(os.listdir(output)) == ["mine"]


def test_without_built_pages_nothing_is_started(tmp_path: Path) -> None:
    told = start("web", "demo", "--pages", tmp_path, "--output", tmp_path / "out", "--json")
    out, _ = told.communicate(timeout=SECONDS)
    assert (told.returncode, json.loads(out)["error"]["reason"]) == (Exit.NOT_STARTED, "PAGES_MISSING")
    assert not (tmp_path / "out").exists()
