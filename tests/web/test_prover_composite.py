"""The composite form in TypeScript before Python: what it proves is verified, and both refuse alike."""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from disclosure import DisclosureError, Schema, check_lifetime
from disclosure.composite import (
    Branch,
    CompositeClaim,
    CompositeCredential,
    CompositeDirectory,
    CompositePresentation,
    CompositeRequest,
    HolderSecret,
    Holding,
    IssuanceTerms,
    KeptOpening,
    VerifiedComposite,
    check_commitment,
    check_composite_credential,
    issue_composite,
    verify_composite,
    verify_composite_batch,
)
from disclosure.composite.issuance import PresentedCommitment
from scripts import web_vectors_city as written
from tests.disclosure.composite import (
    couple,
    policy,
    test_composite_joint_rules,
    test_composite_request,
    test_composite_rules,
    world,
)
from tests.disclosure.composite.test_composite_holding import LACKING
from tests.web.node import BUILT, needs_prover, run

pytestmark = needs_prover
PROGRAM = str(BUILT / "answer_composite.js")
SCHEMAS = {each.name: each for each in world.SCHEMAS}
HOLDERS = {"alice": world.ALICE, "bob": world.BOB}
STEP = 31
"""Every so many octets of a presentation one is changed."""


class Town:
    """What is published, and the credentials that the steps name."""

    def __init__(self) -> None:
        self.credentials: dict[str, Any] = {}

    def keep(self, holdings: Mapping[str, Holding]) -> dict[str, str]:
        """Give credentials to whom they were issued to, and return their names by query."""
        names = {}
        for query, each in holdings.items():
            schema, secret = SCHEMAS[each.credential.schema], each.prepared.messages[0]
            holder = next(name for name, own in HOLDERS.items() if own.scalar == secret)
            name = f"{holder} {len(self.credentials)}"
            self.credentials[name] = {**written.written(each, schema), "holder": holder}
            names[query] = name
        return names

    def present(
        self, request: CompositeRequest, holdings: Mapping[str, Holding], holder: str = "alice", **more: Any
    ) -> dict[str, Any]:
        """Return the step that answers a request's first branch."""
        names = self.keep(holdings)
        asked = written.asked(request, request.branches[0].id, names, holder)
        trusted = [each.hex() for each in world.TRUSTED]
        return {"kind": "present", "trusted": trusted, **asked, **more}

    async def does(
        self, *steps: dict[str, Any], known: bool = True, published: CompositeDirectory = world.DIRECTORY
    ) -> list[Any]:
        """Have the steps done, and return what each gives; `known` tables were verified before."""
        holders = {name: each.to_octets_secret().hex() for name, each in HOLDERS.items()}
        city = {
            "published": written.published(published),
            "holders": holders,
            "credentials": self.credentials,
        }
        out = await run(PROGRAM, given={"city": city, "steps": steps, "known": known})
        return [json.loads(line) for line in out.splitlines()]


def read(given: dict[str, Any]) -> CompositePresentation:
    """Read a presentation as a verifier does."""
    octets = bytes.fromhex(given["presentation"])
    presentation = CompositePresentation.from_bytes(octets, SCHEMAS)
    assert presentation.canonical == octets
    return presentation


async def test_python_verifies_every_kind_of_predicate_and_nothing_that_was_changed() -> None:
    town = Town()
    step = town.present(policy.REQUEST, policy.holdings())
    first, second = await town.does(step, step, known=False)
    presentation = read(first)
    verified = verify_composite(policy.REQUEST, presentation, world.DIRECTORY, world.NOW)
    mine = verify_composite(policy.REQUEST, policy.good(), world.DIRECTORY, world.NOW)
    assert verified.pseudonyms == mine.pseudonyms
    assert [each.shown for each in presentation.answer.credentials] == [
        each.shown for each in policy.good().answer.credentials
    ]
    octets = presentation.canonical
    changed = [bytes((*octets[:at], octets[at] ^ 1, *octets[at + 1 :])) for at in range(0, len(octets), STEP)]
    claims = []
    for each in changed:
        try:
            other = CompositePresentation.from_bytes(each, SCHEMAS)
        except DisclosureError:
            continue
        claims.append(CompositeClaim(policy.REQUEST, other, world.DIRECTORY, world.NOW))
    good = CompositeClaim(policy.REQUEST, presentation, world.DIRECTORY, world.NOW)
    verdicts = verify_composite_batch([good, *claims, good])
    assert isinstance(verdicts[0], VerifiedComposite)
    assert isinstance(verdicts[-1], VerifiedComposite)
    assert len(claims) > 100
    assert not any(isinstance(each, VerifiedComposite) for each in verdicts[1:-1])
    proofs = [read(each).proof for each in (first, second)]
    parts = [{each[at : at + 16] for at in range(0, len(each), 16)} for each in proofs]
    common = {verified.pseudonyms["me"], verified.pseudonyms["child"]}
    assert len(parts[0] & parts[1]) <= 3 * len(common), "two answers have their pseudonyms in common"


