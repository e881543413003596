"""The file of a connector: where the rows come from, and how a row becomes a record."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from verifier import strict_yaml
from zk.exits import CommandError, Exit

_COLUMN: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"
_VARIABLE: Final = r"^[A-Z][A-Z0-9_]{0,99}$"
Column = Annotated[str, Field(pattern=_COLUMN)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SaltedHash(_Part):
    """A salted hash of the column; the salt, 16 octets at least, is another column's."""

    salt: Column


class Source(_Part):
    """Where an attribute's value comes from: a column, and at most one conversion.

    `date` is a format of strptime for dates that stand there as text. `scale` says that the column holds
    whole numbers of 10^-scale units. `codes` maps what stands there to codes, or to true and false. Without
    any, the column's own type has to fit.
    """

    column: Column
    date: str = Field(default="", max_length=40)
    scale: int | None = Field(default=None, ge=0, le=18)
    codes: dict[str, str | bool] | None = None
    hash: SaltedHash | None = None

    @model_validator(mode="after")
    def _one(self) -> "Source":
        chosen = [self.date != "", self.scale is not None, self.codes is not None, self.hash is not None]
        if sum(chosen) > 1:
            raise ValueError("at most one conversion")
        return self


def _source(written: object) -> object:
    """A column alone is written as its name."""
    return {"column": written} if isinstance(written, str) else written


Sources = dict[str, Annotated[Source, BeforeValidator(_source)]]


class SubjectSource(_Part):
    """Whose account a record is delivered to."""

    kind: Literal["person", "company"]
    column: Column


class RequiredSource(_Part):
    """The credential that the holder shows first, and what of it must say what."""

    schema_: str = Field(alias="schema", max_length=200)
    values: Sources = Field(min_length=1)


class Plan(_Part):
    """A connector's file. `database` names the environment variable that holds the URL, which may hold a
    password and therefore stands in no file. With `since` a run takes the rows whose column is not before the
    newest one of the run before; without it, or when a full run is asked for, records that have vanished are
    withdrawn.
    """

    schema_: str = Field(alias="schema", max_length=200)
    database: str = Field(pattern=_VARIABLE)
    query: str = Field(min_length=1, max_length=20_000)
    record: Column
    subject: SubjectSource | None = None
    person: Column | None = None
    requires: RequiredSource | None = None
    attributes: Sources = Field(min_length=1)
    since: Column | None = None
    renew_days: int = Field(default=30, ge=0, le=3660)

    @model_validator(mode="after")
    def _consistent(self) -> "Plan":
        if self.person is not None and self.requires is not None:
            raise ValueError("person or requires, not both")
        if ";" in self.query:
            raise ValueError("the query is one statement, without a semicolon")
        return self


def load_plan(path: Path) -> Plan:
    """Read a connector's file; CommandError USAGE."""
    try:
        return Plan.model_validate(strict_yaml.load(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        problem = re.sub("^Value error, ", "", first["msg"])
        raise CommandError(
            Exit.USAGE,
            "CONNECTOR_INVALID",
            "error.connector_invalid",
            path=path,
            place=place,
            problem=problem,
        ) from None
