"""Certificates: the operator's, or for `--dev` those of a local authority, made once and kept."""

import datetime as dt
import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from zkservice.config import Settings
from zkservice.errors import StartError
from zkservice.keyring import server_key
from zkservice.keys import write_private

_AUTHORITY_DAYS: Final = 3650
_SERVER_DAYS: Final = 397
RENEWING: Final = dt.timedelta(days=30)
"""So long before its end a certificate that was made here is made anew."""


def no_password() -> bytes:
    """Stand in for a keyring where there is none: what is encrypted stays closed."""
    raise StartError("the server's private key is encrypted, and nothing here opens it")


def server_credentials(
    settings: Settings, now: dt.datetime, password: Callable[[], bytes] = no_password
) -> tuple[bytes, bytes]:
    """Return the server's private key, open, and its certificate chain in PEM. Raises StartError.

    `password` is asked if the operator's private key is encrypted (`keyring.server_key`).
    """
    if settings.certificate and settings.private_key:
        return _operators_credentials(settings.certificate, settings.private_key, password)
    if settings.certificate or settings.private_key:
        raise StartError("of certificate and private_key only one is set; set both")
    if not settings.dev:
        raise StartError("set certificate and private_key, or start with --dev for a local authority")
    return _dev_credentials(settings, now)


def server_files(settings: Settings) -> tuple[Path, Path]:
    """Return where certificate and private key are that `server_credentials` has read, or made."""
    if settings.certificate and settings.private_key:
        return settings.certificate, settings.private_key
    return settings.data / "server.pem", settings.data / "server.key"


def _operators_credentials(path: Path, key_path: Path, password: Callable[[], bytes]) -> tuple[bytes, bytes]:
    try:
        octets, chain = key_path.read_bytes(), path.read_bytes()
        certificate = x509.load_pem_x509_certificates(chain)[0]
        key, is_open = server_key.loaded(octets, password)
    except OSError as error:
        raise StartError(f"the certificate cannot be read: {error.strerror}: {error.filename}") from None
    except (ValueError, TypeError):
        raise StartError(f"{path} is no certificate in PEM, or {key_path} no private key") from None
    if key.public_key() != certificate.public_key():
        raise StartError(f"the certificate {path} is not for the private key {key_path}")
    return octets if is_open else server_key.opened(key), chain


def _dev_credentials(settings: Settings, now: dt.datetime) -> tuple[bytes, bytes]:
    folder = settings.data
    authority_key, authority = folder / "ca.key", folder / "ca.pem"
    key, certificate = folder / "server.key", folder / "server.pem"
    if not authority_key.exists() or not authority.exists():
        _make_authority(authority_key, authority, now)
        key.unlink(missing_ok=True)
    if not _fits(key, certificate, authority, settings.public_host, now):
        _make_server(settings.public_host, authority_key, authority, key, certificate, now)
    return key.read_bytes(), certificate.read_bytes() + authority.read_bytes()


def _fits(key_path: Path, path: Path, authority: Path, host: str, now: dt.datetime) -> bool:
    """Tell whether key and certificate are there, belong together, are the authority's, and last.

    A crash between the writing of two of these files leaves them unlike each other; then they are made anew.
    """
    if not key_path.exists() or not path.exists():
        return False
    try:
        key = load_pem_private_key(key_path.read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.read_bytes()))
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    fresh = certificate.not_valid_after_utc > now + RENEWING
    own = key.public_key() == certificate.public_key()
    return own and fresh and _san(host)[0].value in [each.value for each in names]


def _san(host: str) -> list[x509.GeneralName]:
    try:
        first: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        first = x509.DNSName(host)
    loopback: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    return [first, *(each for each in loopback if each != first)]


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _builder(subject: str, issuer: x509.Name, now: dt.datetime, days: int) -> x509.CertificateBuilder:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _make_authority(key_path: Path, path: Path, now: dt.datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = "zk-disclosure development authority"
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    certificate = (
        _builder(subject, issuer, now, _AUTHORITY_DAYS)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    write_private(key_path, _private(key))
    path.write_bytes(certificate.public_bytes(Encoding.PEM))


def _make_server(
    host: str, authority_key: Path, authority: Path, key_path: Path, path: Path, now: dt.datetime
) -> None:
    try:
        signing_key = load_pem_private_key(authority_key.read_bytes(), None)
        root = x509.load_pem_x509_certificate(authority.read_bytes())
    except (ValueError, TypeError):
        raise StartError(f"{authority_key} or {authority} is damaged; delete both for new ones") from None
    if not isinstance(signing_key, ec.EllipticCurvePrivateKey):
        raise StartError(f"{authority_key} is not the key of the development authority")
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(host, root.subject, now, _SERVER_DAYS)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_san(host)), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False
        )
        .sign(signing_key, SHA256())
    )
    write_private(key_path, _private(key))
    path.write_bytes(certificate.public_bytes(Encoding.PEM))


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
