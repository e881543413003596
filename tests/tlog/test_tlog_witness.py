"""The decision of a witness, beside the published exchange in test_tlog_vectors."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from tests.tlog.making import LOG, ORIGIN, WITNESS_KEYS, WITNESSES, digest, digests, refused
from tlog import (
    AddCheckpoint,
    Checkpoint,
    Decision,
    Signer,
    consistency_proof,
    decide,
    open_cosigned,
    root_of,
    sign_checkpoint,
)
from tlog.keys import signature_line
from tlog.note import sign

KNOWN = {ORIGIN: (LOG.verifier,)}


def node(level: int, index: int) -> bytes:
    return root_of(digests((index + 1) << level)[index << level :])


def checkpoint(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root_of(digests(size)))


def request(old: int, size: int, proof: Sequence[bytes] | None = None, root: bytes | None = None) -> bytes:
    hashes = consistency_proof(old, size, node) if proof is None else proof
    stated = replace(checkpoint(size), root=root or checkpoint(size).root)
    return AddCheckpoint(old, tuple(hashes), sign_checkpoint(stated, LOG)).to_bytes()


def ask(body: bytes, stored: Checkpoint | None) -> Decision:
    return decide(body, known_logs=KNOWN, stored=lambda origin: stored if origin == ORIGIN else None)


@pytest.mark.parametrize(
    ("old", "size"), [(0, 0), (0, 1), (0, 9), (1, 1), (1, 9), (8, 9), (9, 9), (9, 64), (64, 200)]
)
def test_growth_is_cosigned(old: int, size: int) -> None:
    for stored in [checkpoint(old)] if old else [None, checkpoint(0)]:
        decision = ask(request(old, size), stored)
        assert (decision.status, decision.body, decision.new_state) == (200, b"", checkpoint(size))
        note = decision.note + decision.cosigned(5, WITNESSES[0], WITNESSES[1])
        found, cosignatures = open_cosigned(note, LOG.verifier, WITNESS_KEYS, 2)
        assert found == checkpoint(size)
        assert [each.time for each in cosignatures] == [5, 5]


def rejected(decision: Decision, status: int) -> None:
    assert (decision.status, decision.new_state) == (status, None)
    assert decision.body
    refused("STATE_MISMATCH", decision.cosigned, 5, WITNESSES[0])


def test_conflict_tells_the_stored_size() -> None:
    for stored, old in [(checkpoint(7), 3), (checkpoint(7), 0), (None, 3), (checkpoint(0), 3)]:
        decision = ask(request(old, 9), stored)
        rejected(decision, 409)
        assert decision.body == b"%d\n" % (stored.size if stored else 0)
        assert decision.content_type == "text/x.tlog.size"
    rejected(ask(request(3, 3), checkpoint(7)), 409)


def test_proofs_that_do_not_hold() -> None:
    fork = digest(999)
    for body, stored in [
        (request(5, 5, [fork]), checkpoint(5)),
        (request(5, 9, root=fork), checkpoint(5)),
        (request(5, 9, []), checkpoint(5)),
        (request(5, 9, [*consistency_proof(5, 9, node), fork]), checkpoint(5)),
        (request(5, 9), replace(checkpoint(5), root=fork)),
        (request(0, 9, [fork]), None),
        (request(0, 9, [fork]), checkpoint(0)),
        (request(0, 0, root=fork), None),
    ]:
        decision = ask(body, stored)
        rejected(decision, 422)
        assert decision.content_type == "text/plain; charset=utf-8"


def test_another_root_of_the_size_that_is_stored() -> None:
    decision = ask(request(5, 5, root=digest(999)), checkpoint(5))
    rejected(decision, 409)
    assert (decision.body, decision.content_type) == (b"5\n", "text/x.tlog.size")


def test_old_size_above_the_new() -> None:
    rejected(ask(request(9, 5, []), checkpoint(9)), 400)
    rejected(ask(request(9, 5, []), checkpoint(3)), 400)


def nothing(origin: str) -> Checkpoint | None:
    pytest.fail(f"the store was asked for {origin}")


def test_the_store_is_not_read_before_the_signature_holds() -> None:
    impostor = Signer.generate(ORIGIN)
    unknown = Signer.generate("unknown.example.org")
    text = checkpoint(3).text()
    bad_line = signature_line(ORIGIN, LOG.verifier.key_id, bytes(64))
    makers: list[tuple[int, Callable[[], bytes]]] = [
        (403, lambda: sign(text, impostor)),
        (403, lambda: sign(text, unknown)),
        (403, lambda: text.encode() + b"\n" + bad_line),
        (403, lambda: sign(text, LOG) + bad_line),
        (403, lambda: sign(text, LOG)[:-1]),
        (404, lambda: sign_checkpoint(Checkpoint("unknown.example.org", 3, digest(0)), unknown)),
        (404, lambda: sign(Checkpoint("unknown.example.org", 3, digest(0)).text(), LOG)),
    ]
    for status, make in makers:
        rejected(decide(b"old 0\n\n" + make(), known_logs=KNOWN, stored=nothing), status)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"old 0\n",
        b"old 0\n\n",
        request(0, 3)[1:],
        request(0, 3).replace(b"old 0", b"old 00"),
        request(0, 3).replace(b"old 0", b"old  0"),
        request(0, 3).replace(b"old 0", b"old -1"),
        request(0, 3).replace(b"old 0", b"old %d" % 2**63),
        request(0, 3).replace(b"old 0\n", b"old 0\r\n"),
        request(0, 3).replace(b"old 0\n", b"old 0\nAAAA\n"),
        request(0, 3).replace(b"old 0\n", b"old 0\n" + b"A" * 42 + b"B=\n"),
        request(0, 3).replace(b"old 0\n", b"old 0\n" + (b"A" * 43 + b"=\n") * 64),
        request(0, 3).replace(b"old 0\n", b"old \xff\n"),
        b"old 0\n\nno checkpoint\n\n" + LOG.sign_line("no checkpoint\n"),
        b"old 0\n\n" + b"a" * 2_000_000,
    ],
)
def test_malformed_requests(body: bytes) -> None:
    rejected(decide(body, known_logs=KNOWN, stored=nothing), 400)


def test_longest_proof_is_read() -> None:
    body = request(0, 3).replace(b"old 0\n", b"old 0\n" + (b"A" * 43 + b"=\n") * 63)
    assert len(AddCheckpoint.parse(body).proof) == 63
    rejected(ask(body, None), 422)
