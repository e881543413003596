"""A node without an engine: headers signed with the cities' validators, answers over HTTP, true or not."""

import base64
import contextlib
import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ordering import state
from ordering.home import public_octets
from ordering.light.header import BlockId, Commit, CommitVote, Flag, Header, Validators
from ordering.light.verifying import Step, Trusted
from ordering.octets import Writer
from ordering.tree import write_proof
from tests.ordering.cities import CHAIN, City, Town

SECONDS = 1_800_000_000
NOW = SECONDS + 1_000


@dataclass
class Node:
    """Headers up to `height` over one state; `touched` may change what it answers, by the method's name."""

    town: Town
    height: int = 9
    touched: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""
    dripping: bool = False
    """Whether answers come an octet at a time, each soon enough, and have no end."""
    trickling: bool = False
    """Whether that is so of the lines before an answer."""

    @property
    def validators(self) -> Validators:
        """The same at each height."""
        members = [(public_octets(each.validator), each.power) for each in self.town.cities]
        members.sort(key=lambda each: (-each[1], state.validator_address(each[0])))
        return Validators(tuple(members))

    def header(self, height: int) -> Header:
        """Return the header of a height."""
        hashes = self.validators.hash()
        kept = self.town.machine.committed
        assert kept is not None
        return Header(
            11, 1, CHAIN, height, (SECONDS + height, 0), BlockId(bytes([1]) * 32, 1, bytes([2]) * 32),
            bytes(32), bytes(32), hashes, hashes, bytes(32), kept.app_hash, bytes(32), bytes(32), bytes(20),
        )  # fmt: skip

    def step(self, height: int, signers: int | None = None) -> Step:
        """Return the header with its commit, signed by all cities or the first of them."""
        header = self.header(height)
        commit = Commit(height, 0, BlockId(header.hash(), 1, bytes([3]) * 32), ())
        votes = tuple(signed(each, commit) for each in self.town.cities[:signers])
        return Step(header, replace(commit, votes=votes), self.validators, self.validators)

    def trusted(self, height: int) -> Trusted:
        """Return what is trusted of a height."""
        return Trusted(self.header(height), self.validators)

    def answer(self, method: str, given: dict[str, Any]) -> Any:
        """Answer as the engine does."""
        self.asked.append(method)
        found = getattr(self, f"_{method}")(**given)
        return self.touched[method](found) if method in self.touched else found

    def _status(self) -> Any:
        sync = {"latest_block_height": str(self.height), "catching_up": False}
        return {"node_info": {"network": CHAIN}, "sync_info": sync}

    def _commit(self, height: str) -> Any:
        return {"signed_header": written(self.step(int(height)))}

    def _validators(self, height: str, **_: str) -> Any:
        found = [
            {"pub_key": {"value": encoded(key)}, "voting_power": str(power)}
            for key, power in self.validators.members
        ]
        return {"total": str(len(found)), "validators": found}

    def _abci_query(self, path: str, data: str) -> Any:
        row = self.town.machine.read(bytes.fromhex(data))
        info = write_proof(row.proof, Writer()).number(row.value is not None, 1).to_bytes().hex()
        value = encoded(row.value or b"")
        return {"response": {"code": 0, "value": value, "info": info, "height": str(self.height)}}


def encoded(octets: bytes) -> str:
    """Write octets as JSON-RPC does."""
    return base64.b64encode(octets).decode()


def signed(city: City, commit: Commit) -> CommitVote:
    """Have a city's validator vote for a block."""
    address = state.validator_address(public_octets(city.validator))
    vote = CommitVote(Flag.COMMIT, address, (SECONDS + commit.height, 0))
    return replace(vote, signature=city.validator.sign(commit.sign_bytes(CHAIN, vote)))


def written(step: Step) -> dict[str, Any]:
    """Write header and commit as JSON-RPC does."""
    header, commit = step.header, step.commit
    return {
        "header": {
            "version": {"block": str(header.block_version), "app": str(header.app_version)},
            "chain_id": header.chain,
            "height": str(header.height),
            "time": _time(header.time[0]),
            "last_block_id": _block(header.last_block),
            "last_commit_hash": header.last_commit_hash.hex(),
            "data_hash": header.data_hash.hex(),
            "validators_hash": header.validators_hash.hex(),
            "next_validators_hash": header.next_validators_hash.hex(),
            "consensus_hash": header.consensus_hash.hex(),
            "app_hash": header.app_hash.hex(),
            "last_results_hash": header.last_results_hash.hex(),
            "evidence_hash": header.evidence_hash.hex(),
            "proposer_address": header.proposer.hex(),
        },
        "commit": {
            "height": str(commit.height),
            "round": commit.round,
            "block_id": _block(commit.block),
            "signatures": [
                {
                    "block_id_flag": vote.flag.value,
                    "validator_address": vote.address.hex(),
                    "timestamp": _time(vote.time[0]),
                    "signature": encoded(vote.signature),
                }
                for vote in commit.votes
            ],
        },
    }


def _time(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat().replace("+00:00", "Z")


def _block(block: BlockId) -> dict[str, Any]:
    return {"hash": block.hash.hex(), "parts": {"total": block.parts, "hash": block.parts_hash.hex()}}


def served_by(node: Node) -> type[BaseHTTPRequestHandler]:
    """Return what answers for a node."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            body = node.answer(asked["method"], asked["params"])
            octets = body if isinstance(body, bytes) else json.dumps({"result": body}).encode()
            self.send_response(200)
            self.flush_headers()
            with contextlib.suppress(OSError):
                while node.trickling:
                    self.wfile.write(b"x-more: 1\r\n")
                    time.sleep(0.05)
            self.send_header("content-length", str(len(octets)))
            self.end_headers()
            with contextlib.suppress(OSError):  # who has seen enough hangs up
                while node.dripping:
                    self.wfile.write(b" ")
                    time.sleep(0.05)
                self.wfile.write(octets)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


@contextlib.contextmanager
def answering(node: Node) -> Iterator[Node]:
    """Serve a node on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), served_by(node)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        node.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield node
        finally:
            server.shutdown()
