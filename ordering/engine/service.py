"""Answers what the engine asks (CometBFT v0.38, spec/abci): each question is a step of the machine.

State rules: the event loop's thread is the only one that touches the machine, so questions on the engine's
four connections come one after the other. A machine whose state cannot be right ends the process: a node
that stands still harms nobody, one that goes on with another state would be outvoted.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

from ordering.engine import messages
from ordering.errors import StateError
from ordering.genesis import Genesis
from ordering.machine import Block, Machine, Misbehaviour, Outcome
from ordering.octets import Writer
from ordering.rules import Moment
from ordering.snapshots import FORMAT, Restoring, Snapshot, Snapshots
from ordering.store import Store
from ordering.tree import write_proof

APP_VERSION: Final = 1
CODESPACE: Final = "zk-disclosure"
_LOG: Final = logging.getLogger(__name__)


class Application:
    """The sixteen methods, for one machine. `snapshot_every` is in blocks; 0 makes none.

    `failed` is called with what makes going on impossible.
    """

    def __init__(
        self, store: Store, snapshots: Snapshots, snapshot_every: int, failed: Callable[[BaseException], None]
    ) -> None:
        self._store, self._snapshots, self._every, self._failed = store, snapshots, snapshot_every, failed
        self._machine = Machine(store)
        self._restoring: Restoring | None = None
        self._pb: Any = messages.load("tendermint.abci.types_pb2")
        self._keys: Any = messages.load("tendermint.crypto.keys_pb2")

    def handlers(self) -> dict[str, tuple[Callable[[Any], Any], Any]]:
        """Return each method's function and the type of its question, by its name."""
        methods = (
            self.echo, self.flush, self.info, self.check_tx, self.query, self.commit, self.init_chain,
            self.list_snapshots, self.offer_snapshot, self.load_snapshot_chunk, self.apply_snapshot_chunk,
            self.prepare_proposal, self.process_proposal, self.extend_vote, self.verify_vote_extension,
            self.finalize_block,
        )  # fmt: skip
        names = ["".join(part.title() for part in each.__name__.split("_")) for each in methods]
        return {
            name: (self._guarded(each), getattr(self._pb, f"Request{name}"))
            for name, each in zip(names, methods, strict=True)
        }

    def _guarded(self, method: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Have the process end for whatever a method raises: it cannot know that it is right any more."""

        def run(asked: Any) -> Any:
            try:
                return method(asked)
            except BaseException as error:
                self._failed(error)
                raise

        return run

    def echo(self, asked: Any) -> Any:
        """Say the same."""
        return self._pb.ResponseEcho(message=asked.message)

    def flush(self, _: Any) -> Any:
        """Do nothing: nothing is held back."""
        return self._pb.ResponseFlush()

    def info(self, _: Any) -> Any:
        """Tell the newest block that is kept; the engine sends those after it again."""
        kept = self._machine.committed
        return self._pb.ResponseInfo(
            data=CODESPACE,
            app_version=APP_VERSION,
            last_block_height=kept.height if kept else 0,
            last_block_app_hash=kept.app_hash if kept and kept.height else b"",
        )

    def init_chain(self, asked: Any) -> Any:
        """Begin the chain of the genesis file; the operators' power makes the first validators."""
        genesis = Genesis.parse(asked.chain_id, asked.app_state_bytes)
        if self._machine.committed is not None and not self._machine.committed.height:
            begun = self._machine.begun(genesis)  # the engine had not noted it before a crash
        else:
            begun = self._machine.begin(genesis)
        return self._pb.ResponseInitChain(validators=self._updates(begun), app_hash=begun.app_hash)

    def _updates(self, block: Block) -> list[Any]:
        return [
            self._pb.ValidatorUpdate(pub_key=self._keys.PublicKey(ed25519=key), power=power)
            for key, power in block.validators.items()
        ]

    def check_tx(self, asked: Any) -> Any:
        """Refuse what no block could bring."""
        return self._pb.ResponseCheckTx(**_told(self._machine.check(asked.tx)))

    def prepare_proposal(self, asked: Any) -> Any:
        """Propose what the block can bring."""
        chosen = self._machine.fitting(list(asked.txs), asked.max_tx_bytes, _moment(asked))
        return self._pb.ResponsePrepareProposal(txs=chosen)

    def process_proposal(self, asked: Any) -> Any:
        """Accept a block of which every transaction can be brought."""
        answer = self._pb.ResponseProcessProposal
        sound = self._machine.is_sound(list(asked.txs), _moment(asked))
        return answer(status=answer.ACCEPT if sound else answer.REJECT)

    def extend_vote(self, _: Any) -> Any:
        """Add nothing: votes have no extensions here."""
        return self._pb.ResponseExtendVote()

    def verify_vote_extension(self, asked: Any) -> Any:
        """Accept no extension but an empty one."""
        answer = self._pb.ResponseVerifyVoteExtension
        return answer(status=answer.REJECT if asked.vote_extension else answer.ACCEPT)

    def finalize_block(self, asked: Any) -> Any:
        """Work out a block that was decided."""
        caught = [
            Misbehaviour(bytes(each.validator.address), each.type, each.height) for each in asked.misbehavior
        ]
        block = self._machine.finalize(list(asked.txs), caught, _moment(asked))
        return self._pb.ResponseFinalizeBlock(
            tx_results=[self._pb.ExecTxResult(**_told(each)) for each in block.outcomes],
            validator_updates=self._updates(block),
            app_hash=block.app_hash,
        )

    def commit(self, _: Any) -> Any:
        """Keep the block."""
        self._machine.commit()
        kept = self._machine.committed
        if kept is not None and self._every and kept.height % self._every == 0:
            self._snapshots.take(kept.height, self._store.rows())
        return self._pb.ResponseCommit()

    def query(self, asked: Any) -> Any:
        """Return a row by its key, with the proof that leads to the block's hash. Anybody may ask."""
        answer = self._pb.ResponseQuery
        if asked.path != "/row" or len(asked.data) > 1024:
            return answer(code=1, codespace=CODESPACE, log="ask for a row by its key at /row")
        try:
            found = self._machine.read(asked.data)
        except StateError as error:
            return answer(code=1, codespace=CODESPACE, log=str(error))
        proof = write_proof(found.proof, Writer()).number(found.value is not None, 1)
        return answer(
            key=asked.data, value=found.value or b"", info=proof.to_bytes().hex(), height=found.height
        )

    def list_snapshots(self, _: Any) -> Any:
        """Offer what is kept."""
        return self._pb.ResponseListSnapshots(
            snapshots=[
                self._pb.Snapshot(
                    height=each.height, format=FORMAT, chunks=len(each.hashes), hash=each.hash,
                    metadata=each.metadata,
                )
                for each in self._snapshots.all()
            ]
        )  # fmt: skip

    def load_snapshot_chunk(self, asked: Any) -> Any:
        """Give a chunk."""
        chunk = self._snapshots.chunk(asked.height, asked.format, asked.chunk)
        return self._pb.ResponseLoadSnapshotChunk(chunk=chunk)

    def offer_snapshot(self, asked: Any) -> Any:
        """Take a snapshot of the format that is known, for an empty machine."""
        answer, given = self._pb.ResponseOfferSnapshot, asked.snapshot
        if given.format != FORMAT:
            return answer(result=answer.REJECT_FORMAT)
        found = Snapshot.offered(given.height, given.format, given.chunks, given.hash, given.metadata)
        if found is None:
            return answer(result=answer.REJECT)
        self._restoring = Restoring(found, asked.app_hash)
        return answer(result=answer.ACCEPT)

    def apply_snapshot_chunk(self, asked: Any) -> Any:
        """Take a chunk; one that is not what was offered is asked for again, of somebody else."""
        answer, restoring = self._pb.ResponseApplySnapshotChunk, self._restoring
        if restoring is None:
            return answer(result=answer.ABORT)
        if not restoring.add(asked.index, asked.chunk):
            return answer(result=answer.RETRY, refetch_chunks=[asked.index], reject_senders=[asked.sender])
        if restoring.is_whole:
            try:
                restoring.finish(self._store)
            except StateError as error:
                _LOG.warning("a snapshot is refused: %s", error)
                return answer(result=answer.REJECT_SNAPSHOT)
            finally:
                self._restoring = None
            self._machine = Machine(self._store)
        return answer(result=answer.ACCEPT)


def _moment(asked: Any) -> Moment:
    return Moment(asked.height, asked.time.seconds)


def _told(outcome: Outcome) -> dict[str, Any]:
    if outcome.refusal is None:
        return {}
    log = f"{outcome.refusal.name}: {outcome.detail}"
    return {"code": int(outcome.refusal), "codespace": CODESPACE, "log": log}
