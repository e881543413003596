"""A hall of the test city: one home with all counters of a newborn's bundle, whose board a page shows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from disclosure import LocalizedText, PolicyName
from tests.web_edge.behind import CODE, POLICY, desk_of
from tests.zkservice.allowing import allowed
from tests.zkservice.errands import PARTS, Errands, newborn
from tests.zkservice.support import PERMIT, TEXT, City, Issued
from tlog import Verifier
from verifier import keys
from zk.commands.web_board import OpenBoard, open_board
from zk.home import Home, Profile, private_folder
from zk.run import Run


@dataclass
class Hall:
    """The counters of one bundle in one home."""

    errands: Errands
    home: Home
    policy: Path
    desk: Callable[[], Any]

    @property
    def run(self) -> Run:
        return Run(as_json=False, lang="en", home=self.home)

    @property
    def bundle(self) -> str:
        name = self.errands.bundle.name
        return f"{name.bundle}@{name.version}"

    def board(self) -> OpenBoard:
        """Open the board by what the command is given."""
        opened = open_board(self.run, self.bundle, [self.policy])
        assert opened is not None
        return opened

    def given(self) -> dict[str, Any]:
        """What an edge is given; each call opens another board over the same home."""
        return {"desk": self.desk, "counter_code": CODE, "board": self.board()}


def trusting(town: City, folder: Path) -> Home:
    """A home that knows the city's service and its log's key."""
    folder.mkdir(mode=0o700)
    home, log = Home(folder), Verifier.from_string(town.ready.verifier_key)
    home.save_profile(Profile(town.ready.address, town.ready.data / "ca.pem", log))
    return home


async def hall_of(
    town: City,
    folder: Path,
    number: int,
    called: LocalizedText | None = None,
    issued: Issued | None = None,
) -> Hall:
    """Register a bundle of this number with counters of its own, and make the home that has all of them."""
    home = trusting(town, folder / "hall")
    bundle = newborn(number, [f"hall{number}-{each}" for each in PARTS], policy="counter")
    bundle = bundle if called is None else replace(bundle, display_name=called, description=called)
    private_folder(home.path / "verifiers")
    for each in bundle.counters:
        name = each.verifier.verifier
        await town.add_verifier(name)
        await town.add_policy(allowed(PolicyName(name, "counter", 1), [PERMIT], TEXT))
        keys.save(town.verifier_keys[name], home.verifier_key(name))
    policy = folder / "counter.yaml"
    policy.write_bytes(POLICY)
    errands = await Errands.of(town, issued or await town.claim(await town.issue()), bundle)
    return Hall(errands, home, policy, await desk_of(town, folder / "desk"))
