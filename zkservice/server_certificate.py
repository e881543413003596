"""The server's certificate while it runs: read anew when its files change, without a break.

Each new connection is shown the newest pair that was found sound; those that there are keep theirs until they
end. A pair that cannot be read, does not belong together or does not count now is not taken: the one before
stays, a line in the log says why, and the health name `certificate` is NOT_SERVING until it is mended. So it
is for the last fourteen days of a certificate. The operator's private key may be encrypted under what the
keyring holds (`keyring.server_key`).
"""

import asyncio
import datetime as dt
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, cast

import grpc
import structlog
from cryptography import x509

from zkservice import tls
from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.keyring import server_key
from zkservice.keyring.opening import FOLDER
from zkservice.keyring.providers import KeyProvider
from zkservice.revoked import Revoked

SECONDS: Final = 1.0
"""How often the files are looked at."""
WARNING: Final = dt.timedelta(days=14)
_AGAIN: Final = 10
"""What was not taken is tried again at each so many looks: a provider may have been away for a moment."""
_Stamp = tuple[tuple[int, int, int], ...]


class Certificates:
    """What the server shows. Belongs to the event loop, but for what gRPC asks from threads of its own.

    `provider` is that of the settings, which opens the keyring where the private key is encrypted under it.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], dt.datetime], provider: KeyProvider | None = None
    ) -> None:
        self._settings, self._clock = settings, clock
        self._provider, self._password = provider, b""
        self._pair = tls.server_credentials(settings, clock(), self.password)
        self._stamp = self._seen = _stamp(tls.server_files(settings))
        self._lock = threading.Lock()
        self._version = 0
        self._contexts = list[ssl.SSLContext]()
        self._refused, self._warned, self._looks = "", False, 0
        self._is_lacking = False
        """Whether a listener beside gRPC's could not be given the pair."""

    @property
    def ends(self) -> dt.datetime:
        """When the certificate that is shown ends."""
        return _leaf(self._pair[1]).not_valid_after_utc

    @property
    def well(self) -> bool:
        """Whether what lies in the files is shown, and lasts for two weeks."""
        return not self._refused and self.ends - self._clock() >= WARNING

    def password(self) -> bytes:
        """Return what an encrypted private key opens with; StartError. The keyring is asked for it once."""
        if not self._password:
            folder = self._settings.data / FOLDER
            self._password = server_key.password_of(folder, self._provider)
        return self._password

    @property
    def key_password(self) -> str:
        """What the private key's file opens with, if it is encrypted by the time that somebody reads it.

        Never nothing: without a password OpenSSL would ask whoever sits at the terminal.
        """
        try:
            return self.password().decode()
        except StartError:
            return "-"

    def credentials(self, authorities: bytes | None = None) -> grpc.ServerCredentials:
        """Return what gRPC listens with on a port; it asks for a newer pair at every handshake.

        With `authorities` (PEM) each connection has to show a certificate that one of them has signed.
        """
        with self._lock:
            given = self._version
            first = _configuration(self._pair, authorities)

        def fetch() -> grpc.ServerCertificateConfiguration | None:
            nonlocal given
            with self._lock:
                if given == self._version:
                    return None
                given = self._version
                return _configuration(self._pair, authorities)

        # None, which its types do not know, says that there is nothing newer.
        newest = cast(Callable[[], grpc.ServerCertificateConfiguration], fetch)
        return grpc.dynamic_ssl_server_credentials(first, newest, authorities is not None)

    def follow(self, context: ssl.SSLContext) -> None:
        """Have the certificate of a listener beside gRPC's changed as well."""
        self._contexts.append(context)

    @asynccontextmanager
    async def watching(
        self, tell: Callable[[bool], Awaitable[None]], revoked: Revoked
    ) -> AsyncIterator[None]:
        """Look at the files until the block ends, and at those of the lists of callers' certificates.

        `tell` hears whether all is well, now and on a change.
        """
        await tell(told := self.well and revoked.well)

        async def watch(told: bool) -> None:
            failed = ""
            while True:
                await asyncio.sleep(SECONDS)
                before = failed
                failed = " ".join([await _failure(self.look), await _failure(revoked.look)]).strip()
                if failed and failed != before:
                    structlog.get_logger().error(
                        "the certificates' files could not be looked at", reason=failed
                    )
                well = not failed and self.well and revoked.well
                if well != told:
                    await tell(told := well)

        looking = asyncio.create_task(watch(told))
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.wait((looking,))

    def look(self) -> None:
        """Look once. A change is taken up when two looks find the same, since two files change one by one."""
        files = tls.server_files(self._settings)
        stamp, before, self._seen = _stamp(files), self._seen, _stamp(files)
        self._looks += 1
        again = bool(self._refused) and self._looks % _AGAIN == 0
        if stamp == before and (stamp != self._stamp or again):
            self._take(files)
            self._stamp = stamp
        elif self._made_here and self.ends - self._clock() < tls.RENEWING:
            self._take(files)
        self._warn()

    @property
    def _made_here(self) -> bool:
        return not self._settings.certificate

    def _take(self, files: tuple[Path, Path]) -> None:
        try:
            pair = tls.server_credentials(self._settings, self._clock(), self.password)
            _check(pair, self._clock())
        except (StartError, OSError, ValueError) as error:
            self._refuse(str(error))
            return
        except Exception as error:  # whatever a parser raises, the pair before is shown on
            self._refuse(type(error).__name__)
            return
        self._refused = ""
        if pair == self._pair and not self._is_lacking:
            return
        with self._lock:
            self._pair = pair
            self._version += 1
        self._is_lacking = False
        for each in self._contexts:
            try:
                each.load_cert_chain(*files, self.key_password)
            except (OSError, ssl.SSLError) as error:
                self._is_lacking = True
                self._refuse(f"it is not shown over HTTP ({type(error).__name__})")
        ends = self.ends.isoformat(timespec="seconds")
        structlog.get_logger().info("another certificate is shown", ends=ends)

    def _refuse(self, reason: str) -> None:
        if reason != self._refused:
            structlog.get_logger().error("the certificate was not taken", reason=reason)
        self._refused = reason

    def _warn(self) -> None:
        soon = self.ends - self._clock() < WARNING
        if soon and not self._warned:
            ends = self.ends.isoformat(timespec="seconds")
            structlog.get_logger().warning("the certificate ends soon", ends=ends)
        self._warned = soon


async def _failure(look: Callable[[], None]) -> str:
    """Look once; return the type of what it raised, or nothing. The other look and the next one go on."""
    try:
        await asyncio.to_thread(look)
    except Exception as error:
        return type(error).__name__
    return ""


def _configuration(
    pair: tuple[bytes, bytes], authorities: bytes | None
) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([pair], authorities)


def _leaf(chain: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificates(chain)[0]


def _check(pair: tuple[bytes, bytes], now: dt.datetime) -> None:
    """Raise StartError unless a certificate counts now."""
    leaf = _leaf(pair[1])
    if not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc:
        raise StartError("the certificate does not count yet, or has ended")


def _stamp(files: tuple[Path, Path]) -> _Stamp:
    """Return what tells a file from what was there before; zeros for none."""
    found = []
    for each in files:
        try:
            stat = each.stat()
        except OSError:
            found.append((0, 0, 0))
        else:
            found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(found)
