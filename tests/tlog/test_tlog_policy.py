"""Policies: every rule of the format, and who reaches a quorum, compared with counting by hand."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tlog.making import LOG, ORIGIN, WITNESS_KEYS, WITNESSES, digest, refused
from tlog import (
    Checkpoint,
    GroupLine,
    LogLine,
    Policy,
    Signer,
    TlogError,
    Verifier,
    WitnessLine,
    cosign,
    open_by_policy,
    open_pending,
    sign_checkpoint,
)
from tlog.keys import CosignatureSigner, KeyType
from tlog.note import sign

W = [f"witness w{number} {key}" for number, key in enumerate(WITNESS_KEYS)]
HEAD = "\n".join([f"log {LOG.verifier} https://city.example/log", *W])
CHECKPOINT = Checkpoint(ORIGIN, 5, digest(1))
NOTE = sign_checkpoint(CHECKPOINT, LOG)


def parsed(*lines: str) -> Policy:
    return Policy.parse("\n".join((HEAD, *lines, "")).encode())


def test_a_policy_reads_as_it_is_written() -> None:
    text = parsed("group g 2 w0 w1 w2", "group h any g w3", "quorum h")
    assert Policy.parse(text.to_bytes()) == text
    assert text.logs == (LogLine(LOG.verifier, "https://city.example/log"),)
    assert text.witnesses[0] == WitnessLine("w0", WITNESS_KEYS[0])
    assert text.groups == (GroupLine("g", 2, ("w0", "w1", "w2")), GroupLine("h", 1, ("g", "w3")))
    assert text.logs_of(ORIGIN) == (LOG.verifier,)
    assert text.logs_of("another") == ()


def test_blanks_and_comments_say_nothing() -> None:
    plain = parsed("group g all w0 w1", "quorum g")
    body = HEAD.replace(" ", " \t ").replace("\n", "\n\t# a remark, \u4e2d\n \t\n")
    assert Policy.parse(f"  {body}\ngroup\tg  all w0\tw1 \n\tquorum g\t\n".encode()) == plain
    assert plain.groups[0].threshold == 2


def test_names_are_octets() -> None:
    name = b"\xe2\x84\xaa\xff"
    text = HEAD.encode() + b"\nwitness " + name + b" " + str(_other(9)).encode() + b"\nquorum " + name + b"\n"
    policy = Policy.parse(text)
    assert policy.satisfied([_other(9)])
    assert not policy.satisfied(WITNESS_KEYS)
    assert Policy.parse(policy.to_bytes()) == policy


def _other(number: int, name: str = "another") -> Verifier:
    return CosignatureSigner.from_secret(name, digest(number)).verifier


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("quorum",),
        ("quorum w0 w1",),
        ("quorum w0", "quorum w0"),
        ("quorum none", "quorum none"),
        ("quorum unknown",),
        ("quorum g", "group g 1 w0"),
        ("group g 0 w0", "quorum none"),
        ("group g 2 w0", "quorum none"),
        ("group g 01 w0", "quorum none"),
        ("group g +1 w0", "quorum none"),
        ("group g \u0661 w0", "quorum none"),
        ("group g most w0 w1", "quorum none"),
        ("group g any", "quorum none"),
        ("group g any none", "quorum none"),
        ("group none any w0", "quorum none"),
        ("group w0 any w1", "quorum none"),
        ("group g any w0 w0", "quorum none"),
        ("group g any w0", "group h any w0", "quorum none"),
        ("group g any w0", "group h any g", "group i any g", "quorum none"),
        ("group g any w0", "group g any w1", "quorum none"),
        ("group g any g", "quorum none"),
        ("group g any h", "group h any w0", "quorum none"),
        ("witness w0 " + str(_other(1)), "quorum none"),
        ("witness none " + str(_other(1)), "quorum none"),
        ("witness x", "quorum none"),
        ("witness x " + str(_other(1)) + " url more", "quorum none"),
        ("log " + str(_other(1)), "quorum none"),
        ("witness x " + str(Signer.from_secret("x", digest(1)).verifier), "quorum none"),
        ("log", "quorum none"),
        ("Log " + str(Signer.from_secret("x", digest(1)).verifier), "quorum none"),
        ("something else", "quorum none"),
    ],
)
def test_lines_that_are_refused(lines: tuple[str, ...]) -> None:
    refused("POLICY_MALFORMED", parsed, *lines)


@pytest.mark.parametrize(
    "data",
    [b"quorum none", b"quorum none\r\n", b"\x00\nquorum none\n", b"quorum none\x7f\n", b"#" * (2 << 20)],
)
def test_octets_that_are_refused(data: bytes) -> None:
    refused("POLICY_MALFORMED", Policy.parse, data)


def test_no_key_stands_twice() -> None:
    same = Verifier("another.example/name", KeyType.COSIGNATURE, WITNESS_KEYS[0].public_key)
    refused("POLICY_MALFORMED", parsed, f"witness x {same}", "quorum none")
    log_as_witness = Verifier("x", KeyType.COSIGNATURE, LOG.verifier.public_key)
    refused("POLICY_MALFORMED", parsed, f"witness x {log_as_witness}", "quorum none")
    refused("KEY_AMBIGUOUS", Policy, (LogLine(LOG.verifier), LogLine(LOG.verifier)))


def test_broken_keys_are_named_as_such() -> None:
    refused("KEY_MALFORMED", parsed, "witness x nonsense", "quorum none")


NINE = [_other(number, f"city{number}.example") for number in range(20, 28)]
REGULATOR = _other(40, "regulator.example")


def nine() -> Policy:
    """Return the policy of one of nine cities: 6 of 9 signatures, its own among them."""
    lines = [f"log {LOG.verifier}", *(f"witness c{n} {key}" for n, key in enumerate(NINE))]
    lines += [f"witness regulator {REGULATOR}", "group cities 5 " + " ".join(f"c{n}" for n in range(8))]
    return Policy.parse("\n".join([*lines, "quorum cities", ""]).encode())


def test_six_of_nine_with_the_logs_own() -> None:
    policy = nine()
    for count in range(9):
        for chosen in combinations(NINE, count):
            assert policy.satisfied(chosen) is (count >= 5)
            assert policy.satisfied([*chosen, REGULATOR]) is (count >= 5), "the regulator does not count"
            if count == 4:
                assert not policy.satisfied([*chosen, *chosen, _other(99)]), "nobody counts twice"


@given(st.data())
def test_quorums_are_what_counting_by_hand_says(data: st.DataObject) -> None:
    free, groups = [f"w{n}" for n in range(4)], list[GroupLine]()
    for number in range(data.draw(st.integers(0, 4))):
        members = data.draw(st.lists(st.sampled_from(free), min_size=1, unique=True)) if free else []
        if members:
            groups.append(GroupLine(f"g{number}", data.draw(st.integers(1, len(members))), tuple(members)))
            free = [each for each in free if each not in members] + [f"g{number}"]
    names = [*(f"w{n}" for n in range(4)), *(each.name for each in groups), "none"]
    quorum = data.draw(st.sampled_from(names))
    lines = tuple(WitnessLine(f"w{n}", key) for n, key in enumerate(WITNESS_KEYS))
    policy = Policy((LogLine(LOG.verifier),), lines, tuple(groups), quorum)
    assert Policy.parse(policy.to_bytes()) == policy

    def by_hand(name: str, signed: set[int]) -> bool:
        for each in groups:
            if each.name == name:
                return [by_hand(member, signed) for member in each.members].count(True) >= each.threshold
        return name == "none" or int(name[1:]) in signed

    for count in range(5):
        for chosen in combinations(range(4), count):
            keys = [WITNESS_KEYS[number] for number in chosen]
            assert policy.satisfied(keys) is by_hand(quorum, set(chosen))


def test_a_checkpoint_counts_with_its_log_and_its_quorum() -> None:
    policy = parsed("group g 2 w0 w1 w2", "quorum g")
    lines = [cosign(NOTE, witness, 100 + place) for place, witness in enumerate(WITNESSES)]
    checkpoint, cosignatures = open_by_policy(NOTE + lines[0] + lines[2] + lines[3], policy)
    assert checkpoint == CHECKPOINT
    assert [(each.witness, each.time) for each in cosignatures] == [
        (WITNESS_KEYS[0], 100), (WITNESS_KEYS[2], 102), (WITNESS_KEYS[3], 103),
    ]  # fmt: skip
    for short in (NOTE, NOTE + lines[0], NOTE + lines[0] + lines[0], NOTE + lines[0] + lines[3]):
        refused("QUORUM_MISSING", open_by_policy, short, policy)
        assert open_pending(short, policy)[0] == CHECKPOINT
    refused("NOTE_UNSIGNED", open_by_policy, NOTE, Policy.parse(b"quorum none\n"))
    assert open_by_policy(NOTE, Policy.of_log(LOG.verifier)) == (CHECKPOINT, ())


def test_witnesses_alone_do_not_make_a_checkpoint() -> None:
    policy = parsed("quorum w0")
    stranger = sign_checkpoint(CHECKPOINT, Signer.generate(ORIGIN))
    refused("NOTE_UNSIGNED", open_by_policy, stranger + cosign(stranger, WITNESSES[0], 1), policy)


def test_one_log_does_not_speak_for_another() -> None:
    other = Signer.from_secret("log.example.org/other", digest(77))
    text = Checkpoint("log.example.org/other", 5, digest(1)).text()
    policy = Policy((LogLine(LOG.verifier), LogLine(other.verifier)))
    refused("ORIGIN_UNKNOWN", open_by_policy, sign(text, LOG), policy)
    assert open_by_policy(sign(text, LOG, other), policy)[0].origin == other.name


def test_a_log_that_changes_its_key_is_believed_under_either() -> None:
    new = Signer.from_secret(ORIGIN, digest(78))
    policy = Policy((LogLine(LOG.verifier), LogLine(new.verifier)))
    for note in (NOTE, sign_checkpoint(CHECKPOINT, new), sign(CHECKPOINT.text(), LOG, new)):
        assert open_by_policy(note, policy)[0] == CHECKPOINT
    assert policy.logs_of(ORIGIN) == (LOG.verifier, new.verifier)


@given(st.integers(0, len(NOTE) * 8 - 1))
def test_no_changed_octet_of_a_cosigned_note_is_accepted_as_it_was(bit: int) -> None:
    policy = parsed("quorum w0")
    note = bytearray(NOTE + cosign(NOTE, WITNESSES[0], 7))
    note[bit // 8] ^= 1 << bit % 8
    try:
        found, _ = open_by_policy(bytes(note), policy)
    except TlogError:
        return
    assert found == CHECKPOINT, "a changed text was accepted"


ONE_NAME = [_other(60, "w.example"), _other(61, "w.example")]
TWO_KEYS = [f"witness new{number} {key}" for number, key in enumerate(ONE_NAME)]


@pytest.mark.parametrize(
    "lines",
    [
        ("group g 2 new0 new1 w0", "quorum g"),
        ("group g all new0 new1", "quorum g"),
        ("group g any new0 w0", "group h any new1", "group i all g h", "quorum i"),
        ("group g any new0", "group h any new1", "group i 2 g h w0", "quorum i"),
    ],
    ids=["two of three", "both", "two groups", "a group each"],
)
def test_one_witness_counts_once_however_many_keys_it_has(lines: tuple[str, ...]) -> None:
    refused("POLICY_MALFORMED", parsed, *TWO_KEYS, *lines)


def test_a_witness_that_changes_its_key_counts_by_either() -> None:
    policy = parsed(*TWO_KEYS, "group new any new0 new1", "group g 2 new w0 w1", "quorum g")
    assert not policy.satisfied(ONE_NAME)
    assert all(policy.satisfied([each, WITNESS_KEYS[0]]) for each in ONE_NAME)
    assert parsed(*TWO_KEYS, "group g any new0 w0", "quorum g").satisfied([ONE_NAME[0]]), (
        "one beside the quorum"
    )


def test_no_two_keys_share_name_and_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """A note names a key by these alone; to find two that share an id takes seconds."""
    monkeypatch.setattr(Verifier, "key_id", property(lambda _: bytes(4)))
    refused("KEY_AMBIGUOUS", Policy, (), tuple(WitnessLine(f"x{n}", key) for n, key in enumerate(ONE_NAME)))
