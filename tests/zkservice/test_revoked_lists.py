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
from zkservice.errors import ServiceError, StartError
from zkservice.revoked import Revoked
from zkservice.server_certificate import Certificates
from zkservice.taken_lists import FILE, TakenLists, name_of

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

    @property
    def data(self) -> Path:
        return self.folder.parent / "data"

    def opened(self) -> Revoked:
        """Begin as a server does that starts, on whatever the ones before have left."""
        self.data.mkdir(exist_ok=True)
        settings = Settings(data=self.data, client_crl=self.folder)
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
    # Ahead of the lists that a test makes: these begin in whole seconds of the real time.
    return Lists(tmp_path / "lists", authority.pem, dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1))


def test_an_older_list_does_not_count_again_when_a_newer_one_has_ended(
    lists: Lists, authority: Authority
) -> None:
    (_, taken), (_, other) = authority.client(POLICE), authority.client(POLICE)
    lists.put("a.pem", authority.crl(ends=30 * DAY))
    lists.put("b.pem", authority.crl(taken, begins=5 * DAY, ends=12 * DAY))
    start, revoked = lists.now, lists.opened()
    for days, told, others, ends in ((4, "OK", "OK", 12), (6, "CERTIFICATE_REVOKED", "OK", 12)):
        lists.now = start + days * DAY
        assert revoked.ends is not None
        assert abs(revoked.ends - start - ends * DAY) < dt.timedelta(minutes=10)
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
    revoked = lists.opened()
    certificates = Certificates(Settings(data=lists.data, dev=True), lambda: lists.now)
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


OLDER: Final = r"older than one that was taken before \(client_crl\.json"


def test_an_older_list_does_not_count_again_after_a_restart(lists: Lists, authority: Authority) -> None:
    """Whoever lays it there while the server is away would have what was taken back let in again."""
    _, taken = authority.client(POLICE)
    older, newer = authority.crl(begins=-2 * DAY), authority.crl(taken, begins=-DAY)
    lists.put("a.pem", older)
    look(first := lists.opened())
    lists.put("a.pem", newer)
    look(first)
    assert lists.reason(first, taken) == "CERTIFICATE_REVOKED"
    lists.put("a.pem", older)
    with pytest.raises(StartError, match=OLDER):
        lists.opened()
    later = authority.crl(taken, begins=2 * DAY, ends=9 * DAY)
    lists.put("b.pem", later)
    with pytest.raises(StartError, match=OLDER):  # the one that counts meanwhile is the older one
        lists.opened()
    lists.put("a.pem", newer)
    assert lists.reason(lists.opened(), taken) == "CERTIFICATE_REVOKED"
    (lists.folder / "a.pem").unlink()
    assert lists.reason(lists.opened(), taken) == "CERTIFICATE_INVALID", "the only list there has not begun"


def test_a_list_that_begins_while_the_server_runs_is_remembered_from_then_on(
    lists: Lists, authority: Authority
) -> None:
    _, taken = authority.client(POLICE)
    lists.put("a.pem", authority.crl(ends=30 * DAY))
    lists.put("b.pem", authority.crl(taken, begins=5 * DAY, ends=12 * DAY))
    start, revoked = lists.now, lists.opened()
    (lists.folder / "b.pem").rename(lists.folder / ".b.pem")
    lists.now = start + 4 * DAY
    lists.opened()
    (lists.folder / ".b.pem").rename(lists.folder / "b.pem")
    lists.now = start + 6 * DAY
    revoked.look()
    (lists.folder / "b.pem").unlink()
    with pytest.raises(StartError, match=OLDER):
        lists.opened()


def test_no_older_list_comes_in_over_one_that_has_not_begun(lists: Lists, authority: Authority) -> None:
    """A server that starts with a list of a time to come alone lets nobody in, and no older one after it."""
    _, taken = authority.client(POLICE)
    older, newer = authority.crl(begins=-2 * DAY, ends=9 * DAY), authority.crl(taken, begins=-DAY)
    later = authority.crl(taken, begins=2 * DAY, ends=9 * DAY)
    lists.put("a.pem", newer)
    lists.opened()
    lists.put("a.pem", later)
    revoked = lists.opened()
    lists.put("a.pem", older)
    look(revoked)
    assert not revoked.well
    assert lists.reason(revoked, taken) == "CERTIFICATE_INVALID"
    lists.put("a.pem", newer)
    look(revoked)
    assert revoked.well
    assert lists.reason(revoked, taken) == "CERTIFICATE_REVOKED"


