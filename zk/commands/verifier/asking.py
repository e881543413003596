"""Registering, and asking by a policy: the question on a page, the answer verified here and kept."""

import datetime as dt
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import typer

from disclosure import LocalizedText, Request, VerifierName
from disclosure.composite import CompositeRequest
from ordering.light.verifying import OrderError
from prover.consent import show_moment
from verifier import (
    CompositePolicy,
    Counterpart,
    JointScopeFile,
    PseudonymRegister,
    check_composite_policy,
    check_policy,
    files,
    keys,
    load_record,
)
from verifier.anchoring import AnyRecord
from verifier.client import (
    Answered,
    CompositeAnswered,
    CompositeExchange,
    DemandError,
    OpenExchange,
    PendingError,
    VerifierClient,
)
from verifier.client.exchange import is_kept, pending_of
from verifier.errors import FinalError, NotNowError, ReservedError
from verifier.ordered import order_file
from zk.claims.reasons import MENDABLE
from zk.commands.ordered import with_order
from zk.commands.verifier.common import (
    GROUP,
    AnyPolicy,
    As,
    Counting,
    PolicyFile,
    across_of,
    counterparts,
    key_of,
    loaded_policy,
    name_of,
    shown_log,
)
from zk.commands.verifier.demanding import Demands, by_policy, demands_of, said
from zk.commands.verifier.records import answered as told_answer
from zk.exits import CommandError, Exit
from zk.home import private_folder, read_file
from zk.ordered import ORDER_SECONDS, check_claiming, claiming
from zk.qr import qr_lines
from zk.run import Answer, Run
from zk.service import Service
from zk.tokens import AdminTokenFile, admin_token


@GROUP.command("register", remote=True, proposable=True)
def register(
    run: Run,
    verifier: Annotated[str, typer.Argument(help="help.verifier.id")],
    name_zh: Annotated[str, typer.Option("--name-zh", help="help.option.name_zh")],
    name_en: Annotated[str, typer.Option("--name-en", help="help.option.name_en")],
    admin_token_file: AdminTokenFile = None,
) -> Answer:
    """Make the key that signs requests and register it.

    The key is on disk before it is registered; run it again after a failure and the same key is used.
    """
    name = VerifierName.parse(f"verifiers/{verifier}")
    path = run.home.verifier_key(verifier)
    if not path.exists():
        private_folder(path.parent)
        keys.save(keys.generate(), path)
    public_key = keys.public_key(keys.load(path))
    with Service(run.endpoint) as service:
        made = service.create_verifier(
            name, LocalizedText(name_zh, name_en), public_key, admin_token(admin_token_file)
        )
    lines = [run.text("verifier.registered", name=run.local(made.display_name), verifier=name, path=path)]
    return Answer(
        {"verifier": str(name), "public_key": public_key.hex(), "key_file": str(path)},
        lines,
    )


@GROUP.command("check-policy", remote=True)
def check_one(
    run: Run,
    policy: PolicyFile,
    verifier: As = None,
    counting: Counting = None,
) -> Answer:
    """Check that a policy can be asked and answered, with what is published today; ask nobody."""
    loaded, name = loaded_policy(policy), name_of(run, verifier)
    with VerifierClient(run.endpoint, name, key_of(run, name), shown_log(run)) as client:
        checked_request(client, loaded, name, counterparts(run, counting or ()))
    data = {"policy": loaded.id, "form": _form(loaded), "verifier": str(name)}
    return Answer(data, [run.text("verifier.policy_holds", policy=loaded.id)])


