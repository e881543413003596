"""Vectors of the composite form: what is published, what holders have, and what each question's answer is.

Written by `python -m scripts.web_vectors`. Presentations are those of `present_composite` with a seed for the
randomness; refusals are what the packages say of questions and holders that are not as they should be.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final

from bbs import SHAKE_256
from bbs.accumulator import MembershipWitness, catch_up
from bbs.engine import PairingSuite
from disclosure import Schema, VerifierName, sign_request
from disclosure.composite import (
    AcceptedIssuer,
    Branch,
    CommitmentOpening,
    CommitmentQuery,
    Compared,
    CompositeDirectory,
    CompositeRequest,
    Equal,
    EscrowQuery,
    ExpiryShown,
    Foreign,
    ForeignNumber,
    HolderSecret,
    Holding,
    InList,
    IssuanceTerms,
    IssuedCredential,
    NotEqual,
    OldestEpoch,
    OneOf,
    Operand,
    Presented,
    PseudonymQuery,
    Sum,
    Term,
    VerifierScope,
    Waiver,
    ask_for_credential,
    at_least,
    at_most,
    between,
    check_commitment,
    present_composite,
    scalars,
    verify_composite,
)
from scripts import web_vectors_city as city
from scripts.web_vectors import Json, Stream, text_of
from tests.disclosure.composite import world
from tests.disclosure.composite.test_composite_request import joint
from zk.catalogue import builtin

ALICE, BOB = HolderSecret(1234567), HolderSecret(2**254 + 7)
HOLDERS: Final = {"alice": ALICE, "bob": BOB}
NUMBER: Final = "370102199001011234"
_CODES: Final = tuple(f"3701{each:02}" for each in (2, 3, 4, 5, 12, 13, 14, 15, 16, 17, 24, 26))


def op(name: str) -> Operand:
    """Return an operand of its name."""
    return Operand(*name.split("."))


@dataclass(frozen=True, eq=False)
class City:
    """Departments, what they published, and what two people hold."""

    police: city.Department = field(default_factory=lambda: city.department("public-security"))
    hrss: city.Department = field(default_factory=lambda: city.department("hrss"))
    modern: city.Department = field(default_factory=lambda: city.department("hrss", str(SHAKE_256)))
    digits: Any = field(default_factory=lambda: city.digits("authorities/city", str(world.SUITE)))
    districts: Any = field(default_factory=lambda: city.code_list("authorities/city", _CODES))
    regulator: Any = field(default_factory=city.regulator)

    @property
    def schemas(self) -> tuple[Schema, ...]:
        """Those of the tests, and the newest of what the school asks."""
        newest = builtin().newest
        return (*world.SCHEMAS, newest["residence_permit"], newest["social_insurance"])

    def directory(self) -> CompositeDirectory:
        """Return what is published."""
        departments = (self.police, self.hrss)
        tables = (self.digits, *(each.digits for each in departments))
        return CompositeDirectory(
            {each.name: each for each in self.schemas},
            {each.key.name: each.key for each in (*departments, self.modern)},
            digits={each.table.digest: each for each in tables},
            code_lists={self.districts.table.digest: self.districts},
            accumulators={each.accumulator.key.octets: each.published for each in departments},
            regulators={self.regulator.digest: self.regulator},
            verifiers={name: world.find_key(name) for name in world.VERIFIER_KEYS},
        )

    def credentials(self) -> dict[str, tuple[Holding, Schema, str]]:
        """Return who holds what, by a name of its own."""
        permit, insurance = self.schemas[-2:]
        number = bytes.fromhex("c756be5035d0a47425afe8010042462dc660faa274b1b988bb2c1c42f9cb4df7")
        lives: dict[str, Any] = {
            "id_commit": number, "district": "370114", "continuous_since": dt.date(2015, 4, 12),
            "continuous_since_month": 24183, "permit_months": 137, "valid_until": dt.date(2027, 9, 1),
        }  # fmt: skip
        insured: dict[str, Any] = {
            "id_commit": number, "status": "paying", "continuous_since": dt.date(2018, 8, 1),
            "continuous_since_month": 24223, "months": 97, "base": 1_650_000, "pension_months": 97,
            "unemployed_claim": False, "district": "370114",
        }  # fmt: skip
        second = {**world.VALUES[world.PERMIT.name], "remark": "遷入 2019", "gap": 3}
        made: tuple[tuple[str, Schema, city.Department, str, dict[str, Any]], ...] = (
            ("permit", world.PERMIT, self.police, "alice", {}),
            ("second permit", world.PERMIT_2, self.police, "alice", second),
            ("insurance", world.INSURANCE, self.hrss, "alice", {}),
            ("household", world.HOUSEHOLD, self.police, "alice", {}),
            ("insurance of shake", world.INSURANCE, self.modern, "alice", {}),
            ("his insurance", world.INSURANCE, self.hrss, "bob", {"base": 640_000}),
            ("his household", world.HOUSEHOLD, self.police, "bob", {}),
            ("residence", permit, self.police, "alice", lives),
            ("insured", insurance, self.hrss, "alice", insured),
        )
        return {
            name: (city.credential(schema, by, HOLDERS[holder], name, changes), schema, holder)
            for name, schema, by, holder, changes in made
        }


@cache
def made() -> City:
    """Return the city."""
    return City()


@cache
def held() -> dict[str, tuple[Holding, Schema, str]]:
    """Return all credentials."""
    return made().credentials()


def _accepted(by: city.Department) -> AcceptedIssuer:
    rule = OldestEpoch(by.accumulator.key.octets, 1, 172_800)
    return AcceptedIssuer(by.key.name, rule, by.digits.table.digest)


def asked(identifier: str, name: str, **changes: Any) -> Any:
    """Return a query that a credential of the city answers."""
    _, schema, _ = held()[name]
    by = made().hrss if schema.name.department == "hrss" else made().police
    return world.query(identifier, schema, **({"issuers": (_accepted(by),)} | changes))


@dataclass(frozen=True)
class Case:
    """A question, the credentials that answer it, and whose they are."""

    name: str
    request: CompositeRequest
    holdings: Mapping[str, str]
    holder: str = "alice"
    openings: Mapping[str, CommitmentOpening] = field(default_factory=dict)

    def present(self) -> Presented:
        """Answer its first branch, with the randomness of its name."""
        return present_composite(
            self.request, self.request.branches[0].id,
            {name: held()[each][0] for name, each in self.holdings.items()}, HOLDERS[self.holder],
            made().directory(), world.NOW, usage_tag=world.USAGE_TAG, note_hash=world.NOTE_HASH,
            trusted_regulators={made().regulator.digest}, openings=self.openings,
            rng=Stream(self.name.encode()),
        )  # fmt: skip

    def written(self) -> Json:
        """Return it without an answer."""
        return {
            "name": self.name,
            **city.asked(self.request, self.request.branches[0].id, self.holdings, self.holder),
            "trusted": [made().regulator.digest.hex()],
            "openings": {
                name: [each.suite, each.K.hex(), each.to_octets_secret().hex()]
                for name, each in self.openings.items()
            },
        }


def school() -> Case:
    """Return the school's question: lives in this district, insured without a break for six months."""
    branch = Branch(
        "resident",
        (asked("permit", "residence"), asked("insured", "insured")),
        (
            InList(op("permit.district"), made().districts.table.digest),
            at_most(op("insured.continuous_since"), dt.date(2025, 9, 1)),
            Equal((op("permit.id_commit"), op("insured.id_commit"))),
        ),
    )
    return Case("school", world.request(branch), {"permit": "residence", "insured": "insured"})


