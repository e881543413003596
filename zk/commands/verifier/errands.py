"""A counter of one-chain errands at work, where a department's own program decides what becomes of a part."""

import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import grpc
import typer

from disclosure import DisclosureError, LocalizedText, OfferLink, VerifierName
from disclosure.errand import ErrandBundleName
from verifier import CompositePolicy
from verifier.client import VerifierClient
from verifier.client.errand_desk import ErrandDesk, Happening, Taken, passes
from verifier.client.errands import (
    DONE,
    IN_PROGRESS,
    RECEIVED,
    REJECTED,
    CounterPart,
    ErrandCounter,
    Outcome,
)
from wire.client import ServiceError
from zk.commands.verifier.common import GROUP, AnyPolicy, As, key_of, loaded_policy, name_of, shown_log
from zk.commands.verifier.demanding import NOTHING, Demands, by_policy, demands_of, said
from zk.commands.verifier.errand_clerk import HomeClerk, own_part
from zk.commands.verifier.records import answered as told_answer
from zk.group import Group
from zk.home import private_folder
from zk.ordered import check_claiming
from zk.run import Answer, Run

ERRANDS: Final = Group(
    f"{GROUP.name}.errands",
    typer.Typer(name="errands", help=f"help.{GROUP.name}.errands", no_args_is_help=True),
)
_OUTCOMES: Final = {"received": RECEIVED, "in-progress": IN_PROGRESS, "done": DONE, "rejected": REJECTED}
_HOOK_SECONDS: Final = 300
_WARNED: Final = {
    Happening.NOT_ASKED: "verifier.errands_not_asked",
    Happening.NOT_HELD: "verifier.errands_not_held",
    Happening.WAITS: "verifier.errands_waits",
    Happening.NOT_ANCHORED: "verifier.errands_not_anchored",
    Happening.NOT_ORDERED: "verifier.errands_not_ordered",
}
"""What is not an event of the command's, but a warning."""


@ERRANDS.command("serve", remote=True)
def serve(
    run: Run,
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE@VERSION", help="help.vault.bundle")],
    policy: Annotated[Path, typer.Option("--policy", help="help.verifier.policy")],
    part: Annotated[str | None, typer.Option("--part", help="help.verifier.part")] = None,
    hook: Annotated[str | None, typer.Option("--hook", help="help.verifier.hook")] = None,
    count: Annotated[int | None, typer.Option("--count", min=1, help="help.verifier.count")] = None,
    anchored: Annotated[bool, typer.Option("--anchored", help="help.verifier.errands_anchored")] = False,
    ordered: Annotated[bool, typer.Option("--ordered", help="help.verifier.errands_ordered")] = False,
    verifier: As = None,
) -> Answer:
    """Serve one counter of a bundle until Ctrl-C, or until so many parts were settled or received.

    A stream that breaks is opened anew. Whatever was asked, came or was told stands with the service, so
    being killed loses nothing. With --anchored a part stays submitted until witnesses have cosigned,
    with --ordered until it is in the consortium's order, and so it does without where the registered policy
    demands that.
    """
    options = said(anchored=anchored, ordered=ordered)
    demands_of(run, options)
    loaded, name = loaded_policy(policy), name_of(run, verifier)
    if isinstance(loaded, CompositePolicy):
        check_claiming(run, loaded.across)
    private_folder(run.home.records)
    with VerifierClient(run.endpoint, name, key_of(run, name), shown_log(run)) as client:
        counter = ErrandCounter(run.endpoint, name, key_of(run, name), run.log_verifier(), client)
        found = counter.bundle(ErrandBundleName.parse(f"errandBundles/{bundle}"))
        own = own_part(found, name, part)
        demands = demands_of(run, options | by_policy(client, loaded, name))
        run.say(run.text("verifier.errands_serving", bundle=found.name, part=own))
        clerk = _HookClerk(run, client, counter, loaded, name, hook, demands)
        desk = ErrandDesk(client, counter, found, own, clerk, run.home.records, demands.quorum, demands.order)
        settled = _served(desk, count)
    return Answer({"settled": settled}, [run.text("verifier.errands_settled", count=settled)])