@GROUP.command("ask", remote=True)
def ask(
    run: Run,
    policy: PolicyFile,
    verifier: As = None,
    timeout: Annotated[float | None, typer.Option("--timeout", min=0.1, help="help.verifier.timeout")] = None,
    record: Annotated[Path | None, typer.Option("--record", help="help.verifier.record")] = None,
    counting: Counting = None,
    pairing: Annotated[bool, typer.Option("--pairing/--no-pairing", help="help.verifier.pairing")] = False,
    anchored: Annotated[bool, typer.Option("--anchored", help="help.verifier.ask_anchored")] = False,
    ordered: Annotated[bool, typer.Option("--ordered", help="help.verifier.ask_ordered")] = False,
    qr: Annotated[bool, typer.Option("--qr/--no-qr", help="help.option.qr")] = True,
) -> Answer:
    """Ask by a policy, wait for the answer, verify it here and keep it.

    With --json it prints one line when it has asked and one when it was answered. With --anchored an answer
    is accepted once the pinned policy's witnesses have cosigned; if they have not in time, its record is kept
    and the exit code is 10. With --ordered it is accepted once it is in the consortium's order, likewise.
    What the registered policy demands of receipts is demanded without either.
    """
    options = said(anchored=anchored, ordered=ordered)
    demands_of(run, options)
    loaded, name = loaded_policy(policy), name_of(run, verifier)
    check_claiming(run, across_of(loaded))
    path = record or run.home.records / f"{loaded.id}-{secrets.token_hex(4)}.json"
    if path.exists():
        raise CommandError(Exit.USAGE, "RECORD_EXISTS", "error.record_exists", path=path)
    private_folder(path.parent)
    given = counterparts(run, counting or ())
    with VerifierClient(run.endpoint, name, key_of(run, name), shown_log(run)) as client:
        counted = [each.record.demands for each in given.values()]
        demands = demands_of(run, options.union(by_policy(client, loaded, name), *counted))
        opened = client.ask(checked_request(client, loaded, name, given), pairing=pairing)
        _show_question(run, opened, loaded, qr)
        wait = dt.timedelta(seconds=timeout) if timeout else loaded.lifetime + dt.timedelta(seconds=5)
        with keeping_pending(path, lambda pending: keep(run, pending, loaded, path)):
            answered = client.wait(opened, wait, given.values(), demands.quorum, demands.states)
    keep(run, answered, loaded, path)
    told = told_answer(run, answered.record, path)
    if demands.order is None:
        return told
    return with_order(run, told, answered.record, path, timeout or ORDER_SECONDS)


@GROUP.command("sign-scope")
def sign_scope(
    run: Run,
    scope: Annotated[Path, typer.Argument(help="help.verifier.scope")],
    verifier: As = None,
) -> Answer:
    """Sign a scope that several verifiers share; its file goes round among them until everyone has."""
    name = name_of(run, verifier)
    read_file(scope)  # a file that cannot be read is named, as everywhere
    signed = JointScopeFile.load(scope).signed_by(name, key_of(run, name))
    files.replace(scope, signed.to_bytes())
    left = [str(each) for each in signed.scope.members if each not in signed.signatures]
    data = {"scope": signed.scope.label, "signed_by": str(name), "unsigned": left}
    told = (
        run.text("verifier.scope_waits", members=", ".join(left))
        if left
        else run.text("verifier.scope_whole")
    )
    return Answer(data, [told])


def _form(policy: AnyPolicy) -> str:
    return "composite" if isinstance(policy, CompositePolicy) else "plain"


def checked_request(
    client: VerifierClient, policy: AnyPolicy, name: VerifierName, given: Mapping[str, Counterpart]
) -> Request | CompositeRequest:
    """Return a request of a policy that can be asked today; PolicyError with the place in the file.

    CommandError USAGE names the answers that the policy counts and nobody gave.
    """
    now = dt.datetime.now(dt.UTC)
    if isinstance(policy, CompositePolicy):
        if missing := [each for each in policy.answers if each not in given]:
            options = " ".join(f"--with {each}=RECORD" for each in missing)
            raise CommandError(Exit.USAGE, "POLICY_INVALID", "error.answers_missing", options=options)
        return check_composite_policy(policy, name, client.reader, now, given)
    check_policy(policy, client.directory_for(policy.schemas))
    return policy.request(name, now)


