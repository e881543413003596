import copy
import pickle
import secrets
from collections.abc import Callable
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclosure import canonical
from prover import MIN_PASSPHRASE, Cost, PassphraseError, VaultFileError, VaultKeys
from prover.sealing import BLOCK_OCTETS, GCM_TAG_OCTETS, NONCE_OCTETS, NOTE_PLAIN_OCTETS
from tests.prover.making import PASSPHRASE, flip, refused
from tlog import HOLDER_NOTE_OCTETS

KEYS, OTHERS = VaultKeys(bytes(range(32))), VaultKeys(bytes(32))
ID = bytes(range(16))


@pytest.fixture(scope="module")
def header() -> bytes:
    return KEYS.wrap(PASSPHRASE)


def same(one: VaultKeys, other: VaultKeys) -> bool:
    return one.open_record(ID, other.seal_record(ID, b"text")) == b"text"


def test_a_header_opens_with_its_passphrase_however_it_is_composed() -> None:
    header = KEYS.wrap("Zürich am See")
    assert same(VaultKeys.unwrap(header, "Zu\u0308rich am See"), KEYS)
    refused(PassphraseError, "PASSPHRASE_WRONG", VaultKeys.unwrap, header, "Zurich am See")


def test_each_header_is_another(header: bytes) -> None:
    assert KEYS.wrap(PASSPHRASE) != header


@pytest.mark.parametrize("place", range(0, 154, 7))
def test_a_changed_header_does_not_open(header: bytes, place: int) -> None:
    assert len(header) == 154
    refused(PassphraseError, "PASSPHRASE_WRONG", VaultKeys.unwrap, flip(header, place), PASSPHRASE)


def test_a_longer_shorter_or_foreign_header_does_not_open(header: bytes) -> None:
    for changed in (b"", header[:-1], header + b"\x00", canonical.encode("zk-disclosure/vault-header/v1")):
        refused(PassphraseError, "PASSPHRASE_WRONG", VaultKeys.unwrap, changed, PASSPHRASE)


@pytest.mark.parametrize("cost", [(2, 4, 65536), (3, 0, 65536), (3, 4, 65535), (11, 4, 65536), (3, 17, 65536),
                                  (3, 4, 524289), (3, True, 65536)])  # fmt: skip
def test_a_cost_outside_the_bounds_is_refused(cost: tuple[int, int, int], header: bytes) -> None:
    with pytest.raises(ValueError, match="bounds"):
        Cost(*cost)
    label = "zk-disclosure/vault-wrapped/v1"
    match canonical.decode(label, header):
        case [bytes(clear), nonce, wrapped]:
            salt = canonical.decode("zk-disclosure/vault-header/v1", clear)[3]
            weak = canonical.encode("zk-disclosure/vault-header/v1", *cost, salt)
            changed = canonical.encode(label, weak, nonce, wrapped)
    refused(PassphraseError, "PASSPHRASE_WRONG", VaultKeys.unwrap, changed, PASSPHRASE)


def test_the_default_cost_is_the_least_memory_that_is_accepted() -> None:
    assert astuple(Cost()) == (3, 4, 64 * 1024)


@pytest.mark.parametrize(
    ("passphrase", "reason"),
    [
        ("x" * (MIN_PASSPHRASE - 1), "PASSPHRASE_TOO_SHORT"),
        ("e\u0301" * (MIN_PASSPHRASE - 1), "PASSPHRASE_TOO_SHORT"),
        ("", "PASSPHRASE_TOO_SHORT"),
        ("密" * 342, "PASSPHRASE_TOO_LONG"),
    ],
)
def test_a_passphrase_has_a_length(passphrase: str, reason: str) -> None:
    error = refused(PassphraseError, reason, KEYS.wrap, passphrase)
    assert not passphrase or passphrase not in str(error)


def test_too_long_a_passphrase_costs_no_derivation(header: bytes) -> None:
    refused(PassphraseError, "PASSPHRASE_WRONG", VaultKeys.unwrap, header, "x" * 1025)


