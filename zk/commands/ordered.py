"""`zk consortium header`, `trust` and `order`: whom a home believes about the order, and what it shows."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

import tlog
from ordering.client import Client
from ordering.light import fetching
from ordering.light.receipt import Ordering, ordered_receipt
from ordering.light.verifying import TRUSTING_SECONDS, OrderError, OrderReason, Trusted
from tlog import ReceiptState
from tlog.proof_file import PROOF_HEADER
from verifier import files, parse_kept
from verifier.anchoring import Kept
from verifier.errors import NOT_ORDERED, NotNowError
from verifier.ordered import checkpoints_of, order_file
from wire.client import ServiceError
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file
from zk.moments import iso_moment, shown_moment
from zk.ordered import (
    CLAIMING,
    Pinned,
    asking_node,
    check_age,
    check_claims_url,
    followed,
    ordering_for,
    pinning,
    read_trusted,
    renewed,
    seconds,
)
from zk.run import Answer, Run

Node = Annotated[str, typer.Option("--node", envvar="ZK_CONSORTIUM_NODE", help="help.consortium.node")]


def add_to(group: Group) -> None:
    """Add the commands to the consortium's."""
    group.command("header")(header)
    group.command("trust")(trust)
    group.command("order", remote=True)(order)


def header(
    run: Run,
    to: Annotated[Path, typer.Argument(metavar="FILE", help="help.consortium.header_file")],
    node: Node = "",
    height: Annotated[int | None, typer.Option("--height", min=1, help="help.consortium.height")] = None,
) -> Answer:
    """Write a header of one's own node's chain to a file, for those who are to trust it."""
    pinned = Pinned.of(run)
    url = node or (pinned.node if pinned else "")
    if not url:
        raise CommandError(Exit.USAGE, "NODE_MISSING", "error.consortium_node_missing")
    with asking_node(), Client(url) as client:
        found = fetching.trusted(client, height or client.height)
    files.write_new(to, found.to_bytes())
    data, lines = _told(run, found)
    return Answer({"file": str(to), **data}, lines)


def trust(
    run: Run,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="help.consortium.trust_file")] = None,
    node: Node = "",
    operator: Annotated[str, typer.Option("--operator", help="help.consortium.operator")] = "",
    operator_key: Annotated[
        Path | None, typer.Option("--operator-key", help="help.consortium.operator_key")
    ] = None,
    claims: Annotated[str, typer.Option("--claims", metavar="URL", help="help.consortium.claims_url")] = "",
    claims_root: Annotated[
        Path | None, typer.Option("--claims-root", help="help.consortium.claims_root")
    ] = None,
) -> Answer:
    """Trust a header of the consortium's chain; without FILE go on to the newest one that follows from it.

    It is trusted for fourteen days from its time; what follows from it in that time is trusted anew.
    Claims of pseudonyms that come once in all cities are made for the city that --operator names: through its
    service, which --claims names, or by whoever holds the city's own key, with --operator-key.
    """
    before = Pinned.of(run)
    how = _claimed_by(operator, operator_key, claims, claims_root)
    if file is None:
        if before is None:
            raise CommandError(Exit.KEY_NOT_TRUSTED, "CONSORTIUM_UNKNOWN", "error.consortium_unknown")
        pinned = renewed(before.with_node(node))
    else:
        found = read_trusted(file)
        _check_not_forked(before, found)
        pinned = Pinned(found, node or (before.node if before else ""))
    if not how and before is not None and before.trusted.chain == pinned.trusted.chain:
        how = {name: getattr(before, name) for name in CLAIMING}
    with pinning(run):
        if file is None and (now := Pinned.of(run)) is not None and _is_later(now.trusted, pinned.trusted):
            pinned = replace(pinned, trusted=now.trusted)  # another process has gone on meanwhile
        pinned = Pinned(pinned.trusted, pinned.node, **how)
        pinned.save(run)
    data, lines = _told(run, pinned.trusted)
    return Answer({**data, "node": pinned.node, "operator": pinned.operator, "claims": pinned.claims}, lines)


def _claimed_by(
    operator: str, operator_key: Path | None, claims: str, claims_root: Path | None
) -> dict[str, str]:
    """Return how claims are made as far as it was said, {} if it was not; CommandError USAGE."""
    if (operator == "") != (operator_key is None and not claims) or (claims and operator_key is not None):
        raise CommandError(Exit.USAGE, "OPERATOR_MISSING", "error.consortium_operator_missing")
    if claims_root is not None and not claims:
        raise CommandError(Exit.USAGE, "OPERATOR_MISSING", "error.consortium_operator_missing")
    if claims:
        check_claims_url(claims)
    for each in filter(None, (operator_key, claims_root)):
        read_file(each)  # a file that cannot be read is named, as everywhere
    if not operator:
        return {}
    paths = (str(each.absolute()) if each is not None else "" for each in (operator_key, claims_root))
    return dict(zip(CLAIMING, (operator, next(paths), claims, next(paths)), strict=True))


def _is_later(one: Trusted, other: Trusted) -> bool:
    return one.chain != other.chain or one.height > other.height


def _check_not_forked(before: Pinned | None, found: Trusted) -> None:
    """Raise OrderError if one height of one chain has two headers: one of both is not the chain's."""
    if before is None or (before.trusted.chain, before.trusted.height) != (found.chain, found.height):
        return
    if before.trusted != found:
        raise OrderError(OrderReason.ORDER_TRUST_MISSING, "another header of this height is trusted here")


