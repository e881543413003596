"""What the vectors of consents are about: schemas, values, lists, a directory and a regulator."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

from disclosure import (
    AttributeDefinition,
    AttributeType,
    Code,
    CredentialForm,
    LocalizedText,
    Schema,
    SchemaName,
    Value,
)
from disclosure.composite import (
    AcceptedIssuer,
    CompositeQuery,
    OldestEpoch,
    Operand,
    ValidOn,
)
from disclosure.names import IssuerKeyName, RegulatorName
from tests.disclosure.composite import world

NAME: Final = LocalizedText("某小学\u00b7一部", "A {primary} school & Co")
_NUMBER: Final = "370102199001011234"
LIST, LONG, SHORT = (bytes([each]) * 32 for each in (1, 2, 3))
REGULATOR, STRANGER = bytes([4]) * 32, bytes([5]) * 32
ACCUMULATORS: Final = (bytes([6]) * 96, bytes([7]) * 96)
EPOCH: Final = 1_772_000_000


def _name(zh: str, en: str) -> LocalizedText:
    return LocalizedText(zh, en)


def _attribute(identifier: str, kind: AttributeType, zh: str, en: str, **more: Any) -> AttributeDefinition:
    return AttributeDefinition(identifier, _name(zh, en), kind, **more)


_CODES: Final = tuple(Code(f"3701{each:02}", _name(f"第{each}区", f"District {each}")) for each in range(12))
_DISTRICT: Final = {"code_system": "GB/T 2260", "codes": _CODES}
_MONTHS: Final = {"unit": "months", "minimum": 0, "maximum": 600}
_DAYS: Final = {"minimum": 0, "maximum": 47481}
PERMIT: Final = Schema(
    SchemaName("public-security", "residence_permit", 1),
    _name("居住证", "residence permit"),
    CredentialForm.COMPOSITE,
    (
        _attribute("name", AttributeType.TEXT, "姓名", "Name", max_length=60),
        _attribute("number", AttributeType.TEXT, "身份证号", "ID number", max_length=18),
        _attribute("district", AttributeType.CODE, "区县", "District", **_DISTRICT),
        _attribute("since", AttributeType.DATE, "居住起始日", "Resident since", **_DAYS),
        _attribute("months", AttributeType.INTEGER, "居住月数", "Months of residence", **_MONTHS),
        _attribute("gap", AttributeType.INTEGER, "中断月数", "Months away", optional=True, **_MONTHS),
        _attribute("remark", AttributeType.TEXT, "备注", "Remark", max_length=60, optional=True),
    ),
    validity_days=90,
)
PERMIT_2: Final = replace(PERMIT, name=replace(PERMIT.name, version=2), validity_days=180)
INSURANCE: Final = Schema(
    SchemaName("hrss", "social_insurance", 1),
    _name("社会保险", "social insurance"),
    CredentialForm.COMPOSITE,
    (
        _attribute("number", AttributeType.TEXT, "身份证号", "ID number", max_length=18),
        _attribute("district", AttributeType.CODE, "参保区县", "Insured in", **_DISTRICT),
        _attribute("months", AttributeType.INTEGER, "缴费月数", "Months paid", **_MONTHS),
        _attribute(
            "base", AttributeType.INTEGER, "缴费基数", "Monthly base", unit="CNY", scale=2, minimum=-500,
            maximum=10_000_000,
        ),
        _attribute("employed", AttributeType.BOOLEAN, "在职", "Employed"),
        _attribute("seal", AttributeType.HASH, "印章", "Seal"),
    ),
    validity_days=365,
)  # fmt: skip
HOUSEHOLD: Final = Schema(
    SchemaName("public-security", "household", 1),
    _name("户口", "household register"),
    CredentialForm.COMPOSITE,
    (
        _attribute("child", AttributeType.TEXT, "子女", "Child", max_length=60),
        _attribute("child_secret", AttributeType.SECRET, "子女的秘密", "The child's secret"),
        _attribute("born", AttributeType.DATE, "出生日期", "Born", **_DAYS),
    ),
    validity_days=365,
)
SCHEMAS: Final = (PERMIT, PERMIT_2, INSURANCE, HOUSEHOLD)
VALUES: Final[Mapping[str, Mapping[str, Value]]] = {
    "residence_permit": {
        "name": "王小明 {x} <b>", "number": _NUMBER, "district": "370102", "since": dt.date(2019, 5, 1),
        "months": 82,
    },
    "social_insurance": {
        "number": _NUMBER, "district": "370103", "months": 40, "base": 812_305, "employed": True,
        "seal": bytes(range(32)),
    },
    "household": {"child": "王一", "child_secret": bytes(32), "born": dt.date(2020, 2, 29)},
}  # fmt: skip
DEPARTMENTS: Final = {"departments/hrss": _name("人社局", "The social security office")}
LISTS: Final = {
    LIST: ("authorities/city", (*(each.code for each in _CODES[2:5]), "999999")),
    LONG: ("authorities/city", tuple(each.code for each in _CODES)),
    SHORT: ("departments/hrss", ("370104", "888888")),
}
"""Published lists by digest: whose they are, and their codes."""
TRUSTED: Final[Any] = SimpleNamespace(
    name=RegulatorName("prosecutor"),
    display_name=_name("检察院", "The prosecutor"),
    key=SimpleNamespace(digest=REGULATOR),
)


class _Directory:
    """As much of a directory as screens are told from."""

    def schema(self, name: SchemaName, field: str = "") -> Schema:
        return next(each for each in SCHEMAS if each.name == name)

    def code_list(self, digest: bytes, field: str = "") -> Any:
        owner, codes = LISTS[digest]
        return SimpleNamespace(owner=owner, codes=codes)

    def epoch(self, accumulator: bytes, number: int, field: str = "") -> Any:
        return SimpleNamespace(time=EPOCH + number)


DIRECTORY: Final[Any] = _Directory()


def op(name: str) -> Operand:
    """Return an operand of its name."""
    return Operand(*name.split("."))


def query(identifier: str, *schemas: Schema, **changes: Any) -> CompositeQuery:
    """Return a query that accepts schemas of one department."""
    key = IssuerKeyName(schemas[0].name.department, "a" * 32)
    revocation = OldestEpoch(ACCUMULATORS[0], 1, 86_400)
    fields: dict[str, Any] = {
        "schemas": tuple(each.name for each in schemas),
        "issuers": (AcceptedIssuer(key, revocation, None),),
        "expiry": ValidOn(world.TODAY),
    }
    return CompositeQuery(identifier, **(fields | changes))
