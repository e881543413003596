"""What was sent unasked, from pending to anchored: at its sender, in a vault that has it, at a verifier."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from disclosure import LocalizedText, RefusedError
from disclosure.delivery import check_sending
from prover import ContentError, Vault
from prover.anchoring import check_kept
from prover.deliveries import ReceivedDelivery
from tests.prover.anchored_town import AnchoredTown, anchored_town
from tests.prover.composite_town import CompositeTown
from tests.prover.delivering import client, drafted, folder, receiving, sent, with_account
from tests.prover.making import PASSPHRASE, refused
from tests.prover.proxy import proxied
from tests.prover.test_prover_anchoring import anchored_of, counts
from tests.zkservice.composite_city import furnished
from tests.zkservice.witnessing import CITIES
from tlog import LogLine, Policy, ProofFile, ReceiptState, Signer, TlogError, receipt_leaf
from verifier import RecordError, is_anchored, load_kept, parse_kept, recheck_kept
from verifier.anchoring import leaves_of
from verifier.client.anchoring import anchor_kept
from verifier.client.deliveries import VerifierDeliveries
from verifier.delivery import DeliveryFolder, KeptDelivery
from wire.anchored import anchored_now
from zkproto.v1 import ledger_pb2

FOUR = CITIES[:4]
NAME = LocalizedText("小红", "Xiaohong")


@dataclass
class Post:
    """A town whose checkpoints are cosigned, and in which can be sent unasked."""

    anchored: AnchoredTown
    composite: CompositeTown

    def anchor(self, vault: Vault) -> tuple[int, int]:
        """Anchor what a vault has, and return how many were and are not yet."""
        return counts(self.composite.client().anchor(vault, self.composite.log, self.anchored.policy))

    def anchor_kept(self, kept: KeptDelivery) -> KeptDelivery | None:
        with self.composite.town.endpoint.channel() as channel:
            return anchor_kept(channel, kept, self.composite.log, self.anchored.policy)

    @contextmanager
    def friend(self, path: Path) -> Iterator[Vault]:
        with with_account(self.composite, path) as made:
            yield made


@pytest.fixture(scope="module")
def the_post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    with anchored_town(tmp_path_factory.mktemp("post"), 300) as opened:
        town = opened.town
        yield Post(opened, CompositeTown(town, town.run(furnished(town.city))))


@pytest.fixture
def post(the_post: Post) -> Iterator[Post]:
    yield the_post
    the_post.anchored.start(*FOUR)


@pytest.fixture
def sender(post: Post, tmp_path: Path) -> Iterator[Vault]:
    with Vault.create(tmp_path / "sender", PASSPHRASE, clock=post.composite.town.city.clock) as made:
        yield post.composite.stock(made)


@pytest.fixture
def friend(post: Post, tmp_path: Path) -> Iterator[Vault]:
    with post.friend(tmp_path / "friend") as made:
        yield made


@pytest.fixture
def school(post: Post) -> Iterator[VerifierDeliveries]:
    with receiving(post.composite) as made:
        yield made


@pytest.fixture
def kept(tmp_path: Path) -> DeliveryFolder:
    return folder(tmp_path / "kept")


def send_to(post: Post, sender: Vault, friend: Vault) -> ReceivedDelivery:
    """Send something to a vault, and have it received there."""
    sending, log = client(post.composite), post.composite.log
    recipient = sending.scanned(sending.receive_by(NAME, friend, log), log)
    sending.send(drafted(post.composite, sender, recipient), sender, log)
    (came,) = sending.receive(friend, log)
    assert came.received is not None, came
    return came.received


def sent_to_school(
    post: Post, sender: Vault, school: VerifierDeliveries, kept: DeliveryFolder
) -> tuple[Path, KeptDelivery]:
    sent(post.composite, sender)
    (came,) = school.receive(kept)
    assert came.kept is not None, came
    assert came.path is not None
    return came.path, came.kept


def test_sender_and_receiving_vault_each_bring_it_to_anchored(
    post: Post, sender: Vault, friend: Vault
) -> None:
    log, policy = post.composite.log, post.anchored.policy
    pending = send_to(post, sender, friend)
    assert check_kept(pending, log, policy, accept_pending=True).state is ReceiptState.PENDING
    refused(TlogError, "QUORUM_MISSING", check_kept, pending, log, policy)
    before = friend.deliveries.received()
    waiting = len(friend.anchoring.pending(log, policy))
    assert pending in friend.anchoring.pending(log, policy)
    post.anchored.anchored()
    assert post.anchor(friend) == (waiting, 0)
    (received,) = friend.deliveries.received()
    assert check_kept(received, log, policy).is_anchored
    assert [replace(received, receipt=pending.receipt)] == before
    assert post.anchor(sender)[1] == 0
    (event,) = sender.events()
    assert check_kept(event, log, policy).index == check_kept(received, log, policy).index
    assert post.anchor(friend) == (0, 0)
    assert friend.deliveries.received() == [received]


def test_a_vault_that_sent_to_itself_has_two_of_one_entry(post: Post, tmp_path: Path) -> None:
    with post.friend(tmp_path / "own") as own:
        post.composite.stock(own)
        pending = send_to(post, own, own)
        log, policy = post.composite.log, post.anchored.policy
        places = [receipt_leaf(each.receipt or b"")[0] for each in own.anchoring.pending(log, policy)]
        assert places.count(receipt_leaf(pending.receipt)[0]) == 2
        post.anchored.anchored()
        assert post.anchor(own) == (len(places), 0)


def test_without_the_quorum_nothing_is_lost(
    post: Post, sender: Vault, friend: Vault, school: VerifierDeliveries, kept: DeliveryFolder
) -> None:
    post.anchored.anchored()
    post.anchor(friend)
    post.anchored.end(*FOUR)
    received = send_to(post, sender, friend)
    _, at_school = sent_to_school(post, sender, school, kept)
    assert post.anchor(friend) == (0, 2), "what was received, and that it was"
    assert friend.deliveries.received() == [received]
    assert post.anchor_kept(at_school) is None
    post.anchored.start(*FOUR)
    post.anchored.anchored()
    assert post.anchor(friend)[1] == 0
    assert post.anchor_kept(at_school) is not None


def test_a_verifier_brings_its_file_to_anchored(
    post: Post, sender: Vault, school: VerifierDeliveries, kept: DeliveryFolder
) -> None:
    log, policy = post.composite.log, post.anchored.policy
    path, pending = sent_to_school(post, sender, school, kept)
    assert load_kept(path) == pending
    assert not is_anchored(pending, policy)
    assert recheck_kept(pending, log, policy, accept_pending=True).state is ReceiptState.PENDING
    refused(TlogError, "QUORUM_MISSING", recheck_kept, pending, log, policy)
    post.anchored.anchored()
    made = post.anchor_kept(pending)
    assert made is not None
    assert is_anchored(made, policy)
    assert recheck_kept(made, log, policy).state is ReceiptState.ANCHORED
    assert list(leaves_of(made)) == list(leaves_of(pending))
    assert replace(made, receipt=pending.receipt) == pending
    path.write_bytes(made.to_bytes())
    assert kept.keep(pending) == path, "the service delivers again what it was not told to forget"
    assert [each for _, each in kept.all()] == [made]


def test_who_demands_the_quorum_leaves_it_waiting_until_then(
    post: Post, sender: Vault, friend: Vault, school: VerifierDeliveries, kept: DeliveryFolder
) -> None:
    log, policy, sending = post.composite.log, post.anchored.policy, client(post.composite)
    post.anchored.anchored()
    post.anchored.end(*FOUR)
    recipient = sending.scanned(sending.receive_by(NAME, friend, log), log)
    sending.send(drafted(post.composite, sender, recipient), sender, log)
    sent(post.composite, sender)
    for _ in range(2):
        told = [(each.reason, each.waits) for each in sending.receive(friend, log, policy)]
        told += [(each.reason, each.waits) for each in school.receive(kept, policy)]
        assert told == [("QUORUM_MISSING", True)] * 2
    assert friend.deliveries.received() == []
    assert kept.all() == []
    post.anchored.start(*FOUR)
    post.anchored.anchored()
    (in_vault,) = sending.receive(friend, log, policy)
    (at_school,) = school.receive(kept, policy)
    assert in_vault.received is not None
    assert at_school.kept is not None
    assert check_kept(in_vault.received, log, policy).is_anchored
    assert recheck_kept(at_school.kept, log, policy).state is ReceiptState.ANCHORED
    assert sending.receive(friend, log, policy) == []


def test_tiles_of_another_tree_are_no_anchor_and_what_waits_is_not_thrown_away(
    post: Post, sender: Vault, school: VerifierDeliveries, kept: DeliveryFolder, tmp_path: Path
) -> None:
    (tmp_path / "proxy").mkdir()
    sent(post.composite, sender)
    post.anchored.anchored()

    def zeros(message: ledger_pb2.ReadTilesResponse) -> None:
        message.tiles[:] = [bytes(len(each)) for each in message.tiles]

    key = post.composite.town.city.verifier_keys["school"]
    with (
        proxied(post.composite, tmp_path / "proxy") as proxy,
        VerifierDeliveries(
            proxy.endpoint, school._name, key, post.composite.log, clock=post.composite.town.city.clock
        ) as lied_to,
    ):
        proxy.change("ReadTiles", ledger_pb2.ReadTilesResponse, zeros)
        (came,) = lied_to.receive(kept, post.anchored.policy)
        assert (came.reason, came.waits) == ("TILE_MALFORMED", True)
        (came,) = school.receive(kept, post.anchored.policy)
        assert came.kept is not None


Forging = Callable[[bytes, bytes], bytes]
"""Of the anchored receipts of this delivery and of another one, makes one that does not hold."""


def at_another_index(mine: bytes, _: bytes) -> bytes:
    return replace(ProofFile.parse(mine), index=receipt_leaf(mine)[0] + 1).to_bytes()


def with_anothers_place(mine: bytes, other: bytes) -> bytes:
    """What was said, proven where another entry stands."""
    return replace(ProofFile.parse(other), extra=ProofFile.parse(mine).extra).to_bytes()


def with_forged_cosignatures(mine: bytes, _: bytes) -> bytes:
    proof = ProofFile.parse(mine)
    text, _, lines = proof.checkpoint.partition(b"\n\n")
    own, *witnesses = lines.splitlines()
    forged = [forged_line(each) for each in witnesses]
    return replace(proof, checkpoint=text + b"\n\n" + b"\n".join([own, *forged]) + b"\n").to_bytes()


def forged_line(line: bytes) -> bytes:
    start, _, blob = line.rpartition(b" ")
    octets = bytearray(base64.b64decode(blob))
    octets[-1] ^= 1
    return start + b" " + base64.b64encode(octets)


def without_cosignatures(mine: bytes, _: bytes) -> bytes:
    proof = ProofFile.parse(mine)
    text, _, lines = proof.checkpoint.partition(b"\n\n")
    return replace(proof, checkpoint=text + b"\n\n" + lines.splitlines()[0] + b"\n").to_bytes()


FORGED: dict[str, tuple[Forging, type[Exception], str]] = {
    "another delivery's": (lambda _, other: other, RefusedError, "RECEIPT_MISMATCH"),
    "another index": (at_another_index, TlogError, "INCLUSION_INVALID"),
    "another's place": (with_anothers_place, TlogError, "INCLUSION_INVALID"),
    "forged cosignatures": (with_forged_cosignatures, TlogError, "NOTE_SIGNATURE_INVALID"),
    "no quorum": (without_cosignatures, TlogError, "QUORUM_MISSING"),
}


@pytest.mark.parametrize("forging", FORGED.values(), ids=FORGED.keys())
def test_no_other_receipt_takes_its_place(
    post: Post, sender: Vault, friend: Vault, school: VerifierDeliveries, kept: DeliveryFolder,
    forging: tuple[Forging, type[Exception], str],
) -> None:  # fmt: skip
    forge, fault, reason = forging
    log, policy = post.composite.log, post.anchored.policy
    received, (_, at_school) = send_to(post, sender, friend), sent_to_school(post, sender, school, kept)
    mine, theirs = (anchored_of(post.anchored, each) for each in (received.receipt, at_school.receipt))
    forged = replace(at_school, receipt=forge(theirs, mine))
    refused(fault, reason, friend.anchoring.put, received, forge(mine, theirs), log, policy)
    refused(fault, reason, recheck_kept, forged, log, policy)
    assert friend.deliveries.received() == [received]
    friend.anchoring.put(received, mine, log, policy)
    assert friend.deliveries.received()[0].receipt == mine


def test_another_logs_receipt_is_none(post: Post, sender: Vault, friend: Vault) -> None:
    received, log, policy = send_to(post, sender, friend), post.composite.log, post.anchored.policy
    mine = anchored_of(post.anchored, received.receipt)
    stranger = Signer.generate(log.name).verifier
    for believed in (policy, Policy((LogLine(stranger),))):
        refused(TlogError, "NOTE_UNSIGNED", friend.anchoring.put, received, mine, stranger, believed)
    assert received not in friend.anchoring.pending(stranger, Policy((LogLine(stranger),)))
    unknown = replace(received, id="00" * 16)
    refused(ContentError, "DELIVERY_NOT_FOUND", friend.anchoring.put, unknown, mine, log, policy)
    assert friend.deliveries.received() == [received]


def test_a_log_that_showed_its_witnesses_another_entry_there_is_convicted(
    post: Post, sender: Vault, friend: Vault
) -> None:
    received, log = send_to(post, sender, friend), post.composite.log
    post.anchored.anchored()
    moved = replace(ProofFile.parse(received.receipt), index=receipt_leaf(received.receipt)[0] - 1)
    with post.composite.town.endpoint.channel() as channel:
        policy = post.anchored.policy
        refused(TlogError, "INCLUSION_INVALID", anchored_now, channel, moved.to_bytes(), log, policy)
        assert anchored_now(channel, received.receipt, log, policy) != received.receipt


def test_a_receipt_is_of_this_very_question_note_and_kind(post: Post, sender: Vault, friend: Vault) -> None:
    first, second = send_to(post, sender, friend), send_to(post, sender, friend)
    log = post.composite.log
    check_sending(first.receipt, first.question, first.presentation, log)
    acknowledged = next(each.receipt for each in friend.events() if each.note.digest == first.question.digest)
    for receipt, question, presentation in (
        (acknowledged, first.question, first.presentation),
        (second.receipt, first.question, first.presentation),
        (first.receipt, second.question, first.presentation),
        (first.receipt, replace(first.question, message="another"), first.presentation),
        (first.receipt, first.question, second.presentation),
    ):
        refused(RefusedError, "RECEIPT_MISMATCH", check_sending, receipt, question, presentation, log)
    answer = replace(first.presentation.answer, request_digest=second.question.digest)
    other = replace(first.presentation, answer=answer)
    refused(RefusedError, "RECEIPT_MISMATCH", check_sending, first.receipt, first.question, other, log)


def test_a_file_is_read_strictly(
    post: Post, sender: Vault, school: VerifierDeliveries, kept: DeliveryFolder
) -> None:
    path, at_school = sent_to_school(post, sender, school, kept)
    octets = path.read_bytes()
    assert parse_kept(octets) == at_school
    for changed in (
        octets[:-2],
        octets + b" ",
        octets.replace(b'"name"', b'"more": 1, "name"'),
        octets.replace(b"delivery/v1", b"delivery/v2"),
        octets.replace(b'"receipt": "', b'"receipt": 1, "x": "'),
        octets.replace(b'"question": "', b'"question": "00'),
        b"[" * 100_000,
        b'{"format": "zk-disclosure/received-delivery/v1"}',
        b"[]",
    ):
        with pytest.raises(RecordError):
            parse_kept(changed)
        with pytest.raises(RecordError):
            KeptDelivery.from_bytes(changed)