def test_a_clock_that_is_set_back_brings_no_older_list_back(lists: Lists, authority: Authority) -> None:
    _, taken = authority.client(POLICE)
    lists.put("a.pem", authority.crl(begins=-2 * DAY, ends=9 * DAY))
    lists.put("b.pem", authority.crl(taken, begins=-DAY, ends=9 * DAY))
    right, revoked = lists.now, lists.opened()
    lists.now = right - 1.5 * DAY
    look(revoked)
    assert lists.reason(revoked, taken) == "CERTIFICATE_INVALID"
    lists.put("c.pem", authority.crl(begins=-2 * DAY, ends=8 * DAY))
    (lists.folder / "b.pem").unlink()
    look(revoked)
    assert lists.reason(revoked, taken) == "CERTIFICATE_INVALID"
    with pytest.raises(StartError, match="which begins in a time to come"):
        lists.opened()


def test_a_next_list_that_is_there_in_time_is_no_end(lists: Lists, authority: Authority) -> None:
    lists.put("a.pem", authority.crl(begins=-DAY, ends=DAY))
    lists.put("b.pem", authority.crl(begins=DAY / 2, ends=9 * DAY))
    revoked = lists.opened()
    assert revoked.ends is not None
    assert abs(revoked.ends - lists.now - 9 * DAY) < dt.timedelta(minutes=10)


def test_lists_of_one_authority_say_nothing_of_anothers(lists: Lists, authority: Authority) -> None:
    other = Authority("others")
    lists.put("a.pem", authority.crl(begins=-DAY / 2))
    lists.opened()
    lists.authorities = other.pem
    lists.put("a.pem", other.crl(begins=-5 * DAY))
    lists.opened()
    lists.authorities = authority.pem
    lists.put("a.pem", authority.crl(begins=-DAY))
    with pytest.raises(StartError, match=OLDER):  # known still, though it was away
        lists.opened()
    renewed = Authority(authority.name, key=authority.key)
    lists.authorities = renewed.pem
    with pytest.raises(StartError, match=OLDER):  # another certificate of the same name and key
        lists.opened()


def test_what_cannot_be_written_down_counts_and_is_told(lists: Lists, authority: Authority) -> None:
    _, taken = authority.client(POLICE)
    lists.put("a.pem", authority.crl(begins=-DAY))
    revoked = lists.opened()
    lists.data.rename(away := lists.data.with_name("away"))
    lists.put("a.pem", authority.crl(taken, begins=-DAY / 2))
    revoked.look()
    for _ in range(2):  # each look says so, until it is written
        with pytest.raises(FileNotFoundError):
            revoked.look()
    assert lists.reason(revoked, taken) == "CERTIFICATE_REVOKED"
    away.rename(lists.data)
    revoked.look()
    lists.put("a.pem", authority.crl(begins=-DAY))
    with pytest.raises(StartError, match=OLDER):
        lists.opened()


def test_two_members_leave_out_nothing_of_each_other(lists: Lists, authority: Authority) -> None:
    lists.data.mkdir()
    names = name_of(authority.certificate), name_of(Authority("others").certificate)
    one, two = TakenLists(lists.data), TakenLists(lists.data)
    one.keep({names[0]: 2, names[1]: 1})
    two.keep({names[0]: 1, names[1]: 2})
    assert [TakenLists(lists.data).begun(each) for each in names] == [2, 2]
    assert (lists.data / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "octets",
    [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"format": "x", "begun": {}}']
    + [
        b'{"format": "zk-disclosure/taken-revocation-lists/v1", "begun": %s}' % begun
        for begun in (b"[]", b'{"x": 1}', b'{"%s": true}' % (b"0" * 64), b'{"%s": "1"}' % (b"0" * 64))
    ],
    ids=lambda octets: f"{len(octets)} octets",
)
def test_a_damaged_memory_is_none_that_is_passed_over(
    lists: Lists, authority: Authority, octets: bytes
) -> None:
    lists.put("a.pem", authority.crl())
    lists.opened()
    (lists.data / FILE).write_bytes(octets)
    with pytest.raises(StartError, match="is damaged"):
        lists.opened()
