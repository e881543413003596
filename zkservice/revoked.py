"""Callers' certificates that their authority has taken back: its lists (RFC 5280), read here.

gRPC's server in Python reads none, so the transport lets a certificate in that was taken back, and it is
refused when the call's caller is found out. With `client_crl` every authority of `client_ca` has a list there
that it has signed itself, and a certificate counts only while a list of its authority does. No list counts
again once a newer one was taken, also after a restart (`taken_lists`).
"""

import datetime as dt
import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.hashes import MD5, SHA1

from zkservice.config import Settings
from zkservice.errors import ServiceError, ServiceReason, StartError
from zkservice.taken_lists import FILE, TakenLists, name_of

_PEM: Final = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
_KEPT: Final = 1024
"""So many certificates are remembered with who has signed them."""
_SIGNING: Final = (
    ec.EllipticCurvePublicKey,
    rsa.RSAPublicKey,
    ed25519.Ed25519PublicKey,
    ed448.Ed448PublicKey,
)
_LAST: Final = 5
"""In the last fifth of its time a list is one that ends soon."""
_Stamp = tuple[tuple[str, int, int, int], ...]
_Lists = tuple[tuple["_List", ...], ...]
_Places = tuple[int, ...]


class _Said(Enum):
    """What an authority's lists say of a certificate that it has signed."""

    FREE = auto()
    TAKEN_BACK = auto()
    NOTHING = auto()


@dataclass(frozen=True)
class _List:
    """What one authority says at one moment; it counts from `begins` until `ends`."""

    begins: dt.datetime
    ends: dt.datetime
    serials: frozenset[int]

    def counts(self, now: dt.datetime) -> bool:
        return self.begins <= now < self.ends

    @property
    def second(self) -> int:
        return int(self.begins.timestamp())


