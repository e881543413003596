"""The log's side of cosigning: all witnesses are asked at once, and each that fails is named with its fault.

Whatever a witness answers, it harms nobody but its own cosignature: a line counts only when it verifies under
the witness's key, for the very checkpoint, with a time that is not far ahead. A witness that says that it
knows a larger log has to show the checkpoint; only one that this log's own key signed counts, and it means
that this log has forgotten what it signed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from consortium.errors import Reason, SourceError
from consortium.faults import FaultKind
from consortium.fetching import Fetcher
from consortium.origins import origin_hash
from tlog import AddCheckpoint, Checkpoint, TlogError, Verifier, WitnessLine, open_checkpoint
from tlog.encoding import from_decimal
from tlog.keys import TIME_OCTETS
from tlog.note import parse_unverified, text_unverified

AHEAD_SECONDS: Final = 300
"""So far a witness's clock may be ahead of ours."""
_MOST_OCTETS: Final = 64 << 10
"""Of lines or of a note: ten times what a witness with several keys needs."""
_MOST_SIZE_OCTETS: Final = 32

Prove = Callable[[int, int], Awaitable[Sequence[bytes]]]
"""Gives the consistency proof of two sizes of the log."""


@dataclass(frozen=True)
class Fault:
    """A witness's failure, for its operator and ours."""

    kind: FaultKind
    detail: str


@dataclass(frozen=True)
class Asked:
    """What became of asking one witness: its line, or its fault.

    `ahead` is a checkpoint of this log, signed by the log's own key, that is larger than what was asked for
    or of the same size with another root; or the one from which the witness says that it does not follow.
    """

    witness: WitnessLine
    line: bytes | None = None
    fault: Fault | None = None
    ahead: bytes | None = None


