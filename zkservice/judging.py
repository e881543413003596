"""Judging presentations from their octets alone: decoding, the verifier's signature, the proofs.

What never changes (verifiers, schemas) a judge keeps, within bounds. An issuer key may be retired: it is
asked for again after a second. What is not registered is never remembered.
"""

import datetime as dt
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.message import DecodeError

from disclosure import (
    Directory,
    DisclosureError,
    IssuerKey,
    IssuerKeyName,
    Presentation,
    Request,
    Schema,
    SchemaName,
    SignedRequest,
    check_request,
    open_request,
)
from verifier.verify import Claim, VerifiedPresentation, required_names, schema_names, verify_presentations
from wire.convert import date_to, moment_of, presentation_of, signed_request_of, values_to, within
from zkproto.v1 import presentation_pb2 as pb
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import placed, required
from zkservice.kept import Kept
from zkservice.moments import from_ms, to_ms
from zkservice.tasks import Done, Missing, MissingError, Names, Outcome, Supplies

KEY_SECONDS: Final = 1.0
"""How long an issuer key counts as it was read."""
_KEPT_SCHEMAS: Final = 4 << 20
_KEPT_KEYS: Final = 1 << 20
_KEY_OCTETS: Final = 512


@dataclass(frozen=True)
class Judgement:
    """A VerifyPresentationRequest in its octets, judged as of a moment unless it says another one itself.

    `opened` says that the request's signature was verified when it was stored. `proofs` is how many it has,
    for those who share out the work.
    """

    message: bytes = field(repr=False)
    moment: dt.datetime
    opened: bool = False
    proofs: int = 1

    def items(self) -> list[Any]:
        """Return what travels to a process."""
        return [self.message, to_ms(self.moment), self.opened]

    @classmethod
    def of(cls, message: bytes, moment_ms: int, opened: bool) -> "Judgement":
        """Return what `items` gave."""
        return cls(message, from_ms(moment_ms), opened)


class Judge:
    """Belongs to one thread; keeps what it was told of the catalogue."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._verifiers: Kept[bytes] = Kept(_KEPT_KEYS)
        self._schemas: Kept[Schema] = Kept(_KEPT_SCHEMAS)
        self._issuer_keys: Kept[tuple[float, IssuerKey]] = Kept(_KEPT_KEYS)

    def work(self, jobs: Sequence[Judgement], supplies: Supplies) -> list[Outcome]:
        """Return an outcome for each job; the proofs of all are verified together."""
        catalogue = self._told(supplies)
        outcomes: list[Outcome | Claim] = [_read(job, catalogue) for job in jobs]
        claims = [each for each in outcomes if isinstance(each, Claim)]
        verdicts = iter(verify_presentations(claims) if claims else ())
        return [_outcome(each, next(verdicts)) if isinstance(each, Claim) else each for each in outcomes]

    def _told(self, supplies: Supplies) -> "_Catalogue":
        """Keep what was supplied, and return how to look up names for these jobs."""
        now = self._monotonic()
        schemas = {name: Schema.from_bytes(octets) for name, octets in supplies.schemas.items() if octets}
        for name, schema in schemas.items():
            self._schemas.keep(name, schema, len(schema.canonical))
        for name, public_key in supplies.verifiers.items():
            if public_key is not None:
                self._verifiers.keep(name, public_key, _KEY_OCTETS)
        for name, key in supplies.issuer_keys.items():
            if key is not None:
                self._issuer_keys.keep(name, (now + KEY_SECONDS, key), _KEY_OCTETS)
        return _Catalogue(supplies, schemas, self._verifiers.get, self._schemas.get, self._fresh(now))

    def _fresh(self, now: float) -> Callable[[str], IssuerKey | None]:
        def find(name: str) -> IssuerKey | None:
            kept = self._issuer_keys.get(name)
            return kept[1] if kept is not None and now < kept[0] else None

        return find


@dataclass(frozen=True)
class _Catalogue:
    """What these jobs may use: first what came with them, however little is kept, then what is kept."""

    supplies: Supplies
    decoded: Mapping[str, Schema]
    kept_verifier: Callable[[str], bytes | None]
    kept_schema: Callable[[str], Schema | None]
    kept_key: Callable[[str], IssuerKey | None]

    def verifier(self, name: str) -> bytes:
        """Return a verifier's public key; ServiceError VERIFIER_UNKNOWN."""
        found = self.supplies.verifiers.get(name) or self.kept_verifier(name)
        if found is not None:
            return found
        if name not in self.supplies.verifiers:
            raise MissingError(Names(verifiers=frozenset({name})))
        detail = f"{name} is not registered"
        raise ServiceError(ServiceReason.VERIFIER_UNKNOWN, detail, field="signed_request")

    def directory(self, schemas: Iterable[SchemaName], keys: Iterable[IssuerKeyName] = ()) -> Directory:
        """Return the directory of these names; what is not registered is left out."""
        wanted_schemas, wanted_keys = (
            {str(each): each for each in schemas},
            {str(each): each for each in keys},
        )
        found_schemas = {name: self.decoded.get(name) or self.kept_schema(name) for name in wanted_schemas}
        found_keys = {
            name: self.supplies.issuer_keys.get(name) or self.kept_key(name) for name in wanted_keys
        }
        missing = Names(
            schemas=_unknown(found_schemas, self.supplies.schemas),
            issuer_keys=_unknown(found_keys, self.supplies.issuer_keys),
        )
        if missing:
            raise MissingError(missing)
        return Directory(
            {wanted_schemas[name]: each for name, each in found_schemas.items() if each},
            {wanted_keys[name]: each for name, each in found_keys.items() if each},
        )