class Revoked:
    """The newest sound lists. `check` belongs to the event loop, `look` to whoever looks at files.

    Without `client_crl` no certificate is refused here.
    """

    def __init__(
        self, settings: Settings, authorities: bytes | None, clock: Callable[[], dt.datetime]
    ) -> None:
        self._path, self._clock = settings.client_crl, clock
        self._authorities = x509.load_pem_x509_certificates(authorities) if authorities else []
        if self._path is not None and not self._authorities:
            raise StartError("client_crl takes client_port and client_ca; set all three")
        self._signers: OrderedDict[bytes, _Places] = OrderedDict()
        self._serials = [each.serial_number for each in self._authorities]
        self._above = [_signed_by(self._authorities, each) for each in self._authorities]
        self._stamp = self._seen = _stamp(self._path)
        self._lists: _Lists = () if self._path is None else _read(self._path, self._authorities)
        self._names = [name_of(each) for each in self._authorities] if self._lists else []
        self._refused, self._warned = "", False
        self._taken: TakenLists | None = None
        if self._path is not None:
            self._taken = TakenLists(settings.data)
            self._check_remembered(self._lists, clock())
            self._remember()

    @property
    def well(self) -> bool:
        """Whether what lies in the files is gone by, and every authority has a list that counts."""
        now = self._clock()
        return not self._refused and all(_newest(each, now) is not None for each in self._lists)

    @property
    def ends(self) -> dt.datetime | None:
        """When the first authority has no list any more that counts; None if no lists are read."""
        now = self._clock()
        return min((_covered(each, now) for each in self._lists), default=None)

    def _newest_of_each(self, now: dt.datetime) -> list[_List]:
        """Return the last list of each authority; where none has begun, the first that will have."""
        return [_begun(each, now) or min(each, key=lambda one: one.begins) for each in self._lists]

    def check(self, certificate: x509.Certificate, now: dt.datetime) -> None:
        """Raise ServiceError CERTIFICATE_REVOKED, or CERTIFICATE_INVALID where no list tells.

        An authority that was renewed may stand in `client_ca` twice with one name and key, and both have then
        signed what either has: one of them that was not taken back is enough.
        """
        lists = self._lists
        if not lists:
            return
        signers, serial = self._known_signers(certificate), certificate.serial_number
        if not signers:
            detail = "no authority that the server has a list of has signed the certificate itself"
            raise ServiceError(ServiceReason.CERTIFICATE_INVALID, detail)
        said = [[_said(found, number, now) for number in (*self._serials, serial)] for found in lists]
        if self._holds(signers, said, {_Said.FREE}):
            return
        if self._holds(signers, said, {_Said.FREE, _Said.NOTHING}):
            detail = "the authority of the certificate has no list that counts now of what it took back"
            raise ServiceError(ServiceReason.CERTIFICATE_INVALID, detail)
        detail = "the certificate was taken back by its authority"
        raise ServiceError(ServiceReason.CERTIFICATE_REVOKED, detail)

    def _holds(self, signers: _Places, said: Sequence[Sequence[_Said]], enough: set[_Said]) -> bool:
        """Tell whether a way leads up from a certificate on which every list says what is enough.

        Up to an authority that has signed itself, or that no other one here has signed. `said` has what each
        authority says of each one's certificate, and last of the certificate itself.
        """
        good = set(range(len(self._above)))

        def led(number: int, above: _Places) -> bool:
            return any(place in good and said[place][number] in enough for place in above)

        while bad := {
            number for number in good if self._above[number] and not led(number, self._above[number])
        }:
            good -= bad
        return led(-1, signers)

    def _known_signers(self, certificate: x509.Certificate) -> _Places:
        """Return which of the authorities have signed a certificate, by their places."""
        mark = hashlib.sha256(certificate.tbs_certificate_bytes + certificate.signature).digest()
        if mark not in self._signers:
            self._signers[mark] = _signed_by(self._authorities, certificate)
            if len(self._signers) > _KEPT:
                self._signers.popitem(last=False)
        self._signers.move_to_end(mark)
        return self._signers[mark]

    def look(self) -> None:
        """Look once. A change is taken up when two looks find the same, since a file may be half written."""
        if self._path is None:
            return
        stamp, before, self._seen = _stamp(self._path), self._seen, _stamp(self._path)
        if stamp == before and (stamp != self._stamp or self._refused):
            self._take(self._path)
            self._stamp = stamp
        self._warn()
        self._remember()

    def _check_remembered(self, found: _Lists, now: dt.datetime) -> None:
        """Raise StartError if a list counts, or counted last, that is older than one that was ever taken.

        Also where none has begun that this process knows: one may have been taken before it started, or by a
        clock that was set back since.
        """
        for name, lists in zip(self._names, found, strict=True):
            before, newest = self._taken.begun(name) if self._taken else None, _begun(lists, now)
            if before is None or newest is None or newest.second >= before:
                continue
            detail = "a revocation list in client_crl is older than one that was taken before"
            if before > now.timestamp():
                detail += ", which begins in a time to come: look at the clock, now and then"
            raise StartError(f"{detail} ({FILE} in the data folder)")

    def _remember(self) -> None:
        """Have the next start know which lists count now, or have counted last. Older ones go for good."""
        if self._taken is None:
            return
        now = self._clock()
        self._lists = _since_newest(self._lists, now)
        found = [(name, _begun(each, now)) for name, each in zip(self._names, self._lists, strict=True)]
        self._taken.keep({name: newest.second for name, newest in found if newest is not None})

    def _take(self, path: Path) -> None:
        now = self._clock()
        try:
            lists = _read(path, self._authorities)
            for known, found in zip(self._lists, lists, strict=True):
                _check_newer(known, found, now)
            self._check_remembered(lists, now)
        except Exception as error:  # whatever a parser raises, the lists before count on
            reason = str(error) if isinstance(error, StartError) else type(error).__name__
            if reason != self._refused:
                structlog.get_logger().error("the revocation lists were not taken", reason=reason)
            self._refused = reason
            return
        self._refused = ""
        if (lists := _since_newest(lists, now)) != self._lists:
            self._lists = lists
            numbers = [len(each.serials) for found in lists for each in found]
            structlog.get_logger().info("other revocation lists count", certificates=sum(numbers))

    def _warn(self) -> None:
        now = self._clock()
        newest = self._newest_of_each(now)
        ends = min(each.ends for each in newest)
        soon = any(
            now < each.begins or each.ends - now < (each.ends - each.begins) / _LAST for each in newest
        )
        if soon and not self._warned:
            structlog.get_logger().warning(
                "a revocation list ends soon", ends=ends.isoformat(timespec="seconds")
            )
        self._warned = soon


def _begun(lists: Sequence[_List], now: dt.datetime) -> _List | None:
    """Return the last list that was made, of those that have begun, whether it has ended or not."""
    begun = (each for each in lists if each.begins <= now)
    return max(begun, key=lambda each: (each.begins, each.ends), default=None)


def _newest(lists: Sequence[_List], now: dt.datetime) -> _List | None:
    """Return the list that counts now: the last one, or none when that has ended.

    One before it never counts again, however long it says that it does: it knows less.
    """
    last = _begun(lists, now)
    return last if last is not None and last.counts(now) else None


def _since_newest(lists: _Lists, now: dt.datetime) -> _Lists:
    """Return each authority's lists without those before its newest one, whatever the clock says later."""
    newest = [_begun(each, now) for each in lists]
    return tuple(
        tuple(one for one in each if last is None or one.begins >= last.begins)
        for each, last in zip(lists, newest, strict=True)
    )


def _covered(lists: Sequence[_List], now: dt.datetime) -> dt.datetime:
    """Return until when an authority has a list that counts, with those that wait for their beginning."""
    first = _begun(lists, now) or min(lists, key=lambda each: each.begins)
    ends = first.ends
    for each in sorted(lists, key=lambda one: one.begins):
        if first.begins < each.begins <= ends:
            ends = each.ends
    return ends


