"""Sending unasked: to a verifier by its name or to whoever shows a code; and what comes to the vault so."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Final, TypeAlias

import typer

from disclosure import LocalizedText, SendLink, VerifierName
from prover.client.deliveries import Came, DeliveryClient, Draft, Recipient
from prover.composite.records import HeldComposite
from prover.consent import show_moment
from prover.deliveries import ReceivedDelivery, SentDelivery
from prover.errors import PresentingError, VaultReason
from prover.events import Event, EventState
from prover.vault import Vault
from tlog import Verifier
from zk.anchoring import policy_needed
from zk.commands.vault.common import GROUP, SHORT_ID, PassphraseFile, VaultFile, opened, parsed, table_of
from zk.commands.vault.happenings import checked
from zk.deliveries import Anchored, arriving, delivery_data, is_pending, message_lines, shown_lines
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.qr import qr_lines
from zk.run import Answer, Run, confirmed, terminable

DELIVERIES: Final = Group(
    f"{GROUP.name}.deliveries",
    typer.Typer(name="deliveries", help=f"help.{GROUP.name}.deliveries", no_args_is_help=True),
)


_Row: TypeAlias = tuple[dt.datetime, str, str, str, str]
"""One line of the list: time, identifier, with whom, how far it is, its receipt."""


@GROUP.command("send", remote=True)
def send(
    run: Run,
    show: Annotated[list[str], typer.Option("--show", metavar="ITEM.ATTRIBUTE", help="help.vault.send_show")],
    to: Annotated[str | None, typer.Option("--to", metavar="VERIFIER", help="help.vault.send_to")] = None,
    card: Annotated[str | None, typer.Option("--card", metavar="LINK", help="help.vault.send_card")] = None,
    message: Annotated[str, typer.Option("--message", help="help.vault.send_message")] = "",
    use: Annotated[list[str] | None, typer.Option("--use", metavar="ID", help="help.vault.use")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="help.vault.yes")] = False,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Send chosen data to somebody who has not asked for it."""
    log, client = run.log_verifier(), DeliveryClient(run.endpoint)
    recipient = _recipient(client, to, card, log)
    with opened(run, file, passphrase_file) as vault:
        draft = client.draft(recipient, _wanted(vault, show, use or ()), vault, log, message=message)
        if not _agrees(run, draft, yes):
            raise PresentingError(VaultReason.DECLINED, "the person said no; nothing was sent")
        sent, event = client.send(draft, vault, log)
    return _told(run, sent, event)


@GROUP.command("recipients", remote=True)
def recipients(
    run: Run, query: Annotated[str, typer.Argument(help="help.vault.recipient_query")] = ""
) -> Answer:
    """Find the verifiers that take what is sent unasked."""
    found = DeliveryClient(run.endpoint).search(query)
    lines = [
        run.text("vault.recipient", name=run.local(each.display_name), verifier=each.name) for each in found
    ]
    data = {"recipients": [{"name": str(each.name)} for each in found]}
    return Answer(data, lines or [run.text("vault.recipients_none")])


