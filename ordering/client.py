"""Asks a node over its JSON-RPC (CometBFT v0.38, spec/rpc), which listens on loopback for its operator."""

import base64
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ordering import state
from ordering.errors import Refusal, RefusedError, StateError
from ordering.machine import Proven
from ordering.octets import Reader
from ordering.transactions import Transaction
from ordering.tree import take_proof
from tlog import bounded_json

SECONDS: Final = 30.0
MAX_OCTETS: Final = 4 << 20
"""No answer that is asked for here is longer."""
_MAX_HEIGHT: Final = (1 << 63) - 1
_CONNECTED: Final = "connection.connect_tcp.complete"


@dataclass(frozen=True)
class Accepted:
    """Where an accepted transaction stands."""

    height: int


class Client:
    """For one node; closed by its block."""

    def __init__(self, url: str, seconds: float = SECONDS) -> None:
        import httpx  # noqa: PLC0415, HTTP is loaded by who asks over it

        self._failures = (httpx.HTTPError, ValueError)
        self._seconds = seconds
        self._over, self._socket = threading.Event(), contextlib.ExitStack()
        self._cut: Callable[[], None] = lambda: None
        self._http = httpx.Client(base_url=url, timeout=seconds, trust_env=False, follow_redirects=False)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._socket.close()

    def ask(self, method: str, **given: Any) -> Any:
        """Call a method; StateError if there is no answer, or an error of the engine's."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": given}
        try:
            answer = bounded_json.loads(self._answer(body))
        except self._failures as error:
            raise StateError(f"the node does not answer: {type(error).__name__}") from None
        if not isinstance(answer, dict):
            raise StateError(f"{method}: the node's answer cannot be read")
        if refused := answer.get("error"):
            told = refused.get("data") or refused.get("message") if isinstance(refused, dict) else "refused"
            raise StateError(f"{method}: {told}")
        with reading("answer"):
            return answer["result"]

    def _answer(self, body: Any) -> bytes:
        """Return an answer's octets; at most MAX_OCTETS, and all of them within the client's seconds."""
        found, extensions = bytearray(), {"trace": self._connected}
        with self._in_time(), self._http.stream("POST", "/", json=body, extensions=extensions) as response:
            for each in response.iter_bytes():
                found += each
                if len(found) > MAX_OCTETS:
                    raise StateError("the node's answer is too long")
        return bytes(found)

    @contextlib.contextmanager
    def _in_time(self) -> Iterator[None]:
        """Cut the connection when the time is over: one octet now and then keeps each single wait short."""
        self._over = over = threading.Event()

        def cut() -> None:
            over.set()
            self._cut()

        cutting = threading.Timer(self._seconds, cut)
        cutting.daemon = True
        cutting.start()
        try:
            yield
        except self._failures:
            if over.is_set():
                raise StateError("the node does not answer in time") from None
            raise
        finally:
            cutting.cancel()

    def _connected(self, event: str, told: dict[str, Any]) -> None:
        """Keep what cuts a connection, and cut it at once if it came when the time was over.

        The kept socket is a copy: TLS takes its connection's own away when it begins.
        """
        if event != _CONNECTED:
            return
        self._socket.close()
        kept = self._socket.enter_context(told["return_value"].get_extra_info("socket").dup())

        def cut() -> None:
            with contextlib.suppress(OSError):  # it is closed already
                kept.shutdown(socket.SHUT_RDWR)

        self._cut = cut
        if self._over.is_set():
            cut()

    @property
    def height(self) -> int:
        """The newest block's height; StateError."""
        with reading("status"):
            return checked_height(self.ask("status")["sync_info"]["latest_block_height"])

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
        with reading("answer"):
            check_answer(answer["check_tx"])
            check_answer(answer["tx_result"])
            return Accepted(checked_height(answer["height"]))

    def read(self, key: bytes) -> Proven:
        """Return a row and what leads to the hash in the header after its height; StateError."""
        with reading("row"):
            answer = self.ask("abci_query", path="/row", data=key.hex())["response"]
            if answer.get("code"):
                raise StateError(str(answer.get("log")))
            value = base64.b64decode(answer["value"]) if answer.get("value") else b""
            reader, height = Reader(bytes.fromhex(answer["info"])), checked_height(answer["height"])
        try:
            proof, present = take_proof(reader), reader.number(1)
        except RefusedError as error:
            raise StateError(f"the node's proof cannot be read: {error.detail}") from None
        return Proven(value if present else None, proof, height)

    def seen(self, operator: str) -> state.Seen:
        """Return which numbers of an operator were used, as the node says it; StateError."""
        row = self.read(state.sequence_key(operator)).value
        try:
            found = state.Seen.parse(row)
        except RefusedError as error:
            raise StateError(f"the node's row cannot be read: {error.detail}") from None
        if found.highest > _MAX_HEIGHT:
            raise StateError("the node's row cannot be read: no number comes after that")
        return found


@contextlib.contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn what cannot be read of a node's answer into a StateError; what it refuses itself passes."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise StateError(f"the node's {what} cannot be read: {type(error).__name__} {error}"[:200]) from None


def checked_height(given: Any) -> int:
    """Return a height that a node says; ValueError, TypeError."""
    height = int(given)
    if not 0 <= height <= _MAX_HEIGHT:
        raise ValueError("that is no height")
    return height


def check_answer(result: Any) -> None:
    """Check the engine's word on a transaction; RefusedError, StateError."""
    with reading("answer"):
        code = int(result["code"])
    if code:
        detail = str(result.get("log", "")).partition(": ")[2]
        try:
            raise RefusedError(Refusal(code), detail)
        except ValueError:
            raise StateError(f"the engine refuses with {code}: {result.get('log')}") from None
