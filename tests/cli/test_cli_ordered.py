"""What is ordered, by commands, over a real server whose log a real consortium orders."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ordering import state
from ordering.genesis import Genesis
from ordering.operators import Operator
from ordering.state import Ordered, Seen
from ordering.transactions import Body, Claim, SubmitCheckpoint, Transaction
from tests.cli.city import MOTHER, POLICIES, SECONDS, City
from tests.cli.running import Done, Home, start
from tests.ordering.cities import CHAIN
from tests.ordering.engines import Cities, Member, needs_engine
from tlog import Verifier
from wire.client import Endpoint
from zk.exits import Exit
from zk.ledger_reader import LedgerReader
from zk.local_server import LocalServer, running_server

pytestmark = needs_engine
SCOPE = """label: enrolment-2026
purpose: {zh: 入学查重, en: One enrolment for each child}
members: [verifiers/school-a, verifiers/school-b]
suite: "BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_"
"""


@dataclass(frozen=True)
class Town:
    """A city's server, its departments and its node, and the policy of two schools."""

    city: City
    member: Member
    folder: Path
    node: str

    def submit(self) -> None:
        """Have the log's newest checkpoint ordered, as the city does from time to time."""
        server = self.city.home.server
        log = Verifier.from_string(server.log_key.read_text().strip())
        with Endpoint.at(server.address, server.root).channel() as channel, self.member.client() as client:
            reader = LedgerReader(channel)
            signed = reader.checkpoint(log)
            value = client.read(state.checkpoint_key(log.name)).value
            before = Ordered.parse(value).size if value else 0
            proof = reader.consistency(before, signed.checkpoint.size) if before else ()
        self.bring(SubmitCheckpoint(signed.note, tuple(proof)))

    def bring(self, body: Body) -> None:
        """Submit something for the city, and wait until the block after it is there."""
        name = self.member.city.name
        with self.member.client() as client:
            seen = Seen.parse(client.read(state.sequence_key(name)).value)
            transaction = Transaction(CHAIN, name, seen.highest + 1, body).signed(self.member.city.key)
            client.wait_for(client.submit(transaction).height + 1)


def one_city(folder: Path, server: LocalServer) -> Cities:
    """A consortium of one, which orders the server's log."""
    cities = Cities(folder, 1)
    (member,) = cities.members
    one = member.city.operator
    log = Verifier.from_string(server.log_key.read_text().strip())
    cities.genesis = Genesis(CHAIN, (Operator(one.name, one.key, log, one.validator, one.power),))
    return cities


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("o")
    with running_server(folder / "data", folder / "server.log") as server:
        cities = one_city(folder / "c", server)
        try:
            cities.start()
            (member,) = cities.members
            node = f"http://127.0.0.1:{member.ports.rpc}"
            yield Town(City.at(server, folder / "city"), member, folder, node)
        finally:
            cities.stop()


@pytest.fixture(scope="module")
def schools(town: Town) -> tuple[Home, Home]:
    """Two schools that share a scope, and have their city claim what comes once in all."""
    homes = [Home(town.folder / name, town.city.home.server).trusting() for name in ("school-a", "school-b")]
    for each in homes:
        each.json(
            "verifier", "register", each.path.name, "--name-zh", "甲", "--name-en", "A",
            env=town.city.home.admin,
        )  # fmt: skip
    (town.folder / "scope.yaml").write_text(SCOPE, "utf-8")
    text = (POLICIES / "enrolment.yaml").read_text("utf-8")
    text = text.replace("scope: enrolment-2026", "scope: {file: scope.yaml}")
    text = text.replace("unique: [child]", "unique: [child]\nacross: [child]")
    (town.folder / "policy.yaml").write_text(text, "utf-8")
    homes[0].json("consortium", "header", town.folder / "header", "--node", town.node, "--height", 1)
    key = town.member.running.node.folder / "operator.key"
    for each in homes:
        each.json("verifier", "sign-scope", town.folder / "scope.yaml")
        each.json(
            "consortium", "trust", town.folder / "header", "--node", town.node,
            "--operator", town.member.city.name, "--operator-key", key,
        )  # fmt: skip
    for each in homes:
        each.json("verifier", "policy", "register", town.folder / "policy.yaml", env=town.city.home.admin)
    return homes[0], homes[1]


