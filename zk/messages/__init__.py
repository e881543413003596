"""Every sentence that a person reads, in Chinese and in English, under one key in both.

The tables are complete in both languages; a test compares their keys and what they have to be filled with.
"""

import os
import unicodedata
from collections.abc import Mapping
from typing import Final, Literal

from disclosure import LocalizedText
from zk.messages import (
    accounts_en,
    accounts_zh,
    admin_en,
    admin_zh,
    bench_en,
    bench_zh,
    catalogue_en,
    catalogue_zh,
    consortium_en,
    consortium_zh,
    deliveries_en,
    deliveries_zh,
    demo_en,
    demo_zh,
    doctor_en,
    doctor_zh,
    en,
    errands_en,
    errands_zh,
    help_en,
    help_zh,
    history_en,
    history_zh,
    keys_en,
    keys_zh,
    ledger_en,
    ledger_zh,
    openid_en,
    openid_zh,
    ordering_en,
    ordering_zh,
    policies_en,
    policies_zh,
    reasons_en,
    reasons_zh,
    records_en,
    records_zh,
    regulator_en,
    regulator_zh,
    stories_en,
    stories_zh,
    tokens_en,
    tokens_zh,
    upkeep_en,
    upkeep_zh,
    w3c_en,
    w3c_zh,
    web_en,
    web_zh,
    zh,
)

Language = Literal["zh", "en"]

TABLES: Final[Mapping[Language, Mapping[str, str]]] = {
    "zh": {
        **zh.MESSAGES,
        **accounts_zh.MESSAGES,
        **admin_zh.MESSAGES,
        **errands_zh.MESSAGES,
        **help_zh.MESSAGES,
        **history_zh.MESSAGES,
        **keys_zh.MESSAGES,
        **ledger_zh.MESSAGES,
        **consortium_zh.MESSAGES,
        **ordering_zh.MESSAGES,
        **openid_zh.MESSAGES,
        **policies_zh.MESSAGES,
        **reasons_zh.MESSAGES,
        **records_zh.MESSAGES,
        **deliveries_zh.MESSAGES,
        **demo_zh.MESSAGES,
        **doctor_zh.MESSAGES,
        **bench_zh.MESSAGES,
        **catalogue_zh.MESSAGES,
        **regulator_zh.MESSAGES,
        **stories_zh.MESSAGES,
        **tokens_zh.MESSAGES,
        **upkeep_zh.MESSAGES,
        **w3c_zh.MESSAGES,
        **web_zh.MESSAGES,
    },
    "en": {
        **en.MESSAGES,
        **accounts_en.MESSAGES,
        **admin_en.MESSAGES,
        **errands_en.MESSAGES,
        **help_en.MESSAGES,
        **history_en.MESSAGES,
        **keys_en.MESSAGES,
        **ledger_en.MESSAGES,
        **consortium_en.MESSAGES,
        **ordering_en.MESSAGES,
        **openid_en.MESSAGES,
        **policies_en.MESSAGES,
        **reasons_en.MESSAGES,
        **records_en.MESSAGES,
        **deliveries_en.MESSAGES,
        **demo_en.MESSAGES,
        **doctor_en.MESSAGES,
        **bench_en.MESSAGES,
        **catalogue_en.MESSAGES,
        **regulator_en.MESSAGES,
        **stories_en.MESSAGES,
        **tokens_en.MESSAGES,
        **upkeep_en.MESSAGES,
        **w3c_en.MESSAGES,
        **web_en.MESSAGES,
    },
}
_VARIABLES: Final = ("ZK_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


def language(chosen: str | None = None, environment: Mapping[str, str] = os.environ) -> Language:
    """Return the chosen language, else that of ZK_LANG, LC_ALL, LC_MESSAGES or LANG, else English."""
    values = (chosen, *(environment.get(name) for name in _VARIABLES))
    first = next((value for value in values if value), "en")
    return "zh" if first.lower().startswith("zh") else "en"


def clean(value: object) -> str:
    """Return a text that cannot steer a terminal: control and format characters become U+FFFD."""
    return "".join("\ufffd" if unicodedata.category(each)[0] == "C" else each for each in str(value))


class _Filled(str):
    """A cleaned value in a message: `{count:receipt/receipts}` gives "1 receipt", "2 receipts"."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        one, slash, many = spec.partition("/")
        return f"{self!s} {one if self == '1' else many}" if slash else super().__format__(spec)


def text(lang: Language, key: str, /, **values: object) -> str:
    """Return a message filled with values, each of them cleaned; KeyError if there is no such message."""
    return TABLES[lang][key].format(**{name: _Filled(clean(value)) for name, value in values.items()})


def reason_text(lang: Language, reason: str, detail: str) -> str:
    """Return what a reason means in this language; the detail where the reason has no message."""
    known = TABLES[lang].get(f"reason.{reason}")
    return known if known is not None else clean(detail)


def local(lang: Language, name: LocalizedText) -> str:
    """Return a display name in this language."""
    return clean(name.zh if lang == "zh" else name.en)
