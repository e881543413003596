"""Client identifiers (OpenID4VP 1.0, section 5.9): `x509_hash` and `x509_san_dns`, over a verifier's own key.

The certificate's key is the verifier's registered request key, which stands on the ledger: that, and no
authority of the web, is why a wallet believes a name. A certificate ties the key to an identifier of
OpenID's, and with `x509_san_dns` to a host.
"""

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NoReturn
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from openid.errors import OpenIdError, OpenIdReason
from openid.strict_json import to_base64url

HASH_PREFIX: Final = "x509_hash:"
DNS_PREFIX: Final = "x509_san_dns:"
MAX_CHAIN: Final = 5
_MAX_CERTIFICATE: Final = 8 << 10
_MALFORMED: Final = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What reading a certificate raises; but for the first they have nothing in common."""
_LIFE: Final = dt.timedelta(days=398)
_EARLIER: Final = dt.timedelta(hours=1)
"""A new certificate counts from a little before, for wallets whose clock is behind."""


@dataclass(frozen=True)
class ClientCertificate:
    """A certificate chain, the leaf first, in DER; the leaf's key signs request objects."""

    chain: tuple[bytes, ...]

    @property
    def hashed(self) -> str:
        """The identifier by the leaf's hash."""
        return HASH_PREFIX + to_base64url(hashlib.sha256(self.chain[0]).digest())

    def named(self, host: str) -> str:
        """The identifier by a host; OpenIdError CLIENT_NOT_TRUSTED if the leaf does not name it."""
        if host not in hosts_of(leaf_of(self.chain)):
            _untrusted("the certificate does not name the host")
        return DNS_PREFIX + host

    @property
    def x5c(self) -> list[str]:
        """The chain as a JOSE header has it: base64, padded."""
        return [base64.b64encode(each).decode() for each in self.chain]

    def check_key(self, key: Ed25519PublicKey) -> None:
        """Raise OpenIdError CLIENT_NOT_TRUSTED unless the leaf is this key's."""
        if not hmac.compare_digest(key_of(leaf_of(self.chain)), key.public_bytes_raw()):
            _untrusted("the certificate is of another key than the verifier's")


def self_signed(key: Ed25519PrivateKey, host: str, now: dt.datetime) -> ClientCertificate:
    """Make a certificate of a verifier's own key for a host; nobody but the ledger vouches for it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, None)
    )
    return ClientCertificate((made.public_bytes(Encoding.DER),))


def from_pem(octets: bytes) -> ClientCertificate:
    """Read a chain of PEM certificates, the leaf first; OpenIdError CLIENT_NOT_TRUSTED."""
    try:
        read = x509.load_pem_x509_certificates(octets)
    except _MALFORMED:
        _untrusted("the file holds no certificates in PEM")
    return ClientCertificate(tuple(each.public_bytes(Encoding.DER) for each in read[:MAX_CHAIN]))


def certificate_from_x5c(chain: Sequence[object]) -> ClientCertificate:
    """Read a JOSE header's chain; OpenIdError REQUEST_OBJECT_INVALID."""
    read = list[bytes]()
    for each in chain:
        if not isinstance(each, str) or len(each) > 2 * _MAX_CERTIFICATE:
            raise _malformed()
        try:
            octets = base64.b64decode(each, validate=True)
        except ValueError:
            raise _malformed() from None
        if base64.b64encode(octets).decode() != each:
            raise _malformed()
        read.append(octets)
    if not 0 < len(read) <= MAX_CHAIN:
        raise _malformed()
    return ClientCertificate(tuple(read))


def leaf_of(chain: Sequence[bytes]) -> x509.Certificate:
    """Return the leaf; OpenIdError REQUEST_OBJECT_INVALID."""
    try:
        return x509.load_der_x509_certificate(chain[0])
    except _MALFORMED:
        raise _malformed() from None


def key_of(leaf: x509.Certificate) -> bytes:
    """Return a certificate's Ed25519 key, 32 octets; OpenIdError CLIENT_NOT_TRUSTED for another kind."""
    try:
        key = leaf.public_key()
    except _MALFORMED:
        raise _malformed() from None
    if not isinstance(key, Ed25519PublicKey):
        _untrusted("the certificate's key is none of a verifier's, which are Ed25519")
    return key.public_bytes_raw()


def hosts_of(leaf: x509.Certificate) -> list[str]:
    """Return the hosts that a certificate names, in its subject alternative names only."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return names.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        return []
    except _MALFORMED:
        raise _malformed() from None


def check_client(
    client_id: str, certificate: ClientCertificate, response_uri: str, now: dt.datetime
) -> bytes:
    """Return the key of a client whose identifier its certificate carries, 32 octets.

    Whose key it is, the ledger says. Raises OpenIdError CLIENT_NOT_TRUSTED: another prefix, another
    certificate or host than the identifier names, one that is not valid now; REQUEST_OBJECT_INVALID.
    """
    leaf = leaf_of(certificate.chain)
    if client_id.startswith(HASH_PREFIX):
        if not hmac.compare_digest(client_id.encode(), certificate.hashed.encode()):
            _untrusted("the identifier is the hash of another certificate")
    elif client_id.startswith(DNS_PREFIX):
        host = client_id.removeprefix(DNS_PREFIX)
        if host not in hosts_of(leaf):
            _untrusted("the certificate does not name the identifier's host")
        if urlsplit(response_uri).hostname != host:
            _untrusted("the answer would go to another host than the identifier names")
    else:
        _untrusted("this wallet knows the prefixes x509_hash and x509_san_dns")
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        _untrusted("the certificate is not valid now")
    return key_of(leaf)


def _untrusted(detail: str) -> NoReturn:
    raise OpenIdError(OpenIdReason.CLIENT_NOT_TRUSTED, detail, field="client_id")


def _malformed() -> OpenIdError:
    return OpenIdError(OpenIdReason.REQUEST_OBJECT_INVALID, "x5c holds no certificates", field="x5c")
