"""Policies of the composite form: what is to be proven, in words that a person reads.

    form: composite
    id: school-enrolment
    purpose: {zh: 入学资格审核, en: Checking who may enrol}
    lifetime: 600                                  # seconds
    branches:                                      # the holder answers one of them
      - id: permit
        queries:
          - id: child
            schemas: [departments/public-security/schemas/child_registration@1]
            shown: []
            expiry: today                          # the day hidden; or shown, or 30 days from today
            revocation: {max_epoch_age: 2 days}    # when it is verified; or waived, in so many words
        predicates:                                # verifier/composite/predicates.py has all kinds
          - {of: child.district, one_of: ["370102", "370103"]}
        pseudonyms:
          - {id: child, of: child.child_secret, scope: enrolment-2026}   # without `of` it is the holder's
        escrows:
          - {id: person, of: child.id_commit, regulator: regulators/education}   # or the digest of its key
        digits: departments/big-data               # whose table serves for sums; where one is needed
        commitments:                               # to numbers that another holder's sum may count
          - {id: income, of: insurance.base}
    unique: [child, home]                          # these pseudonyms may come once
    one_secret: [home]                             # its departments sign one secret for one home
    across: [child]                                # once in all cities, by the consortium's order

In `expiry`, today is the last day of the request's life, so that nobody passes whose credential has ended
when the answer comes; everywhere else it is the day of asking.

What is `unique` comes once to whoever keeps the register (`verifier.unique`). In a joint scope too that is
the verifier's own register and no other: nobody looks up whether a pseudonym has come to another member, the
members have to tell each other; unless it stands under `across` too: then it is claimed in the order of the
consortium (docs/ordering.md), where the first who comes is the only one. All branches have it in one scope,
of the holder or of one attribute of the same schemas, versions aside; under `one_secret` stand those that
come of schemas of several departments all the same, since these have agreed to sign one secret for one
subject (the catalogue's home_secret). And the
request is of one suite, which the register keeps to: in another one
everybody has another pseudonym.

A scope is a label of the verifier's own, or {file: ...}: a joint scope (verifier/composite/joint.py) that
lies beside the policy. Numbers that other holders have committed to stand under `foreign`
(verifier/composite/foreign.py). Beside these there may be `policy` and `register` (verifier/registration.py).
No other field is known; all of a branch but its queries may be left out, and `unique`. What a policy says of
schemas is checked when it is compiled.
"""

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from disclosure import LocalizedText, SchemaName, VerifierName
from disclosure.composite import CompositeRequest, PseudonymQuery, SignedJointScope
from disclosure.composite.request import MAX_BRANCHES
from disclosure.names import check_id
from disclosure.request import MAX_LIFETIME, NONCE_OCTETS
from verifier.composite.compiling import PolicyReader, ReadOnce, compile_branches
from verifier.composite.foreign import Counterparts
from verifier.composite.joint import purpose_of
from verifier.composite.nodes import Node, at, check_once
from verifier.composite.rules import BranchRule, some
from verifier.registration import Registered

NO_ANSWERS: Final[Counterparts] = MappingProxyType({})


