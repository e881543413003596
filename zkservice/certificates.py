"""Callers by a certificate: the secured port on which each connection shows one, and whom it names.

The transport verifies a certificate (its chain to `client_ca`, its times, that it is for clients) before
anything of a call is read. What stands here looks at its times again, and reads whom it names: one URI in its
alternative names, `zk:departments/tax`. Whether it was taken back, `revoked` says. The ordinary port asks for
none, so none is ever seen there.
"""

import datetime as dt
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from sqlalchemy import Connection

from disclosure.errors import MalformedError
from disclosure.names import check_id
from zkservice.config import Settings
from zkservice.errors import ServiceError, ServiceReason, StartError
from zkservice.revoked import Revoked
from zkservice.roles import COLLECTIONS, Role
from zkservice.storage import parties, publication

SCHEME: Final = "zk:"
ROLES: Final = frozenset({Role.DEPARTMENT, Role.VERIFIER, Role.REGULATOR, Role.OPERATOR, Role.WITNESS})
"""Those that a certificate may name. An administrator shows the secret, holders their key."""
_REGISTERED: Final = frozenset({Role.DEPARTMENT, Role.VERIFIER, Role.REGULATOR})
"""Those that the administrator registers. Operators and witnesses are whom the certificate authority
names."""
_PEM: Final = "x509_pem_cert"


def client_authorities(settings: Settings) -> bytes | None:
    """Return the authorities whose certificates the port for callers demands, None if there is no such port.

    Raises StartError.
    """
    if (settings.client_port is None) != (settings.client_ca is None):
        raise StartError("of client_port and client_ca only one is set; set both")
    return None if settings.client_ca is None else _authorities(settings.client_ca)


def _authorities(path: Path) -> bytes:
    try:
        octets = path.read_bytes()
        certificates = x509.load_pem_x509_certificates(octets)
    except OSError as error:
        raise StartError(f"the file client_ca cannot be read: {error.strerror}: {path}") from None
    except ValueError:
        raise StartError(f"{path} holds no certificates in PEM") from None
    for each in certificates:
        if not _may_sign(each):
            raise StartError(f"{path} holds a certificate that may sign no others")
    return octets


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def shown(context: Any) -> bytes | None:
    """Return the certificate in PEM that the transport has verified for a connection, None if it had none."""
    found = context.auth_context().get(_PEM)
    return bytes(found[0]) if found else None


def name_of(pem: bytes, now: dt.datetime, revoked: Revoked) -> str:
    """Return the one party that a certificate names; ServiceError CERTIFICATE_INVALID, CERTIFICATE_REVOKED.

    Its times are looked at for each call: the transport looks when a connection is made with it, and neither
    while that lasts nor when a session of TLS is resumed.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise _refused("the certificate has ended, or does not count yet")
        revoked.check(certificate, now)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except (ValueError, x509.ExtensionNotFound):
        raise _refused("the certificate names no party") from None
    ours = [each for each in uris if each.lower().startswith(SCHEME)]
    if len(ours) != 1:
        raise _refused("the certificate names no party" if not ours else "the certificate names two parties")
    name = ours[0].removeprefix(SCHEME)
    collection, _, identifier = name.partition("/")
    if COLLECTIONS.get(collection) not in ROLES:
        raise _refused("the certificate names what no certificate may stand for")
    try:
        check_id(identifier, "a party")
    except MalformedError:
        raise _refused("the name in the certificate is none") from None
    return name


def check_registered(connection: Connection, name: str) -> None:
    """Raise ServiceError CERTIFICATE_INVALID if nobody has registered whom a certificate names.

    A regulator has access to figures besides, which takes two persons as registering does
    (CreateRegulatorAccess): a certificate is a way to show who one is, and gives nothing.
    """
    role = COLLECTIONS[name.partition("/")[0]]
    if role in _REGISTERED and not parties.is_registered(connection, name):
        raise _refused("the party that the certificate names is not registered")
    if role is Role.REGULATOR and publication.access_token_hash(connection, name) is None:
        raise _refused("the regulator that the certificate names was given no access")


def _refused(detail: str) -> ServiceError:
    return ServiceError(ServiceReason.CERTIFICATE_INVALID, detail)
