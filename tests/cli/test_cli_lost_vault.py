"""A lost vault, by commands: its words, a new code, the card in place of the old one, through the account."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.bureau import Bureau, answered
from tests.cli.city import Person
from tests.cli.conftest import Fresh
from tests.cli.running import Home, refused
from zk.exits import Exit
from zk.local_server import running_server

CARD = Path(__file__).parents[2] / "examples" / "values" / "family" / "id_card.yaml"
POLICY = """
form: composite
id: lost-card
purpose: {zh: 出示身份证, en: Showing the card}
lifetime: 600
register:
  purpose: purposes/lost-card
  legal_basis: {zh: 《居民身份证法》第十三条, en: "Identity Card Law, article 13"}
  retention_days: 1
branches:
  - id: card
    queries:
      - id: card
        schemas: [departments/public-security/schemas/id_card@2]
        shown: [name]
        expiry: today
        revocation: {max_epoch_age: 2 days}
"""


@pytest.fixture(scope="module")
def bureau(fresh: Fresh) -> Iterator[Bureau]:
    folder = fresh().parent
    with running_server(folder / "data", folder / "server.log") as server:
        home = Home(folder / "departments", server).trusting()
        home.json("issuer", "register", "public-security", env=home.admin)
        home.json("issuer", "schema", "id_card@2")
        for made in ("key", "accumulator", "digits"):
            home.json("issuer", made)
        yield Bureau(home, fresh, folder)


def test_a_new_vault_gets_the_card_in_place_of_the_lost_one(bureau: Bureau) -> None:
    person = Person("失主", "LOST-CARD-1")
    old = bureau.resident(person)
    policy = bureau.write("lost-card.yaml", POLICY)
    shop = bureau.verifier("lost-shop", policy)
    said, done = answered(shop, policy, old)
    assert said.code == 0, said
    assert done is not None
    assert done.code == 0
    words = bureau.write("words", old.json("vault", "recovery")["words"])
    words.chmod(0o600)
    new = Home(bureau.fresh(), bureau.home.server).trusting()
    recovered = new.zk("vault", "recover", "--words-file", words)
    for step in ("zk vault register", "zk vault inbox --claim"):
        assert step in recovered.out
    assert new.json("vault", "list")["credentials"] == []
    bureau.register(new, person.number)
    pairs = ("-v", f"id_commit={person.commitment}", "-v", f"name={person.name}", "--values", CARD)
    to = ("--person", person.number, "--to-person", person.number)
    done = bureau.home.zk("issuer", "issue", "id_card@2", *pairs, *to, "--replaces")
    assert done.code == 0, done
    assert "revoked" in done.out
    refused(old.zk("vault", "inbox", "--json"), Exit.REFUSED, "ACCOUNT_REPLACED")
    assert bureau.claimed(new) == ["id_card"]
    said, done = answered(shop, policy, old)
    refused(said, Exit.REFUSED, "NOTHING_FITS")
    assert done is None
    said, done = answered(shop, policy, new)
    assert said.code == 0, said
    assert done is not None
    assert done.code == 0


def test_without_it_a_person_who_comes_with_a_new_vault_is_refused(bureau: Bureau) -> None:
    person = Person("失主二", "LOST-CARD-2")
    bureau.resident(person)
    new = Home(bureau.fresh(), bureau.home.server).trusting()
    new.json("vault", "create")
    bureau.register(new, person.number)
    values = {"id_commit": person.commitment, "name": person.name}
    bureau.deliver("id_card@2", person.number, values, "--values", CARD, "--person", person.number)
    done = new.zk("vault", "inbox", "--claim", "--yes", "--json")
    assert done.code == Exit.REFUSED
    assert [each["reason"] for each in done.json["offers"]] == ["HOLDER_MISMATCH"]


def test_it_goes_with_whom_the_department_has_identified(bureau: Bureau) -> None:
    pairs = ("-v", f"id_commit={'ab' * 32}", "-v", "name=x", "--values", CARD)
    required = ("--requires", "id_card@2", f"id_commit={'ab' * 32}")
    done = bureau.home.zk("issuer", "issue", "id_card@2", *pairs, *required, "--replaces", "--json")
    refused(done, Exit.USAGE, "REPLACES_UNCLEAR")
