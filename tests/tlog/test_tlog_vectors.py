"""The published vectors, each file used or passed over for a stated reason."""

import base64
import json
from itertools import pairwise
from typing import Any

import pytest

from tests.tlog.making import refused
from tests.vectors import require_vectors
from tlog import (
    EMPTY_ROOT,
    Checkpoint,
    CosignatureSigner,
    KeyType,
    ProofFile,
    TileId,
    TlogError,
    VerificationError,
    Verifier,
    decide,
    leaf_hash,
    node_hash,
    node_reader,
    open_checkpoint,
    open_note,
    root_of,
    tree_root,
    verify_consistency,
    verify_inclusion,
)
from tlog.merkle import Frontier
from tlog.tiles import parse_tile, parse_tile_path, tile_path, tile_width
from tlog.witness import AddCheckpoint

NOT_OURS = "a format that this log does not use"
FILES = {
    "README.md": "test_every_file_is_accounted_for",
    "merkle/inclusion.json": "test_inclusion",
    "merkle/consistency.json": "test_consistency",
    "merkle/subtreeinclusion.json": f"{NOT_OURS}: subtrees of the Merkle Tree Certificates draft",
    "merkle/subtreeconsistency.json": f"{NOT_OURS}: subtrees of the Merkle Tree Certificates draft",
    "merkle/tree.json": "test_tree",
    "note/peter-enoch.note": "test_notes",
    "note/c2sp-example.note": "test_notes",
    "note/vkeys.json": "test_notes",
    "note/must-be-rejected.json": "test_notes_that_must_be_rejected",
    "cosignature/witness-checkpoint.note": "test_cosignature",
    "cosignature/witness.v0.json": "test_cosignature",
    "tiles/checkpoint": "test_tiles",
    "tiles/mirror.v0.json": "test_tiles",
    "tiles/tile/0/000": "test_tiles",
    "tiles/tile/0/001.p/44": "test_tiles",
    "tiles/tile/1/000.p/1": "test_tiles",
    "witness/add-checkpoint-exchange.json": "test_witness_exchange",
    "rekor-v2/entry.json": "test_rekor_entry",
    "derived/rekor-v2.tlog-proof": "test_rekor_proof_file",
    "cose-receipts/consistency-receipt.cbor": f"{NOT_OURS}: COSE receipts, without key or leaves",
    "cose-receipts/consistency-receipt.diag": f"{NOT_OURS}: COSE receipts, without key or leaves",
    "cose-receipts/inclusion-receipt.cbor": f"{NOT_OURS}: COSE receipts, without key or leaves",
    "cose-receipts/inclusion-receipt.diag": f"{NOT_OURS}: COSE receipts, without key or leaves",
}


def read(name: str) -> bytes:
    assert name in FILES
    return require_vectors("log", *name.split("/")).read_bytes()


def load(name: str) -> Any:
    return json.loads(read(name))


def decoded(values: list[str] | None) -> list[bytes]:
    return [base64.b64decode(value) for value in values or []]