@pytest.fixture(scope="module")
def mother(town: Town) -> Home:
    return town.city.holder(town.folder / "mother", MOTHER, "child_registration@1", "household@2")


def asking(school: Home, town: Town, record: Path, *more: object) -> "tuple[subprocess.Popen[str], str]":
    process = start(
        "verifier", "ask", town.folder / "policy.yaml", "--record", record, *more,
        "--json", "--home", school.path,
    )  # fmt: skip
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["link"]


def ended(process: "subprocess.Popen[str]") -> Done:
    out, err = process.communicate(timeout=2 * SECONDS)
    return Done(process.returncode, out, err)


@pytest.fixture(scope="module")
def enrolled(town: Town, schools: tuple[Home, Home], mother: Home) -> tuple[str, Path]:
    """The first school has accepted an answer once it was ordered: the use and the record."""
    record = town.folder / "first.json"
    process, link = asking(schools[0], town, record, "--ordered")
    usage = mother.json("vault", "present", link, "--yes")["usage"]
    town.submit()
    done = ended(process)
    assert done.code == 0, done
    assert (done.json["receipt"], done.json["chain"]) == ("ordered", CHAIN)
    return usage, record


def test_an_accepted_record_is_checked_offline_to_be_in_the_order(
    town: Town, schools: tuple[Home, Home], enrolled: tuple[str, Path], tmp_path: Path
) -> None:
    school, (_, record) = schools[0], enrolled
    found = school.json("verifier", "check", record, "--ordered")
    assert (found["receipt"], found["chain"]) == ("ordered", CHAIN)
    beside = record.with_name(record.name + ".order")
    alone = tmp_path / "alone.json"
    alone.write_bytes(record.read_bytes())
    school.json("verifier", "check", alone, "--ordered", code=Exit.PENDING)
    changed = bytearray(beside.read_bytes())
    changed[-1] ^= 1
    alone.with_name("alone.json.order").write_bytes(bytes(changed))
    done = school.zk("verifier", "check", alone, "--json")
    assert (done.code, done.reason) == (Exit.NOT_VERIFIED, "ORDER_MALFORMED")
    again = school.json("consortium", "order", alone)
    assert again["file"] == str(alone.with_name("alone.json.order"))
    school.json("verifier", "check", alone, "--ordered")


def test_what_shows_the_order_is_brought_anew_once_a_later_header_is_trusted(
    town: Town, schools: tuple[Home, Home], enrolled: tuple[str, Path], tmp_path: Path
) -> None:
    school, record = schools[0], tmp_path / "record.json"
    record.write_bytes(enrolled[1].read_bytes())
    school.json("consortium", "order", record)
    town.bring(Claim("later", bytes(32), bytes(32)))
    renewed = school.json("consortium", "trust")
    assert (renewed["operator"], renewed["node"]) == (town.member.city.name, town.node)
    assert "receipt" not in school.json("verifier", "check", record)
    school.json("verifier", "check", record, "--ordered", code=Exit.PENDING)
    school.json("consortium", "order", record)
    assert school.json("verifier", "check", record, "--ordered")["height"] >= renewed["height"]


def test_who_cannot_claim_asks_nobody(town: Town, schools: tuple[Home, Home], tmp_path: Path) -> None:
    home, school = Home(tmp_path / "school", town.city.home.server).trusting(), schools[0]
    key = home.path / "verifiers" / "school-a.pem"
    key.parent.mkdir(mode=0o700)
    key.write_bytes((school.path / "verifiers" / "school-a.pem").read_bytes())
    key.chmod(0o600)
    done = home.zk("verifier", "ask", town.folder / "policy.yaml", "--json")
    assert (done.code, done.reason) == (Exit.KEY_NOT_TRUSTED, "CONSORTIUM_UNKNOWN")
    home.json("consortium", "trust", town.folder / "header", "--node", town.node)
    done = home.zk("verifier", "ask", town.folder / "policy.yaml", "--json")
    assert (done.code, done.reason) == (Exit.USAGE, "OPERATOR_MISSING")


def test_the_same_child_is_refused_at_the_other_school(
    town: Town, schools: tuple[Home, Home], mother: Home, enrolled: tuple[str, Path]
) -> None:
    record = town.folder / "second.json"
    process, link = asking(schools[1], town, record)
    mother.json("vault", "present", link, "--yes")
    done = ended(process)
    assert (done.code, json.loads(done.out.splitlines()[-1])["error"]["reason"]) == (
        Exit.REFUSED,
        "PSEUDONYM_TAKEN",
    )
    assert not record.exists()
    assert not record.with_name("second.json.pending").exists()


