"""Sending unasked by commands: to a verifier by its name, to a person by the code that it shows."""

import json
from pathlib import Path

import pytest

from tests.cli.city import City, Person
from tests.cli.running import Home, refused
from zk.exits import Exit

SENDER = Person("周静", "370102198808080000")
"""Of whom no other test has a vault: a person has one at a city."""
SHOWN = ("--show", "residence_permit.months", "--show", "id_card.name")
NAMES = ("--name-zh", "一小", "--name-en", "Primary One")


@pytest.fixture(scope="module")
def sender(city: City, tmp_path_factory: pytest.TempPathFactory) -> Home:
    return city.holder(tmp_path_factory.mktemp("sender") / "zk", SENDER, "residence_permit@2")


@pytest.fixture(scope="module")
def shop(city: City, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = city.verifier(tmp_path_factory.mktemp("shop") / "zk", "open-shop")
    home.json("verifier", "deliveries", "open", *NAMES)
    return home


@pytest.fixture(scope="module")
def friend(city: City, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A vault that has an account and nothing else."""
    home = Home(tmp_path_factory.mktemp("friend") / "zk", city.home.server).trusting()
    home.json("vault", "create")
    asked = ("issuer", "identify", "--person", "FRIEND-1", "--department", "public-security")
    home.json("vault", "register", city.home.json(*asked)["link"], "--person", "FRIEND-1")
    return home


def test_a_verifier_found_by_name_receives_and_keeps_what_was_sent(sender: Home, shop: Home) -> None:
    found = sender.json("vault", "recipients", "open-sh")["recipients"]
    assert found == [{"name": "verifiers/open-shop"}]
    assert "open-shop" in sender.zk("vault", "recipients").out
    done = sender.zk("vault", "send", "--to", "open-shop", *SHOWN, "--message", "for my lease", "--yes")
    assert done.code == 0, done
    for line in ("verifiers/open-shop", "60", SENDER.name, "for my lease", "cannot be taken back"):
        assert line in done.out
    told = shop.zk("verifier", "deliveries", "receive").out
    assert SENDER.name in told
    assert "for my lease" in told
    assert "zk verifier deliveries list" in told
    assert "zk verifier check" not in told, "it is no record"
    (kept,) = shop.json("verifier", "deliveries", "list")["deliveries"]
    assert [each["values"] for each in kept["credentials"]] == [{"months": 60}, {"name": SENDER.name}]
    assert Path(kept["file"]).stat().st_mode & 0o077 == 0
    assert shop.json("verifier", "deliveries", "receive") == {"received": []}
    (sent,) = sender.json("vault", "deliveries", "list")["sent"]
    assert (sent["state"], sent["recipient"]) == ("recorded", "verifiers/open-shop")
    (event,) = sender.json("vault", "history")["others"]
    assert (event["kind"], event["holds"]) == ("sent", True)


def test_a_person_receives_by_the_code_that_it_shows(sender: Home, friend: Home) -> None:
    link = friend.json("vault", "deliveries", "open", "--name-zh", "小红", "--name-en", "Xiaohong")["link"]
    sent = sender.json("vault", "send", "--card", link, "--show", "id_card.name", "--yes")
    assert sent["state"] == "recorded"
    (came,) = friend.json("vault", "deliveries", "receive")["received"]
    assert came["credentials"][0]["values"] == {"name": SENDER.name}
    listed = friend.json("vault", "deliveries", "list")["received"]
    assert [each["id"] for each in listed] == [came["id"]]
    assert "received" in friend.zk("vault", "history").out
    assert friend.json("vault", "deliveries", "close") == {"receiving": False}
    again = sender.zk("vault", "send", "--card", link, "--show", "id_card.name", "--yes", "--json")
    refused(again, Exit.REFUSED, "RECEIVING_CLOSED")


def test_nothing_is_sent_without_a_yes(sender: Home, shop: Home) -> None:
    done = sender.zk("vault", "send", "--to", "open-shop", *SHOWN, "--json", stdin="no\n")
    refused(done, Exit.USAGE, "NOBODY_TO_ASK")
    assert SENDER.name in done.err, "it was shown what would be sent"
    assert shop.json("verifier", "deliveries", "receive") == {"received": []}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (SHOWN, "RECIPIENT_UNCLEAR"),
        (("--to", "open-shop", "--card", "x", *SHOWN), "RECIPIENT_UNCLEAR"),
        (("--to", "open-shop", "--show", "id_card"), "SHOW_UNCLEAR"),
        (("--to", "open-shop", "--show", "passport.number"), "CREDENTIAL_NOT_FOUND"),
        (("--card", "zk://offer?server=a:1&id=b&secret=c", *SHOWN), "LINK_INVALID"),
    ],
)
def test_what_is_unclear_is_refused_before_anything_is_sent(
    sender: Home, shop: Home, more: tuple[str, ...], reason: str
) -> None:
    refused(sender.zk("vault", "send", *more, "--yes", "--json"), Exit.USAGE, reason)


def test_who_does_not_receive_is_not_found(sender: Home, city_school: Home) -> None:
    done = sender.zk("vault", "send", "--to", "school-1", *SHOWN, "--yes", "--json")
    refused(done, Exit.REFUSED, "NOT_FOUND")
    assert json.loads(sender.zk("vault", "recipients", "school-1", "--json").out) == {"recipients": []}
