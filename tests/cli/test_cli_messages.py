"""Both languages say the same, every key that is used exists, and nothing printed steers a terminal."""

import re
from pathlib import Path
from string import Formatter

import pytest

import disclosure
import zk
from openid.errors import OpenIdReason
from prover.errors import VaultReason
from verifier.errors import VerifierReason
from zk import messages
from zk.cli import build
from zk.messages import TABLES, clean, language, reason_text, text
from zkservice.errors import ServiceReason

SOURCES = "\n".join(
    path.read_text("utf-8")
    for path in Path(zk.__file__).parent.rglob("*.py")
    if path.parent.name != "messages" or path.name == "__init__.py"
)


def fields(message: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(message) if name}


def test_both_tables_have_the_same_keys_and_fields() -> None:
    assert set(TABLES["zh"]) == set(TABLES["en"])
    for key, message in TABLES["en"].items():
        assert fields(message) == fields(TABLES["zh"][key]), key
        assert message.strip()
        assert TABLES["zh"][key].strip()


def test_no_key_stands_in_two_tables() -> None:
    names = [name for name in vars(messages) if name == "en" or name.endswith("_en")]
    parts = [getattr(messages, name) for name in names]
    assert len(parts) >= 6
    assert sum(len(each.MESSAGES) for each in parts) == len(TABLES["en"])


def test_every_key_is_used_and_every_used_key_exists() -> None:
    words = ("doctor.ok", "doctor.warn", "doctor.fail", "bench.pass", "bench.miss")
    counted = ("regulator.kind.", "regulator.by.", "regulator.chart.", "regulator.queue.", "regulator.push.")
    states = ("vault.event.", "vault.grant.", "vault.delivery.", "verifier.consent.", "push.state.")
    told = ("stories.saved.", "story.", "verifier.policy_receipt.")
    items = ("catalogue.about.", "catalogue.sensitivity.", "catalogue.refresh.", "issuer.identifies.")
    evidence = ("ledger.grade.", "ledger.fault.", "ledger.seen.")
    made = ("reason.", "doctor.name.", "demo.", "help.", *told, *evidence, *counted, *states, *items, *words)
    for key in TABLES["en"]:
        assert re.search(rf"[\"']{re.escape(key)}[\"']", SOURCES) or key.startswith(made), key
    groups = "error|serve|catalogue|issuer|push|vault|verifier|regulator|ledger|doctor|demo|bench"
    used = set(re.findall(rf'"((?:{groups})\.[a-z_.]+)"', SOURCES))
    assert {key for key in used if not key.endswith((".toml", ".py", ".yaml", ".txt"))} <= set(TABLES["en"])


def test_every_question_says_which_words_mean_yes() -> None:
    asked = set(re.findall(r'confirmed\(run, "([a-z_.]+)"\)', SOURCES))
    assert len(asked) > 6
    for key in asked:
        for table in TABLES.values():
            assert re.search(r"yes, y (or|或) 是|是、yes 或 y|yes、y 或 是", table[key]), key


@pytest.mark.parametrize("key", ["vault.ask_trust", "verifier.escrow", "demo.learnt.escrow"])
def test_no_regulator_is_said_to_open_by_one(key: str) -> None:
    assert "two officers" in TABLES["en"][key]
    assert "两名经办人" in TABLES["zh"][key]
    assert "alone can" not in TABLES["en"][key]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_help_text_is_a_sentence(lang: messages.Language) -> None:
    def walk(command: object) -> list[str]:
        texts = [getattr(command, "help", "") or ""]
        texts += [getattr(each, "help", "") or "" for each in getattr(command, "params", [])]
        children = getattr(command, "commands", {}).values()
        return texts + [text for each in children for text in walk(each)]

    found = [each for each in walk(build(lang)) if each and each != "Show this message and exit."]
    assert len(found) > 60
    assert not [each for each in found if each.startswith("help.")]
    assert {key for key in TABLES[lang] if key.startswith("help.")} == {
        key for key, message in TABLES[lang].items() if key.startswith("help.") and message in found
    }


@pytest.mark.parametrize(
    "reason", [*disclosure.Reason, *OpenIdReason, *VaultReason, *VerifierReason, *ServiceReason]
)
def test_every_reason_has_a_meaning(reason: str) -> None:
    for lang in TABLES:
        assert reason_text(lang, reason, "?") != "?"


def test_a_reason_without_a_meaning_shows_its_detail() -> None:
    assert reason_text("zh", "OF_TOMORROW", "what\x1b[2J it says") == "what\ufffd[2J it says"


def test_values_in_messages_are_cleaned() -> None:
    assert (
        text("en", "error.system", path="a\x1b[31mb", problem="c\u202ed\n") == "a\ufffd[31mb: c\ufffdd\ufffd"
    )
    assert clean("历下区 ok") == "历下区 ok"


def test_one_is_counted_as_one() -> None:
    values = {"size": 5, "receipts": 1, "records": 2, "blocks": 0}
    shown = text("en", "ledger.counts", **values)
    assert shown == "5 entries: 1 receipt, 2 records, 0 blocks."


@pytest.mark.parametrize(
    ("chosen", "environment", "expected"),
    [
        ("zh", {"LANG": "en_US"}, "zh"),
        ("en", {"LANG": "zh_CN"}, "en"),
        (None, {"LANG": "zh_CN.UTF-8"}, "zh"),
        (None, {"LC_ALL": "zh_CN", "LANG": "en_US"}, "zh"),
        (None, {"LC_ALL": "", "LANG": "zh_CN"}, "zh"),
        (None, {"ZK_LANG": "en", "LC_ALL": "zh_CN"}, "en"),
        (None, {"LANG": "fr_FR"}, "en"),
        (None, {}, "en"),
    ],
)
def test_the_language_is_chosen_or_the_system_s(
    chosen: str | None, environment: dict[str, str], expected: str
) -> None:
    assert language(chosen, environment) == expected