def everything() -> Case:
    """Return a question of every kind of predicate, with all that an answer may give."""
    scopes = joint(world.SCHOOL, world.SCHOOL_2)
    branch = Branch(
        "main",
        (
            asked("permit", "permit", shown=("name", "remark"), schemas=_versions()),
            asked("old", "second permit", schemas=_versions(), expiry=ExpiryShown()),
            asked("insurance", "insurance", shown=("employed", "district")),
            asked("household", "household", expiry=ExpiryShown()),
        ),
        (
            at_least(op("permit.months"), 12),
            between(op("permit.since"), dt.date(2010, 1, 1), dt.date(2024, 1, 1)),
            at_most(op("old.gap"), 5),
            InList(op("permit.district"), made().districts.table.digest),
            InList(op("insurance.district"), made().districts.table.digest),
            OneOf(op("old.district"), ("370102", "370104", "370105")),
            NotEqual(op("insurance.base"), 1),
            NotEqual(op("old.remark"), "x"),
            NotEqual(op("household.born"), dt.date(2020, 1, 1)),
            Equal((op("permit.number"), op("insurance.number"), op("old.number"))),
            Sum((Term(op("permit.months"), 1, 60), Term(op("insurance.months"))), minimum=100),
            Sum((Term(op("old.months"), -2), Term(op("old.gap"), 3)), maximum=0),
        ),
        (
            PseudonymQuery("me", VerifierScope("enrol-2026")),
            PseudonymQuery("child", scopes, op("household.child_secret")),
        ),
        (EscrowQuery("who", op("permit.number"), made().regulator.digest),),
        made().digits.table.digest,
    )
    other = Branch("other", (asked("permit", "permit"),), (at_most(op("permit.months"), 90),))
    named = {
        "permit": "permit", "old": "second permit", "insurance": "insurance", "household": "household",
    }  # fmt: skip
    return Case("everything", world.request(branch, other), named)


