"""DCQL, the query language of OpenID for Verifiable Presentations 1.0 (section 6): strict objects.

Reading accepts what the section allows and refuses the rest, unknown members too: a member that a wallet does
not know might have narrowed what is asked, and ignoring it would show more than was meant. `own` holds the
project's own member, under its namespaced key, which `openid.mapping` reads.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn, TypeAlias, TypeVar

from openid.errors import OpenIdError, OpenIdReason
from openid.strict_json import Json

OWN: Final = "zk-disclosure"
"""The namespaced key of what DCQL itself has no words for."""
MAX_PARTS: Final = 128
"""So many credentials, claims or sets are read of one list."""
PathPart: TypeAlias = str | int | None
ClaimValue: TypeAlias = str | int | bool
Part = TypeVar("Part")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)


def _invalid(detail: str, field: str) -> NoReturn:
    raise OpenIdError(OpenIdReason.DCQL_INVALID, detail, field=field)


@dataclass(frozen=True)
class ClaimsQuery:
    """One claim that is asked for (section 6.3), by a path in the credential (section 7)."""

    path: tuple[PathPart, ...]
    id: str | None = None
    values: tuple[ClaimValue, ...] | None = None
    intent_to_retain: bool | None = None

    def __post_init__(self) -> None:
        _check_id(self.id, "id")
        if not 0 < len(self.path) <= MAX_PARTS:
            _invalid("a path has a part", "path")
        if any(type(each) is int and each < 0 for each in self.path):
            _invalid("an index is 0 or more", "path")
        if self.values is not None and not 0 < len(self.values) <= MAX_PARTS:
            _invalid("values are there or left out", "values")

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        made: dict[str, Json] = {"path": list(self.path)}
        return made | _there(
            id=self.id,
            values=None if self.values is None else list(self.values),
            intent_to_retain=self.intent_to_retain,
        )


@dataclass(frozen=True)
class TrustedAuthority:
    """Whose credentials are accepted (section 6.1.1)."""

    type: str
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.type or not 0 < len(self.values) <= MAX_PARTS:
            _invalid("an authority has a type and values", "trusted_authorities")

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        return {"type": self.type, "values": list(self.values)}


@dataclass(frozen=True)
class CredentialQuery:
    """One credential that is asked for (section 6.1)."""

    id: str
    format: str
    meta: Mapping[str, Json] = field(default_factory=dict)
    claims: tuple[ClaimsQuery, ...] | None = None
    claim_sets: tuple[tuple[str, ...], ...] | None = None
    multiple: bool = False
    require_cryptographic_holder_binding: bool = True
    trusted_authorities: tuple[TrustedAuthority, ...] | None = None
    own: Mapping[str, Json] | None = None

    def __post_init__(self) -> None:
        _check_id(self.id, "id", needed=True)
        if not self.format:
            _invalid("a format has a name", "format")
        for name, parts in (
            ("claims", self.claims),
            ("claim_sets", self.claim_sets),
            ("trusted_authorities", self.trusted_authorities),
        ):
            if parts is not None and not 0 < len(parts) <= MAX_PARTS:
                _invalid("it is not empty", name)
        self._check_claim_sets()

    def _check_claim_sets(self) -> None:
        ids = [each.id for each in self.claims or () if each.id is not None]
        if len(set(ids)) != len(ids):
            _invalid("two claims have one identifier", "claims")
        paths = [each.path for each in self.claims or ()]
        if len(set(map(repr, paths))) != len(paths):
            _invalid("a claim is asked for twice", "claims")
        if self.claim_sets is None:
            return
        if self.claims is None or len(ids) != len(self.claims):
            _invalid("claim_sets go with claims that have identifiers", "claim_sets")
        _check_options(self.claim_sets, set(ids), "claim_sets")

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON; what has its default is left out."""
        made: dict[str, Json] = {"id": self.id, "format": self.format, "meta": dict(self.meta)}
        return made | _there(
            claims=_each_json(self.claims),
            claim_sets=None if self.claim_sets is None else [list(each) for each in self.claim_sets],
            multiple=True if self.multiple else None,
            require_cryptographic_holder_binding=(
                None if self.require_cryptographic_holder_binding else False
            ),
            trusted_authorities=_each_json(self.trusted_authorities),
            **{OWN: self.own},
        )