@dataclass(frozen=True)
class CompositePolicy:
    """A policy of the composite form; `unique` names the pseudonyms that may come once, `across` those of
    them that may in all cities."""

    id: str
    purpose: LocalizedText
    lifetime: dt.timedelta
    branches: tuple[BranchRule, ...]
    registered: Registered
    unique: tuple[str, ...] = ()
    across: tuple[str, ...] = ()

    @classmethod
    def read(cls, root: Node, folder: Path | None = None) -> "CompositePolicy":
        """Read a policy; joint scopes lie in `folder`, without which none are read. PolicyError."""
        fields = root.fields(
            ("form", "id", "purpose", "lifetime", "branches"),
            ("unique", "one_secret", "across", "policy", "register"),
        )
        with at("id"):
            identifier = check_id(fields["id"].text(), "a policy's identifier")
        seconds = fields["lifetime"].whole()
        if not 0 < seconds <= MAX_LIFETIME // dt.timedelta(seconds=1):
            detail = f"a request lives for 1 to {MAX_LIFETIME // dt.timedelta(seconds=1)} seconds"
            raise fields["lifetime"].refuse(detail)
        branches = some(fields["branches"], lambda each: BranchRule.read(each, folder), MAX_BRANCHES, least=1)
        nodes = [Node(None, f"{each.node.place}.id") for each in branches]
        check_once(nodes, [each.id for each in branches], "the identifier")
        unique = fields["unique"].items() if "unique" in fields else []
        check_once(unique, [each.value for each in unique], "the pseudonym")
        agreed = _agreed(fields, unique)
        for each in unique:
            _check_unique(each, branches, agreed=each.value in agreed)
        names = tuple(each.text() for each in unique)
        lifetime = dt.timedelta(seconds=seconds)
        registered = Registered.read(identifier, fields)
        across = _across(fields, branches, names)
        return cls(identifier, purpose_of(fields["purpose"]), lifetime, branches, registered, names, across)

    @property
    def schemas(self) -> tuple[SchemaName, ...]:
        """The schemas that the policy accepts, each once."""
        queries = (query for branch in self.branches for query in branch.queries)
        return tuple(dict.fromkeys(name for query in queries for name in query.schemas))

    @property
    def answers(self) -> tuple[str, ...]:
        """The names of the answers whose numbers it counts, each once."""
        return tuple(dict.fromkeys(each.answer for branch in self.branches for each in branch.foreign))

    def request(
        self,
        verifier: VerifierName,
        now: dt.datetime,
        reader: PolicyReader,
        nonce: bytes | None = None,
        counterparts: Counterparts = NO_ANSWERS,
    ) -> CompositeRequest:
        """Return a request that lives from `now` (with time zone), cut to the second.

        The nonce has 32 octets and comes from the system's generator if none is given. `counterparts` are
        the answers whose numbers it counts, by the policy's names for them. Raises PolicyError
        with the place for what is not published, or is no value of its attribute; else what the reader
        raises. That it can be answered is found by `check_composite_policy`.
        """
        created, once = now.astimezone(dt.UTC).replace(microsecond=0), ReadOnce(reader)
        life = (created, created + self.lifetime)
        with at("branches"):
            return CompositeRequest(
                verifier=verifier,
                purpose=self.purpose,
                branches=compile_branches(
                    self.branches, life, once, counterparts, one_suite=bool(self.unique)
                ),
                created=life[0],
                expires=life[1],
                nonce=secrets.token_bytes(NONCE_OCTETS) if nonce is None else nonce,
                policy=self.registered.name(verifier),
            )


def _agreed(fields: dict[str, Node], unique: Sequence[Node]) -> list[str]:
    """Return the pseudonyms whose departments sign one secret for one subject; PolicyError."""
    nodes = fields["one_secret"].items() if "one_secret" in fields else []
    for each in nodes:
        if each.text() not in {one.value for one in unique}:
            raise each.refuse("it does not stand under unique")
    return [each.text() for each in nodes]


def _across(
    fields: dict[str, Node], branches: Sequence[BranchRule], unique: Sequence[str]
) -> tuple[str, ...]:
    """Return the pseudonym that may come once in all cities, in a scope of several, or none; PolicyError.

    In a scope of the verifier's own nobody else would ever be shown the same pseudonym. It is one, since what
    was claimed stands for ever: of two the claim of the first would stand when the second is refused.
    """
    nodes = fields["across"].items() if "across" in fields else []
    check_once(nodes, [each.value for each in nodes], "the pseudonym")
    for node in nodes:
        if node.text() not in unique:
            raise node.refuse("it does not stand under unique")
        scopes = [each.scope for branch in branches for each in branch.pseudonyms if each.id == node.text()]
        if not all(isinstance(each, SignedJointScope) for each in scopes):
            raise node.refuse("what may come once in all cities is of a joint scope")
    if len(nodes) > 1:
        raise nodes[1].refuse("one pseudonym may come once in all cities: a claim cannot be taken back")
    return tuple(each.text() for each in nodes)


def _check_unique(node: Node, branches: Sequence[BranchRule], *, agreed: bool) -> None:
    """Raise PolicyError unless every branch has the pseudonym, in one scope and of the same subject.

    Else whoever has come by one branch would come again by another and not be known. The same subject is the
    same attribute of the same schemas, versions aside: each department gives secrets of its own. Where they
    have agreed on one, as the policy's author knows and the form cannot tell, the attribute is enough.
    """
    found = [[each for each in branch.pseudonyms if each.id == node.text()] for branch in branches]
    if not all(found):
        raise node.refuse("not every branch has a pseudonym of this identifier, and each must")
    if len({each.scope for one in found for each in one}) > 1:
        raise node.refuse("the pseudonym has one scope in all branches")
    pairs = zip(branches, found, strict=True)
    subjects = {_subject(branch, each) for branch, one in pairs for each in one}
    if agreed and None not in subjects:
        subjects = {(attribute, frozenset()) for attribute, _ in filter(None, subjects)}
    if len(subjects) > 1:
        detail = "it is of the holder in all branches, or of one attribute of the same schemas"
        raise node.refuse(detail)


def _subject(branch: BranchRule, pseudonym: PseudonymQuery) -> tuple[str, frozenset[tuple[str, str]]] | None:
    """Return what a pseudonym is of: an attribute and whose it is, or None for the holder."""
    subject = pseudonym.subject
    if subject is None:
        return None
    schemas = next(each.schemas for each in branch.queries if each.id == subject.query)
    return subject.attribute, frozenset((each.department, each.item) for each in schemas)