def _versions() -> Any:
    return (world.PERMIT.name, world.PERMIT_2.name)


def shake() -> Case:
    """Return a question of the other suite, where nothing is revoked and the expiry is shown."""
    issuer = AcceptedIssuer(made().modern.key.name, Waiver.REVOCATION)
    branch = Branch(
        "main",
        (asked("insurance", "insurance of shake", issuers=(issuer,), expiry=ExpiryShown()),),
        (OneOf(op("insurance.employed"), (True, False)), NotEqual(op("insurance.remark"), "x")),
        (PseudonymQuery("me", VerifierScope("enrol-2026")),),
    )
    without = replace(branch, predicates=branch.predicates[:1])
    return Case("shake", world.request(without), {"insurance": "insurance of shake"})


_HERS: Final = {"insurance": "insurance", "household": "household"}
_PSEUDONYMS: Final = (
    PseudonymQuery("me", VerifierScope("support-2026")),
    PseudonymQuery("home", VerifierScope("support-2026"), op("household.child_secret")),
)


def first() -> Case:
    """Return the question to the first of two spouses, who commits to an income."""
    queries = (asked("insurance", "insurance"), asked("household", "household"))
    commitments = (CommitmentQuery("income", op("insurance.base")),)
    return Case(
        "first of two",
        world.request(Branch("mine", queries, (), _PSEUDONYMS, commitments=commitments)),
        _HERS,
    )


def second() -> Case:
    """Return the question to the second, whose sum counts the first one's income."""
    presented = first().present()
    verified = verify_composite(first().request, presented.presentation, made().directory(), world.NOW)
    number = ForeignNumber(
        "spouse", verified.commitments["income"], Compared("me", "me"), (Compared("home", "home"),)
    )
    branch = Branch(
        "ours",
        (asked("insurance", "his insurance"), asked("household", "his household")),
        (Sum((Term(op("insurance.base")), Term(Foreign("spouse"))), minimum=1_400_000),),
        _PSEUDONYMS,
        digits=made().digits.table.digest,
        foreign=(number,),
    )
    held_by_him = {"insurance": "his insurance", "household": "his household"}
    openings = {"spouse": presented.kept["income"].opening}
    return Case("second of two", world.request(branch, nonce=bytes(32)), held_by_him, "bob", openings)


