"""What is sent to a verifier unasked: opened for it, received, verified and kept in files of the home."""

from typing import Annotated, Any, Final

import typer

from disclosure import LocalizedText, VerifierName
from verifier.client.deliveries import Came, VerifierDeliveries
from verifier.delivery import DeliveryFolder, KeptDelivery
from zk.commands.verifier.common import GROUP, As, key_of, name_of
from zk.deliveries import delivery_data, message_lines, shown_lines
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
    verifier: As = None,
) -> Answer:
    """Fetch, verify and keep everything that waits."""
    name = name_of(run, verifier)
    folder = _folder(run, name)
    with _client(run, name) as client:
        if watch:
            return _watched(run, client, folder)
        came = client.receive(folder)
    lines = [line for each in came for line in _lines(run, each)]
    data = {"received": [_came(each) for each in came]}
    return Answer(data, lines or [run.text("verifier.deliveries_none")])


@DELIVERIES.command("list")
def list_deliveries(run: Run, verifier: As = None) -> Answer:
    """List what was received and is kept here."""
    found = _folder(run, name_of(run, verifier)).all()
    lines = [line for path, each in found for line in (str(path), *_kept_lines(run, each))]
    data = {"deliveries": [{"file": str(path), **_data(each)} for path, each in found]}
    return Answer(data, lines or [run.text("verifier.deliveries_none")])


def _watched(run: Run, client: VerifierDeliveries, folder: DeliveryFolder) -> Answer:
    """Receive whatever comes until Ctrl-C, or until the session ends."""
    run.say(run.text("account.watching"))
    with terminable():
        try:
            for waiting in client.watch():
                for each in client.receive(folder) if waiting else ():
                    run.document({"event": "received", **_came(each)})
                    for line in _lines(run, each):
                        run.say(line)
        except KeyboardInterrupt:
            pass
    return Answer({"event": "ended"}, [run.text("account.watch_ended")])


def _client(run: Run, name: VerifierName) -> VerifierDeliveries:
    return VerifierDeliveries(run.endpoint, name, key_of(run, name), run.log_verifier())


def _folder(run: Run, name: VerifierName) -> DeliveryFolder:
    path = run.home.path / "deliveries" / name.verifier
    private_folder(path)
    return DeliveryFolder(path)


def _lines(run: Run, came: Came) -> list[str]:
    if came.kept is None:
        told = "verifier.delivery_waits" if came.waits else "verifier.delivery_refused"
        return [run.text(told, reason=came.reason)]
    lines = [run.text("verifier.delivery_came"), *_kept_lines(run, came.kept)]
    return [*lines, run.text("verifier.delivery_kept", path=came.path)]


def _kept_lines(run: Run, kept: KeptDelivery) -> list[str]:
    return [*shown_lines(run, kept.shown, kept.schemas), *message_lines(run, kept.question)]


def _came(came: Came) -> dict[str, Any]:
    told = {} if came.kept is None else {"file": str(came.path), **_data(came.kept)}
    return {"delivery": came.delivery, "reason": came.reason, "waits": came.waits, **told}


def _data(kept: KeptDelivery) -> dict[str, Any]:
    return delivery_data(kept.question, kept.shown, kept.schemas)
