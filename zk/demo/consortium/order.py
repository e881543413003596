"""The cities' order in the story: a node for each, a child that enrols once, a receipt that is ordered.

A real city runs its node and submits its log's checkpoints by itself; here the story does both.
"""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from disclosure import LocalizedText
from disclosure.composite import JointScope
from disclosure.credential import SUITES
from ordering import state
from ordering.claiming import Claimant
from ordering.client import Client
from ordering.engine.running import RunningNode
from ordering.errors import StateError
from ordering.genesis import Genesis
from ordering.home import Node, Ports
from ordering.light import fetching
from ordering.light.receipt import Ordering, ordered_receipt
from ordering.light.verifying import Trusted
from ordering.state import Ordered, Seen
from ordering.transactions import SubmitCheckpoint, Transaction
from prover.usages import Usage
from tlog import verify_receipt
from verifier import CompositePolicy, JointScopeFile, PseudonymRegister, load_policy, registered_policy
from verifier.across import Claims, claims_of
from verifier.client import CompositeAnswered
from wire.ordered import path as path_to
from zk.clients.policies import Policies
from zk.commands.consortium_parts import engine_path as program_of
from zk.demo.consortium.cities import Consortium
from zk.demo.people import OTHER_SCHOOL, SCHOOL, Asker
from zk.demo.refusals import VERIFIER, refused
from zk.demo.stage import Stage, example
from zk.demo.stories.outcome import Told
from zk.exits import CommandError, Exit
from zk.home import read_secret
from zk.ledger_reader import LedgerReader

CHAIN: Final = "nine-cities"
_POWER: Final = 10
_SECONDS: Final = 120.0
_PATIENCE: Final = timedelta(seconds=60)
_PURPOSE: Final = LocalizedText("各市入学查重", "One enrolment for each child in all cities")


def engine_program() -> str:
    """Return the engine; CommandError NOT_STARTED says what is missing."""
    return program_of("")


@dataclass(frozen=True)
class Order:
    """The nodes by their cities' letters, and the header that everybody trusts: the chain's first."""

    nodes: Mapping[str, RunningNode]
    ports: Mapping[str, Ports]
    trusted: Trusted

    def client(self, letter: str) -> Client:
        """Return a client of a city's node; closed by its block."""
        return Client(_url(self.ports[letter]))

    def claimant(self, letter: str, client: Client) -> Claimant:
        """Return who claims for a city."""
        return Claimant(client, letter, self.nodes[letter].node.operator_key, self.trusted)

    def submit(self, letter: str, stage: Stage) -> Ordered:
        """Have the newest checkpoint of a city's log ordered, and return its row."""
        with self.client(letter) as client, stage.endpoint.channel() as channel:
            reader = LedgerReader(channel)
            signed = reader.checkpoint(stage.log)
            key = state.checkpoint_key(signed.checkpoint.origin)
            value = client.read(key).value
            before = Ordered.parse(value).size if value else 0
            if signed.checkpoint.size > before:
                proof = reader.consistency(before, signed.checkpoint.size) if before else ()
                seen = Seen.parse(client.read(state.sequence_key(letter)).value)
                body = SubmitCheckpoint(signed.note, tuple(proof))
                transaction = Transaction(CHAIN, letter, seen.highest + 1, body)
                client.submit(transaction.signed(self.nodes[letter].node.operator_key))
            return Ordered.parse(client.read(key).value or b"")


@contextmanager
def ordering(made: Consortium, folder: Path, engine: str) -> Iterator[Order]:
    """Start a node for each city, and end all when the block ends; CommandError NOT_STARTED."""
    with ExitStack() as opened:
        try:
            nodes, ports = _begun(made, folder, engine, opened)
            first = next(iter(nodes))
            with Client(_url(ports[first])) as client:
                order = Order(nodes, ports, fetching.trusted(client, 1))
        except StateError as error:
            raise CommandError(
                Exit.NOT_STARTED, "NOT_STARTED", "error.not_started", detail=str(error)
            ) from None
        yield order


def _begun(
    made: Consortium, folder: Path, engine: str, opened: ExitStack
) -> tuple[dict[str, RunningNode], dict[str, Ports]]:
    nodes = {letter: Node(folder.absolute() / letter) for letter in made.cities}
    for each in nodes.values():
        each.make(engine)
    operators = (nodes[letter].operator(letter, city.log, _POWER) for letter, city in made.cities.items())
    genesis, begun = Genesis(CHAIN, tuple(operators)), datetime.now(UTC)
    free = _free_ports(2 * len(nodes))
    ports = {letter: Ports(free.pop(), free.pop()) for letter in nodes}
    peers = {letter: f"{each.identifier}@127.0.0.1:{ports[letter].peers}" for letter, each in nodes.items()}
    for letter, each in nodes.items():
        others = [peer for other, peer in peers.items() if other != letter]
        each.configure(genesis, begun, ports[letter], others)
    running = {letter: RunningNode(each, engine) for letter, each in nodes.items()}
    for started in running.values():
        opened.callback(started.stop)
        started.start()
    ends = time.monotonic() + _SECONDS
    for letter in running:
        while not _has_block(ports[letter]):
            if time.monotonic() > ends:
                raise StateError(f"{letter} has no block: see {nodes[letter].folder / 'engine.log'}")
            time.sleep(0.2)
    return running, ports


def _url(ports: Ports) -> str:
    return f"http://127.0.0.1:{ports.rpc}"