async def test_a_number_of_one_holder_counts_in_the_sum_of_another() -> None:
    town = Town()
    (first,) = await town.does(town.present(couple.FIRST, couple.holdings(world.ALICE)))
    verified = verify_composite(couple.FIRST, read(first), world.DIRECTORY, world.NOW)
    kept = KeptOpening.from_octets(bytes.fromhex(first["kept"]["income"]))
    assert kept.number == verified.commitments["income"]
    assert kept.opening.number == couple.HERS
    asked = couple.second(verified.commitments["income"])
    opening = [kept.opening.suite, kept.opening.K.hex(), kept.opening.to_octets_secret().hex()]
    his = couple.holdings(world.BOB, couple.HIS)
    more = couple.second(verified.commitments["income"], couple.TOGETHER + 1)
    second, too_much, without = await town.does(
        town.present(asked, his, "bob", openings={"spouse": opening}),
        town.present(more, his, "bob", openings={"spouse": opening}),
        town.present(asked, his, "bob"),
    )
    joint = verify_composite(asked, read(second), world.DIRECTORY, world.NOW, others=(verified,))
    assert joint.pseudonyms["home"] == verified.pseudonyms["home"]
    assert joint.pseudonyms["me"] != verified.pseudonyms["me"]
    with pytest.raises(DisclosureError):
        verify_composite(asked, read(second), world.DIRECTORY, world.NOW)
    assert too_much == {"reason": "UNSATISFIED", "field": "branches[0].predicates[0]"}
    assert without == {"reason": "UNSATISFIED", "field": "branches[0].foreign[0]"}


def sent(terms: IssuanceTerms, schema: Schema, commitment: Any, blind: str) -> dict[str, Any]:
    """Have the department of some terms issue; return the step that takes it."""
    by = world.department_of(schema)
    issued = issue_composite(commitment, schema, by.key, by.secret, world.VALUES[schema.name], world.TODAY)
    true = by.accumulator.witness(issued.handle, by.epochs[2].position, ())
    return {
        "kind": "accept",
        "terms": terms.canonical.hex(),
        "holder": "alice",
        "blind": blind,
        "issued": issued.to_bytes(schema).hex(),
        "accumulator": by.accumulator.key.octets.hex(),
        "witness": true.to_octets_secret().hex(),
        "now": int(world.NOW.timestamp()),
    }


def kept_by(secret: HolderSecret, schema: Schema, given: dict[str, Any]) -> CompositeCredential:
    """Read what a vault stored, and check it as the vault of Python does."""
    credential = CompositeCredential.from_bytes(bytes.fromhex(given["credential"]), schema)
    return check_composite_credential(credential, secret, schema, world.department_of(schema).key)


async def test_credentials_are_issued_to_it_at_a_counter_and_on_a_presentation() -> None:
    town, by = Town(), world.POLICE
    base = IssuanceTerms(world.PERMIT.name, by.key.name, base=True)
    terms = IssuanceTerms(world.INSURANCE.name, world.HRSS.key.name, base=False)
    request = world.request(
        Branch("main", (world.query("permit", world.PERMIT),)), issuance=terms, policy=None
    )
    asked, presented = await town.does(
        {"kind": "ask", "terms": base.canonical.hex(), "holder": "alice"},
        town.present(request, {"permit": world.held(world.PERMIT)}),
    )
    identified = check_commitment(base, bytes.fromhex(asked["commitment"]), world.PERMIT, by.key)
    verified = verify_composite(request, read(presented), world.DIRECTORY, world.NOW)
    assert isinstance(verified.commitment, PresentedCommitment)
    counter = sent(base, world.PERMIT, identified, asked["blind"])
    permit, insurance, swapped, *dated = await town.does(
        counter,
        sent(terms, world.INSURANCE, verified.commitment, presented["blind"]),
        sent(terms, world.INSURANCE, verified.commitment, asked["blind"]),
        *({**counter, "now": counter["now"] + days * 86_400} for days in DAYS),
    )
    assert kept_by(world.ALICE, world.INSURANCE, insurance).values == world.VALUES[world.INSURANCE.name]
    assert swapped["reason"] == "SIGNATURE_INVALID"
    kept = kept_by(world.ALICE, world.PERMIT, permit)
    assert [outcome(each) for each in dated] == [lifetime(kept, days) for days in DAYS]