def test_a_holder_gives_a_receipt_away_that_is_verified_up_to_the_header(
    town: Town, mother: Home, enrolled: tuple[str, Path], tmp_path: Path
) -> None:
    receipt = tmp_path / "receipt.txt"
    mother.json("vault", "receipt", enrolled[0], receipt)
    done = mother.zk("consortium", "order", receipt, "--json")
    assert (done.code, done.reason) == (Exit.KEY_NOT_TRUSTED, "CONSORTIUM_UNKNOWN")
    mother.json("consortium", "trust", town.folder / "header", "--node", town.node)
    written = mother.json("consortium", "order", receipt)
    assert written["file"] == f"{receipt}.ordered"
    stranger = Home(tmp_path / "stranger", town.city.home.server)
    check = ("ledger", "check-receipt", written["file"], "--key", town.city.home.server.log_key)
    found = stranger.json(*check, "--trusted", town.folder / "header")
    assert (found["receipt"], found["chain"]) == ("ordered", CHAIN)
    done = stranger.zk(*check, "--json")
    assert (done.code, done.reason) == (Exit.KEY_NOT_TRUSTED, "CONSORTIUM_UNKNOWN")


def test_a_vault_brings_the_order_of_all_its_receipts_and_tells_it(
    town: Town, mother: Home, enrolled: tuple[str, Path]
) -> None:
    usage, _ = enrolled
    mother.json("consortium", "trust", town.folder / "header", "--node", town.node)
    town.submit()
    before = mother.json("vault", "history", usage)["usages"][0]
    assert "receipt" not in before
    brought = mother.json("vault", "order")
    assert brought["ordered"] > 0
    assert brought["pending"] == 0
    told = mother.json("vault", "history", usage)["usages"][0]
    assert (told["receipt"], told["holds"]) == ("ordered", True)
    assert "ordered" in mother.zk("vault", "history", "--lang", "en").out
    town.bring(Claim("another", bytes(32), bytes(32)))
    mother.json("consortium", "trust")  # on to the newest header: what shows the order ends before that
    assert "receipt" not in mother.json("vault", "history", usage)["usages"][0]
    assert mother.json("vault", "order") == brought
    assert mother.json("vault", "history", usage)["usages"][0]["receipt"] == "ordered"


def test_what_came_after_the_ordered_tree_is_not_ordered_yet(
    town: Town, mother: Home, enrolled: tuple[str, Path], tmp_path: Path
) -> None:
    bank = Home(tmp_path / "bank", town.city.home.server).trusting()
    bank.json("consortium", "trust", town.folder / "header", "--node", town.node)
    bank.json("verifier", "register", "bank", "--name-zh", "乙", "--name-en", "B", env=town.city.home.admin)
    bank.json("verifier", "policy", "register", POLICIES / "enrolment.yaml", env=town.city.home.admin)
    record = tmp_path / "record.json"
    ask = ("verifier", "ask", POLICIES / "enrolment.yaml", "--record", record)
    process = start(*ask, "--json", "--home", bank.path)
    assert process.stdout is not None
    link = json.loads(process.stdout.readline())["link"]
    mother.json("vault", "present", link, "--yes")
    assert ended(process).code == 0
    bank.json("consortium", "order", record, code=Exit.PENDING)
    assert not record.with_name("record.json.order").exists()
    town.submit()
    bank.json("consortium", "order", record)
    assert bank.json("verifier", "check", record, "--ordered")["receipt"] == "ordered"


