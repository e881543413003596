"""Hands an operator's transactions in at whichever of some nodes answers, each once.

The sequence number comes from the chain, so several processes of one operator may submit at the same time:
who comes second with a number takes another one. Of a transaction whose answer was lost the node is asked
by its hash, for as long as it may still come into a block.
"""

import base64
import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ordering import state
from ordering.client import Accepted, Client, check_answer, checked_height, reading
from ordering.errors import Refusal, RefusedError, StateError
from ordering.home import public_octets
from ordering.operators import Operator
from ordering.transactions import Body, Transaction

SECONDS: Final = 60.0
_TRIES: Final = 20
_AGAIN_SECONDS: Final = 0.5


class Submitter:
    """For one operator of one chain. `urls` are asked in turn; `keys` gives the keys that it may have now."""

    def __init__(
        self,
        urls: Sequence[str],
        chain: str,
        operator: str,
        keys: Callable[[], Sequence[Ed25519PrivateKey]],
        seconds: float = SECONDS,
    ) -> None:
        self._urls, self.chain, self.name, self._keys = list(urls), chain, operator, keys
        self._seconds = seconds

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        """Open a client of the first node that answers, is of this chain and has caught up; StateError."""
        told = list[str]()
        for url in tuple(self._urls):
            with Client(url) as client:
                try:
                    self._check(client)
                except StateError as error:
                    told.append(f"{url}: {error}")
                    continue
                yield client
                return
        raise StateError("no node can be asked: " + "; ".join(told))

    def _check(self, client: Client) -> None:
        said = client.ask("status")
        with reading("status"):
            chain, behind = said["node_info"]["network"], said["sync_info"]["catching_up"]
        if chain != self.chain:
            raise StateError(f"the node is of another chain, {chain}")
        if behind:
            raise StateError("the node has not caught up")

    def operator(self, client: Client) -> Operator:
        """Return the operator as the chain has it; StateError if it is none."""
        names = client.read(state.OPERATORS).value
        row = client.read(state.operator_key(self.name)).value
        try:
            if names is None or row is None or self.name not in state.read_names(names):
                raise StateError(f"{self.name} is no operator of {self.chain}")
            return state.read_operator(row)
        except RefusedError as error:
            raise StateError(f"the node's row cannot be read: {error.detail}") from None

    def submit(self, body: Body) -> tuple[Transaction, Accepted]:
        """Sign, hand in and wait for the block; RefusedError, StateError (then nobody knows, or no node)."""
        refused: Exception = StateError("no sequence number was free")
        for ahead in range(_TRIES):
            with self.client() as client:
                transaction = self._signed(client, body, ahead)
                try:
                    return transaction, self._handed(client, transaction)
                except RefusedError as error:
                    if error.refusal is not Refusal.REPLAYED:
                        raise
                    refused = error  # another process of this operator has used the number
            time.sleep(_AGAIN_SECONDS)
        raise refused

    def key(self, client: Client) -> Ed25519PrivateKey:
        """Return the one of the keys that the chain has now; StateError if it has another one."""
        public = self.operator(client).key
        key = next((each for each in self._keys() if public_octets(each) == public), None)
        if key is None:
            raise StateError(f"the chain has another key of {self.name} than this folder")
        return key

    def _signed(self, client: Client, body: Body, ahead: int) -> Transaction:
        key = self.key(client)
        seen = client.seen(self.name)
        return Transaction(self.chain, self.name, seen.highest + 1 + ahead, body).signed(key)

    def _handed(self, client: Client, transaction: Transaction) -> Accepted:
        try:
            return client.submit(transaction)
        except StateError as lost:
            return self._found(client, transaction, lost)

    def _found(self, client: Client, transaction: Transaction, lost: StateError) -> Accepted:
        digest = base64.b64encode(hashlib.sha256(transaction.to_bytes()).digest()).decode()
        ends = time.monotonic() + self._seconds
        while time.monotonic() < ends:
            with contextlib.suppress(StateError), reading("answer"):
                found = client.ask("tx", hash=digest)
                check_answer(found["tx_result"])
                return Accepted(checked_height(found["height"]))
            time.sleep(_AGAIN_SECONDS)
        raise lost
