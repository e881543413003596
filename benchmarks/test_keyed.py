"""Composite presentations without pairings (P-256, SM2: the issuer verifies) beside those with (BLS12-381).

pytest benchmarks/test_keyed.py --benchmark-disable-gc

Keyed verification is what the check service does for each presentation, without gRPC. Where petlib is missing
its rows are skipped by name, and those with pairings are measured all the same.
"""

from collections.abc import Mapping
from functools import cache, cached_property
from importlib import import_module
from importlib.util import find_spec
from time import process_time
from typing import Any, Final, Protocol

import pytest

from bbs import SHA_256, SecretKey, groups
from bbs.credential import core_prepare_credential
from bbs.engine import (
    Base,
    Builder,
    Claim,
    PairingSuite,
    Statement,
    Suite,
    Values,
    Verified,
    WireForm,
    prove,
    verify,
    verify_batch,
)
from bbs.gadgets import Credential, Pseudonym, WeakBB, hashed_base
from bbs.gadgets.bases import MessageGenerators
from bbs.gadgets.credential import HeldCredential
from bbs.gadgets.ranges import Quantity, Range
from bbs.gadgets.tables import DIGIT_BASE, DIGITS, Table, octets_to_table, sign_table
from bbs.generators import create_generators
from bbs.serialization import octets_to_signature
from bbs.signature import core_sign
from benchmarks.conftest import Measure

pytestmark = pytest.mark.benchmark(timer=process_time)

L, HEADER, SHOWN = 10, b"header", {i: i + 100 for i in (3, 6, 9)}
HANDLE, NUMBER = 1, 4
LEAST, MOST = 10_000, 0xFFFF
"""The bounds of an attribute of 16 bits: the one that is asked for, and the schema's."""
MESSAGES = tuple(12_345 if i == NUMBER else i + 100 for i in range(L))
BATCH = 256
CONTEXT = (("request", b"nonce of the verifier"),)
_KEYED: Final = find_spec("petlib") is not None
keyed: Any = import_module("bbs.keyed") if _KEYED else None
_WANTS: Final = pytest.mark.skipif(not _KEYED, reason="the extra `keyed` (petlib) is not installed")
SUITES = ("BLS12-381", pytest.param("P-256", marks=_WANTS), pytest.param("SM2", marks=_WANTS))
GADGETS = ("credential", "credential, 16-bit range", "credential, possession, pseudonym")


class Issuer(Protocol):
    """An issuer with keys of credentials and of a table, and what its holder and verifier compile with."""

    @property
    def proving(self) -> Suite: ...
    @property
    def verifying(self) -> Suite: ...
    @property
    def key(self) -> bytes: ...
    @property
    def table(self) -> bytes: ...
    @property
    def generators(self) -> MessageGenerators: ...
    @property
    def credential(self) -> HeldCredential: ...
    def entry(self) -> Base: ...
    def digits(self, suite: Suite) -> Table: ...
    def issue(self) -> object: ...
    def accept(self) -> object: ...


class Pairing:
    """Signatures, which anybody verifies."""

    def __init__(self) -> None:
        self.proving = self.verifying = PairingSuite(SHA_256.with_group(groups.default()))
        self._keys = [SecretKey.generate(suite=self.proving.ciphersuite) for _ in range(3)]
        self.key, self.table, numbers = (key.public_key() for key in self._keys)
        self._digits = sign_table(self.proving, self._keys[2].group_key, numbers, DIGITS, range(DIGIT_BASE))
        self.generators = create_generators(L + 1, SHA_256.api_id, suite=self.proving.ciphersuite)
        self._issued = self.issue()

    @cached_property
    def credential(self) -> HeldCredential:
        return self.accept()

    def entry(self) -> Base:
        value = hashed_base(self.proving, "benchmark-table")
        return Base(self.proving, self._keys[1].group_key.divide(value.point, MESSAGES[HANDLE]), fixed=True)

    def digits(self, suite: Suite) -> Table:
        return self._digits

    def issue(self) -> bytes:
        return core_sign(self._keys[0], self.key, self.generators, HEADER, MESSAGES, SHA_256.api_id)

    def accept(self) -> HeldCredential:
        signature = octets_to_signature(self._issued, suite=self.proving.ciphersuite)
        return core_prepare_credential(self.key, signature, self.generators, HEADER, MESSAGES, SHA_256.api_id)