def test_every_file_is_accounted_for() -> None:
    root = require_vectors("log")
    assert set(FILES) == {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    for use in FILES.values():
        assert use.startswith(NOT_OURS) or callable(globals()[use])


def test_inclusion() -> None:
    cases = load("merkle/inclusion.json")
    assert (len(cases), sum(not case["wantErr"] for case in cases)) == (98, 6)
    for case in cases:
        leaf, root = decoded([case["leafHash"], case["root"]])
        arguments = (leaf, case["leafIdx"], case["treeSize"], decoded(case["proof"]), root)
        if case["wantErr"]:
            refused("INCLUSION_INVALID", verify_inclusion, *arguments)
        else:
            verify_inclusion(*arguments)


PLACEHOLDER_ROOTS = "consistency/additional/sizes-are-equal-one-and-proof-is-empty.json"


def test_consistency() -> None:
    """All as published but one, whose equal roots of 12 octets are refused here for their length."""
    cases = load("merkle/consistency.json")
    assert (len(cases), sum(not case["wantErr"] for case in cases)) == (98, 6)
    for case in cases:
        if case["file"] == PLACEHOLDER_ROOTS:
            (root,) = {base64.b64decode(case["root1"]), base64.b64decode(case["root2"])}
            refused("CONSISTENCY_INVALID", verify_consistency, 1, 1, [], root, root)
            verify_consistency(1, 1, [], leaf_hash(root), leaf_hash(root))
            continue
        first_root, second_root = decoded([case["root1"], case["root2"]])
        arguments = (case["size1"], case["size2"], decoded(case["proof"]), first_root, second_root)
        if case["wantErr"]:
            refused("CONSISTENCY_INVALID", verify_consistency, *arguments)
        else:
            verify_consistency(*arguments)


def test_tree() -> None:
    data = load("merkle/tree.json")
    levels = [[bytes.fromhex(value) for value in level] for level in data["node_hashes_hex_by_level"]]
    roots = [bytes.fromhex(value) for value in data["root_hashes_hex_by_size"]]
    leaves = [leaf_hash(bytes.fromhex(value)) for value in data["leaf_inputs_hex"]]
    assert leaves == levels[0]
    for below, above in pairwise(levels):
        assert [node_hash(below[n], below[n + 1]) for n in range(0, len(below), 2)] == above
    for size, root in enumerate(roots):
        assert root_of(leaves[:size]) == root
        assert tree_root(size, lambda level, index: levels[level][index]) == root
        assert Frontier.load(size, lambda level, index: levels[level][index]).root() == root
    single = [bytes.fromhex(case["hash"]) for case in data["single_hashes"]]
    assert single == [EMPTY_ROOT, leaf_hash(b""), leaf_hash(b"L123456"), node_hash(b"N123", b"N456")]


@pytest.mark.parametrize("name", ["peter-enoch.note", "c2sp-example.note"])
def test_notes(name: str) -> None:
    vkeys = load("note/vkeys.json")
    verifiers = [Verifier.from_string(vkey) for vkey in vkeys[name]]
    assert [str(verifier) for verifier in verifiers] == vkeys[name]
    note = read(f"note/{name}")
    opened = open_note(note, verifiers)
    assert opened.verified == tuple(verifiers)
    assert opened.text.encode() + b"\n" + b"".join(line.to_bytes() for line in opened.lines) == note
    for verifier in verifiers:
        assert open_note(note, [verifier]).verified == (verifier,)


def test_notes_that_must_be_rejected() -> None:
    vkeys = load("note/vkeys.json")
    verifiers = [Verifier.from_string(vkey) for vkey in vkeys["peter-enoch.note"]]
    reasons = {}
    for case in load("note/must-be-rejected.json"):
        with pytest.raises(TlogError) as caught:
            open_note(base64.b64decode(case["note_base64"]), verifiers)
        reasons[case["why"]] = caught.value.reason
    assert reasons.pop("corrupted signature of a known key (not malformed: invalid)") == (
        "NOTE_SIGNATURE_INVALID"
    )
    assert len(reasons) == 7
    assert set(reasons.values()) == {"NOTE_MALFORMED"}
    too_long, unknown_type = vkeys["must_be_rejected_vkeys"]
    refused("KEY_MALFORMED", Verifier.from_string, too_long)
    assert "0x65" in refused("KEY_UNSUPPORTED", Verifier.from_string, unknown_type).detail


def test_cosignature() -> None:
    (vkey,) = load("cosignature/witness.v0.json")["verifier_keys"]
    witness = Verifier.from_string(vkey)
    assert witness.key_type is KeyType.COSIGNATURE
    assert str(witness) == vkey
    opened = open_note(read("cosignature/witness-checkpoint.note"), [witness])
    checkpoint = Checkpoint.parse(opened.text)
    assert (checkpoint.origin, checkpoint.size) == ("rome2026h1.example.org", 300)
    (signature,) = opened.signatures_of(witness)
    assert int.from_bytes(signature[:8]) == 0x69546780
    for bit in range(len(signature) * 8):
        changed = (int.from_bytes(signature) ^ 1 << bit).to_bytes(len(signature))
        with pytest.raises(VerificationError):
            witness.verify(opened.text, changed)


def test_tiles() -> None:
    (vkey,) = load("tiles/mirror.v0.json")["verifier_keys"]
    checkpoint = Checkpoint.parse(open_note(read("tiles/checkpoint"), [Verifier.from_string(vkey)]).text)
    names = ["tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"]
    stored: dict[TileId, bytes] = {}
    for name in names:
        tile, width = parse_tile_path(name)
        assert tile_path(tile.level, tile.index, width) == name
        assert tile_width(tile, checkpoint.size) == width
        stored[tile] = read(f"tiles/{name}")
        assert len(parse_tile(stored[tile], width)) == width
    node = node_reader(stored.__getitem__)
    assert tree_root(checkpoint.size, node) == checkpoint.root
    assert stored[TileId(1, 0)] == root_of([node(0, n) for n in range(256)])
    assert root_of([node(0, n) for n in range(300)]) == checkpoint.root


def test_witness_exchange() -> None:
    """In order, against one fresh witness; an unknown log gets 404, as the text of tlog-witness says."""
    data = load("witness/add-checkpoint-exchange.json")
    witness = CosignatureSigner.generate(data["witness_name"])
    origin = AddCheckpoint.parse(data["in_order"][0]["request_body"].encode()).origin
    log = Verifier(origin, KeyType.ED25519, bytes.fromhex(data["log_public_key_hex"]))
    stored: dict[str, Checkpoint] = {}
    assert len(data["in_order"]) == 9
    for number, exchange in enumerate(data["in_order"]):
        body = exchange["request_body"].encode()
        assert AddCheckpoint.parse(body).to_bytes() == body
        decision = decide(body, known_logs={origin: [log]}, stored=stored.get)
        assert decision.status == (404 if number == 2 else exchange["status"])
        assert (decision.new_state is not None) == (decision.status == 200)
        answer = decision.body
        if decision.new_state:
            stored[origin] = decision.new_state
            answer = decision.cosigned(1_700_000_000, witness)
            assert open_note(decision.note + answer, [log, witness.verifier]).verified == (
                log,
                witness.verifier,
            )
        if exchange["response"] == "==":
            assert answer.decode() == exchange["value"]
        else:
            assert exchange["value"] in answer.decode()
    assert stored[origin].size == 5


def rekor() -> tuple[Any, Verifier]:
    data = load("rekor-v2/entry.json")
    origin = data["checkpoint"].split("\n")[0]
    return data, Verifier(origin, KeyType.ED25519, base64.b64decode(data["log_public_key_spki"])[-32:])


def test_rekor_entry() -> None:
    data, log = rekor()
    assert base64.b64decode(data["log_id"])[:4] == log.key_id
    checkpoint = open_checkpoint(data["checkpoint"].encode(), log)
    assert (checkpoint.size, checkpoint.root) == (data["tree_size"], base64.b64decode(data["root"]))
    leaf = leaf_hash(base64.b64decode(data["entry"]))
    verify_inclusion(leaf, data["log_index"], checkpoint.size, decoded(data["hashes"]), checkpoint.root)


def test_rekor_proof_file() -> None:
    data, log = rekor()
    content = read("derived/rekor-v2.tlog-proof")
    proof = ProofFile.parse(content)
    assert proof.to_bytes() == content
    assert proof == ProofFile(data["log_index"], tuple(decoded(data["hashes"])), data["checkpoint"].encode())
    assert proof.verify(base64.b64decode(data["entry"]), log).size == 646
    refused("INCLUSION_INVALID", proof.verify, b"another entry", log)
