"""A counter of one-chain errands at work: asks for each new part, verifies what comes, tells how far."""

import datetime as dt
import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import grpc
import typer

from disclosure import DisclosureError, LocalizedText, OfferLink
from disclosure.errand import ErrandBundle, ErrandBundleName
from ordering.light.verifying import OrderError
from tlog import Policy, TlogError
from verifier import AnyRecord, CompositePolicy, files
from verifier.client import VerifierClient
from verifier.client.errands import (
    DONE,
    IN_PROGRESS,
    RECEIVED,
    REJECTED,
    SUBMITTED,
    CounterPart,
    ErrandCounter,
    Outcome,
    ReceivedPart,
)
from verifier.errors import AlreadySeenError, AnswerError, TakenElsewhereError
from wire.client import ServiceError
from zk.anchoring import policy_needed
from zk.commands.verifier.asking import checked_request, keep
from zk.commands.verifier.common import GROUP, AnyPolicy, As, key_of, loaded_policy, name_of, shown_log
from zk.commands.verifier.records import answered as told_answer
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import private_folder
from zk.ordered import check_claiming
from zk.run import Answer, Run

ERRANDS: Final = Group(
    f"{GROUP.name}.errands",
    typer.Typer(name="errands", help=f"help.{GROUP.name}.errands", no_args_is_help=True),
)
_OUTCOMES: Final = {"received": RECEIVED, "in-progress": IN_PROGRESS, "done": DONE, "rejected": REJECTED}
_NOT_HELD: Final = LocalizedText("提交的内容未能通过核验", "What was submitted did not verify")
_SEEN: Final = LocalizedText("只能办理一次，此前已经办理过", "This can be done once, and was done before")
_HOOK_SECONDS: Final = 300
_DIGEST_DIGITS: Final = 16
_LOOK: Final = dt.timedelta(seconds=5)
"""Where the quorum is demanded the stream is opened anew so often: nothing else tells that it was reached."""
_PASSING: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}
_OVERTAKEN: Final = {"PART_STATE_INVALID", "ERRAND_ENDED"}
"""Another desk of the same counter, or the holder, was faster."""


@ERRANDS.command("serve", remote=True)
def serve(
    run: Run,
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE@VERSION", help="help.vault.bundle")],
    policy: Annotated[Path, typer.Option("--policy", help="help.verifier.policy")],
    part: Annotated[str | None, typer.Option("--part", help="help.verifier.part")] = None,
    hook: Annotated[str | None, typer.Option("--hook", help="help.verifier.hook")] = None,
    count: Annotated[int | None, typer.Option("--count", min=1, help="help.verifier.count")] = None,
    anchored: Annotated[bool, typer.Option("--anchored", help="help.verifier.errands_anchored")] = False,
    verifier: As = None,
) -> Answer:
    """Serve one counter of a bundle until Ctrl-C, or until so many parts were settled or received.

    A stream that breaks is opened anew. Whatever was asked, came or was told stands with the service, so
    being killed loses nothing. With --anchored a part stays submitted until witnesses have cosigned.
    """
    believed = policy_needed(run) if anchored else None
    loaded, name = loaded_policy(policy), name_of(run, verifier)
    if isinstance(loaded, CompositePolicy):
        check_claiming(run, loaded.across)
    private_folder(run.home.records)
    with VerifierClient(run.endpoint, name, key_of(run, name), shown_log(run)) as client:
        counter = ErrandCounter(run.endpoint, name, key_of(run, name), run.log_verifier(), client)
        found = counter.bundle(ErrandBundleName.parse(f"errandBundles/{bundle}"))
        own = [each.part for each in found.counters if each.verifier == name and part in (None, each.part)]
        if len(own) != 1:
            raise CommandError(Exit.USAGE, "PART_UNCLEAR", "error.part_unclear", parts=", ".join(own) or "-")
        run.say(run.text("verifier.errands_serving", bundle=found.name, part=own[0]))
        desk = _Desk(run, client, counter, found, loaded, own[0], hook, believed)
        settled = desk.serve(count)
    return Answer({"settled": settled}, [run.text("verifier.errands_settled", count=settled)])


