"""Brings what `verifying` checks from a node: headers, commits, validators, a row with its proof.

Nothing that a node says is believed here; whoever gets it checks it.
"""

import base64
import contextlib
import datetime as dt
import re
import time
from collections.abc import Iterator
from typing import Any, Final

from ordering import state, tree
from ordering.client import Client, reading
from ordering.errors import RefusedError, StateError
from ordering.light.encoding import Time
from ordering.light.header import BlockId, Commit, CommitVote, Flag, Header, Validators
from ordering.light.verifying import (
    Order,
    OrderError,
    OrderReason,
    Step,
    Trusted,
    advance,
    check_block,
    check_row,
    check_signed,
)
from ordering.machine import Proven, app_hash
from ordering.octets import Reader, Writer

_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")
_TRIES: Final = 100
STEPS_SECONDS: Final = 120.0
"""So long headers are looked for, however many lie between."""


def step(client: Client, height: int) -> Step:
    """Bring a height's header, commit and validators; StateError."""
    with reading("header"), _as_value():
        given = client.ask("commit", height=str(height))["signed_header"]
        header, commit = _header(given["header"]), _commit(given["commit"])
        if header.height != height:
            raise ValueError("it is of another height")
        found = Step(header, commit, _validators(client, height), _validators(client, height + 1))
        return _encodable(found)


@contextlib.contextmanager
def _as_value() -> Iterator[None]:
    try:
        yield
    except RefusedError as error:
        raise ValueError(error.detail) from None


def _encodable(found: Step) -> Step:
    """Return a step, which can be kept and read again; RefusedError, OverflowError."""
    writer = Writer()
    found.write(writer)
    return Step.take(Reader(writer.to_bytes()))


def trusted(client: Client, height: int) -> Trusted:
    """Take a height as what is trusted: of one's own node, or to compare its hash with what others tell.

    Raises StateError, OrderError if the header is not signed by two thirds of its own validators.
    """
    found = step(client, height)
    check_block(found)
    check_signed(found)
    return Trusted(found.header, found.next_validators)


def order(client: Client, origin: str, begin: Trusted, now: int) -> Order:
    """Bring what shows a log's newest ordered checkpoint; StateError if there is none, OrderError.

    Its `consistency` is empty: whoever has the log's tiles adds what leads from a receipt's checkpoint.
    """
    found = order_if_any(client, origin, begin, now)
    if found is None:
        raise StateError("no checkpoint of this log is ordered yet")
    return found


def order_if_any(client: Client, origin: str, begin: Trusted, now: int) -> Order | None:
    """Bring it as `order` does, its row checked; None, which is not shown, while the log has none."""
    row = client.read(state.checkpoint_key(origin))
    if row.value is None:
        return None
    key = state.checkpoint_key(origin)
    steps = steps_to(client, begin, _height_over(client, key, row), now)
    check_row(steps[-1].header, key, row.value, row.proof)
    return Order(steps, row.value, row.proof, ())


def steps_to(client: Client, begin: Trusted, height: int, now: int) -> tuple[Step, ...]:
    """Bring headers that lead from a trusted one to a height: the last one, and what is needed between.

    Raises StateError, also if that takes longer than STEPS_SECONDS; OrderError.
    """
    steps, wanted = list[Step](), [height]
    ends = time.monotonic() + STEPS_SECONDS
    for _ in range(_TRIES):
        if not wanted:
            return tuple(steps)
        if time.monotonic() > ends:
            break
        following = step(client, wanted[-1])
        try:
            begin, _ = advance(begin, [following], now)
        except OrderError as error:
            middle = (begin.height + wanted[-1]) // 2
            if error.reason is not OrderReason.ORDER_TRUST_MISSING or middle <= begin.height:
                raise
            wanted.append(middle)
        else:
            steps.append(following)
            wanted.pop()
    raise StateError("too many headers lie between, or the node is too slow")


def shown(client: Client, key: bytes, begin: Trusted, now: int) -> tuple[tuple[Step, ...], Proven]:
    """Bring a row and the headers that lead to the one that it is under."""
    row = client.read(key)
    return steps_to(client, begin, _height_over(client, key, row), now), row


def proven(client: Client, key: bytes, begin: Trusted, now: int) -> tuple[Trusted, bytes | None]:
    """Return what is trusted then, and a row as it stands under a header that follows; None if there is none.

    Raises StateError, OrderError.
    """
    steps, row = shown(client, key, begin, now)
    later, header = advance(begin, steps, now)
    if header is None:
        raise OrderError(OrderReason.ORDER_MALFORMED, "there is no header")
    check_row(header, key, row.value, row.proof)
    return later, row.value


def _height_over(client: Client, key: bytes, row: Proven) -> int:
    """Return the height whose header has the state of a row; StateError, OrderError.

    That is the next one, which comes at once where the state has changed; where it has not, the block's own
    header has it already, and the next one may take its time.
    """
    root = tree.proven_root(key, row.value, row.proof)
    with reading("header"):
        given = client.ask("commit", height=str(row.height))["signed_header"]["header"]["app_hash"]
        has_it = root is not None and bytes.fromhex(given) == app_hash(root)
    if root is None:
        raise OrderError(OrderReason.ORDER_ROW_INVALID, "the row does not lead to a state")
    if has_it:
        return row.height
    client.wait_for(row.height + 1)
    return row.height + 1


def _header(given: Any) -> Header:
    return Header(
        int(given["version"].get("block", 0)),
        int(given["version"].get("app", 0)),
        given["chain_id"],
        int(given["height"]),
        _time(given["time"]),
        _block_id(given["last_block_id"]),
        *(
            bytes.fromhex(given[name])
            for name in (
                "last_commit_hash", "data_hash", "validators_hash", "next_validators_hash", "consensus_hash",
                "app_hash", "last_results_hash", "evidence_hash", "proposer_address",
            )
        ),
    )  # fmt: skip


def _block_id(given: Any) -> BlockId:
    parts = given["parts"]
    return BlockId(bytes.fromhex(given["hash"]), int(parts["total"]), bytes.fromhex(parts["hash"]))


def _commit(given: Any) -> Commit:
    votes = tuple(map(_vote, given["signatures"]))
    return Commit(int(given["height"]), int(given["round"]), _block_id(given["block_id"]), votes)


def _vote(given: Any) -> CommitVote:
    flag = Flag(given["block_id_flag"])
    if flag is Flag.ABSENT:
        return CommitVote(flag)
    signature = base64.b64decode(given["signature"], validate=True)
    return CommitVote(flag, bytes.fromhex(given["validator_address"]), _time(given["timestamp"]), signature)


def _validators(client: Client, height: int) -> Validators:
    given = client.ask("validators", height=str(height), page="1", per_page="100")
    if int(given["total"]) != len(given["validators"]):
        raise StateError("there are more validators than one answer has")
    members = (
        (base64.b64decode(each["pub_key"]["value"]), int(each["voting_power"]))
        for each in given["validators"]
    )
    return Validators(tuple(members))


def _time(text: str) -> Time:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError("that is no time")
    seconds = dt.datetime.fromisoformat(found[1] + "+00:00").timestamp()
    return int(seconds), int((found[2] or "").ljust(9, "0"))
