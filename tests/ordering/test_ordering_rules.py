"""What is accepted, what is refused and why, and that what is refused changes nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ordering import state
from ordering.errors import Refusal
from ordering.home import public_octets
from ordering.machine import Misbehaviour
from ordering.operators import Admit, Change, Remove, Replace
from ordering.rules import MAX_OPEN, VOTING_SECONDS, proposal_id
from ordering.state import Claimed, Ordered, Proposal, Standing, validator_address
from ordering.transactions import Claim, Propose, RotateKey, SubmitEpoch, Transaction, Vote, key_consent
from tests.ordering.cities import CHAIN, City, Town, town

TAG, OTHER, REFERENCE = bytes([1]) * 32, bytes([2]) * 32, bytes([9]) * 32


@pytest.fixture
def nine(tmp_path: Path) -> Iterator[Town]:
    with town(tmp_path) as opened:
        yield opened


def accepted(nine: Town, transaction: bytes) -> None:
    outcome = nine.outcome(transaction)
    assert outcome.refusal is None, outcome


def refused(nine: Town, transaction: bytes, refusal: Refusal) -> None:
    kept = nine.machine.committed
    outcome = nine.outcome(transaction)
    assert outcome.refusal is refusal, outcome
    after = nine.machine.committed
    assert kept is not None
    assert after is not None
    assert after.app_hash == kept.app_hash


def ordered(nine: Town, city: City) -> Ordered:
    return Ordered.parse(nine.store.get(state.checkpoint_key(city.log.name)) or b"")


# checkpoints


def test_checkpoints_go_on_from_one_another(nine: Town) -> None:
    city = nine.cities[0]
    for count in (1, 7, 30):
        accepted(nine, city.says(city.grown(count)))
        assert (ordered(nine, city).size, ordered(nine, city).height) == (len(city.leaves), nine.height)


def test_a_log_may_begin_empty(nine: Town) -> None:
    city = nine.cities[0]
    accepted(nine, city.says(city.grown(0)))
    accepted(nine, city.says(city.grown(5)))


def test_checkpoints_that_go_back_stay_or_fork_are_refused(nine: Town) -> None:
    city = nine.cities[0]
    accepted(nine, city.says(city.grown(8)))
    refused(nine, city.says(city.checkpoint(8)), Refusal.CHECKPOINT_NOT_NEWER)
    refused(nine, city.says(city.checkpoint(0, city.leaves[:5])), Refusal.CHECKPOINT_NOT_NEWER)
    refused(nine, city.says(city.checkpoint(0, [*city.leaves[:7], TAG])), Refusal.CHECKPOINT_FORKED)
    forked = [*city.leaves[:7], TAG, OTHER]
    refused(nine, city.says(city.checkpoint(8, forked)), Refusal.CHECKPOINT_INVALID)
    refused(nine, city.says(city.checkpoint(0, [*city.leaves, OTHER])), Refusal.CHECKPOINT_INVALID)
    accepted(nine, city.says(city.grown(1)))


def test_a_checkpoint_of_another_log_or_signed_by_nobody_is_refused(nine: Town) -> None:
    city, other = nine.cities[:2]
    refused(nine, city.says(other.grown(3)), Refusal.CHECKPOINT_INVALID)
    body = city.grown(3)
    refused(nine, city.says(replace(body, note=body.note[:-10])), Refusal.CHECKPOINT_INVALID)
    refused(nine, city.says(replace(body, note=b"")), Refusal.CHECKPOINT_INVALID)
    refused(nine, city.says(replace(body, proof=(TAG,))), Refusal.CHECKPOINT_INVALID)
    accepted(nine, city.says(body))


# pseudonyms and epochs


def test_a_child_is_enrolled_in_one_city_only(nine: Town) -> None:
    first, second = nine.cities[:2]
    accepted(nine, first.says(Claim("enrolment/2027", TAG, REFERENCE)))
    refused(nine, second.says(Claim("enrolment/2027", TAG, OTHER)), Refusal.TAKEN)
    refused(nine, first.says(Claim("enrolment/2027", TAG, REFERENCE)), Refusal.TAKEN)
    accepted(nine, second.says(Claim("enrolment/2027", OTHER, OTHER)))
    accepted(nine, second.says(Claim("enrolment/2028", TAG, OTHER)))
    found = Claimed.parse(nine.store.get(state.claim_key("enrolment/2027", TAG)) or b"")
    assert (found.operator, found.reference, found.height) == (first.name, REFERENCE, 1)


def test_two_cities_at_once_one_comes_first(nine: Town) -> None:
    first, second = nine.cities[:2]
    block = nine.bring(second.says(Claim("x", TAG, OTHER)), first.says(Claim("x", TAG, REFERENCE)))
    assert [each.refusal for each in block.outcomes] == [None, Refusal.TAKEN]


def test_epochs_go_forward_for_each_issuer_of_each_city(nine: Town) -> None:
    first, second = nine.cities[:2]
    accepted(nine, first.says(SubmitEpoch("departments/tax", 3, TAG)))
    for number in (3, 2, 0):
        refused(nine, first.says(SubmitEpoch("departments/tax", number, OTHER)), Refusal.EPOCH_NOT_NEWER)
    accepted(nine, first.says(SubmitEpoch("departments/health", 1, TAG)))
    accepted(nine, second.says(SubmitEpoch("departments/tax", 1, TAG)))
    accepted(nine, first.says(SubmitEpoch("departments/tax", 4, OTHER)))


# who says it


def test_nothing_counts_twice(nine: Town) -> None:
    city = nine.cities[0]
    one = city.says(Claim("x", TAG, REFERENCE))
    accepted(nine, one)
    refused(nine, one, Refusal.REPLAYED)
    refused(nine, city.says(Claim("x", OTHER, REFERENCE), sequence=1), Refusal.REPLAYED)


def test_what_was_sent_at_once_may_arrive_in_another_order(nine: Town) -> None:
    city = nine.cities[0]
    sent = [city.says(Claim("x", bytes([each]) * 32, REFERENCE)) for each in range(5)]
    for one in (sent[3], sent[0], sent[4], sent[1], sent[2]):
        accepted(nine, one)
    for one in sent:
        refused(nine, one, Refusal.REPLAYED)


def test_a_number_too_old_to_be_known_or_too_far_ahead_is_refused(nine: Town) -> None:
    city = nine.cities[0]
    accepted(nine, city.says(Claim("x", TAG, REFERENCE), sequence=1000))
    refused(nine, city.says(Claim("x", OTHER, REFERENCE), sequence=1000 - state.WINDOW - 1), Refusal.REPLAYED)
    ahead = 1000 + state.MOST_AHEAD
    refused(nine, city.says(Claim("x", OTHER, REFERENCE), sequence=ahead + 1), Refusal.SEQUENCE_TOO_FAR)
    accepted(nine, city.says(Claim("x", OTHER, REFERENCE), sequence=1000 - state.WINDOW))


def test_strangers_and_other_chains_and_forged_signatures_are_refused(nine: Town) -> None:
    city, other, stranger = nine.cities[0], nine.cities[1], City.of(77)
    body = Claim("x", TAG, REFERENCE)
    refused(nine, stranger.says(body), Refusal.OPERATOR_UNKNOWN)
    refused(nine, city.says(body, chain="another"), Refusal.CHAIN_MISMATCH)
    forged = Transaction(CHAIN, city.name, 1, body).signed(other.key).to_bytes()
    refused(nine, forged, Refusal.SIGNATURE_INVALID)


def test_an_operator_changes_its_key(nine: Town) -> None:
    city = nine.cities[0]
    key = Ed25519PrivateKey.generate()
    consent = key_consent(CHAIN, city.name, key)
    accepted(nine, city.says(RotateKey(public_octets(key), consent)))
    refused(nine, city.says(Claim("x", TAG, REFERENCE)), Refusal.SIGNATURE_INVALID)
    city.key = key
    accepted(nine, city.says(Claim("x", TAG, REFERENCE)))


def test_a_key_that_did_not_agree_or_is_anothers_is_refused(nine: Town) -> None:
    city, other = nine.cities[:2]
    key = Ed25519PrivateKey.generate()
    for consent in (bytes(64), key_consent(CHAIN, other.name, key), key_consent("another", city.name, key)):
        refused(nine, city.says(RotateKey(public_octets(key), consent)), Refusal.KEY_INVALID)
    small_order = bytes(32)
    refused(nine, city.says(RotateKey(small_order, bytes(64))), Refusal.KEY_INVALID)
    theirs = key_consent(CHAIN, city.name, other.key)
    refused(nine, city.says(RotateKey(public_octets(other.key), theirs)), Refusal.CHANGE_IMPOSSIBLE)


# membership


def proposed(nine: Town, city: City, change: Change) -> bytes:
    one = city.says(Propose(change))
    accepted(nine, one)
    return proposal_id(Transaction.parse(one))


def standing(nine: Town, identifier: bytes) -> Standing:
    return Proposal.parse(nine.store.get(state.proposal_key(identifier)) or b"").standing


def voted(nine: Town, identifier: bytes, cities: tuple[City, ...], *, agrees: bool = True) -> None:
    for city in cities:
        accepted(nine, city.says(Vote(identifier, agrees)))


def test_a_tenth_city_is_admitted_by_more_than_two_thirds(nine: Town) -> None:
    tenth = City.of(9)
    refused(nine, tenth.says(Claim("x", TAG, REFERENCE)), Refusal.OPERATOR_UNKNOWN)
    identifier = proposed(nine, nine.cities[0], Admit(tenth.operator))
    voted(nine, identifier, nine.cities[1:6])
    assert standing(nine, identifier) is Standing.OPEN
    block = nine.bring(nine.cities[6].says(Vote(identifier, agrees=True)))
    assert standing(nine, identifier) is Standing.ACCEPTED
    assert dict(block.validators) == {tenth.operator.validator: 10}
    accepted(nine, tenth.says(Claim("x", TAG, REFERENCE)))
    refused(nine, nine.cities[7].says(Vote(identifier, agrees=True)), Refusal.PROPOSAL_ENDED)


def test_one_that_was_removed_has_no_say_and_its_transactions_do_not_come_again(nine: Town) -> None:
    gone = nine.cities[8]
    old = gone.says(Claim("x", TAG, REFERENCE))
    accepted(nine, old)
    identifier = proposed(nine, nine.cities[0], Remove(gone.name))
    voted(nine, identifier, nine.cities[1:6])
    block = nine.bring(nine.cities[6].says(Vote(identifier, agrees=True)))
    assert dict(block.validators) == {gone.operator.validator: 0}
    refused(nine, gone.says(Claim("x", OTHER, REFERENCE)), Refusal.OPERATOR_UNKNOWN)
    again = proposed(nine, nine.cities[0], Admit(gone.operator))
    voted(nine, again, nine.cities[1:6])
    assert standing(nine, again) is Standing.ACCEPTED, "six of eight"
    refused(nine, old, Refusal.REPLAYED)


def test_a_proposal_that_cannot_be_accepted_any_more_is_rejected(nine: Town) -> None:
    identifier = proposed(nine, nine.cities[0], Remove(nine.cities[8].name))
    voted(nine, identifier, nine.cities[1:3], agrees=False)
    assert standing(nine, identifier) is Standing.OPEN
    accepted(nine, nine.cities[3].says(Vote(identifier, agrees=False)))
    assert standing(nine, identifier) is Standing.REJECTED


def test_votes_count_once_in_time_and_for_what_there_is(nine: Town) -> None:
    identifier = proposed(nine, nine.cities[0], Remove(nine.cities[8].name))
    refused(nine, nine.cities[0].says(Vote(identifier, agrees=False)), Refusal.VOTED)
    refused(nine, nine.cities[1].says(Vote(OTHER, agrees=True)), Refusal.PROPOSAL_UNKNOWN)
    nine.seconds += VOTING_SECONDS
    outcome = nine.bring(nine.cities[1].says(Vote(identifier, agrees=True))).outcomes[0]
    assert outcome.refusal is Refusal.PROPOSAL_ENDED


def test_an_operator_has_few_proposals_open(nine: Town) -> None:
    for number in range(MAX_OPEN):
        proposed(nine, nine.cities[0], Admit(City.of(20 + number).operator))
    more = nine.cities[0].says(Propose(Admit(City.of(30).operator)))
    refused(nine, more, Refusal.PROPOSALS_TOO_MANY)
    nine.seconds += VOTING_SECONDS
    nine.bring()  # what comes into a block is checked by the time of the one before
    accepted(nine, nine.cities[0].says(Propose(Admit(City.of(30).operator))))


@pytest.mark.parametrize(
    "change",
    [
        Admit(City.of(0).operator),
        Remove("nobody"),
        Replace(City.of(40).operator, City.of(40).operator.digest),
        Admit(replace(City.of(40).operator, key=City.of(0).operator.key)),
        Admit(replace(City.of(40).operator, log=City.of(0).operator.log)),
        Admit(replace(City.of(40).operator, validator=City.of(0).operator.validator)),
        Replace(
            replace(City.of(1).operator, validator=City.of(0).operator.validator), City.of(1).operator.digest
        ),
        Replace(replace(City.of(1).operator, power=3), City.of(2).operator.digest),
    ],
    ids=[
        "there",
        "not there",
        "not there either",
        "key",
        "log",
        "validator",
        "validator of another",
        "of another record",
    ],
)
def test_what_cannot_be_is_not_voted_on(nine: Town, change: Change) -> None:
    refused(nine, nine.cities[2].says(Propose(change)), Refusal.CHANGE_IMPOSSIBLE)


def test_nobody_is_left_to_make_a_block(tmp_path: Path) -> None:
    with town(tmp_path, 1) as alone:
        refused(alone, alone.cities[0].says(Propose(Remove("city-0"))), Refusal.CHANGE_IMPOSSIBLE)
        without = replace(City.of(0).operator, power=0)
        refused(
            alone,
            alone.cities[0].says(Propose(Replace(without, City.of(0).operator.digest))),
            Refusal.CHANGE_IMPOSSIBLE,
        )


def test_two_accepted_changes_that_exclude_one_another(nine: Town) -> None:
    tenth = City.of(9)
    twin = replace(City.of(10).operator, key=tenth.operator.key)
    first = proposed(nine, nine.cities[0], Admit(tenth.operator))
    second = proposed(nine, nine.cities[1], Admit(twin))
    voted(nine, first, nine.cities[1:7])
    voted(nine, second, nine.cities[2:7])
    assert (standing(nine, first), standing(nine, second)) == (Standing.ACCEPTED, Standing.OPEN)
    accepted(nine, nine.cities[7].says(Vote(second, agrees=True)))
    assert standing(nine, second) is Standing.IMPOSSIBLE


def test_a_lying_validator_is_written_down_and_replaced(nine: Town) -> None:
    liar = nine.cities[4]
    address = validator_address(liar.operator.validator)
    nine.bring(caught=(Misbehaviour(address, 1, 1), Misbehaviour(bytes(20), 1, 1)))
    assert nine.store.get(state.misbehaviour_key(liar.name)) == bytes([0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1])
    quiet = replace(liar.operator, power=0)
    identifier = proposed(nine, nine.cities[0], Replace(quiet, liar.operator.digest))
    voted(nine, identifier, nine.cities[1:3])
    voted(nine, identifier, nine.cities[5:8])
    block = nine.bring(nine.cities[3].says(Vote(identifier, agrees=True)))
    assert dict(block.validators) == {liar.operator.validator: 0}
    accepted(nine, liar.says(Claim("x", TAG, REFERENCE)))


def test_what_was_proposed_before_a_key_was_changed_does_not_bring_the_old_one_back(nine: Town) -> None:
    city, thief = nine.cities[1], City.of(1)
    louder = Replace(replace(city.operator, power=20), city.operator.digest)
    identifier = proposed(nine, nine.cities[0], louder)
    key = Ed25519PrivateKey.generate()
    accepted(nine, city.says(RotateKey(public_octets(key), key_consent(CHAIN, city.name, key))))
    city.key = key
    voted(nine, identifier, nine.cities[2:8])
    assert standing(nine, identifier) is Standing.IMPOSSIBLE
    refused(nine, thief.says(Claim("x", TAG, REFERENCE), sequence=9), Refusal.SIGNATURE_INVALID)
    accepted(nine, city.says(Claim("x", TAG, REFERENCE)))


def test_votes_of_keys_that_were_taken_away_count_no_more(nine: Town) -> None:
    victim, stranger = nine.cities[8], City.of(60)
    identifier = proposed(nine, nine.cities[0], Admit(stranger.operator))
    voted(nine, identifier, (victim, *nine.cities[1:5]))  # the victim's is the thief's
    renewed = replace(City.of(61).operator, name=victim.name)
    again = proposed(nine, nine.cities[0], Replace(renewed, victim.operator.digest))
    voted(nine, again, nine.cities[1:7])
    assert standing(nine, again) is Standing.ACCEPTED
    victim.key = City.of(61).key
    accepted(nine, nine.cities[5].says(Vote(identifier, agrees=True)))
    assert standing(nine, identifier) is Standing.OPEN, "six, and the thief's"
    accepted(nine, victim.says(Vote(identifier, agrees=False)))
    accepted(nine, nine.cities[6].says(Vote(identifier, agrees=True)))
    assert standing(nine, identifier) is Standing.ACCEPTED
