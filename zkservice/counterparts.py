"""The first sessions of a request that counts numbers of other holders: verified again before they count.

A commitment is a number that a department signed because a verified presentation says so. What this service
has accepted it finds by the first request's digest, which the number has; the judge then verifies it again,
as of the moment when it was accepted. So no store, and no judge, is believed that something was verified.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from disclosure import KeyState, MalformedError, Reason
from disclosure.composite import (
    Branch,
    CompositeClaim,
    CompositeDirectory,
    CompositePresentation,
    CompositeRequest,
    Needed,
    VerifiedComposite,
    verify_composite_batch,
)
from wire.composite import composite_presentation_of
from zkproto.v1 import presentation_pb2 as pb
from zkservice.knowledge import Known, check_named, epoch_name, names_of
from zkservice.tasks import Names, SessionSupply

MAX_SESSIONS: Final = 8
"""First sessions of one request: each of them costs as much to verify as a presentation."""


def counterparts(
    request: CompositeRequest, branches: Sequence[Branch], known: Known
) -> tuple[VerifiedComposite, ...]:
    """Return the verified answers of the sessions whose numbers these branches count.

    A session is left out, and its number then refused as one that no verified presentation has committed to,
    if this service has accepted none, if it is of another verifier, or if its answer counts numbers of others
    itself: a sum goes back to presentations that stand by themselves. Raises MalformedError REQUEST_INVALID
    (too many sessions, or they name too much); MissingError.
    """
    counted = (each.number.request for branch in branches for each in branch.foreign)
    wanted = dict.fromkeys(session_name(str(request.verifier), each) for each in counted)
    if not wanted:
        return ()
    if len(wanted) > MAX_SESSIONS:
        detail = f"a request counts numbers of at most {MAX_SESSIONS} sessions"
        raise MalformedError(Reason.REQUEST_INVALID, detail)
    verified = known.verified.of(wanted)
    sessions = known.sessions_of(name for name in wanted if name not in verified)
    claims = dict(_claims(request, branches, sessions, known))
    for name, verdict in zip(claims, verify_composite_batch([*claims.values()]), strict=True):
        if isinstance(verdict, VerifiedComposite):
            verified[name] = verdict
            known.verified.keep(name, verdict, len(claims[name].request.canonical))
    return tuple(verified.values())


def session_name(verifier: str, digest: bytes) -> str:
    """Return the name of a session by whose it is and its request's digest.

    So nothing of another verifier's is unsealed, and what was verified for one verifier counts for it alone.
    """
    return f"{verifier}/{digest.hex()}"


def _claims(
    request: CompositeRequest, branches: Sequence[Branch], sessions: Mapping[str, SessionSupply], known: Known
) -> Iterator[tuple[str, CompositeClaim]]:
    """Give what is to be verified of each session of this verifier, read with all that any of them names."""
    answers = {name: answer for name, each in sessions.items() if (answer := _read(each, request, known))}
    names = Names.union(each.names for each in answers.values())
    check_named(names_of(Needed.of(request, branches)) | names)
    directory = in_use(known.directory_of(names))
    for name, each in answers.items():
        yield name, CompositeClaim(each.request, each.presentation, directory, sessions[name].accepted)


@dataclass(frozen=True)
class _Answer:
    """A session, decoded."""

    request: CompositeRequest
    presentation: CompositePresentation

    @property
    def names(self) -> Names:
        """All that has to be looked up for it, as it was accepted."""
        _, branch = self.request.branch(self.presentation.answer.branch)
        epochs = (each.epoch for each in self.presentation.answer.credentials)
        proven = (epoch_name(each.accumulator, each.number) for each in epochs if each is not None)
        return names_of(Needed.of(self.request, [branch])) | Names(epochs=frozenset(proven))


def _read(session: SessionSupply, of: CompositeRequest, known: Known) -> _Answer | None:
    """Decode a session, which was opened when it was stored; None for one of another verifier."""
    request = known.request(session.payload, lambda _: None)
    message = pb.CompositePresentation.FromString(session.presentation)
    return _Answer(request, composite_presentation_of(message)) if request.verifier == of.verifier else None


def in_use(directory: CompositeDirectory) -> CompositeDirectory:
    """Return a directory as of an accepted presentation: a key that was retired since was in use."""
    keys = {name: replace(key, state=KeyState.VERIFY_ONLY) for name, key in directory.issuer_keys.items()}
    return replace(directory, issuer_keys=keys)