@given(st.binary(max_size=3000))
def test_records_open_where_they_were_sealed_and_their_length_tells_little(plain: bytes) -> None:
    sealed = KEYS.seal_record(ID, plain)
    assert len(sealed) % BLOCK_OCTETS == 0
    assert len(sealed) - len(plain) < BLOCK_OCTETS + NONCE_OCTETS + GCM_TAG_OCTETS + 4
    assert KEYS.open_record(ID, sealed) == plain
    assert plain[:20] not in sealed or len(plain) < 8


def test_a_record_opens_nowhere_else() -> None:
    sealed = KEYS.seal_record(ID, b"a value")
    refused(VaultFileError, "VAULT_DAMAGED", KEYS.open_record, bytes(16), sealed)
    refused(VaultFileError, "VAULT_DAMAGED", OTHERS.open_record, ID, sealed)
    refused(VaultFileError, "VAULT_DAMAGED", KEYS.open_record, ID, sealed[:-1])
    refused(VaultFileError, "VAULT_DAMAGED", KEYS.open_record, ID, b"")


@given(st.integers(0, 511), st.integers(0, 7))
def test_a_changed_record_does_not_open(place: int, bit: int) -> None:
    changed = bytearray(KEYS.seal_record(ID, b"a value"))
    changed[place] ^= 1 << bit
    refused(VaultFileError, "VAULT_DAMAGED", KEYS.open_record, ID, bytes(changed))


def test_usage_tags_are_known_to_their_vault_only() -> None:
    tags = [KEYS.usage_tag() for _ in range(20)]
    assert len(set(tags)) == len({tag[:16] for tag in tags}) == 20
    assert {len(tag) for tag in tags} == {48}
    assert all(KEYS.recognises(tag) for tag in tags)
    assert not any(OTHERS.recognises(tag) for tag in tags)
    assert not any(KEYS.recognises(flip(tags[0], place)) for place in range(48))
    assert not any(KEYS.recognises(tags[0][:end]) for end in range(48))
    assert not KEYS.recognises(secrets.token_bytes(48))


def test_notes_have_one_length_and_open_with_their_vault_only() -> None:
    note = KEYS.seal_note(bytes(NOTE_PLAIN_OCTETS))
    assert len(note) == HOLDER_NOTE_OCTETS == 1024
    assert KEYS.open_note(note) == bytes(NOTE_PLAIN_OCTETS)
    assert OTHERS.open_note(note) is None
    assert all(KEYS.open_note(flip(note, place)) is None for place in range(0, 1024, 13))
    assert KEYS.open_note(note[:-1]) is None
    with pytest.raises(ValueError, match="996"):
        KEYS.seal_note(bytes(NOTE_PLAIN_OCTETS - 1))


def test_a_consents_key_is_that_of_its_log_its_name_and_its_terms() -> None:
    """A service chooses the name: one name for all must not be one key for all."""

    def key(log: str = "log", name: str = "consents/x", terms: bytes = bytes(32)) -> bytes:
        return KEYS.consent_key(log, name, terms).public_key().public_bytes_raw()

    assert key() == key()
    others = [key(log="log2"), key(name="consents/y"), key(terms=bytes(31) + b"1"), key("logc", "onsents/x")]
    assert len({key(), *others}) == 5


def test_one_key_has_one_use() -> None:
    """What was sealed as a note is no record, although nonce and cipher are the same."""
    note = KEYS.seal_note(bytes(NOTE_PLAIN_OCTETS))
    refused(VaultFileError, "VAULT_DAMAGED", KEYS.open_record, ID, note)


@pytest.mark.parametrize("act", [copy.copy, copy.deepcopy, pickle.dumps])
def test_keys_do_not_leave(act: Callable[[object], object]) -> None:
    with pytest.raises(TypeError):
        act(KEYS)
    assert bytes(range(32)).hex() not in repr(KEYS)
