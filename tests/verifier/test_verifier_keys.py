"""The request key's file: private, never overwritten, opened by its passphrase only."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from disclosure import open_request, sign_request
from tests.disclosure.world import REQUEST
from verifier import KeyFileError, files, keys

PASSPHRASE = b"correct horse battery staple"


def refused(path: Path, passphrase: bytes | None = None) -> None:
    with pytest.raises(KeyFileError) as caught:
        keys.load(path, passphrase)
    assert caught.value.reason == "KEY_FILE_INVALID"
    assert "horse" not in str(caught.value)


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_a_saved_key_signs_as_before(tmp_path: Path, passphrase: bytes | None) -> None:
    key, path = keys.generate(), tmp_path / "request.pem"
    keys.save(key, path, passphrase)
    loaded = keys.load(path, passphrase)
    public = keys.public_key(key)
    assert len(public) == 32
    assert keys.public_key(loaded) == public
    assert open_request(sign_request(REQUEST, loaded), lambda _: public) == REQUEST
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (b"ENCRYPTED" in path.read_bytes()) == (passphrase is not None)


def test_two_keys_are_two() -> None:
    assert keys.public_key(keys.generate()) != keys.public_key(keys.generate())


def test_an_existing_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "request.pem"
    keys.save(keys.generate(), path)
    before = path.read_bytes()
    with pytest.raises(KeyFileError):
        keys.save(keys.generate(), path)
    assert path.read_bytes() == before


def test_the_passphrase_must_be_right(tmp_path: Path) -> None:
    locked, open_file = tmp_path / "locked.pem", tmp_path / "open.pem"
    keys.save(keys.generate(), locked, PASSPHRASE)
    keys.save(keys.generate(), open_file)
    refused(locked)
    refused(locked, PASSPHRASE + b"x")
    refused(open_file, PASSPHRASE)


def test_a_short_passphrase_is_refused_and_nothing_written(tmp_path: Path) -> None:
    path = tmp_path / "request.pem"
    for short in (b"", b"x" * 15):
        with pytest.raises(KeyFileError):
            keys.save(keys.generate(), path, short)
    assert not path.exists()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError):
        keys.save(keys.generate(), tmp_path / "no" / "request.pem")


@pytest.mark.parametrize("other", [X25519PrivateKey, Ed448PrivateKey])
def test_another_kind_of_key(tmp_path: Path, other: type[X25519PrivateKey] | type[Ed448PrivateKey]) -> None:
    path = tmp_path / "other.pem"
    path.write_bytes(
        other.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    refused(path)


def test_files_that_hold_no_key(tmp_path: Path) -> None:
    path = tmp_path / "request.pem"
    refused(path)
    refused(tmp_path)
    keys.save(keys.generate(), path)
    whole = path.read_bytes()
    for octets in (b"", b"x", whole[:-30], whole.replace(b"PRIVATE", b"PUBLIC"), whole + b"x" * (1 << 14)):
        path.write_bytes(octets)
        refused(path)


# ---- files


def test_replacing_a_file_leaves_the_old_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "record.json"
    files.replace(path, b"old")
    files.replace(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("verifier.files.os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        files.replace(path, b"newer")
    assert path.read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["record.json"]


def test_a_file_is_placed_whole_and_never_over_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "record.json"
    files.place(path, b"old")
    files.place(path, b"old")
    with pytest.raises(FileExistsError) as caught:
        files.place(path, b"new")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"old"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("verifier.files.os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        files.place(tmp_path / "other.json", b"new")
    assert [each.name for each in tmp_path.iterdir()] == ["record.json"]


def test_reading_stops_at_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert files.read(path, 5) == b"12345"
    with pytest.raises(ValueError, match="more than 4"):
        files.read(path, 4)
