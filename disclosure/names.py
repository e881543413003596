"""Names of resources, after Google's AIP-122, and the identifiers that they are made of.

The constructors raise MalformedError NAME_INVALID, as parsing does: a name that exists is valid.
"""

import re
from dataclasses import dataclass
from typing import Final

from disclosure.errors import MalformedError, Reason

_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,62}", re.ASCII)
_ITEM: Final = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_VERSION: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_KEY: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)


def check_id(value: str, what: str, *, field: str = "") -> str:
    """Return an identifier of lower-case letters, digits and dashes; MalformedError NAME_INVALID."""
    if not _ID.fullmatch(value):
        raise MalformedError(
            Reason.NAME_INVALID, f"{what} is a-z, 0-9 and -, 1 to 63 characters", field=field
        )
    return value


def check_attribute_id(value: str, *, field: str = "") -> str:
    """Return an identifier of lower-case letters, digits and underscores; MalformedError NAME_INVALID."""
    if not _ITEM.fullmatch(value):
        detail = "the identifier of an attribute, item or query is a-z, 0-9 and _, 1 to 63 characters"
        raise MalformedError(Reason.NAME_INVALID, detail, field=field)
    return value


def _parts(name: str, *collections: str, field: str) -> list[str]:
    parts = name.split("/")
    if len(parts) != 2 * len(collections) or tuple(parts[::2]) != collections:
        pattern = "/".join(f"{each}/..." for each in collections)
        raise MalformedError(Reason.NAME_INVALID, f"the name does not have the form {pattern}", field=field)
    return parts[1::2]


@dataclass(frozen=True)
class DepartmentName:
    """`departments/{department}`."""

    department: str

    def __post_init__(self) -> None:
        check_id(self.department, "a department")

    @classmethod
    def parse(cls, name: str, *, field: str = "") -> "DepartmentName":
        """Parse it; MalformedError NAME_INVALID."""
        (department,) = _parts(name, "departments", field=field)
        return cls(check_id(department, "a department", field=field))

    def __str__(self) -> str:
        return f"departments/{self.department}"


@dataclass(frozen=True)
class VerifierName:
    """`verifiers/{verifier}`."""

    verifier: str

    def __post_init__(self) -> None:
        check_id(self.verifier, "a verifier")

    @classmethod
    def parse(cls, name: str, *, field: str = "") -> "VerifierName":
        """Parse it; MalformedError NAME_INVALID."""
        (verifier,) = _parts(name, "verifiers", field=field)
        return cls(check_id(verifier, "a verifier", field=field))

    def __str__(self) -> str:
        return f"verifiers/{self.verifier}"


@dataclass(frozen=True)
class PolicyName:
    """`verifiers/{verifier}/policies/{policy}@{version}`."""

    verifier: str
    policy: str
    version: int

    def __post_init__(self) -> None:
        check_id(self.verifier, "a verifier")
        check_id(self.policy, "a policy")
        if type(self.version) is not int or not 0 < self.version < 1_000_000:
            raise MalformedError(Reason.NAME_INVALID, "a policy has a version from 1 to 999999")

    @classmethod
    def parse(cls, name: str, *, field: str = "") -> "PolicyName":
        """Parse it; MalformedError NAME_INVALID."""
        verifier, versioned = _parts(name, "verifiers", "policies", field=field)
        policy, _, version = versioned.partition("@")
        if not _VERSION.fullmatch(version):
            raise MalformedError(Reason.NAME_INVALID, "a policy is named policy@version", field=field)
        return cls(
            check_id(verifier, "a verifier", field=field),
            check_id(policy, "a policy", field=field),
            int(version),
        )

    def __str__(self) -> str:
        return f"verifiers/{self.verifier}/policies/{self.policy}@{self.version}"


@dataclass(frozen=True)
class PurposeName:
    """`purposes/{purpose}`."""

    purpose: str

    def __post_init__(self) -> None:
        check_id(self.purpose, "a purpose")

    @classmethod
    def parse(cls, name: str, *, field: str = "") -> "PurposeName":
        """Parse it; MalformedError NAME_INVALID."""
        (purpose,) = _parts(name, "purposes", field=field)
        return cls(check_id(purpose, "a purpose", field=field))

    def __str__(self) -> str:
        return f"purposes/{self.purpose}"


@dataclass(frozen=True)
class CodeListName:
    """`codeLists/{code_list}`."""

    code_list: str

    def __post_init__(self) -> None:
        check_id(self.code_list, "a code list")

    @classmethod
    def parse(cls, name: str, *, field: str = "") -> "CodeListName":
        """Parse it; MalformedError NAME_INVALID."""
        (code_list,) = _parts(name, "codeLists", field=field)
        return cls(check_id(code_list, "a code list", field=field))

    def __str__(self) -> str:
        return f"codeLists/{self.code_list}"