DAYS = [-400, -2, -1, 0, 1, world.PERMIT.validity_days, world.PERMIT.validity_days + 1, 400]
"""Days after the one on which a credential was issued."""


def outcome(given: dict[str, Any]) -> tuple[str, str]:
    """Return the reason and the place of a refusal, nothing of what was kept."""
    return given.get("reason", ""), given.get("field", "")


def lifetime(credential: CompositeCredential, days: int) -> tuple[str, str]:
    """Return what Python says of a permit's last day so many days after it was issued."""
    try:
        check_lifetime(credential, world.PERMIT, world.TODAY + dt.timedelta(days=days))
    except DisclosureError as error:
        return error.reason, error.field
    return "", ""


REFUSED = {**test_composite_rules.REFUSED, **test_composite_joint_rules.REFUSED}


async def test_it_refuses_what_cannot_be_proven_for_the_same_reason_at_the_same_place() -> None:
    steps = [{"kind": "check", "request": wrong.canonical.hex()} for wrong, _, _ in REFUSED.values()]
    good = {"kind": "check", "request": test_composite_rules.GOOD.canonical.hex()}
    *found, accepted = await Town().does(*steps, good)
    wanted = [{"reason": reason, "field": place} for _, reason, place in REFUSED.values()]
    assert dict(zip(REFUSED, found, strict=True)) == dict(zip(REFUSED, wanted, strict=True))
    assert accepted == {}


def reason_of(read: Callable[[bytes], object], octets: bytes) -> str:
    """Return what reading says of octets, nothing if they are read."""
    try:
        read(octets)
    except DisclosureError as error:
        return error.reason
    return ""


def read_permit(octets: bytes) -> CompositeCredential:
    """Read a stored permit."""
    return CompositeCredential.from_bytes(octets, world.PERMIT)


REQUESTED = test_composite_request.REQUEST
READ: list[tuple[str, bytes, Callable[[bytes], object]]] = [
    ("request", test_composite_rules.GOOD.canonical, CompositeRequest.from_bytes),
    ("request", REQUESTED.canonical, CompositeRequest.from_bytes),
    *(("schema", each.canonical, Schema.from_bytes) for each in world.SCHEMAS),
    ("terms", test_composite_request.TERMS.canonical, IssuanceTerms.from_bytes),
    (
        "credential",
        world.held(world.PERMIT, remark="遷入 2019", gap=3).credential.to_bytes(world.PERMIT),
        read_permit,
    ),
]


async def test_it_reads_what_python_reads_and_refuses_changed_octets_for_the_same_reason() -> None:
    steps, wanted = [], []
    for what, octets, reading in READ:
        for at in range(0, len(octets), 1 + len(octets) // 150):
            for by in (0, 1, 0x20, 0x80):
                changed = bytes((*octets[:at], octets[at] ^ by, *octets[at + 1 :]))
                wanted.append(reason_of(reading, changed))
                schema = str(world.PERMIT.name)
                steps.append({"kind": "read", "what": what, "octets": changed.hex(), "schema": schema})
    bare = world.directory(digits={}, code_lists={}, accumulators={}, regulators={})
    found = await Town().does(*steps, published=bare)
    assert [each.get("reason", "") for each in found] == wanted
    assert len(set(wanted)) > 5
    assert 1500 < len([each for each in wanted if each]) < len(wanted)


async def test_what_a_holder_lacks_is_told_by_its_place() -> None:
    town = Town()
    changed = [{**policy.holdings(), **make()} for make, _ in LACKING.values()]
    steps = [town.present(policy.REQUEST, each) for each in changed]
    missing = town.present(policy.REQUEST, {**changed[0], **changed[-2], "permit": changed[0]["permit"]})
    *found, all_of_it, stranger = await town.does(
        *steps, {**missing, "kind": "missing"}, town.present(policy.REQUEST, policy.holdings(), "bob")
    )
    wanted = [{"reason": "UNSATISFIED", "field": place} for _, place in LACKING.values()]
    assert dict(zip(LACKING, found, strict=True)) == dict(zip(LACKING, wanted, strict=True))
    assert ["UNSATISFIED", "branches[0].queries[0]"] in all_of_it
    assert stranger["reason"] == "UNSATISFIED"