def order(
    run: Run,
    file: Annotated[Path, typer.Argument(help="help.consortium.order_file")],
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="help.consortium.order_to")] = None,
    node: Node = "",
    wait: Annotated[float, typer.Option("--wait", min=0, max=3_600, help="help.consortium.wait")] = 0,
) -> Answer:
    """Bring what shows that a receipt or a record is in the consortium's order, and write it to a file.

    Of a receipt that is one file with the receipt in it, FILE.ordered; of a record one beside it, FILE.order.
    Exit code 10: its tree is not ordered yet.
    """
    pinned, octets = Pinned.needed(run).with_node(node), read_file(file)
    log = run.log_keys(run.log_verifier())
    is_receipt = octets.startswith(PROOF_HEADER.encode())
    if is_receipt:
        checkpoints: tuple[tlog.Checkpoint, ...] = (tlog.verify_receipt(octets, log).checkpoint,)
    else:
        checkpoints = checkpoints_of(parse_kept(octets), log)
    found = ordering_for(run, pinned, checkpoints, wait)
    if found is None:
        return Answer(
            {"file": str(file), "ordered": False}, [run.text("consortium.not_ordered")], Exit.PENDING
        )
    path = to or (file.with_name(f"{file.name}.ordered") if is_receipt else order_file(file))
    files.replace(path, ordered_receipt(octets, found) if is_receipt else found.to_bytes())
    said, lines = told_ordered(run, found)
    return Answer({"file": str(path), **said}, [*lines, run.text("consortium.order_written", path=path)])


def with_order(run: Run, answer: Answer, kept: Kept, path: Path, wait: float) -> Answer:
    """Wait until a kept record is ordered, keep beside it what shows it, and tell that with what is told.

    Raises CommandError PENDING if it is not in so many seconds; what `order_of` raises.
    """
    found = order_of(run, kept, wait)
    if found is None:
        raise CommandError(Exit.PENDING, NOT_ORDERED, "error.record_not_ordered", path=path)
    files.replace(order_file(path), found.to_bytes())
    return telling_order(run, answer, found)


def order_of(run: Run, kept: Kept, wait: float = 0.0) -> Ordering | None:
    """Bring what shows something kept to be ordered, and go on with what is trusted; None: not in time.

    Raises what `zk.ordered.ordering_for` does, CommandError unless a header is trusted and a node known.
    """
    pinned = Pinned.needed(run).with_node("")
    found = ordering_for(run, pinned, checkpoints_of(kept, run.log_keys(run.log_verifier())), wait)
    return None if found is None else followed(run, pinned, found)


def telling_order(run: Run, answer: Answer, found: Ordering) -> Answer:
    """Tell what shows an order beside what is told."""
    data, lines = told_ordered(run, found)
    return Answer({**answer.data, **data}, [*answer.lines, *lines], answer.exit_code)


def check_trusting(run: Run) -> None:
    """Raise CommandError unless a header is trusted and a node known, OrderError if the header is too old.

    Looked at before anybody is asked: who then cannot accept would have had something disclosed for nothing.
    """
    check_age(Pinned.needed(run).with_node("").trusted)


def demanded(run: Run) -> Callable[[Kept], bytes]:
    """Return what brings what shows something kept to be ordered; NotNowError while nothing shows it.

    Raises as `check_trusting` does.
    """
    check_trusting(run)

    def brought(kept: Kept) -> bytes:
        try:
            found = order_of(run, kept)
        except (OrderError, tlog.TlogError, ServiceError) as error:
            raise NotNowError(error.reason) from None
        except CommandError as error:
            if error.exit_code is not Exit.UNREACHABLE:
                raise
            raise NotNowError(error.reason) from None
        if found is None:
            raise NotNowError(NOT_ORDERED)
        return found.to_bytes()

    return brought


def told_ordered(run: Run, found: Ordering) -> tuple[dict[str, Any], list[str]]:
    """Tell under which header something is ordered, once it was checked."""
    last = found.order.steps[-1].header
    data = {"receipt": ReceiptState.ORDERED.value, "chain": last.chain, "height": last.height}
    time = shown_moment(last.time[0], run.lang)
    line = run.text("consortium.ordered", chain=last.chain, height=last.height, time=time)
    return {**data, "time": iso_moment(last.time[0])}, [line]


def check_trusted(run: Run, trusted: Path | None) -> tuple[Trusted, int]:
    """Return the header of a file, else the home's, and the time; CommandError, OrderError."""
    return (read_trusted(trusted) if trusted else Pinned.needed(run).trusted), seconds()


def _told(run: Run, found: Trusted) -> tuple[dict[str, Any], list[str]]:
    ends = found.seconds + TRUSTING_SECONDS
    data = {
        "chain": found.chain,
        "height": found.height,
        "hash": found.hash.hex(),
        "time": iso_moment(found.seconds),
        "until": iso_moment(ends),
    }
    values = {"chain": found.chain, "height": found.height, "hash": found.hash.hex()}
    return data, [
        run.text("consortium.header", **values),
        run.text("consortium.trusted_until", until=shown_moment(ends, run.lang)),
    ]