@contextmanager
def keeping_pending(path: Path, keep: Callable[[Answered | CompositeAnswered], None]) -> Iterator[None]:
    """Keep an answer that holds and is pending, where that is no acceptance; CommandError PENDING then."""
    try:
        yield
    except PendingError as error:
        keep(error.answered)
        if isinstance(error, DemandError):
            raise
        raise CommandError(Exit.PENDING, error.reason, "error.record_pending", path=path) from None


def keep(run: Run, answered: Answered | CompositeAnswered, policy: AnyPolicy, path: Path) -> None:
    """Save the record; what may come once is noted first, and refused if it has come before, here or, where
    the policy says so, in any city."""
    if isinstance(answered, CompositeAnswered) and isinstance(policy, CompositePolicy):
        register = PseudonymRegister(run.home.pseudonyms)
        try:
            with claiming(run, policy.across, answered.record.request, answered.verified) as claims:
                answered.keep(
                    path, unique=policy.unique, register=register, across=policy.across, claims=claims
                )
        except (CommandError, OrderError):
            if pending_of(path).exists():
                run.warn("verifier.kept_pending", path=pending_of(path))
            raise
    else:
        answered.record.save(path)


def keep_if_now(run: Run, answered: Answered | CompositeAnswered, policy: AnyPolicy, path: Path) -> None:
    """Save the record as `keep` does, where the same answer is tried again by itself.

    Where the consortium's node is away, or shows an order that does not hold, that is the node's fault and no
    holder's, and another node, or this one later, may show one that does: NotNowError. So it is while another
    answer with the same pseudonym is being claimed, and where the claims service refuses for what is to be
    mended here or there.
    """
    try:
        keep(run, answered, policy, path)
    except (OrderError, ReservedError) as error:
        raise NotNowError(error.reason) from None
    except CommandError as error:
        if error.exit_code is not Exit.UNREACHABLE and error.reason not in MENDABLE:
            raise
        raise NotNowError(error.reason) from None


@contextmanager
def shown_in_order(path: Path, record: AnyRecord, order: bytes | None) -> Iterator[None]:
    """Have what shows a record's order, if any, lie beside its place before the block keeps it there.

    So wherever the process ends, no record lies there as accepted without it. Nothing is left of it where the
    answer is refused, and nothing is replaced beside another answer's record: FileExistsError. OSError: it
    cannot be written, and nothing was kept.
    """
    if order is not None:
        is_kept(path, record)
        files.replace(order_file(path), order)
    try:
        yield
    except FinalError:
        if order is not None and not path.exists():
            with suppress(FileNotFoundError):
                files.remove(order_file(path))
        raise


def moved_order(path: Path, policy: AnyPolicy, demands: Demands) -> None:
    """Bring anew what shows the order of a record that was just kept, where keeping it has made a claim.

    That moves on the header that is trusted, under which what was brought before shows nothing. Where nothing
    can be brought now the former stays: the record is kept.
    """
    if demands.order is not None and across_of(policy):
        with suppress(NotNowError, CommandError, OSError):
            files.replace(order_file(path), demands.order(load_record(path)))


def _show_question(run: Run, opened: OpenExchange | CompositeExchange, policy: AnyPolicy, qr: bool) -> None:
    ends = opened.expires.isoformat(timespec="seconds")
    paired = {"pairing_code": opened.pairing_code} if opened.pairing_code else {}
    run.document(
        {
            "event": "asked",
            "exchange": opened.exchange,
            "link": str(opened.link),
            "policy": policy.id,
            "expires": ends,
            **paired,
        }
    )
    run.say(
        run.text(
            "verifier.asked", purpose=run.local(policy.purpose), expires=show_moment(opened.expires, run.lang)
        )
    )
    run.say(*(qr_lines(str(opened.link)) if qr else ()), str(opened.link))
    if opened.pairing_code:
        run.say(run.text("verifier.pairing", code=opened.pairing_code))
    run.say(run.text("verifier.waiting"))