@dataclass(frozen=True)
class RegulatorName:
    """`regulators/{regulator}`."""

    regulator: str

    def __post_init__(self) -> None:
        check_id(self.regulator, "a regulator")

    @classmethod
    def parse(cls, name: str, *, field: str = "") -> "RegulatorName":
        """Parse it; MalformedError NAME_INVALID."""
        (regulator,) = _parts(name, "regulators", field=field)
        return cls(check_id(regulator, "a regulator", field=field))

    def __str__(self) -> str:
        return f"regulators/{self.regulator}"


@dataclass(frozen=True)
class AdministratorName:
    """`administrators/{administrator}`: one person."""

    administrator: str

    def __post_init__(self) -> None:
        check_id(self.administrator, "an administrator")

    @classmethod
    def parse(cls, name: str, *, field: str = "") -> "AdministratorName":
        """Parse it; MalformedError NAME_INVALID."""
        (administrator,) = _parts(name, "administrators", field=field)
        return cls(check_id(administrator, "an administrator", field=field))

    def __str__(self) -> str:
        return f"administrators/{self.administrator}"


@dataclass(frozen=True)
class ItemName:
    """`departments/{department}/items/{item}`: a data item in all its versions."""

    department: str
    item: str

    def __post_init__(self) -> None:
        check_id(self.department, "a department")
        check_attribute_id(self.item)

    @classmethod
    def parse(cls, name: str, *, field: str = "") -> "ItemName":
        """Parse it; MalformedError NAME_INVALID."""
        department, item = _parts(name, "departments", "items", field=field)
        return cls(check_id(department, "a department", field=field), check_attribute_id(item, field=field))

    def __str__(self) -> str:
        return f"departments/{self.department}/items/{self.item}"


@dataclass(frozen=True)
class SchemaName:
    """`departments/{department}/schemas/{item}@{version}`."""

    department: str
    item: str
    version: int

    def __post_init__(self) -> None:
        check_id(self.department, "a department")
        if (
            not _ITEM.fullmatch(self.item)
            or type(self.version) is not int
            or not 0 < self.version < 1_000_000
        ):
            raise MalformedError(Reason.NAME_INVALID, "a schema is an item and a version from 1 to 999999")

    @classmethod
    def parse(cls, name: str, *, field: str = "") -> "SchemaName":
        """Parse it; MalformedError NAME_INVALID."""
        department, schema = _parts(name, "departments", "schemas", field=field)
        item, _, version = schema.partition("@")
        if not _ITEM.fullmatch(item) or not _VERSION.fullmatch(version):
            raise MalformedError(Reason.NAME_INVALID, "a schema is named item@version", field=field)
        return cls(check_id(department, "a department", field=field), item, int(version))

    def __str__(self) -> str:
        return f"departments/{self.department}/schemas/{self.item}@{self.version}"


@dataclass(frozen=True)
class IssuerKeyName:
    """`departments/{department}/issuerKeys/{issuer_key}`; the last part follows from the public key."""

    department: str
    key: str

    def __post_init__(self) -> None:
        check_id(self.department, "a department")
        if not _KEY.fullmatch(self.key):
            raise MalformedError(Reason.NAME_INVALID, "an issuer key is 32 hexadecimal digits")

    @classmethod
    def parse(cls, name: str, *, field: str = "") -> "IssuerKeyName":
        """Parse it; MalformedError NAME_INVALID."""
        department, key = _parts(name, "departments", "issuerKeys", field=field)
        if not _KEY.fullmatch(key):
            raise MalformedError(Reason.NAME_INVALID, "an issuer key is 32 hexadecimal digits", field=field)
        return cls(check_id(department, "a department", field=field), key)

    def __str__(self) -> str:
        return f"departments/{self.department}/issuerKeys/{self.key}"


@dataclass(frozen=True)
class AccumulatorName:
    """`departments/{department}/accumulators/{accumulator}`; the last part follows from the public key."""

    department: str
    accumulator: str

    def __post_init__(self) -> None:
        check_id(self.department, "a department")
        if not _KEY.fullmatch(self.accumulator):
            raise MalformedError(Reason.NAME_INVALID, "an accumulator is 32 hexadecimal digits")

    @classmethod
    def parse(cls, name: str, *, field: str = "") -> "AccumulatorName":
        """Parse it; MalformedError NAME_INVALID."""
        department, accumulator = _parts(name, "departments", "accumulators", field=field)
        if not _KEY.fullmatch(accumulator):
            raise MalformedError(Reason.NAME_INVALID, "an accumulator is 32 hexadecimal digits", field=field)
        return cls(check_id(department, "a department", field=field), accumulator)

    def __str__(self) -> str:
        return f"departments/{self.department}/accumulators/{self.accumulator}"
