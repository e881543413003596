"""Accounts by commands, over a real server: codes, inboxes, applications, agents of companies, guardians."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.bureau import (
    AGENT,
    COMPANY,
    ERRAND,
    GUARDIANS,
    ITEMS,
    OTHER,
    POLICY,
    RIVAL,
    Bureau,
    answered,
    values_of,
)
from tests.cli.city import Person
from tests.cli.conftest import Fresh
from tests.cli.running import Home, refused, start
from tests.disclosure.composite.lies import lying
from zk.exits import Exit
from zk.local_server import running_server


@pytest.fixture(scope="module")
def bureau(fresh: Fresh) -> Iterator[Bureau]:
    folder = fresh().parent
    with running_server(folder / "data", folder / "server.log") as server:
        home = Home(folder / "departments", server).trusting()
        for department, items in ITEMS.items():
            home.json("issuer", "register", department, env=home.admin)
            for item in items:
                home.json("issuer", "schema", item)
            for made in ("key", "accumulator", "digits"):
                home.json("issuer", made, "--department", department)
        yield Bureau(home, fresh, folder)


# accounts and inboxes


def test_a_person_is_bound_to_a_vault_and_finds_what_departments_have(bureau: Bureau) -> None:
    home = bureau.settle("NEW-1")
    assert home.json("vault", "inbox") == {"offers": []}
    values = {"id_commit": "ab" * 32, "name": "新人"}
    file = Path(__file__).parents[2] / "examples" / "values" / "family" / "id_card.yaml"
    made = bureau.deliver("id_card@2", "NEW-1", values, "--values", file, "--person", "new")
    assert "link" not in made
    (waiting,) = home.json("vault", "inbox")["offers"]
    assert (waiting["offer"], waiting["replaces"]) == (made["offer"], None)
    shown = home.zk("vault", "inbox", "--lang", "zh").out
    assert "id_card@2" in shown
    assert bureau.claimed(home) == ["id_card"]
    assert home.json("vault", "inbox") == {"offers": []}
    events = home.zk("vault", "history", "--json")
    assert "account-registered" in events.out


def test_an_offer_for_nobody_is_refused(bureau: Bureau) -> None:
    file = Path(__file__).parents[2] / "examples" / "values" / "family" / "id_card.yaml"
    pairs = ("-v", f"id_commit={'ab' * 32}", "-v", "name=x", "--values", file, "--person", "x")
    done = bureau.home.zk("issuer", "issue", "id_card@2", *pairs, "--to-person", "NOBODY", "--json")
    refused(done, Exit.REFUSED, "HOLDER_UNKNOWN")


def test_a_code_is_used_once_and_whoever_lost_the_phone_gets_another(bureau: Bureau) -> None:
    old, new = bureau.settle("LOST-1"), Home(bureau.fresh(), bureau.home.server).trusting()
    before = old.json("vault", "inbox")
    asked = ("issuer", "identify", "--person", "LOST-1", "--department", "public-security")
    link = bureau.home.json(*asked)["link"]
    new.json("vault", "create")
    account = new.json("vault", "register", link, "--person", "LOST-1")["account"]
    assert new.json("vault", "register", link, "--person", "LOST-1")["account"] == account, "said again"
    assert new.json("vault", "inbox") == before
    taken = refused(old.zk("vault", "inbox", "--json"), Exit.REFUSED, "ACCOUNT_REPLACED")
    assert "departments/public-security" in str(taken)
    watched = refused(old.zk("vault", "inbox", "--watch", "--json"), Exit.REFUSED, "ACCOUNT_REPLACED")
    assert "departments/public-security" in str(watched)
    again = old.zk("vault", "register", link, "--person", "LOST-1", "--json")
    refused(again, Exit.REFUSED, "REGISTRATION_USED")


def test_a_department_makes_codes_for_whom_it_is_registered_to_identify(bureau: Bureau) -> None:
    home, admin = bureau.home, bureau.home.admin
    by_health = ("issuer", "identify", "--person", "TAKEN-1", "--department", "health", "--json")
    by_market = ("issuer", "identify", "--person", "TAKEN-1", "--department", "market-regulation", "--json")
    for asked in (by_health, by_market):
        refused(home.zk(*asked), Exit.REFUSED, "NOT_IDENTIFYING")
    refused(home.zk("issuer", "identifies", "health", "person", "--json"), Exit.USAGE, "ADMIN_TOKEN_MISSING")
    assert home.json("issuer", "identifies", "health", "person", "company", env=admin)["identifies"] == [
        "company",
        "person",
    ]
    assert home.json(*by_health)["link"]
    assert "nobody" in home.zk("issuer", "identifies", "health", env=admin).out
    refused(home.zk(*by_health), Exit.REFUSED, "NOT_IDENTIFYING")
    parks = ("issuer", "register", "parks", "--name-zh", "公园", "--name-en", "Parks")
    made = home.json(*parks, "--identifies", "company", env=admin)
    assert made["identifies"] == ["company"]
    assert home.json("issuer", "identify", "--company", "91X9", "--department", "parks")["link"]


def test_the_owner_sees_a_code_that_was_made_for_somebody_else(bureau: Bureau) -> None:
    mine = bureau.settle("SEEN-1")
    process = start("vault", "inbox", "--watch", "--json", "--home", mine.path)
    try:
        asked = ("issuer", "identify", "--person", "SEEN-1", "--department", "public-security")
        bureau.home.json(*asked)
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()
    assert (told["kind"], told["about"]) == ("code", "departments/public-security")


def test_a_vault_without_an_account_says_so(bureau: Bureau) -> None:
    home = Home(bureau.fresh(), bureau.home.server).trusting()
    home.json("vault", "create")
    refused(home.zk("vault", "inbox", "--json"), Exit.REFUSED, "ACCOUNT_NOT_FOUND")


# applications


def test_an_application_is_decided_by_hand_and_its_reason_is_read(bureau: Bureau) -> None:
    person = bureau.resident(OTHER)
    no_grounds = person.zk("vault", "apply", "vaccination@1", "--grounds", " ", "--json")
    refused(no_grounds, Exit.REFUSED, "GROUNDS_MISSING")
    person.json("vault", "apply", "vaccination@1", "--grounds", "school", "-v", "complete=true")
    (open_,) = bureau.home.json("issuer", "applications", "list", "--department", "health")["applications"]
    assert (open_["applicant"], open_["grounds"], open_["values"]) == (
        {"kind": "person", "number": OTHER.number},
        "school",
        {"complete": True},
    )
    reason = ("--zh", "请先到接种点查验", "--en", "Have it checked at a clinic first")
    name = open_["application"]
    bureau.home.json("issuer", "applications", "refuse", name, *reason, "--department", "health")
    listed = person.json("vault", "applications")["applications"]
    (own,) = [each for each in listed if each["application"] == name]
    assert (own["state"], own["reason"]) == ("refused", "Have it checked at a clinic first")
    assert "请先到接种点查验" in person.zk("vault", "applications", "--lang", "zh").out
    late = person.zk("vault", "applications", "--cancel", name, "--json")
    refused(late, Exit.REFUSED, "APPLICATION_DECIDED")
    twice = bureau.home.zk(
        "issuer", "applications", "refuse", name, *reason, "--department", "health", "--json"
    )
    refused(twice, Exit.REFUSED, "APPLICATION_DECIDED")
    foreign = bureau.home.zk(
        "issuer", "applications", "refuse", name, *reason, "--department", "civil-affairs", "--json"
    )
    refused(foreign, Exit.REFUSED, "TOKEN_INVALID")


# agents


def test_an_agent_shows_appointment_and_licence_of_one_company_until_it_is_ended(bureau: Bureau) -> None:
    agent, company = bureau.resident(AGENT), bureau.settle(COMPANY, "company")
    policy = bureau.write("errand.yaml", POLICY)
    counter = bureau.verifier("counter-1", policy)
    appointment = bureau.appoint(company, agent, "--item", "business_licence", "--errand", ERRAND)
    assert bureau.claimed(agent) == ["agent_appointment", "agent_appointment"]
    assert bureau.licence(agent, COMPANY) == ["approved"]
    assert bureau.claimed(agent) == ["business_licence"]
    said, done = answered(counter, policy, agent)
    assert said.code == 0, said
    assert done is not None
    assert done.code == 0, done
    shown = values_of(done)
    assert shown["licence"] == {"status": "active"}
    assert shown["appointment"]["scope"] in {"business_licence", ERRAND}
    assert COMPANY not in done.out
    ended = company.json("vault", "appointments", "--end", appointment)["appointments"]
    assert [bool(each["ended"]) for each in ended if each["appointment"] == appointment] == [True]
    said, done = answered(counter, policy, agent)
    refused(said, Exit.REFUSED, "NOTHING_FITS")
    assert done is None
    again = company.zk("vault", "appointments", "--end", appointment, "--json")
    assert again.code == 0, "the vault has ended it before, and says nothing twice"


def test_whoever_is_no_agent_of_a_company_cannot_claim_its_licence(bureau: Bureau) -> None:
    stranger = bureau.resident(Person("外人", "STRANGER-1"))
    bureau.settle(RIVAL, "company")
    bureau.licence(stranger, RIVAL)
    done = stranger.zk("vault", "inbox", "--claim", "--yes", "--json")
    assert done.code == Exit.REFUSED
    (left,) = done.json["offers"]
    assert (left["credential"], left["reason"]) == (None, "NOTHING_FITS")


def test_only_the_company_itself_appoints(bureau: Bureau) -> None:
    """Whoever applies for an appointment in a company's name is refused with a reason."""
    agent = bureau.resident(AGENT)
    commit = AGENT.commitment
    values = {
        "id_commit": commit, "uscc": COMPANY, "scope_kind": "item", "scope": "business_licence",
        "until": "2098-12-31",
    }  # fmt: skip
    pairs = [part for name, value in values.items() for part in ("-v", f"{name}={value}")]
    agent.json("vault", "apply", "agent_appointment@1", "--grounds", "I say so", *pairs)
    assert bureau.decide() == ["refused"]
    last = agent.json("vault", "applications")["applications"][-1]
    assert (last["state"], last["reason"]) == ("refused", "Only the company itself appoints")
    done = agent.zk(
        "vault", "appoint", agent.json("vault", "agent-code")["code"], "--until", "2098-12-31",
        "--grounds", "x", "--item", "y", "--json",
    )  # fmt: skip
    refused(done, Exit.REFUSED, "SUBJECT_MISMATCH")


