"""What is sent to a verifier unasked: opened for it, received, verified and kept in files of the home."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from disclosure import DisclosureError, LocalizedText, VerifierName
from ordering.light.verifying import OrderError
from tlog import TlogError
from verifier import recheck_kept
from verifier.client.deliveries import Came, VerifierDeliveries
from verifier.delivery import DeliveryFolder, KeptDelivery
from zk.anchoring import policy_needed, told
from zk.commands.ordered import demanded
from zk.commands.verifier.common import GROUP, As, key_of, name_of
from zk.commands.verifier.records import order_told
from zk.deliveries import Anchored, arriving, delivery_data, is_pending, message_lines, shown_lines
from zk.exits import Exit
from zk.group import Group
from zk.home import private_folder
from zk.qr import qr_lines
from zk.run import Answer, Run, terminable

DELIVERIES: Final = Group(
    f"{GROUP.name}.deliveries",
    typer.Typer(name="deliveries", help=f"help.{GROUP.name}.deliveries", no_args_is_help=True),
)


@DELIVERIES.command("open", remote=True)
def open_receiving(
    run: Run,
    name_zh: Annotated[str, typer.Option("--name-zh", help="help.verifier.card_name_zh")],
    name_en: Annotated[str, typer.Option("--name-en", help="help.verifier.card_name_en")],
    verifier: As = None,
    qr: Annotated[bool, typer.Option("--qr/--no-qr", help="help.option.qr")] = True,
) -> Answer:
    """Take what is sent unasked from now on; show the code that senders may scan."""
    name = name_of(run, verifier)
    with _client(run, name) as client:
        link = str(client.open(LocalizedText(name_zh, name_en)))
    lines = [run.text("verifier.receiving", verifier=name), *(qr_lines(link) if qr else ()), link]
    return Answer({"link": link}, lines)


@DELIVERIES.command("close", remote=True)
def close_receiving(run: Run, verifier: As = None) -> Answer:
    """Take nothing more; what waits can still be received."""
    with _client(run, name_of(run, verifier)) as client:
        client.shut()
    return Answer({"receiving": False}, [run.text("verifier.receiving_closed")])


@DELIVERIES.command("receive", remote=True)
def receive(
    run: Run,
    watch: Annotated[bool, typer.Option("--watch", help="help.verifier.watch_deliveries")] = False,
    anchored: Anchored = False,
    ordered: Annotated[bool, typer.Option("--ordered", help="help.verifier.deliveries_ordered")] = False,
    verifier: As = None,
) -> Answer:
    """Fetch, verify and keep everything that waits.

    With --anchored what the pinned policy's witnesses have not cosigned waits on, with --ordered what is not
    in the consortium's order; the exit code is 10 then. What shows the order is kept beside what came.
    """
    name = name_of(run, verifier)
    policy, order = policy_needed(run) if anchored else None, demanded(run) if ordered else None
    folder = _folder(run, name)
    with _client(run, name) as client:

        def received() -> list[Came]:
            return client.receive(folder, policy, order)

        if watch:
            return _watched(run, client.watch(), received)
        came = received()
    lines = [line for each in came for line in _lines(run, each)]
    data = {"received": [_came(run, each) for each in came]}
    code = Exit.PENDING if any(is_pending(each.reason) for each in came) else Exit.OK
    return Answer(data, lines or [run.text("verifier.deliveries_none")], code)


@DELIVERIES.command("list")
def list_deliveries(run: Run, verifier: As = None) -> Answer:
    """List what was received and is kept here; with a pinned log each receipt is checked again, offline."""
    found = _folder(run, name_of(run, verifier)).all()
    listed = [(path, each, _order(run, path, each)) for path, each in found]
    lines = [line for path, each, order in listed for line in (str(path), *_kept_lines(run, each), *order[1])]
    data = [{"file": str(path), **_data(run, each), **order[0]} for path, each, order in listed]
    code = Exit.NOT_VERIFIED if any(each.get("holds") is False for each in data) else Exit.OK
    return Answer({"deliveries": data}, lines or [run.text("verifier.deliveries_none")], code)


def _watched(run: Run, changes: Iterator[int], receive: Callable[[], list[Came]]) -> Answer:
    """Receive whatever comes until Ctrl-C, or until the session ends."""
    run.say(run.text("account.watching"))
    with terminable():
        try:
            for each in arriving(changes, receive):
                run.document({"event": "received", **_came(run, each)})
                run.say(*_lines(run, each))
        except KeyboardInterrupt:
            pass
    return Answer({"event": "ended"}, [run.text("account.watch_ended")])


def _client(run: Run, name: VerifierName) -> VerifierDeliveries:
    return VerifierDeliveries(run.endpoint, name, key_of(run, name), run.log_verifier())


def _folder(run: Run, name: VerifierName) -> DeliveryFolder:
    path = run.home.deliveries / name.verifier
    private_folder(path)
    return DeliveryFolder(path)


def _lines(run: Run, came: Came) -> list[str]:
    if came.kept is None:
        key = "verifier.delivery_waits" if came.waits else "verifier.delivery_refused"
        return [run.text(key, reason=came.reason)]
    lines = [run.text("verifier.delivery_came"), *_kept_lines(run, came.kept)]
    return [*lines, run.text("verifier.delivery_kept", path=came.path)]


def _kept_lines(run: Run, kept: KeptDelivery) -> list[str]:
    shown = [*shown_lines(run, kept.shown, kept.schemas), *message_lines(run, kept.question)]
    return [*shown, *_receipt(run, kept)[1]]


def _came(run: Run, came: Came) -> dict[str, Any]:
    kept = {} if came.kept is None else {"file": str(came.path), **_data(run, came.kept)}
    return {"delivery": came.delivery, "reason": came.reason, "waits": came.waits, **kept}


def _data(run: Run, kept: KeptDelivery) -> dict[str, Any]:
    return {**delivery_data(kept.question, kept.shown, kept.schemas), **_receipt(run, kept)[0]}


def _order(run: Run, path: Path, kept: KeptDelivery) -> tuple[dict[str, Any], list[str]]:
    """Tell that it is ordered, where that is shown beside it and log and header are trusted."""
    if run.profile.log_key is None:
        return {}, []
    try:
        return order_told(run, path, kept, run.log_key_of(kept.receipt, run.profile.log_key))
    except (OrderError, TlogError) as error:
        return {"holds": False, "order_reason": error.reason}, [
            run.text("verifier.delivery_fails", reason=error.reason)
        ]


def _receipt(run: Run, kept: KeptDelivery) -> tuple[dict[str, Any], list[str]]:
    """Check its receipt again and tell what it is; nothing where there is no log's key to check it with."""
    log = run.profile.log_key
    if log is None:
        return {}, []
    try:
        checked = recheck_kept(kept, run.log_key_of(kept.receipt, log), run.policy, accept_pending=True)
    except (TlogError, DisclosureError) as error:
        fails = run.text("verifier.delivery_fails", reason=error.reason)
        return {"holds": False, "receipt_reason": error.reason}, [fails]
    state = told(run, run.policy, checked.state, checked.cosignatures)
    stands = run.text("verifier.receipt", index=checked.index, size=checked.checkpoint.size)
    data = {"holds": True, "entry_index": checked.index, "tree_size": checked.checkpoint.size, **state.data}
    return data, [stands, *state.lines]
