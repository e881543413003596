"""Lists and authorities as they follow one another in time: which of them counts, without a server around."""

import asyncio
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from structlog.testing import capture_logs

from tests.zkservice.certifying import DAY, Authority
from zkservice.config import Settings
from zkservice.errors import ServiceError
from zkservice.revoked import Revoked
from zkservice.server_certificate import Certificates

POLICE: Final = "zk:departments/police"


@dataclass
class Lists:
    """The lists of one folder, looked at by a clock that the test sets."""

    folder: Path
    authorities: bytes
    now: dt.datetime

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)

    def put(self, name: str, octets: bytes) -> None:
        (self.folder / name).write_bytes(octets)

    def opened(self) -> Revoked:
        settings = Settings(data=self.folder.parent / "data", client_crl=self.folder)
        return Revoked(settings, self.authorities, lambda: self.now)

    def reason(self, revoked: Revoked, client: bytes) -> str:
        try:
            revoked.check(x509.load_pem_x509_certificate(client), self.now)
        except ServiceError as error:
            return str(error.reason)
        return "OK"


def look(revoked: Revoked) -> None:
    """Look as often as a change takes to be taken up."""
    for _ in range(2):
        revoked.look()


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def lists(tmp_path: Path, authority: Authority) -> Lists:
    return Lists(tmp_path / "lists", authority.pem, dt.datetime.now(dt.UTC))


def test_an_older_list_does_not_count_again_when_a_newer_one_has_ended(
    lists: Lists, authority: Authority
) -> None:
    (_, taken), (_, other) = authority.client(POLICE), authority.client(POLICE)
    lists.put("a.pem", authority.crl(ends=30 * DAY))
    lists.put("b.pem", authority.crl(taken, begins=5 * DAY, ends=12 * DAY))
    start, revoked = lists.now, lists.opened()
    for days, told, others in ((4, "OK", "OK"), (6, "CERTIFICATE_REVOKED", "OK")):
        lists.now = start + days * DAY
        assert (lists.reason(revoked, taken), lists.reason(revoked, other)) == (told, others)
        assert revoked.well
    lists.now = start + 13 * DAY
    for client in (taken, other):
        assert lists.reason(revoked, client) == "CERTIFICATE_INVALID"
    assert not revoked.well
    with capture_logs() as told_of:
        revoked.look()
    assert [each["event"] for each in told_of] == ["a revocation list ends soon"]
    ended = dt.datetime.fromisoformat(told_of[0]["ends"])
    assert abs(ended - start - 12 * DAY) < dt.timedelta(minutes=10), "that of the list that counted last"


def test_a_list_that_has_ended_is_not_followed_by_an_older_one(lists: Lists, authority: Authority) -> None:
    _, taken = authority.client(POLICE)
    lists.put("b.pem", authority.crl(taken, ends=DAY))
    start, revoked = lists.now, lists.opened()
    lists.now = start + 2 * DAY
    lists.put("b.pem", authority.crl(begins=-DAY, ends=30 * DAY))
    look(revoked)
    assert lists.reason(revoked, taken) == "CERTIFICATE_INVALID"
    assert not revoked.well
    lists.put("b.pem", authority.crl(taken, begins=DAY, ends=30 * DAY))
    look(revoked)
    assert lists.reason(revoked, taken) == "CERTIFICATE_REVOKED"
    assert revoked.well


async def test_what_a_look_raises_does_not_end_the_watching(
    lists: Lists, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is: the lists and the server's certificate are followed on, and the health names tell."""
    monkeypatch.setattr("zkservice.server_certificate.SECONDS", 0.01)
    _, taken = authority.client(POLICE)
    lists.put("a.pem", authority.crl(begins=-2 * DAY))
    (lists.folder.parent / "data").mkdir()
    revoked = lists.opened()
    certificates = Certificates(Settings(data=lists.folder.parent / "data", dev=True), lambda: lists.now)
    told = asyncio.Queue[bool]()

    def fails() -> None:
        raise MemoryError("a secret of the machine")

    with capture_logs() as lines:
        async with certificates.watching(told.put, revoked), asyncio.timeout(60):
            assert await told.get() is True
            for watched in (revoked, certificates):
                with monkeypatch.context() as patching:
                    patching.setattr(watched, "look", fails)
                    assert await told.get() is False
                assert await told.get() is True
            lists.put("a.pem", authority.crl(taken, begins=-DAY))
            while lists.reason(revoked, taken) != "CERTIFICATE_REVOKED":
                await asyncio.sleep(0.01)
    failed = [each for each in lines if each["event"] == "the certificates' files could not be looked at"]
    assert [each["reason"] for each in failed] == ["MemoryError"] * 2, "told once, not each second"


def test_an_authority_that_was_renewed_with_its_key_takes_no_good_clients_along(lists: Lists) -> None:
    """Both certificates of it have signed for its clients, and only one was taken back."""
    root = Authority("root", below=1)
    old, other = Authority("middle", parent=root), Authority("other", parent=root)
    new = Authority("middle", key=old.key, parent=root)
    assert old.certificate.serial_number != new.certificate.serial_number
    (_, client), (_, taken), (_, others) = (each.client(POLICE) for each in (new, new, other))
    for authorities in ((old, new), (new, old)):
        lists.authorities = b"".join(each.pem for each in (*authorities, other, root))
        for name, octets in (("middle", old.crl(taken)), ("other", other.crl()), ("root", root.crl(old.pem))):
            lists.put(name, octets)
        revoked = lists.opened()
        assert lists.reason(revoked, client) == lists.reason(revoked, others) == "OK"
        assert lists.reason(revoked, taken) == "CERTIFICATE_REVOKED", "whichever of the two is followed"
        lists.put("root", root.crl(old.pem, new.pem))
        assert lists.reason(lists.opened(), client) == "CERTIFICATE_REVOKED"
        assert lists.reason(lists.opened(), others) == "OK"


def test_a_root_that_was_renewed_with_its_key_ends_its_own_old_certificate(lists: Lists) -> None:
    """Each of the two verifies the other; what leads back to itself is no reason to go on for ever."""
    old = Authority("root", below=1)
    new = Authority("root", key=old.key, below=1)
    middle = Authority("middle", parent=new)
    lists.authorities = old.pem + new.pem + middle.pem
    _, client = middle.client(POLICE)
    lists.put("middle", middle.crl())
    for taken_back, told in (((old,), "OK"), ((new,), "OK"), ((old, new), "CERTIFICATE_REVOKED")):
        lists.put("root", new.crl(*(each.pem for each in taken_back)))
        assert lists.reason(lists.opened(), client) == told
    lists.put("root", new.crl(middle.pem))
    assert lists.reason(lists.opened(), client) == "CERTIFICATE_REVOKED"
