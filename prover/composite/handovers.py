"""The part of a vault that counts numbers together with another one's; `CompositeVault.handovers` gives it.

State rules are the vault's: every method that changes something is one transaction. A vault has one key for a
request, however often it is asked for it, so an opening that was sealed before a crash is received after it.
Keys and received numbers go when their request has ended: nothing can be answered with them any more.
"""

from collections.abc import Mapping

from disclosure import RefusedError, SignedRequest
from disclosure.composite import (
    CommitmentOpening,
    CompositeRequest,
    HandoverKey,
    KeptOpening,
    hand_over,
)
from disclosure.errors import Reason
from prover.composite.handing import SealedNumber, SealedPart
from prover.composite.handover_records import (
    KeptKey,
    ReceivedNumber,
    kept_key_of,
    kept_number_of,
    received_number_of,
)
from prover.errors import ContentError, VaultReason
from prover.records import Kind
from prover.shelf import Records, Shelf

Received = Mapping[tuple[bytes, str], Mapping[str, CommitmentOpening]]
"""Openings by request's digest and branch, then by the number's identifier there."""


class Handovers:
    """The numbers of uses of this vault, and those that other vaults have handed over."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def kept(self, usage: str) -> dict[str, KeptOpening]:
        """Return the openings of a use's commitments, by their identifiers; the use's is a whole one."""
        with self._shelf.reading() as records:
            found = records.all(Kind.KEPT_NUMBER, kept_number_of)
            return {each.kept.number.id: each.kept for each in found if each.usage == usage}

    def counted(self, usage: str, request: CompositeRequest) -> list[KeptOpening]:
        """Return the openings of a use whose numbers a request counts as they were committed to.

        Raises ContentError NUMBER_NOT_FOUND if there is none.
        """
        wanted = {each.number for branch in request.branches for each in branch.foreign}
        found = [each for each in self.kept(usage).values() if each.number in wanted]
        if not found:
            detail = "the request counts no number of this use as it was committed to"
            raise ContentError(VaultReason.NUMBER_NOT_FOUND, detail)
        return found

    def hand_over(self, usage: str, request: CompositeRequest, to: bytes) -> SealedNumber:
        """Seal the numbers of a use that a request counts to the key of the vault that will answer it.

        The caller has opened the request, and its holder has agreed: whoever has that key learns the
        numbers. Raises ContentError NUMBER_NOT_FOUND; what `disclosure.composite.hand_over` does.
        """
        parts, now = list[SealedPart](), self._shelf.clock()
        for kept in self.counted(usage, request):
            for branch in request.branches:
                for foreign in branch.foreign:
                    if foreign.number == kept.number:
                        sealed = hand_over(kept, request, branch.id, to, now)
                        parts.append(SealedPart(branch.id, foreign.id, sealed))
        return SealedNumber(request.digest, tuple(parts))

    def key_for(self, signed: SignedRequest, request: CompositeRequest) -> HandoverKey:
        """Return this vault's key for a request, which the caller has opened; made when first asked for.

        Raises RefusedError COMMITMENT_INVALID for a request that counts no number of another holder's.
        """
        if not any(branch.foreign for branch in request.branches):
            detail = "the request counts no number of another holder's"
            raise RefusedError(Reason.COMMITMENT_INVALID, detail, field="branches")
        with self._shelf.writing() as records:
            self._forget(records)
            for each in records.all(Kind.HANDOVER_KEY, kept_key_of):
                if each.signed_request.payload == signed.payload:
                    return each.key
            made = KeptKey(self._shelf.new_id(), signed, HandoverKey.generate())
            records.put(made)
            return made.key

    def take_over(self, sealed: SealedNumber) -> CompositeRequest:
        """Keep what another vault has sealed to this one's key; return the request that it is for.

        All of it opens, or nothing is kept. Raises ContentError KEY_NOT_FOUND (this vault has no key for the
        request); what `HandoverKey.receive` does.
        """
        with self._shelf.writing() as records:
            keys = list(records.all(Kind.HANDOVER_KEY, kept_key_of))
            key = next((each for each in keys if each.request.digest == sealed.request), None)
            if key is None:
                detail = "this vault has asked for no number for that request"
                raise ContentError(VaultReason.KEY_NOT_FOUND, detail)
            before = {each.place: each.id for each in records.all(Kind.RECEIVED_NUMBER, received_number_of)}
            for part in sealed.parts:
                place = (sealed.request, part.branch, part.number)
                records.put(self._received(before.get(place) or self._shelf.new_id(), key, part))
            return key.request

    def _received(self, record_id: str, key: KeptKey, part: SealedPart) -> ReceivedNumber:
        """Open one part with the key that it was sealed to; raises as `HandoverKey.receive`."""
        request = key.request
        opening = key.key.receive(part.sealed, request, part.branch, part.number)
        _, branch = request.branch(part.branch)
        number = next(each.number for each in branch.foreign if each.id == part.number)
        kept = KeptOpening(number, opening)
        return ReceivedNumber(record_id, request.digest, part.branch, part.number, request.expires, kept)

    def _forget(self, records: Records) -> None:
        """Remove keys and received numbers whose requests have ended."""
        now = self._shelf.clock()
        keys = [(each.id, each.request.expires) for each in records.all(Kind.HANDOVER_KEY, kept_key_of)]
        received = records.all(Kind.RECEIVED_NUMBER, received_number_of)
        for record_id, ends in [*keys, *((each.id, each.ends) for each in received)]:
            if ends <= now:
                records.delete(record_id)


def received_in(records: Records) -> Received:
    """Return what other vaults have handed over."""
    found: dict[tuple[bytes, str], dict[str, CommitmentOpening]] = {}
    for each in records.all(Kind.RECEIVED_NUMBER, received_number_of):
        found.setdefault((each.request, each.branch), {})[each.number] = each.kept.opening
    return found
