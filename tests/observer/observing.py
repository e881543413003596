"""One run of nine cities, read by the observer: the story, the games, and what everybody keeps and prints.

All of it is made once and ended before any test looks at it: what is left is octets.
"""

import asyncio
import contextlib
import io
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from consortium.fetching import Fetcher
from consortium.folder import opened_folder
from consortium.mirror import Mirror
from consortium.source import HttpSource
from tests.disclosure.composite.distinguisher import toss
from tests.observer.cities import APART, LETTERS, REGULATOR, Cities, founded
from tests.observer.private import Secrets
from tests.observer.reading import PublicLog, read_log, read_witness
from tests.observer.seeing import Seen, simulated
from tests.observer.story import Story, told
from tests.observer.telling import Trial
from tests.observer.writing import Leaf, refusing, using
from tests.zkservice.witnessing import anchored, published
from zk.local_server import launch

USES: Final = 512
"""In each game: some 256 of each side."""
GAMES: Final[Mapping[str, str]] = {
    "one holder or the other": "d",
    "one credential or another": "e",
    "a use or a refusal": "f",
    "a use or the simulator": "g",
    "one holder's before the other's, in each block": "h",
}
"""Each on the log of its own city. In the last the order in which leaves come would tell, and is not kept:
the log takes what waits into a block in an order by chance."""
_BLOCK: Final = 256
_PATIENCE: Final = 60.0


@dataclass
class Observed:
    """Everything that the observer has, and what it must not find in it."""

    story: Secrets
    leaves: dict[str, dict[int, bytes]]
    moments: tuple[float, float]
    logs: dict[str, PublicLog] = field(default_factory=dict)
    shown: dict[str, dict[str, bytes]] = field(default_factory=dict)
    games: dict[str, Trial] = field(default_factory=dict)
    stores: dict[str, bytes] = field(default_factory=dict)
    printed: dict[str, bytes] = field(default_factory=dict)
    mirrored: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def of_story(self) -> list[Seen]:
        """Return the leaves of the story, of all nine logs."""
        return [
            each for log in self.logs.values() for each in log.uses() if each.index in self.leaves[log.origin]
        ]

    def all_leaves(self) -> Iterator[Seen]:
        for log in self.logs.values():
            yield from log.uses()


def observed(folder: Path) -> Observed:
    """Have everything happen, and read it."""
    output = io.StringIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(output))
        stack.enter_context(contextlib.redirect_stderr(output))
        cities, begun = stack.enter_context(founded(folder)), time.time()
        story = stack.enter_context(told(cities, folder))
        made = Observed(story.secrets, story.leaves(), (begun, time.time()))
        played = {name: _played(story, cities, name) for name in GAMES}
        with httpx.Client(trust_env=False, timeout=30) as client:
            _read(client, cities, made)
        made.games = {name: _trial(made.logs[GAMES[name]], coins) for name, coins in played.items()}
        _mirror(cities, made)
        for name in list(cities.processes):
            made.printed[name] = cities.ended(name).encode()
    made.stores |= _stores(cities)
    made.printed["servers and witnesses of this process"] = output.getvalue().encode()
    return made


# --- the games: leaves that come to a log by its own outbox, as fast as it takes them


def _played(story: Story, cities: Cities, game: str) -> dict[bytes, bool]:
    """Toss the coins and put a leaf on the log for each; return the coin of each leaf."""
    letter, coins = GAMES[game], toss(USES)
    heads, tails = _sides(story, letter, game)
    if letter == "h":
        coins = [coin for at in range(0, USES, _BLOCK) for coin in sorted(coins[at : at + _BLOCK])]
    leaves = [heads() if coin else tails() for coin in coins]
    _enqueue(cities.server(letter), leaves)
    return {entry: coin for (entry, _), coin in zip(leaves, coins, strict=True)}


