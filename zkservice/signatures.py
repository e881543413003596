"""The verifier's signature under a request, checked before a judge is given anything.

Whoever has no verifier's signature makes the service read the first items of what was sent, look a name up
once, and check one Ed25519 signature: no request of any size is decoded for it, and no worker is asked. Of a
request that is not signed it is also said what else is wrong with it; that, if it is no small one, and the
signatures of a batch are work that is done `apart`. A judge checks again what it decodes.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Final

from disclosure import DisclosureError, MalformedError, Reason, SignedRequest, VerifierName, canonical
from disclosure.composite import CompositeRequest, is_composite
from wire.convert import moment_of, signed_request_of, within
from zkproto.v1 import presentation_pb2 as pb
from zkservice.apart import Apart
from zkservice.errors import ServiceError, ServiceReason
from zkservice.fields import required
from zkservice.judging import check_form
from zkservice.kept import Kept
from zkservice.storage import registered
from zkservice.storage.database import Database

_KEPT_OCTETS: Final = 1 << 20
_SEEN: Final = 4_096
"""So many requests whose signatures held are remembered: many answers may come to one of them."""
_SAID_OCTETS: Final = 16 << 10
"""Of a request up to this size that is not signed it is also said what else is wrong with it."""
_AT_ONCE_OCTETS: Final = 512
"""A larger one is decoded for that apart, and never in the event loop."""
_PORTION: Final = 32
"""So many members of a batch are checked in one turn."""

Refusal = DisclosureError | ServiceError
_Named = tuple[SignedRequest, str | Refusal]


class Signatures:
    """Belongs to the event loop. A verifier's key never changes, so keys are kept."""

    def __init__(self, database: Database, apart: Apart) -> None:
        self._database, self._apart = database, apart
        self._keys: Kept[bytes] = Kept(_KEPT_OCTETS)
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    async def check(self, signed: SignedRequest) -> None:
        """Return if a registered verifier has signed a request.

        Raises RefusedError REQUEST_SIGNATURE_INVALID; ServiceError VERIFIER_UNKNOWN; MalformedError.
        """
        (refusal,) = await self._refusals([signed])
        if refusal is not None:
            raise refusal

    async def check_asked(self, request: pb.VerifyPresentationRequest) -> None:
        """Return if what is to be verified answers a signed request; raises as `check`, and FIELD_MISSING."""
        await self.check(_signed_in(request))

    async def refusals(self, requests: Sequence[pb.VerifyPresentationRequest]) -> list[Refusal | None]:
        """Return for each member of a batch what `check_asked` would raise."""
        read = [_tried(each) for each in requests]
        checked = iter(await self._refusals([each for each in read if isinstance(each, SignedRequest)]))
        return [next(checked) if isinstance(each, SignedRequest) else each for each in read]

    async def _refusals(self, signed: Sequence[SignedRequest]) -> list[Refusal | None]:
        digests = [hashlib.sha256(each.signature + each.payload).digest() for each in signed]
        new = {each: one for each, one in zip(digests, signed, strict=True) if each not in self._seen}
        names = [_name(each) for each in new.values()]
        keys = await self._keys_of({each for each in names if isinstance(each, str)})
        named, told = list(zip(new.values(), names, strict=True)), list[Refusal | None]()
        for first in range(0, len(named), _PORTION):
            told += await self._told(named[first : first + _PORTION], keys)
        outcomes = dict(zip(new, told, strict=True))
        for each, outcome in outcomes.items():
            if outcome is None:
                self._seen[each] = None
        while len(self._seen) > _SEEN:
            self._seen.popitem(last=False)
        return [outcomes.get(each) for each in digests]

    async def _told(self, portion: Sequence[_Named], keys: dict[str, bytes]) -> list[Refusal | None]:
        if len(portion) > 1:
            return await self._apart.run(partial(_checked, portion, keys))
        ((signed, name),) = portion
        refusal = _refusal(signed, name, keys)
        if refusal is not None and len(signed.payload) > _AT_ONCE_OCTETS:
            return [await self._apart.run(partial(_said, signed)) or refusal]
        return [refusal and (_said(signed) or refusal)]

    async def _keys_of(self, names: set[str]) -> dict[str, bytes]:
        known = self._keys.of(names)
        if missing := names - known.keys():
            found = await self._database.read(lambda each: registered.public_keys(each, missing))
            self._keys.keep_all(found, len)
            known |= found
        return known


def _tried(request: pb.VerifyPresentationRequest) -> SignedRequest | Refusal:
    try:
        return _signed_in(request)
    except (DisclosureError, ServiceError) as error:
        return error


def _signed_in(request: pb.VerifyPresentationRequest) -> SignedRequest:
    """Return the signed request; everything else that is read of the message without decoding is right."""
    required(request.HasField("signed_request"), "signed_request")
    with within("signed_request"):
        signed = signed_request_of(request.signed_request)
    check_form(signed, request.WhichOneof("answer"))
    if request.HasField("verify_time"):
        moment_of(request.verify_time, field="verify_time")
    return signed


def _name(signed: SignedRequest) -> str | Refusal:
    """Return the verifier that a request names, which stands first in both forms."""
    try:
        with within("signed_request"):
            name = canonical.first(signed.payload)
            if not isinstance(name, str):
                raise MalformedError(Reason.MALFORMED, "the octets are no request")
            return str(VerifierName.parse(name))
    except MalformedError as error:
        return error


def _checked(portion: Sequence[_Named], keys: dict[str, bytes]) -> list[Refusal | None]:
    refusals = [_refusal(signed, name, keys) for signed, name in portion]
    both = zip(portion, refusals, strict=True)
    return [refusal and (_said(signed) or refusal) for (signed, _), refusal in both]


def _refusal(signed: SignedRequest, name: str | Refusal, keys: dict[str, bytes]) -> Refusal | None:
    try:
        if not isinstance(name, str):
            raise name
        if name not in keys:
            detail = f"{name} is not registered"
            raise ServiceError(ServiceReason.VERIFIER_UNKNOWN, detail, field="signed_request")
        with within("signed_request"):
            signed.check(VerifierName.parse(name), lambda _: keys[name])
    except (DisclosureError, ServiceError) as error:
        return error
    return None


def _said(signed: SignedRequest) -> Refusal | None:
    """Return what is wrong with a small request that is not signed, beside that."""
    if len(signed.payload) > _SAID_OCTETS:
        return None
    try:
        with within("signed_request"):
            _ = CompositeRequest.from_bytes(signed.payload) if is_composite(signed) else signed.request
    except DisclosureError as error:
        return error
    return None
