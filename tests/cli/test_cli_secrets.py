"""Secrets that files hold: of a child or a home, of a regulator. Read strictly, private, shown by nobody."""

import copy
import pickle
import stat
from pathlib import Path

import pytest

from bbs.gadgets.escrow_shares import PartialOpening
from disclosure import MalformedError, SchemaName
from disclosure.written import ValueFormError
from zk import catalogue
from zk.exits import CommandError, Exit
from zk.home import Home
from zk.regulator.openings import OpeningFile, RecordedPart
from zk.regulator.shares import combine_shares, create_share, load_key, load_public, load_share, save_key
from zk.values import parse_values

SECRET = "5e" * 32


def registration(child_secret: str) -> dict[str, str]:
    return {"id_commit": "ab" * 32, "birth": "2020-02-29", "district": "370102", "child_secret": child_secret}


def test_a_secret_is_read_from_the_file_that_keeps_it(tmp_path: Path) -> None:
    schema = catalogue.builtin().find("child_registration")
    assert schema is not None
    path = tmp_path / "child.secret"
    path.write_text(SECRET + "\n")
    assert parse_values(schema, registration(f"@{path}"))["child_secret"] == bytes.fromhex(SECRET)
    with pytest.raises(ValueFormError) as written:
        parse_values(schema, registration(SECRET))
    assert (written.value.form, SECRET in str(written.value)) == ("@FILE", False)
    with pytest.raises(MalformedError):
        parse_values(schema, registration(""))
    unsaid = {name: each for name, each in registration("").items() if name != "child_secret"}
    made = {"child_secret": bytes(range(32))}
    assert parse_values(schema, unsaid, made)["child_secret"] == made["child_secret"]
    with pytest.raises(MalformedError) as missing:
        parse_values(schema, unsaid)
    assert missing.value.field == "child_secret"


@pytest.mark.parametrize("kept", ["", SECRET[:-2], SECRET.upper().replace("5E", "5F"), f"{SECRET}\n{SECRET}"])
def test_a_file_that_holds_no_secret_is_refused_without_showing_it(tmp_path: Path, kept: str) -> None:
    schema = catalogue.builtin().find("child_registration")
    assert schema is not None
    path = tmp_path / "child.secret"
    path.write_text(kept)
    with pytest.raises(CommandError) as caught:
        parse_values(schema, registration(f"@{path}"))
    assert (caught.value.exit_code, caught.value.reason) == (Exit.USAGE, "SECRET_UNREADABLE")
    assert not kept or kept not in str(caught.value.values)
    with pytest.raises(CommandError):
        parse_values(schema, registration(f"@{tmp_path / 'none'}"))


def test_each_secret_is_kept_in_a_file_of_its_own(tmp_path: Path) -> None:
    home, name = Home(tmp_path), SchemaName("public-security", "child_registration", 1)
    first, second = (home.subject_secret(name, "child_secret") for _ in range(2))
    assert first != second
    assert first.parent == tmp_path / "secrets" / "public-security"


def test_an_officer_s_share_is_private_and_read_again(tmp_path: Path) -> None:
    path, public = tmp_path / "regulators" / "finance.share", tmp_path / "regulators" / "finance.share.pub"
    made = create_share(path, public)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_share(path).public_key == made.public_key
    suite, half = load_public(public)
    assert suite in path.read_text()
    assert half.public_key == made.public_key
    secret = made.to_octets_secret().hex()
    assert secret not in repr(made)
    assert secret not in public.read_text()
    for leaving in (copy.copy, copy.deepcopy, pickle.dumps, hash):
        with pytest.raises(TypeError):
            leaving(made)


SPOILT = [("officer-secret", "other-secret"), ("SHA-256", "MD5"), (" ", "\t"), ("\n", "00\n"), ("\n", " 1\n")]


@pytest.mark.parametrize(("old", "new"), SPOILT)
def test_a_share_file_that_is_none_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "finance.share"
    create_share(path, tmp_path / "pub")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(CommandError) as caught:
        load_share(path)
    assert (caught.value.exit_code, caught.value.reason) == (Exit.USAGE, "KEY_FILE_INVALID")
    assert not any(len(str(each)) > 200 for each in caught.value.values.values())


def test_two_public_shares_make_a_key_that_is_read_again(tmp_path: Path) -> None:
    publics = [tmp_path / name for name in ("a.pub", "b.pub")]
    for public in publics:
        create_share(public.with_suffix(".share"), public)
    key = combine_shares(*publics)
    path = tmp_path / "finance.key"
    save_key(path, key)
    assert load_key(path) == key
    for old, new in [("regulator-shares", "other"), *SPOILT[1:]]:
        path.write_text(path.read_text().replace(old, new))
        with pytest.raises(CommandError):
            load_key(path)
        save_key(path, key)
    words = publics[0].read_text().split(" ")
    for lie in (
        [words[0], words[1], publics[1].read_text().split(" ")[2], words[3]],
        [words[0], "BBS_OF_MY_OWN", words[2], words[3]],
        words[:3],
    ):
        publics[0].write_text(" ".join(lie))
        with pytest.raises(CommandError):
            combine_shares(*publics)
    with pytest.raises(CommandError, match="SHARES_INVALID"):
        combine_shares(publics[1], publics[1])


def test_an_opening_is_a_file_that_is_read_in_one_way_of_writing() -> None:
    one, two = (
        RecordedPart(PartialOpening(bytes(48), bytes(range(at, at + 48)), bytes(64)), b"logged")
        for at in (0, 1)
    )
    for parts, proof in (((one,), b""), ((one, two), b""), ((one, two), b"proof")):
        opened = OpeningFile("person", "case 7", parts, proof)
        octets = opened.to_bytes()
        assert OpeningFile.from_bytes(octets) == opened
        assert "000102" not in repr(opened)
        for changed in (
            octets + b"\n",
            octets.replace(b"opening/v2", b"opening/v1"),
            octets.replace(b'"parts"', b'"part"'),
            octets.replace(b'"share"', b'"key"'),
            b"{}",
            b"[1]",
            b"\xff",
            b"",
            OpeningFile("person", "case 7", ()).to_bytes(),
            OpeningFile("person", "case 7", (one, two, one)).to_bytes(),
        ):
            with pytest.raises(ValueError, match="no opening"):
                OpeningFile.from_bytes(changed)
