"""Policies: what a relying party asks for and why, in a file that a person writes and another reads.

    id: school-enrolment
    purpose: {zh: 入学资格审核, en: Checking who may enrol}
    lifetime: 600                     # seconds
    queries:
      - id: residence
        schema: departments/public-security/schemas/residence_permit@1
        shown: [district, continuous_since]
        expiry: shown                 # or waived
        revocation: waived            # the plain form cannot prove it: this is said in so many words

Beside these there may be `policy` and `register` (verifier/registration.py). Every other key is required and
no further one is known. Whether the schemas and attributes exist is for `check_policy`, which needs a
directory.
"""

import datetime as dt
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from disclosure import (
    Directory,
    DisclosureError,
    ExpiryRule,
    LocalizedText,
    MalformedError,
    Query,
    Request,
    SchemaName,
    VerifierName,
)
from disclosure.credential import require_plain
from disclosure.names import check_id
from disclosure.request import MAX_LIFETIME, NONCE_OCTETS
from verifier import strict_yaml
from verifier.composite.nodes import Node
from verifier.errors import PolicyError
from verifier.registration import Registered

MAX_POLICY_OCTETS: Final = 1 << 18
_SAMPLE_TIME: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Policy:
    """What is asked for, for what purpose, and how long a request of it lives (whole seconds).

    Raises PolicyError.
    """

    id: str
    purpose: LocalizedText
    lifetime: dt.timedelta
    queries: tuple[Query, ...]
    registered: Registered

    def __post_init__(self) -> None:
        if self.lifetime % dt.timedelta(seconds=1) or not dt.timedelta(0) < self.lifetime <= MAX_LIFETIME:
            detail = f"a request lives for 1 to {MAX_LIFETIME // dt.timedelta(seconds=1)} seconds"
            raise PolicyError(detail, field="lifetime")
        try:
            check_id(self.id, "a policy's identifier", field="id")
            self.request(VerifierName("sample"), _SAMPLE_TIME, bytes(NONCE_OCTETS))
        except MalformedError as error:
            raise PolicyError(error.detail, field=error.field) from None

    @classmethod
    def load(cls, path: Path) -> "Policy":
        """Read a policy file; PolicyError, also for a file that cannot be read."""
        try:
            with path.open("rb") as file:
                octets = file.read(MAX_POLICY_OCTETS + 1)
        except OSError as error:
            raise PolicyError(f"the file cannot be read: {error.strerror}") from None
        return cls.parse(octets)

    @classmethod
    def parse(cls, octets: bytes) -> "Policy":
        """Read a policy from the octets of its file; PolicyError."""
        model = _validated(_read(octets))
        with_index, fields = enumerate(model.queries), _fields(octets)
        return cls(
            id=model.id,
            purpose=_purpose(model.purpose),
            lifetime=dt.timedelta(seconds=model.lifetime),
            queries=tuple(_query(each, f"queries[{index}]") for index, each in with_index),
            registered=Registered.read(model.id, fields),
        )

    @property
    def schemas(self) -> tuple[SchemaName, ...]:
        """The schemas that the policy asks for, each once."""
        return tuple(dict.fromkeys(each.schema for each in self.queries))

    def request(self, verifier: VerifierName, now: dt.datetime, nonce: bytes | None = None) -> Request:
        """Return a request of this policy that lives from `now` (with time zone), cut to the second.

        The nonce has 32 octets and comes from the system's generator if none is given.
        """
        created = now.astimezone(dt.UTC).replace(microsecond=0)
        return Request(
            verifier=verifier,
            purpose=self.purpose,
            queries=self.queries,
            created=created,
            expires=created + self.lifetime,
            nonce=secrets.token_bytes(NONCE_OCTETS) if nonce is None else nonce,
            policy=self.registered.name(verifier),
        )


def check_policy(policy: Policy, directory: Directory) -> None:
    """Raise PolicyError, with its place, for the first schema or attribute that the directory does not have.

    Schemas of another form than the plain one are refused too.
    """
    for index, query in enumerate(policy.queries):
        place = f"queries[{index}]"
        try:
            schema = directory.schema(query.schema)
            require_plain(schema)
        except DisclosureError as error:
            raise PolicyError(error.detail, field=f"{place}.schema") from None
        for position, attribute in enumerate(query.shown):
            if attribute not in schema:
                detail = f"{query.schema} has no attribute {attribute}"
                raise PolicyError(detail, field=f"{place}.shown[{position}]")


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Purpose(_Strict):
    zh: str
    en: str


class _Query(_Strict):
    id: str
    schema_name: str = Field(alias="schema")
    shown: tuple[str, ...]
    expiry: Literal["shown", "waived"]
    revocation: Literal["waived"]


class _Policy(_Strict):
    id: str
    purpose: _Purpose
    lifetime: int = Field(gt=0, le=MAX_LIFETIME // dt.timedelta(seconds=1))
    queries: tuple[_Query, ...]
    policy: str | None = None
    register_: object = Field(None, alias="register")


def _validated(data: object) -> _Policy:
    try:
        # As JSON, so that strictness is about types and not about which of Python's sequences holds them.
        return _Policy.model_validate_json(json.dumps(data, allow_nan=False))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise PolicyError(first["msg"], field=_path(first["loc"])) from None
    except (TypeError, ValueError):
        raise PolicyError("it holds something else than texts, numbers and lists") from None


def _path(location: tuple[int | str, ...]) -> str:
    path = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in location)
    return path.removeprefix(".")


def _purpose(model: _Purpose) -> LocalizedText:
    try:
        return LocalizedText(model.zh, model.en)
    except MalformedError as error:
        raise PolicyError(error.detail, field=f"purpose.{error.field}") from None


def _query(model: _Query, place: str) -> Query:
    try:
        schema = SchemaName.parse(model.schema_name, field="schema")
        return Query(model.id, schema, model.shown, ExpiryRule(model.expiry))
    except MalformedError as error:
        raise PolicyError(error.detail, field=f"{place}.{error.field}") from None


def _fields(octets: bytes) -> dict[str, Node]:
    """Return the fields that files of both forms have, as the composite form's are read."""
    document = _read(octets, text_only=True)
    optional = ("policy", "register")
    return {name: Node(document[name], name) for name in optional if name in document}


def _read(octets: bytes, *, text_only: bool = False) -> Any:
    if len(octets) > MAX_POLICY_OCTETS:
        raise PolicyError(f"a policy has at most {MAX_POLICY_OCTETS} octets")
    try:
        return strict_yaml.parse(octets, text_only=text_only)
    except strict_yaml.YamlError as error:
        raise PolicyError(str(error)) from None