@dataclass(frozen=True)
class CredentialSetQuery:
    """Which credentials answer together (section 6.2): one of the options, or none if it is not required."""

    options: tuple[tuple[str, ...], ...]
    required: bool = True

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON."""
        made: dict[str, Json] = {"options": [list(each) for each in self.options]}
        return made | _there(required=None if self.required else False)


@dataclass(frozen=True)
class DcqlQuery:
    """A whole query. Raises OpenIdError DCQL_INVALID, as all of its parts do."""

    credentials: tuple[CredentialQuery, ...]
    credential_sets: tuple[CredentialSetQuery, ...] | None = None
    own: Mapping[str, Json] | None = None

    def __post_init__(self) -> None:
        ids = [each.id for each in self.credentials]
        if not 0 < len(ids) <= MAX_PARTS or len(set(ids)) != len(ids):
            _invalid("there are credentials, each with an identifier of its own", "credentials")
        if self.credential_sets is not None:
            if not 0 < len(self.credential_sets) <= MAX_PARTS:
                _invalid("it is not empty", "credential_sets")
            for index, each in enumerate(self.credential_sets):
                _check_options(each.options, set(ids), f"credential_sets[{index}].options")

    def to_json(self) -> dict[str, Json]:
        """Return it as JSON; what has its default is left out."""
        made: dict[str, Json] = {"credentials": [each.to_json() for each in self.credentials]}
        return made | _there(credential_sets=_each_json(self.credential_sets), **{OWN: self.own})


def read_dcql(value: Json) -> DcqlQuery:
    """Read a query from JSON that is decoded already.

    Raises OpenIdError DCQL_INVALID; NOT_UNDERSTOOD with the place of a member that nobody here knows.
    """
    given = _object(value, {"credentials", "credential_sets", OWN}, {"credentials"}, "dcql_query")
    sets = given.get("credential_sets")
    return DcqlQuery(
        tuple(_list(given["credentials"], _credential, "credentials")),
        None if sets is None else tuple(_list(sets, _credential_set, "credential_sets")),
        _own(given, OWN),
    )


def _credential(value: Json, place: str) -> CredentialQuery:
    known = {
        "id", "format", "meta", "claims", "claim_sets", "multiple", "require_cryptographic_holder_binding",
        "trusted_authorities", OWN,
    }  # fmt: skip
    given = _object(value, known, {"id", "format", "meta"}, place)
    claims, sets, authorities = (given.get(each) for each in ("claims", "claim_sets", "trusted_authorities"))
    binding = "require_cryptographic_holder_binding"
    return CredentialQuery(
        _text(given["id"], f"{place}.id"),
        _text(given["format"], f"{place}.format"),
        _mapping(given["meta"], f"{place}.meta"),
        None if claims is None else tuple(_list(claims, _claim, f"{place}.claims")),
        None if sets is None else tuple(_list(sets, _ids, f"{place}.claim_sets")),
        _flag(given.get("multiple", False), f"{place}.multiple"),
        _flag(given.get(binding, True), f"{place}.{binding}"),
        None
        if authorities is None
        else tuple(_list(authorities, _authority, f"{place}.trusted_authorities")),
        _own(given, place),
    )


def _claim(value: Json, place: str) -> ClaimsQuery:
    given = _object(value, {"id", "path", "values", "intent_to_retain"}, {"path"}, place)
    values, retain = given.get("values"), given.get("intent_to_retain")
    return ClaimsQuery(
        tuple(_list(given["path"], _path_part, f"{place}.path")),
        None if "id" not in given else _text(given["id"], f"{place}.id"),
        None if values is None else tuple(_list(values, _claim_value, f"{place}.values")),
        None if retain is None else _flag(retain, f"{place}.intent_to_retain"),
    )


def _authority(value: Json, place: str) -> TrustedAuthority:
    given = _object(value, {"type", "values"}, {"type", "values"}, place)
    return TrustedAuthority(_text(given["type"], place), tuple(_list(given["values"], _text, place)))


def _credential_set(value: Json, place: str) -> CredentialSetQuery:
    given = _object(value, {"options", "required"}, {"options"}, place)
    return CredentialSetQuery(
        tuple(_list(given["options"], _ids, f"{place}.options")),
        _flag(given.get("required", True), f"{place}.required"),
    )


def _object(value: Json, known: set[str], needed: set[str], place: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        _invalid("it is no object", place)
    for name, member in value.items():
        if name not in known:
            detail = "a member that this wallet does not know might narrow what is asked"
            raise OpenIdError(OpenIdReason.NOT_UNDERSTOOD, detail, field=place)
        if member is None:
            _invalid("a member is there or left out", f"{place}.{name}")
    if missing := needed - set(value):
        _invalid(f"{min(missing)} is missing", place)
    return value


def _own(given: Mapping[str, Json], place: str) -> dict[str, Json] | None:
    return None if OWN not in given else _mapping(given[OWN], f"{place}.{OWN}")


def _list(value: Json, read: Callable[[Json, str], Part], place: str) -> list[Part]:
    if not isinstance(value, list) or len(value) > MAX_PARTS:
        _invalid(f"it is a list of at most {MAX_PARTS}", place)
    return [read(each, f"{place}[{index}]") for index, each in enumerate(value)]


def _ids(value: Json, place: str) -> tuple[str, ...]:
    return tuple(_list(value, _text, place))


def _mapping(value: Json, place: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        _invalid("it is no object", place)
    return value


def _text(value: Json, place: str) -> str:
    if not isinstance(value, str):
        _invalid("it is no text", place)
    return value


def _flag(value: Json, place: str) -> bool:
    if not isinstance(value, bool):
        _invalid("it is true or false", place)
    return value


def _path_part(value: Json, place: str) -> PathPart:
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int)):
        _invalid("a part of a path is a text, an index or null", place)
    return value


def _claim_value(value: Json, place: str) -> ClaimValue:
    if not isinstance(value, str | int | bool):
        _invalid("a value is a text, an integer or a boolean", place)
    return value


def _check_id(value: str | None, place: str, *, needed: bool = False) -> None:
    if (value is None and needed) or (value is not None and not _ID.fullmatch(value)):
        _invalid("an identifier is of letters, digits, _ and -", place)


def _check_options(options: Sequence[Sequence[str]], ids: set[str], place: str) -> None:
    if not 0 < len(options) <= MAX_PARTS or not all(options):
        _invalid("there are options, and none is empty", place)
    for each in options:
        if len(set(each)) != len(each) or not set(each) <= ids:
            _invalid("an option names what is there, each once", place)


def _each_json(parts: Sequence[ClaimsQuery | TrustedAuthority | CredentialSetQuery] | None) -> Json:
    return None if parts is None else [each.to_json() for each in parts]


def _there(**members: Json) -> dict[str, Json]:
    return {name: value for name, value in members.items() if value is not None}
