"""`zk consortium init, card, genesis, join, peer, serve`: a city's node on a host of its own."""

import datetime as dt
import re
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ordering.city.card import Card
from ordering.city.founding import Founding
from ordering.city.home import City, CityHome, Join
from ordering.client import Client
from ordering.engine.process import SNAPSHOT_EVERY
from ordering.engine.running import RunningNode
from ordering.engine.trial import POWER
from ordering.errors import StateError
from ordering.home import write_whole
from zk.commands.consortium_parts import Data, Engine, engine_path, in_folder, problems, read_card
from zk.exits import CommandError, Exit
from zk.group import Group
from zk.home import read_file
from zk.run import Answer, Run, read_log_key

LISTEN: Final = "0.0.0.0:26656"
RPC: Final = "127.0.0.1:26657"
_LOOK_SECONDS: Final = 1.0
_LONGEST_SECONDS: Final = 60.0
_TRUST: Final = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})")

Out = Annotated[Path | None, typer.Option("--out", help="help.consortium.out")]


def add_to(group: Group) -> None:
    """Add the commands to `zk consortium`."""
    for name, function in (
        ("init", init), ("card", card), ("genesis", genesis), ("join", join), ("peer", peer), ("serve", serve)
    ):  # fmt: skip
        group.command(name)(function)


def init(
    run: Run,
    name: Annotated[str, typer.Argument(help="help.consortium.name")],
    data: Data,
    log: Annotated[str, typer.Option("--log", metavar="KEY|FILE", help="help.consortium.log")],
    address: Annotated[str, typer.Option("--address", metavar="HOST:PORT", help="help.consortium.address")],
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="help.consortium.listen")
    ] = LISTEN,
    rpc: Annotated[str, typer.Option("--rpc", metavar="HOST:PORT", help="help.consortium.rpc")] = RPC,
    power: Annotated[
        int, typer.Option("--power", min=0, max=1_000_000, help="help.consortium.power")
    ] = POWER,
    out: Out = None,
    engine: Engine = "",
) -> Answer:
    """Make a city's folder with its keys, and the card that the others are shown."""
    program, key = engine_path(engine), read_log_key(log)
    home = CityHome(data.absolute())
    with in_folder():
        made = home.make(City(name, str(key), power, listen, rpc, address), program)
    return _carded(run, made, data, out)


def card(run: Run, data: Data, out: Out = None) -> Answer:
    """Show the card of a folder, as its keys are now."""
    with in_folder():
        found = CityHome(data.absolute()).card()
    return _carded(run, found, data, out)


def _carded(run: Run, made: Card, data: Path, out: Path | None) -> Answer:
    path = out or data / "card.json"
    with in_folder():
        _write(path, made.to_bytes())
    return Answer({"card": str(path), **made.document()}, [run.text("consortium.card", path=path)])


def _write(path: Path, octets: bytes) -> None:
    try:
        write_whole(path, octets)
        path.chmod(0o644)
    except OSError as error:
        raise StateError(f"{path}: {error.strerror or type(error).__name__}") from None


def genesis(
    run: Run,
    chain: Annotated[str, typer.Argument(help="help.consortium.chain")],
    cards: Annotated[list[Path], typer.Argument(help="help.consortium.cards")],
    out: Annotated[Path, typer.Option("--out", help="help.consortium.genesis_out")],
) -> Answer:
    """Collect the founders' cards into one genesis, which each of them checks."""
    if out.exists():
        raise CommandError(Exit.USAGE, "FILE_EXISTS", "error.usage", detail=f"{out} is there already")
    with in_folder():
        founding = Founding.of(chain, dt.datetime.now(dt.UTC), [read_card(each) for each in cards])
        _write(out, founding.to_bytes())
    return Answer(_founded(founding) | {"genesis": str(out)}, _founding_lines(run, founding))


def _founded(founding: Founding) -> dict[str, Any]:
    founders = [each.operator.name for each in founding.cards]
    return {"chain": founding.chain, "digest": founding.digest.hex(), "founders": founders}


def _founding_lines(run: Run, founding: Founding) -> list[str]:
    lines = [run.text("consortium.founding", chain=founding.chain, digest=founding.digest.hex())]
    for each in founding.cards:
        one = each.operator
        lines.append(
            run.text(
                "consortium.founder", name=one.name, power=one.power, address=each.address, log=str(one.log)
            )
        )
    return lines