class Asking:
    """Asks the witnesses of one log. It remembers what size each of them has, and nothing of it is
    durable."""

    def __init__(
        self,
        log: Sequence[Verifier],
        witnesses: Sequence[WitnessLine],
        fetcher: Fetcher,
        clock: Callable[[], int],
    ) -> None:
        self._log, self._fetcher, self._clock = tuple(log), fetcher, clock
        self._witnesses = tuple(each for each in witnesses if each.url is not None)
        self._sizes = dict.fromkeys(self._witnesses, 0)

    async def asked(self, note: bytes, prove: Prove) -> AsyncIterator[Asked]:
        """Ask all for their cosignature of a checkpoint; give what became of each as it comes.

        Whoever stops reading leaves the others to be cancelled.
        """
        checkpoint = Checkpoint.parse(text_unverified(note))
        tasks = [asyncio.create_task(self._ask(each, note, checkpoint, prove)) for each in self._witnesses]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, witness: WitnessLine, note: bytes, checkpoint: Checkpoint, prove: Prove) -> Asked:
        try:
            for _ in range(2):
                old = min(self._sizes[witness], checkpoint.size)
                proof = tuple(await prove(old, checkpoint.size))
                status, body = await self._post(witness, AddCheckpoint(old, proof, note))
                if status == 200:
                    return self._answered(witness, note, checkpoint, body)
                if status == 422:
                    return await self._does_not_follow(witness, checkpoint)
                told = _told_size(body) if status == 409 else None
                if told is None:
                    return Asked(witness, fault=Fault(FaultKind.REFUSED, f"it answered {status}"))
                if told > checkpoint.size or (told == old == checkpoint.size):
                    return await self._is_ahead(witness, checkpoint, told)
                self._sizes[witness] = told
        except SourceError as error:
            return Asked(witness, fault=_fault(error))
        return Asked(witness, fault=Fault(FaultKind.REFUSED, "it says another size each time"))

    async def _post(self, witness: WitnessLine, request: AddCheckpoint) -> tuple[int, bytes]:
        url = f"{(witness.url or '').rstrip('/')}/add-checkpoint"
        return await self._fetcher.post(url, request.to_bytes(), _MOST_OCTETS)

    def _answered(self, witness: WitnessLine, note: bytes, checkpoint: Checkpoint, body: bytes) -> Asked:
        """Take the witness's own line out of its answer, if it is there and holds."""
        verifier, text = witness.verifier, text_unverified(note)
        try:
            answer = parse_unverified(text.encode() + b"\n" + body)
        except TlogError as error:
            return Asked(witness, fault=Fault(FaultKind.MALFORMED, error.detail))
        if answer.text != text:
            return Asked(witness, fault=Fault(FaultKind.MALFORMED, "it answered with more than lines"))
        lines = [each for each in answer.lines if each.is_by(verifier)]
        if len(lines) != 1:
            return Asked(witness, fault=Fault(FaultKind.SIGNATURE, "it did not sign with its key, or twice"))
        try:
            verifier.verify(text, lines[0].signature)
        except TlogError as error:
            return Asked(witness, fault=Fault(FaultKind.SIGNATURE, error.detail))
        if int.from_bytes(lines[0].signature[:TIME_OCTETS]) > self._clock() + AHEAD_SECONDS:
            return Asked(witness, fault=Fault(FaultKind.SIGNATURE, "its time is far ahead of ours"))
        self._sizes[witness] = checkpoint.size
        return Asked(witness, line=lines[0].to_bytes())

    async def _is_ahead(self, witness: WitnessLine, checkpoint: Checkpoint, told: int) -> Asked:
        """Look at the larger checkpoint that a witness claims to have; one that it cannot show is a lie."""
        lie = Asked(
            witness, fault=Fault(FaultKind.AHEAD, f"it says size {told} and shows no such checkpoint of ours")
        )
        try:
            shown = await self._shown(witness, checkpoint.origin)
        except SourceError:
            return lie
        return self._judged(witness, checkpoint, shown) or lie

    async def _does_not_follow(self, witness: WitnessLine, checkpoint: Checkpoint) -> Asked:
        """Look at the checkpoint that ours does not follow from; the log's tree tells whether that is so."""
        fault = Fault(FaultKind.REFUSED, "it says that our checkpoint does not follow from what it has")
        try:
            shown = await self._shown(witness, checkpoint.origin)
            open_checkpoint(shown, self._log)
        except (SourceError, TlogError):
            return Asked(witness, fault=fault)
        return Asked(witness, fault=fault, ahead=shown)

    async def _shown(self, witness: WitnessLine, origin: str) -> bytes:
        url = f"{(witness.url or '').rstrip('/')}/{origin_hash(origin)}/checkpoint"
        return await self._fetcher.get(url, _MOST_OCTETS)

    def _judged(self, witness: WitnessLine, checkpoint: Checkpoint, shown: bytes) -> Asked | None:
        """Return what a shown checkpoint means; None if it is one that we have grown from or not our own."""
        try:
            theirs = open_checkpoint(shown, self._log)
        except TlogError as error:
            return Asked(witness, fault=Fault(FaultKind.SIGNATURE, error.detail))
        other_root = theirs.size == checkpoint.size and theirs.root != checkpoint.root
        if theirs.size <= checkpoint.size and not other_root:
            return None
        detail = f"it has this log at size {theirs.size}, we have {checkpoint.size}"
        return Asked(witness, fault=Fault(FaultKind.AHEAD, detail), ahead=shown)


def _told_size(body: bytes) -> int | None:
    if len(body) > _MOST_SIZE_OCTETS or not body.endswith(b"\n"):
        return None
    try:
        return from_decimal(body[:-1].decode("latin-1"), "the size")
    except TlogError:
        return None


def _fault(error: SourceError) -> Fault:
    kinds = {Reason.TIMED_OUT: FaultKind.SLOW, Reason.TOO_LARGE: FaultKind.MALFORMED}
    return Fault(kinds.get(Reason(error.reason), FaultKind.UNREACHABLE), error.detail)
