"""The purposes that items are asked for, each with the law or rule that a verifier asks under."""

from collections.abc import Mapping
from typing import Final

from disclosure import Code, LocalizedText
from disclosure.centre import Purpose
from disclosure.names import PurposeName
from zk.catalogue.errors import CatalogueError

_BASES: Final[Mapping[str, tuple[str, str]]] = {
    "school_enrolment": ("《义务教育法》第十二条", "Compulsory Education Law, article 12"),
    "inclusive_finance": ("《个人贷款管理办法》第十七条", "Measures for Personal Loans, article 17"),
    "household_transfer": ("《中华人民共和国户口登记条例》", "Regulations on Household Registration"),
    "housing_support": (
        "《公共租赁住房管理办法》",
        "Measures for Public Rental Housing",
    ),
    "social_assistance": ("《社会救助暂行办法》", "Interim Measures for Social Assistance"),
    "elderly_care": (
        "《中华人民共和国老年人权益保障法》",
        "Law on Protection of the Rights and Interests of the Elderly",
    ),
    "employment": ("《中华人民共和国就业促进法》", "Employment Promotion Law"),
    "talent_services": (
        "《中华人民共和国个人信息保护法》（取得个人同意）",
        "Personal Information Protection Law (consent of the person)",
    ),
    "business_services": ("《优化营商环境条例》", "Regulations on Improving the Business Environment"),
    "market_access": ("《中华人民共和国行政许可法》", "Administrative Licensing Law"),
    "procurement": ("《中华人民共和国政府采购法》", "Government Procurement Law"),
    "subsidies": ("《优化营商环境条例》", "Regulations on Improving the Business Environment"),
}


def purpose_name(code: str) -> PurposeName:
    """Return the registered name of a purpose of the catalogue: names have dashes where codes have not."""
    return PurposeName(code.replace("_", "-"))


def purpose_of(code: Code) -> Purpose:
    """Return a purpose as it is registered; CatalogueError if nobody has said what it is asked under."""
    if code.code not in _BASES:
        raise CatalogueError(f"the purpose {code.code} has no legal basis")
    return Purpose(purpose_name(code.code), code.display_name, LocalizedText(*_BASES[code.code]))