def test_what_is_sent_unasked_waits_for_the_order_if_that_is_demanded(
    town: Town, schools: tuple[Home, Home], mother: Home, tmp_path: Path
) -> None:
    shop = Home(tmp_path / "shop", town.city.home.server).trusting()
    shop.json("verifier", "register", "shop", "--name-zh", "丙", "--name-en", "C", env=town.city.home.admin)
    shop.json("verifier", "deliveries", "open", "--name-zh", "丙", "--name-en", "C")
    mother.json("vault", "send", "--to", "shop", "--show", "id_card.name", "--yes")
    receive = ("verifier", "deliveries", "receive", "--ordered")
    done = shop.zk(*receive, "--json")
    assert (done.code, done.reason) == (Exit.KEY_NOT_TRUSTED, "CONSORTIUM_UNKNOWN")
    shop.json("consortium", "trust", town.folder / "header", "--node", "http://127.0.0.1:1")
    for node, reason in (("http://127.0.0.1:1", "NODE_UNREACHABLE"), (town.node, "RECEIPT_NOT_ORDERED")):
        shop.json("consortium", "trust", town.folder / "header", "--node", node)
        done = shop.zk(*receive, "--json")
        (came,) = done.json["received"]
        assert (came["reason"], came["waits"]) == (reason, True)
        assert (done.code == Exit.PENDING) == (reason == "RECEIPT_NOT_ORDERED")
        assert shop.json("verifier", "deliveries", "list") == {"deliveries": []}
    town.submit()
    (came,) = shop.json(*receive)["received"]
    beside = Path(f"{came['file']}.order")
    assert beside.exists()
    (listed,) = shop.json("verifier", "deliveries", "list")["deliveries"]
    assert (listed["receipt"], listed["holds"], listed["chain"]) == ("ordered", True, CHAIN)
    changed = bytearray(beside.read_bytes())
    changed[-1] ^= 1
    beside.write_bytes(changed)
    (listed,) = shop.json("verifier", "deliveries", "list", code=Exit.NOT_VERIFIED)["deliveries"]
    assert (listed["holds"], listed["order_reason"][:6]) == (False, "ORDER_")
    assert shop.json(*receive) == {"received": []}


@pytest.fixture(scope="module")
def strict(town: Town, schools: tuple[Home, Home]) -> tuple[Home, Path]:
    """A school whose registered policy demands the order, though its file says nothing of it any more."""
    home = Home(town.folder / "strict", town.city.home.server).trusting()
    home.json("verifier", "register", "strict", "--name-zh", "丁", "--name-en", "D", env=town.city.home.admin)
    text = (POLICIES / "enrolment.yaml").read_text("utf-8").replace("id: enrolment-2026", "id: ordered", 1)
    text, path = text.replace("unique: [child]\n", ""), town.folder / "ordered.yaml"
    path.write_text(text.replace("retention_days: 30", "retention_days: 30\n  receipt: ordered"), "utf-8")
    made = home.json("verifier", "policy", "register", path, env=town.city.home.admin)
    assert made["receipt"] == "ordered"
    path.write_text(text, "utf-8")
    done = home.zk("verifier", "ask", path, "--json")  # and asks nobody
    assert (done.code, done.reason) == (Exit.KEY_NOT_TRUSTED, "CONSORTIUM_UNKNOWN")
    home.json("consortium", "trust", town.folder / "header", "--node", town.node)
    return home, path


def test_where_a_policy_demands_the_order_nothing_less_is_accepted(
    town: Town, strict: tuple[Home, Path], mother: Home, tmp_path: Path
) -> None:
    """Without any option, and though the file says nothing of it: the registered policy does."""
    (home, policy), late, record = strict, tmp_path / "late.json", tmp_path / "record.json"

    def asked(path: Path) -> "tuple[subprocess.Popen[str], Done]":
        ask = ("verifier", "ask", policy, "--record", path, "--json", "--timeout", 15)
        process = start(*ask, "--home", home.path)
        assert process.stdout is not None
        link = json.loads(process.stdout.readline())["link"]
        said = mother.zk("vault", "present", link, "--yes", "--lang", "en")
        assert said.code == 0, said
        return process, said

    process, said = asked(late)
    assert "accepted only once it is in the order that all cities share" in " ".join(said.out.split())
    done = ended(process)
    reason = json.loads(done.out.splitlines()[-1])["error"]["reason"]
    assert (done.code, reason) == (Exit.PENDING, "RECEIPT_NOT_ORDERED")
    pending = home.json("verifier", "check", late, code=Exit.PENDING)
    assert (pending["policy"]["receipt"], "chain" in pending) == ("ordered", False)
    process, _ = asked(record)
    town.submit()
    done = ended(process)
    assert done.code == 0, done
    assert (done.json["receipt"], done.json["chain"]) == ("ordered", CHAIN)
    assert home.json("verifier", "check", record)["receipt"] == "ordered"
    record.with_name("record.json.order").unlink()
    home.json("verifier", "check", record, code=Exit.PENDING)
    home.json("consortium", "order", late)
    assert home.json("verifier", "check", late)["receipt"] == "ordered"