def _sides(story: Story, letter: str, game: str) -> tuple[Callable[[], Leaf], Callable[[], Leaf]]:
    one, other = story.holders
    school, bank = f"school-of-{letter}", f"savings-bank-of-{letter}"
    numbers = [secrets.token_bytes(32) for _ in range(2)]
    first = using(one.vault.keys, True, numbers[0], school, "district")
    match game:
        case "one credential or another":
            second = using(
                one.vault.keys, False, numbers[1], bank, *["name", "number", "since", "district", "fee"]
            )
        case "a use or a refusal":
            second = refusing(one.vault.keys, False, numbers[1], bank)
        case "a use or the simulator":
            return first.use, simulated
        case _:
            second = using(other.vault.keys, False, numbers[1], school, "district")
    return first.use, second.use


def _enqueue(server: Path, leaves: list[Leaf]) -> None:
    """Let leaves wait for the log, all in one transaction, so that each block takes as many as it can."""
    ids = range(10_000_000, 10_000_000 + len(leaves))
    rows = [(number, *leaf) for number, leaf in zip(ids, leaves, strict=True)]
    database = sqlite3.connect(server / "service.sqlite3", timeout=30)
    with contextlib.closing(database) as connection, connection:
        connection.executemany("insert into outbox (id) values (?)", [(each,) for each in ids])
        connection.executemany("insert into outbox_content values (?, ?, ?)", rows)


def _trial(log: PublicLog, coins: dict[bytes, bool]) -> Trial:
    """Return the uses of a game in the order in which they stand on the log."""
    seen = [each for each in log.uses() if each.entry in coins]
    assert len(seen) == len(coins) == USES
    assert len({each.height for each in seen}) == USES // _BLOCK
    return Trial(seen, [coins[each.entry] for each in seen])


# --- reading


def _read(client: httpx.Client, cities: Cities, made: Observed) -> None:
    for letter in LETTERS:
        expected = len(made.leaves[cities.logs[letter].name]) + (USES if letter in GAMES.values() else 0)
        made.logs[letter] = _whole(client, cities, letter, expected)
    for name, witness in cities.witnesses.items():
        assert witness.url is not None
        made.shown[name] = read_witness(client, witness.url, cities.origins)


def _whole(client: httpx.Client, cities: Cities, letter: str, leaves: int) -> PublicLog:
    """Read a log as soon as so many leaves are anchored."""
    town, end = cities.towns[letter], time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        size = town.run(published(town.city))
        town.run(anchored(town.city, size, _PATIENCE))
        found = read_log(client, cities.urls[letter], cities.policy(letter))
        if len(found.uses()) >= leaves:
            return found
        time.sleep(0.2)
    raise TimeoutError(f"{letter} does not show all leaves")


def _mirror(cities: Cities, made: Observed) -> None:
    """Have eight logs mirrored here, and the ninth by the command."""

    async def mirror(letter: str) -> None:
        with opened_folder(cities.folder / letter / "mirror") as opened:
            async with Fetcher(connect=10, whole=30) as fetcher:
                kept = await Mirror.opened(opened, cities.policy(letter))
                await kept.update(HttpSource(cities.urls[letter], fetcher))

    for letter in LETTERS.replace(APART, ""):
        asyncio.run(mirror(letter))
    folder, errors = cities.folder / APART / "mirror", cities.folder / "mirror.stderr"
    command = ["--json", "ledger", "mirror", folder, "--policy", cities.policy_file(APART)]
    with errors.open("w") as stream:
        process = launch(command, stream)
        out, _ = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 0, errors.read_text()
    made.printed["mirror"] = (out + errors.read_text()).encode()
    for letter in LETTERS:
        root = cities.folder / letter / "mirror"
        made.mirrored[letter] = {
            str(each.relative_to(root)): each.read_bytes() for each in root.rglob("*") if each.is_file()
        }


def _stores(cities: Cities) -> dict[str, bytes]:
    """Return all files of witnesses and of the monitor."""
    folders = [cities.folder / "monitor", *map(cities.witness, (*LETTERS, REGULATOR))]
    return {
        str(file.relative_to(cities.folder)): file.read_bytes()
        for folder in folders
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