@DELIVERIES.command("open", remote=True)
def open_receiving(
    run: Run,
    name_zh: Annotated[str, typer.Option("--name-zh", help="help.vault.card_name_zh")],
    name_en: Annotated[str, typer.Option("--name-en", help="help.vault.card_name_en")],
    qr: Annotated[bool, typer.Option("--qr/--no-qr", help="help.option.qr")] = True,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Receive with the vault's account; show the code that senders scan."""
    client, log = DeliveryClient(run.endpoint), run.log_verifier()
    with opened(run, file, passphrase_file) as vault:
        link = str(client.receive_by(LocalizedText(name_zh, name_en), vault, log))
    return Answer({"link": link}, [run.text("vault.receiving"), *(qr_lines(link) if qr else ()), link])


@DELIVERIES.command("close", remote=True)
def close_receiving(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """Receive nothing more."""
    with opened(run, file, passphrase_file) as vault:
        DeliveryClient(run.endpoint).close(vault, run.log_verifier())
    return Answer({"receiving": False}, [run.text("vault.receiving_closed")])


@DELIVERIES.command("receive", remote=True)
def receive(
    run: Run,
    watch: Annotated[bool, typer.Option("--watch", help="help.vault.watch_deliveries")] = False,
    anchored: Anchored = False,
    file: VaultFile = None,
    passphrase_file: PassphraseFile = None,
) -> Answer:
    """Fetch, verify and keep what was sent to the vault's account.

    With --anchored what the pinned policy's witnesses have not cosigned waits on; the exit code is 10 then.
    """
    client, log = DeliveryClient(run.endpoint), run.log_verifier()
    policy = policy_needed(run) if anchored else None
    with opened(run, file, passphrase_file) as vault:

        def received() -> list[Came]:
            return client.receive(vault, log, policy)

        if watch:
            return _watched(run, client.watch(vault, log), received, log)
        came = received()
    lines = [line for each in came for line in _came_lines(run, each, log)]
    data = {"received": [_came_data(run, each, log) for each in came]}
    code = Exit.PENDING if any(is_pending(each.reason) for each in came) else Exit.OK
    return Answer(data, lines or [run.text("vault.deliveries_none")], code)


@DELIVERIES.command("list")
def list_deliveries(run: Run, file: VaultFile = None, passphrase_file: PassphraseFile = None) -> Answer:
    """List what was sent and received unasked; with a pinned log every receipt is checked again, offline."""
    with opened(run, file, passphrase_file) as vault:
        sent, received = vault.deliveries.sent(), vault.deliveries.received()
        events = {each.id: each for each in vault.events()}
    data, rows = dict[str, list[dict[str, Any]]](sent=[], received=[]), list[_Row]()
    for one in sent:
        event = events[one.event]
        found, receipt = _receipt(run, event if event.state is EventState.RECORDED else None)
        data["sent"].append({**_data(one), "state": event.state.value, **found})
        rows.append((one.time, one.id, run.local(one.display_name), _state(run, event.state), receipt))
    for each in received:
        found, receipt = _receipt(run, each)
        data["received"].append({**_data(each), "time": each.sent.isoformat(), **found})
        name, state = run.text("vault.delivery_unknown"), run.text("vault.event.received")
        rows.append((each.sent, each.id, name, state, receipt))
    table = table_of(
        run, "vault.id", "vault.delivery_time", "vault.delivery_with", "vault.delivery_state",
        "vault.delivery_receipt",
    )  # fmt: skip
    for time, identifier, *cells in sorted(rows):
        table.add_row(identifier[:SHORT_ID], show_moment(time, run.lang), *cells)
    lines: list[Any] = [table] if rows else [run.text("vault.deliveries_none")]
    broken = any(each.get("holds") is False for told in data.values() for each in told)
    return Answer(data, lines, Exit.NOT_VERIFIED if broken else Exit.OK)


def _receipt(run: Run, kept: Event | ReceivedDelivery | None) -> tuple[dict[str, Any], str]:
    """Return what its receipt is; nothing where there is none yet, or no log's key to check it with."""
    if kept is None or run.profile.log_key is None:
        return {}, ""
    return checked(run, kept, run.profile.log_key)


def _recipient(client: DeliveryClient, to: str | None, card: str | None, log: Verifier) -> Recipient:
    """Return who was named, or who showed a code; CommandError USAGE unless it is one of both."""
    if (to is None) == (card is None):
        raise CommandError(Exit.USAGE, "RECIPIENT_UNCLEAR", "error.recipient_unclear")
    if card is not None:
        return client.scanned(parsed(SendLink, card), log)
    name = to or ""
    return client.verifier(VerifierName.parse(name if "/" in name else f"verifiers/{name}"), log)


def _wanted(vault: Vault, show: Sequence[str], use: Sequence[str]) -> dict[str, list[str]]:
    """Return the attributes to show by credential; CommandError USAGE where one is unclear."""
    named = {vault.credential(each).id for each in use}
    wanted: dict[str, list[str]] = {}
    for each in show:
        item, _, attribute = each.partition(".")
        if not attribute:
            raise CommandError(Exit.USAGE, "SHOW_UNCLEAR", "error.show_unclear", given=each)
        wanted.setdefault(_credential(vault, item, named).id, []).append(attribute)
    return wanted


def _credential(vault: Vault, item: str, named: set[str]) -> HeldComposite:
    held = [each for each in vault.composite.credentials() if each.schema.name.item == item]
    fitting = [each for each in held if each.revoked is None]
    chosen = [each for each in held if each.id in named] or fitting or held
    if not chosen:
        raise CommandError(Exit.USAGE, "CREDENTIAL_NOT_FOUND", "error.item_not_held", item=item)
    if len(chosen) > 1:
        ids = ", ".join(each.id[:SHORT_ID] for each in chosen)
        raise CommandError(Exit.USAGE, "ID_AMBIGUOUS", "error.item_unclear", item=item, ids=ids)
    return chosen[0]


def _agrees(run: Run, draft: Draft, yes: bool) -> bool:
    """Show what would be sent, and to whom; an account's name is its owner's word, and said to be so."""
    screen = run.err if run.as_json else run.out
    known = draft.recipient.card.party.startswith("verifiers/")
    key = "vault.send_to_verifier" if known else "vault.send_to_account"
    name, party = run.local(draft.recipient.display_name), draft.recipient.card.party
    shown = [each.shown for each in draft.plan.credential_answers()]
    lines = [
        run.text(key, name=name, party=party),
        *shown_lines(run, shown, draft.plan.schemas),
        *message_lines(run, draft.question),
        run.text("vault.send_for_good"),
    ]
    for line in lines:
        screen.print(line, soft_wrap=True)
    return yes or confirmed(run, "vault.ask_send")


def _told(run: Run, sent: SentDelivery, event: Event) -> Answer:
    data = {**_data(sent), "state": event.state.value, "reason": event.reason}
    if event.state is EventState.REFUSED:
        return Answer(data, [run.text("vault.refused", reason=event.reason)], Exit.REFUSED)
    waits = [run.text("vault.consent_waits")] if event.state is EventState.SENT else []
    return Answer(data, [run.text("vault.delivery_sent", name=run.local(sent.display_name)), *waits])


def _watched(run: Run, changes: Iterator[int], receive: Callable[[], list[Came]], log: Verifier) -> Answer:
    """Receive whatever comes until Ctrl-C, or until the session ends."""
    run.say(run.text("account.watching"))
    with terminable():
        try:
            for each in arriving(changes, receive):
                run.document({"event": "received", **_came_data(run, each, log)})
                run.say(*_came_lines(run, each, log))
        except KeyboardInterrupt:
            pass
    return Answer({"event": "ended"}, [run.text("account.watch_ended")])


def _came_lines(run: Run, came: Came, log: Verifier) -> list[str]:
    found = came.received
    if found is None:
        told = "vault.delivery_waits" if came.waits else "vault.delivery_refused"
        return [run.text(told, reason=came.reason)]
    heading = run.text("vault.delivery_came", time=show_moment(found.sent, run.lang))
    shown = [*shown_lines(run, found.shown, found.schemas), *message_lines(run, found.question)]
    return [heading, *shown, run.text("vault.delivery_holds", receipt=checked(run, found, log)[1])]


def _came_data(run: Run, came: Came, log: Verifier) -> dict[str, Any]:
    told = {} if came.received is None else {**_data(came.received), **checked(run, came.received, log)[0]}
    return {"delivery": came.delivery, "reason": came.reason, "waits": came.waits, **told}


def _data(each: SentDelivery | ReceivedDelivery) -> dict[str, Any]:
    return {"id": each.id, **delivery_data(each.question, each.shown, each.schemas)}


def _state(run: Run, state: EventState) -> str:
    return run.text("vault.event.sent" if state is EventState.RECORDED else f"vault.delivery.{state.value}")
