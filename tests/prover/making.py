"""Departments, credentials, requests and receipts made for tests of the holder's side."""

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import bbs
from disclosure import (
    AttributeDefinition,
    AttributeType,
    Code,
    Credential,
    CredentialForm,
    ExchangeLink,
    ExpiryRule,
    IssuerKey,
    LocalizedText,
    PolicyName,
    Presentation,
    Query,
    ReceiptBody,
    Request,
    Schema,
    SchemaName,
    Value,
    VerifierName,
    issue,
    issuer_key_name,
    sign_request,
)
from prover import FetchedRequest, HeldCredential, PreparedPresentation, Usage, Vault, plan, present
from prover.usages import AnyPresentation
from tests.tlog.making import LOG, Log, record
from tests.zkservice.allowing import allowed
from tlog import ProofFile, ReceiptOpening, inclusion_proof, receipt_file

NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
TODAY = NOW.date()
PASSPHRASE = "correct horse 电池 staple"
SERVER = "service.example.org:8443"
VERIFIER = VerifierName("school-3")
ANY_POLICY = PolicyName(VERIFIER.verifier, "any", 1)
VERIFIER_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"school").digest())
SCHOOL = LocalizedText("历下区某小学", "A school in Lixia")
PURPOSE = LocalizedText("入学报名", "Enrolment")
NAME, NUMBER = "王小明", "370102199001011234"

RESIDENCE = Schema(
    SchemaName("public-security", "residence_permit", 1),
    LocalizedText("居住证", "Residence permit"),
    CredentialForm.PLAIN,
    (
        AttributeDefinition("name", LocalizedText("姓名", "Name"), AttributeType.TEXT, max_length=120),
        AttributeDefinition("number", LocalizedText("证件号码", "Number"), AttributeType.TEXT, max_length=18),
        AttributeDefinition(
            "district",
            LocalizedText("区县", "District"),
            AttributeType.CODE,
            code_system="GB/T 2260",
            codes=(
                Code("370102", LocalizedText("历下区", "Lixia District")),
                Code("370103", LocalizedText("市中区", "Shizhong District")),
            ),
        ),
        AttributeDefinition(
            "since",
            LocalizedText("居住起始日", "Living there since"),
            AttributeType.DATE,
            minimum=0,
            maximum=40000,
        ),
    ),
    365,
)
INSURANCE = Schema(
    SchemaName("hrss", "social_insurance", 1),
    LocalizedText("社会保险记录", "Social insurance record"),
    CredentialForm.PLAIN,
    (
        AttributeDefinition(
            "base", LocalizedText("缴费基数", "Contribution base"), AttributeType.INTEGER, unit="CNY",
            scale=2,
            minimum=-100_000_000, maximum=100_000_000,
        ),
        AttributeDefinition("insured", LocalizedText("在保", "Insured"), AttributeType.BOOLEAN),
        AttributeDefinition(
            "employer", LocalizedText("单位编号", "Employer"), AttributeType.HASH, optional=True
        ),
        AttributeDefinition(
            "remark", LocalizedText("备注", "Remark"), AttributeType.TEXT, max_length=60, optional=True
        ),
    ),
    90,
)  # fmt: skip
POLICY = allowed(ANY_POLICY, [RESIDENCE, INSURANCE], PURPOSE)
RESIDENCE_VALUES: Mapping[str, Value] = {
    "name": NAME,
    "number": NUMBER,
    "district": "370102",
    "since": dt.date(2021, 9, 1),
}
INSURANCE_VALUES: Mapping[str, Value] = {"base": 856_400, "insured": True}


@dataclass(frozen=True)
class Issuer:
    """A department's key."""

    key: IssuerKey
    secret: bbs.SecretKey

    def issue(self, schema: Schema, values: Mapping[str, Value], day: dt.date = TODAY) -> Credential:
        return issue(schema, self.key, self.secret, values, day)

    def held(self, schema: Schema, values: Mapping[str, Value], number: int = 0) -> HeldCredential:
        received = NOW + dt.timedelta(seconds=number)
        return HeldCredential(f"{number:032x}", self.issue(schema, values), schema, self.key, received)