class Keyed:
    """MACs, which their issuer verifies."""

    def __init__(self, name: str) -> None:
        curve = {"P-256": keyed.P256, "SM2": keyed.SM2}[name]
        self._keys = [keyed.SecretKey.generate(curve) for _ in range(3)]
        self.proving = keyed.KeyedSuite(curve)
        self.verifying = keyed.KeyedSuite(curve, keyed.Keyring(self._keys))
        self.key, self.table, numbers = (key.public_key for key in self._keys)
        made = sign_table(self.verifying, self._keys[2], numbers, DIGITS, range(DIGIT_BASE))
        self._digits = {each: octets_to_table(each, made.octets) for each in (self.proving, self.verifying)}
        self.generators = keyed.create_generators(curve, L)
        self._issued = self.issue()

    @cached_property
    def credential(self) -> HeldCredential:
        return self.accept()

    def entry(self) -> Base:
        value = hashed_base(self.proving, "benchmark-table")
        return Base(self.proving, self._keys[1].divide(value.point, MESSAGES[HANDLE]), fixed=True)

    def digits(self, suite: Suite) -> Table:
        return self._digits[suite]

    def issue(self) -> bytes:
        domain = keyed.calculate_domain(self.key, self.generators, HEADER)
        return bytes(keyed.issue(self._keys[0], self.generators.combine(domain, MESSAGES)))

    def accept(self) -> HeldCredential:
        accepted: HeldCredential = keyed.accept(self.key, self.generators, HEADER, MESSAGES, self._issued)
        return accepted


@cache
def issuer(name: str) -> Issuer:
    return Pairing() if name == "BLS12-381" else Keyed(name)


class Presentation:
    """One credential of ten messages, three shown, with more gadgets if asked for."""

    def __init__(self, name: str, gadgets: str) -> None:
        self.issuer, self.gadgets = issuer(name), gadgets
        self.proof = self.prove()
        self.statement = self.compile(self.issuer.verifying)[0]

    def compile(self, suite: Suite) -> tuple[Statement, Credential, Mapping[str, WeakBB | Pseudonym | Range]]:
        mine, builder = self.issuer, Builder(suite)
        domain = mine.credential.domain
        credential = Credential.add_to(builder.scope("c"), mine.key, mine.generators, domain, SHOWN)
        others: dict[str, WeakBB | Pseudonym | Range] = {}
        if "range" in self.gadgets:
            number = Quantity.attribute(credential.messages[NUMBER], 0, MOST)
            others["range"] = Range.add_to(builder.scope("r"), number, mine.digits(suite), minimum=LEAST)
        if "pseudonym" in self.gadgets:
            m, value = credential.messages, hashed_base(suite, "benchmark-table")
            others["member"] = WeakBB.add_to(builder.scope("m"), m[HANDLE], value, mine.table)
            others["pseudonym"] = Pseudonym.add_to(builder.scope("n"), m[0], b"scope")
        return builder.build(), credential, others

    def prove(self) -> bytes:
        statement, credential, others = self.compile(self.issuer.proving)
        values = Values(statement)
        credential.assign(values, self.issuer.credential)
        for gadget in others.values():
            match gadget:
                case WeakBB():
                    gadget.assign(values, MESSAGES[HANDLE], self.issuer.entry())
                case Range():
                    gadget.assign(values, {credential.messages[NUMBER]: MESSAGES[NUMBER]})
                case Pseudonym():
                    gadget.assign(values, MESSAGES[0])
        return prove(statement, CONTEXT, values, WireForm.COMPRESSED)

    def verify(self) -> None:
        verify(self.compile(self.issuer.verifying)[0], CONTEXT, self.proof)

    @cached_property
    def proofs(self) -> list[bytes]:
        return [self.prove() for _ in range(BATCH)]

    def verify_many(self) -> None:
        claims = [Claim(self.compile(self.issuer.verifying)[0], CONTEXT, proof) for proof in self.proofs]
        if not all(isinstance(verdict, Verified) for verdict in verify_batch(claims)):
            raise RuntimeError("a good presentation was refused")


@cache
def presentation(name: str, gadgets: str) -> Presentation:
    return Presentation(name, gadgets)


@pytest.mark.parametrize("gadgets", GADGETS)
@pytest.mark.parametrize("name", SUITES)
@pytest.mark.parametrize("operation", ["prove", "verify"])
def test_presentation(measure: Measure, name: str, gadgets: str, operation: str) -> None:
    one = presentation(name, gadgets)
    info = {"suite": name, "gadgets": gadgets, "octets": len(one.proof)}
    measure(getattr(one, operation), operation=f"composite {operation}", **info)


@pytest.mark.parametrize("gadgets", GADGETS)
@pytest.mark.parametrize("name", SUITES)
def test_presentations_in_a_batch(measure: Measure, name: str, gadgets: str) -> None:
    one = presentation(name, gadgets)
    info = {"suite": name, "gadgets": gadgets, "batch": BATCH}
    measure(one.verify_many, share=BATCH, operation="composite verify in a batch", **info)


@pytest.mark.parametrize("name", SUITES)
@pytest.mark.parametrize("operation", ["issue", "accept"])
def test_issuance(measure: Measure, name: str, operation: str) -> None:
    """Of the pairing suite `accept` is the preparation alone, since there the holder verifies apart."""
    measure(getattr(issuer(name), operation), operation=f"composite {operation}", suite=name)
