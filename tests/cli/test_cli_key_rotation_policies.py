"""What a change of the log's key does to the pinned policy, offline: the proof comes in a file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from disclosure.registry import log_key_entry
from tests.cli.running import Done, refused, zk
from tests.cli.test_cli_mirror import operator
from tests.consortium.making import LOG, MemoryLog
from tests.zkservice.changing import NEW, OLD, STRANGE, proof_of
from tlog import CosignatureSigner, LogLine, Policy, ProofFile, Signer, Verifier, WitnessLine, cosign
from zk import home as homes
from zk.exits import Exit
from zk.home import Home

WITNESS, OTHER = (CosignatureSigner.from_secret(f"{each}.example", each.encode() * 32) for each in "wo")
AT = "https://log.example/"
POLICY = Policy((LogLine(OLD.verifier, AT),), (WitnessLine("w", WITNESS.verifier),), quorum="w")


def cosigned(proof: bytes, *witnesses: CosignatureSigner) -> bytes:
    note = ProofFile.parse(proof).checkpoint
    return proof + b"".join(cosign(note, each, 1) for each in witnesses)


CHANGE = cosigned(proof_of(log_key_entry(OLD.verifier, NEW.verifier), OLD, NEW), WITNESS)
Kept = dict[str, bytes]


class Pinning:
    """A home that has pinned the old key, and a policy that names it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "zk"
        assert self.trust(OLD.verifier, "--policy", self.file(POLICY.to_bytes())).code == 0

    def trust(self, *more: object) -> Done:
        return zk("ledger", "trust", *more, "--home", self.path, "--json")

    def follow(self, proof: bytes, *more: object) -> Done:
        return self.trust("--follow", self.file(proof), *more)

    def file(self, octets: bytes) -> Path:
        path = self.folder / f"file-{len(list(self.folder.iterdir()))}"
        path.write_bytes(octets)
        return path

    @property
    def kept(self) -> Kept:
        return {each.name: each.read_bytes() for each in self.path.iterdir()}

    @property
    def policy(self) -> Policy:
        policy = Home(self.path).policy()
        assert policy is not None
        return policy

    @property
    def key(self) -> Verifier | None:
        return Home(self.path).profile().log_key

    def is_coherent(self) -> bool:
        """Whether the policy names the pinned key, so that what is signed now can count as anchored."""
        return self.key in [each.verifier for each in self.policy.logs]


@pytest.fixture
def pinning(tmp_path: Path) -> Pinning:
    return Pinning(tmp_path)


def test_the_pinned_policy_names_the_new_key_beside_the_old_one(pinning: Pinning) -> None:
    said = pinning.follow(CHANGE).json
    assert said == {
        "log_key": str(NEW.verifier),
        "before": str(OLD.verifier),
        "followed": True,
        "quorum": "w",
    }
    assert pinning.policy == replace(POLICY, logs=(LogLine(NEW.verifier, AT), LogLine(OLD.verifier, AT)))
    assert pinning.key == NEW.verifier
    assert {each.stat().st_mode & 0o777 for each in pinning.path.iterdir()} == {0o600}
    third = Signer.from_secret(OLD.name, bytes([7]) * 32)
    second = cosigned(proof_of(log_key_entry(NEW.verifier, third.verifier), NEW, third), WITNESS)
    assert pinning.follow(second).json["followed"]
    keys = [third.verifier, NEW.verifier, OLD.verifier]
    assert [each.verifier for each in pinning.policy.logs] == keys
    assert Home(pinning.path).profile().log_keys == tuple(keys)


def test_lines_of_other_logs_and_a_line_that_stands_there_already_stay(pinning: Pinning) -> None:
    other = LogLine(Signer.from_secret("log.example/other", b"o" * 32).verifier)
    both = replace(POLICY, logs=(other, LogLine(OLD.verifier, AT), LogLine(NEW.verifier)))
    assert pinning.trust("--policy", pinning.file(both.to_bytes())).code == 0
    assert pinning.follow(CHANGE).code == 0
    assert pinning.policy == both
    one = replace(both, logs=both.logs[:2])
    assert pinning.trust("--replace", OLD.verifier, "--policy", pinning.file(one.to_bytes())).code == 0
    assert pinning.follow(CHANGE).code == 0
    assert pinning.policy.logs == (other, LogLine(NEW.verifier, AT), LogLine(OLD.verifier, AT))