def _has_block(ports: Ports) -> bool:
    with Client(_url(ports)) as client, suppress(StateError):
        return client.height > 0
    return False


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def once_in_all(made: Consortium, stages: Mapping[str, Stage], order: Order, told: Told) -> None:
    """Each log's checkpoint is ordered; a child enrols in the first city, and in the second once more."""
    begun = time.monotonic()
    rows = [order.submit(letter, stages[letter]) for letter in made.cities]
    since = f"{time.monotonic() - begun:.1f}"
    told.fact(
        "story.consortium.logs_ordered", count=len(rows), seconds=since, holds=all(r.size for r in rows)
    )
    first, second = list(made.cities)[:2]
    policy = _shared_policy(made.folder, stages[first])
    with order.client(first) as here, order.client(second) as there:
        claims = order.claimant(first, here)
        enrolled = _answered(stages[first], SCHOOL, policy)
        _keep(stages[first], policy, enrolled, claims)
        again = _answered(stages[second], OTHER_SCHOOL, policy)
        refusal = refused(
            "story.consortium.second",
            (VERIFIER, "PSEUDONYM_TAKEN"),
            lambda: _keep(stages[second], policy, again, order.claimant(second, there)),
        )
        told.refusals.append(refusal)
        (claim,) = claims_of(enrolled.record.request, enrolled.verified, policy.across).values()
        found = order.claimant(second, there).first(claim)
    told.fact(
        "story.consortium.once",
        city=first.upper(),
        height=found.height if found else 0,
        holds=found is not None and found.operator == first,
    )


def _shared_policy(folder: Path, stage: Stage) -> CompositePolicy:
    """Write the school's policy with a scope that two cities' schools have signed, and read it."""
    members = sorted((SCHOOL, OTHER_SCHOOL), key=lambda each: str(each.name))
    scope = JointScope("enrolment-2026", _PURPOSE, tuple(each.name for each in members), next(iter(SUITES)))
    file = JointScopeFile(scope, {})
    for each in members:
        file = file.signed_by(each.name, stage.signing[each.name.verifier])
    (folder / "scope.yaml").write_bytes(file.to_bytes())
    text = example("policies/enrolment.yaml").read_text("utf-8")
    text = text.replace("id: enrolment-2026", "id: enrolment-in-all-cities", 1)
    text = text.replace("scope: enrolment-2026", "scope: {file: scope.yaml}")
    path = folder / "enrolment-in-all-cities.yaml"
    path.write_text(text.replace("unique: [child]", "unique: [child]\nacross: [child]"), "utf-8")
    loaded = load_policy(path)
    if not isinstance(loaded, CompositePolicy):
        raise CommandError(Exit.USAGE, "POLICY_INVALID", "error.source_tree", path=path)
    return loaded


def _answered(stage: Stage, asker: Asker, policy: CompositePolicy) -> CompositeAnswered:
    """A school registers what it asks, asks, and the parent answers."""
    with stage.verifier(asker) as client, Policies(stage.endpoint, stage.log) as policies:
        made = registered_policy(policy, asker.name, client.reader)
        policies.create(made, read_secret(stage.server.admin_token))
    opened = stage.ask(asker, policy)
    stage.send(stage.prepare(stage.mother, opened.link))
    with stage.verifier(asker) as client:
        return client.wait(opened, _PATIENCE)


def _keep(stage: Stage, policy: CompositePolicy, answered: CompositeAnswered, claims: Claims) -> None:
    register = PseudonymRegister(stage.output / "pseudonyms.sqlite3")
    answered.keep(
        stage.output / "enrolled.json",
        unique=policy.unique,
        register=register,
        across=policy.across,
        claims=claims,
    )


@dataclass(frozen=True)
class Files:
    """What is left when everything has ended: an ordered receipt, the trusted header, the log's key."""

    receipt: Path
    header: Path
    log_key: str


def go_on_without(
    made: Consortium,
    stages: Mapping[str, Stage],
    order: Order,
    kept: Mapping[str, Usage],
    output: Path,
    told: Told,
) -> Files:
    """The two dead cities' nodes are dead too; the first city's newest receipt is ordered all the same."""
    dead = list(made.cities)[-2:]
    for letter in dead:
        order.nodes[letter].kill()
    first, second = list(made.cities)[:2]
    stage, begun = stages[first], time.monotonic()
    receipt = kept[first].receipt or b""
    checkpoint = verify_receipt(receipt, stage.log).checkpoint
    row = order.submit(first, stage)
    with order.client(second) as client:
        found = fetching.order(client, stage.log.name, order.trusted, int(time.time()))
    with stage.endpoint.channel() as channel:
        path = path_to(channel, checkpoint, Ordered.parse(found.row)) or ()
    files = Files(output / "receipt.ordered", output / "consortium.header", str(stage.log))
    files.receipt.write_bytes(ordered_receipt(receipt, Ordering(found, {checkpoint.size: path})))
    files.header.write_bytes(order.trusted.to_bytes())
    told.fact(
        "story.consortium.order_goes_on",
        dead=", ".join(each.upper() for each in dead),
        seconds=f"{time.monotonic() - begun:.1f}",
        height=row.height,
        holds=row.size >= checkpoint.size and not any(order.nodes[each].runs for each in dead),
    )
    return files


def verified_offline(files: Files, told: Told, zk: Callable[..., tuple[int, Mapping[str, object]]]) -> None:
    """With no process left, the receipt is verified up to the consortium's header, by the command."""
    code, found = zk(
        "ledger", "check-receipt", files.receipt, "--key", files.log_key, "--trusted", files.header
    )
    told.fact(
        "story.consortium.order_offline",
        chain=found.get("chain", "-"),
        height=found.get("height", 0),
        holds=code == Exit.OK and found.get("receipt") == "ordered",
    )