def _unknown(found: Mapping[str, object], looked_up: Mapping[str, object]) -> frozenset[str]:
    return frozenset(name for name, each in found.items() if each is None and name not in looked_up)


def _read(job: Judgement, catalogue: _Catalogue) -> Outcome | Claim:
    """Check all of a job that costs no curve arithmetic but the signature of its request."""
    try:
        return _claim(job, catalogue)
    except MissingError as error:
        return Missing(error.names)
    except (DisclosureError, ServiceError) as error:
        return error


def _claim(job: Judgement, catalogue: _Catalogue) -> Claim:
    try:
        message = pb.VerifyPresentationRequest.FromString(job.message)
    except (DecodeError, ValueError):
        detail = "the octets are no VerifyPresentationRequest"
        raise ServiceError(ServiceReason.MESSAGE_MALFORMED, detail) from None
    required(message.HasField("signed_request"), "signed_request")
    required(message.HasField("presentation"), "presentation")
    with within("signed_request"):
        request = _open(signed_request_of(message.signed_request), job, catalogue)
    # Whoever has a verifier's signature may have schemas looked up and decoded, nobody else.
    with placed("signed_request"):
        check_request(request, catalogue.directory(schema_names(request)))
    with within("presentation"):
        presentation = presentation_of(message.presentation)
    moment = job.moment
    if message.HasField("verify_time"):
        moment = moment_of(message.verify_time, field="verify_time")
    return Claim(request, presentation, _directory(request, presentation, catalogue), moment)


def _open(signed: SignedRequest, job: Judgement, catalogue: _Catalogue) -> Request:
    """Return a request that its verifier signed; decoded and registered before any signature is checked."""
    if job.opened:
        return signed.request
    public_key = catalogue.verifier(str(signed.request.verifier))
    return open_request(signed, lambda _: public_key)


def _directory(request: Request, presentation: Presentation, catalogue: _Catalogue) -> Directory:
    with placed("presentation"):
        return catalogue.directory(*required_names(request, presentation))


def _outcome(claim: Claim, verdict: VerifiedPresentation | DisclosureError) -> Outcome:
    if isinstance(verdict, DisclosureError):
        return _presentation_refused(verdict)
    return Done(_response(verdict, claim.directory).SerializeToString())


def _presentation_refused(error: DisclosureError) -> DisclosureError:
    try:
        with placed("presentation"):
            raise error
    except DisclosureError as told:
        return told


def _response(verified: VerifiedPresentation, directory: Directory) -> pb.VerifyPresentationResponse:
    return pb.VerifyPresentationResponse(
        credentials=[
            pb.VerifiedCredential(
                query=each.query,
                department=str(each.department),
                schema=str(each.schema),
                values=values_to(directory.schema(each.schema), each.values.items()),
                expiry=date_to(each.expiry) if each.expiry else None,
            )
            for each in verified.credentials
        ],
        presentation_digest=verified.presentation_digest,
    )
