"""Published keys are true, or there are none; a table that would tell one holder from others is refused."""

from dataclasses import replace

import pytest

from bbs.gadgets.tables import DIGITS, Table, sign_table
from bbs.keyed import P256, SM2, Curve, KeyedSuite, Keyring, Mac, prove_macs
from disclosure import DisclosureError, MalformedError, RefusedError
from disclosure.keyed import CheckKeys
from tests.disclosure.keyed.world import DEPARTMENT, office


@pytest.fixture(params=[P256, SM2], ids=lambda curve: str(curve.name))
def curve(request: pytest.FixtureRequest) -> Curve:
    assert isinstance(request.param, Curve)
    return request.param


def again(keys: CheckKeys, **changed: bytes | str) -> CheckKeys:
    given: dict[str, bytes | str] = {
        "department": keys.department, "curve": keys.curve.name, "public_key": keys.public_key,
        "digits": keys.digits.octets, "digits_proof": keys.digits_proof,
    }  # fmt: skip
    return CheckKeys.from_octets(**{**given, **changed})  # type: ignore[arg-type]


def test_what_is_published_is_read_again_and_pinned(curve: Curve) -> None:
    keys = office(curve).keys
    read = again(keys)
    assert (read.digest, read.name, read.record) == (keys.digest, keys.name, keys.record)
    assert read.require(keys.digest) is read
    with pytest.raises(RefusedError, match="ISSUER_KEY_UNKNOWN"):
        read.require(office(curve, 2).keys.digest)


def test_each_part_is_in_the_digest(curve: Curve) -> None:
    keys, other = office(curve).keys, office(curve, 2).keys
    digests = {
        keys.digest,
        again(keys, department="police").digest,
        again(keys, public_key=other.public_key).digest,
        again(keys, digits=other.digits.octets, digits_proof=other.digits_proof).digest,
    }
    assert len(digests) == 4


def test_an_identity_and_other_octets_are_no_key(curve: Curve) -> None:
    keys = office(curve).keys
    for key in (
        bytes(33),
        b"\x00",
        b"",
        keys.public_key[:-1],
        b"\x04" + keys.public_key[1:],
        b"\x02" + b"\xff" * 32,
    ):
        with pytest.raises(MalformedError, match="MALFORMED"):
            again(keys, public_key=key)
    with pytest.raises(MalformedError):
        again(keys, curve="P-384")
    with pytest.raises(DisclosureError):
        again(keys, curve="SM2" if curve is P256 else "P-256")


def test_a_table_with_one_false_entry_is_refused(curve: Curve) -> None:
    """By its proof: who was given it would show its digit by failing, or by succeeding alone."""
    mine = office(curve)
    keys = mine.keys
    entries = list(keys.digits.entries)
    entries[7] = entries[8]
    false = Table(keys.suite, DIGITS, keys.digits.scalars, keys.digits.key, tuple(entries))
    with pytest.raises(RefusedError, match="SIGNATURE_INVALID"):
        again(keys, digits=false.octets)
    with pytest.raises(RefusedError, match="SIGNATURE_INVALID"):
        again(keys, digits_proof=keys.digits_proof[:-1] + bytes([keys.digits_proof[-1] ^ 1]))
    with pytest.raises(RefusedError, match="SIGNATURE_INVALID"):
        again(keys, digits_proof=b"")


def test_other_tables_and_a_key_for_both_are_refused(curve: Curve) -> None:
    mine = office(curve)
    suite = KeyedSuite(curve, Keyring([mine.key]))
    for purpose, scalars in ((DIGITS, range(255)), ("codes", range(256))):
        table = sign_table(suite, mine.key, mine.key.public_key, purpose, scalars)
        with pytest.raises(MalformedError, match="digits"):
            again(mine.keys, digits=table.octets)
    table = sign_table(suite, mine.key, mine.key.public_key, DIGITS, range(256))
    macs = [Mac(A, y, table.V.point) for A, y in zip(table.entries, table.scalars, strict=True)]
    with pytest.raises(MalformedError, match="one key"):
        again(mine.keys, digits=table.octets, digits_proof=prove_macs(mine.key, macs))
    with pytest.raises(DisclosureError):
        replace(mine.keys, department="No Name")


def test_the_name_follows_from_department_curve_and_key(curve: Curve) -> None:
    keys = office(curve).keys
    assert keys.name.department == DEPARTMENT
    assert again(keys, department="police").name.key != keys.name.key
