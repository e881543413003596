"""A certificate authority of the tests', and clients with certificates of it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from tests.zkservice.support import City

DAY = dt.timedelta(days=1)
UNREADABLE = x509.UnrecognizedExtension(ExtensionOID.ISSUER_ALTERNATIVE_NAME, bytes.fromhex("3002a300"))
"""An alternative name of a kind that cryptography does not read, an X.400 address."""


def named(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def third_version(crl: bytes) -> bytes:
    """Return a list (PEM) in DER with the number of a version after the last one that there is."""
    return x509.load_pem_x509_crl(crl).public_bytes(Encoding.DER).replace(b"\2\1\1", b"\2\1\2", 1)


@dataclass
class Authority:
    """Whoever signs clients' certificates: by itself, or in the name of another authority."""

    name: str = "clients"
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False
    )

    parent: "Authority | None" = None
    below: int = 0
    """So many authorities may stand between it and a client."""
    usage: x509.KeyUsage | None = None

    def __post_init__(self) -> None:
        signer = self.parent or self
        builder = signer._builder(named(self.name), self.key, -DAY, 30 * DAY)
        basic = x509.BasicConstraints(ca=True, path_length=self.below)
        builder = builder.add_extension(basic, critical=True)
        if self.usage is not None:
            builder = builder.add_extension(self.usage, critical=True)
        self.certificate = builder.sign(signer.key, SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def written(self, folder: Path) -> Path:
        path = folder / f"{self.name}.pem"
        path.write_bytes(self.pem)
        return path

    def crl(
        self,
        *taken_back: bytes,
        begins: dt.timedelta = dt.timedelta(),
        ends: dt.timedelta = DAY,
        extension: x509.ExtensionType | None = None,
        critical: bool = True,
        entry: x509.ExtensionType | None = None,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> bytes:
        """Return a list in PEM of certificates (PEM) that were taken back; `key` signs, or its own."""
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(named(self.name))
        builder = builder.last_update(now + begins).next_update(now + ends)
        if extension is not None:
            builder = builder.add_extension(extension, critical=critical)
        for each in taken_back:
            revoked = x509.RevokedCertificateBuilder().revocation_date(now + begins)
            revoked = revoked.serial_number(x509.load_pem_x509_certificate(each).serial_number)
            if entry is not None:
                revoked = revoked.add_extension(entry, critical=True)
            builder = builder.add_revoked_certificate(revoked.build())
        return builder.sign(key or self.key, SHA256()).public_bytes(Encoding.PEM)

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, begins: dt.timedelta, ends: dt.timedelta
    ) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(named(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
        )

    def client(
        self,
        *uris: str,
        begins: dt.timedelta = -DAY,
        ends: dt.timedelta = DAY,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
        others: Sequence[x509.GeneralName] = (),
    ) -> tuple[bytes, bytes]:
        """Return a client's private key and certificate in PEM; without names it has no alternative ones."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(named("departments/police"), key, begins, ends)
        names = [*map(x509.UniformResourceIdentifier, uris), *others]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return secret, builder.sign(self.key, SHA256()).public_bytes(Encoding.PEM)


def over(town: City, client: tuple[bytes, bytes] | None, port: int | None = None) -> grpc.aio.Channel:
    """Open a channel to the port for certificates, or another one, with a client's certificate or none."""
    root = (town.ready.data / "ca.pem").read_bytes()
    key, chain = client if client is not None else (None, None)
    address = f"localhost:{port or town.ready.client_port}"
    return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(root, key, chain))