def join(
    run: Run,
    genesis_file: Annotated[Path, typer.Argument(metavar="GENESIS", help="help.consortium.genesis_file")],
    data: Data,
    digest: Annotated[str | None, typer.Option("--digest", help="help.consortium.digest")] = None,
    trust: Annotated[
        str | None, typer.Option("--trust", metavar="HEIGHT:HASH", help="help.consortium.trusted")
    ] = None,
    servers: Annotated[list[str] | None, typer.Option("--from", help="help.consortium.from")] = None,
) -> Answer:
    """Check a genesis and take part in its chain: as one of its founders, or as a city that comes later."""
    home = CityHome(data.absolute())
    with in_folder():
        founding = Founding.parse(read_file(genesis_file))
        if digest is not None and digest.lower() != founding.digest.hex():
            raise StateError(f"the genesis has another digest, {founding.digest.hex()}")
        founder = home.take_part(founding, _join(trust, servers or []))
    data_ = _founded(founding) | {"founder": founder}
    said = "consortium.joined_founder" if founder else "consortium.joined_later"
    return Answer(data_, [*_founding_lines(run, founding), run.text(said)])


def _join(trust: str | None, servers: list[str]) -> Join | None:
    if trust is None and not servers:
        return None
    found = _TRUST.fullmatch((trust or "").lower())
    if found is None or len(set(servers)) < 2:
        raise StateError("--trust HEIGHT:HASH goes with --from of two different nodes or more")
    return Join(int(found[1]), found[2], tuple(servers))


def peer(
    run: Run,
    card_file: Annotated[Path, typer.Argument(metavar="CARD", help="help.consortium.card_file")],
    data: Data,
) -> Answer:
    """Note where the node of another city is reached; in force from the next start."""
    found, home = read_card(card_file), CityHome(data.absolute())
    with in_folder():
        if found.operator.name == home.city.name:
            raise StateError("that is this city's own card")
        home.add_peer(found)
    values = {"name": found.operator.name, "address": found.address}
    return Answer(values, [run.text("consortium.peer", **values)])


def serve(
    run: Run,
    data: Data,
    snapshot_every: Annotated[
        int,
        typer.Option(
            "--snapshot-every",
            min=1,
            envvar="ZK_CONSORTIUM_SNAPSHOT_EVERY",
            help="help.consortium.snapshot_every",
        ),
    ] = SNAPSHOT_EVERY,
    engine: Engine = "",
) -> Answer:
    """Run the node until it is told to end: engine and machine, either started again when it ends.

    With --json it prints one line when it runs, one whenever something was started again, and one when all
    has ended.
    """
    program, home, ended = engine_path(engine), CityHome(data.absolute()), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with problems(Exit.NOT_STARTED, "NOT_STARTED"), home.held() as lock:
        home.configure()
        running = RunningNode(home.node, program, snapshot_every, lock=lock)
        try:
            running.start()
            _Watch(run, home, running, ended).until_told()
        finally:
            running.stop()
    return Answer({"event": "stopped"}, [run.text("consortium.node_stopped")])


class _Watch:
    """Sees to it that both processes run: an engine without its machine is of no use, and ends some time.

    What ends again and again is started again ever later, a minute apart at most.
    """

    def __init__(self, run: Run, home: CityHome, running: RunningNode, ended: threading.Event) -> None:
        self._run, self._running, self._ended = run, running, ended
        self._name, self._chain, self._url = home.city.name, home.founding.chain, home.url
        self._wait, self._ready = _LOOK_SECONDS, False

    def until_told(self) -> None:
        """Look each second; the first answer of the engine is what makes the node ready."""
        while not self._ended.wait(self._wait if not self._running.runs else _LOOK_SECONDS):
            if not self._running.runs:
                self._start_again()
            elif not self._ready and self._answers():
                self._ready = True
                self._say("ready", "consortium.node_ready")
            elif self._ready:
                self._wait = _LOOK_SECONDS

    def _start_again(self) -> None:
        self._wait = min(2 * self._wait, _LONGEST_SECONDS)
        self._running.kill()
        with suppress(StateError):  # it is tried again, and the logs say why
            self._running.start()
        self._say("restarted", "consortium.node_restarted")

    def _answers(self) -> bool:
        with Client(self._url, _LOOK_SECONDS) as client, suppress(StateError):
            client.ask("health")
            return True
        return False

    def _say(self, event: str, text: str) -> None:
        values = {"city": self._name, "chain": self._chain, "url": self._url}
        self._run.document({"event": event, **values})
        self._run.say(self._run.text(text, **values))
