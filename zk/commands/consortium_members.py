"""`zk consortium propose, vote, rotate`: who takes part, decided by the operators; an operator's own key."""

from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from ordering import state
from ordering.city.home import CityHome
from ordering.client import Client
from ordering.errors import RefusedError, StateError
from ordering.home import public_octets
from ordering.light import fetching
from ordering.operators import Admit, Change, Operator, Remove, Replace
from ordering.rules import proposal_id
from ordering.state import Proposal
from ordering.submitting import Submitter
from ordering.transactions import Propose, RotateKey, Vote, key_consent
from zk.commands.consortium_parts import Data, Nodes, at_node, in_folder, read_card, submitter
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.moments import iso_moment
from zk.ordered import Pinned, moved_on, seconds
from zk.run import Answer, Run

_IDENTIFIER_OCTETS = 32


def add_to(group: Group) -> None:
    """Add the commands to `zk consortium`."""
    for name, function in (("propose", propose), ("vote", vote), ("rotate", rotate)):
        group.command(name)(function)


def propose(
    run: Run,
    data: Data,
    admit: Annotated[
        Path | None, typer.Option("--admit", metavar="CARD", help="help.consortium.admit")
    ] = None,
    replace: Annotated[
        Path | None, typer.Option("--replace", metavar="CARD", help="help.consortium.replace")
    ] = None,
    remove: Annotated[
        str | None, typer.Option("--remove", metavar="NAME", help="help.consortium.remove")
    ] = None,
    node: Nodes = None,
) -> Answer:
    """Propose a change of operators, which this one agrees with; by its identifier the others vote on it."""
    if sum(each is not None for each in (admit, replace, remove)) != 1:
        raise CommandError(Exit.USAGE, "USAGE", "error.consortium_one_change")
    submits = submitter(data, node)
    with at_node():
        transaction, accepted = submits.submit(Propose(_change(submits, admit, replace, remove)))
        with submits.client() as client:
            found = _proposal(client, proposal_id(transaction))
    return _told(run, proposal_id(transaction), found, accepted.height)


def _change(submits: Submitter, admit: Path | None, replace: Path | None, remove: str | None) -> Change:
    if admit is not None:
        return Admit(read_card(admit).operator)
    if replace is None:
        return Remove(remove or "")
    wanted = read_card(replace).operator
    with submits.client() as client:
        row = client.read(state.operator_key(wanted.name)).value
    if row is None:
        raise StateError(f"{wanted.name} is no operator")
    return Replace(wanted, state.read_operator(row).digest)


def vote(
    run: Run,
    proposal: Annotated[str, typer.Argument(help="help.consortium.proposal")],
    data: Data,
    no: Annotated[bool, typer.Option("--no", help="help.consortium.no")] = False,
    card: Annotated[
        Path | None, typer.Option("--card", metavar="CARD", help="help.consortium.vote_card")
    ] = None,
    node: Nodes = None,
) -> Answer:
    """Agree with a proposal, or with --no decline it.

    With --card nothing is sent unless what is proposed is what that card says; where the home trusts a header
    of the chain, what is proposed has to be shown under a header that follows.
    """
    identifier = _identifier(proposal)
    submits = submitter(data, node)
    if card is not None:
        check_card(read_card(card).operator, _proposed(run, submits, identifier))
    with at_node():
        _, accepted = submits.submit(Vote(identifier, agrees=not no))
        with submits.client() as client:
            found = _proposal(client, identifier)
    return _told(run, identifier, found, accepted.height)


def _proposed(run: Run, submits: Submitter, identifier: bytes) -> Proposal:
    """Return a proposal, proven where the home trusts a header; CommandError, OrderError."""
    found = _proven(run, submits, state.proposal_key(identifier))
    with at_node():
        if found is None:
            with submits.client() as client:
                return _proposal(client, identifier)
        return _read(found[1])


def check_card(wanted: Operator, proposal: Proposal) -> None:
    """Raise CommandError CARD_MISMATCH unless a proposal is for this operator, with all of its keys."""
    change = proposal.change
    if isinstance(change, Remove) or change.operator != wanted:
        raise CommandError(Exit.REFUSED, "CARD_MISMATCH", "error.consortium_card", name=wanted.name)


def _identifier(written: str) -> bytes:
    try:
        identifier = bytes.fromhex(written)
    except ValueError:
        identifier = b""
    if len(identifier) != _IDENTIFIER_OCTETS:
        detail = "a proposal has 64 hexadecimal digits"
        raise CommandError(Exit.USAGE, "PROPOSAL_MALFORMED", "error.usage", detail=detail)
    return identifier


