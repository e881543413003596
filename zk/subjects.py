"""Whom a command is about: a person or a company, by a number that stands in no argument."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from zk.exits import CommandError, Exit
from zk.home import read_secret

if TYPE_CHECKING:
    from prover.accounts import SubjectKind


def secret_number(written: str) -> str:
    """Return a number: "-" reads it from standard input, "@FILE" from a file, since others on the machine can
    read arguments."""
    if written == "-":
        return sys.stdin.readline().strip()
    return read_secret(Path(written[1:])) if written.startswith("@") else written


def subject_given(person: str | None, company: str | None) -> "tuple[SubjectKind, str]":
    """Return whom two options mean, of which exactly one is given; CommandError USAGE."""
    if (person is None) == (company is None):
        raise CommandError(Exit.USAGE, "SUBJECT_UNCLEAR", "error.subject_unclear")
    if company is not None:
        return "company", secret_number(company)
    return "person", secret_number(person or "")
