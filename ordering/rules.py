"""What a transaction does, or why it does nothing.

Each rule looks at everything before it writes anything, so what is refused changes nothing. A rule knows the
rows, the transaction, and the height and time of the block, and nothing else.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from ordering import membership, state
from ordering.errors import Refusal, RefusedError
from ordering.operators import Operator
from ordering.state import Claimed, Epoch, Ordered, Proposal, Rows, Seen, Standing
from ordering.transactions import (
    Claim,
    Propose,
    RotateKey,
    SubmitCheckpoint,
    SubmitEpoch,
    Transaction,
    Vote,
    check_key_consent,
)
from tlog.checkpoint import Checkpoint, checkpoint_of
from tlog.errors import TlogError, VerificationError
from tlog.merkle import EMPTY_ROOT, verify_consistency
from tlog.note import open_note

MAX_OPEN: Final = 4
"""So many proposals of one operator may be open."""
VOTING_SECONDS: Final = 7 * 86_400
_PROPOSAL: Final = b"zk-disclosure/consortium/proposal/v1\n"


@dataclass(frozen=True)
class Moment:
    """The block that a transaction stands in: its height, and its time in seconds since 1970."""

    height: int
    seconds: int


def proposal_id(transaction: Transaction) -> bytes:
    """Return what a proposal is voted on by."""
    return hashlib.sha256(_PROPOSAL + transaction.text()).digest()


def apply(rows: Rows, data: bytes, moment: Moment) -> Transaction:
    """Do what a transaction says, and return it; RefusedError, and then nothing is changed."""
    transaction = Transaction.parse(data)
    if transaction.chain != state.chain(rows):
        raise RefusedError(Refusal.CHAIN_MISMATCH, "the transaction is for another chain")
    operator = state.operator(rows, transaction.operator)
    if operator is None:
        raise RefusedError(Refusal.OPERATOR_UNKNOWN, f"{transaction.operator} is no operator")
    seen = Seen.parse(rows.get(state.sequence_key(operator.name)))
    if seen.has(transaction.sequence):
        raise RefusedError(Refusal.REPLAYED, "the sequence number was used, or is too old")
    if transaction.sequence > seen.highest + state.MOST_AHEAD:
        raise RefusedError(Refusal.SEQUENCE_TOO_FAR, f"the highest sequence number is {seen.highest}")
    transaction.check_signature(operator.key)
    _act(rows, operator, transaction, moment)
    rows.put(state.sequence_key(operator.name), seen.with_(transaction.sequence).to_bytes())
    return transaction


def _act(rows: Rows, operator: Operator, transaction: Transaction, moment: Moment) -> None:
    match transaction.body:
        case SubmitCheckpoint() as body:
            _order(rows, operator, body, moment)
        case SubmitEpoch() as body:
            _epoch(rows, operator, body, moment)
        case Claim() as body:
            _claim(rows, operator, body, moment)
        case Propose() as body:
            _propose(rows, operator, body, proposal_id(transaction), moment)
        case Vote() as body:
            _vote(rows, operator, body, moment)
        case RotateKey() as body:
            check_key_consent(transaction.chain, operator.name, body)
            membership.check_free(rows, replace(operator, key=body.key))
            state.put_operator(rows, replace(operator, key=body.key))


def _order(rows: Rows, operator: Operator, body: SubmitCheckpoint, moment: Moment) -> None:
    checkpoint, key = _opened(operator, body.note), state.checkpoint_key(operator.log.name)
    found = rows.get(key)
    known = Ordered.parse(found) if found is not None else None
    if known is not None and checkpoint.size <= known.size:
        if checkpoint.size == known.size and checkpoint.root != known.root:
            raise RefusedError(Refusal.CHECKPOINT_FORKED, "the log has signed another tree of this size")
        raise RefusedError(Refusal.CHECKPOINT_NOT_NEWER, f"size {known.size} is ordered already")
    if known is None and checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
        raise RefusedError(Refusal.CHECKPOINT_INVALID, "the root is not that of the empty tree")
    _check_extends(known, checkpoint, body.proof)
    rows.put(key, Ordered(checkpoint.size, checkpoint.root, moment.height).to_bytes())


def _opened(operator: Operator, note: bytes) -> Checkpoint:
    try:
        opened = open_note(note, (operator.log,))
        return checkpoint_of(opened, opened.verified[0])
    except TlogError as error:
        raise RefusedError(Refusal.CHECKPOINT_INVALID, f"the checkpoint: {error.reason}") from None


def _check_extends(known: Ordered | None, checkpoint: Checkpoint, proof: tuple[bytes, ...]) -> None:
    if known is None or known.size == 0:
        if proof:
            raise RefusedError(Refusal.CHECKPOINT_INVALID, "nothing is to be proven from an empty tree on")
        return
    try:
        verify_consistency(known.size, checkpoint.size, proof, known.root, checkpoint.root)
    except VerificationError:
        raise RefusedError(
            Refusal.CHECKPOINT_INVALID, f"it is not shown to go on from {known.size}"
        ) from None


def _epoch(rows: Rows, operator: Operator, body: SubmitEpoch, moment: Moment) -> None:
    key = state.epoch_key(operator.name, body.issuer)
    found = rows.get(key)
    if found is not None and body.number <= (known := Epoch.parse(found)).number:
        raise RefusedError(Refusal.EPOCH_NOT_NEWER, f"epoch {known.number} is ordered already")
    rows.put(key, Epoch(body.number, body.digest, moment.height).to_bytes())


def _claim(rows: Rows, operator: Operator, body: Claim, moment: Moment) -> None:
    key = state.claim_key(body.scope, body.tag)
    if (found := rows.get(key)) is not None:
        first = Claimed.parse(found)
        raise RefusedError(Refusal.TAKEN, f"{first.operator} came first, in block {first.height}")
    rows.put(key, Claimed(operator.name, body.reference, moment.height).to_bytes())


def _propose(rows: Rows, operator: Operator, body: Propose, identifier: bytes, moment: Moment) -> None:
    membership.check(rows, body.change)
    mine = [each for each in _proposals_of(rows, operator.name) if _is_open(rows, each, moment)]
    if len(mine) >= MAX_OPEN:
        raise RefusedError(Refusal.PROPOSALS_TOO_MANY, f"{MAX_OPEN} proposals are open")
    rows.put(state.open_key(operator.name), b"".join([*mine, identifier]))
    ends = moment.seconds + VOTING_SECONDS
    mine_now = state.voter(rows, operator.name)
    _settle(rows, identifier, Proposal(body.change, ends, Standing.OPEN, (mine_now,), ()))


def _proposals_of(rows: Rows, name: str) -> list[bytes]:
    return list(state.read_identifiers(rows.get(state.open_key(name))))


def _is_open(rows: Rows, identifier: bytes, moment: Moment) -> bool:
    proposal = Proposal.parse(rows.get(state.proposal_key(identifier)) or b"")
    return proposal.standing is Standing.OPEN and moment.seconds < proposal.ends


def _vote(rows: Rows, operator: Operator, body: Vote, moment: Moment) -> None:
    found = rows.get(state.proposal_key(body.proposal))
    if found is None:
        raise RefusedError(Refusal.PROPOSAL_UNKNOWN, "there is no such proposal")
    proposal = Proposal.parse(found)
    if proposal.standing is not Standing.OPEN or moment.seconds >= proposal.ends:
        raise RefusedError(Refusal.PROPOSAL_ENDED, "the proposal is not open any more")
    voter = state.voter(rows, operator.name)
    if voter in (*proposal.agreed, *proposal.declined):
        raise RefusedError(Refusal.VOTED, f"{operator.name} has voted")
    if body.agrees:
        proposal = replace(proposal, agreed=(*proposal.agreed, voter))
    else:
        proposal = replace(proposal, declined=(*proposal.declined, voter))
    _settle(rows, body.proposal, proposal)


def _settle(rows: Rows, identifier: bytes, proposal: Proposal) -> None:
    """Write a proposal, and do what it says once more than two thirds of the operators agree.

    Only those count that are operators now, with the keys that they voted with. What was possible when it was
    proposed may not be any more.
    """
    present = {state.voter(rows, name) for name in state.operators(rows)}
    yes, no = (len({*voters} & present) for voters in (proposal.agreed, proposal.declined))
    if 3 * yes > 2 * len(present):
        try:
            membership.change(rows, proposal.change)
            proposal = replace(proposal, standing=Standing.ACCEPTED)
        except RefusedError:
            proposal = replace(proposal, standing=Standing.IMPOSSIBLE)
    elif 3 * (len(present) - no) <= 2 * len(present):
        proposal = replace(proposal, standing=Standing.REJECTED)
    rows.put(state.proposal_key(identifier), proposal.to_bytes())