def _proposal(client: Client, identifier: bytes) -> Proposal:
    return _read(client.read(state.proposal_key(identifier)).value)


def _read(row: bytes | None) -> Proposal:
    if row is None:
        raise StateError("the node does not know the proposal yet")
    return Proposal.parse(row)


def _told(run: Run, identifier: bytes, found: Proposal, height: int) -> Answer:
    data = {**described(identifier, found), "height": height}
    return Answer(data, [proposal_line(run, data)])


def proposal_line(run: Run, data: dict[str, Any]) -> str:
    """Return what a person reads of a proposal."""
    sides = {name: ", ".join(data[name]) or "-" for name in ("agreed", "declined")}
    line = run.text("consortium.proposal", **{**data, **sides})
    return line if data["key"] is None else f"{line}\n  {run.text('consortium.proposed', **data)}"


def described(identifier: bytes, found: Proposal) -> dict[str, Any]:
    """Return a proposal as it is shown."""
    change = found.change
    wanted = None if isinstance(change, Remove) else change.operator
    return {
        "proposal": identifier.hex(),
        "change": type(change).__name__.lower(),
        "operator": change.name if isinstance(change, Remove) else change.operator.name,
        "power": wanted.power if wanted else None,
        "key": wanted.key.hex() if wanted else None,
        "validator": wanted.validator.hex() if wanted else None,
        "log": str(wanted.log) if wanted else None,
        "standing": found.standing.name.lower(),
        "agreed": sorted(name for name, _ in found.agreed),
        "declined": sorted(name for name, _ in found.declined),
        "ends": iso_moment(found.ends),
    }


def open_proposals(client: Client, operators: list[str]) -> list[dict[str, Any]]:
    """Return the proposals of operators that are voted on, or were until they ended; StateError."""
    found = list[dict[str, Any]]()
    for name in operators:
        for identifier in state.read_identifiers(client.read(state.open_key(name)).value):
            proposal = _proposal(client, identifier)
            if proposal.standing is state.Standing.OPEN:
                found.append({"by": name, **described(identifier, proposal)})
    return found


def rotate(run: Run, data: Data, node: Nodes = None) -> Answer:
    """Change the key of the operator's transactions; after a crash or an outage the same command goes on.

    Where the home trusts a header of the chain (zk consortium trust) the new key takes the place of the one
    before only if it is shown under a header that follows; elsewhere the node's word counts.
    """
    home, submits = CityHome(data.absolute()), submitter(data, node)
    with ExitStack() as held:
        with in_folder():
            held.enter_context(home.rotating())
            key = home.next_key()
        public = public_octets(key)
        with at_node():
            with submits.client() as client:
                now = submits.operator(client)
            if now.key != public:
                _rotate(submits, RotateKey(public, key_consent(submits.chain, now.name, key)))
        height = _checked(run, submits, public)
        with in_folder():
            home.settle_key(public)
    data_ = {"operator": now.name, "key": public.hex(), "height": height}
    said = "consortium.rotated" if height is not None else "consortium.rotated_unchecked"
    return Answer(data_, [run.text(said, **data_)])


def _checked(run: Run, submits: Submitter, public: bytes) -> int | None:
    """Check that the chain has a key, under a header that follows from the one that the home trusts.

    Return that header's height; None if the home trusts none of this chain: then it is the node's word.
    Raises CommandError KEY_NOT_TAKEN, NODE_UNREACHABLE; OrderError.
    """
    found = _proven(run, submits, state.operator_key(submits.name))
    if found is None:
        return None
    height, row = found
    with at_node():
        taken = row is not None and state.read_operator(row).key == public
    if not taken:
        raise CommandError(Exit.REFUSED, "KEY_NOT_TAKEN", "error.consortium_key_not_taken", name=submits.name)
    return height


def _proven(run: Run, submits: Submitter, key: bytes) -> tuple[int, bytes | None] | None:
    """Return the height of a header that follows from the one that the home trusts, and a row under it.

    None if the home trusts no header of this chain. Raises CommandError NODE_UNREACHABLE, OrderError.
    """
    pinned = Pinned.of(run)
    if pinned is None or pinned.trusted.chain != submits.chain:
        return None
    with at_node(), submits.client() as client:
        later, row = fetching.proven(client, key, pinned.trusted, seconds())
    moved_on(run, pinned, later)
    return later.height, row


def _rotate(submits: Submitter, body: RotateKey) -> None:
    """Have the chain take a key. Only what it has counts: an answer may be lost, and the key be changed."""
    try:
        submits.submit(body)
    except (RefusedError, StateError):
        with suppress(StateError), submits.client() as client:
            if submits.operator(client).key == body.key:
                return
        raise