def test_another_policy_is_pinned_with_the_new_key_if_it_names_it(pinning: Pinning) -> None:
    named = Policy((LogLine(NEW.verifier),), (WitnessLine("me", WITNESS.verifier),), quorum="me")
    said = pinning.follow(CHANGE, "--policy", pinning.file(named.to_bytes())).json
    assert (said["followed"], said["quorum"]) == (True, "me")
    assert (pinning.key, pinning.policy) == (NEW.verifier, named)


WRONG = {
    "names the old key only": (POLICY, Exit.USAGE, "POLICY_LACKS_KEY"),
    "names another key": (replace(POLICY, logs=(LogLine(STRANGE.verifier),)), Exit.USAGE, "POLICY_LACKS_KEY"),
    "demands nobody": (Policy.of_log(NEW.verifier), Exit.USAGE, "POLICY_WITHOUT_QUORUM"),
    "of others": (
        Policy((LogLine(NEW.verifier),), (WitnessLine("o", OTHER.verifier),), quorum="o"),
        Exit.NOT_VERIFIED,
        "QUORUM_MISSING",
    ),
    "has the old key for a witness": (
        Policy(
            (LogLine(NEW.verifier),),
            (WitnessLine("w", WITNESS.verifier),
             WitnessLine("x", CosignatureSigner.from_secret("x", bytes(32)).verifier)),
            quorum="w",
        ),
        Exit.NOT_VERIFIED,
        "KEY_AMBIGUOUS",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_policy_that_does_not_fit_the_change_moves_nothing(pinning: Pinning, case: str) -> None:
    policy, code, reason = WRONG[case]
    before = pinning.kept
    refused(pinning.follow(CHANGE, "--policy", pinning.file(policy.to_bytes())), code, reason)
    assert pinning.kept == before


def test_who_is_told_that_a_policy_lacks_the_key_is_given_the_line(pinning: Pinning) -> None:
    file = pinning.file(POLICY.to_bytes())
    for lang in ("en", "zh"):
        proof = pinning.file(CHANGE)
        more = ("--follow", proof, "--policy", file, "--lang", lang)
        said = zk("ledger", "trust", *more, "--home", pinning.path)
        assert f"log {NEW.verifier}" in said.err


def false_changes() -> dict[str, tuple[Callable[[], bytes], str]]:
    record = log_key_entry(OLD.verifier, NEW.verifier)
    one, two = (Signer.from_secret("log.example/other", bytes([each]) * 32) for each in (4, 5))
    foreign = log_key_entry(one.verifier, two.verifier)
    to_witness = Signer.from_secret(OLD.name, b"w" * 32)
    earlier = Signer.from_secret(OLD.name, bytes([6]) * 32)
    return {
        "signed by the new key only": (lambda: proof_of(record, NEW), "NOTE_UNSIGNED"),
        "signed by another key": (lambda: proof_of(record, STRANGE, NEW), "NOTE_UNSIGNED"),
        "signed by the old key only": (lambda: proof_of(record, OLD), "NOTE_UNSIGNED"),
        "of another origin": (lambda: proof_of(foreign, one, two, origin=one.name), "LOG_KEY_NOT_FOLLOWED"),
        "an older change": (
            lambda: proof_of(log_key_entry(earlier.verifier, OLD.verifier), earlier, OLD),
            "LOG_KEY_NOT_FOLLOWED",
        ),
        "the way back": (
            lambda: proof_of(log_key_entry(NEW.verifier, OLD.verifier), NEW, OLD), "LOG_KEY_NOT_FOLLOWED"
        ),
        "of a key that a witness has": (
            lambda: proof_of(log_key_entry(OLD.verifier, to_witness.verifier), OLD, to_witness),
            "KEY_AMBIGUOUS",
        ),
    }  # fmt: skip


@pytest.mark.parametrize("case", false_changes())
def test_a_false_change_moves_neither_the_pin_nor_the_policy(pinning: Pinning, case: str) -> None:
    made, reason = false_changes()[case]
    proof, before = cosigned(made(), WITNESS), pinning.kept
    named = replace(POLICY, logs=(LogLine(NEW.verifier), LogLine(OLD.verifier)))
    refused(pinning.follow(proof), Exit.NOT_VERIFIED, reason)
    if reason != "KEY_AMBIGUOUS":
        given = pinning.file(named.to_bytes())
        refused(pinning.follow(proof, "--policy", given), Exit.NOT_VERIFIED, reason)
    assert pinning.kept == before


def test_a_change_that_the_pinned_witnesses_have_not_seen_moves_nothing(pinning: Pinning) -> None:
    """Whoever has stolen the old key can sign as both; the witnesses are who he cannot be."""
    before, stolen = pinning.kept, proof_of(log_key_entry(OLD.verifier, STRANGE.verifier), OLD, STRANGE)
    for proof in (stolen, cosigned(stolen, OTHER)):
        refused(pinning.follow(proof), Exit.NOT_VERIFIED, "QUORUM_MISSING")
    assert pinning.kept == before


def test_a_change_that_was_followed_is_not_followed_again(pinning: Pinning) -> None:
    assert pinning.follow(CHANGE).code == 0
    before = pinning.kept
    refused(pinning.follow(CHANGE), Exit.NOT_VERIFIED, "LOG_KEY_NOT_FOLLOWED")
    assert pinning.kept == before


@pytest.mark.parametrize("with_policy", [False, True])
def test_after_a_crash_at_any_write_the_policy_is_that_of_the_pinned_key(
    tmp_path: Path, with_policy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = Policy((LogLine(NEW.verifier),), (WitnessLine("me", WITNESS.verifier),), quorum="me").to_bytes()
    write, writes = homes.write_private, 2 + with_policy
    for crash in range(writes + 1):
        (tmp_path / str(crash)).mkdir()
        pinning, left = Pinning(tmp_path / str(crash)), iter(range(crash))
        more = ("--policy", pinning.file(named)) if with_policy else ()

        def writing(path: Path, octets: bytes, left: "object" = left) -> None:
            if next(left, None) is None:  # type: ignore[call-overload]
                raise KeyboardInterrupt
            write(path, octets)

        with monkeypatch.context() as patched:
            patched.setattr(homes, "write_private", writing)
            assert pinning.follow(CHANGE, *more).code == (0 if crash == writes else Exit.INTERRUPTED)
        assert pinning.is_coherent()
        if pinning.key == OLD.verifier:
            assert pinning.follow(CHANGE, *more).code == 0
        assert (pinning.key, pinning.is_coherent()) == (NEW.verifier, True)


def test_a_mirror_of_the_pinned_log_goes_on_after_its_key_was_followed(tmp_path: Path) -> None:
    new = Signer.from_secret(LOG.name, b"n" * 32)
    change = tmp_path / "change"
    change.write_bytes(proof_of(log_key_entry(LOG.verifier, new.verifier), LOG, new, origin=LOG.name))
    home, log = ("--home", tmp_path / "zk", "--json"), MemoryLog().grow(3)
    assert zk("ledger", "trust", LOG.verifier, *home).code == 0
    with operator(log) as url:
        mirrored = ("ledger", "mirror", tmp_path / "mirror", "--url", url, *home)
        assert zk(*mirrored).json["size"] == 4
        log.signer = new
        log.grow(3)
        refused(zk(*mirrored), Exit.NOT_VERIFIED, "NOTE_UNSIGNED")
        assert "zk ledger trust --follow" in zk(*mirrored).err
        assert zk("ledger", "trust", "--follow", change, *home).json["followed"]
        assert zk(*mirrored).json["size"] == 8