def _served(desk: ErrandDesk, count: int | None) -> int:
    """Do whatever comes; return how many parts were settled or, without a hook, received."""
    settled = 0
    while True:
        try:
            for each in desk.serve():
                settled += each
                if count is not None and settled >= count:
                    return settled
        except ServiceError as error:
            if not passes(error):
                raise
        time.sleep(1)


class _HookClerk(HomeClerk):
    """Tells what happens on the terminal, and has the department's own program decide, if there is one."""

    def __init__(
        self,
        run: Run,
        client: VerifierClient,
        counter: ErrandCounter,
        policy: AnyPolicy,
        name: VerifierName,
        hook: str | None,
        demands: Demands = NOTHING,
    ) -> None:
        super().__init__(run, client, policy, name, demands)
        self._counter, self._hook = counter, hook

    def looks_again(self, part: CounterPart) -> bool:
        """Tell whether the program is to be asked about a part that was received before."""
        return part.state == RECEIVED and part.ready and self._hook is not None

    def happened(
        self, what: Happening, part: CounterPart, *, reason: str = "", taken: Taken | None = None
    ) -> None:
        """Tell it, or warn of it."""
        if what in _WARNED:
            self._run.warn(_WARNED[what], part=part.name, reason=reason)
        else:
            self._tell(part, what.value, None if taken is None else self._told(taken))

    def took(self, part: CounterPart, taken: Taken) -> bool:
        """Without a program a part is settled that was received; with one, what the program has settled."""
        if self._hook is None:
            return True
        return part.ready and self._asked_hook(part, taken)

    def _told(self, taken: Taken) -> Mapping[str, Any]:
        return told_answer(self._run, taken.record, taken.path).data

    def _asked_hook(self, part: CounterPart, taken: Taken) -> bool:
        """Ask the department's own program what becomes of a part: JSON in, JSON out.

        What it is given goes to its standard input, where nobody else on the machine can read it.
        """
        values = {
            name: value if isinstance(value, str | int) else value.isoformat()
            for name, value in taken.received.values.items()
        }
        given = {"part": str(part.name), "declared": values, "answer": self._told(taken)}
        code, outcome = self._run_hook(json.dumps(given, ensure_ascii=False))
        try:
            if outcome is not None:
                self._counter.tell(part, outcome)
        except ServiceError as error:  # it has said what cannot be told
            if error.code is not grpc.StatusCode.INVALID_ARGUMENT:
                raise
            outcome = None
        if outcome is None:
            self._run.warn("verifier.errands_hook_failed", hook=self._hook, code=code)
            return False
        self._tell(part, next(name for name, state in _OUTCOMES.items() if state == outcome.state))
        return outcome.state in (DONE, REJECTED)

    def _run_hook(self, given: str) -> tuple[int | str, Outcome | None]:
        """Return the hook's exit code, or that it took too long, and what it says, if that is an outcome.

        What a person has declared may bring a hook to anything; the next part is done all the same.
        """
        try:
            ended = subprocess.run(  # noqa: S603  (the operator's own program, named on the command line)
                [str(self._hook)], input=given.encode(), capture_output=True, timeout=_HOOK_SECONDS,
                check=False,
            )  # fmt: skip
            return ended.returncode, None if ended.returncode else _outcome(json.loads(ended.stdout))
        except subprocess.TimeoutExpired:
            return "timeout", None
        except (ValueError, TypeError, KeyError, AttributeError, DisclosureError):
            return 0, None

    def _tell(self, part: CounterPart, event: str, data: Mapping[str, Any] | None = None) -> None:
        self._run.document({**(data or {}), "event": event, "part": str(part.name)})
        self._run.say(self._run.text("verifier.errands_event", part=part.name, event=event))


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