def test_an_appointment_that_somebody_else_takes_is_not_signed(bureau: Bureau) -> None:
    """The commitment in the agent's code is another person's: the inbox has it, and it cannot be claimed."""
    agent, other, company = bureau.resident(AGENT), bureau.resident(OTHER), bureau.settle("91X1", "company")
    code = agent.json("vault", "agent-code")["code"]
    commit = other.json("vault", "agent-code")["code"].partition("#")[2]
    wrong = f"{code.partition('#')[0]}#{commit}"
    company.json("vault", "appoint", wrong, "--until", "2098-12-31", "--grounds", "x", "--item", "y")
    bureau.decide()
    done = agent.zk("vault", "inbox", "--claim", "--yes", "--json")
    assert done.code == Exit.REFUSED
    assert [each["reason"] for each in done.json["offers"]] == ["REQUIRED_MISMATCH"]


def test_beyond_its_scope_the_agents_vault_has_no_answer_and_a_lie_is_refused(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, company = (
        bureau.resident(Person("经办", "AGENT-2")),
        bureau.settle("91370100MA3C00003X", "company"),
    )
    bureau.appoint(company, agent, "--errand", ERRAND)
    assert bureau.claimed(agent) == ["agent_appointment"]
    assert bureau.licence(agent, "91370100MA3C00003X") == ["approved"]
    claiming = agent.zk("vault", "inbox", "--claim", "--yes", "--json")
    reasons = [each["reason"] for each in claiming.json["offers"]]
    assert reasons == ["REQUIRED_MISMATCH"], "it is no scope of hers"
    bureau.appoint(company, agent, "--item", "business_licence")
    assert bureau.claimed(agent) == ["agent_appointment", "business_licence"]
    listed = bureau.write("within.yaml", _scoped(ERRAND, "within"))
    beyond = bureau.write("beyond.yaml", _scoped("sell-the-company", "beyond"))
    counter = bureau.verifier("counter-2", listed, beyond)
    said, done = answered(counter, listed, agent)
    assert said.code == 0, said
    assert done is not None
    assert done.code == 0, done
    said, done = answered(counter, beyond, agent)
    refused(said, Exit.REFUSED, "NOTHING_FITS")
    assert done is None
    lying(monkeypatch)
    monkeypatch.setattr("prover.composite.branches.missing_in", lambda *_: ())
    monkeypatch.setattr("prover.composite.presenting.check_own_proof", lambda *_: None)
    said, done = answered(counter, beyond, agent)
    refused(said, Exit.REFUSED, "PROOF_INVALID")
    assert done is None


def _scoped(scope: str, name: str) -> str:
    """The same request with the scope hidden, and proven to be this one or another."""
    text = POLICY.replace("shown: [scope_kind, scope]", "shown: [scope_kind]").replace("company-errand", name)
    return text + f"      - {{of: appointment.scope, one_of: [{scope}, nothing-at-all]}}\n"


# guardians


def test_a_guardian_is_tied_to_the_child_and_neither_is_shown(bureau: Bureau) -> None:
    guardian = bureau.resident(Person("监护人", "GUARDIAN-1"))
    person = Person("监护人", "GUARDIAN-1")
    policy = bureau.write("guardians.yaml", GUARDIANS)
    school = bureau.verifier("school-9", policy)
    child, other = "c1" * 32, "c2" * 32
    tied = ("--requires", "id_card@2", f"id_commit={person.commitment}")
    today = dt.date.today().isoformat()
    vaccinated = {"id_commit": person.commitment, "complete": "true", "doses": "9", "checked": today}
    kept = {"id_commit": person.commitment, "basis": "parent", "valid_until": "2098-12-31"}
    bureau.deliver("vaccination@1", person.number, {**vaccinated, "child_id": other}, *tied)
    bureau.deliver(
        "guardianship@1", person.number, {**kept, "child_id": child, "guardian_id": person.commitment}, *tied
    )
    assert bureau.claimed(guardian) == ["guardianship", "vaccination"]
    said, _ = answered(school, policy, guardian)
    refused(said, Exit.REFUSED, "NOTHING_FITS")
    bureau.deliver("vaccination@1", person.number, {**vaccinated, "child_id": child}, *tied)
    assert bureau.claimed(guardian) == ["vaccination"]
    said, done = answered(school, policy, guardian)
    assert said.code == 0, said
    assert done is not None
    assert done.code == 0, done
    assert values_of(done) == {"card": {}, "guardianship": {}, "vaccination": {"complete": True}}
    assert child not in done.out
    assert person.commitment not in done.out
