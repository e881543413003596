"""Reading what is published for those who know no gRPC: what is not there is told as disclosure tells it."""

from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from disclosure import (
    Accumulator,
    DepartmentName,
    IssuerKey,
    IssuerKeyName,
    Reason,
    RefusedError,
    Schema,
    SchemaName,
    VerifierName,
)
from disclosure.composite import Published, PublishedCodeList, PublishedDigits, Regulator
from disclosure.names import RegulatorName
from wire.client import DEFAULT_TIMEOUT, Seconds, ServiceError
from wire.published import Reader


class PublishedReader(Reader):
    """A Reader that raises RefusedError for what the service does not have; else what a Reader raises."""

    def schema(self, name: SchemaName) -> Schema:
        """Return a schema; RefusedError SCHEMA_UNKNOWN."""
        with _known(Reason.SCHEMA_UNKNOWN, str(name)):
            return super().schema(name)

    def issuer_key(self, name: IssuerKeyName) -> IssuerKey:
        """Return an issuer key with its present state; RefusedError ISSUER_KEY_UNKNOWN."""
        with _known(Reason.ISSUER_KEY_UNKNOWN, str(name)):
            return super().issuer_key(name)

    def issuer_keys(self, department: DepartmentName) -> list[IssuerKey]:
        """Return a department's keys, in all states; RefusedError ISSUER_KEY_UNKNOWN."""
        with _known(Reason.ISSUER_KEY_UNKNOWN, str(department)):
            return super().issuer_keys(department)

    def verifier_key(self, name: VerifierName, timeout: Seconds = DEFAULT_TIMEOUT) -> bytes:
        """Return a verifier's registered key; RefusedError REQUEST_SIGNATURE_INVALID."""
        with _known(Reason.REQUEST_SIGNATURE_INVALID, str(name)):
            return super().verifier_key(name, timeout)

    def table(self, digest: bytes) -> Published:
        """Return a published table or list; RefusedError TABLE_UNKNOWN."""
        with _known(Reason.TABLE_UNKNOWN, "the table"):
            return super().table(digest)

    def newest_digits(self, owner: str) -> PublishedDigits:
        """Return an owner's newest table of digits; RefusedError TABLE_UNKNOWN."""
        with _known(Reason.TABLE_UNKNOWN, f"a table of digits of {owner}"):
            return super().newest_digits(owner)

    def newest_list(self, owner: str, code_system: str) -> PublishedCodeList | None:
        """Return an owner's newest list of a code system, if there is one; RefusedError TABLE_UNKNOWN."""
        with _known(Reason.TABLE_UNKNOWN, owner):
            return super().newest_list(owner, code_system)

    def first_list(self, owner: str, code_system: str, contents: bytes) -> PublishedCodeList | None:
        """Return an owner's list of these contents, if there is one; RefusedError TABLE_UNKNOWN."""
        with _known(Reason.TABLE_UNKNOWN, owner):
            return super().first_list(owner, code_system, contents)

    def regulator(self, digest: bytes) -> Regulator:
        """Return a regulator by the digest of its key; RefusedError REGULATOR_UNKNOWN."""
        with _known(Reason.REGULATOR_UNKNOWN, "the regulator"):
            return super().regulator(digest)

    def regulator_named(self, name: RegulatorName) -> Regulator:
        """Return a regulator by its name; RefusedError REGULATOR_UNKNOWN."""
        with _known(Reason.REGULATOR_UNKNOWN, str(name)):
            return super().regulator_named(name)

    def accumulators(self, department: DepartmentName) -> list[Accumulator]:
        """Return a department's accumulators, newest first; RefusedError EPOCH_UNKNOWN."""
        with _known(Reason.EPOCH_UNKNOWN, str(department)):
            return super().accumulators(department)


@contextmanager
def _known(reason: Reason, what: str) -> Iterator[None]:
    try:
        yield
    except ServiceError as error:
        if error.code is not grpc.StatusCode.NOT_FOUND:
            raise
        raise RefusedError(reason, f"{what} is not published") from None
