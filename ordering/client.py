"""Asks a node over its JSON-RPC (CometBFT v0.38, spec/rpc), which listens on loopback for its operator."""

import base64
import time
from dataclasses import dataclass
from typing import Any, Final

from ordering.errors import Refusal, RefusedError, StateError
from ordering.machine import Proven
from ordering.octets import Reader
from ordering.transactions import Transaction
from ordering.tree import take_proof

SECONDS: Final = 30.0


@dataclass(frozen=True)
class Accepted:
    """Where an accepted transaction stands."""

    height: int


class Client:
    """For one node; closed by its block."""

    def __init__(self, url: str, seconds: float = SECONDS) -> None:
        import httpx  # noqa: PLC0415, HTTP is loaded by who asks over it

        self._failures = (httpx.HTTPError, ValueError)
        self._http = httpx.Client(base_url=url, timeout=seconds, trust_env=False, follow_redirects=False)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def ask(self, method: str, **given: Any) -> Any:
        """Call a method; StateError if there is no answer, or an error of the engine's."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": given}
        try:
            answer = self._http.post("/", json=body).json()
        except self._failures as error:
            raise StateError(f"the node does not answer: {type(error).__name__}") from None
        if answer.get("error"):
            raise StateError(f"{method}: {answer['error'].get('data') or answer['error'].get('message')}")
        return answer["result"]

    @property
    def height(self) -> int:
        """The newest block's height."""
        return int(self.ask("status")["sync_info"]["latest_block_height"])

    def wait_for(self, height: int) -> None:
        """Wait until a block is final; StateError after SECONDS."""
        ends = time.monotonic() + SECONDS
        while self.height < height:
            if time.monotonic() > ends:
                raise StateError(f"block {height} does not come")
            time.sleep(0.1)

    def send(self, transaction: Transaction) -> None:
        """Hand a transaction in, without waiting for its block; RefusedError, StateError."""
        check_answer(self.ask("broadcast_tx_sync", tx=base64.b64encode(transaction.to_bytes()).decode()))

    def submit(self, transaction: Transaction) -> Accepted:
        """Hand a transaction in and wait for its block; RefusedError, StateError."""
        answer = self.ask("broadcast_tx_commit", tx=base64.b64encode(transaction.to_bytes()).decode())
        check_answer(answer["check_tx"])
        check_answer(answer["tx_result"])
        return Accepted(int(answer["height"]))

    def read(self, key: bytes) -> Proven:
        """Return a row and what leads to the hash in the header after its height; StateError."""
        answer = self.ask("abci_query", path="/row", data=key.hex())["response"]
        if answer.get("code"):
            raise StateError(str(answer.get("log")))
        value = base64.b64decode(answer["value"]) if answer.get("value") else b""
        reader = Reader(bytes.fromhex(answer["info"]))
        try:
            proof, present = take_proof(reader), reader.number(1)
        except RefusedError as error:
            raise StateError(f"the node's proof cannot be read: {error.detail}") from None
        return Proven(value if present else None, proof, int(answer["height"]))


def check_answer(result: Any) -> None:
    """Check the engine's word on a transaction; RefusedError, StateError."""
    code = int(result["code"])
    if code:
        detail = str(result.get("log", "")).partition(": ")[2]
        try:
            raise RefusedError(Refusal(code), detail)
        except ValueError:
            raise StateError(f"the engine refuses with {code}: {result.get('log')}") from None