@dataclass
class _Desk:
    run: Run
    client: VerifierClient
    counter: ErrandCounter
    bundle: ErrandBundle
    policy: AnyPolicy
    part: str
    hook: str | None
    believed: Policy | None
    _told_pending: set[Path] = field(default_factory=set)

    def serve(self, count: int | None) -> int:
        """Do whatever comes; return how many parts were settled or, without a hook, received."""
        settled = 0
        while True:
            try:
                for each in self.counter.parts(self.bundle, None if self.believed is None else _LOOK):
                    if each.part == self.part:
                        settled += self._done(each)
                    if count is not None and settled >= count:
                        return settled
            except ServiceError as error:  # a stream or a call that broke; what was refused is ours to know
                if error.code not in _PASSING and error.reason not in _OVERTAKEN:
                    raise
            time.sleep(1)

    def _done(self, part: CounterPart) -> bool:
        """Do what a part wants; return whether this settled it."""
        if part.waits:
            name = self.bundle.counter(self.part).verifier
            self.counter.ask(self.bundle, part, checked_request(self.client, self.policy, name, {}))
            self._tell(part, "asked")
            return False
        if part.state == SUBMITTED or (part.state == RECEIVED and part.ready and self.hook is not None):
            return self._received(part)
        return False

    def _received(self, part: CounterPart) -> bool:
        try:
            received = self.counter.receive(self.bundle, part)
            path = self._path(part, received)
            if not path.exists():
                keep(self.run, received.answered, self.policy, path)
        except (AlreadySeenError, TakenElsewhereError):
            self.counter.tell(part, Outcome(REJECTED, _SEEN))
            self._tell(part, "rejected")
            return True
        except (DisclosureError, TlogError, AnswerError) as error:
            self.run.warn("verifier.errands_not_held", part=part.name, reason=error.reason)
            self.counter.tell(part, Outcome(REJECTED, _NOT_HELD))
            return True
        except (ServiceError, CommandError, OrderError) as error:  # not now: it stays, and the next is done
            if not _can_wait(error):
                raise
            self.run.warn("verifier.errands_waits", part=part.name, reason=error.reason)
            return False
        record = self._accepted(part, received.answered.record, path)
        if record is None:
            return False
        answer = told_answer(self.run, record, path).data
        if part.state == SUBMITTED:
            self.counter.tell(part, Outcome(RECEIVED))
            self._tell(part, "received", answer)
        if self.hook is None:
            return True
        return part.ready and self._asked_hook(part, received, answer)

    def _path(self, part: CounterPart, received: ReceivedPart) -> Path:
        """Return where an answer is kept: a part that is opened again gets another one under its name."""
        digest = received.answered.record.presentation.digest.hex()[:_DIGEST_DIGITS]
        name = f"{self.bundle.name.bundle}-{self.part}-{part.name.id}-{digest}.json"
        return self.run.home.records / name

    def _accepted(self, part: CounterPart, record: AnyRecord, path: Path) -> AnyRecord | None:
        """Return the record, where the quorum is demanded brought to anchored; None while that cannot be.

        Its holder has done everything there is to do, so the part is not rejected, whatever the log or its
        witnesses do: it stays submitted, and is looked at again.
        """
        if self.believed is None:
            return record
        try:
            found = self.client.anchor(record, self.believed)
        except (TlogError, DisclosureError, ServiceError) as error:
            if isinstance(error, ServiceError) and error.is_of_all:
                raise
            self.run.warn("verifier.errands_not_anchored", part=part.name, reason=error.reason)
            return None
        if found is not None:
            files.replace(path, found.to_bytes())
        elif path not in self._told_pending:
            self._told_pending.add(path)
            self._tell(part, "pending")
        return found

    def _asked_hook(self, part: CounterPart, received: ReceivedPart, answer: Mapping[str, Any]) -> bool:
        """Ask the department's own program what becomes of a part: JSON in, JSON out.

        What it is given goes to its standard input, where nobody else on the machine can read it.
        """
        values = {
            name: value if isinstance(value, str | int) else value.isoformat()
            for name, value in received.values.items()
        }
        given = {"part": str(part.name), "declared": values, "answer": answer}
        code, outcome = self._run_hook(json.dumps(given, ensure_ascii=False))
        try:
            if outcome is not None:
                self.counter.tell(part, outcome)
        except ServiceError as error:  # it has said what cannot be told
            if error.code is not grpc.StatusCode.INVALID_ARGUMENT:
                raise
            outcome = None
        if outcome is None:
            self.run.warn("verifier.errands_hook_failed", hook=self.hook, code=code)
            return False
        self._tell(part, next(name for name, state in _OUTCOMES.items() if state == outcome.state))
        return outcome.state in (DONE, REJECTED)

    def _run_hook(self, given: str) -> tuple[int | str, Outcome | None]:
        """Return the hook's exit code, or that it took too long, and what it says, if that is an outcome.

        What a person has declared may bring a hook to anything; the next part is done all the same.
        """
        try:
            ended = subprocess.run(  # noqa: S603  (the operator's own program, named on the command line)
                [str(self.hook)], input=given.encode(), capture_output=True, timeout=_HOOK_SECONDS,
                check=False,
            )  # fmt: skip
            return ended.returncode, None if ended.returncode else _outcome(json.loads(ended.stdout))
        except subprocess.TimeoutExpired:
            return "timeout", None
        except (ValueError, TypeError, KeyError, AttributeError, DisclosureError):
            return 0, None

    def _tell(self, part: CounterPart, event: str, data: Mapping[str, Any] | None = None) -> None:
        self.run.document({**(data or {}), "event": event, "part": str(part.name)})
        self.run.say(self.run.text("verifier.errands_event", part=part.name, event=event))


def _outcome(told: Mapping[str, Any]) -> Outcome:
    """Return what a hook says: state, and perhaps message, document, offer."""
    message = told.get("message")
    offer = told.get("offer")
    return Outcome(
        _OUTCOMES[told["state"]],
        None if message is None else LocalizedText(message["zh"], message["en"]),
        str(told.get("document", "")),
        None if offer is None else OfferLink.parse(offer),
    )


def _can_wait(error: ServiceError | CommandError | OrderError) -> bool:
    """Tell whether something is looked at again later.

    So it is where the consortium's node is away, or shows an order that does not hold: that is the node's
    fault and no holder's, and another node, or this one later, may show one that does.
    """
    if isinstance(error, OrderError):
        return True
    if isinstance(error, CommandError):
        return error.exit_code is Exit.UNREACHABLE
    return not error.is_of_all