def issued() -> Case:
    """Return the question of a department that issues on a presentation."""
    terms = IssuanceTerms(world.INSURANCE.name, made().hrss.key.name, base=False, nonce=bytes(32))
    branch = Branch("main", (asked("permit", "permit"),))
    request = world.request(branch, issuance=terms, policy=None, verifier=VerifierName("school-3"))
    return Case("issuance", request, {"permit": "permit"})


def cases() -> tuple[Case, ...]:
    """Return all questions that are answered."""
    return (school(), everything(), shake(), first(), second(), issued())


def files() -> dict[str, str]:
    """Return every file's text by its name."""
    answers = [{**case.written(), **_answer(case)} for case in cases()]
    vectors = {
        "published": city.published(made().directory()),
        "holders": {name: f"{each.scalar:064x}" for name, each in HOLDERS.items()},
        "credentials": {
            name: {**city.written(each, schema), "holder": holder}
            for name, (each, schema, holder) in held().items()
        },
        "answers": answers,
        "base": _base(),
        "list": _list(),
    }
    return {"composite.json": text_of(vectors)}


def _answer(case: Case) -> Json:
    presented = case.present()
    signed = sign_request(case.request, world.VERIFIER_KEYS[case.request.verifier])
    return {
        "signature": signed.signature.hex(),
        "seed": case.name.encode().hex(),
        "presentation": presented.presentation.canonical.hex(),
        "digest": presented.presentation.digest.hex(),
        "blind": presented.pending and f"{presented.pending.blind:064x}",
        "kept": {name: each.to_octets_secret().hex() for name, each in presented.kept.items()},
    }


def _base() -> Json:
    """Return how a base credential is asked for, and what a department may answer."""
    by = made().police
    terms = IssuanceTerms(world.PERMIT.name, by.key.name, base=True, nonce=bytes(range(32)))
    commitment, pending = ask_for_credential(terms, ALICE, world.PERMIT, by.key, rng=Stream(b"base"))
    verified = check_commitment(terms, commitment, world.PERMIT, by.key)
    issued, witness = _sent(by, verified.C, pending.blind)
    return {
        "issued": issued.to_bytes(world.PERMIT).hex(),
        "accumulator": by.accumulator.key.octets.hex(),
        "witness": witness.to_octets_secret().hex(),
        "terms": terms.canonical.hex(),
        "seed": b"base".hex(),
        "commitment": commitment.hex(),
        "blind": f"{pending.blind:064x}",
    }


def _sent(by: city.Department, commitment: bytes, blind: int) -> tuple[IssuedCredential, MembershipWitness]:
    """Sign what a department would send for a commitment, with a handle that comes of a seed."""
    holding = city.credential(world.PERMIT, by, ALICE, "issued", blind=blind)
    signed = holding.credential
    secret, other = scalars.commitment_generators(PairingSuite(world.SUITE), world.SUITE)
    made_of = world.SUITE.group.msm([secret.point, other.point], [ALICE.scalar, blind])
    if world.SUITE.group.g1_to_octets(made_of) != commitment or holding.witness is None:
        raise RuntimeError("the commitment is to something else")
    return IssuedCredential(signed.expiry, signed.values, signed.handle, signed.signature), holding.witness


def _list() -> Json:
    """Return a witness of the first epoch, and what leads to those of the later ones."""
    by, (handle,) = made().police, Stream(b"list")(1)
    start = by.accumulator.witness(handle, by.epochs[0].position, ())
    pages = [
        by.accumulator.revoke(city.OTHERS[:2], by.epochs[0].position, ()),
        by.accumulator.revoke(city.OTHERS[2:], by.epochs[1].position, ()),
    ]
    last = catch_up(start, by.epochs[2], pages)
    return {
        "key": by.accumulator.key.octets.hex(),
        "witness": start.to_octets_secret().hex(),
        "pages": [each.to_octets().hex() for each in pages],
        "epoch": by.epochs[2].octets.hex(),
        "caughtUp": last.to_octets_secret().hex(),
    }