def _said(lists: Sequence[_List], serial: int, now: dt.datetime) -> _Said:
    newest = _newest(lists, now)
    if newest is None:
        return _Said.NOTHING
    # Of two of the same second nobody knows which is the later one.
    taken_back = any(serial in each.serials for each in lists if each.begins == newest.begins)
    return _Said.TAKEN_BACK if taken_back else _Said.FREE


def _check_newer(known: Sequence[_List], found: Sequence[_List], now: dt.datetime) -> None:
    """Raise StartError unless a list counts now, and is at least as new as any that was taken before."""
    before, newest = _begun(known, now), _newest(found, now)
    if newest is None:
        raise StartError("a revocation list in client_crl has ended, or does not count yet")
    # What was taken last was itself as new as all before it.
    if before is not None and newest.begins < before.begins:
        raise StartError("a revocation list in client_crl is older than one that was taken before")


def _read(path: Path, authorities: Sequence[x509.Certificate]) -> _Lists:
    """Return the lists of each authority; StartError unless all are sound and everybody has one."""
    lists: list[list[_List]] = [[] for _ in authorities]
    for file, crl in _parsed(path):
        signers = [n for n, each in enumerate(authorities) if _has_issued(each, crl)]
        if not signers:
            raise StartError(f"{file} holds a list that no authority of client_ca has signed")
        read = _checked(file, crl)
        for each in signers:
            lists[each].append(read)
    for authority, found in zip(authorities, lists, strict=True):
        if not found:
            name = authority.subject.rfc4514_string()
            raise StartError(f"client_crl has no list of an authority of client_ca: {name}")
    return tuple(map(tuple, lists))


def _parsed(path: Path) -> Iterator[tuple[Path, x509.CertificateRevocationList]]:
    for file in _files(path):
        try:
            octets = file.read_bytes()
            if octets.startswith(b"0"):  # a SEQUENCE: DER
                found = [x509.load_der_x509_crl(octets)]
            else:
                found = [x509.load_pem_x509_crl(each) for each in _PEM.findall(octets)]
        except OSError as error:
            raise StartError(f"client_crl cannot be read: {error.strerror}: {file}") from None
        except (ValueError, x509.InvalidVersion):
            raise StartError(f"{file} is no revocation list") from None
        if not found:
            raise StartError(f"{file} holds no revocation list")
        yield from ((file, each) for each in found)


def _files(path: Path) -> list[Path]:
    """Return the files of a folder but for hidden ones, or the one file."""
    try:
        if not path.is_dir():
            return [path]
        return sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith("."))
    except OSError as error:
        raise StartError(f"client_crl cannot be read: {error.strerror}: {path}") from None


def _checked(file: Path, crl: x509.CertificateRevocationList) -> _List:
    """Return what a list says, if it is a whole one and says until when it counts; else StartError.

    What is critical and unknown here makes a list one of something else: of a part of the certificates, of
    the changes since another list, or of certificates of others (RFC 5280, sections 5.2 and 5.3).
    """
    try:
        ends, entries = crl.next_update_utc, tuple(crl)
        critical = any(each.critical for each in crl.extensions)
        critical |= any(extension.critical for each in entries for extension in each.extensions)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise StartError(f"{file} is a damaged revocation list") from None
    if critical or ends is None:
        raise StartError(f"{file} is no whole revocation list with a time at which the next one comes")
    return _List(crl.last_update_utc, ends, frozenset(each.serial_number for each in entries))


def _signed_by(authorities: Sequence[x509.Certificate], certificate: x509.Certificate) -> _Places:
    return tuple(place for place, each in enumerate(authorities) if _has_signed(each, certificate))


def _has_signed(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _has_issued(authority: x509.Certificate, crl: x509.CertificateRevocationList) -> bool:
    """Tell whether an authority that may sign lists has signed one, by its name and key."""
    key = authority.public_key()
    try:
        if crl.issuer != authority.subject or isinstance(crl.signature_hash_algorithm, MD5 | SHA1):
            return False
        usage = authority.extensions.get_extension_for_class(x509.KeyUsage).value
        may_sign = usage.crl_sign
    except x509.ExtensionNotFound:
        may_sign = True
    except (ValueError, UnsupportedAlgorithm):
        return False
    try:
        return may_sign and isinstance(key, _SIGNING) and crl.is_signature_valid(key)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


def _stamp(path: Path | None) -> _Stamp:
    """Return what tells the files from what was there before."""
    found = []
    try:
        for each in _files(path) if path is not None else ():
            stat = each.stat()
            found.append((each.name, stat.st_mtime_ns, stat.st_size, stat.st_ino))
    except (OSError, StartError):
        return ()
    return tuple(found)