@cache
def issuer(department: str, suite: str = "", number: int = 0) -> Issuer:
    suite = suite or str(bbs.SHA_256)
    material = hashlib.sha512(f"{department} {suite} {number}".encode()).digest()
    secret = bbs.SecretKey.from_octets(bbs.keygen(material, suite=suite), suite=suite)
    public_key = secret.public_key()
    return Issuer(IssuerKey(issuer_key_name(department, suite, public_key), suite, public_key), secret)


def residence(number: int = 0) -> HeldCredential:
    return issuer("public-security").held(RESIDENCE, RESIDENCE_VALUES, number)


def insurance(number: int = 0) -> HeldCredential:
    return issuer("hrss").held(INSURANCE, INSURANCE_VALUES, number)


def request(*queries: Query, purpose: LocalizedText = PURPOSE, nonce: bytes = bytes(32)) -> Request:
    every = queries or (
        Query("home", RESIDENCE.name, ("district",)),
        Query("work", INSURANCE.name, ("base", "remark"), ExpiryRule.WAIVED),
    )
    ends = NOW + dt.timedelta(hours=1)
    return Request(VERIFIER, purpose, every, NOW - dt.timedelta(minutes=1), ends, nonce, ANY_POLICY)


def fetched(asked: Request, number: int = 1) -> FetchedRequest:
    link = ExchangeLink(SERVER, f"exchange-{number}", f"ticket-{number}")
    return FetchedRequest(link, sign_request(asked, VERIFIER_KEY), SCHOOL, POLICY)


def receipt_of(usage: Usage, *, body: ReceiptBody | None = None, holder_note_hash: bytes = b"") -> bytes:
    """Put a use on a real log, in memory, and return the receipt."""
    body = body or ReceiptBody(
        usage.verifier, usage.request.digest, usage.presentation.digest, NOW + dt.timedelta(seconds=1)
    )
    note = holder_note_hash or usage.answer.note_hash
    opening = ReceiptOpening(hashlib.sha256(b"salt").digest(), body.to_bytes(), note)
    log = Log()
    log.add([record(0), opening.entry().to_bytes(), record(1)], [None, usage.holder_note, None])
    return receipt_file(opening, 1, inclusion_proof(1, log.size, log.node), log.signed())


def logged(entry: bytes) -> bytes:
    """Put a record on a real log, in memory, and return the proof that it stands there."""
    log = Log()
    log.add([record(0), entry], [None, None])
    return ProofFile(1, tuple(inclusion_proof(1, log.size, log.node)), log.signed()).to_bytes()


def refused(
    kind: type[Exception], expected: str, /, act: Callable[..., object], *args: object, **options: object
) -> Exception:
    """Expect an error of one kind with one reason."""
    with pytest.raises(kind) as caught:
        act(*args, **options)
    assert getattr(caught.value, "reason", None) == expected
    return caught.value


def plain(presentation: AnyPresentation) -> Presentation:
    """Return a presentation that is of the plain form."""
    assert isinstance(presentation, Presentation)
    return presentation


def flip(octets: bytes, place: int) -> bytes:
    changed = bytearray(octets)
    changed[place] ^= 1 << place % 8
    return bytes(changed)


LOG_KEY = LOG.verifier


def add(vault: Vault, made: HeldCredential) -> HeldCredential:
    return vault.add(made.credential, made.schema, made.issuer_key)


def prepared(vault: Vault, number: int = 1) -> PreparedPresentation:
    asked = request(nonce=bytes([number]) * 32)
    return present(plan(asked, vault.credentials(), NOW), vault.keys, NOW)


def begin(vault: Vault, number: int = 1) -> Usage:
    made = prepared(vault, number)
    return vault.begin_usage(fetched(made.request, number), made)


def filled(vault: Vault) -> Vault:
    add(vault, residence())
    add(vault, insurance())
    return vault
