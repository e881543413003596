"""The verifiable log, without storage: a Merkle tree with a hash chain inside, and what others check of it.

The formats are those of C2SP (signed-note, tlog-checkpoint, tlog-tiles, tlog-cosignature, tlog-witness,
tlog-proof) over the hashing of RFC 6962 and RFC 9162, so that existing tools read this log. Of this project
are what leaves hold (`entry`, `block`), the receipt (`receipt`) and the ledger file (`archive`).

No storage, no I/O, no clock, no gRPC. Tiles come through a callable; times are arguments; randomness is an
argument with the system's generator as default. Everything but `Frontier` is a value or a function of values.
Functions with short names are reached by their module: `tiles.append`, `archive.write`.
"""

from tlog.archive import ArchiveInvalidError, ArchiveMalformedError, AuditReport, Place, verify_archive
from tlog.block import BlockHeader
from tlog.builder import Batch, build_batch
from tlog.checkpoint import Checkpoint, LogKeys, log_keys, open_checkpoint, sign_checkpoint
from tlog.cosignature import Cosignature, CosignatureSigner, MldsaCosignatureSigner, cosign, open_cosigned
from tlog.entry import HOLDER_NOTE_OCTETS, Entry, ReceiptEntry, RecordEntry, note_hash, parse_entry
from tlog.errors import InputError, MalformedError, Reason, TlogError, VerificationError
from tlog.evidence import MAX_EVIDENCE_OCTETS, Evidence
from tlog.finding import Fault, Finding, Grade, Kind
from tlog.follower import Follower
from tlog.judging import Beginning, Included
from tlog.keys import KeyType
from tlog.merkle import (
    EMPTY_ROOT,
    Frontier,
    NodeReader,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from tlog.note import OpenedNote, Signer, Verifier, open_note
from tlog.observation import Observation, What
from tlog.policy import GroupLine, LogLine, Policy, WitnessLine, open_by_policy, open_pending
from tlog.proof_file import ProofFile
from tlog.receipt import (
    PENDING_REASONS,
    ReceiptOpening,
    ReceiptState,
    VerifiedReceipt,
    anchored_receipt,
    check_same_receipt,
    receipt_file,
    receipt_leaf,
    verify_receipt,
)
from tlog.tiles import TileId, Tiles, node_reader
from tlog.witness import AddCheckpoint, Decision, decide

__all__ = [
    "EMPTY_ROOT",
    "HOLDER_NOTE_OCTETS",
    "MAX_EVIDENCE_OCTETS",
    "PENDING_REASONS",
    "AddCheckpoint",
    "ArchiveInvalidError",
    "ArchiveMalformedError",
    "AuditReport",
    "Batch",
    "Beginning",
    "BlockHeader",
    "Checkpoint",
    "Cosignature",
    "CosignatureSigner",
    "Decision",
    "Entry",
    "Evidence",
    "Fault",
    "Finding",
    "Follower",
    "Frontier",
    "Grade",
    "GroupLine",
    "Included",
    "InputError",
    "KeyType",
    "Kind",
    "LogKeys",
    "LogLine",
    "MalformedError",
    "MldsaCosignatureSigner",
    "NodeReader",
    "Observation",
    "OpenedNote",
    "Place",
    "Policy",
    "ProofFile",
    "Reason",
    "ReceiptEntry",
    "ReceiptOpening",
    "ReceiptState",
    "RecordEntry",
    "Signer",
    "TileId",
    "Tiles",
    "TlogError",
    "VerificationError",
    "VerifiedReceipt",
    "Verifier",
    "What",
    "WitnessLine",
    "anchored_receipt",
    "build_batch",
    "check_same_receipt",
    "consistency_proof",
    "cosign",
    "decide",
    "inclusion_proof",
    "leaf_hash",
    "log_keys",
    "node_hash",
    "node_reader",
    "note_hash",
    "open_by_policy",
    "open_checkpoint",
    "open_cosigned",
    "open_note",
    "open_pending",
    "parse_entry",
    "receipt_file",
    "receipt_leaf",
    "root_of",
    "sign_checkpoint",
    "tree_root",
    "verify_archive",
    "verify_consistency",
    "verify_inclusion",
    "verify_receipt",
]
